"""Restores a backup into a database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg

from kastor.backup.manifest import BackupError
from kastor.errors import Conflict, KastorError
from kastor.query.sql.postgres import Postgres
from kastor.storage.placement import DEFAULT, Place, Wish
from kastor.storage.postgres import replacing
from kastor.storage.postgres.databases import OWN, Databases
from kastor.storage.postgres.move import remove_dropped
from kastor.storage.postgres.placement import SchemaPlacement
from kastor.storage.postgres.replacing import Arrival
from kastor.storage.postgres.transfer import PostgresGraphFile
from kastor.storage.transfer import Active

if TYPE_CHECKING:
    from kastor.backup.restoring import Restoring


async def restore_into_database(
    restoring: Restoring, databases: Databases, home: str
) -> dict[str, Active]:
    """Restore all graphs of a backup; return by name what a server will begin to work on.

    Args:
        restoring: the backup.
        databases: of the settings; all graphs come into the server's own.
        home: schema of the default graph.

    Raises:
        BackupError: the backup is damaged, there are graphs already, or servers use them; nothing
            was changed.
        GraphRefusedError: something else is in a graph's schema.
    """
    dsn = databases.address(OWN)
    placement = SchemaPlacement(databases, home)
    async with _told(), replacing.alone(dsn):
        arrivals = await _arrivals(restoring, dsn, placement, home)
        await restoring.verify()
        active = await _write(restoring, dsn, arrivals)
        await remove_dropped(dsn)
    for name, arrival in arrivals.items():
        if arrival.claim is None and name != DEFAULT:
            await _list(placement, name, arrival.schema)
    return active


async def _list(placement: SchemaPlacement, name: str, schema: str) -> None:
    """Let the server know of a graph that it did not have."""
    try:
        await placement.add(name, Wish(schema=schema))
    except KastorError as error:
        raise BackupError(
            f"The graph {name} is restored into the schema {schema}, and the server does not know "
            f"of it yet: {error.message} When it runs, `kastor graph create {name} --schema "
            f"{schema}` tells it."
        ) from error


async def _arrivals(
    restoring: Restoring, dsn: str, placement: SchemaPlacement, home: str
) -> dict[str, Arrival]:
    """Return where each graph goes, if it may."""
    places = await placement.places()
    arrivals = {}
    for entry in restoring.manifest.graphs:
        place = places.get(entry.name)
        _require_here(entry.name, place)
        schema = home if entry.name == DEFAULT else placement.schema_for(entry.name)
        schema = schema if place is None else place.schema
        there = await replacing.holds_graph(dsn, schema)
        if there and (place is None or not restoring.replace):
            raise BackupError(
                f"There is a graph in the schema {schema} already; nothing was changed. Name "
                "another one with --graph-schema, or add --replace, which keeps what is there "
                "until the new graphs are whole."
            )
        if users := await replacing.users_of(dsn, schema):
            raise BackupError(
                f"The graph in the schema {schema} is in use by {users} connections; nothing was "
                "changed. Stop the servers that serve it first."
            )
        claim = (place.claim if place else None) if there else None
        arrivals[entry.name] = Arrival(replacing.new_schema(), schema, claim)
    return arrivals


async def _write(
    restoring: Restoring, dsn: str, arrivals: Mapping[str, Arrival]
) -> dict[str, Active]:
    active: dict[str, Active] = {}
    try:
        for entry in restoring.manifest.graphs:
            coming = arrivals[entry.name].coming
            target = await PostgresGraphFile.open(dsn, coming, writes=True)
            try:
                active[entry.name] = await restoring.write(entry, target, Postgres(coming))
            finally:
                await target.close()
        await replacing.arrive(dsn, list(arrivals.values()))
    except BaseException:
        for each in arrivals.values():
            await replacing.give_up(dsn, each.coming)
        raise
    return active


def _require_here(name: str, place: Place | None) -> None:
    if place is not None and (place.database != OWN or place.moving is not None):
        raise BackupError(
            f"The graph {name} is in another database or moving ({place.address}), and is not "
            "replaced there. Delete it or move it first."
        )


@asynccontextmanager
async def _told() -> AsyncIterator[None]:
    try:
        yield
    except Conflict as error:
        raise BackupError(error.message) from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, KastorError) as error:
        raise BackupError(
            f"The backup cannot be restored into the database: {error}. What was there "
            "is as it was."
        ) from error
