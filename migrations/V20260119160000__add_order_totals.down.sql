-- Removes the view.

DROP VIEW order_totals;
