"""A small graph in a database made from the real schema, and a Reader over it."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from itertools import accumulate
from pathlib import Path
from typing import Any

import apsw

import kastor
from kastor.errors import QueryTimeout
from kastor.query.service import QueryService, QuerySettings
from kastor.query.sql.sqlite import Sqlite
from kastor.records import SYSTEM, Context
from kastor.storage.sqlite.letters import add_letters

SCHEMA = Path(kastor.__file__).parent / "storage" / "sqlite" / "schema.sql"
KEY = b"0123456789abcdef0123456789abcdef"
_LOOP = asyncio.new_event_loop()
T0 = "2026-01-01T00:00:00.0000000Z"


def parse_dtmi(model: str) -> tuple[str, tuple[int, ...] | None]:
    """Path and version; no version where none can be read."""
    path, _, version = model.partition(";")
    parts = version.split(".")
    if len(parts) > 2 or not all(part.isascii() and part.isdigit() for part in parts):
        return path, None
    return path, (int(parts[0]), int(parts[1]) if len(parts) > 1 else 0)


class Models:
    """A catalog: model id -> the ids that it extends directly."""

    def __init__(self, extends: dict[str, list[str]], epoch: int = 1) -> None:
        self.extends = extends
        self.keys = {model: key for key, model in enumerate(sorted(extends), 1)}
        self._epoch = epoch
        self.schemas: dict[str, set[str]] = {}

    @property
    def epoch(self) -> int:
        return self._epoch

    def ancestors(self, model: str) -> set[str]:
        found: set[str] = set()
        todo = [model]
        while todo:
            one = todo.pop()
            if one not in found:
                found.add(one)
                todo += self.extends.get(one, [])
        return found

    def is_of(self, model: str, wanted: str, exact: bool) -> bool:
        if exact or model == wanted:
            return model == wanted
        path, version = parse_dtmi(wanted)
        for one in self.ancestors(model):
            own_path, own = parse_dtmi(one)
            if own_path == path and version is not None and own is not None and own >= version:
                return True
        return False

    def matching(self, model_id: str, *, exact: bool) -> frozenset[int]:
        return frozenset(k for m, k in self.keys.items() if self.is_of(m, model_id, exact))

    def labels(self) -> dict[int, tuple[str, ...]]:
        return {key: self.labels_of(model) for model, key in self.keys.items()}

    def labels_of(self, model: str) -> tuple[str, ...]:
        words, level = ["Twin"], [model]
        while level:
            words += [one.partition(";")[0].split(":")[-1] for one in level]
            level = [base for one in level for base in self.extends.get(one, [])]
        return tuple(dict.fromkeys(words))

    declared: frozenset[str] = frozenset({"Temperature", "Humidity", "name"})
    related: frozenset[str] = frozenset({"contains"})
    known: bool = False
    """Whether queries are told of the models: else paths would have to begin with these names."""

    def model_ids(self) -> set[str]:
        return set(self.extends) if self.known else set()

    def property_names(self) -> frozenset[str]:
        return self.declared

    def schemas_of(self, name: str) -> frozenset[str]:
        return frozenset(self.schemas.get(name, ()))

    def relationship_names(self) -> frozenset[str]:
        return self.related


class Graph:
    """Twins and relationships as the wire shows them, with an ETag."""

    def __init__(self, models: dict[str, list[str]] | None = None) -> None:
        self.models = Models(models or {"dtmi:x:Thing;1": []})
        self.twins: dict[str, dict[str, Any]] = {}
        self.relationships: list[dict[str, Any]] = []

    def twin(self, twin_id: str, model: str = "dtmi:x:Thing;1", /, **properties: Any) -> None:
        metadata: dict[str, Any] = {"$model": model, "$lastUpdateTime": T0}
        metadata |= {name: {"lastUpdateTime": T0} for name in properties}
        self.twins[twin_id] = {
            "$dtId": twin_id,
            "$etag": f'W/"{uuid.uuid5(uuid.NAMESPACE_URL, twin_id)}"',
            **properties,
            "$metadata": metadata,
        }

    def relate(
        self, source: str, name: str, target: str, rel_id: str | None = None, /, **properties: Any
    ) -> None:
        rel_id = rel_id or f"{source}-{name}-{target}-{len(self.relationships)}"
        self.relationships.append(
            {
                "$relationshipId": rel_id,
                "$etag": f'W/"{uuid.uuid5(uuid.NAMESPACE_URL, source + rel_id)}"',
                "$sourceId": source,
                "$relationshipName": name,
                "$targetId": target,
                **properties,
            }
        )

    def open(self, path: str = "") -> apsw.Connection:
        connection = apsw.Connection(path)
        add_letters(connection)
        connection.execute(SCHEMA.read_text())
        with connection:
            fill(connection, self)
        return connection


def dump(document: dict[str, Any]) -> str:
    return json.dumps({k: v for k, v in document.items() if k != "$etag"}, ensure_ascii=False)


def fill(connection: apsw.Connection, graph: Graph) -> None:
    for model, key in graph.models.keys.items():
        connection.execute("INSERT INTO model_keys VALUES (?, ?)", (key, model))
    keys: dict[str, int] = {}
    for key, (twin_id, doc) in enumerate(graph.twins.items(), 1):
        keys[twin_id] = key
        model_key = graph.models.keys[doc["$metadata"]["$model"]]
        connection.execute(
            "INSERT INTO twins VALUES (?, ?, ?, ?, 1, 0, 0, '', jsonb(?))",
            (key, twin_id, model_key, doc["$etag"][3:-1], dump(doc)),
        )
    names: dict[str, int] = {}
    for key, doc in enumerate(graph.relationships, 1):
        name = doc["$relationshipName"]
        if name not in names:
            names[name] = len(names) + 1
            connection.execute("INSERT INTO relationship_names VALUES (?, ?)", (names[name], name))
        connection.execute(
            "INSERT INTO relationships VALUES (?, ?, ?, ?, ?, ?, 1, 0, 0, '', jsonb(?))",
            (
                key, keys[doc["$sourceId"]], doc["$relationshipId"], names[name],
                keys[doc["$targetId"]], doc["$etag"][3:-1], dump(doc),
            ),
        )  # fmt: skip


class Reader:
    """Runs statements on one connection, with a deadline."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection
        self.statements: list[str] = []

    def look_up(self, sql: str, params: Any, context: Context) -> Any:
        self.statements.append(sql)
        return self.connection.execute(sql, params).fetchall()[0]

    async def fetch_one(self, sql: str, params: Any, context: Context, *, timeout: float) -> Any:
        rows = await self.fetch_all(sql, params, context, timeout=timeout)
        return rows[0] if rows else None

    async def fetch_all(self, sql: str, params: Any, context: Context, *, timeout: float) -> Any:
        self.statements.append(sql)
        end = time.monotonic() + timeout
        self.connection.set_progress_handler(lambda: time.monotonic() > end, 1000)
        try:
            return self.connection.execute(sql, params).fetchall()
        except apsw.InterruptError:
            raise QueryTimeout("too long") from None

    async def fetch_some(
        self, sql: str, params: Any, context: Context, *, timeout: float, most: int
    ) -> tuple[list[tuple[object, ...]], bool]:
        return bounded(await self.fetch_all(sql, params, context, timeout=timeout), most)


def bounded(rows: list[tuple[object, ...]], most: int) -> tuple[list[tuple[object, ...]], bool]:
    """Rows until their first columns have `most` bytes, and whether there are more."""
    sizes = accumulate(len(str(row[0]).encode()) for row in rows)
    kept = [row for row, size in zip(rows, sizes, strict=True) if size <= most]
    return kept, len(kept) < len(rows)


def service(graph: Graph, *, resolve: Any = None, **settings: Any) -> QueryService:
    settled = QuerySettings(**settings)
    return QueryService(
        Reader(graph.open()), lambda: graph.models, KEY, settled, dialect=Sqlite(), resolve=resolve
    )


def drive(coroutine: Any) -> Any:
    """Runs a coroutine; an event loop for each would take longer than most queries."""
    return _LOOP.run_until_complete(coroutine)


def pages(
    query: QueryService,
    text: str,
    size: int | None = None,
    context: Context = SYSTEM,
    **options: Any,
) -> list[list[Any]]:
    """All pages, as decoded rows; checks the paging rules on the way."""
    found = []
    token = None
    while True:
        page = drive(
            query.run(
                text if token is None else None, context, token=token, max_items=size, **options
            )
        )
        rows = json.loads(page.value)
        assert len(rows) == page.rows
        found.append(rows)
        token = page.continuation
        if token is None:
            return found
        assert rows, "an empty page with a token"
        assert size is None or len(rows) == size


def rows(query: QueryService, text: str, size: int | None = None, **options: Any) -> list[Any]:
    return [row for page in pages(query, text, size, **options) for row in page]
