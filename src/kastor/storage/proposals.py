"""Proposals: writes that were tried and wait for their word (decisions 7).

They live for minutes and are no part of the graph's past, of its backups and of its copies. That
one was applied is written in the transaction of its writes, as an `AppliedProposal` beside them
(`storage.batches`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from msgspec import Struct

from kastor.types import Ticks


class ProposalEntry(Struct, frozen=True):
    """What is known of a proposal, without what it holds.

    Attributes:
        id: public.
        caller: the id of the principal that made it, and that alone may apply it.
        actor: its name, for people.
        reason: as the caller said.
        writes: the kinds of its writes, such as ``put twin``, one a line; rights are asked by them.
        count: of its operations.
        position: in the change log, of the state that it was tried on.
        needs_approval: whether it is applied only once somebody approved it.
        size: of what it holds, in bytes.
        created, expires: it is applied before `expires` or not at all.
        approver: the name of who approved it, and `approved` when; None: nobody.
        applied: when it was; None: it was not.
    """

    id: str
    caller: str
    actor: str
    reason: str
    writes: str
    count: int
    position: int
    needs_approval: bool
    size: int
    created: Ticks
    expires: Ticks
    approver: str | None = None
    approved: Ticks | None = None
    applied: Ticks | None = None


class ProposalContents(Struct, frozen=True):
    """What a proposal holds; JSON texts.

    Attributes:
        token: the hash of what its caller applies it by.
        operations: as a batch has them, in order.
        seen: the etag of everything that they touch, null for what there was not.
        diff: what they make different.
        answer: what applying it was answered; None: it was not applied.
    """

    token: bytes
    operations: bytes
    seen: bytes
    diff: bytes
    answer: bytes | None = None


class ProposalUsage(Struct, frozen=True):
    """How many proposals are open, and the bytes of all that are kept.

    Attributes:
        open: of the graph, neither applied nor expired.
        open_of_caller: of one principal.
        size: of all, applied and expired ones too.
    """

    open: int
    open_of_caller: int
    size: int


JudgeProposals: TypeAlias = Callable[[ProposalUsage], None]
"""Takes how much there is beside what is to be kept, and raises where that leaves no room."""


class ProposalStore(Protocol):
    """One graph's proposals."""

    async def proposals(
        self, after: tuple[Ticks, str], limit: int, now: Ticks
    ) -> list[ProposalEntry]:
        """Return open ones, oldest first, strictly after (created, id)."""

    async def proposal(self, proposal_id: str) -> tuple[ProposalEntry, ProposalContents] | None:
        """Return one, applied and expired ones too."""

    async def proposal_of(self, token: bytes) -> str | None:
        """Return the id of the one with that hash of its token."""

    async def add_proposal(
        self, entry: ProposalEntry, contents: ProposalContents, judge: JudgeProposals
    ) -> None:
        """Keep a new one.

        Args:
            entry: what is kept.
            contents: of it.
            judge: asked in the transaction that writes, while nobody else adds one.
        """

    async def approve_proposal(self, proposal_id: str, approver: str, now: Ticks) -> bool:
        """Note who approved one; False where it is not open, or was approved already."""

    async def remove_proposal(self, proposal_id: str) -> bool:
        """Remove one that was not applied; return False where there is none."""

    async def purge_proposals(self, before: Ticks) -> int:
        """Remove those that expired before an instant, applied or not; return how many."""
