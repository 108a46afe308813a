"""Imports beside a model of them in plain Python: any file, any chunking, both engines."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.store.engines import Engine
from tests.store.graphs import HALL, ROOM, Graph, edge, hall, room
from tests.store.postgres_engine import PostgresEngine
from tests.store.sqlite_engine import SqliteEngine

from .import_files import (
    ALL_MODELS,
    ANN,
    HEADER,
    MODELS,
    RELATIONSHIPS,
    TWINS,
    Document,
    FileKind,
    Imported,
    documents,
    log_of,
    relationship,
    text_of,
    twin,
    without_times,
)
from .service import ended, serving

EXAMPLES = int(os.environ.get("KASTOR_IMPORT_EXAMPLES", "12"))
TWIN_IDS, RELATIONSHIP_IDS = "abcde", "rst"
PLAN = settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),  # each example is a graph: shrinking takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

twin_lines = st.one_of(
    st.builds(
        twin,
        st.sampled_from(TWIN_IDS),
        st.sampled_from(
            [
                *(room(temperature=1.5), room(name="x"), room(labels={"k": "v"}), room()),
                *(hall(), hall(seats=3), hall(seats="many"), hall(colour="red")),
                {"$metadata": {"$model": ROOM}},
                {"$metadata": {"$model": "dtmi:s:None;1"}},
                {"$metadata": {}},
            ]
        ),
    ),
    st.sampled_from([b"{", b"", b"  ", b"\xff", b"[]", {"no": "id"}, twin("a/b", hall())]),
)
relationship_lines = st.one_of(
    st.builds(
        relationship,
        st.sampled_from(TWIN_IDS),
        st.sampled_from(RELATIONSHIP_IDS),
        st.builds(
            lambda target, name, members: edge(target, name, **members),
            st.sampled_from([*TWIN_IDS, "nobody"]),
            st.sampled_from(["nextTo", "above", "unknown"]),
            st.sampled_from([{}, {"door": "n"}, {"Door": "n"}, {"door": 5}, {"colour": "red"}]),
        ),
    ),
    st.sampled_from([b"{", b"", {"$relationshipId": "r"}, {"$dtId": "a"}]),
)


class Expected:
    """The graph that a file makes, by the rules alone."""

    def __init__(self) -> None:
        self.twins: dict[str, Document] = {}
        self.edges: dict[tuple[str, str], Document] = {}
        self.refused: list[int] = []
        self.warned: list[int] = []
        self.counts = [0, 0]

    def take(self, section: str, number: int, line: Document | bytes) -> None:
        if isinstance(line, bytes):
            if line.strip():
                self.refused.append(number)
            return
        taken = self._twin(line) if section == "Twins" else self._edge(number, line)
        if taken:
            self.counts[section == "Relationships"] += 1
        else:
            self.refused.append(number)

    def _twin(self, line: Document) -> bool:
        model = line.get("$metadata", {}).get("$model")
        known = {
            ROOM: {"temperature": float, "name": str, "labels": dict, "thermostat": dict},
            HALL: {"temperature": float, "seats": int},
        }.get(model)
        values = {name: value for name, value in line.items() if not name.startswith("$")}
        sound = known is not None and all(
            name in known and isinstance(value, known[name]) for name, value in values.items()
        )
        if not sound or "/" in line["$dtId"] or (model == ROOM and "thermostat" not in values):
            return False
        if "thermostat" in values:
            values["thermostat"] = {}  # which has no more than its times
        self.twins[line["$dtId"]] = {
            "$dtId": line["$dtId"],
            "$metadata": {"$model": model},
            **values,
        }
        return True

    def _edge(self, number: int, line: Document) -> bool:
        source, target = line.get("$dtId"), line.get("$targetId")
        if "$relationshipId" not in line or source == target:
            return False
        if source not in self.twins or target not in self.twins:
            return False
        name = line["$relationshipName"]
        if self.twins[source]["$metadata"]["$model"] != ROOM or name == "unknown":
            return False
        declared = {"door"} if name == "nextTo" else set()
        properties: Document = {}
        warned = False
        for key, value in line.items():
            if key.startswith("$"):
                continue
            warned = warned or key not in declared
            if key.lower() in declared:
                properties[key.lower()] = value
        if not isinstance(properties.get("door", ""), str):
            return False
        if warned:
            self.warned.append(number)
        ends = {"$relationshipName": name, "$targetId": target}
        self.edges[source, line["$relationshipId"]] = {**ends, **properties}
        return True


async def compare(
    graph: Graph, twins: list[Document | bytes], edges: list[Document | bytes], chunk: int
) -> None:
    lines = [*HEADER, MODELS, *ALL_MODELS, TWINS, *twins, RELATIONSHIPS, *edges]
    kind = FileKind(graph.service, text_of(*lines), chunk=chunk)
    async with serving(graph.store, kind) as jobs:
        permissions = ["models/write", "digitaltwins/write", "digitaltwins/relationships/write"]
        await jobs.add("imports", "one", {"permissions": permissions}, ANN)
        done = Imported(await ended(jobs, "one", "imports"), await log_of(graph, "one"))
    expected = Expected()
    for number, line in enumerate(twins, 8):
        expected.take("Twins", number, line)
    for number, line in enumerate(edges, 9 + len(twins)):
        expected.take("Relationships", number, line)

    assert [line for line, _, _ in done.lines()] == expected.refused
    assert [line for line, _, _ in done.lines("Warning")] == expected.warned
    assert done.status == ("failed" if expected.refused else "succeeded")
    assert list(done.counts[1:3]) == expected.counts
    assert await documents(graph, TWIN_IDS) == expected.twins
    assert await edges_of(graph, expected.twins) == expected.edges
    status = await graph.store.status(ANN)
    assert status.log_entries == 3 + sum(expected.counts)


async def edges_of(graph: Graph, twins: dict[str, Document]) -> dict[tuple[str, str], Document]:
    found: dict[tuple[str, str], Document] = {}
    for source in twins:
        page = await graph.service.outgoing(source, None, "", 100, ANN)
        for row in page.rows:
            document = without_times(orjson.loads(row.doc))
            del document["$relationshipId"], document["$sourceId"]
            found[source, row.id] = document
    return found


@PLAN
@given(
    twins=st.lists(twin_lines, max_size=15),
    edges=st.lists(relationship_lines, max_size=15),
    chunk=st.integers(1, 3_000),
)
def test_any_file_on_sqlite(
    twins: list[Document | bytes], edges: list[Document | bytes], chunk: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_in(SqliteEngine(Path(folder)), twins, edges, chunk))


@settings(PLAN, max_examples=max(3, EXAMPLES // 8))
@given(
    twins=st.lists(twin_lines, max_size=15),
    edges=st.lists(relationship_lines, max_size=15),
    chunk=st.integers(1, 3_000),
)
def test_any_file_on_postgres(
    postgres_dsn: str, twins: list[Document | bytes], edges: list[Document | bytes], chunk: int
) -> None:
    asyncio.run(_in(PostgresEngine(postgres_dsn), twins, edges, chunk))


async def _in(engine: Engine, *case: Any) -> None:
    try:
        graph = Graph(await engine.open(), engine.history())
        await compare(graph, *case)
    finally:
        await engine.close()


pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
