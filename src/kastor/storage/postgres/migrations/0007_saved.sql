-- Documents and scene files of the explorer, each of its kind under its name.
CREATE TABLE {graph}.saved (
    kind          text COLLATE "C" NOT NULL, -- views, queries, scenes, files
    name          text COLLATE "C" NOT NULL,
    content_type  text   NOT NULL,
    size          bigint NOT NULL,         -- of data, in bytes
    etag          text   NOT NULL,
    created       bigint NOT NULL,
    updated       bigint NOT NULL,
    actor         text   NOT NULL,         -- who wrote it last
    data          bytea  NOT NULL,
    PRIMARY KEY (kind, name)
);
