"""Answers that are compressed while they are sent, where the client takes that."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator

from kastor.api.http.accepting import weights

_LEVEL = 1
"""The fastest: an export is mostly names that come again and again."""
_GZIP = zlib.MAX_WBITS | 16
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
