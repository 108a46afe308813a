"""Saved documents and scene files: compared where they are written, copied with their graph."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from kastor.errors import KastorError, LimitExceeded, NotFound, PreconditionFailed
from kastor.graph.command import IfMatch
from kastor.records import Context
from kastor.saved.service import (
    FILES,
    QUERIES,
    SVG,
    VIEWS,
    Condition,
    SavedLimits,
    SavedService,
    StoredFile,
)
from kastor.storage.saved import SavedEntry, SavedUsage

from .engines import Engine
from .graphs import Graph

pytestmark = pytest.mark.anyio
ALICE, BOB = Context("alice"), Context("bob")
ALWAYS = Condition()
PLAN = b'<svg xmlns="http://www.w3.org/2000/svg"><rect id="room" width="1" height="1"/></svg>'


def anything(_usage: SavedUsage) -> None:
    """Lets everything in."""


def entry(name: str, etag: str = "one", size: int = 3) -> SavedEntry:
    return SavedEntry(VIEWS, name, "application/json", size, etag, 1, 1, "alice")


def names(found: list[SavedEntry]) -> list[str]:
    return [each.name for each in found]


async def test_what_is_written_over_is_what_was_seen(empty: Graph) -> None:
    store = empty.store.saved
    first = entry("a")
    assert await store.put(first, b"{1}", None, anything)
    assert not await store.put(entry("a", "two"), b"{2}", None, anything), "there is one by now"
    assert not await store.put(entry("a", "two"), b"{2}", "other", anything)
    assert await store.contents(VIEWS, "a") == (first, b"{1}")
    second = replace(first, etag="two", size=4, updated=2, actor="bob")
    assert await store.put(second, b"{22}", "one", anything)
    assert await store.contents(VIEWS, "a") == (second, b"{22}")
    assert await store.entry(QUERIES, "a") is None
    assert not await store.delete(VIEWS, "a", "one")
    assert await store.delete(VIEWS, "a", "two")
    assert await store.contents(VIEWS, "a") is None
    assert not await store.delete(VIEWS, "a", "two")


async def test_listings_are_by_code_point_and_in_pages(empty: Graph) -> None:
    store = empty.store.saved
    wanted = ["A", "Z", "a", "a b", "a%2Fb", "ä", "\U0001f600", "z'; --"]
    for n, name in enumerate(wanted):
        assert await store.put(entry(name, size=n), b"x" * n, None, anything)
    assert await store.put(replace(entry("other"), kind=QUERIES), b"{}", None, anything)
    found, after = [], ""
    while page := await store.entries(VIEWS, after, 3):
        assert len(page) <= 3
        found += names(page)
        after = page[-1].name
    assert found == sorted(wanted)
    assert await store.usage(VIEWS, "a") == SavedUsage(7, sum(range(8)) - 2)
    assert await store.usage(FILES, "") == SavedUsage(0, 0)


async def test_a_restart_keeps_contents_byte_for_byte_and_emptying_keeps_them_too(
    engine: Engine, empty: Graph
) -> None:
    content = bytes(range(256)) * 20_000
    assert await empty.store.saved.put(replace(entry("a"), kind=FILES), content, None, anything)
    await empty.store.reset()
    await empty.store.close()
    again = await engine.open()
    found = await again.saved.contents(FILES, "a")
    assert found is not None
    assert found[1] == content


@pytest.fixture
def saved(empty: Graph) -> SavedService:
    return SavedService(empty.store.saved)


async def test_of_those_who_write_over_the_same_version_one_is_let_through(
    saved: SavedService, empty: Graph
) -> None:
    made = await saved.put_document(VIEWS, "v", {"n": 0}, ALWAYS, ALICE)
    others = [SavedService(empty.store.saved) for _ in range(4)]
    seen = Condition(IfMatch(frozenset({made.etag})))
    results = await asyncio.gather(
        *(each.put_document(VIEWS, "v", {"n": n}, seen, BOB) for n, each in enumerate(others)),
        return_exceptions=True,
    )
    won = [n for n, each in enumerate(results) if isinstance(each, SavedEntry)]
    assert len(won) == 1
    assert all(
        isinstance(each, PreconditionFailed) for n, each in enumerate(results) if n not in won
    )
    after, text = await saved.contents(VIEWS, "v", ALICE)
    assert text == b'{"n":%d}' % won[0]
    assert (after.created, after.actor) == (made.created, "bob")
    assert after.updated > made.updated


@pytest.mark.parametrize("limits", [SavedLimits(files=3), SavedLimits(files_bytes=3 * len(PLAN))])
async def test_limits_hold_for_whoever_writes_at_once(
    engine: Engine, empty: Graph, saved: SavedService, limits: SavedLimits
) -> None:
    """On PostgreSQL each service has connections of its own, as in a process of its own."""
    stores = [empty.store if engine.in_order else await engine.open() for _ in range(4)]
    several = [SavedService(each.saved, limits) for each in stores]
    results = await asyncio.gather(
        *(
            service.put_file(f"{name} of {n}", PLAN, SVG, ALWAYS, ALICE)
            for n, service in enumerate(several)
            for name in ("one", "two", "three")
        ),
        return_exceptions=True,
    )
    refused = [each for each in results if not isinstance(each, StoredFile)]
    assert len(refused) == 9
    assert all(isinstance(each, LimitExceeded) for each in refused)
    kept = await saved.entries(FILES, "", 99, ALICE)
    assert len(kept) == 3
    again = await several[0].put_file(kept[0].name, PLAN, SVG, ALWAYS, BOB)
    assert again.entry.actor == "bob", "what is there already is replaced"
    with pytest.raises(LimitExceeded):
        await several[0].put_file("tried", PLAN, SVG, ALWAYS, Context("alice", dry_run=True))


async def test_a_dry_run_says_all_and_writes_nothing(saved: SavedService) -> None:
    trying = Context("alice", dry_run=True)
    told = await saved.put_file("p", b"<svg onload='x'/>", SVG, ALWAYS, trying)
    assert [(each.what, each.name) for each in told.dropped] == [("attribute", "onload")]
    with pytest.raises(NotFound):
        await saved.entry(FILES, "p", ALICE)
    made = (await saved.put_file("p", PLAN, SVG, ALWAYS, ALICE)).entry
    await saved.delete(FILES, "p", None, trying)
    with pytest.raises(PreconditionFailed):
        await saved.put_file("p", PLAN, SVG, Condition(only_if_absent=True), trying)
    assert await saved.contents(FILES, "p", ALICE) == (made, PLAN)
    await saved.delete(FILES, "p", IfMatch(frozenset({made.etag})), ALICE)
    with pytest.raises(KastorError) as caught:
        await saved.delete(FILES, "p", None, ALICE)
    assert caught.value.code == "SceneFileNotFound"
