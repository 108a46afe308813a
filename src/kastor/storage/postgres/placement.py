"""Graphs as schemas of databases, by the table of placements; several processes share it.

The default graph is where the settings say. Any other one has a row, which is there before its
schema is and goes after it, and says what is under way, so that another process can finish it or
undo it. The row and the graph know each other by a claim, which stands in the graph's `meta`: what
does not bear it is somebody else's, whatever its schema is called, and is left alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import asyncpg

from kastor.clock import new_guid
from kastor.errors import (
    Conflict,
    InvalidArgument,
    KastorError,
    NotAllowed,
    NotFound,
    Unavailable,
)
from kastor.logs import get_logger
from kastor.storage.placement import DEFAULT, Place, Wish
from kastor.storage.postgres import move as moves
from kastor.storage.postgres import ownership
from kastor.storage.postgres.databases import OWN, Databases
from kastor.storage.postgres.faults import unavailable
from kastor.storage.postgres.placement_table import PlacedGraph, PlacementTable
from kastor.storage.postgres.schema import (
    NAME_BYTES,
    SCHEMA_VERSION,
    exists,
    number_of,
    prepare,
    quoted,
)
from kastor.storage.refusals import (
    NotAGraphError,
    SchemaTooNewError,
    ServerTooOldError,
    UnfinishedGraphError,
)
from kastor.vital import attempt

HOLD_SECONDS = 10.0
RENEW_SECONDS = 3.0
SWEEP_SECONDS = 60.0
_DIGEST = 10
REFUSALS = (ServerTooOldError, SchemaTooNewError, NotAGraphError)
_log = get_logger("kastor.graphs")


class SchemaPlacement:
    """Implements `Placement` for a server whose default graph is the schema `home`."""

    shared = True

    def __init__(self, databases: Databases, home: str) -> None:
        self._databases = databases
        self._home = home
        self._table = PlacementTable(databases.pool(OWN), home)
        self._mover = new_guid()
        self._unswept: set[str] = set()
        self._left: set[str] = set()
        self._swept_at = -SWEEP_SECONDS

    async def places(self) -> dict[str, Place]:
        """Return every graph's place."""
        found = {DEFAULT: self._default()}
        rows = await self._table.rows()
        return found | {row.name: self._place(row) for row in rows if not row.is_coming}

    async def place(self, name: str) -> Place | None:
        """Return a graph's place, None if there is no such graph."""
        if name == DEFAULT:
            return self._default()
        rows = await self._table.rows(name)
        return self._place(rows[0]) if rows and not rows[0].is_coming else None

    async def add(self, name: str, wish: Wish) -> None:
        """Make a schema, or take over the graph in the one that is wished for, and note it."""
        async with _told():
            place = await self._free_place(name, wish)
            adopts = await self._holds_graph(*place, wished=wish.schema is not None)
            if not await self._table.insert(name, place, self._mover, HOLD_SECONDS, adopts=adopts):
                raise Conflict(f"There is a graph named {name} already.", code="GraphExists")
            row = await self._row(name)
            async with self._kept(name) as table:
                try:
                    await self._bring_in(row)
                    lost = not await table.end_move(name, self._mover, moved=False, error=None)
                except BaseException:
                    await self._undo(row)
                    raise
            if lost:
                raise unavailable(f"the making of {name} took too long and was undone")

    async def would_add(self, name: str, wish: Wish) -> Place:
        """Return the schema that `add` would make or take over."""
        async with _told():
            database, schema = await self._free_place(name, wish)
            if await self._holds_graph(database, schema, wished=wish.schema is not None):
                await self._require_unclaimed(database, schema)
        return Place(self._databases.shown(database, schema), database, schema)

    async def require_removable(self, name: str) -> None:
        """Raise Conflict where something depends on the graph, or it is not ours."""
        async with _told():
            await self._require_loose(await self._row(name))

    async def remove(self, name: str) -> None:
        """Take the graph away from its place and forget it; its tables go when nobody reads."""
        async with _told():
            row = await self._row(name)
            await self._require_loose(row)
            if not await self._table.begin_delete(name, self._mover, HOLD_SECONDS):
                raise Conflict(f"The graph {name} is moving.", code="GraphMoving")
            async with self._kept(name) as table:
                try:
                    await self._delete(row)
                except (KastorError, asyncpg.LockNotAvailableError, *REFUSALS):
                    await table.end_move(name, self._mover, moved=False, error=None)
                    raise

    async def require_movable(self, name: str, wish: Wish) -> None:
        """Raise what keeps a graph from moving to where it is wished."""
        await self._wanted(name, wish)
        if (await self._row(name)).progress is not None:
            raise Conflict(f"The graph {name} is moving already.", code="GraphMoving")

    async def begin_move(self, name: str, wish: Wish) -> None:
        """Claim the graph and note where it goes."""
        wanted = await self._wanted(name, wish)
        if not await self._table.begin_move(name, wanted, self._mover, HOLD_SECONDS):
            raise Conflict(f"The graph {name} is moving already.", code="GraphMoving")

    async def _wanted(self, name: str, wish: Wish) -> tuple[str, str]:
        """Return database and schema that a graph is to move to, which is possible."""
        if name == DEFAULT:
            raise NotAllowed(
                "The default graph is where the settings db and graph_schema say. Stop the server, "
                "`kastor copy` it, and start the server with the new place."
            )
        row = await self._row(name)
        if wish.database is None and wish.schema is None:
            raise InvalidArgument("Say where to: the name of a database, a schema, or both.")
        wanted = await self._free_place(name, wish, row)
        address = self._databases.address(wanted[0])
        async with _told(), moves.connected(address) as connection:
            if await exists(connection, wanted[1]):
                raise Conflict(
                    f"There is a schema {wanted[1]} already; name another one.", code="SchemaExists"
                )
            await self._require_loose(row)
        return wanted

    async def move(self, name: str) -> None:
        """Carry out the move that was begun; its end, good or bad, stands in the row."""
        row = await self._row(name)
        if row.target is None:
            return
        error: str | None = None
        async with self._kept(name) as table:

            async def report(text: str) -> None:
                if not await table.keep_move(name, self._mover, HOLD_SECONDS, text):
                    raise moves.MoveLostError(name)

            try:
                await moves.move(
                    self._at(row.database, row.schema),
                    self._at(*row.target),
                    self._claim(row),
                    report,
                )
            except moves.MoveLostError:
                return
            except Exception as fault:  # noqa: BLE001 - told in the row, to whoever asked for it
                _log.warning("a graph did not move", graph=name, exc_info=fault)
                error = f"The graph {name} did not move ({fault}). It is where it was."
        await self._conclude(row, row.target, error)

    async def tend(self) -> None:
        """End the moves and deletions of processes that are no more; remove what was put aside."""
        for name in await self._table.take_over(self._mover, HOLD_SECONDS):
            try:
                await self._end(await self._row(name))
            except (KastorError, *REFUSALS) as error:
                if isinstance(error, Unavailable | NotFound):
                    raise
                _log.warning("a graph stays", graph=name, reason=str(error))
                await self._table.end_move(name, self._mover, moved=False, error=str(error))
        now = time.monotonic()
        if now - self._swept_at > SWEEP_SECONDS:
            self._swept_at = now
            self._unswept |= {row.database for row in await self._table.rows()}
        while self._unswept:
            await self._sweep(self._unswept.pop())

    async def _end(self, row: PlacedGraph) -> None:
        """Finish or undo what another process began with a graph."""
        if row.is_coming:
            await self._undo(row)
        elif row.target is None:
            await self._delete(row)
        else:
            error = f"The process that moved {row.name} ended. The graph is where it was."
            await self._conclude(row, row.target, error)

    async def _bring_in(self, row: PlacedGraph) -> None:
        address, schema = self._at(row.database, row.schema)
        async with moves.connected(address) as connection:
            if row.is_adopted:
                await prepare(connection, schema, create=False)
                await ownership.take(connection, schema, self._claim(row))
            elif not await prepare(connection, schema, claim=self._claim(row)):
                raise Conflict(f"There is a graph in the schema {schema}.", code="SchemaExists")

    async def _undo(self, row: PlacedGraph) -> None:
        """Take back what was done for a graph that was to come, and forget it."""
        address, schema = self._at(row.database, row.schema)
        claim = self._claim(row)
        with contextlib.suppress(*REFUSALS):  # then it is not what was made here
            if row.is_adopted:
                async with moves.connected(address) as connection:
                    if await number_of(connection, schema) == SCHEMA_VERSION:
                        await ownership.release(connection, schema, claim)
            else:
                await moves.put_aside(address, schema, claim)
                self._unswept.add(row.database)
        await self._table.delete(row.name, self._mover)

    async def _delete(self, row: PlacedGraph) -> None:
        await moves.put_aside(*self._at(row.database, row.schema), self._claim(row), loosely=True)
        await self._table.delete(row.name, self._mover)
        self._unswept.add(row.database)

    async def _conclude(self, row: PlacedGraph, target: tuple[str, str], error: str | None) -> None:
        """Note on which side of the decision a move ended, and clear the other side away."""
        claim = self._claim(row)
        stays = await moves.is_at(*self._at(row.database, row.schema), claim)
        if stays:
            with contextlib.suppress(*REFUSALS):  # then it is not what the move has made
                await moves.put_aside(*self._at(*target), claim)
        await self._table.end_move(
            row.name, self._mover, moved=not stays, error=error if stays else None
        )
        self._unswept.add(target[0] if stays else row.database)

    async def _require_loose(self, row: PlacedGraph) -> None:
        """Raise Conflict for a graph that could not leave its place, before anything is begun."""
        address, schema = self._at(row.database, row.schema)
        async with moves.connected(address) as connection:
            if await number_of(connection, schema) == SCHEMA_VERSION:
                found = await ownership.marks(connection, quoted(schema))
                ownership.require_claim(schema, found, self._claim(row))
                await ownership.require_loose(connection, schema)

    async def _require_unclaimed(self, database: str, schema: str) -> None:
        """Raise Conflict for a graph that is another placement's, or not whole."""
        async with moves.connected(self._databases.address(database)) as connection:
            if await number_of(connection, schema) == SCHEMA_VERSION:
                found = await ownership.marks(connection, quoted(schema))
                ownership.require_finished(schema, found)
                ownership.require_claim(schema, found, "")

    async def _sweep(self, database: str) -> None:
        try:
            left = await moves.remove_dropped(self._databases.address(database))
        except (asyncpg.PostgresError, OSError, InvalidArgument) as error:
            left = [str(error)]
        for reason in left:
            if reason not in self._left:
                _log.warning("a schema that was dropped is still there", reason=reason)
        self._left = set(left)

    @asynccontextmanager
    async def _kept(self, name: str) -> AsyncIterator[PlacementTable]:
        """Keep the claim on a row for a block, and give the table as the block is to use it."""
        async with self._table.apart() as table:
            keeper = asyncio.create_task(self._keep(table, name))
            try:
                yield table
            finally:
                keeper.cancel()
                await asyncio.gather(keeper, return_exceptions=True)  # it uses the connection

    async def _keep(self, table: PlacementTable, name: str) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            keep = partial(table.keep_move, name, self._mover, HOLD_SECONDS, None)
            await attempt("move", keep, graph=name)  # else another process would take it over

    async def _row(self, name: str) -> PlacedGraph:
        rows = await self._table.rows(name)
        if not rows:
            raise NotFound(f"There is no graph named {name}.", code="GraphNotFound")
        return rows[0]

    async def _free_place(
        self, name: str, wish: Wish, now: PlacedGraph | None = None
    ) -> tuple[str, str]:
        """Return database and schema of a wish; raises if there can be none or it is taken."""
        here = (now.database, now.schema) if now else (OWN, self.schema_for(name))
        database = here[0] if wish.database is None else wish.database
        schema = here[1] if wish.schema is None else wish.schema
        self._databases.address(database)
        try:
            quoted(schema)
        except ValueError as error:
            raise InvalidArgument(str(error)) from None
        at_home = (database, schema) == (OWN, self._home)
        if at_home or await self._table.is_taken(database, schema):
            raise Conflict(f"There is a graph in the schema {schema} already.", code="GraphExists")
        return database, schema

    def schema_for(self, name: str) -> str:
        """Return the schema of a graph for which none is wished."""
        stem = self._home.removesuffix(f"_{DEFAULT}")
        schema = f"{stem}_{name.replace('-', '_')}"
        if len(schema) <= NAME_BYTES:
            return schema
        digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST]
        return f"{schema[: NAME_BYTES - _DIGEST - 1]}_{digest}"

    async def _holds_graph(self, database: str, schema: str, *, wished: bool) -> bool:
        """Return whether a graph is in a place that is to be taken; False where there is nothing.

        Raises:
            Conflict: there is a schema that nobody wished for.
            NotAGraphError, SchemaTooNewError: it holds something else.
        """
        async with moves.connected(self._databases.address(database)) as connection:
            if not wished and await exists(connection, schema):
                raise Conflict(
                    f"There is a schema {schema} already. If it holds a graph that this server is "
                    "to serve, name it as the schema; else choose another name.",
                    code="SchemaExists",
                )
            return await number_of(connection, schema) > 0

    def _at(self, database: str, schema: str) -> tuple[str, str]:
        """Return address and schema of a place."""
        return self._databases.address(database), schema

    def _claim(self, row: PlacedGraph) -> str:
        # The time tells graphs of the same name apart, and servers on other databases too.
        return f"{self._home}/{row.name}/{row.created}"

    def _default(self) -> Place:
        shown = self._databases.shown(OWN, self._home)
        return Place(shown, OWN, self._home, claim=ownership.DEFAULT_CLAIM)

    def _place(self, row: PlacedGraph) -> Place:
        shown = self._databases.shown(row.database, row.schema)
        claim = self._claim(row)
        return Place(shown, row.database, row.schema, row.progress, row.error, claim)


@asynccontextmanager
async def _told() -> AsyncIterator[None]:
    """Turn what a database says in a block into errors that a client is told."""
    try:
        yield
    except asyncpg.InsufficientPrivilegeError as error:
        raise NotAllowed(
            f"The database does not allow it ({error}). Kastor's user needs the right to create "
            "schemas there, and to own those of its graphs."
        ) from error
    except UnfinishedGraphError as error:
        raise Conflict(str(error), code="GraphUnfinished") from error
    except REFUSALS as error:
        raise NotAllowed(str(error)) from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise unavailable(error) from error
