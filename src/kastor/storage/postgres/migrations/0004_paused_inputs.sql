-- Inputs can be paused, as routes can.
ALTER TABLE {graph}.inputs ADD COLUMN IF NOT EXISTS paused boolean NOT NULL DEFAULT false;
