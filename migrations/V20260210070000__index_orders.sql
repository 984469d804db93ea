-- dbmigrate: no-transaction
-- The list of a customer's orders, newest first, and the queue of the warehouse. Built while the shop is open.

CREATE INDEX CONCURRENTLY orders_of_customer_idx ON orders (customer_id, placed_at DESC);
CREATE INDEX CONCURRENTLY orders_to_send_idx ON orders (placed_at) INCLUDE (shipping_method) WHERE state = 'paid';
