-- What each order costs, for the list of orders.

CREATE VIEW order_totals AS
SELECT o.id AS order_id,
       o.customer_id,
       o.state,
       sum(i.quantity * i.unit_price_cents) AS total_cents
  FROM orders o
  JOIN order_items i ON i.order_id = o.id
 GROUP BY o.id;

COMMENT ON VIEW order_totals IS 'Orders without lines are not in it';
