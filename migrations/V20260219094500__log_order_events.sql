-- What happened to an order, in one partition per quarter so that old quarters can be dropped.

CREATE TABLE order_events (
    order_id bigint NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    happened_at timestamptz NOT NULL DEFAULT now(),
    kind text NOT NULL,
    details jsonb NOT NULL DEFAULT '{}' CONSTRAINT order_events_details_object CHECK (jsonb_typeof(details) = 'object'),
    PRIMARY KEY (order_id, happened_at)
) PARTITION BY RANGE (happened_at);

CREATE INDEX order_events_kind_idx ON order_events (kind, happened_at);

CREATE TABLE order_events_2026_q1 PARTITION OF order_events
    FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE order_events_2026_q2 PARTITION OF order_events
    FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-07-01 00:00+00');
CREATE TABLE order_events_rest PARTITION OF order_events DEFAULT;
