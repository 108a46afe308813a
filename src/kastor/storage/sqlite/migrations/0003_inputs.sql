-- Inputs: where messages of sensors come from, and what becomes of them.

CREATE TABLE inputs (
    name      TEXT PRIMARY KEY,
    kind      TEXT    NOT NULL,
    settings  TEXT    NOT NULL,            -- JSON, rules included; secrets by reference only
    created   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
