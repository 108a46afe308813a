"""Every row of a server's graph, read behind its back."""

from __future__ import annotations

import asyncio
from typing import Any

import apsw
import asyncpg

from kastor.testing import KastorServer

LEASES = frozenset({"owner", "held_until", "report", "pruning_until"})
"""Columns of who does what just now, which change by themselves."""


def rows_of(server: KastorServer) -> dict[str, list[str]]:
    """Return the rows of all the graph's tables, sorted, and its indexes."""
    if "--db" in server._args:
        given = dict(zip(server._args, server._args[1:], strict=False))
        return asyncio.run(_of_postgres(given["--db"], given["--graph-schema"]))
    connection = apsw.Connection(
        str(server.data_dir / "graphs" / "default.sqlite3"), flags=apsw.SQLITE_OPEN_READWRITE
    )
    try:
        text = "SELECT name FROM sqlite_schema WHERE type = 'table'"
        names = [str(name) for (name,) in connection.execute(text).fetchall()]
        found = {name: _all(connection, f'SELECT * FROM "{name}"') for name in names}
        found["schema"] = _all(connection, "SELECT * FROM sqlite_schema")
        return found
    finally:
        connection.close()


def _all(connection: apsw.Connection, text: str) -> list[str]:
    return sorted(str(row) for row in connection.execute(text).fetchall())


async def _of_postgres(dsn: str, schema: str) -> dict[str, list[str]]:
    connection = await asyncpg.connect(dsn)
    try:
        text = "SELECT table_name FROM information_schema.tables WHERE table_schema = $1"
        # The search index follows in its own time, and is none of the graph.
        names = [
            name
            for (name,) in await connection.fetch(text, schema)
            if not name.startswith("search_")
        ]
        found: dict[str, list[str]] = {}
        for name in names:
            rows: list[Any] = await connection.fetch(f'SELECT * FROM "{schema}"."{name}"')
            kept = [{k: v for k, v in row.items() if k not in LEASES} for row in rows]
            found[name] = sorted(map(str, kept))
        indexes = "SELECT indexdef FROM pg_indexes WHERE schemaname = $1"
        found["indexes"] = sorted(str(row) for row in await connection.fetch(indexes, schema))
        return found
    finally:
        await connection.close()
