"""The lint over reads finds whoever reads without a context, and whoever goes around the runner."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

LINT = Path(__file__).resolve().parents[2] / "lints" / "reads.py"
SERVICES = """
from kastor.storage.protocol import Store
from kastor.graph.service import GraphService

class Services:
    store: Store
    graph: GraphService
"""
STORE = "class Store:\n    async def twin(self, twin_id, context): ...\n    def _key(self): ..."
GRAPH = "class GraphService:\n    async def twin(self, twin_id, *, context): ..."
RUNNER = "class Runner:\n    async def page(self, context):\n        self.reader.fetch_one()"
EXCUSED = {"upkeep": "Store.prune"}


@pytest.fixture
def lint() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lints_reads", LINT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def said(lint: ModuleType, allowed: dict[str, str] | None = None, **texts: str) -> list[str]:
    sources = {
        "kastor.hosting.services": SERVICES,
        "kastor.storage.protocol": texts.get("store", STORE),
        "kastor.graph.service": texts.get("graph", GRAPH),
        "kastor.query.run": texts.get("runner", RUNNER),
        "kastor.storage.sqlite.store": "def one(pool): return pool.fetch_all()",
        "kastor.server.run": "from kastor.records import SYSTEM",
        "kastor.live.service": texts.get("live", ""),
    }
    trees = {name: ast.parse(text) for name, text in sources.items()}
    found: list[str] = lint.problems(trees, allowed or {})
    return found


def test_what_takes_a_context_passes(lint: ModuleType) -> None:
    assert said(lint) == []


@pytest.mark.parametrize("kind", ["async def", "def", "@property\n    def"])
def test_a_read_without_a_context_is_found(lint: ModuleType, kind: str) -> None:
    store = f"{STORE}\n    {kind} prune(self): ..."
    (found,) = said(lint, store=store)
    assert found.endswith("Store.prune takes no context")
    assert said(lint, EXCUSED, store=store) == []
    assert said(lint, {"all of it": "Store.*"}, store=store) == []


def test_so_is_one_of_any_service_and_of_the_runner(lint: ModuleType) -> None:
    found = said(
        lint,
        graph=f"{GRAPH}\n    def model(self, model_id): ...",
        runner=f"{RUNNER}\n    def rows(self): ...",
    )
    assert [line.partition(": ")[2] for line in found] == [
        "GraphService.model takes no context",
        "Runner.rows takes no context",
    ]


def test_an_excuse_that_nobody_needs_is_found(lint: ModuleType) -> None:
    assert said(lint, EXCUSED) == ["lints/reads.py: there is no Store.prune"]
    assert said(lint, {"why": "Store.twin"}) == [
        "kastor.storage.protocol:2: Store.twin takes a context, and is excused"
    ]


@pytest.mark.parametrize("name", ["fetch_one", "fetch_all", "fetch_some", "look_up"])
def test_a_road_around_the_runner_is_found(lint: ModuleType, name: str) -> None:
    expected = [f"kastor.live.service:1: {name} is called by kastor.query.run alone"]
    assert said(lint, live=f"rows = store.{name}(sql)") == expected
    assert said(lint, live=f"read = store.{name}") == expected


def test_who_reads_as_the_server_without_a_reason_is_found(lint: ModuleType) -> None:
    (found,) = said(lint, live="from kastor.records import SYSTEM, Context")
    assert found == "kastor.live.service:1: reads as SYSTEM; hand on the context of who asks"


def test_nothing_of_kastor_breaks_the_rules(lint: ModuleType) -> None:
    assert lint.main() == 0
