"""The PostgreSQL engine for the suite: a schema for each graph of each test.

`History` is read from plain code in the middle of a test, so it asks through a connection of its
own on a loop of its own, in a thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any
from uuid import uuid4

import asyncpg
import orjson

from kastor.clock import now_ticks
from kastor.dtdl import ValueRules
from kastor.graph.catalog import ModelCatalog, catalog_builder
from kastor.storage.keeping import Retention
from kastor.storage.postgres.store import PostgresStore
from tests.postgres.server import POOLER, direct

from .engines import LogRow, Tombstone, Upload, Version

_TWINS = """
SELECT key, id, version, etag, valid_from, actor, doc::text, model_key,
       NULL, NULL, NULL, valid_to, ended_actor
FROM (SELECT key, id, model_key, etag, version, valid_from, actor, doc, valid_to, ended_actor
      FROM {graph}.twin_versions
      UNION ALL
      SELECT key, id, model_key, etag, version, valid_from, actor, doc, NULL, NULL
      FROM {graph}.twins) v
WHERE id = $1 ORDER BY valid_from
"""
_RELATIONSHIPS = """
SELECT v.key, v.id, v.version, v.etag, v.valid_from, v.actor, v.doc::text, NULL,
       v.source_key, v.target_key, n.name, v.valid_to, v.ended_actor
FROM (SELECT key, id, source_key, target_key, name_key, etag, version, valid_from, actor, doc,
             valid_to, ended_actor
      FROM {graph}.relationship_versions
      UNION ALL
      SELECT key, id, source_key, target_key, name_key, etag, version, valid_from, actor, doc,
             NULL, NULL
      FROM {graph}.relationships) v
JOIN {graph}.relationship_names n ON n.key = v.name_key
WHERE v.id = $1 ORDER BY v.valid_from
"""
# A position is given by whoever reads the log first; until then the sequence stands for it.
_LOG = """
SELECT seq, coalesce(pos, seq), bucket, subject, twin_key, version, kind, notify, event_id, time,
       actor, traceparent, model_id, component, content_type, data
FROM {graph}.changes ORDER BY time, version, seq
"""
_UPLOADS = """
SELECT k.id, m.seq, m.text, m.uploaded, m.decommissioned, m.valid_from, m.valid_to
FROM {graph}.models m JOIN {graph}.model_keys k ON k.key = m.key ORDER BY m.uploaded, m.key
"""
_TOMBSTONES = """
SELECT kind, id, key, last_version, deleted_at FROM {graph}.tombstones ORDER BY kind, id
"""
_SIZES = """
SELECT (SELECT coalesce(sum(octet_length(doc::text) + 200), 0)::bigint FROM {graph}.twin_versions)
       + (SELECT coalesce(sum(octet_length(doc::text) + 200), 0)::bigint
          FROM {graph}.relationship_versions)
       + (SELECT coalesce(sum(pg_column_size(docs)), 0)::bigint FROM {graph}.version_blocks),
       (SELECT coalesce(sum(octet_length(data) + 200), 0)::bigint FROM {graph}.changes)
"""


class SideConnection:
    """A connection that plain code can use while another loop is running."""

    def __init__(self, dsn: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._connection = self._run(asyncpg.connect(direct(dsn)))

    def fetch(self, sql: str, *params: object) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._run(self._connection.fetch(sql, *params))]

    def close(self) -> None:
        self._run(self._connection.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)


class PostgresHistory:
    """Reads a graph's tables through a connection of its own."""

    def __init__(self, side: SideConnection, schema: str) -> None:
        self._side = side
        self._schema = schema

    def twin_versions(self, twin_id: str) -> list[Version]:
        return [_version(row) for row in self.rows(_TWINS, twin_id)]

    def relationship_versions(self, relationship_id: str) -> list[Version]:
        return [_version(row) for row in self.rows(_RELATIONSHIPS, relationship_id)]

    def log(self) -> list[LogRow]:
        return [LogRow(*row) for row in self.rows(_LOG)]

    def origins(self) -> list[str]:
        return [via for (via,) in self.rows("SELECT via FROM {graph}.origins ORDER BY time")]

    def uploads(self) -> list[Upload]:
        return [Upload(*row) for row in self.rows(_UPLOADS)]

    def tombstones(self) -> list[Tombstone]:
        return [Tombstone(*row) for row in self.rows(_TOMBSTONES)]

    def sizes(self) -> tuple[int, int]:
        versions, log = self.rows(_SIZES)[0]
        return versions, log

    def close(self) -> None:
        """The connection is the engine's."""

    def rows(self, sql: str, *params: object) -> list[tuple[Any, ...]]:
        return self._side.fetch(sql.replace("{graph}", self._schema), *params)


class PostgresEngine:
    """Graphs as schemas of one database; they are dropped at the end."""

    in_order = False

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self._prefix = f"t{uuid4().hex[:12]}_"
        self._side = SideConnection(dsn)
        self._stores: list[PostgresStore[ModelCatalog]] = []
        self._schemas: set[str] = set()

    def schema(self, name: str = "graph") -> str:
        return self._prefix + name

    def adopt(self, name: str) -> None:
        """Have a schema dropped at the end that others make, or have made."""
        self._schemas.add(self.schema(name))

    async def open(
        self, name: str = "graph", *, clock: Any = None, pool: int = 10, **retention: Any
    ) -> PostgresStore[ModelCatalog]:
        self.adopt(name)
        store = await PostgresStore.open(
            self.dsn,
            self.schema(name),
            catalog_builder(ValueRules()),
            retention=Retention(**retention),
            clock=clock or now_ticks,
            pool=pool,
            pooler=POOLER,
        )
        self._stores.append(store)
        return store

    def place(self, name: str = "graph") -> tuple[str, str]:
        return self.dsn, self.schema(name)

    def history(self, name: str = "graph") -> PostgresHistory:
        return PostgresHistory(self._side, self.schema(name))

    async def close(self) -> None:
        for store in self._stores:
            await store.close()
        for schema in self._schemas:
            self._side.fetch(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        self._side.close()


def _version(row: tuple[Any, ...]) -> Version:
    columns = [*row[:6], orjson.loads(row[6]), *row[7:]]
    return Version(*columns)
