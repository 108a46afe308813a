"""Jobs of a graph: long work, and how it is getting on."""

from __future__ import annotations

import time
from asyncio import sleep
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from kastor.client import job_calls
from kastor.client.asynchronous.download import AsyncDownload
from kastor.client.asynchronous.pages import AsyncListing
from kastor.client.errors import StillRunningError
from kastor.client.lines import decoded
from kastor.client.pages import by_link

if TYPE_CHECKING:
    from kastor.client.asynchronous.transport import AsyncTransport
    from kastor.client.calls import Content, Document
    from kastor.client.instants import Instant
    from kastor.client.job_state import JobState

_SHORTEST, _LONGEST, _GROWTH = 0.1, 5.0, 1.5
"""Seconds between two looks at a job, and how much longer each is than the one before."""


class AsyncJobs:
    """Jobs of a graph; each method raises ClientError as of any call.

    A job is named by its kind and its id; kinds are `imports` and `deletions` of the contract, and
    `uploads`, `exports`, `backups`, `updates`, `deletes` and `reverts` of Kastor's own.
    """

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    def list(
        self, kind: str | None = None, *, page_size: int | None = None
    ) -> AsyncListing[JobState]:
        """Return the jobs of a kind, or with Kastor those of all kinds; oldest first."""
        first = job_calls.list_jobs(kind, page_size)
        return AsyncListing(self._transport, first, by_link(first))

    async def get(self, kind: str, job: str) -> JobState:
        """Return a job as it is now."""
        return await self._transport.send(job_calls.get_job(kind, job))

    async def cancel(self, kind: str, job: str) -> JobState:
        """Cancel a job, and return it as it was; one that has ended stays as it is."""
        return await self._transport.send(job_calls.cancel_job(kind, job))

    async def delete(self, kind: str, job: str) -> None:
        """Forget a job that has ended."""
        await self._transport.send(job_calls.delete_job(kind, job))

    async def resume_import(self, job: str) -> JobState:
        """Let a failed or cancelled import of the contract go on from where it was."""
        return await self._transport.send(job_calls.resume_import(job))

    async def log(self, kind: str, job: str, *, after: int = 0) -> AsyncIterator[Document]:
        """Yield the lines of a job's log so far, without so many of the first."""
        call = job_calls.job_log(kind, job, after)
        async with self._transport.stream(call) as answer:
            async for line in AsyncDownload(answer).lines():
                yield decoded(line)

    async def wait(
        self,
        job: JobState,
        *,
        seconds: float | None = None,
        on_progress: Callable[[JobState], None] | None = None,
    ) -> JobState:
        """Return a job once it has ended, however it ended.

        Args:
            job: as it was begun or found.
            seconds: how long to wait at most; None is forever.
            on_progress: called with the job each time it was looked at.

        Raises:
            StillRunningError: it has not ended by then; it goes on.
        """
        until = None if seconds is None else time.monotonic() + seconds
        pause = _SHORTEST
        while not job.has_ended:
            if until is not None:
                left = until - time.monotonic()
                if left <= 0:
                    raise StillRunningError(f"The job {job.id} is still {job.status}.")
                pause = min(pause, left)
            await sleep(pause)
            pause = min(_LONGEST, pause * _GROWTH)
            job = await self.get(job.kind, job.id)
            if on_progress is not None:
                on_progress(job)
        return job

    async def begin_import(self, job: str, input_uri: str, output_uri: str) -> JobState:
        """Begin an import of the contract: a file that the server reads, and where its log goes.

        Args:
            job: the id of the new job.
            input_uri: of the file, as the server knows it (`docs/how-to/job-locations.md`).
            output_uri: of the log.
        """
        return await self._transport.send(job_calls.put_import(job, input_uri, output_uri))

    async def upload(
        self, content: Content, *, operation_id: str | None = None, coding: str | None = None
    ) -> JobState:
        """Send a file of models, twins and relationships, and begin to import it.

        Args:
            content: the file: its path, its bytes, or what yields them in pieces. It is sent as it
                is read, and only a path or bytes can be sent again.
            operation_id: the id of the job; with it a connection that is lost is no matter.
            coding: `gzip` or `zstd`, where the file is so.
        """
        return await self._transport.send(job_calls.upload(content, operation_id, coding))

    async def begin_export(
        self,
        output_uri: str,
        *,
        query: str | None = None,
        since: int | None = None,
        with_settings: bool = False,
        with_system: bool = False,
        as_of: Instant | None = None,
        operation_id: str | None = None,
    ) -> JobState:
        """Begin an export into a location of the server; see `AsyncKastorClient.export`."""
        flags = {"kastor": with_settings, "system": with_system}
        call = job_calls.begin_export(output_uri, query, since, flags, operation_id, as_of)
        return await self._transport.send(call)

    async def begin_backup(self, output_uri: str, *, operation_id: str | None = None) -> JobState:
        """Begin a backup of all graphs of the server into a location of it."""
        return await self._transport.send(job_calls.begin_backup(output_uri, operation_id))


class AsyncDeletions:
    """Deletions of everything in a graph, as the contract has them (rest-api B.7)."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def begin(
        self, *, minutes: int | None = None, operation_id: str | None = None
    ) -> JobState:
        """Begin to delete all relationships, twins and models; `AsyncJobs.wait` waits for it.

        Args:
            minutes: how long it may take, from 15 to 1440.
            operation_id: the id of the job; the other side makes one without it.
        """
        return await self._transport.send(job_calls.add_deletion(minutes, operation_id))

    async def get(self, job: str) -> JobState:
        """Return a deletion as it is now."""
        return await self._transport.send(job_calls.get_job("deletions", job))

    def list(self, *, page_size: int | None = None) -> AsyncListing[JobState]:
        """Return all deletions, oldest first."""
        first = job_calls.list_jobs("deletions", page_size)
        return AsyncListing(self._transport, first, by_link(first))
