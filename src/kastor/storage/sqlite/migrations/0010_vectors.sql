-- Search by meaning: what is indexed, and vectors that clients put beside twins.

CREATE TABLE vector_indexes (
    name      TEXT PRIMARY KEY,
    dims      INTEGER NOT NULL,
    metric    TEXT    NOT NULL,            -- cosine, l2, dot
    property  TEXT,                        -- names with dots; NULL: vectors stand in `vectors`
    models    TEXT    NOT NULL,            -- JSON array of ids; empty: all
    created   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE vectors (
    index_name  TEXT    NOT NULL,
    twin_key    INTEGER NOT NULL REFERENCES twins (key) ON DELETE CASCADE,
    version     INTEGER NOT NULL,          -- 1, 2, 3 ... of this row
    changed     INTEGER NOT NULL DEFAULT 0, -- 1, 2, 3 ... of all rows of the index; 0: as copied
    vector      BLOB,                      -- float32, highest byte first; NULL: taken back
    PRIMARY KEY (twin_key, index_name)
) STRICT;
CREATE INDEX vectors_by_change ON vectors (index_name, changed);
CREATE INDEX vectors_by_twin ON vectors (index_name, twin_key) WHERE vector IS NOT NULL;
