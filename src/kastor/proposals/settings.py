"""When a proposal needs somebody's approval, and how many there may be."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from kastor.graph.batch import BatchOperation, Verb

MANY_OBJECTS = 25
"""Twins and relationships that a proposal may touch before it counts as destructive."""


class Confirm(StrEnum):
    """Which proposals are applied only once they are approved (setting agents_confirm)."""

    NEVER = "never"
    DESTRUCTIVE = "destructive"
    ALWAYS = "always"

    def needs_approval(self, operations: Sequence[BatchOperation]) -> bool:
        """Return whether such writes need somebody's word."""
        if self is not Confirm.DESTRUCTIVE:
            return self is Confirm.ALWAYS
        objects = {(each.kind.name, each.source, each.id) for each in operations}
        deletes = any(each.op is Verb.DELETE for each in operations)
        return deletes or len(objects) > MANY_OBJECTS


class ProposalLimits(Struct, frozen=True):
    """What one graph keeps of proposals.

    Attributes:
        operations: of one proposal.
        looked_bytes: documents that are looked at for a diff, before and after together.
        open: of the graph, neither applied nor expired.
        open_each: of one principal.
        size: bytes of all that are kept.
        seconds: that one may be applied.
        kept_seconds: that one is kept after that, so that a repeat is answered.
    """

    operations: int = 100
    looked_bytes: int = 8_388_608
    open: int = 200
    open_each: int = 20
    size: int = 67_108_864
    seconds: int = 900
    kept_seconds: int = 3_600
