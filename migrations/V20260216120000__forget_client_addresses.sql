-- dbmigrate: irreversible the addresses are personal data and are deleted for good
-- We no longer keep from where an order was placed.

ALTER TABLE orders DROP COLUMN client_address;
