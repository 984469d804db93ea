-- Removes the customers and the type of their addresses.

DROP TABLE customers;
DROP DOMAIN email_address;
