"""Files that were uploaded and wait to be imported: on disk, never in memory, their owner's alone.

A file belongs to the one machine that took it. Whoever works on its job reads it from its own
folder, or finds that it is not there.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
import time
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import BinaryIO, Protocol

from msgspec import Struct

from kastor.clock import new_guid
from kastor.errors import KastorError, PayloadTooLarge, TooManyRequests, Unavailable
from kastor.private import make_folder, open_private, sync_folder
from kastor.words import counted

SPOOL = "spool"
"""Folder of the data folder with one for each graph."""
MOST_AT_ONCE = 4
"""Files of a graph that are taken at the same time."""
ROOM_LEFT = 268_435_456
"""Bytes of the disk that no upload takes."""
OLD_SECONDS = 3_600.0
"""After which a file that no job names is nobody's."""

_WRITE_BYTES, _READ_BYTES = 1_048_576, 262_144


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...


class Spooled(Struct, frozen=True):
    """A file that was taken.

    Attributes:
        name: within the spool.
        size: bytes, as it came.
        sha256: of these, in hexadecimal digits.
    """

    name: str
    size: int
    sha256: str


class Spool:
    """The uploaded files of one graph.

    Args:
        folder: where they are.
        most_bytes: of one of them, as it comes.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder, self._most = folder, most_bytes
        self._under_way: set[str] = set()

    async def take(self, chunks: AsyncIterator[bytes], declared: int | None = None) -> Spooled:
        """Keep a file; it is durable then.

        Args:
            chunks: the file.
            declared: bytes that it is said to have.

        Raises:
            PayloadTooLarge: it has more bytes than it may.
            TooManyRequests: MOST_AT_ONCE are under way.
            Unavailable: the disk has no room for it, or cannot be written.
        """
        if declared is not None and declared > self._most:
            raise self._too_large()
        if len(self._under_way) >= MOST_AT_ONCE:
            raise TooManyRequests(
                f"{counted(MOST_AT_ONCE, 'upload')} to this graph are under way, and no more are "
                "taken. Upload one after the other.",
                retry_after=5,
            )
        name = new_guid()
        self._under_way.add(name)
        try:
            return await self._keep(name, chunks, declared or 0)
        except BaseException as error:
            await self.remove(name)
            if isinstance(error, OSError):
                raise Unavailable(
                    f"The file cannot be kept in the data folder: {error.strerror}. Nothing was "
                    "imported."
                ) from error
            raise
        finally:
            self._under_way.discard(name)

    def size(self, name: str) -> int | None:
        """Return the bytes of a file; None where it is not on this machine."""
        try:
            return self._path(name).stat().st_size
        except FileNotFoundError:
            return None

    async def read(self, name: str) -> AsyncGenerator[bytes, None]:
        """Yield a file in chunks.

        Raises:
            OSError: it cannot be read.
        """
        file: BinaryIO = await asyncio.to_thread(self._path(name).open, "rb")
        try:
            while chunk := await asyncio.to_thread(file.read, _READ_BYTES):
                yield chunk
        finally:
            file.close()

    async def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        await asyncio.to_thread(self._path(name).unlink, missing_ok=True)

    async def old(self) -> set[str]:
        """Return the files that were taken more than OLD_SECONDS ago."""
        return await asyncio.to_thread(self._old) - self._under_way

    async def _keep(self, name: str, chunks: AsyncIterator[bytes], declared: int) -> Spooled:
        await asyncio.to_thread(make_folder, self._folder)
        file = await asyncio.to_thread(self._create, name)
        parts: list[bytes] = []
        size, waiting, digest = 0, 0, hashlib.sha256()
        try:
            await asyncio.to_thread(self._require_room, declared)
            async for chunk in chunks:
                size, waiting = size + len(chunk), waiting + len(chunk)
                if size > self._most:
                    raise self._too_large()
                parts.append(chunk)
                if waiting >= _WRITE_BYTES:
                    await asyncio.to_thread(self._write, file, parts, digest)
                    parts, waiting = [], 0
            await asyncio.to_thread(self._write, file, parts, digest)
            await asyncio.to_thread(self._sync, file)
        finally:
            file.close()
        return Spooled(name, size, digest.hexdigest())

    def _create(self, name: str) -> BinaryIO:
        handle = open_private(self._path(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        return os.fdopen(handle, "wb", buffering=0)

    def _write(self, file: BinaryIO, parts: list[bytes], digest: _Digest) -> None:
        self._require_room(sum(map(len, parts)))
        for part in parts:
            digest.update(part)
            rest = memoryview(part)
            while rest:
                rest = rest[file.write(rest) :]

    def _sync(self, file: BinaryIO) -> None:
        os.fsync(file.fileno())
        sync_folder(self._folder)

    def _require_room(self, size: int) -> None:
        if shutil.disk_usage(self._folder).free < size + ROOM_LEFT:
            raise Unavailable(
                "The disk of the data folder has no room for this file. Nothing was imported; "
                "make room, or send the file compressed."
            )

    def _too_large(self) -> KastorError:
        return PayloadTooLarge(
            f"The file has more than {self._most} bytes (setting max_upload_bytes). Send it "
            "compressed (gzip or zstd), or in several files, each with its header."
        )

    def _path(self, name: str) -> Path:
        return self._folder / name

    def _old(self) -> set[str]:
        before = time.time() - OLD_SECONDS
        with contextlib.suppress(FileNotFoundError):
            return {each.name for each in self._folder.iterdir() if each.stat().st_mtime < before}
        return set()
