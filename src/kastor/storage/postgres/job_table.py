"""The tables of jobs and kept answers on PostgreSQL; see `kastor.storage.jobs`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from kastor.storage.batches import JobProgress, KeptAnswer, NotHeldError
from kastor.storage.jobs import ENDED, LIVING, JobRow, JobStatus
from kastor.storage.postgres.leases import hold, let_go

if TYPE_CHECKING:
    from kastor.storage.batches import Note
    from kastor.storage.postgres.connections import Connection
    from kastor.storage.postgres.event_tables import Upkeep
    from kastor.storage.postgres.statements import Qualified
    from kastor.types import Ticks

_COLUMNS = """kind, id, status, created, last_action, purge, actor, request, progress, finished,
       error"""
_JOBS = f"""
SELECT {_COLUMNS} FROM {{graph}}.jobs WHERE kind = ANY($1::text[]) AND (created, id) > ($2, $3)
ORDER BY created, id LIMIT $4
"""
_JOB = f"SELECT {_COLUMNS} FROM {{graph}}.jobs WHERE kind = $1 AND id = $2"
_UNFINISHED = f"""
SELECT {_COLUMNS} FROM {{graph}}.jobs WHERE status = ANY($1::text[]) ORDER BY created, id
"""
_ALONE = "SELECT pg_advisory_xact_lock(hashtext('{graph}.jobs'))"
_ADD = f"""
INSERT INTO {{graph}}.jobs ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""
_CHANGE = """
UPDATE {graph}.jobs
SET status = $1, last_action = $2, purge = $3, progress = $4, finished = $5, error = $6
WHERE kind = $7 AND id = $8 AND status = ANY($9::text[]) RETURNING 1
"""
_DELETE = "DELETE FROM {graph}.jobs WHERE kind = $1 AND id = $2 RETURNING 1"
_DELETE_LINES = "DELETE FROM {graph}.job_lines WHERE kind = $1 AND id = $2"
_LINES = """
SELECT n, line FROM {graph}.job_lines WHERE kind = $1 AND id = $2 AND n > $3 ORDER BY n LIMIT $4
"""
_NOTE = """
UPDATE {graph}.jobs SET progress = $1 WHERE kind = $2 AND id = $3 AND owner = $4 RETURNING 1
"""
_ADD_LINES = """
INSERT INTO {graph}.job_lines (kind, id, n, line)
SELECT $1::text, $2::text, l.nth
           + (SELECT coalesce(max(n), 0) FROM {graph}.job_lines WHERE kind = $1 AND id = $2),
       l.line
FROM unnest($3::text[]) WITH ORDINALITY AS l (line, nth)
"""
_ANSWER = "SELECT id, digest, answer, done, created FROM {graph}.kept_answers WHERE id = $1"
_KEEP = """
INSERT INTO {graph}.kept_answers AS k (id, digest, answer, done, created)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (id) DO UPDATE SET answer = excluded.answer, done = excluded.done
WHERE k.digest = excluded.digest AND NOT k.done AND octet_length(k.answer) = $6
RETURNING 1
"""
_KEPT_BYTES = """
SELECT coalesce(sum(octet_length(answer) + 500), 0)::bigint FROM {graph}.kept_answers
"""
_PAST = "SELECT kind, id FROM {graph}.jobs WHERE purge < $1 AND status = ANY($2::text[])"
_FORGET = "DELETE FROM {graph}.kept_answers WHERE created < $1 RETURNING 1"
_KEY = "(kind || '/' || id)"
_HOLD, _LET_GO = hold("jobs", _KEY), let_go("jobs", _KEY)


async def write_note(connection: Connection, texts: Qualified, note: Note) -> None:
    """Write a note in the transaction that is open.

    Raises:
        NotHeldError: another process holds the job, or it is gone; or another part of the answer
            is kept.
    """
    match note:
        case JobProgress(kind, job_id, owner, progress, lines):
            row = (progress.decode(), kind, job_id, owner)
            if await connection.fetchval(texts[_NOTE], *row) is None:
                raise NotHeldError(f"The {kind} job {job_id} is held by another process, or gone.")
            if lines:
                given = [line.decode() for line in lines]
                await connection.execute(texts[_ADD_LINES], kind, job_id, given)
        case KeptAnswer(operation_id, digest, answer, done, created, known):
            row_kept = (operation_id, digest, answer.decode(), done, created, known)
            if await connection.fetchval(texts[_KEEP], *row_kept) is None:
                raise NotHeldError(f"Another request goes on with {operation_id}.")


class PostgresJobTable:
    """Implements `JobStore` for one schema, which several processes may serve."""

    shared = True

    def __init__(self, upkeep: Upkeep, texts: Qualified) -> None:
        self._upkeep = upkeep
        self._texts = texts

    async def jobs(
        self, kinds: Collection[str], after: tuple[Ticks, str], limit: int
    ) -> list[JobRow]:
        """Return jobs, oldest first."""
        return [_row(each) for each in await self._fetch(_JOBS, list(kinds), *after, limit)]

    async def job(self, kind: str, job_id: str) -> JobRow | None:
        """Return a job."""
        rows = await self._fetch(_JOB, kind, job_id)
        return _row(rows[0]) if rows else None

    async def unfinished(self) -> list[JobRow]:
        """Return the jobs that have work to be done."""
        return [_row(each) for each in await self._fetch(_UNFINISHED, list(LIVING))]

    async def add_job(self, row: JobRow, alone: Collection[str]) -> JobRow | None:
        """Store a new job, unless one is in its way; one after another for all processes."""

        async def add(connection: Connection) -> JobRow | None:
            async with connection.transaction():
                await connection.execute(self._texts[_ALONE])
                living = await connection.fetch(self._texts[_UNFINISHED], list(LIVING))
                in_the_way = [each for each in living if each[0] in alone]
                in_the_way += await connection.fetch(self._texts[_JOB], row.kind, row.id)
                if in_the_way:
                    return _row(in_the_way[0])
                await connection.execute(self._texts[_ADD], *_values(row))
            return None

        found: JobRow | None = await self._upkeep(add)
        return found

    async def change_job(self, row: JobRow, expected: Collection[JobStatus]) -> bool:
        """Write what changes of a job."""
        error = None if row.error is None else row.error.decode()
        written = (str(row.status), row.last_action, row.purge, row.progress.decode(), row.finished)
        key = (row.kind, row.id, [str(each) for each in expected])
        return bool(await self._fetch(_CHANGE, *written, error, *key))

    async def note_progress(
        self, kind: str, job_id: str, owner: str, progress: bytes, lines: Sequence[bytes]
    ) -> bool:
        """Write progress and lines of the log."""

        async def note(connection: Connection) -> bool:
            made = JobProgress(kind, job_id, owner, progress, tuple(lines))
            try:
                async with connection.transaction():
                    await write_note(connection, self._texts, made)
            except NotHeldError:
                return False
            return True

        return bool(await self._upkeep(note))

    async def delete_job(self, kind: str, job_id: str) -> bool:
        """Delete a job with its log."""

        async def delete(connection: Connection) -> bool:
            async with connection.transaction():
                found = await connection.fetch(self._texts[_DELETE], kind, job_id)
                await connection.execute(self._texts[_DELETE_LINES], kind, job_id)
            return bool(found)

        return bool(await self._upkeep(delete))

    async def log_lines(
        self, kind: str, job_id: str, after: int, limit: int
    ) -> list[tuple[int, bytes]]:
        """Return lines of a job's log."""
        rows = await self._fetch(_LINES, kind, job_id, after, limit)
        return [(n, line.encode()) for n, line in rows]

    async def hold_job(self, kind: str, job_id: str, owner: str, seconds: float) -> bool:
        """Claim a job, or keep it."""
        return bool(await self._fetch(_HOLD, f"{kind}/{job_id}", owner, seconds))

    async def let_job_go(self, kind: str, job_id: str, owner: str) -> None:
        """Give a job up, so that another process need not wait."""
        await self._fetch(_LET_GO, f"{kind}/{job_id}", owner)

    async def kept_answer(self, operation_id: str) -> KeptAnswer | None:
        """Return what a request was answered."""
        for each, digest, answer, done, created in await self._fetch(_ANSWER, operation_id):
            return KeptAnswer(each, digest, answer.encode(), done, created)
        return None

    async def kept_bytes(self) -> int:
        """Return what all kept answers take."""
        return int((await self._fetch(_KEPT_BYTES))[0][0])

    async def purge(self, jobs_before: Ticks, answers_before: Ticks) -> int:
        """Delete ended jobs and answers that are past their time."""
        past = await self._fetch(_PAST, jobs_before, list(ENDED))
        for kind, job_id in past:
            await self.delete_job(kind, job_id)
        return len(past) + len(await self._fetch(_FORGET, answers_before))

    async def _fetch(self, text: str, *values: object) -> list[Any]:
        async def fetch(connection: Connection) -> Any:
            return await connection.fetch(self._texts[text], *values)

        rows: list[Any] = await self._upkeep(fetch)
        return rows


def _row(values: Sequence[Any]) -> JobRow:
    kind, job_id, status, created, last, purge, actor, request, progress, finished, error = values
    return JobRow(
        *(kind, job_id, JobStatus(status), created, last, purge, actor),
        request.encode(),
        progress.encode(),
        finished,
        None if error is None else error.encode(),
    )


def _values(row: JobRow) -> tuple[Any, ...]:
    error = None if row.error is None else row.error.decode()
    texts = (row.request.decode(), row.progress.decode())
    times = (row.created, row.last_action, row.purge)
    return (row.kind, row.id, str(row.status), *times, row.actor, *texts, row.finished, error)
