"""An answer with an end of its own: cut off, it breaks, and is never taken for the whole."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, MutableMapping
from typing import Any

import pytest

from kastor.api.http.compression import Gzip, takes_gzip
from kastor.api.http.request import StreamResponse
from kastor.api.http.streaming import send_stream
from kastor.errors import QueryTimeout


class Chunks:
    """Yields, then ends as it is told; notes that it was closed."""

    def __init__(self, *chunks: bytes, then: BaseException | None = None) -> None:
        self._left = list(chunks)
        self._then = then
        self.closed = False

    def __aiter__(self) -> Chunks:
        return self

    async def __anext__(self) -> bytes:
        if self._left:
            return self._left.pop(0)
        if self._then is None:
            raise StopAsyncIteration
        if isinstance(self._then, TimeoutError):
            await asyncio.Event().wait()
        raise self._then

    async def aclose(self) -> None:
        self.closed = True


def sent(
    chunks: AsyncIterator[bytes], *, ends: bool = True, reads: bool = True, drains: bool = False
) -> tuple[bytes, bool]:
    """What arrives of a stream, and whether its end does."""
    messages: list[MutableMapping[str, Any]] = []

    async def run() -> None:
        draining = asyncio.Event()

        async def receive() -> dict[str, Any]:
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: MutableMapping[str, Any]) -> None:
            messages.append(message)
            if message["type"] == "http.response.body" and drains:
                draining.set()
            if message["type"] == "http.response.body" and not reads:
                await asyncio.Event().wait()

        response = StreamResponse(chunks, b"text/plain", ends=ends)
        await send_stream(response, receive, send, draining, 0.05)

    asyncio.run(run())
    bodies = [each for each in messages if each["type"] == "http.response.body"]
    return b"".join(each["body"] for each in bodies), not bodies[-1]["more_body"]


def test_one_that_comes_to_its_end_has_an_end() -> None:
    assert sent(chunks := Chunks(b"a", b"b")) == (b"ab", True)
    assert chunks.closed


def test_one_that_fails_has_none() -> None:
    assert sent(chunks := Chunks(b"a", then=QueryTimeout("too long"))) == (b"a", False)
    assert chunks.closed


def test_one_whose_server_stops_has_none() -> None:
    assert sent(Chunks(b"a", then=TimeoutError()), drains=True) == (b"a", False)
    assert sent(Chunks(b"a", then=TimeoutError()), drains=True, ends=False) == (b"a", True)


def test_one_that_never_waits_stops_as_well() -> None:
    assert sent(chunks := Chunks(*[b"a"] * 1_000), drains=True) == (b"a", False)
    assert chunks.closed
    assert sent(Chunks(*[b"a"] * 1_000), drains=True, ends=False) == (b"a", True)


def test_one_that_nobody_reads_has_none() -> None:
    assert sent(chunks := Chunks(b"a", b"b"), reads=False) == (b"a", False)
    assert chunks.closed


def test_a_fault_of_ours_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        sent(Chunks(b"a", then=ZeroDivisionError()))


def test_compressed_it_ends_only_at_the_end() -> None:
    text = b"abc" * 20_000
    packed, ended = sent(Gzip(Chunks(text, b"", text)))
    assert (zlib.decompress(packed, zlib.MAX_WBITS | 16), ended) == (text + text, True)
    packed, ended = sent(Gzip(Chunks(text, then=QueryTimeout("too long"))))
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    assert text.startswith(unpacker.decompress(packed))
    assert (unpacker.eof, ended) == (False, False)


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [
        (b"", False),
        (b"gzip", True),
        (b"br, GZIP;q=0.5", True),
        (b"gzip;q=0", False),
        (b"gzip; q=0.000, br", False),
        (b"identity, deflate", False),
        (b"x-gzip", True),
    ],
)
def test_who_takes_gzip(accepted: bytes, takes: bool) -> None:
    assert takes_gzip(accepted) is takes
