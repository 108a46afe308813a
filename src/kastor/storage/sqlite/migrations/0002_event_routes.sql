-- Event routes, their endpoints, and the events that a route gave up.

CREATE TABLE endpoints (
    name      TEXT PRIMARY KEY,
    kind      TEXT    NOT NULL,
    settings  TEXT    NOT NULL,            -- JSON; secrets stand in it by reference only
    created   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE routes (
    id             TEXT PRIMARY KEY,
    endpoint       TEXT    NOT NULL,
    filter         TEXT    NOT NULL,
    position       INTEGER NOT NULL,       -- changes.seq up to which all is done
    paused         INTEGER NOT NULL,
    created        INTEGER NOT NULL,
    delivered      INTEGER NOT NULL,
    died           INTEGER NOT NULL,
    last_delivery  INTEGER,
    last_error     TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE dead_letters (
    key       INTEGER PRIMARY KEY AUTOINCREMENT,
    route     TEXT    NOT NULL,
    position  INTEGER NOT NULL,
    event     BLOB    NOT NULL,
    error     TEXT    NOT NULL,
    attempts  INTEGER NOT NULL,
    died      INTEGER NOT NULL,
    requeued  INTEGER NOT NULL
) STRICT;
CREATE INDEX dead_letters_by_route ON dead_letters (route, key);
