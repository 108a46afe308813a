"""Documents of superseded versions: whole in their rows, or packed with others of the same twin.

A packed version's row holds an empty document in place. Its own stands in a block of up to
BLOCK_VERSIONS versions without gaps: their JSONB as it was, one after another behind a table of
their lengths, compressed with zstd. Whoever reads versions takes `version_doc`, which finds
either; `add_unpacking` gives every connection the function that it needs.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import zstandard

from kastor.storage.history import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

LEVEL = 3
CACHED_BLOCKS = 8
CACHED_BLOCK_BYTES = 262_144
"""Larger ones are unpacked anew each time."""
MOST_BLOCK_BYTES = 256 * 2**20
"""What a block may become; nothing of Kastor's making comes near it."""

_FUNCTION = "kastor_unpacked"
_COUNT = struct.Struct("<I")


def version_doc(alias: str, kind: Kind) -> str:
    """The SQL expression of a version's document, as JSONB.

    Args:
        alias: of a row of `twin_versions` or `relationship_versions`; its columns `key`, `version`
            and `doc` are used.
        kind: which of the two.
    """
    return (
        f"CASE WHEN length({alias}.doc) THEN {alias}.doc ELSE (SELECT"
        f" {_FUNCTION}(b.docs, {alias}.version - b.first) FROM version_blocks b"
        f" WHERE b.kind = '{kind}' AND b.key = {alias}.key AND b.first <= {alias}.version"
        " ORDER BY b.first DESC LIMIT 1) END"
    )


def packed(docs: Sequence[bytes]) -> bytes:
    """Return a block of documents."""
    table = struct.pack(f"<{len(docs) + 1}I", len(docs), *(len(doc) for doc in docs))
    return zstandard.ZstdCompressor(LEVEL).compress(table + b"".join(docs))


def unpacked(block: bytes) -> list[bytes]:
    """Return the documents of a block.

    Raises:
        ValueError: it is none.
    """
    data = _decompressed(zstandard.ZstdDecompressor(), block)
    return [_document(data, n) for n in range(_COUNT.unpack_from(data)[0])]


def add_unpacking(connection: apsw.Connection) -> None:
    """Let statements of a connection read packed versions."""
    connection.create_scalar_function(_FUNCTION, Unpacking(), 2, deterministic=True)


class Unpacking:
    """Finds one document of a block; keeps the blocks that were asked for last.

    A statement asks once for every mention of a document, and versions of one twin are neighbours.
    """

    __slots__ = ("_blocks", "_unpacker")

    def __init__(self) -> None:
        self._blocks: dict[bytes, bytes] = {}
        self._unpacker = zstandard.ZstdDecompressor()

    def __call__(self, *values: apsw.SQLiteValue) -> bytes:
        """Return the n-th document of a block."""
        block, n = values
        if not isinstance(block, bytes) or not isinstance(n, int):
            raise ValueError("a packed version is without its block")  # noqa: TRY004 - damage
        data = self._blocks.get(block)
        if data is None:
            data = _decompressed(self._unpacker, block)
            if len(data) <= CACHED_BLOCK_BYTES:
                if len(self._blocks) >= CACHED_BLOCKS:
                    del self._blocks[next(iter(self._blocks))]
                self._blocks[block] = data
        return _document(data, n)


def _decompressed(unpacker: zstandard.ZstdDecompressor, block: bytes) -> bytes:
    try:
        if not 0 < zstandard.frame_content_size(block) <= MOST_BLOCK_BYTES:
            raise ValueError("a block of versions has no size, or too much of it")
        return unpacker.decompress(block)
    except zstandard.ZstdError as error:
        raise ValueError(f"a block of versions cannot be unpacked: {error}") from error


def _document(data: bytes, n: int) -> bytes:
    (count,) = _COUNT.unpack_from(data)
    if not 0 <= n < count:
        raise ValueError("a version is missing from its block")
    lengths = struct.unpack_from(f"<{n + 1}I", data, _COUNT.size)
    start = _COUNT.size * (count + 1) + sum(lengths[:n])
    return data[start : start + lengths[n]]
