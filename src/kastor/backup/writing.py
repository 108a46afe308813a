"""Makes a graph's file of a backup: its tables as lines, compressed, with counts and hashes.

The graph is read once, in portions that fit into memory. Threads do the work on each portion, so
that a server goes on serving meanwhile.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TypeAlias

import zstandard

from kastor.backup.lines import TableLines
from kastor.backup.manifest import GraphEntry, TableEntry
from kastor.clock import twin_time
from kastor.storage.tables import COPIED, Table
from kastor.storage.transfer import (
    CHUNK_ROWS,
    GraphReader,
    Identification,
    Identity,
    Progress,
    Row,
    canonical,
    portions,
)

LEVEL = 3
_CHUNK_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class ShownGraph:
    """A graph that is to be backed up.

    Attributes:
        reader: shows one state.
        indexes: paths of its property indexes.
    """

    reader: GraphReader
    indexes: Sequence[str]


ShowGraph: TypeAlias = Callable[[], AbstractAsyncContextManager[ShownGraph]]
"""Opens a graph that is to be backed up; it shows one state until the end of the block."""


class GraphWriter:
    """Writes one graph; `entry` is what the manifest says of it, once `chunks` has ended."""

    def __init__(self, name: str, shown: ShownGraph, progress: Progress | None = None) -> None:
        self._name = name
        self._shown = shown
        self._progress = progress
        self._compress = zstandard.ZstdCompressor(LEVEL, write_checksum=True).compressobj()
        self._sha256 = hashlib.sha256()
        self._bytes = self._plain_bytes = self._longest = self._newest = 0
        self._tables: dict[str, TableEntry] = {}

    async def chunks(self) -> AsyncGenerator[bytes]:
        """Yield the file in pieces of some MB at most; empty ones are left out.

        Raises:
            whatever reading the graph raises.
        """
        for table in COPIED:
            async for chunk in self._table(table):
                yield chunk
        last = self._count(self._compress.flush())
        if last:
            yield last

    async def entry(self, *, signing_key: bool) -> GraphEntry:
        """Return the graph's entry in the manifest.

        Args:
            signing_key: whether the key of its continuation tokens stands in it.
        """
        found: Identification = await self._shown.reader.identification()
        last_tick = max(found.last_tick, self._newest)
        return GraphEntry(
            name=self._name,
            host_name=found.host_name,
            model_epoch=found.model_epoch,
            last_tick=last_tick,
            time=twin_time(last_tick),
            position=found.log_position,
            history_from=found.history_from,
            history=found.history,
            size=self._bytes,
            sha256=self._sha256.hexdigest(),
            decompressed_bytes=self._plain_bytes,
            longest_line=self._longest,
            tables=self._tables,
            indexes=tuple(sorted(self._shown.indexes)),
            signing_key=found.signing_key if signing_key else None,
        )

    async def _table(self, table: Table) -> AsyncGenerator[bytes]:
        lines, hashed, seen = TableLines(table), hashlib.sha256(), 0
        total = await self._shown.reader.count(table) if self._progress else 0
        chunk = self._add([lines.head])
        if chunk:
            yield chunk
        async for rows in read_rows(self._shown.reader, table):
            for chunk in await asyncio.to_thread(self._rows, lines, rows, hashed.update):
                yield chunk
            seen += len(rows)
            del rows  # else they would be there while the next ones are read
            if self._progress is not None:
                self._progress(table.name, seen, max(total, seen))
        self._tables[table.name] = TableEntry(seen, hashed.hexdigest())

    def _rows(
        self, lines: TableLines, rows: Sequence[Row], update: Callable[[bytes], None]
    ) -> list[bytes]:
        """Return what the file goes on with after some rows."""
        chunks, pending, size = [], [], 0
        time = lines.table.columns.index("time") if "time" in lines.table.columns else None
        for row in rows:
            update(canonical(lines.table, row))
            if time is not None:
                self._newest = max(self._newest, row[time])
            pending.append(lines.encode(row))
            size += len(pending[-1])
            if size >= _CHUNK_BYTES:
                chunks.append(self._add(pending))
                pending, size = [], 0
        chunks.append(self._add(pending))
        return [chunk for chunk in chunks if chunk]

    def _add(self, lines: Sequence[bytes]) -> bytes:
        self._longest = max(self._longest, *map(len, lines), 0)
        text = b"".join(lines)
        self._plain_bytes += len(text)
        return self._count(self._compress.compress(text))

    def _count(self, chunk: bytes) -> bytes:
        self._bytes += len(chunk)
        self._sha256.update(chunk)
        return chunk


async def read_rows(reader: GraphReader, table: Table) -> AsyncGenerator[Sequence[Row]]:
    """Yield a table's rows in order of identity, in portions that fit into memory."""
    after: Identity | None = None
    while True:
        found = await reader.revisions(table, after, CHUNK_ROWS)
        if not found:
            return
        identities = [identity for identity, _ in found]
        async for rows in portions(reader, table, identities):
            if rows:
                yield rows
            del rows
        after = identities[-1]
