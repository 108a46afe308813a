"""What is refused before it is sent, by what the other side announces."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from kastor.client import NotAnnouncedError, ServerFailedError, UnreachableError, writes

from .conftest import Asking
from .misbehaving import HALF, KASTOR, Behaviour, answer, drop, misbehaving

TWIN = {"$dtId": "a"}
OLD = answer(body={"name": "Kastor", "features": ["status"]})
NOTHING = {
    "401": answer(401),
    "403": answer(403, {"error": {"code": "Forbidden", "message": "No."}}),
    "404": answer(404),
    "405": answer(405),
    "page": answer(body=b"<html>", content_type="text/html"),
    "empty": answer(204),
    "redirection": answer(302, location="https://login.example/"),
    "other JSON": answer(body={"features": "many"}),
    "array": answer(body=["features"]),
    "deep": answer(body=b"[" * 100_000),
}


def batch(client: Any) -> Any:
    return client.batch([writes.put_twin("a", {})])


OWN: dict[str, Callable[[Any], Any]] = {
    "batch": batch,
    "dry run": lambda client: client.dry_run().twins.put("a", {}),
    "dry run of a deletion": lambda client: client.dry_run().twins.delete("a"),
    "status": lambda client: client.status(),
    "parameters": lambda client: client.query("q", {"a": 1}).collect(),
    "explain": lambda client: client.explain("q"),
    "update": lambda client: client.update_many("q", [], expect=1),
    "trial": lambda client: client.try_delete_many("q", expect=1),
    "upload": lambda client: client.jobs.upload(b"{}"),
    "jobs": lambda client: client.jobs.list().collect(),
    "resume": lambda client: client.jobs.resume_import("j"),
    "all models": lambda client: client.models.delete_all(),
    "reset": lambda client: client.reset(),
    "endpoints": lambda client: client.endpoints.put("e", "stdout"),
    "inputs": lambda client: client.inputs.delete("i"),
    "indexes": lambda client: client.indexes.create("t"),
    "vectors": lambda client: client.vectors.put("a", "i", [1.0]),
    "proposals": lambda client: client.proposals.propose([writes.put_twin("a", {})], "why"),
    "graphs": lambda client: client.graphs.delete("g"),
    "routes": lambda client: client.routes.pause("r"),
    "twin of an instant": lambda client: client.twins.get("a", as_of=1),
    "query of an instant": lambda client: client.query("q", as_of=1).collect(),
    "history": lambda client: client.history.twin("a").collect(),
    "series": lambda client: client.history.series("a", "/b").collect(),
    "revert": lambda client: client.history.revert(1),
    "status of history": lambda client: client.history.status(),
}


@pytest.mark.parametrize("root", NOTHING)
def test_who_announces_nothing_gets_the_contract_alone(ask: Asking, root: str) -> None:
    with misbehaving(answer(body=TWIN), root=NOTHING[root]) as (server, url):
        assert ask(url, lambda client: client.features()) == frozenset()
        with pytest.raises(NotAnnouncedError, match=r"'batch'.*Nothing was sent"):
            ask(url, batch)
        assert server.arrived == []
        assert ask(url, lambda client: client.twins.get("a")) == TWIN


@pytest.mark.parametrize("name", OWN)
def test_nothing_of_ours_is_sent_to_azure(ask: Asking, name: str) -> None:
    with (
        misbehaving(answer(body=TWIN), root=NOTHING["404"]) as (server, url),
        pytest.raises(NotAnnouncedError),
    ):
        ask(url, OWN[name])
    assert server.arrived == []


def test_the_message_says_what_it_was_answered(ask: Asking) -> None:
    for root, words in (
        ("403", r"is no Kastor: .* answered: 403"),
        ("page", "is no Kastor: .* something else"),
        ("redirection", r"login\.example"),
    ):
        with (
            misbehaving(answer(), root=NOTHING[root]) as (_, url),
            pytest.raises(NotAnnouncedError, match=words),
        ):
            ask(url, batch)


def test_a_server_that_is_not_well_says_nothing_of_what_it_has(ask: Asking) -> None:
    with misbehaving(answer(), root=answer(503)) as (server, url):
        with pytest.raises(ServerFailedError):
            ask(url, batch)
        with pytest.raises(ServerFailedError):
            ask(url, lambda client: client.features())
    assert (server.arrived, server.asked) == ([], 8)


@pytest.mark.parametrize("fault", [drop, HALF], ids=["drop", "half"])
def test_an_answer_that_is_lost_is_asked_for_again(ask: Asking, fault: Behaviour) -> None:
    with misbehaving(answer(), root=fault) as (server, url), pytest.raises(UnreachableError):
        ask(url, batch)
    assert (server.arrived, server.asked) == ([], 4)


def test_nobody_is_asked_for_the_contract(ask: Asking) -> None:
    with misbehaving(answer(body=TWIN)) as (server, url):
        ask(url, lambda client: client.twins.get("a"))
    assert server.asked == 0


def twice(client: Any) -> Any:
    """Two batches of one client; of an asynchronous one an awaitable."""

    async def run() -> None:
        await batch(client)
        await batch(client)

    return run() if hasattr(client, "__aenter__") else (batch(client), batch(client))


def test_it_is_asked_once(ask: Asking) -> None:
    with misbehaving(answer(body={"results": []})) as (server, url):
        ask(url, twice)
    assert (server.asked, len(server.arrived)) == (1, 2)


def test_another_server_in_its_place_is_noticed(
    ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new one may have more, and one that has less must not be sent it."""
    now = [1_000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    roots = iter([OLD, KASTOR, NOTHING["404"]])
    current: list[Behaviour] = [next(roots)]

    def batched(client: Any) -> Any:
        async def run() -> None:
            await step()
            current[0], now[0] = next(roots), now[0] + 2
            await batch(client)  # what was missing is asked for again
            current[0], now[0] = next(roots), now[0] + 61
            await step()

        async def step() -> None:
            with pytest.raises(NotAnnouncedError):
                await batch(client)

        if hasattr(client, "__aenter__"):
            return run()
        with pytest.raises(NotAnnouncedError):
            batch(client)
        current[0], now[0] = next(roots), now[0] + 2
        batch(client)
        current[0], now[0] = next(roots), now[0] + 61
        with pytest.raises(NotAnnouncedError):
            batch(client)
        return None

    def root(peer: Any) -> None:
        current[0](peer)

    with misbehaving(answer(body={"results": []}), root=root) as (server, url):
        ask(url, batched)
    assert len(server.arrived) == 1


def test_the_view_of_dry_runs_knows_what_its_client_knows(ask: Asking) -> None:
    told = answer(body=TWIN, kastor_dry_run="true")

    def work(client: Any) -> Any:
        async def run() -> None:
            await client.features()
            await client.dry_run().twins.put("a", {})

        if hasattr(client, "__aenter__"):
            return run()
        client.features()
        return client.dry_run().twins.put("a", {})

    with misbehaving(told) as (server, url):
        ask(url, work)
    assert server.asked == 1


def test_a_change_of_many_is_tried_by_its_own_method(ask: Asking) -> None:
    with (
        misbehaving(answer()) as (server, url),
        pytest.raises(ValueError, match="use try_update_many"),
    ):
        ask(url, lambda client: client.dry_run().update_many("q", [], expect=1))
    with misbehaving(answer()) as (server, url), pytest.raises(ValueError, match="and not both"):
        ask(url, lambda client: client.update_many("q", []))
    assert (server.arrived, server.asked) == ([], 0)
