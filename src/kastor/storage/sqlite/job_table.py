"""The tables of jobs and kept answers on SQLite; see `kastor.storage.jobs`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from kastor.storage.batches import KeptAnswer
from kastor.storage.jobs import (
    ENDED,
    MOST_UNFINISHED,
    REVIVABLE,
    JobRow,
    JobStatus,
    require_room_for_job,
)
from kastor.storage.sqlite import statements as sql
from kastor.storage.sqlite.event_tables import Upkeep
from kastor.storage.sqlite.pool import ReadPool

if TYPE_CHECKING:
    import apsw

    from kastor.types import Ticks

_COLUMNS = """kind, id, status, created, last_action, purge, actor, CAST(request AS BLOB),
       CAST(progress AS BLOB), finished, CAST(error AS BLOB)"""
_JOBS = f"""
SELECT {_COLUMNS} FROM jobs
WHERE kind IN (SELECT value FROM json_each(?)) AND (created, id, kind) > (?, ?, ?)
ORDER BY created, id, kind LIMIT ?
"""
_JOB = f"SELECT {_COLUMNS} FROM jobs WHERE kind = ? AND id = ?"
_IS_LIVING = "status IN ('notstarted', 'running', 'cancelling')"
"""As the index of unfinished jobs has it."""
_UNFINISHED = f"""
SELECT kind, id, status FROM jobs WHERE {_IS_LIVING} ORDER BY created, id LIMIT {MOST_UNFINISHED}
"""
_IN_THE_WAY = f"""
SELECT {_COLUMNS} FROM jobs WHERE {_IS_LIVING} AND kind IN (SELECT value FROM json_each(?)) LIMIT 1
"""
_COUNT = "SELECT kind, status, count(*) FROM jobs GROUP BY kind, status"
_COUNT_ALL = "SELECT count(*) FROM jobs"
_ADD = """
INSERT INTO jobs (kind, id, status, created, last_action, purge, actor, request, progress, finished,
                  error)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_BEGIN = "UPDATE jobs SET starts = starts + 1 WHERE kind = ? AND id = ? RETURNING starts"
_LET_GO = "UPDATE jobs SET starts = max(starts - 1, 0) WHERE kind = ? AND id = ?"
_CHANGE = """
UPDATE jobs SET status = ?, last_action = ?, purge = ?, finished = ?, error = ?
WHERE kind = ? AND id = ? AND status IN (SELECT value FROM json_each(?)) RETURNING 1
"""
_DELETE = """
DELETE FROM jobs WHERE kind = ? AND id = ? AND status IN (SELECT value FROM json_each(?))
RETURNING 1
"""
_STEP_LINES = 2_000
_DELETE_LINES = f"""
DELETE FROM job_lines WHERE kind = ?1 AND id = ?2 AND n < {_STEP_LINES} + (
    SELECT min(n) FROM job_lines WHERE kind = ?1 AND id = ?2
) RETURNING 1
"""
_LINES = """
SELECT n, CAST(line AS BLOB) FROM job_lines WHERE kind = ? AND id = ? AND n > ? ORDER BY n LIMIT ?
"""
_LOG_SIZE = """
SELECT count(*), coalesce(sum(octet_length(line)), 0) FROM job_lines WHERE kind = ? AND id = ?
"""
_ANSWER = "SELECT id, digest, CAST(answer AS BLOB), done, created FROM kept_answers WHERE id = ?"
_KEPT_BYTES = "SELECT coalesce(sum(octet_length(answer) + 500), 0) FROM kept_answers"
_PAST = """
SELECT kind, id FROM jobs WHERE purge < ? AND status IN (SELECT value FROM json_each(?))
"""
_FORGET = """
DELETE FROM kept_answers WHERE id IN (
    SELECT id FROM kept_answers WHERE created < ? LIMIT 100
) RETURNING 1
"""
_ENDED = sql.as_list(ENDED)


class SqliteJobTable:
    """Implements `JobStore` for one file, which one process has to itself."""

    shared = False

    def __init__(self, pool: ReadPool, upkeep: Upkeep) -> None:
        self._pool = pool
        self._upkeep = upkeep

    async def jobs(
        self, kinds: Collection[str], after: tuple[Ticks, str, str], limit: int
    ) -> list[JobRow]:
        """Return jobs, oldest first."""
        return [_row(each) for each in await self._read(_JOBS, sql.as_list(kinds), *after, limit)]

    async def job(self, kind: str, job_id: str) -> JobRow | None:
        """Return a job."""
        rows = await self._read(_JOB, kind, job_id)
        return _row(rows[0]) if rows else None

    async def unfinished(self) -> list[tuple[str, str, JobStatus]]:
        """Return the jobs that have work to be done."""
        rows = await self._read(_UNFINISHED)
        return [(kind, job_id, JobStatus(status)) for kind, job_id, status in rows]

    async def count_jobs(self) -> list[tuple[str, JobStatus, int]]:
        """Return how many jobs there are."""
        rows = await self._read(_COUNT)
        return [(kind, JobStatus(status), count) for kind, status, count in rows]

    async def add_job(self, row: JobRow, alone: Collection[str], most: int) -> JobRow | None:
        """Store a new job, unless one is in its way."""

        def add(connection: apsw.Connection, _: object) -> JobRow | None:
            in_the_way = connection.execute(_IN_THE_WAY, (sql.as_list(alone),)).fetchall()
            in_the_way += connection.execute(_JOB, (row.kind, row.id)).fetchall()
            if in_the_way:
                return _row(in_the_way[0])
            counted: list[tuple[Any, ...]] = connection.execute(_COUNT_ALL).fetchall()
            require_room_for_job(counted[0][0], most)
            connection.execute(_ADD, _values(row)).fetchall()
            return None

        found: JobRow | None = await self._upkeep(add)
        return found

    async def revive_job(self, row: JobRow, alone: Collection[str]) -> JobRow | None:
        """Let an ended job go on, unless one is in its way."""

        def revive(connection: apsw.Connection, _: object) -> JobRow | None:
            in_the_way = connection.execute(_IN_THE_WAY, (sql.as_list(alone),)).fetchall()
            if (
                not in_the_way
                and not connection.execute(
                    _CHANGE, (*_changed(row), sql.as_list(REVIVABLE))
                ).fetchall()
            ):
                in_the_way = connection.execute(_JOB, (row.kind, row.id)).fetchall()
            return _row(in_the_way[0]) if in_the_way else None

        found: JobRow | None = await self._upkeep(revive)
        return found

    async def change_job(
        self,
        row: JobRow,
        expected: Collection[JobStatus],
        owner: str | None = None,  # noqa: ARG002 - no other process can have it
    ) -> bool:
        """Write what changes of a job."""
        return bool(await self._write(_CHANGE, *_changed(row), sql.as_list(expected)))

    async def note_progress(
        self, kind: str, job_id: str, _owner: str, progress: bytes, lines: Sequence[bytes]
    ) -> bool:
        """Write progress and lines of the log."""

        def note(connection: apsw.Connection, _: object) -> bool:
            given = (progress.decode(), kind, job_id)
            if not connection.execute(sql.NOTE_PROGRESS, given).fetchall():
                return False
            for line in lines:
                connection.execute(sql.ADD_JOB_LINE, (kind, job_id, line.decode())).fetchall()
            return True

        return bool(await self._upkeep(note))

    async def delete_job(self, kind: str, job_id: str, expected: Collection[JobStatus]) -> bool:
        """Delete a job with its log."""
        row = await self.job(kind, job_id)
        if row is None or row.status not in expected:
            return False
        while await self._write(_DELETE_LINES, kind, job_id):
            pass

        def delete(connection: apsw.Connection, _: object) -> bool:
            found = connection.execute(_DELETE, (kind, job_id, sql.as_list(expected))).fetchall()
            if found:
                connection.execute(_DELETE_LINES, (kind, job_id)).fetchall()
            return bool(found)

        return bool(await self._upkeep(delete))

    async def log_lines(
        self, kind: str, job_id: str, after: int, limit: int
    ) -> list[tuple[int, bytes]]:
        """Return lines of a job's log."""
        return [(n, line) for n, line in await self._read(_LINES, kind, job_id, after, limit)]

    async def log_size(self, kind: str, job_id: str) -> tuple[int, int]:
        """Return how long a job's log is."""
        rows = await self._read(_LOG_SIZE, kind, job_id)
        return rows[0][0], rows[0][1]

    async def hold_job(self, _kind: str, _job_id: str, _owner: str, _seconds: float) -> bool:
        """No other process can have it."""
        return True

    async def keep_job(
        self, kind: str, job_id: str, _owner: str, _seconds: float
    ) -> JobStatus | None:
        """No other process can have it, but it may be gone."""
        row = await self.job(kind, job_id)
        return None if row is None else row.status

    async def begin_job(self, kind: str, job_id: str, owner: str) -> int:  # noqa: ARG002 - as hold_job
        """Count a start."""
        rows = await self._write(_BEGIN, kind, job_id)
        return int(rows[0][0]) if rows else 0

    async def let_job_go(self, kind: str, job_id: str, owner: str) -> None:  # noqa: ARG002 - as above
        """Nothing was held, but a start was counted."""
        await self._write(_LET_GO, kind, job_id)

    async def kept_answer(self, operation_id: str) -> KeptAnswer | None:
        """Return what a request was answered."""
        for each, digest, answer, done, created in await self._read(_ANSWER, operation_id):
            return KeptAnswer(each, digest, answer, bool(done), created)
        return None

    async def kept_bytes(self) -> int:
        """Return what all kept answers take."""
        return int((await self._read(_KEPT_BYTES))[0][0])

    async def purge(self, jobs_before: Ticks, answers_before: Ticks) -> int:
        """Delete ended jobs and answers that are past their time."""
        removed = 0
        for kind, job_id in await self._read(_PAST, jobs_before, _ENDED):
            removed += await self.delete_job(kind, job_id, ENDED)
        while forgotten := await self._write(_FORGET, answers_before):
            removed += len(forgotten)
        return removed

    async def _read(self, text: str, *values: Any) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = await self._pool.call(
            lambda connection: connection.execute(text, values).fetchall()
        )
        return rows

    async def _write(self, text: str, *values: Any) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = await self._upkeep(
            lambda connection, _: connection.execute(text, values).fetchall()
        )
        return rows


def _row(values: Sequence[Any]) -> JobRow:
    kind, job_id, status, created, last, purge, actor, request, progress, finished, error = values
    return JobRow(
        kind,
        job_id,
        JobStatus(status),
        created,
        last,
        purge,
        actor,
        request,
        progress,
        finished,
        error,
    )


def _changed(row: JobRow) -> tuple[Any, ...]:
    error = None if row.error is None else row.error.decode()
    times = (row.last_action, row.purge, row.finished)
    return (row.status, *times, error, row.kind, row.id)


def _values(row: JobRow) -> tuple[Any, ...]:
    error = None if row.error is None else row.error.decode()
    texts = (row.request.decode(), row.progress.decode())
    times = (row.created, row.last_action, row.purge)
    return (row.kind, row.id, row.status, *times, row.actor, *texts, row.finished, error)
