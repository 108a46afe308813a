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
