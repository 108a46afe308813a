"""Graphs as schemas of databases, by the table of placements; several processes share it.

The default graph is where the settings say. Any other one has a row; its schema is made before the
row, and loses its name before the row goes, so that a row never leads to somebody else's schema.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import asyncpg

from kastor.clock import new_guid
from kastor.errors import Conflict, InvalidArgument, NotAllowed, NotFound
from kastor.logs import get_logger
from kastor.storage.bounds import NotAGraphError, SchemaTooNewError
from kastor.storage.placement import DEFAULT, Place, Wish
from kastor.storage.postgres import move as moves
from kastor.storage.postgres.databases import OWN, Databases
from kastor.storage.postgres.faults import unavailable
from kastor.storage.postgres.placement_table import PlacedGraph, PlacementTable
from kastor.storage.postgres.schema import NAME_BYTES, ServerTooOldError, exists, prepare, quoted
from kastor.vital import attempt

HOLD_SECONDS = 10.0
RENEW_SECONDS = 3.0
SWEEP_SECONDS = 60.0
_DIGEST = 10
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
        self._swept_at = -SWEEP_SECONDS

    async def places(self) -> dict[str, Place]:
        """Return every graph's place."""
        found = {DEFAULT: self._default()}
        found |= {row.name: self._place(row) for row in await self._table.rows()}
        return found

    async def place(self, name: str) -> Place | None:
        """Return a graph's place, None if there is no such graph."""
        if name == DEFAULT:
            return self._default()
        rows = await self._table.rows(name)
        return self._place(rows[0]) if rows else None

    async def add(self, name: str, wish: Wish) -> None:
        """Make a schema, or take over the graph in the one that is wished for, and note it."""
        async with _told():
            database, schema = await self._free_place(name, wish)
            async with self._made(database, schema, adopt=wish.schema is not None):
                if not await self._table.insert(name, database, schema):
                    raise Conflict(f"There is a graph named {name} already.", code="GraphExists")

    async def remove(self, name: str) -> None:
        """Take the schema's name from it and forget the graph; its tables go when nobody reads."""
        async with _told():
            if not await self._table.begin_delete(name, self._mover, HOLD_SECONDS):
                raise Conflict(f"The graph {name} is moving.", code="GraphMoving")
            await self._delete(await self._row(name))

    async def begin_move(self, name: str, wish: Wish) -> None:
        """Claim the graph and note where it goes."""
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
        if not await self._table.begin_move(name, wanted, self._mover, HOLD_SECONDS):
            raise Conflict(f"The graph {name} is moving already.", code="GraphMoving")

    async def move(self, name: str) -> None:
        """Carry out the move that was begun; its end, good or bad, stands in the row."""
        row = await self._row(name)
        if row.target is None:
            return
        database, schema = row.target
        keeper = asyncio.create_task(self._keep(name))
        error: str | None = None
        try:
            await moves.move(
                self._databases.address(row.database),
                row.schema,
                self._databases.address(database),
                schema,
                lambda text: self._report(name, text),
            )
        except moves.MoveLostError:
            return
        except Exception as fault:  # noqa: BLE001 - told in the row, to whoever asked for the move
            _log.warning("a graph did not move", graph=name, exc_info=fault)
            error = f"The graph {name} did not move ({fault}). It is where it was."
        finally:
            keeper.cancel()
        await self._conclude(row, row.target, error)

    async def tend(self) -> None:
        """End the moves and deletions of processes that are no more; remove what was put aside."""
        for name in await self._table.take_over(self._mover, HOLD_SECONDS):
            row = await self._row(name)
            error = f"The process that moved {name} ended. The graph is where it was."
            if row.target is None:
                await self._delete(row)
            else:
                await self._conclude(row, row.target, error)
        now = time.monotonic()
        if now - self._swept_at > SWEEP_SECONDS:
            self._swept_at = now
            self._unswept |= {row.database for row in await self._table.rows()}
        while self._unswept:
            await self._sweep(self._unswept.pop())

    async def _delete(self, row: PlacedGraph) -> None:
        await moves.put_aside(self._databases.address(row.database), row.schema)
        await self._table.delete(row.name, self._mover)
        self._unswept.add(row.database)

    async def _conclude(self, row: PlacedGraph, target: tuple[str, str], error: str | None) -> None:
        """Note on which side of the decision a move ended, and clear the other side away."""
        stays = await moves.is_at(self._databases.address(row.database), row.schema)
        if stays:
            await moves.put_aside(self._databases.address(target[0]), target[1])
        await self._table.settle(
            row.name, self._mover, moved=not stays, error=error if stays else None
        )
        self._unswept.add(target[0] if stays else row.database)

    async def _sweep(self, database: str) -> None:
        try:
            await moves.remove_dropped(self._databases.address(database))
        except (asyncpg.PostgresError, OSError, InvalidArgument) as error:
            _log.warning("a schema that was dropped is still there", reason=str(error))

    async def _keep(self, name: str) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            keep = partial(self._table.keep_move, name, self._mover, HOLD_SECONDS, None)
            await attempt("move", keep, graph=name)  # else another process would take it over

    async def _report(self, name: str, text: str) -> None:
        if not await self._table.keep_move(name, self._mover, HOLD_SECONDS, text):
            raise moves.MoveLostError(name)

    async def _row(self, name: str) -> PlacedGraph:
        rows = await self._table.rows(name)
        if not rows:
            raise NotFound(f"There is no graph named {name}.", code="GraphNotFound")
        return rows[0]

    async def _free_place(
        self, name: str, wish: Wish, now: PlacedGraph | None = None
    ) -> tuple[str, str]:
        """Return database and schema of a wish; raises if there can be none or it is taken."""
        here = (now.database, now.schema) if now else (OWN, self._schema_for(name))
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

    def _schema_for(self, name: str) -> str:
        stem = self._home.removesuffix(f"_{DEFAULT}")
        schema = f"{stem}_{name.replace('-', '_')}"
        if len(schema) <= NAME_BYTES:
            return schema
        digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST]
        return f"{schema[: NAME_BYTES - _DIGEST - 1]}_{digest}"

    @asynccontextmanager
    async def _made(self, database: str, schema: str, *, adopt: bool) -> AsyncIterator[None]:
        """Make a schema for a block that notes it; it goes again if the block fails."""
        address = self._databases.address(database)
        async with moves.connected(address) as connection:
            there = await exists(connection, schema)
            if there and not adopt:
                raise Conflict(
                    f"There is a schema {schema} already. If it holds a graph that this server is "
                    "to serve, name it as the schema; else choose another name.",
                    code="SchemaExists",
                )
            await prepare(connection, schema)
        try:
            yield
        except BaseException:
            if not there:
                await moves.put_aside(address, schema)
            raise

    def _default(self) -> Place:
        return Place(self._databases.shown(OWN, self._home), OWN, self._home)

    def _place(self, row: PlacedGraph) -> Place:
        shown = self._databases.shown(row.database, row.schema)
        return Place(shown, row.database, row.schema, row.progress, row.error)


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
    except (ServerTooOldError, SchemaTooNewError, NotAGraphError) as error:
        raise NotAllowed(str(error)) from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise unavailable(error) from error
