"""Answers that are compressed, where the client takes that: whole ones, and streams on their way.

Who sees how long a compressed answer is can guess what a client has of it, if he can have some of
his own text put beside a secret. There is no secret in answers.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator

from kastor.api.http.accepting import weights

_LEVEL = 1
"""The fastest: an export is mostly names that come again and again."""
_GZIP = zlib.MAX_WBITS | 16
_GZIP_OF_LITTLE = 13 | 16
_LITTLE_MEMORY = 6
"""A window of 8 kB: to clear the memory of a full one takes ten times as long as a small answer."""
_LEVEL_IN_THREADS = 4
SMALLEST = 1_400
"""Bytes from which on an answer is compressed: with its head a smaller one is one packet anyhow."""
_USUAL = frozenset((b"gzip", b"gzip, deflate", b"gzip, deflate, br", b"gzip, deflate, br, zstd"))
"""What SDKs and browsers send, which nobody needs to take apart."""
_THREADED_BYTES = 16_384
"""More is compressed in a thread: the event loop serves everybody."""


def takes_gzip(accepted: bytes) -> bool:
    """Return whether a header Accept-Encoding names gzip, with a weight that is not zero."""
    if accepted in _USUAL:
        return True
    found = weights(accepted)
    return max(found.get(b"gzip", 0.0), found.get(b"x-gzip", 0.0)) > 0


async def gzipped(body: bytes) -> bytes:
    """Return a body compressed."""
    if len(body) <= _THREADED_BYTES:
        deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_OF_LITTLE, _LITTLE_MEMORY)
        return deflate.compress(body) + deflate.flush()
    return await asyncio.to_thread(_gzipped, body)


def _gzipped(body: bytes) -> bytes:
    deflate = zlib.compressobj(_LEVEL_IN_THREADS, zlib.DEFLATED, _GZIP)
    return deflate.compress(body) + deflate.flush()


class Gzip:
    """The chunks of a stream, compressed; an end is written only where the stream came to it."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        self._ended = False

    def __aiter__(self) -> Gzip:
        """Return itself."""
        return self

    async def __anext__(self) -> bytes:
        """Return the next compressed bytes, which are some."""
        while not self._ended:
            try:
                chunk = await anext(self._chunks)
            except StopAsyncIteration:
                self._ended = True
                return self._deflate.flush()
            if len(chunk) > _THREADED_BYTES:
                made = await asyncio.to_thread(self._deflate.compress, chunk)
            else:
                made = self._deflate.compress(chunk)
            if made:
                return made
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Close what is compressed."""
        await self._chunks.aclose()  # type: ignore[attr-defined]
