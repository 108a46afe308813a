"""Reads the next batch while the one before is written, each step of the reading in a thread."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import TypeVar

from kastor.jobs.importing.batches import FileBatch
from kastor.jobs.importing.reading import FileReader

T = TypeVar("T")
_END = object()


async def batches_of(reader: FileReader, chunks: AsyncIterator[bytes]) -> AsyncIterator[FileBatch]:
    """Yield the batches of a file; no step of the event loop takes long.

    Raises:
        ImportFailedError: the file cannot be read on.
    """
    async for chunk in chunks:
        async for batch in _in_steps(reader.batches(chunk)):
            yield batch
    async for batch in _in_steps(reader.end()):
        yield batch


async def one_ahead(items: AsyncIterator[T]) -> AsyncGenerator[T, None]:
    """Yield the same items; while one is worked on, the next is made.

    What fails while it is made is raised when its turn comes. Close this, or it goes on.
    """
    making = asyncio.ensure_future(_next(items))
    try:
        while (item := await making) is not _END:
            making = asyncio.ensure_future(_next(items))
            yield item  # type: ignore[misc]
    finally:
        making.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await making


async def _next(items: AsyncIterator[T]) -> T | object:
    return await anext(items, _END)


async def _in_steps(batches: Iterator[FileBatch]) -> AsyncIterator[FileBatch]:
    while (batch := await asyncio.to_thread(next, batches, None)) is not None:
        yield batch
