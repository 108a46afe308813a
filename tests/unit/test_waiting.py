"""Threads for what may wait long."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from kastor import waiting
from kastor.waiting import OwnThreads, in_own_thread


def test_it_returns_and_raises_what_the_work_does() -> None:
    async def run() -> None:
        assert await in_own_thread(divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            await in_own_thread(divmod, 7, 0)
        assert await in_own_thread(threading.current_thread) is not threading.main_thread()

    asyncio.run(run())


def test_what_waits_takes_no_thread_of_the_loop() -> None:
    gate = threading.Event()

    async def run() -> None:
        waiting_ones = [asyncio.ensure_future(in_own_thread(gate.wait, 30)) for _ in range(64)]
        assert await asyncio.wait_for(asyncio.to_thread(str, 1), 5) == "1"
        for each in waiting_ones[:32]:
            each.cancel()
        gate.set()
        found = await asyncio.gather(*waiting_ones, return_exceptions=True)
        assert [each for each in found if each is not True] != [True]
        assert found[32:] == [True] * 32

    asyncio.run(run())


def test_the_loop_ends_while_work_goes_on() -> None:
    gate = threading.Event()

    async def run() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await in_own_thread(gate.wait, 30)

    asyncio.run(run())  # without waiting for the thread
    assert not gate.is_set()
    gate.set()


def test_there_are_only_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    gate, free = threading.Event(), threading.Semaphore(1)
    monkeypatch.setattr(waiting, "_free", free)

    async def run() -> Any:
        first = asyncio.ensure_future(in_own_thread(gate.wait, 30))
        await asyncio.sleep(0)
        with pytest.raises(OSError, match="too many threads"):
            await in_own_thread(str, 1)
        gate.set()
        assert await first
        return await in_own_thread(str, 1)

    assert asyncio.run(run()) == "1"


def test_threads_of_work_that_was_given_up_are_known_until_they_end() -> None:
    gate = threading.Event()

    async def work() -> None:
        await asyncio.gather(in_own_thread(gate.wait, 30), in_own_thread(str, 1))

    async def run() -> None:
        threads = OwnThreads()
        task = asyncio.create_task(threads.noting(work()))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await in_own_thread(str, 2)  # another's
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(threads.until_ended(), 0.05)
        gate.set()
        await asyncio.wait_for(threads.until_ended(), 5)

    asyncio.run(run())
