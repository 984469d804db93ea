-- A product that is no longer sold keeps its page.

ALTER TYPE product_state ADD VALUE 'retired';
