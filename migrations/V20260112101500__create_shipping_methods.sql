-- How a parcel travels, with the methods that we start with.

CREATE TABLE shipping_methods (
    code text PRIMARY KEY,
    label text NOT NULL,
    price numeric(8, 2) NOT NULL CONSTRAINT shipping_methods_price_check CHECK (price >= 0)
);

INSERT INTO shipping_methods (code, label, price) VALUES
    ('std', 'Standard, three days', 4.90),
    ('exp', 'Express, next day', 12.50),
    ('pick', 'Pick up in the shop', 0);
