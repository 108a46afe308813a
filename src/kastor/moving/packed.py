"""Files that may be packed: read whatever they are, written as their name says."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, cast

import zstandard

from kastor.errors import CannotStartError

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
LONGEST_WINDOW = 33_554_432
"""Bytes that an unpacker of zstd has to remember, as of the server's imports."""
_ZSTD_LEVEL, _GZIP_LEVEL = 6, 6


class UnpackableError(CannotStartError):
    """A packed file ends too early or cannot be unpacked."""


def opened(file: IO[bytes]) -> io.BufferedReader:
    """Return what reads a file unpacked, by its first bytes; nothing is read twice.

    Args:
        file: at its beginning; need not be one that can go back.
    """
    whole = (
        file
        if isinstance(file, io.BufferedReader)
        else io.BufferedReader(cast("io.RawIOBase", file))
    )
    head = whole.peek(4)[:4]
    if head.startswith(GZIP):
        return io.BufferedReader(cast("io.RawIOBase", gzip.GzipFile(fileobj=whole)))
    if head == ZSTD:
        unpacker = zstandard.ZstdDecompressor(max_window_size=LONGEST_WINDOW)
        return io.BufferedReader(unpacker.stream_reader(whole, read_across_frames=True))
    return whole


@contextmanager
def unpacking() -> Iterator[None]:
    """Return a block in which a packed file is read.

    Raises:
        UnpackableError: it cannot be unpacked.
    """
    try:
        yield
    except EOFError:
        raise UnpackableError(
            "The file ends in the middle of its compressed data: it was cut off. Copy it again."
        ) from None
    except (gzip.BadGzipFile, zlib.error, zstandard.ZstdError) as error:
        raise UnpackableError(f"The file cannot be unpacked: {error}.") from None


@contextmanager
def packing(file: IO[bytes], suffix: str) -> Iterator[IO[bytes]]:
    """Return a block with what writes into a file: gzip or zstd where the name ends so.

    Equal content makes equal files: nothing in them tells of a time or a name.
    """
    if suffix == ".gz":
        with gzip.GzipFile("", "wb", _GZIP_LEVEL, file, mtime=0) as packed:
            yield cast("IO[bytes]", packed)
    elif suffix == ".zst":
        packer = zstandard.ZstdCompressor(level=_ZSTD_LEVEL)
        with packer.stream_writer(file, closefd=False) as writer:
            yield cast("IO[bytes]", writer)
    else:
        yield file
