"""`kastor backup`: all graphs of a server as files, of a running one or where it keeps them."""

from __future__ import annotations

from contextlib import ExitStack
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kastor.cli.output import fail
from kastor.cli.progress import rows_shown, run_in_order
from kastor.cli.remote import CaFile, stream
from kastor.words import counted

if TYPE_CHECKING:
    from kastor.backup.making import ProgressOf
    from kastor.backup.manifest import Manifest
    from kastor.config import Settings
    from kastor.storage.transfer import Progress, Table

PATH = "/kastor/v1/backup"


def backup(
    context: typer.Context,
    destination: Annotated[
        Path, typer.Argument(help="A folder that does not exist, or an empty one.")
    ],
    url: Annotated[
        str | None,
        typer.Option(
            envvar="KASTOR_URL",
            help="Address of a running server. Without it the data folder or the database is read, "
            "whether it is served meanwhile or not.",
            metavar="URL",
        ),
    ] = None,
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
    ca_file: CaFile = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Back up all graphs: models, twins, history, change log, routes, endpoints and inputs.

    Each graph is backed up as it was at one instant, and writes go on meanwhile. `kastor restore`
    brings a backup back, also onto the other engine.
    """
    local = data is not None or db is not None or config is not None
    source = context.get_parameter_source("url")
    if local and source is not None and source.name == "COMMANDLINE":
        fail("Give --url for a running server, or where its graphs are kept; not both.", 2)
    if url is not None and not local:
        if with_secrets:
            fail("Tokens and keys never leave a server over HTTP: --with-secrets needs --data.", 2)
        manifest = _receive(url, ca_file, destination, quiet=quiet)
    else:
        from kastor.config import storage_settings

        given = {"data": data, "db": db, "graph_schema": graph_schema}
        flags = {name: value for name, value in given.items() if value is not None}
        settings = storage_settings(flags, config)
        with ExitStack() as stack:
            progress = None if quiet else _local_progress(stack)
            manifest = run_in_order(_make(settings, destination, with_secrets, progress))
    _tell(manifest, destination)


def _receive(url: str, ca_file: Path | None, destination: Path, *, quiet: bool) -> Manifest:
    from kastor.backup.folder import NewBackup
    from kastor.backup.receiving import receive

    new = NewBackup(destination)
    try:
        with ExitStack() as stack:
            show = None if quiet else rows_shown(stack)
            seen: dict[tuple[str, str], int] = {}

            def told(graph: str, table: Table, rows: int) -> None:
                done = seen[graph, table.name] = seen.get((graph, table.name), 0) + rows
                if show is not None:
                    show(f"{graph} {table.name}", done, None)

            with stream("GET", url, PATH, ca_file) as answer:
                if answer.headers.get_content_type() != "application/x-tar":
                    fail(f"What answers at {url} is no Kastor. Name it with --url or KASTOR_URL.")
                return receive(_Answer(answer), new, told)
    except BaseException:
        new.abandon()
        raise


class _Answer:
    """Reads an answer; tells when it breaks off."""

    def __init__(self, answer: HTTPResponse) -> None:
        self._answer = answer

    def read(self, size: int, /) -> bytes:
        try:
            return self._answer.read(size)
        except (OSError, HTTPException) as error:
            from kastor.backup.manifest import BackupError

            raise BackupError(
                "The connection to the server broke off before the backup was whole. The server's "
                "log may say why; try again."
            ) from error


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
    show = rows_shown(stack)

    def of(graph: str) -> Progress:
        return lambda table, done, total: show(f"{graph} {table}", done, total)

    return of


def _tell(manifest: Manifest, destination: Path) -> None:
    print(f"Backed up {counted(len(manifest.graphs), 'graph')} to {destination}:")
    for graph in manifest.graphs:
        print(
            f"  {graph.name:<24}{counted(graph.rows, 'row'):>15}{graph.size:>14} bytes"
            f"  as of {graph.time}, change {graph.position}"
        )
    for each in manifest.private:
        print(f"  {each.path}")
