"""Work side by side, a bounded amount of it, and in order where two pieces touch the same thing."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from types import TracebackType
from typing import Self, TypeAlias

Work: TypeAlias = Callable[[], Awaitable[None]]


class WorkLanes:
    """Runs pieces of work; those of one key one after another, in the order that they came in.

    A key that has much to do holds up no other: each gives way after every piece. The first
    exception of a piece ends everything, and is raised by whatever is called next.
    """

    def __init__(self, parallel: int, most: int) -> None:
        """Prepare.

        Args:
            parallel: how many pieces run at once.
            most: how many are taken that have not ended.
        """
        self._parallel = parallel
        self._room = asyncio.Semaphore(most)
        self._most, self._open = most, 0
        self._waiting: dict[Hashable, deque[Work]] = {}
        self._ready: asyncio.Queue[Hashable] = asyncio.Queue()
        self._idle = asyncio.Event()
        self._idle.set()
        self._workers: list[asyncio.Task[None]] = []
        self._error: BaseException | None = None

    async def add(self, key: Hashable, work: Work) -> None:
        """Take a piece of work; waits for room."""
        await self._room.acquire()
        self._raise()
        self._open += 1
        self._idle.clear()
        if key in self._waiting:
            self._waiting[key].append(work)
        else:
            self._waiting[key] = deque((work,))
            self._ready.put_nowait(key)

    async def drain(self) -> None:
        """Return when all that was taken has ended."""
        await self._idle.wait()
        self._raise()

    async def __aenter__(self) -> Self:
        self._workers = [asyncio.create_task(self._work()) for _ in range(self._parallel)]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    async def _work(self) -> None:
        while True:
            key = await self._ready.get()
            try:
                await self._waiting[key][0]()
            except Exception as error:  # noqa: BLE001 - raised again by whoever called
                self._end(error)
                return
            self._finished(key)

    def _finished(self, key: Hashable) -> None:
        queue = self._waiting[key]
        queue.popleft()
        if queue:
            self._ready.put_nowait(key)
        else:
            del self._waiting[key]
        self._open -= 1
        self._room.release()
        if not self._open:
            self._idle.set()

    def _end(self, error: BaseException) -> None:
        """Keep the first error, and wake up whoever waits for room or for the end."""
        self._error = self._error or error
        self._idle.set()
        for _ in range(self._most):
            self._room.release()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error
