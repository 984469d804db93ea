-- Removes the products and the type of their states.

DROP TABLE products;
DROP TYPE product_state;
