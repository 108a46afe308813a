"""Many single calls at once, where a server has none that does them together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable
from typing import TypeVar

from kastor.client import ServiceError

T = TypeVar("T")
PARALLEL = 16


async def for_each(
    items: AsyncIterable[T],
    call: Callable[[T], Awaitable[None]],
    on_done: Callable[[T, ServiceError | None], None],
    parallel: int = PARALLEL,
) -> None:
    """Make a call for each item, some at once, with few more items in memory than that.

    Args:
        items: read as calls become free.
        call: what is made of an item.
        on_done: is told of each item that is done, with what the server refused it for.
        parallel: how many calls are made at once.

    Raises:
        ClientError: of a call, where it is no refusal: nobody answers, say. Others end with it.
    """
    free = asyncio.Semaphore(parallel)

    async def one(item: T) -> None:
        refusal = None
        try:
            await call(item)
        except ServiceError as error:
            refusal = error
        finally:
            free.release()
        on_done(item, refusal)

    async with asyncio.TaskGroup() as tasks:
        async for item in items:
            await free.acquire()
            tasks.create_task(one(item))
