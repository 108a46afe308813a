"""Saved documents and scene files: compared where they are written, copied with their graph."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial

import apsw
import pytest

from kastor.errors import KastorError, LimitExceeded, NotFound, PreconditionFailed
from kastor.graph.command import IfMatch
from kastor.records import Context
from kastor.saved.doors import FILE_BYTES, FILES, SVG
from kastor.saved.refusals import SceneFileRefused
from kastor.saved.service import (
    PART_BYTES,
    QUERIES,
    VIEWS,
    Condition,
    SavedLimits,
    SavedService,
    StoredFile,
)
from kastor.storage.saved import SavedEntry, SavedUsage
from kastor.storage.sqlite.store import SqliteStore

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


async def read(service: SavedService, name: str) -> tuple[SavedEntry, bytes]:
    file = await service.open_file(name, ALICE)
    return file.entry, b"".join([part async for part in file.parts])


def names(found: list[SavedEntry]) -> list[str]:
    return [each.name for each in found]


async def test_what_is_written_over_is_what_was_seen(empty: Graph) -> None:
    store = empty.store.saved
    first = entry("a")
    assert await store.put(first, b"{1}", None, anything)
    assert not await store.put(entry("a", "two"), b"{2}", None, anything), "there is one by now"
    assert not await store.put(entry("a", "two"), b"{2}", "other", anything)
    assert await store.contents(VIEWS, "a", 9) == (first, b"{1}")
    second = replace(first, etag="two", size=4, updated=2, actor="bob")
    assert await store.put(second, b"{22}", "one", anything)
    assert await store.contents(VIEWS, "a", 9) == (second, b"{22}")
    assert await store.entry(QUERIES, "a") is None
    assert not await store.delete(VIEWS, "a", "one")
    assert await store.delete(VIEWS, "a", "two")
    assert await store.contents(VIEWS, "a", 9) is None
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
    found = await again.saved.contents(FILES, "a", len(content))
    assert found is not None
    assert found[1] == content
    cut = await again.saved.contents(FILES, "a", 300)
    assert cut is not None
    assert cut[1] == content[:301], "one more, so that there being more is seen"
    part = partial(again.saved.part, FILES, "a")
    assert await part("one", 0, 300) == content[:300]
    assert await part("one", 70_000, 5_000) == content[70_000:75_000]
    assert await part("one", len(content) - 3, 5_000) == content[-3:]
    assert await part("two", 0, 300) is None
    assert await part("one", len(content) + 9, 5_000) == b""


async def test_a_part_is_read_without_the_whole(empty: Graph) -> None:
    if not isinstance(empty.store, SqliteStore):
        pytest.skip("its memory is another process's")
    content = bytes(64_000_000)
    assert await empty.store.saved.put(replace(entry("a"), kind=FILES), content, None, anything)
    apsw.memory_high_water(True)
    before = apsw.memory_used()
    assert await empty.store.saved.part(FILES, "a", "one", 60_000_000, 300) == bytes(300)
    # What stands before the part is walked through, and the cache of pages keeps some of it.
    assert apsw.memory_high_water() - before < 32_000_000


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
    after, text = await saved.document(VIEWS, "v", ALICE)
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
    assert await read(saved, "p") == (made, PLAN)
    await saved.delete(FILES, "p", IfMatch(frozenset({made.etag})), ALICE)
    with pytest.raises(KastorError) as caught:
        await saved.delete(FILES, "p", None, ALICE)
    assert caught.value.code == "SceneFileNotFound"


HOSTILE = PLAN.replace(b"><rect", b' onload="x()"><script>x()</script><rect')


async def from_elsewhere(
    graph: Graph, name: str, content: bytes, kind: str = SVG, size: int | None = None
) -> SavedEntry:
    """Put a file where it is stored, as a backup or another graph may bring it."""
    size = len(content) if size is None else size
    made = SavedEntry(FILES, name, kind, size, "foreign", 1, 1, "mallory")
    assert await graph.store.saved.put(made, content, None, anything)
    return made


async def test_a_drawing_from_elsewhere_is_made_harmless_before_it_goes_out(
    saved: SavedService, empty: Graph
) -> None:
    foreign = await from_elsewhere(empty, "plan", HOSTILE)
    entry, text = await read(saved, "plan")
    assert b"script" not in text
    assert b"onload" not in text
    assert b'id="room"' in text
    assert entry.etag != foreign.etag, "who has the old one is told that it is another"
    assert (entry.size, entry.actor, entry.created) == (len(text), "mallory", 1)
    assert await read(SavedService(empty.store.saved), "plan") == (entry, text), "it is stored so"
    assert await saved.entry(FILES, "plan", ALICE) == entry


async def test_what_is_as_it_would_be_stored_stays(saved: SavedService, empty: Graph) -> None:
    foreign = await from_elsewhere(empty, "plan", PLAN)
    assert await read(saved, "plan") == (foreign, PLAN)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"<html><script>x()</script></html>", SVG),
        (b"<script>x()</script>", "text/html"),
        (b"<script>x()</script>", "text/html\r\nset-cookie: a=b"),
        (b"{}", "model/gltf+json"),
        (b"<svg>" + b" " * FILE_BYTES + b"</svg>", SVG),
    ],
)
async def test_what_is_no_scene_file_does_not_go_out(
    saved: SavedService, empty: Graph, content: bytes, kind: str
) -> None:
    await from_elsewhere(empty, "odd", content, kind, size=5)
    for service in (saved, saved, SavedService(empty.store.saved)):
        with pytest.raises(SceneFileRefused, match="from another graph"):
            await service.open_file("odd", ALICE)
    await saved.put_file("odd", PLAN, SVG, ALWAYS, ALICE)
    assert (await read(saved, "odd"))[1] == PLAN


async def test_a_wrong_size_is_put_right(saved: SavedService, empty: Graph) -> None:
    await from_elsewhere(empty, "plan", PLAN, size=7)
    entry, text = await read(saved, "plan")
    assert (entry.size, text) == (len(PLAN), PLAN)


async def test_a_file_is_read_in_parts_and_never_of_two_versions(
    saved: SavedService, empty: Graph
) -> None:
    shapes = b"".join(b'<rect id="r%d" width="1" height="1"/>' % n for n in range(60_000))
    large = PLAN.replace(b"/></svg>", b"/>" + shapes + b"</svg>")
    assert len(large) > 2 * PART_BYTES
    made = (await saved.put_file("large", large, SVG, ALWAYS, ALICE)).entry
    assert await read(saved, "large") == (made, large)
    file = await saved.open_file("large", ALICE)
    assert await anext(file.parts) == large[:PART_BYTES]
    await saved.put_file("large", large.replace(b'"1"', b'"2"'), SVG, ALWAYS, BOB)
    with pytest.raises(KastorError) as caught:
        await anext(file.parts)
    assert caught.value.code == "Conflict"
