-- Writes that were tried and wait for their word; they live for minutes.
CREATE TABLE {graph}.proposals (
    id              text COLLATE "C" PRIMARY KEY,
    caller          text    NOT NULL,      -- principal that may apply it
    actor           text    NOT NULL,      -- its name
    reason          text    NOT NULL,
    writes          text    NOT NULL,      -- kinds of its writes, one a line
    count           bigint  NOT NULL,      -- of its operations
    position        bigint  NOT NULL,      -- in the change log, of the state it was tried on
    needs_approval  boolean NOT NULL,
    size            bigint  NOT NULL,      -- of what it holds, in bytes
    created         bigint  NOT NULL,
    expires         bigint  NOT NULL,
    approver        text,
    approved        bigint,
    applied         bigint,
    token           bytea   NOT NULL,      -- hash of what its caller applies it by
    operations      text    NOT NULL,      -- JSON, as a batch has them
    seen            text    NOT NULL,      -- JSON, the etag of everything that they touch
    diff            text    NOT NULL,      -- JSON
    answer          text                   -- JSON, once it was applied
);
CREATE UNIQUE INDEX proposals_by_token ON {graph}.proposals (token);
