"""Which twins are in the parts of a graph that begin at one, on SQLite; see `kastor.storage.parts`.

Triggers keep it, so that whatever writes a relationship keeps it too, in its own transaction. They
are there while a part is: who has no such rules pays nothing.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kastor.storage.parts import MOST_PARTS, key_of, names_of, told_of, too_many

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

    from kastor.records import PolicyPart
    from kastor.storage.sqlite.event_tables import Upkeep

_FIND = "SELECT key FROM parts WHERE root = ? AND outgoing = ? AND names = ?"
_COUNT = "SELECT count(*) FROM parts"
_ADD = "INSERT INTO parts (key, root, outgoing, names) VALUES (?, ?, ?, ?)"
_ADD_NAMES = "INSERT INTO part_names (name, part_key) SELECT value, ? FROM json_each(?)"
_PART_OF = """
FROM part_names n JOIN relationship_names r ON r.name = n.name JOIN parts p ON p.key = n.part_key
"""
_IS_NEW = """
NOT EXISTS (SELECT 1 FROM part_twins x WHERE x.part_key = p.key AND x.twin_key = {})
"""


def _edges(found: str, end: str, *, outgoing: bool) -> str:
    """Return what joins the relationships that have this end at rows of `found`.

    Args:
        found: a table of parts and twins.
        end: the column of that end.
        outgoing: the direction of the parts that they are of.
    """
    return f"""
{found} JOIN parts p ON p.key = {found}.part_key AND p.outgoing = {outgoing:d}
JOIN part_names n ON n.part_key = p.key JOIN relationship_names r ON r.name = n.name
JOIN relationships e ON e.{end} = {found}.twin_key AND e.name_key = r.key
"""


def _below(found: str, *, new: bool) -> str:
    """Return the recursive terms for what lies below rows of `found`: in either direction."""
    down = f"SELECT {found}.part_key, e.target_key FROM" + _edges(
        found, "source_key", outgoing=True
    )
    up = f"SELECT {found}.part_key, e.source_key FROM" + _edges(found, "target_key", outgoing=False)
    if new:
        down += f"WHERE {_IS_NEW.format('e.target_key')}"
        up += f"WHERE {_IS_NEW.format('e.source_key')}"
    return f"{down} UNION {up}"


def _begins_below(row: str) -> str:
    """Return the lower end of a relationship for each part that its upper end is in."""
    return f"""
SELECT o.part_key, o.below FROM (
  SELECT n.part_key, iif(p.outgoing, {row}.source_key, {row}.target_key) AS above,
         iif(p.outgoing, {row}.target_key, {row}.source_key) AS below
  {_PART_OF} WHERE r.key = {row}.name_key
) o JOIN part_twins m ON m.part_key = o.part_key AND m.twin_key = o.above
"""


def _is_of_a_part(row: str) -> str:
    return f"""
{row}.name_key IN (
  SELECT r.key FROM part_names n JOIN relationship_names r ON r.name = n.name)
"""


_FILL = f"""
INSERT OR IGNORE INTO part_twins (part_key, twin_key)
WITH RECURSIVE reached(part_key, twin_key) AS (
  SELECT p.key, t.key FROM parts p JOIN twins t ON t.id = p.root WHERE p.key = ?
  UNION {_below("reached", new=False)})
SELECT part_key, twin_key FROM reached
"""
# Statements of triggers begin with no WITH; a query within one may.
_GROW = f"""
  INSERT OR IGNORE INTO part_twins (part_key, twin_key) SELECT part_key, twin_key FROM (
    WITH RECURSIVE reached(part_key, twin_key) AS (
      {_begins_below("NEW")} WHERE NOT EXISTS (
        SELECT 1 FROM part_twins x WHERE x.part_key = o.part_key AND x.twin_key = o.below)
      UNION {_below("reached", new=True)})
    SELECT part_key, twin_key FROM reached);
"""
_SHRINK = f"""
  INSERT OR IGNORE INTO part_lost (part_key, twin_key) SELECT part_key, twin_key FROM (
    WITH RECURSIVE lost(part_key, twin_key) AS (
      {_begins_below("OLD")} UNION {_below("lost", new=False)})
    SELECT lost.part_key, lost.twin_key FROM lost JOIN parts p ON p.key = lost.part_key
    JOIN twins t ON t.key = lost.twin_key WHERE t.id <> p.root);
  DELETE FROM part_twins
  WHERE (part_key, twin_key) IN (SELECT part_key, twin_key FROM part_lost);
  INSERT OR IGNORE INTO part_twins (part_key, twin_key) SELECT part_key, twin_key FROM (
    WITH RECURSIVE back(part_key, twin_key) AS (
      SELECT part_lost.part_key, part_lost.twin_key FROM
        {_edges("part_lost", "target_key", outgoing=True)}
        JOIN part_twins m ON m.part_key = p.key AND m.twin_key = e.source_key
      UNION SELECT part_lost.part_key, part_lost.twin_key FROM
        {_edges("part_lost", "source_key", outgoing=False)}
        JOIN part_twins m ON m.part_key = p.key AND m.twin_key = e.target_key
      UNION {_below("back", new=True)})
    SELECT part_key, twin_key FROM back);
  DELETE FROM part_lost WHERE (part_key, twin_key) IN (SELECT part_key, twin_key FROM part_twins);
  DELETE FROM parts_left WHERE twin_key IN (SELECT twin_key FROM part_lost);
  INSERT INTO parts_left (twin_key, part_key) SELECT twin_key, part_key FROM part_lost;
  DELETE FROM part_lost;
"""
_TRIGGERS = f"""
CREATE TRIGGER IF NOT EXISTS part_twins_grow AFTER INSERT ON relationships
WHEN {_is_of_a_part("NEW")} BEGIN {_GROW} END;
CREATE TRIGGER IF NOT EXISTS part_twins_shrink AFTER DELETE ON relationships
WHEN {_is_of_a_part("OLD")} BEGIN {_SHRINK} END;
CREATE TRIGGER IF NOT EXISTS part_twins_turn AFTER UPDATE OF name_key, target_key ON relationships
WHEN (OLD.name_key, OLD.target_key) <> (NEW.name_key, NEW.target_key)
  AND ({_is_of_a_part("OLD")} OR {_is_of_a_part("NEW")})
BEGIN {_SHRINK} {_GROW} END;
CREATE TRIGGER IF NOT EXISTS part_twins_begin AFTER INSERT ON twins
BEGIN
  DELETE FROM parts_left WHERE twin_key = NEW.key;
  INSERT INTO part_twins (part_key, twin_key) SELECT key, NEW.key FROM parts WHERE root = NEW.id;
END;
CREATE TRIGGER IF NOT EXISTS part_twins_end AFTER DELETE ON twins
WHEN EXISTS (SELECT 1 FROM part_twins WHERE twin_key = OLD.key)
BEGIN
  DELETE FROM parts_left WHERE twin_key = OLD.key;
  INSERT INTO parts_left (twin_key, part_key)
  SELECT twin_key, part_key FROM part_twins WHERE twin_key = OLD.key;
  DELETE FROM part_twins WHERE twin_key = OLD.key;
END;
CREATE TRIGGER IF NOT EXISTS part_twins_back AFTER INSERT ON part_twins
BEGIN
  DELETE FROM parts_left WHERE twin_key = NEW.twin_key;
END;
CREATE TRIGGER IF NOT EXISTS parts_left_end AFTER DELETE ON tombstones WHEN OLD.kind = 'twin'
BEGIN
  DELETE FROM parts_left
  WHERE twin_key = OLD.key AND NOT EXISTS (SELECT 1 FROM twins WHERE key = OLD.key);
END;
"""


def keep(connection: apsw.Connection, part: PolicyPart) -> int:
    """Return the key of a part that is kept; one that is not begins to be, in this transaction.

    Raises:
        Unavailable: there are too many.
    """
    told = told_of(part)
    rows: list[Any] = connection.execute(_FIND, told).fetchall()
    if rows:
        return int(rows[0][0])
    count: list[Any] = connection.execute(_COUNT).fetchall()
    if count[0][0] >= MOST_PARTS:
        raise too_many()
    key = key_of(part)
    connection.execute(_ADD, (key, *told)).fetchall()
    connection.execute(_ADD_NAMES, (key, json.dumps(names_of(part)))).fetchall()
    connection.execute(_FILL, (key,)).fetchall()
    connection.execute(_TRIGGERS).fetchall()
    return key


class SqlitePartTable:
    """Implements `PartStore` for one file."""

    def __init__(self, upkeep: Upkeep) -> None:
        self._upkeep = upkeep

    async def keep(self, parts: Sequence[PolicyPart]) -> list[int]:
        """Return the keys of parts, which are kept from now on."""

        def kept(connection: apsw.Connection, _head: object) -> list[int]:
            return [keep(connection, part) for part in parts]

        found: list[int] = await self._upkeep(kept)
        return found
