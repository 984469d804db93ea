-- dbmigrate: no-transaction
-- Removes the indexes, again without blocking anybody.

DROP INDEX CONCURRENTLY orders_to_send_idx;
DROP INDEX CONCURRENTLY orders_of_customer_idx;
