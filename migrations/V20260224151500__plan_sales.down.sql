-- Removes the sales.

DROP TABLE sale_products;
DROP TABLE sales;
