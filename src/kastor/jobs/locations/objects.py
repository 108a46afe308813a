"""Locations in stores of objects: read in ranges, written whole, in parts of bounded size."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, ParamSpec, TypeVar, cast

from kastor.jobs.locations.faults import LocationError
from kastor.jobs.locations.overwriting import FIRST_LINE_BYTES, TAKEN, is_job_log
from kastor.jobs.locations.stores import ObjectPlace, Opened
from kastor.outside.hiding import hide
from kastor.waiting import in_own_thread

if TYPE_CHECKING:
    from obstore import AsyncWritableFile, GetOptions, GetResult

RANGE_BYTES = 4_194_304
"""What one request reads."""
PART_BYTES, PARTS_AT_ONCE = 16_777_216, 2
"""Of a written object; stores take 10,000 parts, so that it can have 160 GB."""
LOG_SECONDS = 10.0
"""A log is put anew no more often, and takes no more than a tenth of the time."""
_LOG_SHARE = 10.0
_SPOOL_BYTES = 1_048_576
_SHOWN = 300
_QUERY = re.compile(r"\?[^\s\"')]+")

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ObjectLocation:
    """An object.

    Attributes:
        shown: its URI for people.
        place: where it is.
        spool: folder for what is not put there yet.
    """

    shown: str
    place: ObjectPlace
    spool: Path

    async def read(self) -> AsyncIterator[bytes]:
        """Yield its bytes, all of the version that was there when the reading began."""
        import obstore  # noqa: PLC0415 - an extra

        opened, name = await self.open(), self.place.name
        meta = await self.ask(opened, lambda: obstore.head_async(opened.store, name))
        size = meta["size"]
        same: GetOptions = {"if_match": meta["e_tag"]} if meta["e_tag"] else {}
        for start in range(0, size, RANGE_BYTES):
            options: GetOptions = {**same, **_part(start, min(start + RANGE_BYTES, size), size)}
            got = await self.ask(opened, partial(_get, opened, name, options))
            yield bytes(await self.ask(opened, got.bytes_async))

    def log(self) -> ObjectLog:
        """Return what writes a job's log there."""
        return ObjectLog(self)

    async def write(self, *, again: bool = False) -> ObjectOutput:
        """Return what writes an output there."""
        opened = await self.open()
        if not again:
            await self.is_there(opened)
        return ObjectOutput(self, opened, again=again)

    async def open(self) -> Opened:
        """Return the store."""
        return await in_own_thread(self.place.open)

    async def is_there(self, opened: Opened) -> bool:
        """Whether a job log of ours has the name; raises LocationError if something else has it."""
        import obstore  # noqa: PLC0415 - an extra

        store, name = opened.store, self.place.name
        try:
            meta = await self.ask(opened, lambda: obstore.head_async(store, name))
        except NoSuchObjectError:
            return False
        head, size = b"", meta["size"]
        if size:
            options = _part(0, min(size, FIRST_LINE_BYTES), size)
            got = await self.ask(opened, partial(_get, opened, name, options))
            head = bytes(await self.ask(opened, got.bytes_async))
        if not is_job_log(head):
            raise LocationError(f"{self.shown}: {TAKEN}.")
        return True

    async def ask(self, opened: Opened, call: Callable[[], Awaitable[T]]) -> T:
        """Return what the store answers; raises LocationError, without secrets."""
        try:
            return await call()
        except FileNotFoundError:
            raise NoSuchObjectError(
                f"{self.shown}: there is no such object, bucket or container."
            ) from None
        except Exception as error:  # noqa: BLE001 - whatever the library raises
            raise LocationError(self._sentence(error, opened.secrets)) from None

    def _sentence(self, error: Exception, secrets: tuple[str, ...]) -> str:
        kind = type(error).__name__
        if kind in ("PermissionDeniedError", "UnauthenticatedError"):
            why = "the store does not let this server do that; look at the credentials"
        elif kind == "PreconditionError":
            why = "it was changed meanwhile"
        elif kind == "AlreadyExistsError":
            why = TAKEN
        else:
            # The address in it may hold the signature, escaped in ways that nobody foresees.
            said = str(error).partition("Debug source")[0]
            text = hide(_QUERY.sub("?...", said), secrets).removesuffix(".")
            why = f"the store cannot be reached, or fails: {' '.join(text.split())[:_SHOWN]}"
        return f"{self.shown}: {why}."


class NoSuchObjectError(LocationError):
    """There is no such object, container or bucket."""


class ObjectLog:
    """A log that is put whole, now and then; what it holds is kept in a file meanwhile."""

    def __init__(self, location: ObjectLocation) -> None:
        self._location = location
        self._opened: Opened | None = None
        self._spool: IO[bytes] | None = None
        self._unseen = False
        self._next = 0.0

    async def begin(self) -> None:
        """Put an empty object."""
        import obstore  # noqa: PLC0415 - an extra

        await self.abandon()
        location = self._location
        opened = await location.open()
        if not await location.is_there(opened):
            name = location.place.name
            await location.ask(
                opened, lambda: obstore.put_async(opened.store, name, b"", mode="create")
            )
        self._opened = opened
        self._spool = await self._on_disk(_spool, location.spool)
        self._unseen, self._next = True, 0.0

    async def extend(self, lines: bytes) -> None:
        """Keep, and put what there is when it is time."""
        spool = self._begun()[1]
        if lines:
            await self._on_disk(spool.write, lines)
            self._unseen = True
        if self._unseen and time.monotonic() >= self._next:
            await self._put()

    async def finish(self) -> None:
        """Put all of it."""
        await self._put()
        await self.abandon()

    async def abandon(self) -> None:
        """Remove what was kept."""
        spool, self._spool = self._spool, None
        if spool is not None:
            spool.close()

    def _begun(self) -> tuple[Opened, IO[bytes]]:
        if self._opened is None or self._spool is None:
            raise LocationError(f"{self._location.shown}: the log was not begun.")
        return self._opened, self._spool

    async def _put(self) -> None:
        opened, spool = self._begun()
        began = time.monotonic()
        output = ObjectOutput(self._location, opened, again=True)
        try:
            spool.seek(0)
            while chunk := await self._on_disk(spool.read, RANGE_BYTES):
                await output.write(chunk)
            await output.finish()
        finally:
            spool.seek(0, os.SEEK_END)
            await output.abandon()
        self._unseen = False
        now = time.monotonic()
        self._next = now + max(LOG_SECONDS, (now - began) * _LOG_SHARE)

    async def _on_disk(self, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        try:
            return await in_own_thread(work, *arguments, **named)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise LocationError(
                f"{self._location.shown}: what is not put there yet cannot be kept: {reason}."
            ) from None


class ObjectOutput:
    """An object that is there when its last part was written."""

    def __init__(self, location: ObjectLocation, opened: Opened, *, again: bool) -> None:
        self._location = location
        self._opened = opened
        self._again = again
        self._writer: AsyncWritableFile | None = _writer(location, opened)

    async def write(self, chunk: bytes) -> None:
        """Hand over; waits while as many parts are under way as may be."""
        writer = self._current()
        await self._location.ask(self._opened, lambda: writer.write(chunk))

    async def finish(self) -> None:
        """Write the last part, and put them together."""
        if not self._again:
            await self._location.is_there(self._opened)
        await self._location.ask(self._opened, self._current().close)
        self._writer = None

    async def abandon(self) -> None:
        """Let the store remove the parts."""
        writer, self._writer = self._writer, None
        if writer is not None:
            # A part that arrives behind the end is kept for good, so all have arrived before it.
            with contextlib.suppress(LocationError):
                await self._location.ask(self._opened, writer.flush)
            given_up = LocationError("given up")
            await self._location.ask(
                self._opened, lambda: writer.__aexit__(type(given_up), given_up, None)
            )

    def _current(self) -> AsyncWritableFile:
        if self._writer is None:
            raise LocationError(f"{self._location.shown}: the output was ended already.")
        return self._writer


def _part(start: int, end: int, size: int) -> GetOptions:
    # Servers are known that answer a range of everything as if none had been asked for.
    return {} if (start, end) == (0, size) else {"range": (start, end)}


async def _get(opened: Opened, name: str, options: GetOptions) -> GetResult:
    from obstore import get_async  # noqa: PLC0415 - an extra

    return await get_async(opened.store, name, options=options)


def _spool(folder: Path) -> IO[bytes]:
    # It has no name that anybody could open.
    return cast("IO[bytes]", tempfile.SpooledTemporaryFile(_SPOOL_BYTES, dir=str(folder)))


def _writer(location: ObjectLocation, opened: Opened) -> AsyncWritableFile:
    from obstore import open_writer_async  # noqa: PLC0415 - an extra

    return open_writer_async(
        opened.store,
        location.place.name,
        buffer_size=PART_BYTES,
        max_concurrency=PARTS_AT_ONCE,
    )
