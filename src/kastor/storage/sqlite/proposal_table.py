"""Proposals on SQLite; see `kastor.storage.proposals`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from kastor.storage.proposals import (
    JudgeProposals,
    ProposalContents,
    ProposalEntry,
    ProposalUsage,
)

if TYPE_CHECKING:
    import apsw

    from kastor.storage.sqlite.event_tables import Upkeep
    from kastor.storage.sqlite.pool import ReadPool
    from kastor.types import Ticks

_COLUMNS = """
id, caller, actor, reason, writes, count, position, needs_approval, size, created, expires,
approver, approved, applied
"""
_LIST = f"""
SELECT {_COLUMNS} FROM proposals
WHERE (created, id) > (?, ?) AND applied IS NULL AND expires > ? ORDER BY created, id LIMIT ?
"""
_ONE = f"SELECT {_COLUMNS}, token, operations, seen, diff, answer FROM proposals WHERE id = ?"
_NAMED_BY = "SELECT id FROM proposals WHERE token = ?"
_USAGE = """
SELECT count(*) FILTER (WHERE applied IS NULL AND expires > ?1),
       count(*) FILTER (WHERE applied IS NULL AND expires > ?1 AND caller = ?2),
       coalesce(sum(size), 0)
FROM proposals
"""
_ADD = f"""
INSERT INTO proposals ({_COLUMNS}, token, operations, seen, diff, answer)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_APPROVE = """
UPDATE proposals SET approver = ?2, approved = ?3
WHERE id = ?1 AND approver IS NULL AND applied IS NULL AND expires > ?3 RETURNING 1
"""
_REMOVE = "DELETE FROM proposals WHERE id = ? AND applied IS NULL RETURNING 1"
_PURGE = "DELETE FROM proposals WHERE expires < ? RETURNING 1"
_BEFORE_CONTENTS = 14


class SqliteProposalTable:
    """Implements `ProposalStore` for one file."""

    def __init__(self, pool: ReadPool, upkeep: Upkeep) -> None:
        self._pool = pool
        self._upkeep = upkeep

    async def proposals(
        self, after: tuple[Ticks, str], limit: int, now: Ticks
    ) -> list[ProposalEntry]:
        """Return open ones, oldest first."""
        return [_entry(row) for row in await self._read(_LIST, (*after, now, limit))]

    async def proposal(self, proposal_id: str) -> tuple[ProposalEntry, ProposalContents] | None:
        """Return one."""
        for each in await self._read(_ONE, (proposal_id,)):
            row = tuple(each)
            token, operations, seen, diff, answer = row[_BEFORE_CONTENTS:]
            contents = ProposalContents(
                *(token, operations.encode(), seen.encode(), diff.encode()),
                None if answer is None else answer.encode(),
            )
            return _entry(row[:_BEFORE_CONTENTS]), contents
        return None

    async def proposal_of(self, token: bytes) -> str | None:
        """Return the id of the one with that hash of its token."""
        rows = await self._read(_NAMED_BY, (token,))
        return str(rows[0][0]) if rows else None

    async def add_proposal(
        self, entry: ProposalEntry, contents: ProposalContents, judge: JudgeProposals
    ) -> None:
        """Keep a new one."""
        e, c = entry, contents
        row = (
            *(e.id, e.caller, e.actor, e.reason, e.writes, e.count, e.position),
            *(e.needs_approval, e.size, e.created, e.expires, e.approver, e.approved, e.applied),
            *(c.token, c.operations.decode(), c.seen.decode(), c.diff.decode(), None),
        )

        def add(connection: apsw.Connection, _head: object) -> None:
            found: list[Any] = connection.execute(_USAGE, (e.created, e.caller)).fetchall()
            judge(ProposalUsage(*found[0]))
            connection.execute(_ADD, row).fetchall()

        await self._upkeep(add)

    async def approve_proposal(self, proposal_id: str, approver: str, now: Ticks) -> bool:
        """Note who approved one."""
        return bool(await self._write(_APPROVE, (proposal_id, approver, now)))

    async def remove_proposal(self, proposal_id: str) -> bool:
        """Remove one that was not applied."""
        return bool(await self._write(_REMOVE, (proposal_id,)))

    async def purge_proposals(self, before: Ticks) -> int:
        """Remove those that expired before an instant."""
        return len(await self._write(_PURGE, (before,)))

    async def _read(self, text: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = await self._pool.call(
            lambda connection: connection.execute(text, tuple(values)).fetchall()
        )
        return rows

    async def _write(self, text: str, values: tuple[Any, ...]) -> list[Any]:
        rows: list[Any] = await self._upkeep(
            lambda connection, _: connection.execute(text, values).fetchall()
        )
        return rows


def _entry(row: tuple[Any, ...]) -> ProposalEntry:
    found = ProposalEntry(*row)
    return replace(found, needs_approval=bool(found.needs_approval))
