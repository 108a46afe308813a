"""`kastor delete-all`: by the server's job, or by pages of single calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kastor.client import AsyncKastorClient, ConflictError, TooManyRequestsError
from kastor.client.writes import put_relationship, put_twin
from kastor.testing import KastorServer

from .graphs import MODELS, Graph

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .terminal import Cli

TWINS = 105
"""More than a page of a query."""


@pytest.fixture(scope="module")
def server() -> Iterator[KastorServer]:
    with KastorServer() as started:
        yield started


@pytest.fixture
def graph(server: KastorServer) -> Graph:
    server.reset()
    graph = Graph(server.url)
    with graph.client() as client:
        client.models.upload(MODELS)
        body = {"$metadata": {"$model": MODELS[0]["@id"]}}
        client.batch(
            [
                *(put_twin(f"t{at:03}", body) for at in range(TWINS)),
                *(
                    put_relationship(
                        "t000", f"r{at:03}", {"$relationshipName": "next", "$targetId": f"t{at:03}"}
                    )
                    for at in range(1, TWINS)
                ),
            ],
            atomic=True,
        )
    return graph


def counts(graph: Graph) -> tuple[int, int, int]:
    with graph.client() as client:
        found = client.status()["counts"]
    return found["models"], found["twins"], found["relationships"]


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that announces nothing, as Azure Digital Twins."""

    async def nothing(_: AsyncKastorClient) -> frozenset[str]:
        return frozenset()

    monkeypatch.setattr(AsyncKastorClient, "features", nothing)


ALL = f"3 models, {TWINS} twins and {TWINS - 1} relationships"


def test_it_says_what_would_go_and_asks(graph: Graph) -> None:
    said = graph.said("delete-all", "--dry-run")
    assert said == f"Would delete {ALL} of {graph.url}. Dry run: nothing was changed.\n"
    assert graph.refused("delete-all", status=2).startswith(f"Delete {ALL} of {graph.url}?")
    only = graph.json("delete-all", "--twins", "--dry-run")
    deleted = {"relationships": TWINS - 1, "twins": TWINS}
    assert only == {"deleted": deleted, "dryRun": True}
    assert counts(graph) == (3, TWINS, TWINS - 1)


def test_a_job_of_the_server_does_all(graph: Graph) -> None:
    assert graph.said("delete-all", "--yes") == f"Deleted {ALL} of {graph.url}.\n"
    assert counts(graph) == (0, 0, 0)
    with graph.client() as client:
        (job,) = client.deletions.list()
    assert job.status == "succeeded"
    said = graph.said("delete-all", "--yes")
    assert said.startswith("Deleted 0 models, 0 twins and 0 relationships of ")


def test_a_part_of_it_goes_by_pages(graph: Graph) -> None:
    said = graph.said("delete-all", "--relationships", "-y")
    assert said == f"Deleted {TWINS - 1} relationships of {graph.url}.\n"
    assert counts(graph) == (3, TWINS, 0)
    said = graph.json("delete-all", "--models", "-y")
    assert said == {"deleted": {"models": 3}, "dryRun": False}
    assert counts(graph) == (0, TWINS, 0)


@pytest.mark.usefixtures("azure")
def test_a_server_without_anything_of_ours_is_emptied_by_pages(graph: Graph) -> None:
    said = graph.said("delete-all", "-y")
    assert said == f"Deleted {ALL} of {graph.url}.\n"


@pytest.mark.usefixtures("azure")
def test_what_is_refused_stays_and_is_told(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    from kastor.client.asynchronous.relationships import AsyncRelationships

    delete = AsyncRelationships.delete

    async def refuses_some(
        relationships: AsyncRelationships, source: str, relationship: str
    ) -> None:
        if relationship.endswith("00"):
            raise ConflictError(409, "Locked", f"{relationship} is locked.")
        await delete(relationships, source, relationship)

    with monkeypatch.context() as patch:
        patch.setattr(AsyncRelationships, "delete", refuses_some)
        done = graph.run("delete-all", "--relationships", "-y", status=7)
    assert done.stdout == f"Deleted {TWINS - 2} relationships of {graph.url}.\n"
    assert done.stderr == (
        "kastor: 1 relationship stayed:\nkastor:   relationship r100 of t000: r100 is locked.\n"
    )
    assert counts(graph) == (3, TWINS, 1)


@pytest.mark.usefixtures("azure")
def test_what_came_too_fast_is_tried_again(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    from kastor.client.asynchronous.twins import AsyncTwins
    from kastor.moving import emptying

    delete = AsyncTwins.delete
    calls: list[str] = []

    async def is_throttled(twins: AsyncTwins, twin: str) -> None:
        calls.append(twin)
        if len(calls) <= TWINS + 50:
            raise TooManyRequestsError(429, "TooManyRequests", "Slower, please.")
        await delete(twins, twin)

    monkeypatch.setattr(AsyncTwins, "delete", is_throttled)
    monkeypatch.setattr(emptying, "PAUSE_SECONDS", 0.01)
    said = graph.json("delete-all", "--twins", "-y")
    assert said["deleted"] == {"relationships": TWINS - 1, "twins": TWINS}
    assert len(calls) == 2 * TWINS + 50
    assert counts(graph) == (3, 0, 0)


def test_a_terminal_is_asked(graph: Graph, cli: Cli) -> None:
    for answer, status in (("\r", 1), ("yes\r", 0)):
        with cli.terminal("delete-all", columns=120, KASTOR_URL=graph.url) as terminal:
            terminal.wait_for(f"Delete {ALL} of {graph.url}? [y/N]")
            terminal.send(answer)
            assert terminal.end() == status
    assert counts(graph) == (0, 0, 0)
