-- Removes the trigger, its function and the column, in that order.

DROP TRIGGER orders_touch ON orders;
DROP FUNCTION touch_updated_at();
ALTER TABLE orders DROP COLUMN updated_at;
