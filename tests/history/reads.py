"""All that can be read of a graph, as one value: of the present, or as of an instant."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import orjson
from msgspec import structs

from kastor.errors import KastorError
from kastor.graph.catalog import ModelCatalog
from kastor.graph.instants import Named
from kastor.graph.service import GraphService
from kastor.jobs.exporting.service import ExportService
from kastor.jobs.exporting.wanted import Wanted
from kastor.query.service import QueryService, QuerySettings
from kastor.query.sql.dialects import dialect_of
from kastor.records import Context
from kastor.storage.protocol import Store
from tests.store.graphs import HALL, ROOM

from .steps import MODELS, RELATIONSHIPS, ROOM_2, SUITE, TWINS

ANN = Context("ann")
QUERIES = (
    "SELECT * FROM DIGITALTWINS",
    "SELECT * FROM RELATIONSHIPS",
    "SELECT COUNT() FROM DIGITALTWINS",
    "SELECT COUNT() FROM RELATIONSHIPS R WHERE R.$relationshipName = 'nextTo'",
    "SELECT T.$dtId, T.temperature FROM DIGITALTWINS T WHERE T.temperature > 1",
    "SELECT T.$dtId FROM DIGITALTWINS T WHERE NOT IS_DEFINED(T.temperature) OR T.seats >= 0",
    "SELECT T.$dtId, T.thermostat.setPoint FROM DIGITALTWINS T WHERE T.thermostat.setPoint > 0",
    f"SELECT T.$dtId FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, '{ROOM}')",
    f"SELECT T.$dtId FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, '{ROOM}', exact)",
    f"SELECT T.$dtId FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, '{HALL}')",
    f"SELECT T.$dtId FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, '{SUITE}')",
    f"SELECT COUNT() FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, '{ROOM_2}')",
    (
        "SELECT A.$dtId AS a, B AS b, R FROM DIGITALTWINS A JOIN B RELATED A.nextTo R"
        " WHERE A.$dtId IN ['a', 'b', 'c', 'D']"
    ),
    "SELECT A.$dtId AS a, B.$dtId AS b FROM DIGITALTWINS A LEFT JOIN B RELATED A.above",
    (
        "SELECT a.$dtId AS a, b.$dtId AS b FROM DIGITALTWINS"
        " MATCH (a)-[:nextTo|above*1..3]->(b) WHERE a.$dtId = 'a'"
    ),
    "SELECT a.$dtId AS a, b.$dtId AS b FROM DIGITALTWINS MATCH (a)-[*..2]-(b) WHERE b.$dtId = 'b'",
    f"SELECT a.$dtId AS a, b, r FROM DIGITALTWINS MATCH (a)-[r]->(b) WHERE IS_OF_MODEL(a, '{ROOM}')",
    (
        "SELECT T.$metadata.$model AS m, COUNT() AS n, AVG(T.temperature) AS mean FROM DIGITALTWINS T"
        " GROUP BY T.$metadata.$model ORDER BY n DESC, T.$metadata.$model"
    ),
    (
        "SELECT T.name, MAX(T.temperature) AS high FROM DIGITALTWINS T GROUP BY T.name"
        " HAVING COUNT() > 0 ORDER BY MAX(T.temperature) DESC, T.name"
    ),
    "SELECT DISTINCT R.$relationshipName FROM RELATIONSHIPS R",
    "SELECT $dtId, temperature FROM DIGITALTWINS ORDER BY temperature DESC, $dtId",
    "SELECT TOP(3) FROM DIGITALTWINS T WHERE T.$dtId != 'a'",
    "SELECT T.$dtId FROM DIGITALTWINS T WHERE EXISTS { (T)-[:nextTo]->(x) WHERE x.$dtId != 'b' }",
    "SELECT T.$dtId FROM DIGITALTWINS T WHERE T.$dtId IN (SELECT $targetId FROM RELATIONSHIPS)",
    "SELECT * FROM DIGITALTWINS WHERE $dtId = 'D'",
    "SELECT T FROM DIGITALTWINS T WHERE T.$dtId IN ['a', 'c'] AND STARTSWITH(T.name, 'n')",
    "SELECT M.id, M.model FROM MODELS M",
    "SELECT M.id FROM MODELS M WHERE M.decommissioned = false",
)
PAGE = 2
_MOST_PAGES = 200


class Reader:
    """One process that reads a graph."""

    def __init__(self, store: Store[ModelCatalog]) -> None:
        self.store = store
        self.service = service = GraphService(store)
        self.query = QueryService(
            store,
            lambda: store.catalog,
            store.signing_key,
            QuerySettings(),
            dialect=dialect_of(store.engine),
            refresh=store.refresh,
            resolve=lambda change: service.at(Named(change=change)),
            since=store.since,
        )
        self.exports = ExportService(store, self.query.runner)

    async def as_of(self, named: Named) -> Context:
        """A context that reads the past; raises Gone where that is not kept."""
        return structs.replace(ANN, at=await self.service.at(named))

    async def everything(self, context: Context = ANN) -> dict[str, Any]:
        """What a client may see, by what was asked."""
        if context.at is None:
            await self.store.refresh()
        found = await self._documents(context) | await self._models(context)
        for text in QUERIES:
            found[text] = await self._rows(text, context)
            found[f"EXPLAIN {text}"] = await told(self._explained(text, context))
        found["export"] = await told(self._exported(Wanted(system=True), context))
        text = "SELECT * FROM DIGITALTWINS T WHERE T.temperature >= 0"
        found["export of a query"] = await told(self._exported(Wanted(query=text), context))
        return found

    async def _documents(self, context: Context) -> dict[str, Any]:
        service, found = self.service, dict[str, Any]()
        for twin in TWINS:
            found[f"twin {twin}"] = await told(service.twin(twin, context))
            component = service.component(twin, "thermostat", context)
            found[f"component of {twin}"] = await told(component)
            for each in RELATIONSHIPS:
                row = await told(service.relationship(twin, each, context))
                found[f"relationship {twin}/{each}"] = row
            for name in (None, "above"):
                found[f"outgoing {twin} {name}"] = await told(self._outgoing(twin, name, context))
            found[f"incoming {twin}"] = await told(self._incoming(twin, context))
        return found

    async def _outgoing(self, twin: str, name: str | None, context: Context) -> list[Any]:
        found: list[Any] = []
        more = True
        while more:
            after = found[-1].id if found else ""
            page = await self.service.outgoing(twin, name, after, 1, context)
            found += page.rows
            more = page.more
        return found

    async def _incoming(self, twin: str, context: Context) -> list[Any]:
        found: list[Any] = []
        after = (0, 0, 0)
        while rows := await self.service.incoming(twin, after, 2, context):
            found += rows
            after = (rows[-1].name_key, rows[-1].source_key, rows[-1].key)
        return found

    async def _models(self, context: Context) -> dict[str, Any]:
        found: dict[str, Any] = {"models": _shown_models(self.service.models(context))}
        for each in (ROOM, *MODELS):
            try:
                found[f"model {each}"] = _shown_models([self.service.model(each, context)])
                needed = self.service.dependencies([each], context)
                found[f"dependencies of {each}"] = _shown_models(needed)
            except KastorError as error:
                found[f"model {each}"] = _refusal(error)
        return found

    async def _rows(self, text: str, context: Context) -> Any:
        """Rows of a query by its pages; what follows is asked for by the token alone."""
        rows: list[Any] = []
        try:
            page = await self.query.run(text, context, max_items=PAGE)
            rows += orjson.loads(page.value)
            for _ in range(_MOST_PAGES):
                if page.continuation is None:
                    return canonical(_without_fractions(rows))
                page = await self.query.run(None, ANN, token=page.continuation)
                rows += orjson.loads(page.value)
        except KastorError as error:
            return _refusal(error)
        raise AssertionError(f"{text} does not end")

    async def _explained(self, text: str, context: Context) -> Any:
        page = await self.query.run(text, context, explain=True)
        row = orjson.loads(page.value)[0]
        return canonical([row["rows"], row["warnings"]])

    async def _exported(self, wanted: Wanted, context: Context) -> Any:
        parts = [part async for part in await self.exports.open(wanted, context)]
        return [canonical(orjson.loads(line)) for line in b"".join(parts).splitlines()]


async def told(work: Awaitable[Any]) -> Any:
    """An answer with its documents as values, or what was said instead."""
    try:
        return _shown(await work)
    except KastorError as error:
        return _refusal(error)


def canonical(value: Any) -> str:
    """JSON whose members are in order; numbers keep their kinds."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _without_fractions(value: Any) -> Any:
    """A value whose whole numbers are integers: an average of 1 is 1 on one engine, 1.0 on another."""
    if isinstance(value, dict):
        return {name: _without_fractions(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_without_fractions(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _refusal(error: KastorError) -> tuple[str, str]:
    return type(error).__name__, error.code


def _shown(answer: Any) -> Any:
    if isinstance(answer, list | tuple):
        return [_shown(each) for each in answer]
    if isinstance(answer, bytes):
        return canonical(orjson.loads(answer))
    if hasattr(answer, "doc"):
        return {
            name: _shown(getattr(answer, name))
            for name in answer.__struct_fields__
            if name != "size"  # of what is stored, which is packed or not
        }
    return answer


def _shown_models(models: list[Any]) -> list[Any]:
    # Their order is that of uploads, but for a server that saw them and a clock that was set back.
    return sorted((each.id, each.text, each.uploaded, each.decommissioned) for each in models)
