"""Threads for what may wait long: networks, names, files of others, pipes that nobody reads.

The event loop's own pool has few threads, and large bodies, uploads and pages of queries are worked
on in it. Half a dozen that wait there for a dead broker would hold up everybody, and the end of the
process, which joins them.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import threading
from collections.abc import Awaitable, Callable
from contextvars import ContextVar, copy_context
from typing import Any, ParamSpec, TypeVar

MOST_THREADS = 1_000
"""That wait at once in a process."""

P = ParamSpec("P")
T = TypeVar("T")

_free = threading.Semaphore(MOST_THREADS)


class OwnThreads:
    """The threads that some work begins: they may go on when it has been given up."""

    def __init__(self) -> None:
        self._running = 0
        self._ended = asyncio.Event()
        self._ended.set()

    async def noting(self, work: Awaitable[T]) -> T:
        """Return the work's result; each thread that it begins is noted. To be a task's whole."""
        _noting.set(self)
        return await work

    async def until_ended(self) -> None:
        """Wait until every one has ended."""
        await self._ended.wait()

    def begin(self) -> None:
        """Note that one begins."""
        self._running += 1
        self._ended.clear()

    def end(self) -> None:
        """Note that one has ended."""
        self._running -= 1
        if not self._running:
            self._ended.set()


_noting: ContextVar[OwnThreads | None] = ContextVar("noting", default=None)


async def in_own_thread(work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Return what work returns, or raise what it raises; it runs in a thread of its own.

    Cancelled, the work goes on and nobody hears of it; the end of the process does not wait for it.

    Raises:
        OSError: so many threads wait already that no more are started.
    """
    loop, free = asyncio.get_running_loop(), _free
    result: asyncio.Future[T] = loop.create_future()

    threads, context = _noting.get(), copy_context()

    def tell(settle: Callable[[Any], None], value: Any) -> None:
        if threads is not None:
            threads.end()
        if not result.done():
            settle(value)

    def run() -> None:
        try:
            settle, value = result.set_result, context.run(work, *arguments, **named)
        except BaseException as error:  # noqa: BLE001 - it is the caller's
            settle, value = result.set_exception, error  # type: ignore[assignment]
        finally:
            free.release()
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(tell, settle, value)

    if not free.acquire(blocking=False):
        raise _too_many()
    try:
        threading.Thread(target=run, name="kastor-waiting", daemon=True).start()
    except RuntimeError:  # of the system
        free.release()
        raise _too_many() from None
    if threads is not None:
        threads.begin()
    return await result


def _too_many() -> OSError:
    return OSError(errno.EAGAIN, "too many threads wait for networks and files already")
