-- A value cannot be taken out of an enum: the type is made anew. Retired products become drafts.

DROP INDEX products_on_sale_idx;
ALTER TABLE products ALTER COLUMN state DROP DEFAULT;

ALTER TYPE product_state RENAME TO product_state_old;
CREATE TYPE product_state AS ENUM ('draft', 'on_sale');
ALTER TABLE products
    ALTER COLUMN state TYPE product_state
    USING (CASE state::text WHEN 'retired' THEN 'draft' ELSE state::text END)::product_state;
DROP TYPE product_state_old;

ALTER TABLE products ALTER COLUMN state SET DEFAULT 'draft';
CREATE INDEX products_on_sale_idx ON products (title) WHERE state = 'on_sale';
