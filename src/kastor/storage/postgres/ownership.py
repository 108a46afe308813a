"""Whose a schema is: what in it is Kastor's, which server claims it, how it goes with nothing else.

Two marks stand in a graph's `meta`: whether Kastor made the schema, and the claim of the placement
that has the graph. Only what bears the right claim is deleted, moved or opened. Nothing is dropped
with CASCADE: what depends on a graph's tables, and what else stands in its schema, is named and
kept, and PostgreSQL itself refuses what was overlooked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from kastor.clock import new_guid
from kastor.errors import Conflict
from kastor.storage.postgres import search_statements
from kastor.storage.postgres.part_table import FUNCTIONS
from kastor.storage.refusals import NotAGraphError, UnfinishedGraphError

if TYPE_CHECKING:
    from kastor.storage.postgres.connections import Connection

DROPPED = "kastor_dropped_"
"""How schemas begin that only wait for their removal."""

DEFAULT_CLAIM = "default"
"""Of a server's default graph; it is content with any other claim, since it is never deleted."""

COPYING, REMOVED = "copying", "removed"
"""Why a graph may not be opened: what is written into it is not whole, or it waits for its end."""

NAMED = 5
"""So many of the things that stand in the way are named."""

_STRANGERS = """
SELECT pg_describe_object(d.classid, d.objid, 0)
FROM pg_depend d JOIN pg_namespace s ON s.oid = d.refobjid
WHERE d.refclassid = 'pg_namespace'::regclass AND d.deptype = 'n' AND s.nspname = $1
  AND NOT (d.classid = 'pg_class'::regclass AND EXISTS (
    SELECT 1 FROM pg_class c
    LEFT JOIN pg_depend o ON o.classid = 'pg_class'::regclass AND o.objid = c.oid
        AND o.refclassid = 'pg_class'::regclass AND o.deptype IN ('a', 'i')
    LEFT JOIN pg_class t ON t.oid = o.refobjid AND t.relnamespace = c.relnamespace
    WHERE c.oid = d.objid AND (
        (c.relkind IN ('r', 'p') AND c.relname = ANY($2::text[]))
        OR (c.relkind = 'S' AND t.relname = ANY($2::text[]))
        OR (c.relname ~ $3 AND EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'citus')))))
  AND NOT (d.classid = 'pg_proc'::regclass AND EXISTS (
    SELECT 1 FROM pg_proc f WHERE f.oid = d.objid AND f.proname = ANY($4::text[])
        AND f.pronargs = 0 AND f.prorettype = 'trigger'::regtype))
ORDER BY 1 LIMIT 100
"""
_DEPENDENTS = """
WITH mine AS MATERIALIZED (
    SELECT c.oid, c.reltype FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace
    WHERE s.nspname = $1 AND c.relkind IN ('r', 'p') AND c.relname = ANY($2::text[])
), parts AS MATERIALIZED (
    SELECT 'pg_class'::regclass AS kind, oid FROM mine
    UNION ALL SELECT 'pg_type'::regclass, reltype FROM mine
    UNION ALL SELECT 'pg_type'::regclass, t.typarray FROM mine JOIN pg_type t ON t.oid = reltype
    UNION ALL SELECT 'pg_trigger'::regclass, g.oid FROM pg_trigger g JOIN mine ON tgrelid = mine.oid
    UNION ALL SELECT d.classid::regclass, d.objid FROM pg_depend d JOIN mine m ON m.oid = d.refobjid
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
      AND d.deptype IN ('a', 'i')
)
SELECT DISTINCT CASE WHEN r.oid IS NULL THEN pg_describe_object(d.classid, d.objid, 0)
                     ELSE pg_describe_object('pg_class'::regclass, r.ev_class, 0) END,
       k.oid IS NOT NULL
FROM pg_depend d JOIN parts p ON p.kind = d.refclassid AND p.oid = d.refobjid
LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
LEFT JOIN pg_constraint k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
LEFT JOIN pg_attrdef a ON d.classid = 'pg_attrdef'::regclass AND a.oid = d.objid
WHERE d.deptype = 'n'
  AND NOT EXISTS (SELECT 1 FROM mine m WHERE m.oid IN (r.ev_class, k.conrelid, a.adrelid))
  AND NOT EXISTS (SELECT 1 FROM parts o WHERE o.kind = d.classid AND o.oid = d.objid)
ORDER BY 1 LIMIT 100
"""
_MARKS = "SELECT claim, made, unfinished FROM {graph}.meta"
_CLAIM = "UPDATE {graph}.meta SET claim = $1 WHERE claim IS NULL"
_RELEASE = "UPDATE {graph}.meta SET claim = NULL WHERE claim = $1"
_MARK = "UPDATE {graph}.meta SET unfinished = $1"
_RENAME = "ALTER SCHEMA {graph} RENAME TO "
_DROP_TABLES = "DROP TABLE IF EXISTS "
_DROP_FUNCTIONS = "DROP FUNCTION IF EXISTS "
_DROP_SCHEMA = "DROP SCHEMA {graph} RESTRICT"


@dataclass(frozen=True, slots=True)
class Marks:
    """What a graph's `meta` says of whose it is.

    Attributes:
        claim: of the placement that has the graph; None where nobody has it, as after a copy.
        made: whether Kastor made the schema, and did not find it there.
        unfinished: why it must not be opened; None where it may.
    """

    claim: str | None
    made: bool
    unfinished: str | None


@cache
def own_tables() -> tuple[str, ...]:
    """Return the names of a graph's tables."""
    text = (files(__package__) / "schema.sql").read_text(encoding="utf-8")
    found = re.findall(r"^CREATE TABLE \{graph\}\.(\w+)", text, re.MULTILINE)
    return (*found, *search_statements.TABLES)


async def strangers(connection: Connection, schema: str, *, tables: bool = True) -> list[str]:
    """Return what stands in a schema and is not Kastor's, as PostgreSQL describes it.

    Args:
        connection: to the database.
        schema: its name.
        tables: whether tables and functions with the names of Kastor's are Kastor's.
    """
    names = list(own_tables()) if tables else []
    shards = f"^({'|'.join(names)})_[0-9]+$" if names else "^$"
    functions = list(FUNCTIONS) if tables else []
    rows = await connection.fetch(_STRANGERS, schema, names, shards, functions)
    return [text for (text,) in rows]


async def dependents(connection: Connection, schema: str, *, keys_only: bool = False) -> list[str]:
    """Return what outside of a graph's tables depends on them; only foreign keys if asked for."""
    rows = await connection.fetch(_DEPENDENTS, schema, list(own_tables()))
    return [text for text, is_key in rows if is_key or not keys_only]


async def marks(connection: Connection, graph: str) -> Marks:
    """Return the marks of a graph, by its quoted schema."""
    return Marks(*await connection.fetchrow(_MARKS.replace("{graph}", graph)))


async def take(connection: Connection, schema: str, claim: str | None) -> None:
    """Open a graph for a placement, which claims it where nobody has.

    Raises:
        UnfinishedGraphError: a copy into it has not ended.
        Conflict: another placement has claimed it.
    """
    graph = f'"{schema}"'
    found = await marks(connection, graph)
    require_finished(schema, found)
    if claim is None or found.claim == claim:
        return
    if found.claim is None:
        await connection.execute(_CLAIM.replace("{graph}", graph), claim)
        found = await marks(connection, graph)
    if claim != DEFAULT_CLAIM:
        require_claim(schema, found, claim)


async def release(connection: Connection, schema: str, claim: str) -> None:
    """Give a claim up."""
    await connection.execute(_RELEASE.replace("{graph}", f'"{schema}"'), claim)


async def mark(connection: Connection, schema: str, unfinished: str | None) -> None:
    """Note why a graph must not be opened, or that it may."""
    await connection.execute(_MARK.replace("{graph}", f'"{schema}"'), unfinished)


def require_finished(schema: str, found: Marks) -> None:
    """Raise UnfinishedGraphError for a graph that is not whole."""
    if found.unfinished is not None:
        raise UnfinishedGraphError(
            f"The schema {schema} holds a copy that has not ended: it is not whole, and is not "
            "served. Run the same `kastor copy` again, which goes on where it stopped; or drop "
            "the schema."
        )


def require_claim(schema: str, found: Marks, claim: str) -> None:
    """Raise Conflict for a graph that another placement has claimed; unclaimed ones pass."""
    if found.claim in (None, claim):
        return
    whose = "a server's default graph" if found.claim == DEFAULT_CLAIM else "another graph"
    raise Conflict(
        f"What is in the schema {schema} is {whose} (claimed by {found.claim}), and was left as "
        "it is. If it may be taken all the same, no server uses it, and you know what it holds, "
        f'take the claim away: UPDATE "{schema}".meta SET claim = NULL. If its name is only in '
        "the way, rename that schema.",
        code="PlaceNotOurs",
    )


async def require_loose(connection: Connection, schema: str) -> None:
    """Raise Conflict where something outside of a graph depends on its tables."""
    found = await dependents(connection, schema)
    if found:
        raise Conflict(
            f"The graph in the schema {schema} was left as it is, since something else in the "
            f"database depends on its tables: {named(found)}. Drop that first, or point it "
            "elsewhere.",
            code="GraphInUse",
        )


async def retire(connection: Connection, schema: str, claim: str) -> None:
    """Take a graph away from its place; to be called in a transaction, with a lock timeout.

    A schema that Kastor made and that holds nothing else loses its name and waits for its
    removal, so that who reads it now can go on. From any other schema only the tables go.

    Raises:
        Conflict: it is another's, or something depends on it; the caller rolls back.
        asyncpg.LockNotAvailableError: somebody reads it just now.
    """
    graph = f'"{schema}"'
    found = await marks(connection, graph)
    require_claim(schema, found, claim)
    await require_loose(connection, schema)
    if found.made and not await strangers(connection, schema):
        await mark(connection, schema, REMOVED)
        new_name = f"{DROPPED}{new_guid()[:8]}"
        await connection.execute(_RENAME.replace("{graph}", graph) + f'"{new_name}"')
        return
    await connection.execute(_drop_tables(graph))


async def remove(connection: Connection, schema: str) -> None:
    """Remove a schema that was put aside; to be called in a transaction, with a lock timeout.

    Raises:
        asyncpg.DependentObjectsStillExistError: something else is in it, or depends on it.
    """
    graph = f'"{schema}"'
    await connection.execute(_drop_tables(graph))
    await connection.execute(_DROP_SCHEMA.replace("{graph}", graph))


def require_empty(schema: str, found: Sequence[str]) -> None:
    """Raise NotAGraphError for a schema that holds something and no graph."""
    if found:
        raise NotAGraphError(
            f"The schema {schema} holds something of another program: {named(found)}. Name a "
            "schema that is empty or does not exist, with --graph-schema or --schema NAME."
        )


def named(found: Sequence[str]) -> str:
    """Return some of what was found, and how many more there are."""
    rest = len(found) - NAMED
    shown = ", ".join(found[:NAMED])
    return f"{shown} and {rest} more" if rest > 0 else shown


def _drop_tables(graph: str) -> str:
    tables = ", ".join(f"{graph}.{name}" for name in own_tables())
    functions = ", ".join(f"{graph}.{name}()" for name in FUNCTIONS)
    return f"{_DROP_TABLES}{tables} RESTRICT; {_DROP_FUNCTIONS}{functions} RESTRICT"
