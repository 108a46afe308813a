"""What the writes of a chunk see: the rows that were loaded for it, and what it made of them.

A row may be changed several times within a chunk; it is written once, with the versions in between.
Twins and relationships that the chunk creates have no keys yet: below zero stand numbers for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from msgspec import Struct, field

from kastor.records import (
    C,
    Change,
    Current,
    EraseRelationship,
    EraseTwin,
    LogEntry,
    LogTelemetry,
    Needs,
    RelationshipRow,
    TwinRow,
    WriteRelationship,
    WriteTwin,
)
from kastor.storage.batches import require_rows

if TYPE_CHECKING:
    from kastor.types import Ticks

R = TypeVar("R", TwinRow, RelationshipRow)


class ChunkFullError(Exception):
    """The chunk has to be written before this write can be decided, or applied."""


class RowStep(Struct, Generic[R], gc=False):
    """A change of a row: what it is from then on, None where it is gone."""

    row: R | None
    version: int
    time: Ticks


class Held(Struct, Generic[R], gc=False):
    """A twin or relationship of the chunk.

    Attributes:
        loaded: as it is stored; `doc` is empty unless `whole`.
        grave: key and last version of an earlier life.
        row: as the next write sees it.
        steps: what the chunk made of it.
    """

    loaded: R | None = None
    grave: tuple[int, int] | None = None
    whole: bool = False
    row: R | None = None
    steps: list[RowStep[R]] = field(default_factory=list)


class Logged(Struct, gc=False):
    """An entry of the change log; the twin's key may be a number for one that is to come."""

    entry: LogEntry
    twin_key: int
    version: int | None
    time: Ticks
    source_time: Ticks | None = None


class ChunkRows(Generic[C]):
    """One chunk's rows.

    Attributes:
        epoch: of the models when it was loaded.
        since: the time after which its writes have to come.
        twins: by id.
        relationships: by source twin's id and own.
        ends: keys of stored relationships of twins that are to be deleted, by the twin's key.
        log: entries of the chunk, in order.
        size: bytes that the chunk has to write.
    """

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self.since: Ticks = 0
        self.twins: dict[str, Held[TwinRow]] = {}
        self.relationships: dict[tuple[str, str], Held[RelationshipRow]] = {}
        self.ends: dict[int, set[int]] = {}
        self.log: list[Logged] = []
        self.size = 0
        self.telemetry: set[int] = set()
        self.changed_twins: list[Held[TwinRow]] = []
        self.changed_relationships: list[Held[RelationshipRow]] = []
        self._parted: dict[int, set[int]] = {}
        self._joined: dict[int, set[int]] = {}
        self._placeholder = 0

    def current(self, needs: Needs, catalog: C) -> Current[C]:
        """Return the state that a decision is made on.

        Raises:
            ChunkFullError: a document that it needs was not loaded, since others took the room.
        """
        if needs.twin_id is None:
            return Current(catalog)
        held = self.twins[needs.twin_id]
        twin = held.row
        relationship = None
        if needs.relationship_id is None:
            if twin is not None and not held.whole:
                raise ChunkFullError
        elif twin is not None:
            found = self.relationships.get((needs.twin_id, needs.relationship_id))
            if found is not None and (relationship := found.row) is not None and not found.whole:
                raise ChunkFullError
        return Current(
            catalog,
            twin,
            relationship,
            None if needs.target_id is None else self.twins[needs.target_id].row,
            twin is not None and needs.relationships_of_twin and self._has_relationships(twin.key),
        )

    def apply(self, change: Change[C], now: Ticks) -> None:
        """Let the writes after this one see a change.

        Raises:
            ChunkFullError: what it undoes has to be written first.
            TypeError: it is a change of models.
        """
        written = require_rows(change)
        match written:
            case WriteTwin():
                self._write_twin(written, now)
            case EraseTwin():
                self._erase_twin(written, now)
            case WriteRelationship():
                self._write_relationship(written, now)
            case EraseRelationship():
                self._erase_relationship(written, now)
            case LogTelemetry(twin, log, source_time):
                self.telemetry.add(twin.key)
                self._log(log, twin.key, None, now)
                self.log[-1].source_time = source_time

    def _write_twin(self, change: WriteTwin, now: Ticks) -> None:
        held = self.twins[change.id]
        key, version = self._next(held, change.before)
        row = TwinRow(key, change.id, change.model_key, change.etag, version, change.doc)
        if not held.steps:
            self.changed_twins.append(held)
        _step(held, row, version, now)
        self.size += len(change.doc)
        self._log(change.log, key, version, now)

    def _erase_twin(self, change: EraseTwin, now: Ticks) -> None:
        before = change.before
        held = self.twins[before.id]
        if held.loaded is None:
            raise ChunkFullError  # it is not there yet, so that it could not leave a tombstone
        if not held.steps:
            self.changed_twins.append(held)
        _step(held, None, before.version + 1, now)
        self._log(change.log, before.key, before.version + 1, now)

    def _write_relationship(self, change: WriteRelationship, now: Ticks) -> None:
        source, before = change.source, change.before
        held = self._relationship(source.id, change.id)
        key, version = self._next(held, before)
        row = RelationshipRow(
            *(key, source.key, change.id, change.name, change.target_key),
            *(change.etag, version, change.doc),
        )
        if before is None:
            self._join(key, source.key, change.target_key)
        elif before.target_key != change.target_key:
            self._part(key, before.target_key)
            self._join(key, change.target_key)
        if not held.steps:
            self.changed_relationships.append(held)
        _step(held, row, version, now)
        self.size += len(change.doc)
        self._log(change.log, source.key, version, now)

    def _erase_relationship(self, change: EraseRelationship, now: Ticks) -> None:
        before = change.before
        held = self._relationship(change.log.owner, before.id)
        if held.loaded is None:
            raise ChunkFullError
        self._part(before.key, before.source_key, before.target_key)
        if not held.steps:
            self.changed_relationships.append(held)
        _step(held, None, before.version + 1, now)
        self._log(change.log, before.source_key, before.version + 1, now)

    def _relationship(self, source_id: str, relationship_id: str) -> Held[RelationshipRow]:
        # There is none to be loaded of a source that the chunk itself creates.
        return self.relationships.setdefault((source_id, relationship_id), Held())

    def _next(self, held: Held[R], before: R | None) -> tuple[int, int]:
        """Return key and version of what a write leaves."""
        if before is not None:
            return before.key, before.version + 1
        if held.loaded is not None:
            raise ChunkFullError  # the chunk deleted it: first its tombstone has to be there
        if held.grave is not None:
            return held.grave[0], held.grave[1] + 1
        self._placeholder -= 1
        return self._placeholder, 1

    def _log(self, entry: LogEntry, twin_key: int, version: int | None, now: Ticks) -> None:
        self.size += len(entry.data)
        self.log.append(Logged(entry, twin_key, version, now))

    def _join(self, key: int, *twin_keys: int) -> None:
        for each in twin_keys:
            self._joined.setdefault(each, set()).add(key)
            self._parted.get(each, set()).discard(key)

    def _part(self, key: int, *twin_keys: int) -> None:
        for each in twin_keys:
            self._parted.setdefault(each, set()).add(key)
            self._joined.get(each, set()).discard(key)

    def _has_relationships(self, twin_key: int) -> bool:
        if self._joined.get(twin_key):
            return True
        return bool(self.ends.get(twin_key, set()) - self._parted.get(twin_key, set()))


def _step(held: Held[R], row: R | None, version: int, now: Ticks) -> None:
    held.row, held.whole = row, True
    held.steps.append(RowStep(row, version, now))
