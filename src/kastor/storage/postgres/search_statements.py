"""The tables of a search index on PostgreSQL and the statements over them.

They are made by whoever follows the log and stand in no migration, since all that is in them can be
made anew.
"""

from __future__ import annotations

from kastor.storage.postgres.leases import hold, keep, let_go

BLOCK = 16_384
"""Rows whose trigrams are numbers of their own: a GIN index answers all rows of a key at once."""
INDEXED_CHARACTERS = 200
"""Of an id or a name; longer ones do not fit into an index."""

TABLES = (
    "search_state",
    "search_documents",
    "search_words",
    "search_shortened",
    "search_names",
)
LOCK = "SELECT pg_advisory_xact_lock($1)"
IS_HERE = "SELECT 1 FROM {graph}.meta"
"""Fails where the graph is no more; where it is, it stays until the transaction ends."""
FOUND = "SELECT to_regclass($1) IS NOT NULL"
MAKE = (
    """
CREATE TABLE {graph}.search_state (
    one         smallint PRIMARY KEY CHECK (one = 1),
    state       text NOT NULL,
    owner       text,
    held_until  timestamptz
)
""",
    "INSERT INTO {graph}.search_state (one, state) VALUES (1, $1)",
    """
CREATE TABLE {graph}.search_documents (
    number       bigint   PRIMARY KEY,
    kind         smallint NOT NULL,
    id           text COLLATE "C" NOT NULL,
    folded_id    text COLLATE "C" NOT NULL,
    name         text,
    folded_name  text COLLATE "C",
    model        text,
    fields       text     NOT NULL,
    folded       text COLLATE "C" NOT NULL,
    heads        integer  NOT NULL,
    digest       text     NOT NULL,
    scan         bigint   NOT NULL,
    head_grams   integer[] NOT NULL,
    text_grams   integer[] NOT NULL
)
""",
    "CREATE INDEX search_documents_by_id ON {graph}.search_documents (kind, folded_id)",
    """
CREATE INDEX search_documents_by_name ON {graph}.search_documents (kind, folded_name)
WHERE folded_name IS NOT NULL
""",
    """
CREATE TABLE {graph}.search_words (word text COLLATE "C" PRIMARY KEY, count bigint NOT NULL)
""",
    """
CREATE TABLE {graph}.search_shortened (
    form text COLLATE "C" NOT NULL, word text COLLATE "C" NOT NULL, PRIMARY KEY (form, word)
)
""",
    """
CREATE TABLE {graph}.search_names (name text COLLATE "C" PRIMARY KEY, count bigint NOT NULL)
""",
)
DROP = "DROP TABLE IF EXISTS " + ", ".join(f"{{graph}}.{table}" for table in TABLES)
INDEX_GRAMS = tuple(
    f"CREATE INDEX IF NOT EXISTS search_documents_{column} ON {{graph}}.search_documents"
    f" USING gin ({column}) WITH (fastupdate = off)"
    for column in ("head_grams", "text_grams")
)
"""Made when a first scan has ended: row by row it would take ten times as long."""

STATE = "SELECT state FROM {graph}.search_state WHERE one = 1"
HOLD = hold("search_state", "one")
KEEP = keep("search_state", "one")
LET_GO = let_go("search_state", "one")
HOLDER = """
SELECT owner FROM {graph}.search_state
WHERE one = 1 AND owner IS NOT NULL AND held_until >= now()
"""
STILL_HELD = "SELECT 1 FROM {graph}.search_state WHERE one = 1 AND owner = $1 FOR UPDATE"
"""In the transaction of a write, at whose end another one may claim it."""
SET_STATE = """
UPDATE {graph}.search_state SET state = $1 WHERE one = 1 AND owner = $2 RETURNING 1
"""

STORED = """
SELECT number, digest, scan, fields FROM {graph}.search_documents
WHERE number = ANY($1::text[]::bigint[])
"""
MET = """
UPDATE {graph}.search_documents SET scan = $1 WHERE number = ANY($2::text[]::bigint[])
"""
PUT = """
INSERT INTO {graph}.search_documents
    (number, kind, id, folded_id, name, folded_name, model, fields, folded, heads, digest, scan,
     head_grams, text_grams)
SELECT number::bigint, kind::smallint, id, folded_id, name, folded_name, model, fields, folded,
       heads::integer, digest, $1::bigint, head_grams::integer[], text_grams::integer[]
FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[])
    AS r (number, kind, id, folded_id, name, folded_name, model, fields, folded, heads, digest,
          head_grams, text_grams)
ON CONFLICT (number) DO UPDATE SET
    kind = excluded.kind, id = excluded.id, folded_id = excluded.folded_id, name = excluded.name,
    folded_name = excluded.folded_name, model = excluded.model, fields = excluded.fields,
    folded = excluded.folded, heads = excluded.heads, digest = excluded.digest,
    scan = excluded.scan, head_grams = excluded.head_grams, text_grams = excluded.text_grams
"""
DELETE = """
DELETE FROM {graph}.search_documents
WHERE kind = $1 AND folded_id = ANY($2::text[]) AND id = ANY($3::text[]) RETURNING fields
"""
SWEEP = """
DELETE FROM {graph}.search_documents WHERE number IN (
    SELECT number FROM {graph}.search_documents WHERE scan < $1 ORDER BY number LIMIT $2)
RETURNING fields
"""

WORDS = "SELECT count(*) FROM {graph}.search_words"
MORE = """
UPDATE {graph}.search_words w SET count = w.count + d.delta::bigint
FROM unnest($1::text[], $2::text[]) AS d (word, delta) WHERE w.word = d.word
RETURNING w.word, w.count
"""
NEW_WORDS = """
INSERT INTO {graph}.search_words (word, count)
SELECT word, count::bigint FROM unnest($1::text[], $2::text[]) AS d (word, count)
ON CONFLICT (word) DO NOTHING
"""
NEW_FORMS = """
INSERT INTO {graph}.search_shortened (form, word)
SELECT form, word FROM unnest($1::text[], $2::text[]) AS d (form, word)
ON CONFLICT (form, word) DO NOTHING
"""
NO_WORDS = "DELETE FROM {graph}.search_words WHERE word = ANY($1::text[])"
NO_FORMS = """
DELETE FROM {graph}.search_shortened s USING unnest($1::text[], $2::text[]) AS d (form, word)
WHERE s.form = d.form AND s.word = d.word
"""
RESEMBLING = """
SELECT w.word FROM {graph}.search_shortened s JOIN {graph}.search_words w ON w.word = s.word
WHERE s.form = ANY($1::text[]) GROUP BY w.word, w.count ORDER BY w.count DESC, w.word LIMIT $2
"""

NO_NAMES = "DELETE FROM {graph}.search_names"
COUNT_NAMES = """
INSERT INTO {graph}.search_names AS n (name, count)
SELECT name, count::bigint FROM unnest($1::text[], $2::text[]) AS d (name, count)
ON CONFLICT (name) DO UPDATE SET count = n.count + excluded.count
"""
NAMES = """
SELECT name, count FROM {graph}.search_names WHERE count > 0 ORDER BY count DESC, name LIMIT $1
"""

QUICK = "SET LOCAL enable_seqscan = off; SET LOCAL jit = off; SET LOCAL statement_timeout = {0}"
"""In a transaction: an index serves each of these statements, whatever is estimated."""
_ROW = "d.number, d.id, d.name, d.model, d.fields"
BEGINNING = tuple(
    f"""
SELECT {_ROW} FROM {{graph}}.search_documents d
WHERE d.kind = $1 AND d.{column} >= $2 AND d.{column} < $3
ORDER BY d.{column} LIMIT $4
"""
    for column in ("folded_id", "folded_name")
)
ENDS = """
SELECT min(number), max(number) FROM {graph}.search_documents WHERE number >= $1 AND number < $2
"""
SAMPLE = """
SELECT d.folded, d.heads FROM unnest($1::text[]) AS f (number) CROSS JOIN LATERAL (
    SELECT folded, heads FROM {graph}.search_documents WHERE number >= f.number::bigint
    ORDER BY number LIMIT 1) d
"""
BLOCKS = f"""
WITH RECURSIVE blocks (block) AS (
    SELECT min(number) / {BLOCK} FROM {{graph}}.search_documents WHERE number >= $1 AND number < $2
    UNION ALL
    SELECT (SELECT min(number) / {BLOCK} FROM {{graph}}.search_documents
            WHERE number >= (block + 1) * {BLOCK} AND number < $2)
    FROM blocks WHERE block IS NOT NULL
)
SELECT block FROM blocks WHERE block IS NOT NULL ORDER BY block
"""


def holding(words: tuple[int, ...], lists: int, *, heads: bool) -> str:
    """Return the statement that finds rows of blocks by trigrams.

    Its parameters are how many rows, then lists of texts, then for each text of some words its
    trigrams in each of the blocks.

    Args:
        words: how many texts stand for each word that has trigrams.
        lists: of texts; a row has one of each.
        heads: whether to look at ids and names alone.
    """
    column = "head_grams" if heads else "text_grams"
    text = "left(d.folded, d.heads)" if heads else "d.folded"
    checks = " AND ".join(
        f"EXISTS (SELECT 1 FROM unnest(${at + 2}::text[]) AS w (text)"
        f" WHERE strpos({text}, w.text) > 0)"
        for at in range(lists)
    )
    total = sum(words)
    names = [f"g{at}" for at in range(total)]
    taken = iter(names)
    grams = " AND ".join(
        "(" + " OR ".join(f"d.{column} @> b.{next(taken)}::integer[]" for _ in range(count)) + ")"
        for count in words
    )
    given = ", ".join(f"${lists + 2 + at}::text[]" for at in range(total))
    return (
        f"SELECT f.* FROM unnest({given}) AS b ({', '.join(names)}) CROSS JOIN LATERAL ("
        f"SELECT {_ROW} FROM {{graph}}.search_documents d WHERE {grams} AND {checks}"
        f" LIMIT $1) f LIMIT $1"
    )


TWINS = "SELECT key, id, doc::text FROM {graph}.twins WHERE id = ANY($1::text[])"
MODELS = """
SELECT m.key, k.id, m.text FROM {graph}.models m JOIN {graph}.model_keys k ON k.key = m.key
WHERE m.valid_to IS NULL AND k.id = ANY($1::text[])
"""
_PORTION = """
SELECT key, id, doc FROM (
    SELECT key, id, doc, sum(octet_length(doc)) OVER (ORDER BY key) - octet_length(doc) AS before
    FROM ({rows} LIMIT $2) r) r
WHERE before < $3 ORDER BY key
"""
NEXT_ROWS = {
    "twin": _PORTION.replace(
        "{rows}",
        "SELECT key, id, doc::text AS doc FROM {graph}.twins WHERE key > $1 ORDER BY key",
    ),
    "model": _PORTION.replace(
        "{rows}",
        "SELECT m.key, k.id, m.text AS doc FROM {graph}.models m"
        " JOIN {graph}.model_keys k ON k.key = m.key"
        " WHERE m.valid_to IS NULL AND m.key > $1 ORDER BY m.key",
    ),
}
"""A portion ends with the row that reaches so many bytes."""
COUNTED = """
SELECT (SELECT position FROM {graph}.log_head),
       (SELECT coalesce(array_agg(event_id), '{}') FROM {graph}.changes
        WHERE pos IS NULL AND kind LIKE 'Relationship.%'),
       (SELECT coalesce(json_object_agg(n.name, c.count), '{}') FROM (
            SELECT name_key, count(*) AS count FROM {graph}.relationships GROUP BY name_key) c
        JOIN {graph}.relationship_names n ON n.key = c.name_key)::text
"""
"""In one statement, so that all of it is of one state."""
