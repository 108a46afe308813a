-- Jobs: long work that goes on after a crash. What is done is noted in the transaction that does it.
CREATE TABLE {graph}.jobs (
    kind         text COLLATE "C" NOT NULL, -- imports, deletions, exports ...
    id           text COLLATE "C" NOT NULL,
    status       text   NOT NULL,
    created      bigint NOT NULL,
    last_action  bigint NOT NULL,
    purge        bigint NOT NULL,          -- when it is forgotten
    actor        text   NOT NULL,
    request      text   NOT NULL,          -- JSON: what was asked, and what the caller was allowed
    progress     text   NOT NULL,          -- JSON: where the work goes on
    finished     bigint,
    error        text,                     -- JSON
    starts       bigint NOT NULL DEFAULT 0, -- since it last got on
    owner        text,                     -- the process that does the work
    held_until   timestamptz,              -- by the database's clock
    PRIMARY KEY (kind, id)
);
CREATE INDEX jobs_unfinished ON {graph}.jobs (created, id, kind)
    WHERE status IN ('notstarted', 'running', 'cancelling');

CREATE TABLE {graph}.job_lines (
    kind  text COLLATE "C" NOT NULL,
    id    text COLLATE "C" NOT NULL,
    n     bigint NOT NULL,                 -- 1, 2, 3 ...
    line  text   NOT NULL,                 -- JSON
    PRIMARY KEY (kind, id, n)
);

-- What requests with an operation-id were answered, for whoever repeats them.
CREATE TABLE {graph}.kept_answers (
    id       text COLLATE "C" PRIMARY KEY,
    digest   bytea   NOT NULL,             -- of the request
    answer   text    NOT NULL,             -- JSON
    done     boolean NOT NULL,
    created  bigint  NOT NULL
);
