"""Bodies that are sent, in the form in which a request is given them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from kastor.client.calls import Content, HttpCall, Repetition
from kastor.client.errors import UnsendableError

T = TypeVar("T")
_PIECE = 256 * 1024


def repetition(call: HttpCall[T]) -> Repetition:
    """Return when a call may be sent again: never where its body can be read only once."""
    if call.content is None or isinstance(call.content, bytes | Path):
        return call.repeat
    return Repetition.NEVER


def body_of(content: Content | None) -> bytes | Iterable[bytes] | None:
    """Return a body for the client that waits.

    Raises:
        UnsendableError: it is an asynchronous one, or a file that cannot be read.
    """
    if content is None or isinstance(content, bytes):
        return content
    if isinstance(content, Path):
        return _pieces(_opened(content))
    if isinstance(content, AsyncIterable):
        raise UnsendableError("This body is asynchronous: send it with AsyncKastorClient.")
    return _gathered(_whole_pieces(content))


def body_of_awaited(content: Content | None) -> bytes | AsyncIterable[bytes] | None:
    """Return a body for the client of asyncio; what waits for a disk does so in a thread."""
    if content is None or isinstance(content, bytes):
        return content
    if isinstance(content, Path):
        return _in_thread(_pieces(_opened(content)))
    if isinstance(content, AsyncIterable):
        return _gathered_awaited(content)
    return _in_thread(_gathered(_whole_pieces(content)))


def _opened(path: Path) -> Path:
    if not path.is_file():
        raise UnsendableError(f"{path} is no file that can be read.")
    return path


def _pieces(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece
    except OSError as error:
        raise UnsendableError(f"{path} cannot be read: {error.strerror or error}.") from error


def _whole_pieces(content: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what is iterated over; a file is read by size and not by its lines."""
    read = getattr(content, "read", None)
    if read is None:
        yield from content
        return
    while piece := read(_PIECE):
        yield piece


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the same bytes in larger pieces: each costs a call into the system, or a thread."""
    held = bytearray()
    for piece in pieces:
        held += piece
        if len(held) >= _PIECE:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


async def _gathered_awaited(pieces: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    held = bytearray()
    async for piece in pieces:
        held += piece
        if len(held) >= _PIECE:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


async def _in_thread(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        yield piece
