-- By which way changes came that were no call of their author's own, such as those of proposals.
-- They go with the instants of their states.
CREATE TABLE {graph}.origins (
    time  bigint NOT NULL,                 -- these two as in instants
    xid   bigint NOT NULL,
    via   text   NOT NULL,                 -- JSON
    PRIMARY KEY (time, xid)
);
