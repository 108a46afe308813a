"""Proposals on PostgreSQL; see `kastor.storage.proposals`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kastor.storage.proposals import (
    JudgeProposals,
    ProposalContents,
    ProposalEntry,
    ProposalUsage,
)

if TYPE_CHECKING:
    from kastor.storage.postgres.connections import Connection
    from kastor.storage.postgres.event_tables import Upkeep
    from kastor.storage.postgres.statements import Qualified
    from kastor.types import Ticks

_COLUMNS = """
id, caller, actor, reason, writes, count, position, needs_approval, size, created, expires,
approver, approved, applied
"""
_LIST = f"""
SELECT {_COLUMNS} FROM {{graph}}.proposals
WHERE (created, id) > ($1, $2) AND applied IS NULL AND expires > $3 ORDER BY created, id LIMIT $4
"""
_ONE = f"""
SELECT {_COLUMNS}, token, operations, seen, diff, answer FROM {{graph}}.proposals WHERE id = $1
"""
_NAMED_BY = "SELECT id FROM {graph}.proposals WHERE token = $1"
_ALONE = "SELECT pg_advisory_xact_lock(hashtext('{graph}.proposals'))"
"""A statement of its own: the next one sees what was committed before the lock was had."""
_USAGE = """
SELECT count(*) FILTER (WHERE applied IS NULL AND expires > $1),
       count(*) FILTER (WHERE applied IS NULL AND expires > $1 AND caller = $2),
       coalesce(sum(size), 0)::bigint
FROM {graph}.proposals
"""
_ADD = f"""
INSERT INTO {{graph}}.proposals ({_COLUMNS}, token, operations, seen, diff)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
"""
_APPROVE = """
UPDATE {graph}.proposals SET approver = $2, approved = $3
WHERE id = $1 AND approver IS NULL AND applied IS NULL AND expires > $3 RETURNING 1
"""
_REMOVE = "DELETE FROM {graph}.proposals WHERE id = $1 AND applied IS NULL RETURNING 1"
_PURGE = "DELETE FROM {graph}.proposals WHERE expires < $1 RETURNING 1"
_BEFORE_CONTENTS = 14


class PostgresProposalTable:
    """Implements `ProposalStore` for one schema, which several processes may serve."""

    def __init__(self, upkeep: Upkeep, texts: Qualified) -> None:
        self._upkeep = upkeep
        self._texts = texts

    async def proposals(
        self, after: tuple[Ticks, str], limit: int, now: Ticks
    ) -> list[ProposalEntry]:
        """Return open ones, oldest first."""
        return [ProposalEntry(*row) for row in await self._fetch(_LIST, *after, now, limit)]

    async def proposal(self, proposal_id: str) -> tuple[ProposalEntry, ProposalContents] | None:
        """Return one."""
        for each in await self._fetch(_ONE, proposal_id):
            row = tuple(each)
            token, operations, seen, diff, answer = row[_BEFORE_CONTENTS:]
            contents = ProposalContents(
                *(token, operations.encode(), seen.encode(), diff.encode()),
                None if answer is None else answer.encode(),
            )
            return ProposalEntry(*row[:_BEFORE_CONTENTS]), contents
        return None

    async def proposal_of(self, token: bytes) -> str | None:
        """Return the id of the one with that hash of its token."""
        rows = await self._fetch(_NAMED_BY, token)
        return str(rows[0][0]) if rows else None

    async def add_proposal(
        self, entry: ProposalEntry, contents: ProposalContents, judge: JudgeProposals
    ) -> None:
        """Keep a new one."""
        e, c = entry, contents
        row = (
            *(e.id, e.caller, e.actor, e.reason, e.writes, e.count, e.position),
            *(e.needs_approval, e.size, e.created, e.expires, e.approver, e.approved, e.applied),
            *(c.token, c.operations.decode(), c.seen.decode(), c.diff.decode()),
        )

        async def add(connection: Connection) -> None:
            async with connection.transaction():
                await connection.execute(self._texts[_ALONE])
                found = await connection.fetch(self._texts[_USAGE], e.created, e.caller)
                judge(ProposalUsage(*found[0]))
                await connection.execute(self._texts[_ADD], *row)

        await self._upkeep(add)

    async def approve_proposal(self, proposal_id: str, approver: str, now: Ticks) -> bool:
        """Note who approved one."""
        return bool(await self._fetch(_APPROVE, proposal_id, approver, now))

    async def remove_proposal(self, proposal_id: str) -> bool:
        """Remove one that was not applied."""
        return bool(await self._fetch(_REMOVE, proposal_id))

    async def purge_proposals(self, before: Ticks) -> int:
        """Remove those that expired before an instant."""
        return len(await self._fetch(_PURGE, before))

    async def _fetch(self, text: str, *values: object) -> list[Any]:
        async def fetch(connection: Connection) -> Any:
            return await connection.fetch(self._texts[text], *values)

        rows: list[Any] = await self._upkeep(fetch)
        return rows
