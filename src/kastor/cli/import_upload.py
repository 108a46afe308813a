"""Imports a file as a job of the server: uploads it, follows the job, and tells of its log."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from typing import IO, TYPE_CHECKING, NoReturn
from uuid import uuid4

from kastor.cli.faults_told import FaultLog
from kastor.cli.output import fail, say
from kastor.client import (
    NotFoundError,
    OutcomeUnknownError,
    UnreachableError,
)
from kastor.moving.loading.patience import Patience

if TYPE_CHECKING:
    from kastor.cli.connection import Connection
    from kastor.cli.import_tally import ImportTally
    from kastor.cli.progress import Show
    from kastor.client import AsyncKastorClient
    from kastor.client.job_state import JobState
    from kastor.types import Document

INTERRUPTED = 130
_PIECE = 262_144
_FIRST_LOOK, _LAST_LOOK, _GROWTH = 0.1, 2.0, 1.5
_KIND = "uploads"
_DETAILS = 3
_TOLD = frozenset({"Error", "Warning"})


class UploadedImport:
    """One file on its way into a graph, by a job of the server."""

    def __init__(
        self, client: AsyncKastorClient, name: str, show: Show, log: FaultLog, tally: ImportTally
    ) -> None:
        self._client = client.dry_run() if tally.dry_run else client
        self._name, self._show = name, show
        self._log, self._tally = log, tally
        self._id = str(uuid4())
        self._patience = Patience()

    async def run(self, file: IO[bytes]) -> None:
        """Import the file, to its end or to that of the job.

        Raises:
            ClientError: the server refuses it, or cannot be reached for long.
        """
        job = await self._begun(file)
        self._tally.jobs.append(job.id)
        self._tally.running = job.id
        job = await self._ended(job)
        self._tally.running = ""
        await self._take(job)

    async def _begun(self, file: IO[bytes]) -> JobState:
        """Upload the file; after a lost connection again, unless the job is there."""
        while True:
            try:
                return await self._client.jobs.upload(self._pieces(file), operation_id=self._id)
            except (OutcomeUnknownError, UnreachableError):
                if not file.seekable():
                    raise
                job = await self._patience.call(self._found)
                if job is not None:
                    return job
                file.seek(0)

    async def _found(self) -> JobState | None:
        try:
            return await self._client.jobs.get(_KIND, self._id)
        except NotFoundError:
            return None

    async def _pieces(self, file: IO[bytes]) -> AsyncIterator[bytes]:
        size = os.fstat(file.fileno()).st_size if file.seekable() else None
        done = 0
        while piece := await asyncio.to_thread(file.read, _PIECE):
            yield piece
            done += len(piece)
            self._show(f"uploading {self._name}", done, size)

    async def _ended(self, job: JobState) -> JobState:
        pause = _FIRST_LOOK
        while not job.has_ended:
            await asyncio.sleep(pause)
            pause = min(_LAST_LOOK, pause * _GROWTH)
            job = await self._patience.call(lambda: self._client.jobs.get(_KIND, self._id))
            if job.done is not None:
                self._show(f"importing {self._name}", job.done, job.of)
        return job

    async def _take(self, job: JobState) -> None:
        """Count what the job did, and tell of what it refused."""
        async for line in self._client.jobs.log(_KIND, job.id):
            if line.get("logType") in _TOLD:
                self._note(line)
        self._tally.add(job.counts)
        if job.status == "failed" and not job.counts.get("errors"):
            self._tally.stopped = job.error_message or job.error_code
        elif job.status == "cancelled":
            self._tally.stopped = "The job was cancelled; what it imported stays."

    def _note(self, line: Document) -> None:
        details = line.get("details") or {}
        said = details.get("error") or details.get("warning") or {}
        section = details.get("section")
        if not section:
            return  # the job's own error, which says the counts again
        where = f"line {details['line']}" if "line" in details else ""
        kind = str(section).lower().removesuffix("s")
        name = f"{kind} {details['id']}" if details.get("id") else ""
        self._log.note(self._name, where, name, str(said.get("code", "")), _told(said))


def end_job(connection: Connection, job: str) -> NoReturn:
    """Ask what becomes of a job whose command was interrupted, and end the command.

    Where nobody can be asked it is cancelled.
    """
    try:
        wished = _is_to_end()
    except KeyboardInterrupt:
        wished = False
    if not wished:
        fail(f"The import goes on: kastor job show {_KIND} {job}", INTERRUPTED)
    connection.run(lambda client: client.jobs.cancel(_KIND, job))
    fail("The import is cancelled; what was imported stays.", INTERRUPTED)


def _is_to_end() -> bool:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    question = "Cancel the import? What it has imported stays. [Y/n] "
    say(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("", "y", "yes")


def _told(said: Document) -> str:
    """Return a message with those of its details, which often alone name the cause."""
    message, details = str(said.get("message", "")), said.get("details") or []
    more = " ".join(str(each.get("message", "")) for each in details[:_DETAILS])
    return f"{message.rstrip('.')}: {more}" if more else message
