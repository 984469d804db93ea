-- Back to short codes and decimal prices.

ALTER TABLE shipping_methods DROP CONSTRAINT shipping_methods_price_cents_check;
ALTER TABLE shipping_methods ALTER COLUMN price_cents TYPE numeric(8, 2) USING price_cents / 100.0;
ALTER TABLE shipping_methods ADD CONSTRAINT shipping_methods_price_check CHECK (price_cents >= 0);
ALTER TABLE shipping_methods RENAME COLUMN price_cents TO price;

ALTER TABLE orders ALTER COLUMN shipping_method SET DEFAULT 'std';
UPDATE shipping_methods SET code = 'pick' WHERE code = 'pick_up';
UPDATE shipping_methods SET code = 'exp' WHERE code = 'express';
UPDATE shipping_methods SET code = 'std' WHERE code = 'standard';
