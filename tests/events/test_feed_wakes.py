"""How the feed wakes who listens: nothing is missed, whenever it comes."""

from __future__ import annotations

import asyncio
from pathlib import Path

from kastor.events.feed import STEP, Feed, FeedHeartbeat
from kastor.events.filter import parse
from kastor.events.model import Event
from kastor.records import SYSTEM
from tests.live.world import World, world

LISTENERS = 20


def test_an_event_that_comes_when_a_heartbeat_is_due_is_not_missed(tmp_path: Path) -> None:
    async def listen(made: World) -> list[list[int]]:
        feed = Feed(made.store.events, made.store.host_name)
        _, start = await made.store.events.log_bounds()
        seen: list[list[int]] = [[] for _ in range(LISTENERS)]

        async def follow(number: int) -> None:
            heartbeat = 0.0007 + number * 0.00013  # so that many end together with a write
            async for item in feed.follow(start, parse("true"), SYSTEM, heartbeat):
                if isinstance(item, Event):
                    seen[number].append(item.position - start)

        tasks = [asyncio.create_task(follow(number)) for number in range(LISTENERS)]
        for number in range(300):
            await made.put(f"t{number}")
        async with asyncio.timeout(10):
            while any(not each or each[-1] < 300 for each in seen):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await feed.stop()
        return seen

    async def run() -> None:
        async with world(tmp_path) as made:
            for each in await listen(made):
                assert each == list(range(1, 301))

    asyncio.run(run())


def test_a_listener_that_is_behind_gets_all_in_steps(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path) as made:
            feed = Feed(made.store.events, made.store.host_name)
            _, start = await made.store.events.log_bounds()
            slow = feed.follow(start, parse("true"), SYSTEM, 0.5)
            await made.put("first")
            item = await anext(slow)  # and the ring is followed from here on
            assert not isinstance(item, FeedHeartbeat)
            for number in range(3 * STEP + 1):
                await made.put(f"t{number}")
            await asyncio.sleep(0.3)
            async with asyncio.timeout(10):
                items = [await anext(slow) for _ in range(3 * STEP + 1)]
            found = [each.position - start for each in items if isinstance(each, Event)]
            assert found == list(range(2, 3 * STEP + 3))
            assert isinstance(await anext(slow), FeedHeartbeat)
            await slow.aclose()
            await feed.stop()

    asyncio.run(run())
