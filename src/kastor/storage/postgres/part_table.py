"""Which twins are in the parts of a graph that begin at one, on PostgreSQL; see `storage.parts`.

Triggers keep it, so that whatever writes a relationship keeps it too, in its own transaction. They
are there while a part is: who has no such rules pays nothing. Whoever writes a relationship of a
part waits for others who do: two transactions that add a to b and b to c would each miss the other.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import asyncpg

from kastor.errors import Unavailable
from kastor.storage.parts import MOST_PARTS, key_of, names_of, told_of, too_many

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.records import PolicyPart
    from kastor.storage.postgres.connections import Connection
    from kastor.storage.postgres.event_tables import Upkeep
    from kastor.storage.postgres.statements import Qualified

FILL_SECONDS = 600.0
FUNCTIONS = (
    *("part_twins_keep", "part_twins_begin", "part_twins_end", "part_twins_back"),
    "parts_left_end",
)
"""Names of those that the triggers call; they stand in the graph's schema, and go with it."""
_FIND = "SELECT key FROM {graph}.parts WHERE root = $1 AND outgoing = $2 AND names = $3"
# Writers of twins and relationships wait, and begin again behind it with the triggers.
_STOP_WRITES = """
LOCK TABLE {graph}.twins, {graph}.relationships, {graph}.parts IN SHARE ROW EXCLUSIVE MODE
"""
_COUNT = "SELECT count(*) FROM {graph}.parts"
_ADD = """
INSERT INTO {graph}.parts (key, root, outgoing, names) OVERRIDING SYSTEM VALUE
VALUES ($1, $2, $3, $4)
"""
_ADD_NAMES = """
INSERT INTO {graph}.part_names (name, part_key)
SELECT n.value, $1 FROM jsonb_array_elements_text($2::text::jsonb) n (value)
"""


def _beyond(found: str, row: str, *, down: bool) -> str:
    """Return what joins the other ends of the relationships at a row, in either direction.

    Args:
        found: a table of parts and twins.
        row: what each of the other ends is called.
        down: to what lies below; else to what lies above.
    """
    source, target = ("source_key", "target_key") if down else ("target_key", "source_key")
    return f"""
{found} CROSS JOIN LATERAL (
  SELECT e.{target} AS twin_key FROM {{graph}}.parts p
  JOIN {{graph}}.part_names n ON n.part_key = p.key
  JOIN {{graph}}.relationship_names r ON r.name = n.name
  JOIN {{graph}}.relationships e ON e.{source} = {found}.twin_key AND e.name_key = r.key
  WHERE p.key = {found}.part_key AND p.outgoing
  UNION ALL
  SELECT e.{source} FROM {{graph}}.parts p
  JOIN {{graph}}.part_names n ON n.part_key = p.key
  JOIN {{graph}}.relationship_names r ON r.name = n.name
  JOIN {{graph}}.relationships e ON e.{target} = {found}.twin_key AND e.name_key = r.key
  WHERE p.key = {found}.part_key AND NOT p.outgoing
) {row}
"""


def _is_new(found: str, row: str) -> str:
    return (
        f"NOT EXISTS (SELECT 1 FROM {{graph}}.part_twins x"
        f" WHERE x.part_key = {found}.part_key AND x.twin_key = {row}.twin_key)"
    )


def _begins_below(row: str, end: str) -> str:
    """Return the lower end of a relationship for each part that one of its ends is in.

    Args:
        row: the relationship.
        end: which of the ends is in the part: `above`, or the lower one, `twin_key`.
    """
    return f"""
SELECT o.part_key, o.twin_key FROM (
  SELECT n.part_key,
         CASE WHEN p.outgoing THEN {row}.source_key ELSE {row}.target_key END AS above,
         CASE WHEN p.outgoing THEN {row}.target_key ELSE {row}.source_key END AS twin_key
  FROM {{graph}}.part_names n JOIN {{graph}}.relationship_names r ON r.name = n.name
  JOIN {{graph}}.parts p ON p.key = n.part_key WHERE r.key = {row}.name_key
) o JOIN {{graph}}.part_twins m ON m.part_key = o.part_key AND m.twin_key = o.{end}
"""


_FILL = f"""
WITH RECURSIVE reached(part_key, twin_key) AS (
  SELECT p.key, t.key FROM {{graph}}.parts p JOIN {{graph}}.twins t ON t.id = p.root
  WHERE p.key = $1
  UNION SELECT reached.part_key, s.twin_key FROM {_beyond("reached", "s", down=True)})
INSERT INTO {{graph}}.part_twins (part_key, twin_key) SELECT part_key, twin_key FROM reached
ON CONFLICT DO NOTHING
"""
_ARE_MADE = """
SELECT 1 FROM pg_trigger WHERE tgrelid = '{graph}.relationships'::regclass
AND tgname = 'part_twins_keep'
"""
_TRIGGERS = f"""
CREATE OR REPLACE FUNCTION {{graph}}.part_twins_keep() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
  names bigint[] := ARRAY[
    CASE WHEN TG_OP <> 'INSERT' THEN OLD.name_key END,
    CASE WHEN TG_OP <> 'DELETE' THEN NEW.name_key END];
BEGIN
  IF NOT EXISTS (SELECT 1 FROM {{graph}}.part_names n
                 JOIN {{graph}}.relationship_names r ON r.name = n.name
                 WHERE r.key = ANY (names)) THEN
    RETURN NULL;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtext('{{graph}}.parts'));
  IF TG_OP <> 'INSERT' THEN
    -- The statement has done all its work by now: a to b and b to c may both be gone, so that what
    -- was below is looked at whether what was above is still in or not.
    WITH RECURSIVE lost(part_key, twin_key) AS (
      {_begins_below("OLD", "twin_key")}
      UNION SELECT lost.part_key, s.twin_key FROM {_beyond("lost", "s", down=True)})
    INSERT INTO {{graph}}.part_lost (part_key, twin_key)
    SELECT lost.part_key, lost.twin_key FROM lost JOIN {{graph}}.parts p ON p.key = lost.part_key
    JOIN {{graph}}.part_twins m ON m.part_key = p.key AND m.twin_key = lost.twin_key
    JOIN {{graph}}.twins t ON t.key = lost.twin_key WHERE t.id <> p.root ON CONFLICT DO NOTHING;
    DELETE FROM {{graph}}.part_twins m USING {{graph}}.part_lost l
    WHERE m.part_key = l.part_key AND m.twin_key = l.twin_key;
    WITH RECURSIVE back(part_key, twin_key) AS (
      SELECT part_lost.part_key, part_lost.twin_key
      FROM {{graph}}.{_beyond("part_lost", "s", down=False).strip()}
      JOIN {{graph}}.part_twins m ON m.part_key = part_lost.part_key AND m.twin_key = s.twin_key
      UNION SELECT back.part_key, s.twin_key FROM {_beyond("back", "s", down=True)}
      WHERE {_is_new("back", "s")})
    INSERT INTO {{graph}}.part_twins (part_key, twin_key) SELECT part_key, twin_key FROM back
    ON CONFLICT DO NOTHING;
    DELETE FROM {{graph}}.part_lost l USING {{graph}}.part_twins m
    WHERE m.part_key = l.part_key AND m.twin_key = l.twin_key;
    DELETE FROM {{graph}}.parts_left WHERE twin_key IN (SELECT twin_key FROM {{graph}}.part_lost);
    INSERT INTO {{graph}}.parts_left (twin_key, part_key)
    SELECT twin_key, part_key FROM {{graph}}.part_lost;
    DELETE FROM {{graph}}.part_lost;
  END IF;
  IF TG_OP <> 'DELETE' THEN
    WITH RECURSIVE reached(part_key, twin_key) AS (
      {_begins_below("NEW", "above")} WHERE {_is_new("o", "o")}
      UNION SELECT reached.part_key, s.twin_key FROM {_beyond("reached", "s", down=True)}
      WHERE {_is_new("reached", "s")})
    INSERT INTO {{graph}}.part_twins (part_key, twin_key) SELECT part_key, twin_key FROM reached
    ON CONFLICT DO NOTHING;
  END IF;
  RETURN NULL;
END $body$;
CREATE OR REPLACE FUNCTION {{graph}}.part_twins_begin() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  DELETE FROM {{graph}}.parts_left WHERE twin_key = NEW.key;
  INSERT INTO {{graph}}.part_twins (part_key, twin_key)
  SELECT key, NEW.key FROM {{graph}}.parts WHERE root = NEW.id ON CONFLICT DO NOTHING;
  RETURN NULL;
END $body$;
CREATE OR REPLACE FUNCTION {{graph}}.part_twins_end() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  IF EXISTS (SELECT 1 FROM {{graph}}.part_twins WHERE twin_key = OLD.key) THEN
    DELETE FROM {{graph}}.parts_left WHERE twin_key = OLD.key;
    INSERT INTO {{graph}}.parts_left (twin_key, part_key)
    SELECT twin_key, part_key FROM {{graph}}.part_twins WHERE twin_key = OLD.key;
    DELETE FROM {{graph}}.part_twins WHERE twin_key = OLD.key;
  END IF;
  RETURN NULL;
END $body$;
CREATE OR REPLACE FUNCTION {{graph}}.part_twins_back() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  DELETE FROM {{graph}}.parts_left WHERE twin_key = NEW.twin_key;
  RETURN NULL;
END $body$;
CREATE OR REPLACE FUNCTION {{graph}}.parts_left_end() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  DELETE FROM {{graph}}.parts_left WHERE twin_key = OLD.key
  AND NOT EXISTS (SELECT 1 FROM {{graph}}.twins WHERE key = OLD.key);
  RETURN NULL;
END $body$;
CREATE TRIGGER part_twins_keep AFTER INSERT OR DELETE ON {{graph}}.relationships
FOR EACH ROW EXECUTE FUNCTION {{graph}}.part_twins_keep();
CREATE TRIGGER part_twins_turn AFTER UPDATE ON {{graph}}.relationships
FOR EACH ROW WHEN ((OLD.name_key, OLD.target_key) <> (NEW.name_key, NEW.target_key))
EXECUTE FUNCTION {{graph}}.part_twins_keep();
CREATE TRIGGER part_twins_begin AFTER INSERT ON {{graph}}.twins
FOR EACH ROW EXECUTE FUNCTION {{graph}}.part_twins_begin();
CREATE TRIGGER part_twins_end AFTER DELETE ON {{graph}}.twins
FOR EACH ROW EXECUTE FUNCTION {{graph}}.part_twins_end();
CREATE TRIGGER part_twins_back AFTER INSERT ON {{graph}}.part_twins
FOR EACH ROW EXECUTE FUNCTION {{graph}}.part_twins_back();
CREATE TRIGGER parts_left_end AFTER DELETE ON {{graph}}.tombstones
FOR EACH ROW WHEN (OLD.kind = 'twin') EXECUTE FUNCTION {{graph}}.parts_left_end();
"""


async def keep(connection: Connection, texts: Qualified, part: PolicyPart) -> int:
    """Return the key of a part that is kept; one that is not begins to be.

    Raises:
        Unavailable: there are too many.
    """
    told = told_of(part)
    found = await connection.fetchval(texts[_FIND], *told)
    if found is not None:
        return int(found)
    async with connection.transaction():
        await connection.execute(texts[_STOP_WRITES], timeout=FILL_SECONDS)
        found = await connection.fetchval(texts[_FIND], *told)
        if found is not None:
            return int(found)
        if await connection.fetchval(texts[_COUNT]) >= MOST_PARTS:
            raise too_many()
        key = key_of(part)
        await connection.execute(texts[_ADD], key, *told)
        await connection.execute(texts[_ADD_NAMES], key, json.dumps(names_of(part)))
        await connection.execute(texts[_FILL], key, timeout=FILL_SECONDS)
        if await connection.fetchval(texts[_ARE_MADE]) is None:
            await _make_triggers(connection, texts)
        return key


async def _make_triggers(connection: Connection, texts: Qualified) -> None:
    try:
        await connection.execute(texts[_TRIGGERS])
    except (asyncpg.FeatureNotSupportedError, asyncpg.InsufficientPrivilegeError) as error:
        # Nothing of the part is kept, so that nobody sees too much, or too little for good.
        raise Unavailable(
            "The database takes no triggers on this graph's tables, so that rules that name what"
            " lies below a twin cannot be kept to here. Name models in their place."
        ) from error


class PostgresPartTable:
    """Implements `PartStore` for one schema, which several processes may serve."""

    def __init__(self, upkeep: Upkeep, texts: Qualified) -> None:
        self._upkeep = upkeep
        self._texts = texts

    async def keep(self, parts: Sequence[PolicyPart]) -> list[int]:
        """Return the keys of parts, which are kept from now on."""

        async def kept(connection: Connection) -> Any:
            return [await keep(connection, self._texts, part) for part in parts]

        found: list[int] = await self._upkeep(kept)
        return found
