-- Search by meaning: what is indexed, and vectors that clients put beside twins.

CREATE TABLE {graph}.vector_indexes (
    name      text COLLATE "C" PRIMARY KEY,
    dims      integer NOT NULL,
    metric    text    NOT NULL,            -- cosine, l2, dot
    property  text,                        -- names with dots; NULL: vectors stand in `vectors`
    models    text    NOT NULL,            -- JSON array of ids; empty: all
    created   bigint  NOT NULL
);

CREATE TABLE {graph}.vectors (
    index_name  text COLLATE "C" NOT NULL,
    twin_key    bigint  NOT NULL REFERENCES {graph}.twins (key) ON DELETE CASCADE,
    version     bigint  NOT NULL,          -- 1, 2, 3 ... of this row
    changed     bigint  NOT NULL DEFAULT 0, -- the transaction that wrote it; 0: as copied
    vector      real[],                    -- NULL: taken back
    PRIMARY KEY (twin_key, index_name)
);
CREATE INDEX vectors_by_change ON {graph}.vectors (index_name, changed);
CREATE INDEX vectors_by_twin ON {graph}.vectors (index_name, twin_key) WHERE vector IS NOT NULL;
