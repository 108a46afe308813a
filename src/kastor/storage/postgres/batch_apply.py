"""Writes what a chunk made of its rows: a statement for each kind of change, in the order of ids.

First the twins that stay, as who locks what it loads does it too, then those that are created, so
that relationships find their ends, last the twins that go, so that their relationships went before.
Whoever writes the same rows in the same order waits for no circle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from kastor.records import ChangeKind, RelationshipRow, TwinRow
from kastor.storage.keeping import bucket_of
from kastor.storage.postgres import batch_statements as sql
from kastor.storage.postgres.batch_loading import CHUNK_SECONDS
from kastor.storage.postgres.documents import into_jsonb

if TYPE_CHECKING:
    from kastor.records import Context
    from kastor.storage.postgres.chunk_rows import ChunkRows, Held, Logged
    from kastor.storage.postgres.connections import Connection
    from kastor.storage.postgres.statements import Qualified

Row: TypeAlias = tuple[str | None, ...]


class LostRaceError(Exception):
    """Others changed what the chunk was decided on."""


class ChunkWriter:
    """Writes chunks within one transaction.

    Args:
        connection: in the transaction.
        texts: the statements of the graph.
        context: who asks.
        names: keys of relationship names, by name; has all that the chunks name.
        keeps_telemetry: whether messages are kept longer than the log.
    """

    def __init__(
        self,
        connection: Connection,
        texts: Qualified,
        context: Context,
        names: Mapping[str, int],
        *,
        keeps_telemetry: bool,
    ) -> None:
        self._keeps_telemetry = keeps_telemetry
        self._connection, self._texts = connection, texts
        self._context, self._names = context, names
        self._keys: dict[int, int] = {}

    async def write(self, overlay: ChunkRows[Any], epoch: int) -> None:
        """Write what the chunk changed; the epoch of the models has to be the same still.

        Raises:
            LostRaceError: what was loaded is there no more.
        """
        self._keys = {}
        twins = sorted(overlay.changed_twins, key=_twin_id)
        relationships = sorted(overlay.changed_relationships, key=_source_and_id)
        await self._update(sql.UPDATE_TWINS, twins, self._twin_values)
        await self._create_twins([each for each in twins if each.loaded is None])
        await self._count_twins(overlay.telemetry)
        await self._delete(sql.DELETE_RELATIONSHIPS, relationships)
        await self._update(sql.UPDATE_RELATIONSHIPS, relationships, self._relationship_values)
        await self._create_relationships([each for each in relationships if each.loaded is None])
        await self._delete(sql.DELETE_TWINS, twins)
        await self._keep(sql.KEEP_TWINS, twins, self._twin_row)
        await self._keep(sql.KEEP_RELATIONSHIPS, relationships, self._relationship_row)
        await self._log(overlay.log, epoch)

    async def _create_twins(self, created: Sequence[Held[TwinRow]]) -> None:
        fresh = [each for each in created if each.grave is None]
        if fresh:
            rows = [(_last(each).id, *self._twin_values(_last(each), each)) for each in fresh]
            made = await self._fetch(sql.CREATE_TWINS, rows)
            _require(len(made), len(fresh))
            keys: dict[str, int] = {row[0]: row[1] for row in made}
            for each in fresh:
                self._keys[_last(each).key] = keys[_last(each).id]
        revived = [each for each in created if each.grave is not None]
        await self._unbury("twin", [(_last(each).id, each.grave) for each in revived])
        await self._run(sql.REVIVE_TWINS, [self._twin_row(_last(each), each) for each in revived])

    async def _create_relationships(self, created: Sequence[Held[RelationshipRow]]) -> None:
        fresh = [each for each in created if each.grave is None]
        if fresh:
            rows = [self._relationship_row(_last(each), each)[1:] for each in fresh]
            made = await self._fetch(sql.CREATE_RELATIONSHIPS, rows)
            _require(len(made), len(fresh))
            keys = {(row[0], row[1]): row[2] for row in made}
            for each in fresh:
                row = _last(each)
                self._keys[row.key] = keys[self._key(row.source_key), row.id]
        revived = [each for each in created if each.grave is not None]
        graves = [(f"{_last(each).source_key}/{_last(each).id}", each.grave) for each in revived]
        await self._unbury("relationship", graves)
        rows = [self._relationship_row(_last(each), each) for each in revived]
        await self._run(sql.REVIVE_RELATIONSHIPS, rows)

    async def _unbury(
        self, kind: str, graves: Sequence[tuple[str, tuple[int, int] | None]]
    ) -> None:
        rows = [
            (burial_id, str(grave[0]), str(grave[1]))
            for burial_id, grave in graves
            if grave is not None
        ]
        await self._run(sql.UNBURY, rows, kind)

    async def _update(
        self, text: str, held: Iterable[Held[Any]], values: Callable[[Any, Held[Any]], Row]
    ) -> None:
        rows = [
            (*_superseded(each), *values(each.row, each))
            for each in held
            if each.loaded is not None and each.row is not None
        ]
        await self._run(text, rows)

    async def _delete(self, text: str, held: Iterable[Held[Any]]) -> None:
        rows = [
            (*_superseded(each), str(each.steps[-1].version), str(each.steps[-1].time))
            for each in held
            if each.row is None
        ]
        await self._run(text, rows)

    async def _keep(self, text: str, held: Iterable[Held[Any]], values: Callable[..., Row]) -> None:
        """Write the versions that began and ended within the chunk."""
        rows = [
            (*values(step.row, each, step), str(after.time))
            for each in held
            if len(each.steps) > 1
            for step, after in zip(each.steps, each.steps[1:], strict=False)
        ]
        await self._run(text, rows, some=True)

    async def _count_twins(self, keys: set[int]) -> None:
        if keys:
            given = [str(self._key(each)) for each in keys]
            found = await self._connection.fetchval(
                self._texts[sql.COUNT_TWINS], given, timeout=CHUNK_SECONDS
            )
            _require(found, len(keys))

    async def _log(self, log: Sequence[Logged], epoch: int) -> None:
        rows: list[Row] = []
        start = 1
        for each in log:
            entry = each.entry
            rows.append(
                (
                    *(str(bucket_of(entry.owner)), entry.subject, str(self._key(each.twin_key))),
                    None if each.version is None else str(each.version),
                    *(entry.kind.value, "t" if entry.notify else "f", entry.event_id),
                    *(str(each.time), entry.model_id, entry.component, entry.content_type),
                    *(str(start), str(len(entry.data))),
                )
            )
            start += len(entry.data)
        if rows:
            bodies = b"".join(each.entry.data for each in log)
            who = self._context.actor, self._context.traceparent
            written = await self._connection.fetchval(
                self._texts[sql.LOG],
                epoch,
                *who,
                bodies,
                *_columns(sql.LOG, rows, 5),
                timeout=CHUNK_SECONDS,
            )
            _require(written, len(rows))
        if self._keeps_telemetry:
            messages = [
                (str(each.time), each.entry.event_id, _text(each.source_time))
                for each in log
                if each.entry.kind is ChangeKind.TELEMETRY
            ]
            await self._run(sql.KEEP_TELEMETRY, messages, ChangeKind.TELEMETRY.value)

    async def _run(
        self, text: str, rows: Sequence[Row], first: str | None = None, *, some: bool = False
    ) -> None:
        """Run a statement that says how many rows it wrote, which have to be all, or all or none.

        `some` is for versions, which a graph may be told not to keep.
        """
        if rows:
            written = await self._connection.fetchval(
                self._texts[text],
                self._context.actor if first is None else first,
                *_columns(text, rows),
                timeout=CHUNK_SECONDS,
            )
            if not some or written:
                _require(written, len(rows))

    async def _fetch(self, text: str, rows: Sequence[Row]) -> Sequence[Any]:
        found: Sequence[Any] = await self._connection.fetch(
            self._texts[text], self._context.actor, *_columns(text, rows), timeout=CHUNK_SECONDS
        )
        return found

    def _twin_row(self, row: TwinRow, held: Held[TwinRow], step: Any = None) -> Row:
        return str(self._key(row.key)), row.id, *self._twin_values(row, held, step)

    def _twin_values(self, row: TwinRow, held: Held[TwinRow], step: Any = None) -> Row:
        time = (step or held.steps[-1]).time
        return str(row.model_key), row.etag, str(row.version), str(time), into_jsonb(row.doc)

    def _relationship_row(
        self, row: RelationshipRow, held: Held[RelationshipRow], step: Any = None
    ) -> Row:
        ends = str(self._key(row.key)), str(self._key(row.source_key)), row.id
        return *ends, *self._relationship_values(row, held, step)

    def _relationship_values(
        self, row: RelationshipRow, held: Held[RelationshipRow], step: Any = None
    ) -> Row:
        time = (step or held.steps[-1]).time
        return (
            *(str(self._names[row.name]), str(self._key(row.target_key)), row.etag),
            *(str(row.version), str(time), into_jsonb(row.doc)),
        )

    def _key(self, key: int) -> int:
        """Return the key of what may just have been created."""
        return key if key >= 0 else self._keys.get(key, key)


def _columns(text: str, rows: Sequence[Row], first: int = 2) -> list[Any]:
    """Return rows as the parameters of a statement from `first` on."""
    arrays = sql.listed(text)
    return [
        _array(column) if number in arrays else sql.SEPARATOR.join([each or "" for each in column])
        for number, column in enumerate(zip(*rows, strict=True), first)
    ]


def _array(column: tuple[str | None, ...]) -> list[str | None] | None:
    return list(column) if any(each is not None for each in column) else None


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)


def _require(found: int, wanted: int) -> None:
    if found != wanted:
        raise LostRaceError


def _superseded(held: Held[Any]) -> Row:
    """Return key and version of what is stored, and when it was first superseded."""
    loaded: Any = held.loaded
    return str(loaded.key), str(loaded.version), str(held.steps[0].time)


def _last(held: Held[Any]) -> Any:
    return held.steps[-1].row


def _twin_id(held: Held[TwinRow]) -> str:
    row = held.steps[0].row or held.loaded
    return "" if row is None else row.id


def _source_and_id(held: Held[RelationshipRow]) -> tuple[int, str]:
    row = held.steps[0].row or held.loaded
    return (0, "") if row is None else (row.source_key, row.id)
