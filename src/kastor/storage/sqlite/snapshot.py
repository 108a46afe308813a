"""One state of a graph's file, kept in a private copy of its pages for as long as somebody reads.

A reader that stays would hold back the folding of the write-ahead log, which would grow without a
bound. So the pages are copied within one transaction of a reader, as fast as the disk takes them,
and everything slow happens on the copy: its name is gone as soon as it is open.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import apsw

from kastor.errors import Unavailable
from kastor.private import FOLDER_MODE, open_private
from kastor.storage.indexes import PREFIX
from kastor.storage.sqlite.connection import open_immutable, open_reader
from kastor.storage.sqlite.graph_reader import SqliteGraphReader
from kastor.storage.sqlite.pool import ReadPool, closed
from kastor.storage.sqlite.snapshot_texts import PRESENT
from kastor.storage.transfer import (
    PORTION_BYTES,
    DeletedKind,
    DocumentRow,
    Identity,
    Instant,
)
from kastor.waiting import in_own_thread
from kastor.words import counted

if os.name == "posix":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.types import ModelId, RelationshipId, TwinId

STEP_BYTES = 2**20
"""Copied between two looks at whether it is still wanted."""
SPARE_BYTES = 64 * 2**20
"""Left free on the disk beside the copy, for the log that grows meanwhile."""
RETRY_AFTER_SECONDS = 30
_SUFFIX = ".snapshot"
_MODELS_AT_ONCE = 100

_INSTANT = """
SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'changes'), 0), last_tick
FROM meta
"""
_OLDEST = "SELECT coalesce(min(seq), 0) FROM changes"
_INDEXES = """
SELECT substr(name, 1 + :skip) FROM sqlite_schema
WHERE type = 'index' AND substr(name, 1, :skip) = :prefix ORDER BY name
"""
# Twins first, in order of id: only their order is the same in equal graphs.
_VECTORS = """
SELECT t.id, v.vector
FROM twins t CROSS JOIN vectors v ON v.twin_key = t.key AND v.index_name = :name
WHERE t.id > :after AND v.vector IS NOT NULL ORDER BY t.id LIMIT :limit
"""

_numbers = count(1)


class SqliteSnapshot(SqliteGraphReader):
    """Implements `Snapshot` over the private copy of a file.

    Attributes:
        pools: what reads tables, and what runs queries.
        texts: the statements that its reads run, with values by name.
    """

    texts = PRESENT
    _named: Mapping[str, Any] = MappingProxyType({})
    """Values that are the same in all of them."""

    def __init__(self, tables: ReadPool, queries: ReadPool, instant: Instant) -> None:
        super().__init__(tables.call)
        self.pools = tables, queries
        self.instant = instant

    async def connection(self) -> apsw.Connection:
        """Return the connection to the copy, for who alone reads it."""
        return await self._call(lambda connection: connection)

    async def oldest_change(self) -> int:
        """Return the position of the oldest entry of the change log."""
        return int((await self._run(_OLDEST))[0][0])

    async def models(self, *, since: int | None = None) -> AsyncIterator[tuple[ModelId, bytes]]:
        """Yield the stored models."""
        after = ""
        while True:
            values = {"after": after, "since": since, "limit": _MODELS_AT_ONCE}
            portion = await self._portion(self.texts.models, values)
            for model_id, text in portion:
                yield model_id, text
            if not portion:
                return
            after = portion[-1][0]

    async def twins(
        self, after: TwinId, limit: int, *, since: int | None = None
    ) -> list[DocumentRow]:
        """Return twins in order of id."""
        found = await self._portion(
            self.texts.twins, {"after": after, "since": since, "limit": limit}
        )
        return [_document_row(row) for row in found]

    async def relationships(
        self, after: tuple[TwinId, RelationshipId], limit: int, *, since: int | None = None
    ) -> list[DocumentRow]:
        """Return relationships in order of (source id, id)."""
        values = {"source": after[0], "after": after[1], "since": since, "limit": limit}
        found = await self._portion(self.texts.of_source, values) if after[0] else []
        size = sum(len(row[1]) for row in found)
        if len(found) < limit and size < PORTION_BYTES:
            values["limit"] = limit - len(found)
            found += await self._portion(self.texts.of_next_sources, values, size)
        return [_document_row(row) for row in found]

    async def deleted(
        self, kind: DeletedKind, after: Identity, limit: int, since: int
    ) -> list[Identity]:
        """Return the identities of what was deleted."""
        first, second = (*after, "", "")[:2]
        values = {"since": since, "first": first, "second": second, "limit": limit, **self._named}
        if kind != "relationship":
            del values["second"]  # a name that the statement has not is refused
        return await self._run(self.texts.deleted[kind], values)

    async def indexes(self) -> list[str]:
        """Return the paths of the property indexes."""
        found = await self._run(_INDEXES, {"skip": len(PREFIX), "prefix": PREFIX})
        return [path for (path,) in found]

    async def vectors(self, index: str, after: TwinId, limit: int) -> list[tuple[TwinId, bytes]]:
        """Return what stands beside twins for an index."""
        return await self._run(_VECTORS, {"name": index, "after": after, "limit": limit})

    async def fetch_all(
        self, sql: str, params: Sequence[object], *, timeout: float
    ) -> list[tuple[Any, ...]]:
        """Run a compiled query for all its rows."""
        return await self.pools[1].fetch_all(sql, params, timeout)

    async def fetch_some(
        self, sql: str, params: Sequence[object], *, timeout: float, most: int
    ) -> tuple[list[tuple[Any, ...]], bool]:
        """Run a compiled query for its first rows of `most` bytes; whether there are more."""
        return await self.pools[1].fetch_some(sql, params, timeout, most)

    async def _portion(
        self, text: str, values: dict[str, Any], taken: int = 0
    ) -> list[tuple[Any, ...]]:
        """Return rows until their second columns, which are bytes, have PORTION_BYTES together.

        `taken` of them are there already.
        """

        def read(connection: apsw.Connection) -> list[tuple[Any, ...]]:
            left, rows = PORTION_BYTES - taken, []
            with contextlib.closing(connection.cursor()) as cursor:
                for row in cursor.execute(text, {**values, **self._named}):
                    rows.append(row)
                    left -= len(row[1])
                    if left <= 0:
                        break
            return rows

        return await self._call(read)


@asynccontextmanager
async def snapshot_of(path: Path, *, vfs: str | None = None) -> AsyncIterator[SqliteSnapshot]:
    """Read one state of a file in a block; a server may go on writing to it.

    Raises:
        Unavailable: there is no room for the copy, or the disk does not take it.
    """
    folder = _folder(path)
    copied = folder / f"{os.getpid()}-{next(_numbers)}{_SUFFIX}"
    stop = threading.Event()
    try:
        try:
            handle = await in_own_thread(_copy, path, vfs, copied, stop.is_set)
        except asyncio.CancelledError:
            stop.set()  # the thread removes what it made
            raise
        try:
            async with _pools(copied) as (tables, queries):
                with contextlib.suppress(OSError):  # some systems keep the name of an open file
                    copied.unlink()
                rows: list[tuple[Any, ...]] = await tables.call(
                    lambda connection: connection.execute(_INSTANT).fetchall()
                )
                yield SqliteSnapshot(tables, queries, Instant(*rows[0]))
        finally:
            os.close(handle)
            copied.unlink(missing_ok=True)
    finally:
        with contextlib.suppress(OSError):  # others are in it
            folder.rmdir()


def clear(path: Path) -> None:
    """Remove what snapshots of a graph's file left that were cut off by a crash."""
    folder = _folder(path)
    for left in folder.glob(f"*{_SUFFIX}*"):
        with contextlib.suppress(OSError):
            handle = os.open(left, os.O_RDWR)
            try:
                _lock(handle)  # refused where another process is copying just now
                left.unlink()
            finally:
                os.close(handle)
    with contextlib.suppress(OSError):
        folder.rmdir()


def _folder(path: Path) -> Path:
    return path.with_name(f"{path.stem}.snapshots")


@asynccontextmanager
async def _pools(path: Path) -> AsyncIterator[tuple[ReadPool, ReadPool]]:
    """Open the copy twice: for tables, and for what clients ask, whose values are bounded."""
    connect = partial(open_immutable, path)
    pools = (
        ReadPool(path, 1, connect=connect, sorts_on_disk=True),
        ReadPool(path, 1, connect=connect, bounded=True),
    )
    try:
        for pool in pools:
            await pool.call(lambda connection: connection.execute(_OLDEST).fetchall())
        yield pools
    finally:
        for pool in pools:
            await asyncio.shield(asyncio.to_thread(pool.close))


def _copy(source: Path, vfs: str | None, target: Path, is_over: Callable[[], bool]) -> int:
    """Copy a file's pages as of one instant; return a locked descriptor of the copy.

    Raises:
        Unavailable: the disk does not take it, or nobody wants it any more.
    """
    handle = -1
    try:
        target.parent.mkdir(FOLDER_MODE, exist_ok=True)
        handle = open_private(target, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        _lock(handle)
        with (
            contextlib.closing(open_reader(source, vfs=vfs)) as reading,
            contextlib.closing(_open_target(target)) as writing,
        ):
            reading.execute("BEGIN").fetchall()
            _require_room(reading, target.parent)
            _copy_pages(reading, writing, is_over)
    except BaseException as error:
        if handle >= 0:
            os.close(handle)
            target.unlink(missing_ok=True)
        if isinstance(error, OSError | apsw.FullError | apsw.IOError | apsw.CantOpenError):
            raise _no_copy(str(error)) from error
        raise
    return handle


def _open_target(target: Path) -> apsw.Connection:
    connection = apsw.Connection(str(target), flags=apsw.SQLITE_OPEN_READWRITE)
    # After a crash it is thrown away: nothing in it has to be safe.
    for pragma in ("synchronous = OFF", "journal_mode = OFF", "locking_mode = EXCLUSIVE"):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    return connection


def _require_room(reading: apsw.Connection, folder: Path) -> None:
    pages, page_bytes = (int(reading.pragma(name)) for name in ("page_count", "page_size"))
    needed, free = pages * page_bytes + SPARE_BYTES, shutil.disk_usage(folder).free
    if free < needed:
        raise _no_copy(f"{counted(needed, 'byte')} are needed and {free:,} are free")


def _copy_pages(
    reading: apsw.Connection, writing: apsw.Connection, is_over: Callable[[], bool]
) -> None:
    step = max(1, STEP_BYTES // int(reading.pragma("page_size")))
    with writing.backup("main", reading, "main") as backup:
        while not backup.step(step):
            if is_over():
                raise closed()


def _lock(handle: int) -> None:
    if os.name == "posix":
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _no_copy(reason: str) -> Unavailable:
    return Unavailable(
        f"The graph cannot be copied aside to be read whole ({reason}). Nothing was changed. Make "
        "room on the disk of the data folder, then try again.",
        retry_after=RETRY_AFTER_SECONDS,
    )


def _document_row(row: tuple[Any, ...]) -> DocumentRow:
    etag, doc, *identity = row
    return DocumentRow(tuple(identity), etag, doc)
