-- Removes the lines first, since they refer to the orders.

DROP TABLE order_items;
DROP TABLE orders;
