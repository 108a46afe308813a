"""Pages of the feed: each looks at a bounded part of the log, and together they miss nothing."""

from __future__ import annotations

import pytest

from kastor.errors import Gone
from kastor.events import feed as module
from kastor.events.feed import Feed
from kastor.events.filter import parse
from kastor.records import SYSTEM

from .conftest import Make
from .graphs import Graph, room

pytestmark = pytest.mark.anyio


async def feed_of(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> tuple[Feed, int]:
    """A feed that looks at ten entries a page, and the position before those of 25 new twins."""
    monkeypatch.setattr(module, "BATCH", 4)
    monkeypatch.setattr(module, "LOOKED_AT", 10)
    for number in range(25):
        await graph.put(f"t{number}", room())
    _, newest = await graph.store.events.log_bounds()
    return Feed(graph.store.events, "twins.example.org"), newest - 25


async def test_a_filter_that_wants_nothing_does_not_read_the_whole_log_at_once(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed, begin = await feed_of(graph, monkeypatch)
    positions = []
    position = begin
    while True:
        found, reached = await feed.page(position, 100, parse("false"), SYSTEM)
        assert found == []
        if reached == position:
            break
        positions.append(reached - begin)
        position = reached
    assert positions == [10, 20, 25]


async def test_a_page_ends_at_its_size_and_goes_on_behind_it(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed, begin = await feed_of(graph, monkeypatch)
    wants = parse("subject != 't3'")
    subjects, sizes, position = [], [], begin
    while True:
        found, reached = await feed.page(position, 7, wants, SYSTEM)
        if reached == position:
            break
        subjects += [event.subject for event in found]
        sizes.append(len(found))
        position = reached
    assert subjects == [f"t{number}" for number in range(25) if number != 3]
    assert sizes == [7, 7, 7, 3]


async def test_a_position_that_is_no_longer_kept_is_told_with_the_oldest(make: Make) -> None:
    graph = await make(log_bytes=3_000)
    for number in range(25):
        await graph.put(f"t{number}", room())
    await graph.store.events.log_bounds()  # gives every entry its position
    await graph.store.prune()
    oldest, newest = await graph.store.events.log_bounds()
    assert 1 < oldest < newest
    feed = Feed(graph.store.events, "twins.example.org")
    assert await feed.position(str(oldest - 1), SYSTEM) == oldest - 1
    with pytest.raises(Gone) as told:
        await feed.position(str(oldest - 2), SYSTEM)
    assert told.value.code == "ChangesGone"
    assert told.value.details[0].place == {"oldest": oldest}
