"""What callers are told whose proposals are not made or not applied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kastor.clock import twin_time
from kastor.errors import Conflict, Gone, InvalidArgument, NotFound

if TYPE_CHECKING:
    from kastor.graph.batch import BatchOperation
    from kastor.storage.proposals import ProposalEntry

_AGAIN = "Nothing was changed; propose it again."


class ProposalRefused(InvalidArgument):
    """Some of the operations would be refused, so there is nothing to propose.

    Attributes:
        operations: that were tried.
        outcomes: of each, what its decision said or why it was refused.
    """

    default_code = "BatchRefused"

    def __init__(self, operations: Sequence[BatchOperation], outcomes: Sequence[Any]) -> None:
        super().__init__("Operations of the proposal would be refused. Nothing was kept.")
        self.operations, self.outcomes = operations, outcomes


class ProposalOutdated(Conflict):
    """What the proposal touches is not as it was when it was made; nothing was written.

    Attributes:
        operations: of the proposal.
        outcomes: what would become of each of them now, or why it would be refused.
        diff: what they would make different now, JSON text.
    """

    default_code = "ProposalOutdated"

    def __init__(
        self,
        proposal_id: str,
        operations: Sequence[BatchOperation],
        outcomes: Sequence[Any],
        diff: bytes,
    ) -> None:
        super().__init__(
            f"What the proposal {proposal_id} touches was changed since it was made. {_AGAIN} "
            "The diff shows what it would change now."
        )
        self.operations, self.outcomes, self.diff = operations, outcomes, diff


def not_found() -> NotFound:
    """Return the error of who names no proposal, or another's."""
    return NotFound(
        "There is no such proposal here, or it is another caller's, or it was rejected or is "
        "past its time. GET /kastor/v1/proposals lists those that are open.",
        code="ProposalNotFound",
    )


def expired(entry: ProposalEntry) -> Gone:
    """Return the error of who is too late."""
    return Gone(
        f"The proposal {entry.id} expired at {twin_time(entry.expires)}. {_AGAIN}",
        code="ProposalExpired",
    )


def not_approved(entry: ProposalEntry) -> Conflict:
    """Return the error of who is too early."""
    return Conflict(
        f"The proposal {entry.id} needs somebody's approval first: in the explorer under Operate, "
        f"by `kastor proposal approve {entry.id}`, or by POST "
        f"/kastor/v1/proposals/{entry.id}/approve. Apply it again after that, until "
        f"{twin_time(entry.expires)}. Nothing was changed.",
        code="ProposalNotApproved",
    )


def needs_second_person(entry: ProposalEntry) -> Conflict:
    """Return the error of who approves what is its own."""
    return Conflict(
        f"The proposal {entry.id} is your own, and this server wants another to approve it "
        "(agents_second_person). Ask somebody else who has the rights of its writes. Nothing was "
        "changed.",
        code="ProposalNeedsSecondPerson",
    )


def applied_already(entry: ProposalEntry) -> Conflict:
    """Return the error of who approves or rejects what is done."""
    return Conflict(
        f"The proposal {entry.id} was applied already; see the history of what it touched.",
        code="ProposalApplied",
    )
