-- Access by twin: which twins are in the parts of the graph that rules name, kept by triggers that
-- are there while a part is. And the texts that an embedder makes vectors of.

CREATE TABLE parts (
    key       INTEGER PRIMARY KEY AUTOINCREMENT,
    root      TEXT    NOT NULL,            -- id of the twin with which it begins
    outgoing  INTEGER NOT NULL,            -- 1: relationships lead down, 0: up
    names     TEXT    NOT NULL,            -- JSON array of theirs, in order
    UNIQUE (root, outgoing, names)
) STRICT;

CREATE TABLE part_names (
    name      TEXT    NOT NULL,
    part_key  INTEGER NOT NULL REFERENCES parts (key) ON DELETE CASCADE,
    PRIMARY KEY (name, part_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE part_twins (
    part_key  INTEGER NOT NULL REFERENCES parts (key) ON DELETE CASCADE,
    twin_key  INTEGER NOT NULL,
    PRIMARY KEY (part_key, twin_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX part_twins_by_twin ON part_twins (twin_key, part_key);

-- What a twin was in last; of a twin that is gone it decides who sees its past.
CREATE TABLE parts_left (
    twin_key  INTEGER NOT NULL,
    part_key  INTEGER NOT NULL REFERENCES parts (key) ON DELETE CASCADE,
    PRIMARY KEY (twin_key, part_key)
) STRICT, WITHOUT ROWID;

-- Empty but within a statement.
CREATE TABLE part_lost (
    part_key  INTEGER NOT NULL,
    twin_key  INTEGER NOT NULL,
    PRIMARY KEY (part_key, twin_key)
) STRICT, WITHOUT ROWID;

ALTER TABLE vector_indexes ADD COLUMN template TEXT;
