"""The calls of proposals: writes that wait for somebody's word (decisions 7)."""

from __future__ import annotations

from collections.abc import Sequence

from kastor.client import features
from kastor.client.calls import (
    Document,
    HttpCall,
    Repetition,
    document,
    documents,
    encoded,
    nothing,
    read,
    segments,
)
from kastor.client.many import BatchAnswer, batch_answer

_ALL = "/kastor/v1/proposals"


def list_proposals() -> HttpCall[list[Document]]:
    """Kastor_ListProposals."""
    return read(_ALL, documents, needs=features.PROPOSALS)


def get_proposal(proposal_id: str) -> HttpCall[Document]:
    """Kastor_GetProposal."""
    return read(f"{_ALL}{segments(proposal_id)}", document, needs=features.PROPOSALS)


def propose(operations: Sequence[Document], reason: str) -> HttpCall[Document]:
    """Kastor_Propose."""
    return HttpCall(
        *("POST", _ALL, document),
        content=encoded({"operations": list(operations), "reason": reason}),
        repeat=Repetition.UNDONE,
        needs=features.PROPOSALS,
    )


def approve_proposal(proposal_id: str) -> HttpCall[Document]:
    """Kastor_ApproveProposal; a repeated one finds it approved."""
    return HttpCall(
        *("POST", f"{_ALL}{segments(proposal_id, 'approve')}", document),
        repeat=Repetition.RECOGNISED,
        needs=features.PROPOSALS,
    )


def reject_proposal(proposal_id: str) -> HttpCall[None]:
    """Kastor_RejectProposal."""
    return HttpCall(
        *("DELETE", f"{_ALL}{segments(proposal_id)}", nothing),
        repeat=Repetition.UNDONE,
        needs=features.PROPOSALS,
    )


def apply_proposal(proposal_id: str, token: str) -> HttpCall[BatchAnswer]:
    """Kastor_ApplyProposal; a repeated one is answered as the first."""
    return HttpCall(
        *("POST", f"{_ALL}{segments(proposal_id, 'apply')}", batch_answer),
        content=encoded({"token": token}),
        repeat=Repetition.RECOGNISED,
        needs=features.PROPOSALS,
    )
