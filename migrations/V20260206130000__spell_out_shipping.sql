-- Codes that can be read, and prices in cents as everywhere else. Orders follow their method's code.

UPDATE shipping_methods SET code = 'standard' WHERE code = 'std';
UPDATE shipping_methods SET code = 'express' WHERE code = 'exp';
UPDATE shipping_methods SET code = 'pick_up' WHERE code = 'pick';
ALTER TABLE orders ALTER COLUMN shipping_method SET DEFAULT 'standard';

ALTER TABLE shipping_methods RENAME COLUMN price TO price_cents;
ALTER TABLE shipping_methods DROP CONSTRAINT shipping_methods_price_check;
ALTER TABLE shipping_methods ALTER COLUMN price_cents TYPE bigint USING (price_cents * 100)::bigint;
ALTER TABLE shipping_methods ADD CONSTRAINT shipping_methods_price_cents_check CHECK (price_cents >= 0);
