"""What entries of the change log mean for the index: which things are to be read anew. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from kastor.records import ChangeKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.storage.events import LoggedChange
    from kastor.storage.search import IndexState
    from kastor.types import ModelId, TwinId

_NAME = "$relationshipName"
_RENAMED = b'"/$relationshipName"'


@dataclass(slots=True)
class TouchedThings:
    """What a few entries touch.

    Attributes:
        counted: relationships that came, less those that went, by name.
        renamed: whether one has another name now; the log does not tell the one before.
        settled: event ids of entries that were counted ahead of their position.
    """

    twins: set[TwinId] = field(default_factory=set)
    models: set[ModelId] = field(default_factory=set)
    counted: Counter[str] = field(default_factory=Counter)
    renamed: bool = False
    settled: set[str] = field(default_factory=set)


def touched_by(entries: Sequence[LoggedChange], state: IndexState) -> TouchedThings:
    """Return what entries touch that follow a state of the index."""
    touched, unplaced = TouchedThings(), set(state.unplaced)
    for entry in entries:
        family = entry.kind.partition(".")[0]
        if family == "Twin":
            touched.twins.add(entry.subject)
        elif family == "Model":
            touched.models.add(entry.subject)
        elif family == "Relationship":
            if entry.event_id in unplaced:
                touched.settled.add(entry.event_id)
            elif entry.seq > state.counted:
                _count(touched, entry)
    return touched


def _count(touched: TouchedThings, entry: LoggedChange) -> None:
    if entry.kind is ChangeKind.RELATIONSHIP_UPDATE:
        touched.renamed = touched.renamed or _RENAMED in entry.data
        return
    name = orjson.loads(entry.data)[_NAME]
    touched.counted[name] += 1 if entry.kind is ChangeKind.RELATIONSHIP_CREATE else -1
