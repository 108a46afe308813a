"""Bodies that come compressed: decompressed piece by piece, never beyond the limit of the body.

A few bytes may stand for millions, so the limit holds for what comes out; and a piece that is large
is decompressed in a thread, since the event loop serves everybody.
"""

from __future__ import annotations

import asyncio
import zlib

from kastor.errors import EncodingError, InvalidArgument

_EITHER_HEADER = zlib.MAX_WBITS | 32
_PIECE = 65_536
_THREADED_PIECE = 1_048_576
MOST_TIMES = 200
"""How many times as large as it came a body may become, once it is over a million bytes."""


def decoder_of(coding: bytes, limit: int) -> Decoder | None:
    """Return what decodes a body, or None for one that comes as it is.

    Args:
        coding: value of Content-Encoding.
        limit: bytes that may come out.

    Raises:
        EncodingError: it is neither gzip nor deflate, or more than one.
    """
    name = coding.strip().lower()
    if name in (b"", b"identity"):
        return None
    if name not in (b"gzip", b"x-gzip", b"deflate"):
        raise EncodingError(
            f"The content coding {name[:80].decode('latin-1')} is not supported; send the body "
            "with gzip, deflate, or as it is."
        )
    return Decoder(limit)


class Decoder:
    """Decodes one body of gzip or zlib (which HTTP calls deflate).

    Attributes:
        size: bytes that have come out.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._inflate = zlib.decompressobj(_EITHER_HEADER)
        self._taken = 0
        self.size = 0
        self._is_full = False  # more may come out without anything going in
        self._pieces: list[bytes] = []

    async def take(self, chunk: bytes) -> bool:
        """Decode a part; return whether the limits allow what has come out so far.

        Raises:
            InvalidArgument: it is not of the coding that was declared.
        """
        self._taken += len(chunk)
        while chunk or self._is_full:
            if self._inflate.eof:
                raise InvalidArgument("Something follows the end of the compressed body.")
            chunk = await self._decode(chunk)
            most = max(_THREADED_PIECE, self._taken * MOST_TIMES)
            if self.size > self._limit or self.size > most:
                return False
        return True

    def end(self) -> bytes:
        """Return the whole body.

        Raises:
            InvalidArgument: its end is missing.
        """
        if not self._inflate.eof:
            raise InvalidArgument("The compressed body ends before its end.")
        return b"".join(self._pieces)

    async def _decode(self, chunk: bytes) -> bytes:
        """Decode at most one piece; return what is left to decode."""
        # The first piece shows whether there is more to come than a thread costs.
        long = self.size >= _PIECE
        most = min(_THREADED_PIECE if long else _PIECE, self._limit - self.size + 1)
        inflate = self._inflate
        try:
            if long:
                piece = await asyncio.to_thread(inflate.decompress, chunk, most)
            else:
                piece = inflate.decompress(chunk, most)
        except zlib.error as error:
            raise InvalidArgument(f"The compressed body cannot be read: {error}.") from None
        self._pieces.append(piece)
        self.size += len(piece)
        self._is_full = len(piece) == most and not inflate.eof
        return inflate.unconsumed_tail or inflate.unused_data
