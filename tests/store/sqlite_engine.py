"""The embedded engine for the suite; the only place here with its SQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apsw
import orjson

from kastor.clock import now_ticks
from kastor.dtdl import ValueRules
from kastor.graph.catalog import ModelCatalog, catalog_builder
from kastor.storage.keeping import Retention
from kastor.storage.protocol import Store
from kastor.storage.sqlite.store import SqliteStore

from .engines import LogRow, Tombstone, Upload, Version

_TWINS = """
SELECT key, id, version, etag, valid_from, actor, CAST(json(doc) AS BLOB), model_key,
       NULL, NULL, NULL, valid_to, ended_actor
FROM (SELECT key, id, model_key, etag, version, valid_from, actor, doc, valid_to, ended_actor
      FROM twin_versions
      UNION ALL
      SELECT key, id, model_key, etag, version, valid_from, actor, doc, NULL, NULL FROM twins)
WHERE id = ? ORDER BY valid_from
"""
_RELATIONSHIPS = """
SELECT v.key, v.id, v.version, v.etag, v.valid_from, v.actor, CAST(json(v.doc) AS BLOB), NULL,
       v.source_key, v.target_key, n.name, v.valid_to, v.ended_actor
FROM (SELECT key, id, source_key, target_key, name_key, etag, version, valid_from, actor, doc,
             valid_to, ended_actor
      FROM relationship_versions
      UNION ALL
      SELECT key, id, source_key, target_key, name_key, etag, version, valid_from, actor, doc,
             NULL, NULL
      FROM relationships) v
JOIN relationship_names n ON n.key = v.name_key
WHERE v.id = ? ORDER BY v.valid_from
"""
_LOG = """
SELECT seq, pos, bucket, subject, twin_key, version, kind, notify, event_id, time, actor,
       traceparent, model_id, component, content_type, data
FROM changes ORDER BY seq
"""
_UPLOADS = """
SELECT k.id, m.seq, m.text, m.uploaded, m.decommissioned, m.valid_from, m.valid_to
FROM models m JOIN model_keys k ON k.key = m.key ORDER BY m.uploaded, m.key
"""
_TOMBSTONES = "SELECT kind, id, key, last_version, deleted_at FROM tombstones ORDER BY kind, id"
_SIZES = """
SELECT (SELECT coalesce(sum(length(doc) + 200), 0) FROM twin_versions)
       + (SELECT coalesce(sum(length(doc) + 200), 0) FROM relationship_versions)
       + (SELECT coalesce(sum(length(docs)), 0) FROM version_blocks),
       (SELECT coalesce(sum(length(data) + 200), 0) FROM changes)
"""


class SqliteHistory:
    """Reads a graph's file through a connection of its own."""

    def __init__(self, path: Path) -> None:
        self.connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
        self.connection.pragma("query_only", True)

    def twin_versions(self, twin_id: str) -> list[Version]:
        return [_version(row) for row in self._rows(_TWINS, (twin_id,))]

    def relationship_versions(self, relationship_id: str) -> list[Version]:
        return [_version(row) for row in self._rows(_RELATIONSHIPS, (relationship_id,))]

    def log(self) -> list[LogRow]:
        rows = ([*row[:7], bool(row[7]), *row[8:]] for row in self._rows(_LOG))
        return [LogRow(*row) for row in rows]

    def origins(self) -> list[str]:
        return [via for (via,) in self._rows("SELECT via FROM origins ORDER BY change")]

    def uploads(self) -> list[Upload]:
        return [Upload(*row) for row in self._rows(_UPLOADS)]

    def tombstones(self) -> list[Tombstone]:
        return [Tombstone(*row) for row in self._rows(_TOMBSTONES)]

    def sizes(self) -> tuple[int, int]:
        versions, log = self._rows(_SIZES)[0]
        return versions, log

    def close(self) -> None:
        self.connection.close()

    def _rows(self, sql: str, params: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql, params).fetchall()


class SqliteEngine:
    """Graphs as files of one folder."""

    in_order = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stores: list[SqliteStore[ModelCatalog]] = []
        self._histories: list[SqliteHistory] = []

    def path(self, name: str = "graph") -> Path:
        return self.folder / f"{name}.sqlite3"

    async def open(
        self, name: str = "graph", *, clock: Any = None, vfs: str | None = None, **retention: Any
    ) -> SqliteStore[ModelCatalog]:
        store = await SqliteStore.open(
            self.path(name),
            catalog_builder(ValueRules()),
            retention=Retention(**retention),
            clock=clock or now_ticks,
            vfs=vfs,
        )
        self._stores.append(store)
        return store

    def place(self, name: str = "graph") -> tuple[str, str]:
        return str(self.path(name)), ""

    def history(self, name: str = "graph") -> SqliteHistory:
        history = SqliteHistory(self.path(name))
        self._histories.append(history)
        return history

    async def close(self) -> None:
        for history in self._histories:
            history.close()
        for store in self._stores:
            await store.close()


def _version(row: tuple[Any, ...]) -> Version:
    columns = [*row[:6], orjson.loads(row[6]), *row[7:]]
    return Version(*columns)


def embedded(store: Store[ModelCatalog]) -> SqliteStore[ModelCatalog]:
    """The store as what it is, for a look inside."""
    assert isinstance(store, SqliteStore)
    return store
