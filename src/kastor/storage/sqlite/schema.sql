-- The whole current schema of one graph on SQLite (one file = one graph = one ADT instance).
-- Times are 100 ns UTC ticks since 0001-01-01. Documents are JSONB without `$etag`.
-- Surrogate keys are never reused; ids and names compare by code point (BINARY, the default).

CREATE TABLE meta (
    one            INTEGER PRIMARY KEY CHECK (one = 1),
    model_epoch    INTEGER NOT NULL,
    last_tick      INTEGER NOT NULL,       -- time of the newest change
    version_bytes  INTEGER NOT NULL,       -- what superseded versions take
    log_bytes      INTEGER NOT NULL,       -- event bodies held by the change log
    host_name      TEXT    NOT NULL,       -- `source` of this graph's events
    signing_key    BLOB    NOT NULL,       -- signs continuation tokens
    created        INTEGER NOT NULL,
    history_from   INTEGER NOT NULL DEFAULT 0, -- states after earlier entries are gone
    history        TEXT,                   -- JSON: how much of the past is kept; NULL: as the server
    packed_to      INTEGER NOT NULL DEFAULT 0, -- versions that ended before are packed, or never
    telemetry_bytes INTEGER NOT NULL DEFAULT 0,
    -- Positions in the log, so that what did not change since a state is read from the present:
    twins_more           INTEGER NOT NULL DEFAULT 0, -- the last creation of one
    twins_other          INTEGER NOT NULL DEFAULT 0, -- the last deletion or other model of one
    relationships_more   INTEGER NOT NULL DEFAULT 0, -- the last creation of one
    relationships_other  INTEGER NOT NULL DEFAULT 0  -- the last deletion, other name or target of one
) STRICT;

-- Ids of models, kept for good: twins of a deleted model still point here.
CREATE TABLE model_keys (
    key  INTEGER PRIMARY KEY AUTOINCREMENT,
    id   TEXT NOT NULL UNIQUE
) STRICT;

-- One row per upload, and one more whenever it goes out of service or into it again; the present
-- one has valid_to NULL.
CREATE TABLE models (
    key             INTEGER NOT NULL REFERENCES model_keys (key),
    seq             INTEGER NOT NULL,      -- 1 for the first row of this id
    text            TEXT    NOT NULL,      -- the document as it was uploaded
    uploaded        INTEGER NOT NULL,
    decommissioned  INTEGER,               -- since when; NULL while in service
    valid_from      INTEGER NOT NULL,
    valid_to        INTEGER,
    change          INTEGER NOT NULL DEFAULT 0, -- changes.seq of the first entry of this change
    ended_by        INTEGER,               -- the same of the one that ended it
    PRIMARY KEY (key, seq)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX models_stored ON models (key) WHERE valid_to IS NULL;

CREATE TABLE relationship_names (
    key   INTEGER PRIMARY KEY AUTOINCREMENT,
    name  TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE twins (
    key         INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT    NOT NULL UNIQUE,
    model_key   INTEGER NOT NULL,          -- no foreign key: a model may go before its twins
    etag        TEXT    NOT NULL,          -- the guid inside W/"..."
    version     INTEGER NOT NULL,          -- 1, 2, 3 ... without gaps
    valid_from  INTEGER NOT NULL,
    change      INTEGER NOT NULL,          -- changes.seq of the change that wrote this version
    actor       TEXT    NOT NULL,
    doc         BLOB    NOT NULL
) STRICT;
CREATE INDEX twins_by_model ON twins (model_key, key);

CREATE TABLE relationships (
    key         INTEGER PRIMARY KEY AUTOINCREMENT,
    source_key  INTEGER NOT NULL REFERENCES twins (key),
    id          TEXT    NOT NULL,
    name_key    INTEGER NOT NULL REFERENCES relationship_names (key),
    target_key  INTEGER NOT NULL REFERENCES twins (key),
    etag        TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    valid_from  INTEGER NOT NULL,
    change      INTEGER NOT NULL,
    actor       TEXT    NOT NULL,
    doc         BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX relationships_by_id ON relationships (source_key, id);
CREATE INDEX relationships_out ON relationships (source_key, name_key, target_key);
CREATE INDEX relationships_in ON relationships (target_key, name_key, source_key);

-- What a later change superseded, so that queries can be asked as of an instant. Within a key,
-- versions and changes rise together, so one index serves both.
CREATE TABLE twin_versions (
    key          INTEGER NOT NULL,
    id           TEXT    NOT NULL,
    model_key    INTEGER NOT NULL,
    etag         TEXT    NOT NULL,
    version      INTEGER NOT NULL,
    valid_from   INTEGER NOT NULL,
    change       INTEGER NOT NULL,
    actor        TEXT    NOT NULL,
    doc          BLOB    NOT NULL,
    valid_to     INTEGER NOT NULL,
    ended_by     INTEGER NOT NULL,         -- changes.seq
    ended_actor  TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX twin_versions_by_key ON twin_versions (key, ended_by);
CREATE INDEX twin_versions_by_end ON twin_versions (ended_by);

CREATE TABLE relationship_versions (
    key          INTEGER NOT NULL,
    source_key   INTEGER NOT NULL,
    id           TEXT    NOT NULL,
    name_key     INTEGER NOT NULL,
    target_key   INTEGER NOT NULL,
    etag         TEXT    NOT NULL,
    version      INTEGER NOT NULL,
    valid_from   INTEGER NOT NULL,
    change       INTEGER NOT NULL,
    actor        TEXT    NOT NULL,
    doc          BLOB    NOT NULL,
    valid_to     INTEGER NOT NULL,
    ended_by     INTEGER NOT NULL,
    ended_actor  TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX relationship_versions_by_key ON relationship_versions (key, ended_by);
CREATE INDEX relationship_versions_by_end ON relationship_versions (ended_by);
-- For who asks what left and entered a twin once.
CREATE INDEX relationship_versions_out ON relationship_versions (source_key, ended_by, change);
CREATE INDEX relationship_versions_in ON relationship_versions (target_key, ended_by, change);

-- Read only when something is created: the same id gets its key and the next version again.
CREATE TABLE tombstones (
    kind          TEXT    NOT NULL CHECK (kind IN ('twin', 'relationship')),
    id            TEXT    NOT NULL,        -- relationships: <source key>/<id>
    key           INTEGER NOT NULL,
    last_version  INTEGER NOT NULL,
    deleted_at    INTEGER NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX tombstones_by_time ON tombstones (deleted_at);

-- The change log. Every version has its row here, written in the same transaction.
CREATE TABLE changes (
    seq           INTEGER PRIMARY KEY AUTOINCREMENT,
    bucket        INTEGER NOT NULL,        -- of the (source) twin's id; unit of delivery later
    subject       TEXT    NOT NULL,
    twin_key      INTEGER,
    version       INTEGER,                 -- NULL for telemetry and models
    kind          TEXT    NOT NULL,        -- Twin.Create, Relationship.Update, Telemetry, Model.Upload ...
    notify        INTEGER NOT NULL,        -- 0: fires no event
    event_id      TEXT    NOT NULL,
    time          INTEGER NOT NULL,
    actor         TEXT    NOT NULL,
    traceparent   TEXT,
    model_id      TEXT,
    component     TEXT,
    content_type  TEXT,
    data          BLOB    NOT NULL,        -- the event's body, byte for byte
    pos           INTEGER GENERATED ALWAYS AS (seq) VIRTUAL
) STRICT;
CREATE INDEX changes_by_time ON changes (time);

-- Times of entries that left the change log before the versions that they made, so that an instant
-- finds its entry for as long as its state is kept.
CREATE TABLE instants (
    change    INTEGER PRIMARY KEY,         -- changes.seq
    time      INTEGER NOT NULL,
    kind      TEXT,                        -- these as in changes where something was created, else NULL
    twin_key  INTEGER,
    subject   TEXT,
    written   INTEGER                      -- the time that rows have, where it is another
) STRICT;
CREATE INDEX instants_by_time ON instants (time);

-- Entries whose time is not after that of the one before: the clock was set back.
CREATE TABLE setbacks (
    change  INTEGER PRIMARY KEY,
    time    INTEGER NOT NULL
) STRICT;

-- By which way changes came that were no call of their author's own, such as those of proposals.
-- They go with the instants of their states.
CREATE TABLE origins (
    change  INTEGER PRIMARY KEY,           -- changes.seq
    time    INTEGER NOT NULL,              -- that its rows have
    via     TEXT    NOT NULL               -- JSON
) STRICT;

-- Documents of versions that are no longer young, many together; their rows hold x'' in place.
CREATE TABLE version_blocks (
    kind      TEXT    NOT NULL CHECK (kind IN ('twin', 'relationship')),
    key       INTEGER NOT NULL,
    first     INTEGER NOT NULL,            -- versions without gaps
    last      INTEGER NOT NULL,
    ended_by  INTEGER NOT NULL,            -- of the last one
    docs      BLOB    NOT NULL,            -- as storage/sqlite/documents.py packs them
    PRIMARY KEY (kind, key, first)
) STRICT;
CREATE INDEX version_blocks_by_end ON version_blocks (ended_by);

-- Telemetry, where it is to be kept longer than the change log.
CREATE TABLE telemetry (
    change       INTEGER PRIMARY KEY,      -- changes.seq
    twin_key     INTEGER NOT NULL,
    component    TEXT,
    time         INTEGER NOT NULL,
    source_time  INTEGER,
    data         BLOB    NOT NULL          -- the message, byte for byte
) STRICT;
CREATE INDEX telemetry_by_twin ON telemetry (twin_key, change, time, source_time);
CREATE INDEX telemetry_by_time ON telemetry (time);

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

-- Inputs: where messages of sensors come from, and what becomes of them.

CREATE TABLE inputs (
    name      TEXT PRIMARY KEY,
    kind      TEXT    NOT NULL,
    settings  TEXT    NOT NULL,            -- JSON, rules included; secrets by reference only
    created   INTEGER NOT NULL,
    paused    INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

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

-- Documents and scene files of the explorer, each of its kind under its name.

CREATE TABLE saved (
    kind          TEXT    NOT NULL,        -- views, queries, scenes, files
    name          TEXT    NOT NULL,
    content_type  TEXT    NOT NULL,
    size          INTEGER NOT NULL,        -- of data, in bytes
    etag          TEXT    NOT NULL,
    created       INTEGER NOT NULL,
    updated       INTEGER NOT NULL,
    actor         TEXT    NOT NULL,        -- who wrote it last
    data          BLOB    NOT NULL         -- last, so that listings do not read it
) STRICT;
CREATE UNIQUE INDEX saved_by_name ON saved (kind, name);

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

-- Search by meaning: what is indexed, and vectors that clients put beside twins.

CREATE TABLE vector_indexes (
    name      TEXT PRIMARY KEY,
    dims      INTEGER NOT NULL,
    metric    TEXT    NOT NULL,            -- cosine, l2, dot
    property  TEXT,                        -- names with dots; NULL: vectors stand in `vectors`
    models    TEXT    NOT NULL,            -- JSON array of ids; empty: all
    created   INTEGER NOT NULL,
    template  TEXT                         -- of texts that an embedder makes vectors of
) STRICT, WITHOUT ROWID;

CREATE TABLE vectors (
    index_name  TEXT    NOT NULL,
    twin_key    INTEGER NOT NULL REFERENCES twins (key) ON DELETE CASCADE,
    version     INTEGER NOT NULL,          -- 1, 2, 3 ... of this row; of an embedder's, its text's hash
    changed     INTEGER NOT NULL DEFAULT 0, -- 1, 2, 3 ... of all rows of the index; 0: as copied
    vector      BLOB,                      -- float32, highest byte first; NULL: taken back
    PRIMARY KEY (twin_key, index_name)
) STRICT;
CREATE INDEX vectors_by_change ON vectors (index_name, changed);
CREATE INDEX vectors_by_twin ON vectors (index_name, twin_key) WHERE vector IS NOT NULL;

-- Access by twin: which twins are in the parts of the graph that rules name, kept by triggers that
-- are there while a part is.

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
