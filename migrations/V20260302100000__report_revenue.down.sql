-- Removes the report and its index.

DROP MATERIALIZED VIEW revenue_by_day;
