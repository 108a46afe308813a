"""The two halves of a write: load what a decision needs, and write its change in one statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kastor.records import (
    C,
    Change,
    Context,
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
from kastor.storage.keeping import bucket_of
from kastor.storage.postgres import statements as sql
from kastor.storage.postgres.documents import into_jsonb
from kastor.storage.postgres.reads import known, relationship_row, twin_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.storage.postgres.connections import Connection
    from kastor.storage.postgres.statements import Qualified
    from kastor.types import Ticks

_TWIN_AT, _RELATIONSHIP_AT = 1, 7


@dataclass(frozen=True, slots=True)
class LoadedRows:
    """What one statement found.

    Attributes:
        epoch: of the models, at the same instant as the rows.
        since: the time that the next version has to come after.
        grave: key and last version of an earlier life of what may be created.
    """

    epoch: int
    twin: TwinRow | None = None
    relationship: RelationshipRow | None = None
    target: TwinRow | None = None
    has_relationships: bool = False
    since: Ticks = 0
    grave: tuple[int, int] | None = None


async def load(connection: Connection, texts: Qualified, needs: Needs) -> LoadedRows:
    """Return what `needs` names, in one round trip."""
    if needs.twin_id is None:
        epoch, last_tick = await connection.fetchrow(texts[sql.LOAD_META])
        return LoadedRows(epoch, since=last_tick)
    twin_id = known(needs.twin_id)
    if needs.relationship_id is None:
        if needs.relationships_of_twin:
            row = await connection.fetchrow(texts[sql.LOAD_TWIN_AND_ENDS], twin_id)
            twin = twin_row(row, _TWIN_AT)
            return LoadedRows(row[0], twin, has_relationships=bool(row[8]), since=row[7] or 0)
        row = await connection.fetchrow(texts[sql.LOAD_TWIN], twin_id)
        twin = twin_row(row, _TWIN_AT)
        return LoadedRows(row[0], twin, since=row[7] or row[10] or 0, grave=_grave(row, 8))
    relationship_id = known(needs.relationship_id)
    if needs.target_id is None:
        text = texts[sql.LOAD_RELATIONSHIP]
        row = await connection.fetchrow(text, twin_id, relationship_id)
        relationship = relationship_row(row, _RELATIONSHIP_AT)
        return LoadedRows(row[0], twin_row(row, _TWIN_AT), relationship, since=row[15] or 0)
    text = texts[sql.LOAD_RELATIONSHIP_AND_TARGET]
    row = await connection.fetchrow(text, twin_id, relationship_id, known(needs.target_id))
    return LoadedRows(
        row[0],
        twin_row(row, _TWIN_AT),
        relationship_row(row, _RELATIONSHIP_AT),
        twin_row(row, 19),
        since=row[15] or row[18] or 0,
        grave=_grave(row, 16),
    )


def _grave(row: Any, first: int) -> tuple[int, int] | None:
    return None if row[first] is None else (row[first], row[first + 1])


async def apply(
    connection: Connection,
    texts: Qualified,
    change: Change[C],
    loaded: LoadedRows,
    logged: tuple[Any, ...],
    name_key: int | None,
    *,
    keeps_telemetry: bool,
) -> bool:
    """Write a change of one twin or relationship; return whether the race was won.

    Args:
        connection: where to.
        texts: the statements of the graph.
        change: any but a change of models.
        loaded: what it was decided on.
        logged: the values of its log entry, as `log_values` made them.
        name_key: of the relationship's name, where it has one.
        keeps_telemetry: whether messages are kept longer than the log.
    """
    text, values = _statement(change, loaded, name_key)
    if keeps_telemetry and isinstance(change, LogTelemetry):
        text, values = sql.KEEP_TELEMETRY, (*values, change.source_time)
    count: int = await connection.fetchval(texts[text], *logged, *values)
    return count == 1


def log_values(entry: LogEntry, epoch: int, now: Ticks, context: Context) -> tuple[Any, ...]:
    """Return the values that every writing statement begins with: $1 to $13."""
    return (
        epoch,
        bucket_of(entry.owner),
        entry.subject,
        entry.kind.value,
        entry.notify,
        entry.event_id,
        now,
        context.actor,
        context.traceparent,
        entry.model_id,
        entry.component,
        entry.content_type,
        entry.data,
    )


def _statement(
    change: Change[C], loaded: LoadedRows, name_key: int | None
) -> tuple[str, Sequence[object]]:
    match change:
        case WriteTwin():
            return _write_twin(change, loaded)
        case EraseTwin():
            return sql.DELETE_TWIN, (change.before.key, change.before.version)
        case WriteRelationship():
            return _write_relationship(change, loaded, name_key)
        case EraseRelationship():
            return sql.DELETE_RELATIONSHIP, (change.before.key, change.before.version)
        case LogTelemetry():
            return sql.LOG_TELEMETRY, (change.twin.key,)
        case _:
            raise TypeError(change)


def _write_twin(change: WriteTwin, loaded: LoadedRows) -> tuple[str, Sequence[object]]:
    doc, before = into_jsonb(change.doc), change.before
    if before is not None:
        row = (before.key, before.version, change.model_key, change.etag, doc)
        return sql.UPDATE_TWIN, row
    new = (change.id, change.model_key, change.etag, doc)
    if loaded.grave is None:
        return sql.CREATE_TWIN, new
    return sql.REVIVE_TWIN, (*new, *loaded.grave)


def _write_relationship(
    change: WriteRelationship, loaded: LoadedRows, name_key: int | None
) -> tuple[str, Sequence[object]]:
    doc, before = into_jsonb(change.doc), change.before
    written = (name_key, change.target_key, change.etag, doc)
    if before is not None:
        return sql.UPDATE_RELATIONSHIP, (before.key, before.version, *written)
    row = (change.source.key, change.id, *written)
    if loaded.grave is None:
        return sql.CREATE_RELATIONSHIP, row
    return sql.REVIVE_RELATIONSHIP, (*row, *loaded.grave)
