"""The tables of jobs and kept answers on PostgreSQL; see `kastor.storage.jobs`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from kastor.storage.batches import AppliedProposal, JobProgress, KeptAnswer, NotHeldError
from kastor.storage.jobs import (
    ENDED,
    MOST_UNFINISHED,
    REVIVABLE,
    JobRow,
    JobStatus,
    require_room_for_job,
)
from kastor.storage.postgres.leases import hold, keep

if TYPE_CHECKING:
    from kastor.storage.batches import Note
    from kastor.storage.postgres.connections import Connection
    from kastor.storage.postgres.event_tables import Upkeep
    from kastor.storage.postgres.statements import Qualified
    from kastor.types import Ticks

_COLUMNS = """kind, id, status, created, last_action, purge, actor, request, progress, finished,
       error"""
_JOBS = f"""
SELECT {_COLUMNS} FROM {{graph}}.jobs
WHERE kind = ANY($1::text[]) AND (created, id, kind) > ($2, $3, $4)
ORDER BY created, id, kind LIMIT $5
"""
_JOB = f"SELECT {_COLUMNS} FROM {{graph}}.jobs WHERE kind = $1 AND id = $2"
_IS_LIVING = "status IN ('notstarted', 'running', 'cancelling')"
"""As the index of unfinished jobs has it."""
_UNFINISHED = f"""
SELECT kind, id, status FROM {{graph}}.jobs WHERE {_IS_LIVING} ORDER BY created, id
LIMIT {MOST_UNFINISHED}
"""
_IN_THE_WAY = f"""
SELECT {_COLUMNS} FROM {{graph}}.jobs WHERE {_IS_LIVING} AND kind = ANY($1::text[]) LIMIT 1
"""
_COUNT = "SELECT kind, status, count(*) FROM {graph}.jobs GROUP BY kind, status"
_COUNT_ALL = "SELECT count(*) FROM {graph}.jobs"
_ALONE = "SELECT pg_advisory_xact_lock(hashtext('{graph}.jobs'))"
_ADD = f"""
INSERT INTO {{graph}}.jobs ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""
_CHANGE = """
UPDATE {graph}.jobs SET status = $1, last_action = $2, purge = $3, finished = $4, error = $5
WHERE kind = $6 AND id = $7 AND status = ANY($8::text[]) AND ($9::text IS NULL OR owner = $9)
RETURNING 1
"""
_DELETE = """
DELETE FROM {graph}.jobs WHERE kind = $1 AND id = $2 AND status = ANY($3::text[]) RETURNING 1
"""
_STEP_LINES = 2_000
_DELETE_LINES = f"""
DELETE FROM {{graph}}.job_lines WHERE kind = $1 AND id = $2 AND n < {_STEP_LINES} + (
    SELECT min(n) FROM {{graph}}.job_lines WHERE kind = $1 AND id = $2
) RETURNING 1
"""
_LINES = """
SELECT n, line FROM {graph}.job_lines WHERE kind = $1 AND id = $2 AND n > $3 ORDER BY n LIMIT $4
"""
_LOG_SIZE = """
SELECT count(*), coalesce(sum(octet_length(line)), 0)
FROM {graph}.job_lines WHERE kind = $1 AND id = $2
"""
_NOTE = """
UPDATE {graph}.jobs SET progress = $1, starts = 0
WHERE kind = $2 AND id = $3 AND owner = $4 RETURNING 1
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
_USE_PROPOSAL = """
UPDATE {graph}.proposals SET answer = $1, applied = $2
WHERE id = $3 AND caller = $4 AND applied IS NULL AND expires > $2
      AND (NOT needs_approval OR approver IS NOT NULL)
RETURNING 1
"""
_NOTE_ORIGINS = """
INSERT INTO {graph}.origins (time, xid, via)
SELECT DISTINCT u.time::bigint, pg_current_xact_id()::text::bigint, $2::text
FROM unnest($1::text[]) u (time)
"""
_KEPT_BYTES = """
SELECT coalesce(sum(octet_length(answer) + 500), 0)::bigint FROM {graph}.kept_answers
"""
_PAST = "SELECT kind, id FROM {graph}.jobs WHERE purge < $1 AND status = ANY($2::text[])"
_FORGET = """
DELETE FROM {graph}.kept_answers WHERE id IN (
    SELECT id FROM {graph}.kept_answers WHERE created < $1 LIMIT 100
) RETURNING 1
"""
_HOLD = hold("jobs", "kind = $4 AND id")
_KEEP_HELD = keep("jobs", "kind = $4 AND id", returning="status")
_BEGIN = """
UPDATE {graph}.jobs SET starts = starts + 1 WHERE kind = $1 AND id = $2 AND owner = $3
RETURNING starts
"""
_LET_GO = """
UPDATE {graph}.jobs SET owner = NULL, starts = greatest(starts - 1, 0)
WHERE kind = $1 AND id = $2 AND owner = $3
"""


async def write_note(
    connection: Connection, texts: Qualified, note: Note, times: Sequence[Ticks] = ()
) -> None:
    """Write a note in the transaction that is open.

    Args:
        connection: in the transaction.
        texts: of the graph.
        note: on what was written.
        times: of all that this transaction wrote, which are told of by an `AppliedProposal`.

    Raises:
        NotHeldError: another process holds the job, or it is gone; or another part of the answer
            is kept, or the proposal is not open.
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
        case AppliedProposal(proposal_id, caller, applied, when, via):
            row_used = (applied.decode(), when, proposal_id, caller)
            if await connection.fetchval(texts[_USE_PROPOSAL], *row_used) is None:
                raise NotHeldError(f"The proposal {proposal_id} is not open.")
            given = [str(each) for each in times]
            await connection.execute(texts[_NOTE_ORIGINS], given, via.decode())


class PostgresJobTable:
    """Implements `JobStore` for one schema, which several processes may serve."""

    shared = True

    def __init__(self, upkeep: Upkeep, texts: Qualified) -> None:
        self._upkeep = upkeep
        self._texts = texts

    async def jobs(
        self, kinds: Collection[str], after: tuple[Ticks, str, str], limit: int
    ) -> list[JobRow]:
        """Return jobs, oldest first."""
        return [_row(each) for each in await self._fetch(_JOBS, list(kinds), *after, limit)]

    async def job(self, kind: str, job_id: str) -> JobRow | None:
        """Return a job."""
        rows = await self._fetch(_JOB, kind, job_id)
        return _row(rows[0]) if rows else None

    async def unfinished(self) -> list[tuple[str, str, JobStatus]]:
        """Return the jobs that have work to be done."""
        rows = await self._fetch(_UNFINISHED)
        return [(kind, job_id, JobStatus(status)) for kind, job_id, status in rows]

    async def count_jobs(self) -> list[tuple[str, JobStatus, int]]:
        """Return how many jobs there are."""
        rows = await self._fetch(_COUNT)
        return [(kind, JobStatus(status), count) for kind, status, count in rows]

    async def add_job(self, row: JobRow, alone: Collection[str], most: int) -> JobRow | None:
        """Store a new job, unless one is in its way; one after another for all processes."""

        async def add(connection: Connection) -> JobRow | None:
            async with connection.transaction():
                in_the_way = await self._in_the_way(connection, alone)
                in_the_way += await connection.fetch(self._texts[_JOB], row.kind, row.id)
                if in_the_way:
                    return _row(in_the_way[0])
                require_room_for_job(await connection.fetchval(self._texts[_COUNT_ALL]), most)
                await connection.execute(self._texts[_ADD], *_values(row))
            return None

        found: JobRow | None = await self._upkeep(add)
        return found

    async def revive_job(self, row: JobRow, alone: Collection[str]) -> JobRow | None:
        """Let an ended job go on, unless one is in its way."""

        async def revive(connection: Connection) -> JobRow | None:
            async with connection.transaction():
                found = await self._in_the_way(connection, alone)
                given = (*_changed(row), [str(each) for each in REVIVABLE], None)
                if not found and not await connection.fetch(self._texts[_CHANGE], *given):
                    found = await connection.fetch(self._texts[_JOB], row.kind, row.id)
            return _row(found[0]) if found else None

        found: JobRow | None = await self._upkeep(revive)
        return found

    async def _in_the_way(self, connection: Connection, alone: Collection[str]) -> list[Any]:
        await connection.execute(self._texts[_ALONE])
        return list(await connection.fetch(self._texts[_IN_THE_WAY], list(alone)))

    async def change_job(
        self, row: JobRow, expected: Collection[JobStatus], owner: str | None = None
    ) -> bool:
        """Write what changes of a job."""
        states = [str(each) for each in expected]
        return bool(await self._fetch(_CHANGE, *_changed(row), states, owner))

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

    async def delete_job(self, kind: str, job_id: str, expected: Collection[JobStatus]) -> bool:
        """Delete a job with its log."""
        row = await self.job(kind, job_id)
        if row is None or row.status not in expected:
            return False
        while await self._fetch(_DELETE_LINES, kind, job_id):
            pass

        async def delete(connection: Connection) -> bool:
            states = [str(each) for each in expected]
            async with connection.transaction():
                found = await connection.fetch(self._texts[_DELETE], kind, job_id, states)
                if found:
                    await connection.execute(self._texts[_DELETE_LINES], kind, job_id)
            return bool(found)

        return bool(await self._upkeep(delete))

    async def log_lines(
        self, kind: str, job_id: str, after: int, limit: int
    ) -> list[tuple[int, bytes]]:
        """Return lines of a job's log."""
        rows = await self._fetch(_LINES, kind, job_id, after, limit)
        return [(n, line.encode()) for n, line in rows]

    async def log_size(self, kind: str, job_id: str) -> tuple[int, int]:
        """Return how long a job's log is."""
        rows = await self._fetch(_LOG_SIZE, kind, job_id)
        return int(rows[0][0]), int(rows[0][1])

    async def hold_job(self, kind: str, job_id: str, owner: str, seconds: float) -> bool:
        """Claim a job."""
        return bool(await self._fetch(_HOLD, job_id, owner, seconds, kind))

    async def keep_job(
        self, kind: str, job_id: str, owner: str, seconds: float
    ) -> JobStatus | None:
        """Renew a claim."""
        rows = await self._fetch(_KEEP_HELD, job_id, owner, seconds, kind)
        return JobStatus(rows[0][0]) if rows else None

    async def begin_job(self, kind: str, job_id: str, owner: str) -> int:
        """Count a start."""
        rows = await self._fetch(_BEGIN, kind, job_id, owner)
        return int(rows[0][0]) if rows else 0

    async def let_job_go(self, kind: str, job_id: str, owner: str) -> None:
        """Give a job up, so that another process need not wait."""
        await self._fetch(_LET_GO, kind, job_id, owner)

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
        removed = 0
        for kind, job_id in await self._fetch(_PAST, jobs_before, list(ENDED)):
            removed += await self.delete_job(kind, job_id, ENDED)
        while forgotten := await self._fetch(_FORGET, answers_before):
            removed += len(forgotten)
        return removed

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


def _changed(row: JobRow) -> tuple[Any, ...]:
    error = None if row.error is None else row.error.decode()
    times = (row.last_action, row.purge, row.finished)
    return (str(row.status), *times, error, row.kind, row.id)


def _values(row: JobRow) -> tuple[Any, ...]:
    error = None if row.error is None else row.error.decode()
    texts = (row.request.decode(), row.progress.decode())
    times = (row.created, row.last_action, row.purge)
    return (row.kind, row.id, str(row.status), *times, row.actor, *texts, row.finished, error)
