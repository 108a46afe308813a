"""The statements of a search index in a file of its own, and those that read the graph for it."""

from __future__ import annotations

SCHEMA = """
CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), state TEXT NOT NULL) STRICT;

-- One row for each twin and model; a kind is one stretch of numbers.
CREATE TABLE documents (
    number       INTEGER PRIMARY KEY,
    kind         INTEGER NOT NULL,
    id           TEXT    NOT NULL,
    folded_id    TEXT    NOT NULL,
    name         TEXT,
    folded_name  TEXT,
    model        TEXT,
    fields       BLOB    NOT NULL,         -- JSON: pairs of path and text
    folded       TEXT    NOT NULL,         -- their texts, one after the other
    heads        INTEGER NOT NULL,         -- characters at its beginning that are id and names
    digest       BLOB    NOT NULL,         -- of what was found, so that the same is left alone
    scan         INTEGER NOT NULL          -- the last one that met it
) STRICT;
CREATE INDEX documents_by_id ON documents (kind, folded_id);
CREATE INDEX documents_by_name ON documents (kind, folded_name) WHERE folded_name IS NOT NULL;

-- Trigrams of ids and names, and of everything; the texts are in `documents`.
CREATE VIRTUAL TABLE head_grams USING fts5 (
    text, content = '', contentless_delete = 1, detail = none, columnsize = 1,
    tokenize = 'trigram case_sensitive 1');
CREATE VIRTUAL TABLE text_grams USING fts5 (
    text, content = '', contentless_delete = 1, detail = none, columnsize = 1,
    tokenize = 'trigram case_sensitive 1');

-- Words that a misspelled one may mean, and what they are without one letter.
CREATE TABLE words (word TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE shortened (
    form TEXT NOT NULL, word TEXT NOT NULL, PRIMARY KEY (form, word)
) STRICT, WITHOUT ROWID;

CREATE TABLE names (name TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT, WITHOUT ROWID;
"""

STATE = "SELECT state FROM state"
SET_STATE = "INSERT OR REPLACE INTO state (one, state) VALUES (1, ?)"

STORED = "SELECT digest, scan, fields FROM documents WHERE number = ?"
MET = "UPDATE documents SET scan = ? WHERE number = ?"
PUT = """
INSERT OR REPLACE INTO documents (number, kind, id, folded_id, name, folded_name, model, fields,
                                  folded, heads, digest, scan)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
PUT_GRAMS = (
    "INSERT INTO head_grams (rowid, text) VALUES (?1, substr(?2, 1, ?3))",
    "INSERT INTO text_grams (rowid, text) VALUES (?1, ?2)",
)
DELETE = "DELETE FROM documents WHERE number = ?"
DELETE_GRAMS = (
    "DELETE FROM head_grams WHERE rowid = ?",
    "DELETE FROM text_grams WHERE rowid = ?",
)
NUMBER = """
SELECT number, fields FROM documents WHERE kind = ?1 AND folded_id = ?2 AND id = ?3
"""
UNMET = "SELECT number, fields FROM documents WHERE scan < ? AND number > ? ORDER BY number LIMIT ?"

WORDS = "SELECT count(*) FROM words"
MORE = "UPDATE words SET count = count + ?2 WHERE word = ?1 RETURNING count"
NEW_WORD = "INSERT INTO words (word, count) VALUES (?, ?)"
NEW_FORM = "INSERT OR IGNORE INTO shortened (form, word) VALUES (?, ?)"
NO_WORD = "DELETE FROM words WHERE word = ?"
NO_FORM = "DELETE FROM shortened WHERE form = ? AND word = ?"
RESEMBLING = """
SELECT DISTINCT w.word, w.count FROM json_each(?1) f
JOIN shortened s ON s.form = f.value JOIN words w ON w.word = s.word
ORDER BY w.count DESC, w.word LIMIT ?2
"""

NO_NAMES = "DELETE FROM names"
COUNT_NAME = """
INSERT INTO names (name, count) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET count = count + excluded.count
"""
NAMES = "SELECT name, count FROM names WHERE count > 0 ORDER BY count DESC, name LIMIT ?"

_ROW = "d.number, d.id, d.name, d.model, d.fields"
BEGINNING = tuple(
    f"""
SELECT {_ROW} FROM documents d
WHERE d.kind = ?1 AND d.{column} >= ?2 AND d.{column} < ?2 || char(0x10ffff)
ORDER BY d.{column} LIMIT ?3
"""
    for column in ("folded_id", "folded_name")
)
ENDS = "SELECT min(number), max(number) FROM documents WHERE number >= ? AND number < ?"
SAMPLE = """
SELECT folded, heads FROM documents
WHERE number IN (SELECT (SELECT min(number) FROM documents WHERE number >= f.value)
                 FROM json_each(?) f)
"""
MERGE = tuple(
    f"INSERT INTO {table} ({table}, rank) VALUES ('merge', ?)"
    for table in ("head_grams", "text_grams")
)
OPTIMIZE = tuple(
    f"INSERT INTO {table} ({table}) VALUES ('optimize')" for table in ("head_grams", "text_grams")
)
"""Lists that are in many pieces take several times as long to read."""
NEXT_NUMBER = "SELECT min(number) FROM documents WHERE number >= ? AND number < ?"


def holding(table: str, checks: int, *, heads: bool) -> str:
    """Return the statement that finds rows of a stretch of numbers by trigrams.

    Its parameters are the expression of trigrams, the stretch, JSON lists of texts, of each of
    which the row has one, and how many rows.

    Args:
        table: of trigrams.
        checks: how many lists.
        heads: whether to look at ids and names alone.
    """
    text = "substr(d.folded, 1, d.heads)" if heads else "d.folded"
    wanted = "".join(
        f" AND EXISTS (SELECT 1 FROM json_each(?{at + 4}) w WHERE instr({text}, w.value) > 0)"
        for at in range(checks)
    )
    return (
        f"SELECT {_ROW} FROM {table} CROSS JOIN documents d ON d.number = {table}.rowid"
        f" WHERE {table} MATCH ?1 AND {table}.rowid BETWEEN ?2 AND ?3{wanted}"
        f" LIMIT ?{checks + 4}"
    )


TWINS = """
SELECT key, id, CAST(json(doc) AS BLOB) FROM twins WHERE id IN (SELECT value FROM json_each(?))
"""
MODELS = """
SELECT m.key, k.id, CAST(m.text AS BLOB) FROM models m JOIN model_keys k ON k.key = m.key
WHERE m.valid_to IS NULL AND k.id IN (SELECT value FROM json_each(?))
"""
NEXT_ROWS = {
    "twin": "SELECT key, id, CAST(json(doc) AS BLOB) FROM twins WHERE key > ? ORDER BY key LIMIT ?",
    "model": """
SELECT m.key, k.id, CAST(m.text AS BLOB) FROM models m JOIN model_keys k ON k.key = m.key
WHERE m.valid_to IS NULL AND m.key > ? ORDER BY m.key LIMIT ?
""",
}
POSITION = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'changes'), 0)"
COUNT_NAMES = """
SELECT n.name, c.count
FROM (SELECT name_key, count(*) AS count FROM relationships GROUP BY name_key) c
JOIN relationship_names n ON n.key = c.name_key
"""
