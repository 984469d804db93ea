-- Removes the shipping methods.

DROP TABLE shipping_methods;
