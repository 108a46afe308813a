-- Access by twin: which twins are in the parts of the graph that rules name, kept by triggers that
-- are there while a part is. And the texts that an embedder makes vectors of.

CREATE TABLE {graph}.parts (
    key       bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    root      text    COLLATE "C" NOT NULL, -- id of the twin with which it begins
    outgoing  boolean NOT NULL,             -- whether relationships lead down
    names     text    COLLATE "C" NOT NULL, -- JSON array of theirs, in order
    UNIQUE (root, outgoing, names)
);

CREATE TABLE {graph}.part_names (
    name      text    COLLATE "C" NOT NULL,
    part_key  bigint  NOT NULL REFERENCES {graph}.parts (key) ON DELETE CASCADE,
    PRIMARY KEY (name, part_key)
);

CREATE TABLE {graph}.part_twins (
    part_key  bigint  NOT NULL REFERENCES {graph}.parts (key) ON DELETE CASCADE,
    twin_key  bigint  NOT NULL,
    PRIMARY KEY (part_key, twin_key)
);
CREATE INDEX part_twins_by_twin ON {graph}.part_twins (twin_key, part_key);

-- What a twin was in last; of a twin that is gone it decides who sees its past.
CREATE TABLE {graph}.parts_left (
    twin_key  bigint  NOT NULL,
    part_key  bigint  NOT NULL REFERENCES {graph}.parts (key) ON DELETE CASCADE,
    PRIMARY KEY (twin_key, part_key)
);

-- Empty but within a statement.
CREATE TABLE {graph}.part_lost (
    part_key  bigint  NOT NULL,
    twin_key  bigint  NOT NULL,
    PRIMARY KEY (part_key, twin_key)
);

ALTER TABLE {graph}.vector_indexes ADD COLUMN template text;
