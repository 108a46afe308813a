"""The tables of jobs and kept answers on SQLite; see `kastor.storage.jobs`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from kastor.storage.batches import KeptAnswer
from kastor.storage.jobs import ENDED, LIVING, JobRow, JobStatus
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
WHERE kind IN (SELECT value FROM json_each(?)) AND (created, id) > (?, ?)
ORDER BY created, id LIMIT ?
"""
_JOB = f"SELECT {_COLUMNS} FROM jobs WHERE kind = ? AND id = ?"
_UNFINISHED = f"""
SELECT {_COLUMNS} FROM jobs WHERE status IN (SELECT value FROM json_each(?)) ORDER BY created, id
"""
_ADD = "INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_CHANGE = """
UPDATE jobs SET status = ?, last_action = ?, purge = ?, progress = ?, finished = ?, error = ?
WHERE kind = ? AND id = ? AND status IN (SELECT value FROM json_each(?)) RETURNING 1
"""
_DELETE = "DELETE FROM jobs WHERE kind = ? AND id = ? RETURNING 1"
_DELETE_LINES = "DELETE FROM job_lines WHERE kind = ? AND id = ?"
_LINES = """
SELECT n, CAST(line AS BLOB) FROM job_lines WHERE kind = ? AND id = ? AND n > ? ORDER BY n LIMIT ?
"""
_ANSWER = "SELECT id, digest, CAST(answer AS BLOB), done, created FROM kept_answers WHERE id = ?"
_KEPT_BYTES = "SELECT coalesce(sum(octet_length(answer) + 500), 0) FROM kept_answers"
_PAST = """
SELECT kind, id FROM jobs WHERE purge < ? AND status IN (SELECT value FROM json_each(?))
"""
_FORGET = "DELETE FROM kept_answers WHERE created < ? RETURNING 1"
_LIVING, _ENDED = sql.as_list(LIVING), sql.as_list(ENDED)


class SqliteJobTable:
    """Implements `JobStore` for one file, which one process has to itself."""

    shared = False

    def __init__(self, pool: ReadPool, upkeep: Upkeep) -> None:
        self._pool = pool
        self._upkeep = upkeep

    async def jobs(
        self, kinds: Collection[str], after: tuple[Ticks, str], limit: int
    ) -> list[JobRow]:
        """Return jobs, oldest first."""
        return [_row(each) for each in await self._read(_JOBS, sql.as_list(kinds), *after, limit)]

    async def job(self, kind: str, job_id: str) -> JobRow | None:
        """Return a job."""
        rows = await self._read(_JOB, kind, job_id)
        return _row(rows[0]) if rows else None

    async def unfinished(self) -> list[JobRow]:
        """Return the jobs that have work to be done."""
        return [_row(each) for each in await self._read(_UNFINISHED, _LIVING)]

    async def add_job(self, row: JobRow, alone: Collection[str]) -> JobRow | None:
        """Store a new job, unless one is in its way."""

        def add(connection: apsw.Connection, _: object) -> JobRow | None:
            living = connection.execute(_UNFINISHED, (_LIVING,)).fetchall()
            in_the_way = [each for each in living if each[0] in alone]
            in_the_way += connection.execute(_JOB, (row.kind, row.id)).fetchall()
            if in_the_way:
                return _row(in_the_way[0])
            connection.execute(_ADD, _values(row)).fetchall()
            return None

        found: JobRow | None = await self._upkeep(add)
        return found

    async def change_job(self, row: JobRow, expected: Collection[JobStatus]) -> bool:
        """Write what changes of a job."""
        error = None if row.error is None else row.error.decode()
        written = (row.status, row.last_action, row.purge, row.progress.decode(), row.finished)
        return bool(
            await self._write(_CHANGE, *written, error, row.kind, row.id, sql.as_list(expected))
        )

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

    async def delete_job(self, kind: str, job_id: str) -> bool:
        """Delete a job with its log."""

        def delete(connection: apsw.Connection, _: object) -> bool:
            connection.execute(_DELETE_LINES, (kind, job_id)).fetchall()
            return bool(connection.execute(_DELETE, (kind, job_id)).fetchall())

        return bool(await self._upkeep(delete))

    async def log_lines(
        self, kind: str, job_id: str, after: int, limit: int
    ) -> list[tuple[int, bytes]]:
        """Return lines of a job's log."""
        return [(n, line) for n, line in await self._read(_LINES, kind, job_id, after, limit)]

    async def hold_job(self, _kind: str, _job_id: str, _owner: str, _seconds: float) -> bool:
        """No other process can have it."""
        return True

    async def let_job_go(self, _kind: str, _job_id: str, _owner: str) -> None:
        """Nothing was held."""

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

        def purge(connection: apsw.Connection, _: object) -> int:
            past = connection.execute(_PAST, (jobs_before, _ENDED)).fetchall()
            for key in past:
                connection.execute(_DELETE_LINES, key).fetchall()
                connection.execute(_DELETE, key).fetchall()
            return len(past) + len(connection.execute(_FORGET, (answers_before,)).fetchall())

        removed: int = await self._upkeep(purge)
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


def _values(row: JobRow) -> tuple[Any, ...]:
    error = None if row.error is None else row.error.decode()
    texts = (row.request.decode(), row.progress.decode())
    times = (row.created, row.last_action, row.purge)
    return (row.kind, row.id, row.status, *times, row.actor, *texts, row.finished, error)
