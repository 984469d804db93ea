-- Orders and their lines. A customer with orders cannot be deleted; a deleted order takes its lines along.

CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES customers (id) ON DELETE RESTRICT,
    shipping_method text NOT NULL DEFAULT 'std' REFERENCES shipping_methods (code) ON UPDATE CASCADE,
    state text NOT NULL DEFAULT 'open'
        CONSTRAINT orders_state_check CHECK (state IN ('open', 'paid', 'sent', 'cancelled')),
    placed_at timestamptz NOT NULL DEFAULT now(),
    note text,
    client_address inet
);

CREATE TABLE order_items (
    order_id bigint NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    line smallint NOT NULL CHECK (line > 0),
    product_id bigint NOT NULL REFERENCES products (id),
    quantity integer NOT NULL CHECK (quantity BETWEEN 1 AND 999),
    unit_price_cents integer NOT NULL CHECK (unit_price_cents >= 0),
    PRIMARY KEY (order_id, line),
    CONSTRAINT order_items_product_once UNIQUE (order_id, product_id) DEFERRABLE INITIALLY DEFERRED
);
