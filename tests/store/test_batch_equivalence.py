"""What a batch leaves is what the same writes leave one by one: outcomes, rows, versions, log."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from itertools import count, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kastor.errors import KastorError
from kastor.graph import commands as c
from kastor.records import Context
from kastor.storage.postgres import batch_transaction

from .engines import Engine, LogRow, Version
from .graphs import HALL_MODEL, ROOM_MODEL, THERMOSTAT_MODEL, Graph, add, edge, hall, replace, room
from .postgres_engine import PostgresEngine
from .sqlite_engine import SqliteEngine

BEN = Context("ben")
TWINS, RELATIONSHIPS = ("a", "b", "c"), ("r", "s")
EXAMPLES = int(os.environ.get("KASTOR_BATCH_EXAMPLES", "60"))
_example = count()


class Pair:
    """Two graphs with the same models, on a loop of their own."""

    def __init__(self, engine: Engine, runner: asyncio.Runner) -> None:
        self._engine, self._runner = engine, runner
        self.alone = runner.run(self._open("alone"))
        self.together = runner.run(self._open("together"))

    async def _open(self, name: str) -> Graph:
        graph = Graph(await self._engine.open(name), self._engine.history(name))
        await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL, HALL_MODEL)
        return graph

    def write_alone(self, commands: Sequence[c.Command[Any]]) -> list[object]:
        async def write() -> list[object]:
            found: list[object] = []
            for each in commands:
                try:
                    found.append(await self.alone.service.execute(each, BEN))
                except KastorError as error:
                    found.append(error)
            return found

        return self._runner.run(write())

    def write_together(self, *batches: Sequence[c.Command[Any]]) -> list[object]:
        async def write() -> list[object]:
            found: list[object] = []
            for each in batches:
                found += (await self.together.service.execute_many(each, BEN)).outcomes
            return found

        return self._runner.run(write())


@pytest.fixture(params=["sqlite", "postgres"])
def pair(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Pair]:
    if request.param == "postgres":
        engine: Engine = PostgresEngine(request.getfixturevalue("postgres_dsn"))
    else:
        engine = SqliteEngine(tmp_path)
    with asyncio.Runner() as runner:
        yield Pair(engine, runner)
        runner.run(engine.close())


class Drawn(NamedTuple):
    """A write in general; ids are few, so that most writes meet something."""

    kind: str
    twin: str
    other: str
    relationship: str
    number: int
    name: str


KINDS = (
    *("put room", "put new room", "put hall", "patch", "delete", "delete", "tell"),
    *("relate", "relate", "open", "unrelate", "unrelate"),
)
WRITES = st.builds(
    Drawn,
    st.sampled_from(KINDS),
    st.sampled_from(TWINS),
    st.sampled_from(TWINS),
    st.sampled_from(RELATIONSHIPS),
    st.integers(0, 3),
    st.sampled_from(("nextTo", "above")),
)


def command(prefix: str, drawn: Drawn) -> c.Command[Any]:
    # Branches because each kind of write is one.
    kind, twin, other, relationship, n, name = drawn
    twin, other, relationship = prefix + twin, prefix + other, prefix + relationship
    match kind:
        case "put room" | "put new room":
            return c.PutTwin(twin, room(temperature=n), kind == "put new room")
        case "put hall":
            return c.PutTwin(twin, hall(seats=n))
        case "patch":
            return c.PatchTwin(twin, (replace("/temperature", n),))
        case "delete":
            return c.DeleteTwin(twin)
        case "tell":
            return c.SendTelemetry(twin, b"%d" % n, "application/json", "m")
        case "relate":
            return c.PutRelationship(twin, relationship, edge(other, name))
        case "open":
            return c.PatchRelationship(twin, relationship, (add("/door", str(n)),))
        case _:
            return c.DeleteRelationship(twin, relationship)


def test_together_is_as_one_by_one(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    @settings(max_examples=EXAMPLES, deadline=None)
    @given(st.data())
    def compare(data: st.DataObject) -> None:
        prefix = f"{next(_example)}-"
        drawn = data.draw(st.lists(WRITES, min_size=1, max_size=30))
        writes = [command(prefix, each) for each in drawn]
        cut = data.draw(st.integers(0, len(writes)))
        monkeypatch.setattr(batch_transaction, "CHUNK_WRITES", data.draw(st.sampled_from((4, 500))))
        alone = pair.write_alone(writes)
        together = pair.write_together(writes[:cut], writes[cut:])
        assert [plain(each) for each in together] == [plain(each) for each in alone]
        assert seen(pair.together, prefix) == seen(pair.alone, prefix)
        for each in TWINS:
            assert_in_time(pair.together.history.twin_versions(prefix + each))

    compare()


def test_many_changes_of_one_row_are_one_version_each(pair: Pair) -> None:
    writes: list[c.Command[Any]] = [c.PutTwin("m-a", room()), c.PutTwin("m-b", room())]
    for n in range(40):
        writes.append(c.PatchTwin("m-a", (add("/temperature", n),)))
        writes.append(c.PutRelationship("m-a", "m-r", edge("m-b", ("nextTo", "above")[n % 2])))
    writes += [c.DeleteRelationship("m-a", "m-r"), c.DeleteTwin("m-a")]
    assert [plain(each) for each in pair.write_together(writes)] == [
        plain(each) for each in pair.write_alone(writes)
    ]
    assert seen(pair.together, "m-") == seen(pair.alone, "m-")
    assert len(pair.together.history.twin_versions("m-a")) == 41
    assert_in_time(pair.together.history.twin_versions("m-a"))
    assert_in_time(pair.together.history.relationship_versions("m-r"))


def plain(outcome: object) -> object:
    """An outcome without what is of its moment."""
    if isinstance(outcome, KastorError):
        return type(outcome).__name__, outcome.code, outcome.message
    if isinstance(outcome, c.Written):
        return timeless(orjson.loads(outcome.doc)), timeless(orjson.loads(outcome.answer))
    return outcome


def timeless(value: Any) -> Any:
    if isinstance(value, dict):
        moment = ("lastUpdateTime", "$lastUpdateTime", "$etag")
        return {key: "?" if key in moment else timeless(each) for key, each in value.items()}
    return [timeless(each) for each in value] if isinstance(value, list) else value


def seen(graph: Graph, prefix: str) -> dict[str, Any]:
    """Everything that the engine holds of ids that begin so; keys by the ids that have them."""
    history = graph.history
    twins = {each: history.twin_versions(prefix + each) for each in TWINS}
    names = {version.key: each for each, found in twins.items() for version in found}

    def row(version: Version) -> tuple[object, ...]:
        ends = [names.get(each or 0) for each in (version.source_key, version.target_key)]
        ended = version.valid_to is not None
        what = (version.version, version.name, version.model_key, version.actor)
        return (*what, *ends, timeless(version.doc), ended, version.ended_actor)

    def entry(each: LogRow) -> tuple[object, ...]:
        what = (each.kind, each.subject, names[each.twin_key or 0], each.version, each.notify)
        about = (each.bucket, each.actor, each.model_id, each.component, each.content_type)
        return (*what, *about, timeless(orjson.loads(each.data)))

    def grave(kind: str, burial_id: str) -> str:
        key, _, rest = burial_id.partition("/")
        return burial_id if kind == "twin" else f"{names[int(key)]}/{rest}"

    return {
        "twins": {each: [row(version) for version in found] for each, found in twins.items()},
        "relationships": [
            sorted(map(row, history.relationship_versions(prefix + each)), key=str)
            for each in RELATIONSHIPS
        ],
        "log": [entry(each) for each in history.log() if each.subject.startswith(prefix)],
        "graves": sorted(
            (each.kind, grave(each.kind, each.id), each.last_version)
            for each in history.tombstones()
            if each.id.partition("/")[2].startswith(prefix) or each.id.startswith(prefix)
        ),
    }


def assert_in_time(versions: Sequence[Version]) -> None:
    """Every version begins where the one before it ended, or after the deletion in between."""
    for older, newer in pairwise(versions):
        assert older.valid_to is not None
        assert older.valid_from < older.valid_to <= newer.valid_from
        assert (older.valid_to == newer.valid_from) == (older.version + 1 == newer.version)
