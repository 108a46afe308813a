"""What happens inside the writer's transaction: load what a decision needs, apply its change.

The numbers that every change moves (log position, time, sizes, catalog) live in a `Head`,
which is copied before each attempt and put back when it fails, as the savepoint is.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import TYPE_CHECKING, Any, Generic, Self

from msgspec import Struct

from kastor.records import (
    C,
    Change,
    ChangeModels,
    Context,
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
from kastor.storage.batches import (
    AppliedProposal,
    JobProgress,
    KeptAnswer,
    Note,
    NotHeldError,
)
from kastor.storage.keeping import (
    LOG_ROW_OVERHEAD,
    TELEMETRY_ROW_OVERHEAD,
    VERSION_ROW_OVERHEAD,
    Rules,
    bucket_of,
)
from kastor.storage.sqlite import statements as sql

if TYPE_CHECKING:
    import apsw

    from kastor.storage.history import Kind
    from kastor.types import ModelId, Ticks


class Counters(Struct):
    """Numbers of the graph as the open transaction sees them.

    Attributes:
        seq: position of the last entry of the change log.
        tick: its time.
        version_bytes: what superseded versions take.
        log_bytes: event bodies held by the change log.
        telemetry_bytes: what kept telemetry takes.
        floor: the oldest state that is kept.
        packed_to: versions that ended at or before this position are packed, or never will be.
        twins_more: the last entry that created a twin.
        twins_other: the last entry that deleted one, or gave it another model.
        relationships_more: the last entry that created a relationship.
        relationships_other: the last entry that deleted one, or gave it another name or target.
        epoch: of the models.
        rules: how much of the past is kept.
    """

    seq: int
    tick: Ticks
    version_bytes: int
    log_bytes: int
    telemetry_bytes: int
    floor: int
    packed_to: int
    twins_more: int
    twins_other: int
    relationships_more: int
    relationships_other: int
    epoch: int
    rules: Rules

    def copy(self) -> Self:
        """Return a copy to fall back to."""
        return copy(self)

    def saved(self) -> tuple[int, ...]:
        """Return what is kept in the file, as `SAVE_META` has it."""
        return (
            *(self.epoch, self.tick, self.version_bytes, self.log_bytes, self.telemetry_bytes),
            *(self.floor, self.packed_to),
            *(self.twins_more, self.twins_other),
            *(self.relationships_more, self.relationships_other),
        )


class Head(Counters, Generic[C]):
    """The numbers with the catalog that belongs to them."""

    catalog: C


class UnitOfWork(Generic[C]):
    """Loads and applies on the writer's connection; used by the writer's thread alone."""

    def __init__(self, connection: apsw.Connection, counters: Head[C]) -> None:
        # One cursor for all: to make one takes half a microsecond, a quarter of a small statement.
        self._execute: Callable[..., Any] = connection.cursor().execute
        self._last_key: Callable[[], int] = connection.last_insert_rowid
        self.counters = counters
        self._names: dict[str, int] = {}
        self._names_by_key: dict[int, str] = {}
        self._ends: dict[str, TwinRow | None] | None = None
        self._has_graves = True
        self._unkept: tuple[tuple[Rules, int] | None, frozenset[int]] = None, frozenset()

    def forget_names(self) -> None:
        """Drop what is known of rows, which a rollback may have taken back."""
        self._names.clear()
        self._names_by_key.clear()
        if self._ends is not None:
            self._ends.clear()

    def know_ends(self, *, known: bool) -> None:
        """Remember the ends of relationships, for a batch that nobody writes in between."""
        self._ends = {} if known else None

    def look_for_graves(self) -> None:
        """Find out whether anything was ever deleted: else nothing has to be looked for later."""
        self._has_graves = bool(self._execute(sql.HAS_TOMBSTONES).fetchall()[0][0])

    def load(self, needs: Needs) -> Current[C]:
        """Return the state that `needs` names, as this transaction sees it."""
        if needs.relationship_id is not None:
            return self._load_relationship(needs)
        twin = None if needs.twin_id is None else self._twin(needs.twin_id)
        return Current(
            catalog=self.counters.catalog,
            twin=twin,
            has_relationships=bool(
                twin is not None
                and needs.relationships_of_twin
                and self._execute(sql.HAS_RELATIONSHIPS, (twin.key,)).fetchall()[0][0]
            ),
        )

    def _load_relationship(self, needs: Needs) -> Current[C]:
        source = None if needs.twin_id is None else self._end(needs.twin_id)
        relationship = None
        if source is not None:
            names = (source.key, needs.relationship_id)
            rows = self._execute(sql.LOAD_RELATIONSHIP_ROW, names).fetchall()
            if rows:
                key, source_key, own_id, name_key, *rest = rows[0]
                name = self._name(name_key)
                relationship = RelationshipRow(key, source_key, own_id, name, *rest)
        target = None if needs.target_id is None else self._end(needs.target_id)
        return Current(self.counters.catalog, source, relationship, target)

    def _end(self, twin_id: str) -> TwinRow | None:
        """Return a twin without its document."""
        ends = self._ends
        if ends is not None and twin_id in ends:
            return ends[twin_id]
        rows = self._execute(sql.LOAD_END, (twin_id,)).fetchall()
        found = TwinRow(*rows[0]) if rows else None
        if ends is not None:
            ends[twin_id] = found
        return found

    def _twin(self, twin_id: str) -> TwinRow | None:
        rows = self._execute(sql.LOAD_TWIN, (twin_id,)).fetchall()
        return TwinRow(*rows[0]) if rows else None

    def apply(self, change: Change[C], context: Context) -> None:
        """Write the change, its superseded version and its log entry."""
        match change:
            case WriteTwin():
                self._write_twin(change, context)
                if self._ends:
                    self._ends.pop(change.id, None)
            case EraseTwin():
                self._erase_twin(change, context)
                if self._ends:
                    self._ends.pop(change.before.id, None)
            case WriteRelationship():
                self._write_relationship(change, context)
            case EraseRelationship():
                self._erase_relationship(change, context)
            case LogTelemetry():
                self._log(change.log, context, change.twin.key, None)
                self._keep_telemetry(change)
            case ChangeModels():
                self._change_models(change, context)

    def note_setback(self, time: Ticks) -> None:
        """Write that the next entry's time is not after that of the one before."""
        self._execute(sql.NOTE_SETBACK, (self.counters.seq + 1, time)).fetchall()

    def note(self, note: Note, since: int) -> None:
        """Write what is to be known again after a crash.

        Args:
            note: on what was written.
            since: the last entry of the change log before that.

        Raises:
            NotHeldError: there is no such job, or another part of the answer is kept, or the
                proposal is not open.
        """
        match note:
            case JobProgress(kind, job_id, _, progress, lines):
                rows = self._execute(
                    sql.NOTE_PROGRESS, (progress.decode(), kind, job_id)
                ).fetchall()
                if not rows:
                    raise NotHeldError(f"The {kind} job {job_id} is gone.")
                for line in lines:
                    self._execute(sql.ADD_JOB_LINE, (kind, job_id, line.decode())).fetchall()
            case KeptAnswer(operation_id, digest, answer, done, created, known):
                row = (operation_id, digest, answer.decode(), done, created, known)
                if not self._execute(sql.KEEP_ANSWER, row).fetchall():
                    raise NotHeldError(f"Another request goes on with {operation_id}.")
            case AppliedProposal(proposal_id, caller, applied, when, via):
                row_used = (applied.decode(), when, proposal_id, caller)
                if not self._execute(sql.USE_PROPOSAL, row_used).fetchall():
                    raise NotHeldError(f"The proposal {proposal_id} is not open.")
                self._execute(sql.NOTE_ORIGINS, (via.decode(), since)).fetchall()

    def _write_twin(self, change: WriteTwin, context: Context) -> None:
        seq, now, before = self.counters.seq + 1, self.counters.tick, change.before
        doc = change.doc.decode()
        if before is None:
            key, version = self._revive("twin", change.id)
            made = (key, change.id, change.model_key, change.etag, version, now, seq, context.actor)
            self._execute(sql.INSERT_TWIN, (*made, doc)).fetchall()
            key = self._last_key()
            self.counters.twins_more = seq
        else:
            key, version = before.key, before.version + 1
            self._keep_twin(before, context)
            row_now = (change.etag, version, now, seq, context.actor, doc)
            if change.model_key == before.model_key:
                self._execute(sql.UPDATE_TWIN, (*row_now, key)).fetchall()
            else:
                row = (*row_now, change.model_key, key)
                self._execute(sql.UPDATE_TWIN_AND_MODEL, row).fetchall()
                self.counters.twins_other = seq
        self._log(change.log, context, key, version)

    def _erase_twin(self, change: EraseTwin, context: Context) -> None:
        before = change.before
        self._keep_twin(before, context)
        self._execute(sql.DELETE_TWIN, (before.key,)).fetchall()
        self._bury("twin", before.id, before.key, before.version)
        self.counters.twins_other = self.counters.seq + 1
        self._log(change.log, context, before.key, before.version + 1)

    def _write_relationship(self, change: WriteRelationship, context: Context) -> None:
        seq, now, before = self.counters.seq + 1, self.counters.tick, change.before
        doc, name_key = change.doc.decode(), self._name_key(change.name)
        if before is None:
            key, version = self._revive("relationship", _burial_id(change.source.key, change.id))
            ends = (change.source.key, change.id, name_key, change.target_key)
            written = (change.etag, version, now, seq, context.actor, doc)
            self._execute(sql.INSERT_RELATIONSHIP, (key, *ends, *written)).fetchall()
            self.counters.relationships_more = seq
        else:
            version = before.version + 1
            self._keep_relationship(before, context)
            written = (change.etag, version, now, seq, context.actor, doc)
            row = (name_key, change.target_key, *written, before.key)
            self._execute(sql.UPDATE_RELATIONSHIP, row).fetchall()
            if (change.name, change.target_key) != (before.name, before.target_key):
                self.counters.relationships_other = seq
        self._log(change.log, context, change.source.key, version)

    def _erase_relationship(self, change: EraseRelationship, context: Context) -> None:
        before = change.before
        self._keep_relationship(before, context)
        self._execute(sql.DELETE_RELATIONSHIP, (before.key,)).fetchall()
        burial = _burial_id(before.source_key, before.id)
        self._bury("relationship", burial, before.key, before.version)
        self.counters.relationships_other = self.counters.seq + 1
        self._log(change.log, context, before.source_key, before.version + 1)

    def _change_models(self, change: ChangeModels[C], context: Context) -> None:
        now, seq = self.counters.tick, self.counters.seq + 1
        keys: dict[ModelId, int] = {}
        for model_id, text in change.uploads:
            keys[model_id] = self._model_key(model_id)
            row = (keys[model_id], text.decode(), now, seq)
            self._execute(sql.INSERT_MODEL, row).fetchall()
        for model_id, in_service in change.commission:
            key, since = self._model_key(model_id), None if in_service else now
            self._execute(sql.END_MODEL, (now, seq, key)).fetchall()
            self._execute(sql.COMMISSION_MODEL, (key, since, now, seq)).fetchall()
        for model_id in change.deletes:
            self._execute(sql.END_MODEL, (now, seq, self._model_key(model_id))).fetchall()
        for entry in change.logs:
            self._log(entry, context, None, None)
        self.counters.epoch += 1
        self.counters.catalog = change.next_catalog(keys, self.counters.epoch)

    def _model_key(self, model_id: ModelId) -> int:
        rows = self._execute(sql.MODEL_KEY, (model_id,)).fetchall()
        rows = rows or self._execute(sql.INSERT_MODEL_KEY, (model_id,)).fetchall()
        return int(rows[0][0])

    def _name_key(self, name: str) -> int:
        key = self._names.get(name)
        if key is None:
            rows = self._execute(sql.NAME_KEY, (name,)).fetchall()
            rows = rows or self._execute(sql.INSERT_NAME, (name,)).fetchall()
            key = self._names[name] = rows[0][0]
        return key

    def _name(self, key: int) -> str:
        name = self._names_by_key.get(key)
        if name is None:
            rows = self._execute(sql.NAME, (key,)).fetchall()
            name = self._names_by_key[key] = rows[0][0]
        return name

    def _keep_twin(self, row: TwinRow, context: Context) -> None:
        rules = self.counters.rules
        if rules.graph.is_off or (rules.models and row.model_key in self._unkept_models()):
            self._keep_nothing("twin", row)
        else:
            self._keep_version(sql.TWIN_TO_VERSIONS, row, context)

    def _keep_relationship(self, row: RelationshipRow, context: Context) -> None:
        if self.counters.rules.graph.is_off:
            self._keep_nothing("relationship", row)
        else:
            self._keep_version(sql.RELATIONSHIP_TO_VERSIONS, row, context)

    def _keep_version(
        self, statement: str, row: TwinRow | RelationshipRow, context: Context
    ) -> None:
        counters = self.counters
        ended = (counters.tick, counters.seq + 1, context.actor, row.key)
        self._execute(statement, ended).fetchall()
        counters.version_bytes += row.size + VERSION_ROW_OVERHEAD

    def _keep_nothing(self, kind: Kind, row: TwinRow | RelationshipRow) -> None:
        """Supersede a row without a trace; what is older goes too, so that no gap comes about."""
        if self.counters.version_bytes:
            drop_versions(self._execute, self.counters, kind, row.key, self.counters.seq)
        self.counters.floor = self.counters.seq + 1

    def _unkept_models(self) -> frozenset[int]:
        """Return the keys of models of whose twins no versions are kept."""
        counters = self.counters
        known_for, found = self._unkept
        if known_for is None or known_for != (counters.rules, counters.epoch):
            keys = counters.catalog.keys
            off = (model_id for model_id, limit in counters.rules.models.items() if limit.is_off)
            found = frozenset(keys[model_id] for model_id in off if model_id in keys)
            self._unkept = (counters.rules, counters.epoch), found
        return found

    def _keep_telemetry(self, change: LogTelemetry) -> None:
        counters, log = self.counters, change.log
        if counters.rules.telemetry.is_off:
            return
        row = (counters.seq, change.twin.key, log.component, counters.tick, change.source_time)
        self._execute(sql.KEEP_TELEMETRY, (*row, log.data)).fetchall()
        counters.telemetry_bytes += len(log.data) + TELEMETRY_ROW_OVERHEAD

    def _revive(self, kind: str, burial_id: str) -> tuple[int | None, int]:
        if not self._has_graves:
            return None, 1
        rows = self._execute(sql.TOMBSTONE, (kind, burial_id)).fetchall()
        if not rows:
            return None, 1
        self._execute(sql.UNBURY, (kind, burial_id)).fetchall()
        key, last_version = rows[0]
        return key, last_version + 1

    def _bury(self, kind: str, burial_id: str, key: int, version: int) -> None:
        # The deletion itself is a version (it has a log row), so the next life starts after it.
        self._has_graves = True
        row = (kind, burial_id, key, version + 1, self.counters.tick)
        self._execute(sql.BURY, row).fetchall()

    def _log(
        self, entry: LogEntry, context: Context, twin_key: int | None, version: int | None
    ) -> None:
        counters = self.counters
        counters.seq += 1
        counters.log_bytes += len(entry.data) + LOG_ROW_OVERHEAD
        row = (
            counters.seq,
            bucket_of(entry.owner),
            entry.subject,
            twin_key,
            version,
            entry.kind,
            entry.notify,
            entry.event_id,
            counters.tick,
            context.actor,
            context.traceparent,
            entry.model_id,
            entry.component,
            entry.content_type,
            entry.data,
        )
        self._execute(sql.LOG, row).fetchall()


def drop_versions(
    execute: Callable[..., Any], counters: Counters, kind: Kind, key: int, end: int
) -> int:
    """Remove the versions of one twin or relationship that ended by then; return how many.

    Nothing older than what goes may stay: a gap between versions stands for a deletion.
    """
    sizes = execute(sql.DROP_VERSIONS[kind], (key, end)).fetchall()
    blocks = execute(sql.DROP_BLOCKS, (kind, key, end)).fetchall()
    counters.version_bytes -= sum(size + VERSION_ROW_OVERHEAD for (size,) in sizes)
    counters.version_bytes -= sum(size for (size,) in blocks)
    return len(sizes)


def _burial_id(source_key: int, relationship_id: str) -> str:
    return f"{source_key}/{relationship_id}"
