-- Inputs can be paused, as routes can.

ALTER TABLE inputs ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;
