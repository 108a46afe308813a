# Made from `asynchronous` by `python3 dev client`; do not edit.
"""Proposals of a graph: writes that wait for somebody's word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kastor.client import proposal_calls as calls

if TYPE_CHECKING:
    from kastor.client.calls import Document
    from kastor.client.many import BatchAnswer
    from kastor.client.synchronous.transport import Transport


class SyncProposals:
    """Proposals of a graph; each method raises ClientError."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> Sequence[Document]:
        """Return the open ones that the caller made or may approve, oldest first."""
        return self._transport.send(calls.list_proposals())

    def get(self, proposal_id: str) -> Document:
        """Return a proposal with its `operations` and the `diff` that they make."""
        return self._transport.send(calls.get_proposal(proposal_id))

    def propose(self, operations: Sequence[Document], reason: str) -> Document:
        """Try writes and keep them for 15 minutes; return `id`, `token`, `results` and `diff`.

        Args:
            operations: as `kastor.client.writes` makes them, 100 at most.
            reason: why, one line of at most 300 characters.
        """
        return self._transport.send(calls.propose(operations, reason))

    def approve(self, proposal_id: str) -> Document:
        """Say that a proposal may be applied, and return it; its caller applies it."""
        return self._transport.send(calls.approve_proposal(proposal_id))

    def reject(self, proposal_id: str) -> None:
        """Remove a proposal that was not applied."""
        self._transport.send(calls.reject_proposal(proposal_id))

    def apply(self, proposal_id: str, token: str) -> BatchAnswer:
        """Write what was proposed, as a whole; a repeated call is answered as the first.

        Args:
            proposal_id: of one's own proposal.
            token: that it came with.

        Raises:
            ConflictError: it is not approved and has to be (`ProposalNotApproved`), or what it
                touches was changed since (`ProposalOutdated`); nothing was written.
        """
        return self._transport.send(calls.apply_proposal(proposal_id, token))
