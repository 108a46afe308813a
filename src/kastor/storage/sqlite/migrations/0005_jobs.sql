-- Jobs: long work that goes on after a crash. What is done is noted in the transaction that does it.

CREATE TABLE jobs (
    kind         TEXT    NOT NULL,         -- imports, deletions, exports ...
    id           TEXT    NOT NULL,
    status       TEXT    NOT NULL,
    created      INTEGER NOT NULL,
    last_action  INTEGER NOT NULL,
    purge        INTEGER NOT NULL,         -- when it is forgotten
    actor        TEXT    NOT NULL,
    request      TEXT    NOT NULL,         -- JSON: what was asked, and what the caller was allowed
    progress     TEXT    NOT NULL,         -- JSON: where the work goes on
    finished     INTEGER,
    error        TEXT,                     -- JSON
    starts       INTEGER NOT NULL DEFAULT 0, -- since it last got on
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_unfinished ON jobs (created, id, kind, status)
    WHERE status IN ('notstarted', 'running', 'cancelling');

CREATE TABLE job_lines (
    kind  TEXT    NOT NULL,
    id    TEXT    NOT NULL,
    n     INTEGER NOT NULL,                -- 1, 2, 3 ...
    line  TEXT    NOT NULL,                -- JSON
    PRIMARY KEY (kind, id, n)
) STRICT, WITHOUT ROWID;

-- What requests with an operation-id were answered, for whoever repeats them.
CREATE TABLE kept_answers (
    id       TEXT PRIMARY KEY,
    digest   BLOB    NOT NULL,             -- of the request
    answer   TEXT    NOT NULL,             -- JSON
    done     INTEGER NOT NULL,
    created  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
