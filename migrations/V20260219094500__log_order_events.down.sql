-- Removes the events; the partitions go with their table.

DROP TABLE order_events;
