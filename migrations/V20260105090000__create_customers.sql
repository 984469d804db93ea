-- Who buys here. An address is checked once, in its type.

CREATE DOMAIN email_address AS text
    CONSTRAINT email_address_form CHECK (VALUE ~ '^[^@[:space:]]+@[^@[:space:]]+$');

CREATE TABLE customers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email email_address NOT NULL,
    name text NOT NULL CONSTRAINT customers_name_not_blank CHECK (btrim(name) <> ''),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE UNIQUE INDEX customers_email_key ON customers (lower(email::text));

COMMENT ON TABLE customers IS 'People with an account';
COMMENT ON COLUMN customers.email IS 'Unique without regard to case';
