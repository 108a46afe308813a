-- Writes that were tried and wait for their word; they live for minutes.
CREATE TABLE proposals (
    id              TEXT PRIMARY KEY,
    caller          TEXT    NOT NULL,      -- principal that may apply it
    actor           TEXT    NOT NULL,      -- its name
    reason          TEXT    NOT NULL,
    writes          TEXT    NOT NULL,      -- kinds of its writes, one a line
    count           INTEGER NOT NULL,      -- of its operations
    position        INTEGER NOT NULL,      -- in the change log, of the state it was tried on
    needs_approval  INTEGER NOT NULL,
    size            INTEGER NOT NULL,      -- of what it holds, in bytes
    created         INTEGER NOT NULL,
    expires         INTEGER NOT NULL,
    approver        TEXT,
    approved        INTEGER,
    applied         INTEGER,
    token           BLOB    NOT NULL,      -- hash of what its caller applies it by
    operations      TEXT    NOT NULL,      -- JSON, as a batch has them
    seen            TEXT    NOT NULL,      -- JSON, the etag of everything that they touch
    diff            TEXT    NOT NULL,      -- JSON
    answer          TEXT                   -- JSON, once it was applied
) STRICT;
CREATE UNIQUE INDEX proposals_by_token ON proposals (token);
