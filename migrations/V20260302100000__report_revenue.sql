-- Revenue by day for the dashboard, refreshed at night. The unique index lets it be refreshed concurrently.

CREATE MATERIALIZED VIEW revenue_by_day AS
SELECT (o.placed_at AT TIME ZONE 'UTC')::date AS day,
       count(DISTINCT o.id) AS orders,
       sum(i.quantity * i.unit_price_cents) AS revenue_cents
  FROM orders o
  JOIN order_items i ON i.order_id = o.id
 WHERE o.state IN ('paid', 'sent')
 GROUP BY 1;

CREATE UNIQUE INDEX revenue_by_day_key ON revenue_by_day (day);
