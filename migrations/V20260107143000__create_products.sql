-- What is on sale. The text to search in is kept up to date by the server.

CREATE TYPE product_state AS ENUM ('draft', 'on_sale');

CREATE TABLE products (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sku text NOT NULL UNIQUE CHECK (sku ~ '^[A-Z0-9-]{3,20}$'),
    title text NOT NULL,
    description text NOT NULL DEFAULT '',
    price_cents integer NOT NULL CHECK (price_cents >= 0),
    state product_state NOT NULL DEFAULT 'draft',
    words tsvector NOT NULL GENERATED ALWAYS AS (to_tsvector('simple', title || ' ' || description)) STORED
);

CREATE INDEX products_words_idx ON products USING gin (words);
CREATE INDEX products_on_sale_idx ON products (title) WHERE state = 'on_sale';
