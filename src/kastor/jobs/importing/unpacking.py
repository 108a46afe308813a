"""Bytes of a file as it comes, unpacked where its first bytes say gzip or zstd.

A few bytes may stand for gigabytes: what comes out is handed on in pieces, and a file that becomes
very much larger than it is, is given up.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Protocol

import zstandard

from kastor.jobs.importing.faults import FileDamagedError, ImportTooLargeError

PIECE_BYTES = 262_144
"""That come out at once, at most; of zstd 8 MB, since it cannot be stopped within a block."""
MOST_TIMES = 200
"""How many times as large as it came a file may become, once it is over FREE_BYTES."""
FREE_BYTES = 67_108_864
LONGEST_WINDOW = 33_554_432
"""Bytes that an unpacker of zstd has to remember; `zstd -19` needs 8 MB."""

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_SKIPPABLE = b"\x2a\x4d\x18"
"""Follows the first byte, 0x50 to 0x5f, of a frame that holds no data."""
_LONGEST_MARK = 4
_SLICE = 65_536
_ZSTD_SLICE = 256
"""Bytes that go in at once: 64 blocks of 128 KB at most."""


class _Codec(Protocol):
    """Unpacks the members, or frames, of one file after one another.

    Attributes:
        within: whether a member was begun and not ended.
    """

    within: bool

    def pieces(self, part: bytes) -> Iterator[bytes]:
        """Yield what becomes of a part of the file.

        Raises:
            FileDamagedError: it cannot be unpacked.
        """


class Unpacker:
    """Unpacks one file.

    Attributes:
        taken: bytes that went in.
        given: bytes that came out.
    """

    def __init__(self, most_bytes: int) -> None:
        """Prepare.

        Args:
            most_bytes: that may come out.
        """
        self._most = most_bytes
        self._codec: _Codec | None = None
        self._head = b""
        self.taken = self.given = 0

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what becomes of the next chunk of the file, in pieces.

        Raises:
            FileDamagedError: it cannot be unpacked.
            ImportTooLargeError: it becomes larger than it may.
        """
        if self._codec is None:
            self._head += chunk
            if len(self._head) < _LONGEST_MARK:
                return
            self._codec, chunk, self._head = _codec_of(self._head), self._head, b""
        for start in range(0, len(chunk), _SLICE):
            part = chunk[start : start + _SLICE]
            self.taken += len(part)
            for piece in self._codec.pieces(part):
                self._require_room(len(piece))
                yield piece

    def end(self) -> Iterator[bytes]:
        """Yield what is left at the end of the file.

        Raises:
            FileDamagedError: it ends within what is packed.
        """
        if self._codec is None:  # a file of one to three bytes
            self.given += len(self._head)
            yield self._head
        elif self._codec.within:
            raise FileDamagedError(
                "The file ends in the middle of its compressed data: it was cut off. What came "
                "before is imported; send the whole file again."
            )

    def _require_room(self, more: int) -> None:
        self.given += more
        if self.given > self._most:
            raise ImportTooLargeError(
                f"The file has more than {self._most} bytes of text (setting max_import_bytes). "
                "Split it, each part with its header, or raise the setting."
            )
        if self.given > max(FREE_BYTES, self.taken * MOST_TIMES):
            raise FileDamagedError(
                f"The file becomes more than {MOST_TIMES} times as large as it is when it is "
                "unpacked, which no file of twins does. Send it as it is, without compression."
            )


def _codec_of(head: bytes) -> _Codec:
    if head.startswith(_GZIP):
        return _Gzip()
    if _is_frame(head):
        return _Zstd()
    return _Plain()


def _is_frame(head: bytes) -> bool:
    return head.startswith(_ZSTD) or (head[1:4] == _SKIPPABLE and 0x50 <= head[0] <= 0x5F)  # noqa: PLR2004


class _Plain:
    within = False

    def pieces(self, part: bytes) -> Iterator[bytes]:
        yield part


class _Gzip:
    def __init__(self) -> None:
        self.within = False
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)

    def pieces(self, part: bytes) -> Iterator[bytes]:
        while part:
            if not self.within:
                part = part.lstrip(b"\0")  # tapes pad with zeros
                if not part:
                    return
                self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
                self.within = True
            inflate = self._inflate
            try:
                piece = inflate.decompress(part, PIECE_BYTES)
            except zlib.error as error:
                raise _damaged("gzip", error) from None
            if piece:
                yield piece
            self.within = not inflate.eof
            part = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
            if not part and self.within and len(piece) == PIECE_BYTES:
                yield from self._rest()

    def _rest(self) -> Iterator[bytes]:
        """Yield what comes out although all has gone in."""
        while not self._inflate.eof:
            piece = self._inflate.decompress(b"", PIECE_BYTES)
            if not piece:
                break
            yield piece
        self.within = not self._inflate.eof


class _Zstd:
    def __init__(self) -> None:
        self.within = False
        self._frames = zstandard.ZstdDecompressor(max_window_size=LONGEST_WINDOW)
        self._frame = self._frames.decompressobj()

    def pieces(self, part: bytes) -> Iterator[bytes]:
        for start in range(0, len(part), _ZSTD_SLICE):
            few = part[start : start + _ZSTD_SLICE]
            while few:
                if not self.within:
                    self._frame, self.within = self._frames.decompressobj(), True
                try:
                    piece = self._frame.decompress(few)
                except zstandard.ZstdError as error:
                    raise _damaged("zstd", error) from None
                if piece:
                    yield piece
                self.within = not self._frame.eof
                few = self._frame.unused_data if self._frame.eof else b""


def _damaged(kind: str, error: Exception) -> FileDamagedError:
    hint = ""
    if "too much memory" in str(error):
        hint = " It was packed with a window of more than 32 MB: pack it with zstd -19 at most."
    return FileDamagedError(
        f"The file begins as {kind} and cannot be unpacked: {error}.{hint} What came before is "
        "imported; send the whole file again."
    )
