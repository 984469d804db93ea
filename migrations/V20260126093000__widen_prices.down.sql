-- Back to an integer; fails, changing nothing, if a price has become too large for it.

DROP VIEW order_totals;

ALTER TABLE products ALTER COLUMN price_cents TYPE integer;
ALTER TABLE order_items ALTER COLUMN unit_price_cents TYPE integer;

CREATE VIEW order_totals AS
SELECT o.id AS order_id,
       o.customer_id,
       o.state,
       sum(i.quantity * i.unit_price_cents) AS total_cents
  FROM orders o
  JOIN order_items i ON i.order_id = o.id
 GROUP BY o.id;

COMMENT ON VIEW order_totals IS 'Orders without lines are not in it';
