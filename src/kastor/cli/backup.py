"""`kastor backup`: all graphs of a server as files, of a running one or where it keeps them."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kastor.cli.connection import Connection
from kastor.cli.output import Output, fail, say
from kastor.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kastor.backup.making import ProgressOf
    from kastor.backup.manifest import Manifest
    from kastor.cli.rows import Document
    from kastor.config import Settings
    from kastor.storage.tables import Table
    from kastor.storage.transfer import Progress


def backup(
    called: typer.Context,
    connection: Connection,
    destination: Annotated[
        Path, typer.Argument(help="A folder that does not exist, or an empty one.")
    ],
    data: Annotated[
        Path | None, typer.Option(help="The data folder; default as for `kastor serve`.")
    ] = None,
    db: Annotated[
        str | None, typer.Option(help="The database; default as for `kastor serve`.", metavar="DSN")
    ] = None,
    graph_schema: Annotated[
        str | None, typer.Option(help="Schema of the default graph.", metavar="NAME")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="The TOML file that `kastor serve` is given.")
    ] = None,
    with_secrets: Annotated[
        bool,
        typer.Option(
            "--with-secrets",
            help="Also tokens, certificates and secrets of the data folder. Never over HTTP.",
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Back up all graphs: models, twins, history, change log, routes, endpoints and inputs.

    Each graph is backed up as it was at one instant, and writes go on meanwhile. `kastor restore`
    brings a backup back, also onto the other engine. Without an address, or the name of a
    context, the data folder or the database is read, whether it is served meanwhile or not.
    """
    local = data is not None or db is not None or config is not None
    if local and any(_is_typed(called, each) for each in ("url", "context")):
        fail("Give --url for a running server, or where its graphs are kept; not both.", 2)
    if (connection.url or connection.context) and not local:
        if with_secrets:
            fail("Tokens and keys never leave a server over HTTP: --with-secrets needs --data.", 2)
        manifest = _receive(connection, destination, quiet=quiet)
    else:
        from kastor.cli.progress import run_in_order
        from kastor.config import storage_settings

        given = {"data": data, "db": db, "graph_schema": graph_schema}
        flags = {name: value for name, value in given.items() if value is not None}
        settings = storage_settings(flags, config)
        with ExitStack() as stack:
            progress = None if quiet else _local_progress(stack)
            manifest = run_in_order(_make(settings, destination, with_secrets, progress))
    _tell(manifest, destination)


def _is_typed(called: typer.Context, name: str) -> bool:
    source = called.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _receive(connection: Connection, destination: Path, *, quiet: bool) -> Manifest:
    from kastor.backup.folder import NewBackup
    from kastor.backup.receiving import receive
    from kastor.cli.progress import rows_shown

    new = NewBackup(destination)
    try:
        with ExitStack() as stack:
            show = None if quiet else rows_shown(stack)
            seen: dict[tuple[str, str], int] = {}

            def told(graph: str, table: Table, rows: int) -> None:
                done = seen[graph, table.name] = seen.get((graph, table.name), 0) + rows
                if show is not None:
                    show(f"{graph} {table.name}", done, None)

            client = stack.enter_context(connection.client())
            answer = stack.enter_context(client.backup())
            return receive(_Answer(answer.pieces()), new, told)
    except BaseException:
        new.abandon()
        raise


class _Answer:
    """Reads an answer as a file; tells when it breaks off."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._kept = b""

    def read(self, size: int, /) -> bytes:
        from kastor.client import UnreachableError

        try:
            while len(self._kept) < size and (piece := next(self._pieces, b"")):
                self._kept += piece
        except UnreachableError as error:
            from kastor.backup.manifest import BackupError

            raise BackupError(
                "The connection to the server broke off before the backup was whole. The server's "
                "log may say why; try again."
            ) from error
        taken, self._kept = self._kept[:size], self._kept[size:]
        return taken


async def _make(
    settings: Settings, destination: Path, with_secrets: bool, progress: ProgressOf | None
) -> Manifest:
    from kastor.backup.making import make_backup
    from kastor.backup.sources import graphs_of_database, graphs_of_folder, private_files
    from kastor.errors import KastorError

    private = private_files(settings.data) if with_secrets else None
    try:
        if settings.db is None:
            graphs = await graphs_of_folder(settings.data)
            return await make_backup(graphs, "sqlite", destination, private, progress)
        from kastor.hosting.open import make_databases

        databases = make_databases(settings)
        try:
            graphs = await graphs_of_database(databases, settings.graph_schema)
            return await make_backup(graphs, "postgres", destination, private, progress)
        finally:
            await databases.close()
    except KastorError as error:
        fail(error.message)


def _local_progress(stack: ExitStack) -> ProgressOf:
    from kastor.cli.progress import rows_shown

    show = rows_shown(stack)

    def of(graph: str) -> Progress:
        return lambda table, done, total: show(f"{graph} {table}", done, total)

    return of


def _tell(manifest: Manifest, destination: Path) -> None:
    say(f"Backed up {counted(len(manifest.graphs), 'graph')} to {destination}:")
    show_graphs(manifest)
    for each in manifest.private:
        say(f"  {each.path}")


def show_graphs(manifest: Manifest) -> None:
    """Print a row for each graph of a backup."""
    from rich.filesize import decimal

    from kastor.cli.rows import show_rows

    rows: list[Document] = [
        {
            "graph": graph.name,
            "rows": graph.rows,
            "size": decimal(graph.size),
            "as of": graph.time,
            "change": graph.position,
        }
        for graph in manifest.graphs
    ]
    show_rows(rows, Output.TABLE)
