"""Decides writes that bring a twin or a relationship back to what it was. Pure.

They are ordinary writes, judged by the models of now and with the events of a PUT or a DELETE, but
of a thing that is still as it was seen. What others wrote meanwhile is left, and told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import orjson
from msgspec import Struct

from kastor.errors import Conflict
from kastor.graph import relationship, twin
from kastor.graph.command import Command, Decided, State
from kastor.graph.documents import decode
from kastor.graph.metadata import forget_times
from kastor.records import Decision, Needs
from kastor.types import override

if TYPE_CHECKING:
    from kastor.clock import Stamp
    from kastor.types import Document, RelationshipId, TwinId


class ChangedMeanwhile(Conflict):
    """It is no longer what it was when the way back was planned."""

    default_code = "ChangedMeanwhile"


class Restored(Struct, frozen=True):
    """What became of one of them.

    Attributes:
        what: it was written, it is as it was already, or it cannot be without a twin that is not
            there.
        why: which twin; empty for the others.
    """

    what: Literal["written", "already", "leftOut"]
    why: str = ""


WRITTEN, ALREADY = Restored("written"), Restored("already")


class RestoreTwin(Command[Restored], frozen=True):
    """Bring a twin back.

    Attributes:
        wanted: its document then, as it was stored; None: it was not there, so it is deleted.
        seen: the one that this is to replace; None: it is not there.
    """

    twin_id: TwinId
    wanted: bytes | None
    seen: bytes | None

    @override
    def needs(self) -> Needs:
        """Name the twin, and ask whether it has relationships where it is to go."""
        return Needs(self.twin_id, relationships_of_twin=self.wanted is None)

    @override
    def decide(self, current: State, stamp: Stamp) -> Decided[Restored]:
        """Decide as `decide_twin` says."""
        return decide_twin(self, current, stamp)


class RestoreRelationship(Command[Restored], frozen=True):
    """Bring a relationship back; `wanted` and `seen` are as for a twin."""

    source_id: TwinId
    relationship_id: RelationshipId
    wanted: bytes | None
    seen: bytes | None

    @override
    def needs(self) -> Needs:
        """Name the relationship, its source, and the end that it had."""
        target = None if self.wanted is None else decode(self.wanted)["$targetId"]
        return Needs(self.source_id, self.relationship_id, target)

    @override
    def decide(self, current: State, stamp: Stamp) -> Decided[Restored]:
        """Decide as `decide_relationship` says."""
        return decide_relationship(self, current, stamp)


def content_of(doc: bytes) -> Document:
    """Return of a stored document what a revert brings back: all but the times of updates."""
    document = decode(doc)
    if "$metadata" in document:  # of relationships nothing is kept but what they say
        forget_times(document)
    return document


def alike(one: bytes | None, other: bytes | None) -> bool:
    """Return whether two stored documents, or their absence, say the same."""
    if one is None or other is None or one == other:
        return one == other
    option = orjson.OPT_SORT_KEYS
    return orjson.dumps(content_of(one), option=option) == orjson.dumps(
        content_of(other), option=option
    )


def decide_twin(command: RestoreTwin, current: State, stamp: Stamp) -> Decided[Restored]:
    """Decide to bring a twin back; its properties' source times come back, other times are new.

    Raises:
        ChangedMeanwhile: it is neither as it was nor as it was seen.
        ValidationFailed, RelationshipsLeft: as `twin.decide_put` and `twin.decide_delete`.
    """
    before = current.twin
    present = None if before is None else before.doc
    if alike(present, command.wanted):
        return Decision(None, ALREADY)
    _require_seen(present, command.seen, f"The twin {command.twin_id}")
    if command.wanted is None:
        gone = twin.decide_delete(twin.DeleteTwin(command.twin_id), current, stamp)
        return Decision(gone.change, WRITTEN)
    put = twin.PutTwin(command.twin_id, decode(command.wanted), restores=True)
    return Decision(twin.decide_put(put, current, stamp).change, WRITTEN)


def decide_relationship(
    command: RestoreRelationship, current: State, stamp: Stamp
) -> Decided[Restored]:
    """Decide to bring a relationship back; one whose source or target is not there is left out.

    Raises:
        ChangedMeanwhile: it is neither as it was nor as it was seen.
        NotAllowed, InvalidRelationship, ValidationFailed: as `relationship.decide_put`.
    """
    before = current.relationship
    present = None if before is None else before.doc
    if alike(present, command.wanted):
        return Decision(None, ALREADY)
    source_id, relationship_id = command.source_id, command.relationship_id
    _require_seen(present, command.seen, f"The relationship {relationship_id} of {source_id}")
    if command.wanted is None:
        delete = relationship.DeleteRelationship(source_id, relationship_id)
        return Decision(relationship.decide_delete(delete, current, stamp).change, WRITTEN)
    body = decode(command.wanted)
    if current.twin is None or current.target is None:
        missing = source_id if current.twin is None else body["$targetId"]
        return Decision(None, Restored("leftOut", f"There is no twin {missing}."))
    put = relationship.PutRelationship(source_id, relationship_id, body)
    return Decision(relationship.decide_put(put, current, stamp).change, WRITTEN)


def _require_seen(present: bytes | None, seen: bytes | None, what: str) -> None:
    if not alike(present, seen):
        raise ChangedMeanwhile(
            f"{what} was written by somebody else meanwhile, and is left as it is. Look at it, and "
            "ask for the way back once more where it is still wanted."
        )
