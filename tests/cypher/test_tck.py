"""A part of the openCypher kit against a real server: graphs as they are meant, no table wrong.

`python3 dev tck` runs all of it on both engines.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice

import httpx2
import pytest

from kastor.testing import KastorServer

from .tck.answers import FoundEdge, FoundNode, Refused, value
from .tck.comparison import Comparison
from .tck.creation import Graph, create
from .tck.kit import Kit
from .tck.ledger import Ledger
from .tck.running import Outcome, run
from .tck.scenarios import Ask, Rows
from .tck.servers import VERSION, ServerRunner
from .tck.typed import EMPTY, TypedGraph, labels_of, typed
from .tck.values import Edge, Node

EVERY = 12
"""Of so many scenarios one is run here, of so many graphs one is looked at."""


@pytest.fixture
def runner(kastor: KastorServer) -> Iterator[ServerRunner]:
    with httpx2.Client() as client:
        yield ServerRunner(os.environ.get("KASTOR_TEST_ENGINE", "sqlite"), kastor, client)


def rows(kastor: KastorServer, query: str) -> list[dict[str, object]]:
    """All rows of a query in ADT's language."""
    found: list[dict[str, object]] = []
    body = {"query": query}
    while True:
        with httpx2.Client(params={"api-version": VERSION}) as client:
            answer = client.post(f"{kastor.url}/query", json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page["value"]
        if page.get("continuationToken") is None:
            return found
        body = {"query": query, "continuationToken": page["continuationToken"]}


def assert_loaded(kastor: KastorServer, graph: TypedGraph) -> None:
    """The server holds the nodes and edges of a graph, and nothing else."""
    nodes = {
        node.id: node
        for node in map(value, rows(kastor, "SELECT * FROM DIGITALTWINS"))
        if isinstance(node, FoundNode)
    }
    edges = [value(each) for each in rows(kastor, "SELECT * FROM RELATIONSHIPS")]
    equal = Comparison().equal
    assert sorted(nodes) == sorted(twin["$dtId"] for twin in graph.twins)
    for twin in graph.twins:
        own = {name: twin[name] for name in twin if not name.startswith("$")}
        assert equal(Node(labels_of(twin["$metadata"]["$model"]), own), nodes[twin["$dtId"]])
    assert len(edges) == len(graph.relationships)
    for each in graph.relationships:
        own = {name: each[name] for name in each if not name.startswith("$")}
        wanted = Edge(each["$relationshipName"], own)
        assert any(
            isinstance(edge, FoundEdge)
            and (edge.source, edge.target) == (each["$sourceId"], each["$targetId"])
            and equal(wanted, edge)
            for edge in edges
        )


def test_a_graph_of_every_kind_is_loaded(kastor: KastorServer, runner: ServerRunner) -> None:
    graph = Graph()
    create(
        graph,
        "CREATE (a:A {b: true, i: 9223372036854775807, f: 1.0, s: 'it\\'s', l: [1, 2]}),"
        " (b:A:B {i: 'text'}), (c), (a)-[:T {w: -1.5}]->(b), (a)<-[:T {w: 1}]-(b), (b)-[:T]->(c)",
    )
    assert runner.load(typed(graph)) is None
    assert_loaded(kastor, typed(graph))
    (twin,) = rows(kastor, "SELECT * FROM DIGITALTWINS T WHERE IS_OF_MODEL('dtmi:tck:label:B;1')")
    assert twin["$dtId"] == "n1"
    assert runner.load(EMPTY) is None
    assert rows(kastor, "SELECT * FROM DIGITALTWINS") == []


def test_graphs_of_the_kit_are_loaded(kit: Kit, kastor: KastorServer, runner: ServerRunner) -> None:
    graphs = {each.graph.key: each.graph for each in kit.scenarios if each.has_graph}
    for graph in islice(graphs.values(), 0, None, EVERY):
        if len(graph.twins) < 100:
            assert runner.load(graph) is None
            assert_loaded(kastor, graph)


def test_a_part_of_the_kit(kit: Kit, runner: ServerRunner) -> None:
    some = kit.scenarios[::EVERY]
    found = run(runner, some)
    wrong = {
        each: verdict.why for each, verdict in found.items() if verdict.outcome is Outcome.WRONG
    }
    assert wrong == {}
    assert Ledger.load().lost((each.id for each in some), found) == []
    assert any(verdict.outcome is Outcome.PASSED for verdict in found.values())


def test_a_refusal_is_told(runner: ServerRunner) -> None:
    """Asked by the way that the kit takes, with words that no language has."""
    assert runner.load(EMPTY) is None
    result = runner.ask(Ask("NO SUCH WORDS", {"p": 1}, Rows()), 2)
    assert isinstance(result, Refused)
    assert not result.late
    assert result.message
