-- A session that acts for a customer sees that customer's orders only.

CREATE FUNCTION acting_customer() RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('shop.customer_id', true), '')::bigint;

ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY orders_own ON orders
    USING (customer_id = acting_customer())
    WITH CHECK (customer_id = acting_customer() AND state = 'open');
