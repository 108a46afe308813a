"""Opens graphs: with the engine that serves them, or as tables for a copy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import apsw

from kastor.config import DAY_SECONDS, Settings
from kastor.dsn import fault_of, shown, with_password_file
from kastor.errors import CannotStartError, Conflict, Unavailable
from kastor.extras import install_extra
from kastor.graph.catalog import ModelCatalog
from kastor.pages import refer
from kastor.storage.keeping import Retention
from kastor.storage.protocol import BuildCatalog, Store
from kastor.storage.refusals import (
    DamagedGraphError,
    GraphRefusedError,
    NotAGraphError,
    UnfinishedGraphError,
)
from kastor.storage.sqlite.folder import DataFolder, FolderInUseError, FolderNotWritableError
from kastor.storage.sqlite.snapshot import snapshot_of
from kastor.storage.sqlite.store import SqliteStore
from kastor.storage.sqlite.transfer import SqliteGraphFile
from kastor.storage.transfer import GraphFile, Snapshot

if TYPE_CHECKING:
    from kastor.storage.placement import Place
    from kastor.storage.postgres.databases import Databases
    from kastor.storage.postgres.transfer import PostgresGraphFile

SAMPLE_HISTORY_DAYS, SAMPLE_HISTORY_BYTES, SAMPLE_LOG_DAYS = 1.0, 250_000_000, 1 / 24
"""Long enough that the incident in the sample's past can be looked into for half a day."""
_NO_DRIVER = f"PostgreSQL needs a driver that is not installed: {install_extra('postgres')}."


class PlaceError(CannotStartError):
    """A place that cannot be read or written as a graph."""


class DatabaseError(GraphRefusedError):
    """A database that cannot be used; the message says what to do."""


def require_driver() -> None:
    """Raise DatabaseError where the driver of PostgreSQL is not installed."""
    try:
        import asyncpg  # noqa: F401, PLC0415 - an extra
    except ImportError as error:
        raise DatabaseError(_NO_DRIVER) from error


def make_databases(settings: Settings) -> Databases:
    """Return the databases that graphs may live in; raises DatabaseError without a driver."""
    require_driver()
    from kastor.storage.postgres.connections import Connections  # noqa: PLC0415 - an extra
    from kastor.storage.postgres.databases import OWN, Databases  # noqa: PLC0415

    file = settings.db_password_file
    addresses = {OWN: with_password_file(settings.db or "", file), **settings.databases}
    return Databases(
        addresses,
        lambda address: Connections(address, settings.db_pool, pooler=settings.db_pooler),
        [with_password_file(each, file) for each in settings.read_replicas],
    )


@asynccontextmanager
async def open_postgres(
    settings: Settings,
    databases: Databases,
    place: Place,
    build_catalog: BuildCatalog[ModelCatalog],
    *,
    create: bool,
) -> AsyncIterator[Store[ModelCatalog]]:
    """Open a graph's schema for serving; it is closed in order at the end.

    Raises:
        GraphRefusedError: the database, or what is in the schema, cannot be used.
        Unavailable: the database does not answer now, or the graph is no longer there.
        Conflict: what is there belongs to another placement.
    """
    import asyncpg  # noqa: PLC0415 - an extra

    from kastor.storage.postgres.store import PostgresStore  # noqa: PLC0415

    try:
        store = await PostgresStore.open(
            databases.pool(place.database),
            place.schema,
            build_catalog,
            create=create,
            claim=place.claim or None,
            retention=retention(settings),
            replicas=databases.replicas(place.database),
        )
    except Unavailable as error:
        if not create:  # while the server runs; whoever asks may try again
            raise
        raise DatabaseError(
            f"{error.message.partition(' Nothing')[0]} Check the address given with --db, and "
            "that the server is running."
        ) from error
    except (asyncpg.DuplicatePreparedStatementError, asyncpg.InvalidSQLStatementNameError) as error:
        raise DatabaseError(
            "A pooler that gives out connections by transaction stands before the database. Add "
            f"--db-pooler; see {refer('how-to/use-postgresql', to='cli')}."
        ) from error
    except asyncpg.PostgresError as error:
        raise DatabaseError(
            f"The database refuses to hold the graph ({error}). The user needs the right to "
            f"create the schema {place.schema}, or to own it."
        ) from error
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def open_sqlite(
    settings: Settings, path: Path, build_catalog: BuildCatalog[ModelCatalog]
) -> AsyncIterator[Store[ModelCatalog]]:
    """Open a graph's file for serving; it is closed in order at the end.

    Raises:
        CannotStartError: it cannot be opened for writing, or is no graph of this Kastor.
        Unavailable: the disk is full or does not answer.
    """
    try:
        store = await SqliteStore.open(path, build_catalog, retention=retention(settings))
    except (apsw.CantOpenError, apsw.ReadOnlyError, apsw.PermissionsError) as error:
        raise FolderNotWritableError(
            f"The database {path} cannot be opened for writing ({error}). "
            "Check its permissions, or choose another folder with --data DIR."
        ) from error
    except (apsw.FullError, apsw.IOError) as error:
        raise Unavailable(
            f"The database {path} cannot be opened now ({error}). Make room on its disk, then try "
            "again."
        ) from error
    except (UnfinishedGraphError, DamagedGraphError):
        raise
    except NotAGraphError as error:
        raise NotAGraphError(f"{error} Choose another folder with --data DIR.") from error
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def open_graph_file(place: str, *, writes: bool) -> AsyncIterator[GraphFile]:
    """Open a graph as tables, for a copy.

    Raises:
        PlaceError: there is no graph, or a server is using the one that is to be written.
    """
    if "://" in place:
        async with _open_schema(place, writes=writes) as graph:
            yield graph
        return
    path = Path(place)
    owner = DataFolder(path.parent.parent)
    if writes and path.parent.name == "graphs":
        try:
            owner.acquire()
        except (FolderInUseError, FolderNotWritableError) as error:
            raise PlaceError(str(error)) from error
    try:
        file = _open_file(path, writes=writes)
        try:
            yield file
        finally:
            await file.close()
    finally:
        owner.release()


@asynccontextmanager
async def open_graph_snapshot(place: str) -> AsyncIterator[Snapshot]:
    """Open one state of a graph, for a copy; servers may go on writing to it.

    Raises:
        PlaceError: there is no graph, or no room for the copy of a file's pages beside it.
    """
    try:
        if "://" not in place:
            path = Path(place)
            await _open_file(path, writes=False).close()
            async with snapshot_of(path) as snapshot:
                yield snapshot
            return
        async with _open_schema(place, writes=False) as graph, graph.frozen() as frozen:
            yield frozen
    except Unavailable as error:
        raise PlaceError(f"{shown(place)} cannot be read now: {error.message}") from error


@asynccontextmanager
async def _open_schema(place: str, *, writes: bool) -> AsyncIterator[PostgresGraphFile]:
    """Open `postgresql://...?graph_schema=NAME`; the other parameters are the driver's."""
    if (fault := fault_of(place)) is not None:
        raise PlaceError(f"The address of a database is malformed: {fault}.")
    address = urlsplit(place)
    parameters = parse_qsl(address.query)
    schema = dict(parameters).get("graph_schema", "graph_default")
    rest = urlencode([pair for pair in parameters if pair[0] != "graph_schema"])
    try:
        import asyncpg  # noqa: PLC0415 - an extra

        from kastor.storage.postgres.transfer import PostgresGraphFile  # noqa: PLC0415
    except ImportError as error:
        raise PlaceError(_NO_DRIVER) from error
    refusals = (asyncpg.PostgresError, OSError, ValueError)
    try:
        graph = await PostgresGraphFile.open(
            urlunsplit(address._replace(query=rest)), schema, writes=writes
        )
    except (*refusals, GraphRefusedError, Conflict) as error:
        raise PlaceError(
            f"The graph at {shown(place)}, schema {schema} cannot be used: {error}"
        ) from error
    try:
        yield graph
    finally:
        await graph.close()


def _open_file(path: Path, *, writes: bool) -> SqliteGraphFile:
    if not writes and not path.is_file():
        raise PlaceError(f"There is no graph at {path}.")
    try:
        return SqliteGraphFile.writing(path) if writes else SqliteGraphFile.reading(path)
    except (apsw.Error, GraphRefusedError) as error:
        raise PlaceError(f"{path} cannot be used: {error}") from error


def retention(settings: Settings) -> Retention:
    """Return what is kept under these settings."""
    version_days, log_days = settings.version_days, settings.log_days
    version_bytes = settings.version_bytes
    if settings.sample is not None:
        # The simulation writes day and night; of what nobody asked to keep there is less.
        given = settings.model_fields_set
        version_days = version_days if "version_days" in given else SAMPLE_HISTORY_DAYS
        version_bytes = version_bytes if "version_bytes" in given else SAMPLE_HISTORY_BYTES
        log_days = log_days if "log_days" in given else SAMPLE_LOG_DAYS
    return Retention(
        version_seconds=version_days * DAY_SECONDS,
        version_bytes=version_bytes,
        log_seconds=log_days * DAY_SECONDS,
        log_bytes=settings.log_bytes,
        dead_letters=settings.max_dead_letters,
        telemetry_seconds=settings.telemetry_days * DAY_SECONDS,
        telemetry_bytes=settings.telemetry_bytes,
    )
