"""A graph's schema as tables, for copies and moves; see `kastor.storage.transfer`.

The change log goes by position: what is `seq` elsewhere is `pos` here, and a copied entry gets the
same number for both. Rows that are certainly new go in by COPY.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from kastor.distances import unpacked
from kastor.errors import Conflict
from kastor.storage.postgres import ownership, schema
from kastor.storage.postgres.connections import Connection, connect_for_long
from kastor.storage.postgres.documents import into_jsonb
from kastor.storage.postgres.event_tables import PostgresEventTables
from kastor.storage.postgres.graph_reader import (
    DROP_ORIGIN,
    PostgresGraphReader,
    stored_column,
)
from kastor.storage.postgres.index_tables import PostgresIndexes
from kastor.storage.postgres.past import STEP_ROWS
from kastor.storage.postgres.snapshot import PostgresSnapshot, snapshot_of
from kastor.storage.postgres.statements import Qualified
from kastor.storage.refusals import NotAGraphError, SchemaTooOldError
from kastor.storage.tables import Table
from kastor.storage.transfer import Identification, Identity, Row

_FLAGS = frozenset({"notify", "paused", "requeued", "done", "needs_approval"})
_KEYED = ("model_keys", "relationship_names", "twins", "relationships", "dead_letters")
_IDENTIFY = """
UPDATE {graph}.meta SET host_name = $1, signing_key = $2, model_epoch = $3, last_tick = $4,
    history_from = $5, history = $6
"""
# What was copied in counts as moved.
_MOVED = (
    """UPDATE {graph}.twin_versions v SET moved = false FROM {graph}.twins t
    WHERE v.moved AND t.key = v.key AND t.model_key = v.model_key""",
    """UPDATE {graph}.relationship_versions v SET moved = false FROM {graph}.relationships r
    WHERE v.moved AND r.key = v.key AND r.name_key = v.name_key AND r.target_key = v.target_key""",
)
_PAUSE = (
    "UPDATE {graph}.routes SET paused = true",
    "UPDATE {graph}.inputs SET paused = true",
)
_TOLD_BY_LOG = """
UPDATE {graph}.instants i SET kind = c.kind FROM {graph}.changes c
WHERE c.pos = i.pos AND i.kind = ''
"""
# What began before the instants that are known is in all states, whatever its time is.
_RECKONED = f"""
WITH old AS (
    SELECT coalesce(max(time), 0) AS time FROM (
        SELECT max(valid_from) AS time FROM {{graph}}.twins WHERE change BETWEEN -$1::bigint AND 0
        UNION ALL
        SELECT max(valid_from) FROM {{graph}}.relationships WHERE change BETWEEN -$1::bigint AND 0
        UNION ALL
        SELECT max(valid_from) FROM {{graph}}.models WHERE change BETWEEN -$1::bigint AND 0) r
), reckoned AS (
    SELECT pos, greatest(old.time, max(i.time) OVER (ORDER BY pos)) AS newest,
           i.time <= greatest(old.time, max(i.time) OVER (
               ORDER BY pos ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS behind,
           i.time <= coalesce(max(i.time) OVER (
               ORDER BY pos RANGE BETWEEN UNBOUNDED PRECEDING AND {STEP_ROWS} PRECEDING), 0) AS late
    FROM {{graph}}.instants i, old
)
UPDATE {{graph}}.instants i SET newest = r.newest, behind = r.behind, late = r.late
FROM reckoned r WHERE r.pos = i.pos
    AND (i.newest, i.behind, i.late) IS DISTINCT FROM (r.newest, r.behind, r.late)
"""
# The oldest state has an instant, of which nothing but that it was before all others is known.
_BEGINNING = """
INSERT INTO {graph}.instants (pos, upto, time, xid, placed, newest, late)
SELECT $1, $1, 0, -$1::bigint, coalesce((SELECT min(placed) - 1 FROM {graph}.instants), $2),
       greatest((SELECT max(valid_from) FROM {graph}.twins WHERE change BETWEEN -$1::bigint AND 0),
                (SELECT max(valid_from) FROM {graph}.relationships
                 WHERE change BETWEEN -$1::bigint AND 0),
                (SELECT max(valid_from) FROM {graph}.models
                 WHERE change BETWEEN -$1::bigint AND 0), 0), false
WHERE $1 > 0 AND NOT EXISTS (SELECT 1 FROM {graph}.instants WHERE pos <= $1)
"""
_HEAD = """
UPDATE {graph}.log_head SET position = $1,
    placed = coalesce((SELECT placed FROM {graph}.instants ORDER BY pos DESC LIMIT 1), 0),
    newest = coalesce((SELECT max(newest) FROM {graph}.instants), 0),
    xid = pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1
"""
# Two statements: where a graph is a shard, its rows are on another server than its sequences.
_HIGHEST = "SELECT greatest(coalesce(max(COLUMN), 0), $1::bigint, 1) FROM {graph}.TABLE"
_SEQUENCE = "SELECT setval(pg_get_serial_sequence('{graph}.TABLE', 'COLUMN'), $1)"
_COPY_SECONDS = 600.0
_KEYS = {
    "instants": ("pos",),
    "origins": ("time", "xid"),
    "setbacks": ("pos",),
    "telemetry": ("seq",),
}
"""What names a row where that is not what names it elsewhere."""


class PostgresGraphFile(PostgresGraphReader):
    """Reads or writes one schema on a connection of its own."""

    def __init__(self, connection: Connection, name: str) -> None:
        super().__init__(connection, Qualified(schema.quoted(name)))
        self._name = name
        self._whole = True

    @property
    def connection(self) -> Connection:
        """The connection, for what concerns the schema as a whole."""
        return self._connection

    @property
    def indexes(self) -> PostgresIndexes:
        """The property indexes."""
        return PostgresIndexes(self._on_connection, self._texts)

    @property
    def schema(self) -> str:
        """The schema's name."""
        return self._name

    @classmethod
    async def open(
        cls, dsn: str, name: str, *, writes: bool, claim: str | None = None
    ) -> PostgresGraphFile:
        """Open a schema to copy from, or to copy into, which makes it if there is none.

        What is copied into cannot be opened for serving until `finish`.

        Args:
            dsn: of the database.
            name: of the schema.
            writes: whether to copy into it.
            claim: of the placement that the graph is made for, where there must be none yet.

        Raises:
            GraphRefusedError: see `schema.prepare`, or an older Kastor made what is to be copied.
            UnfinishedGraphError: what is to be copied is not whole itself.
            Conflict: the schema belongs to a server's graph.
            asyncpg.PostgresError, OSError: the server cannot be used.
        """
        connection = await connect_for_long(dsn)
        graph = cls(connection, name)
        try:
            if writes:
                await graph._begin(claim)
            else:
                await graph._require_whole()
                await graph.number_log()
        except BaseException:
            await connection.close()
            raise
        return graph

    async def _require_whole(self) -> None:
        """See whether there is a graph that can be copied; it is not migrated by being read."""
        found = await schema.number_of(self._connection, self._name)
        if found == 0:
            raise NotAGraphError(f"There is no graph in the schema {self._name}.")
        if found < schema.SCHEMA_VERSION:
            raise SchemaTooOldError(f"The graph {self._name}", found, schema.SCHEMA_VERSION)
        marks = await ownership.marks(self._connection, schema.quoted(self._name))
        ownership.require_finished(self._name, marks)

    async def _begin(self, claim: str | None) -> None:
        """Make the schema, or see whether what is in it may be written to."""
        made = await schema.prepare(
            self._connection, self._name, claim=claim, unfinished=ownership.COPYING
        )
        found = await ownership.marks(self._connection, schema.quoted(self._name))
        if found.claim not in (None, ownership.DEFAULT_CLAIM) and not made:
            raise Conflict(
                f"The schema {self._name} belongs to a graph of a running server ({found.claim}). "
                "Name another one, or delete that graph first.",
                code="PlaceNotOurs",
            )
        if claim is not None and not made:
            raise Conflict(f"There is a graph in the schema {self._name}.", code="SchemaExists")
        self._whole = found.unfinished is None

    async def pause(self) -> None:
        """Pause all routes and inputs, in one transaction."""
        async with self._connection.transaction():
            for text in _PAUSE:
                await self._connection.execute(self._texts[text])

    async def finish(self) -> None:
        """Say that the copy is whole: it may be opened from now on."""
        for text in _MOVED:
            await self._connection.execute(self._texts[text])
        await ownership.mark(self._connection, self._name, None)
        self._whole = True

    async def _break(self) -> None:
        """Note, before anything is written, that the graph is not whole."""
        if self._whole:
            await ownership.mark(self._connection, self._name, ownership.COPYING)
            self._whole = False

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[None]:
        """Read one state in a block; servers may go on writing."""
        await self.number_log()
        async with self._connection.transaction(isolation="repeatable_read", readonly=True):
            yield

    @asynccontextmanager
    async def frozen(self) -> AsyncIterator[PostgresSnapshot]:
        """Read one state in a block, with all that is committed in it; the connection goes with it.

        Raises:
            Unavailable: see `snapshot_of`.
        """

        async def own() -> Connection:
            return self._connection

        async with snapshot_of(own, self.number_log, self._texts) as snapshot:
            yield snapshot

    async def put(self, table: Table, rows: Sequence[Row], *, fresh: bool) -> None:
        """Write rows in one transaction, by COPY where there is none to replace."""
        await self._break()
        names, values = _stored(table, [_in(table, row) for row in rows])
        if fresh:
            await self._connection.copy_records_to_table(
                table.name,
                schema_name=self._name,
                columns=names,
                records=values,
                timeout=_COPY_SECONDS,
            )
            return
        marks = [
            f"${n}::text::jsonb" if name == table.document else f"${n}"
            for n, name in enumerate(names, 1)
        ]
        key = _KEYS.get(table.name, table.identity)
        updates = ", ".join(f"{name} = excluded.{name}" for name in names if name not in key)
        text = (
            f"INSERT INTO {{graph}}.{table.name} ({', '.join(names)}) VALUES ({', '.join(marks)})"
            f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {updates}"
        )
        async with self._connection.transaction():
            await self._connection.executemany(self._texts[text], values)

    async def drop(self, table: Table, identities: Sequence[Identity]) -> None:
        """Delete rows in one transaction."""
        await self._break()
        condition = " AND ".join(
            f"{stored_column(table, name)} = ${n}" for n, name in enumerate(table.identity, 1)
        )
        text = f"DELETE FROM {{graph}}.{table.name} WHERE {condition}"
        if table.name == "origins":
            text = DROP_ORIGIN
        async with self._connection.transaction():
            await self._connection.executemany(self._texts[text], identities)

    async def identify(self, identification: Identification) -> None:
        """Take over another graph's identity; put the log's end and the sequences right."""
        found = identification
        if self._whole and found == await self.identification():
            return  # nothing was written either
        await self._break()
        values = (found.host_name, found.signing_key, found.model_epoch, found.last_tick)
        past = (found.history_from, found.history)
        async with self._connection.transaction():
            await self._connection.execute(self._texts[_IDENTIFY], *values, *past)
            await self._connection.execute(self._texts[_TOLD_BY_LOG])
            await self._connection.execute(self._texts[_RECKONED], found.history_from)
            beginning = (found.history_from, found.last_tick)
            await self._connection.execute(self._texts[_BEGINNING], *beginning)
            await self._connection.execute(self._texts[_HEAD], found.log_position)
            keyed = [(each, "key", 0) for each in _KEYED]
            for table, column, least in [*keyed, ("changes", "seq", found.log_position)]:
                highest, sequence = (
                    self._texts[text.replace("TABLE", table).replace("COLUMN", column)]
                    for text in (_HIGHEST, _SEQUENCE)
                )
                value = await self._connection.fetchval(highest, least)
                await self._connection.execute(sequence, value)

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.close()

    async def number_log(self) -> None:
        """Give positions to all entries of the log that are committed by now."""
        await PostgresEventTables(self._on_connection, self._texts).log_bounds()

    async def _on_connection(self, work: Callable[[Connection], Any]) -> Any:
        return await work(self._connection)


def _in(table: Table, row: Row) -> Row:
    return tuple(
        into_jsonb(value.encode() if isinstance(value, str) else value)
        if name == table.document
        else bool(value)
        if name in _FLAGS
        else value
        for name, value in zip(table.columns, row, strict=True)
    )


def _stored(table: Table, rows: list[Row]) -> tuple[list[str], list[Row]]:
    """Return names of columns and rows as they are stored here.

    What came from elsewhere has minus its position where a transaction stands.
    """
    names = [
        stored_column(table, name) if table.name != "changes" else name for name in table.columns
    ]
    place = {name: n for n, name in enumerate(table.columns)}
    if table.name == "changes":
        return [*names, "pos", "xid"], [(*row, row[0], -row[0]) for row in rows]
    if table.name == "origins":
        return ["time", "xid", "via"], [(time, -change, via) for change, time, via in rows]
    if table.name == "telemetry":
        return [*names, "seq"], [(*row, row[0]) for row in rows]
    if table.name == "instants":
        pos, placed, written, kind, *what = range(len(names))
        return (
            [
                "pos",
                "upto",
                "time",
                "xid",
                "placed",
                "newest",
                "late",
                "kind",
                "twin_key",
                "subject",
            ],
            [
                (
                    *(row[pos], row[pos], row[placed] if row[written] is None else row[written]),
                    *(-row[pos], row[placed], 0, False, row[kind] or "", *(row[n] for n in what)),
                )
                for row in rows
            ],
        )
    if table.name == "vectors":
        *_, last = range(len(names))
        return names, [
            (*row[:last], None if row[last] is None else list(unpacked(row[last]))) for row in rows
        ]
    if table.name == "setbacks" or "change" not in place:
        return names, rows
    changed = [place[name] for name in ("change", "ended_by") if name in place]
    return names, [
        tuple(
            -value if n in changed and value is not None else value for n, value in enumerate(row)
        )
        for row in rows
    ]
