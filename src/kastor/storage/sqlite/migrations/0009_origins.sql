-- By which way changes came that were no call of their author's own, such as those of proposals.
-- They go with the instants of their states.
CREATE TABLE origins (
    change  INTEGER PRIMARY KEY,           -- changes.seq
    time    INTEGER NOT NULL,              -- that its rows have
    via     TEXT    NOT NULL               -- JSON
) STRICT;
