"""Proposals: writes that are tried, shown, and applied once somebody says so (decisions 7).

`ProposalService` is what handlers and agents' tools see. Who proposes gets a diff and a token; who
approves is a person; who applies is who proposed, and nothing is written but what was shown.
"""

from kastor.proposals.caller import Caller, Via
from kastor.proposals.forms import ProposalRequest, read_proposal
from kastor.proposals.refusals import ProposalOutdated, ProposalRefused
from kastor.proposals.service import Proposal, ProposalService, Proposed
from kastor.proposals.settings import Confirm, ProposalLimits

__all__ = [
    "Caller",
    "Confirm",
    "Proposal",
    "ProposalLimits",
    "ProposalOutdated",
    "ProposalRefused",
    "ProposalRequest",
    "ProposalService",
    "Proposed",
    "Via",
    "read_proposal",
]
