"""The graphs of a data folder or a database, as they are backed up without a server."""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import apsw

from kastor.backup.manifest import LARGEST_PRIVATE_FILE, BackupError, PrivateEntry
from kastor.backup.writing import ShowGraph, ShownGraph
from kastor.errors import Unavailable
from kastor.storage.sqlite.folder import SECRETS, DataFolder
from kastor.storage.sqlite.placement import FilePlacement
from kastor.storage.sqlite.snapshot import snapshot_of
from kastor.storage.sqlite.transfer import SqliteGraphFile

if TYPE_CHECKING:
    from kastor.storage.placement import Place
    from kastor.storage.postgres.databases import Databases
    from kastor.storage.transfer import GraphReader


async def graphs_of_folder(data: Path) -> dict[str, ShowGraph]:
    """Return the graphs of a data folder by name; a server may be writing to them.

    Raises:
        BackupError: there is none.
    """
    places = await FilePlacement(DataFolder(data).graph_file.parent).places()
    if not places:
        raise BackupError(
            f"There is no graph in {data}. Name the data folder with --data DIR, or a running "
            "server with --url URL."
        )
    return {name: partial(_show_file, Path(places[name].address)) for name in sorted(places)}


async def graphs_of_database(databases: Databases, home: str) -> dict[str, ShowGraph]:
    """Return the graphs of a database by name; servers may be writing to them.

    Raises:
        Unavailable: the database does not answer.
    """
    from kastor.storage.postgres.placement import SchemaPlacement  # noqa: PLC0415 - an extra

    places = await SchemaPlacement(databases, home).places()
    return {name: partial(_show_schema, databases, places[name]) for name in sorted(places)}


def private_files(data: Path) -> Iterator[tuple[PrivateEntry, bytes]]:
    """Yield tokens, certificates and secrets of a data folder, links left out.

    Raises:
        BackupError: one cannot be read, or is too large to be one.
    """
    paths = [data / "tokens"]
    for folder in (data / "tls", data / SECRETS):
        paths += sorted(folder.glob("*")) if folder.is_dir() else []
    for number, path in enumerate(each for each in paths if _is_plain(each)):
        name = path.relative_to(data).as_posix()
        try:
            with path.open("rb") as file:
                content = file.read(LARGEST_PRIVATE_FILE + 1)
        except OSError as error:
            raise BackupError(f"{path} cannot be read: {error.strerror}.") from error
        if len(content) > LARGEST_PRIVATE_FILE:
            raise BackupError(
                f"{path} has more than {LARGEST_PRIVATE_FILE} bytes. Move it out of the folder, "
                "which is for secrets."
            )
        digest = hashlib.sha256(content).hexdigest()
        yield PrivateEntry(name, f"private-{number}", len(content), digest), content


def _is_plain(path: Path) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


@asynccontextmanager
async def _show_file(path: Path) -> AsyncIterator[ShownGraph]:
    async with AsyncExitStack() as stack:
        try:
            graph = await asyncio.to_thread(SqliteGraphFile.reading, path)
            stack.push_async_callback(graph.close)
            shown: GraphReader = graph
            try:
                shown = await stack.enter_async_context(snapshot_of(path))
            except Unavailable:  # no room for a copy: then a server's log grows for as long
                await stack.enter_async_context(graph.snapshot())
            yield ShownGraph(shown, await graph.indexes.property_indexes())
        except apsw.Error as error:
            raise BackupError(f"The graph {path} cannot be read: {error}.") from error


@asynccontextmanager
async def _show_schema(databases: Databases, place: Place) -> AsyncIterator[ShownGraph]:
    import asyncpg  # noqa: PLC0415 - an extra

    from kastor.storage.postgres.transfer import PostgresGraphFile  # noqa: PLC0415

    try:
        dsn = databases.address(place.database)
        graph = await PostgresGraphFile.open(dsn, place.schema, writes=False)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(graph.close)
            shown = await stack.enter_async_context(graph.frozen())
            yield ShownGraph(shown, await shown.indexes())
    except (asyncpg.PostgresError, OSError) as error:
        raise BackupError(f"The graph at {place.address} cannot be read: {error}.") from error
