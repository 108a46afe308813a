-- Whose the schema is, so that deleting or moving the graph takes nothing of anybody else.
ALTER TABLE {graph}.meta ADD COLUMN IF NOT EXISTS claim text;
ALTER TABLE {graph}.meta ADD COLUMN IF NOT EXISTS made boolean NOT NULL DEFAULT false;
ALTER TABLE {graph}.meta ADD COLUMN IF NOT EXISTS unfinished text;
UPDATE {graph}.meta SET made = '{graph}' <> '"public"';
