"""The `kastor` command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from kastor import __version__
from kastor.cli import copy, docs, endpoint, graph, index, ingest, models, route, serve, token
from kastor.cli.commands import Commands
from kastor.cli.output import fail

app = Commands(
    name="kastor",
    help="A digital-twin server that speaks the Azure Digital Twins data-plane API.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("serve")(serve.serve)
app.command("copy")(copy.copy)
app.command("docs")(docs.docs)
app.add_typer(token.app, name="token", help="Make, list and revoke access tokens.")
app.add_typer(endpoint.app, name="endpoint", help="Where events go to.")
app.add_typer(route.app, name="route", help="The health of event routes; dead letters.")
app.add_typer(ingest.app, name="input", help="Where messages of sensors come from.")
app.add_typer(index.app, name="index", help="Indexes on properties, for faster queries.")
app.add_typer(graph.app, name="graph", help="List, make and delete graphs of a running server.")
app.add_typer(models.app, name="models", help="Check and describe DTDL models, without a server.")


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)
    ] = False,
) -> None:
    if version:
        print(f"kastor {__version__}")
        raise typer.Exit


@app.command()
def reset(
    data: Annotated[
        Path | None, typer.Option(help="The data folder; default as for `kastor serve`.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete the graph in a data folder: models, twins, relationships and history.

    Certificates and tokens stay. The server must not be running.
    """
    from kastor.config import data_folder
    from kastor.storage.sqlite.folder import (
        DataFolder,
        FolderInUseError,
        FolderNotWritableError,
    )

    folder = DataFolder(data_folder(data))
    if not folder.graph_file.exists():
        print(f"There is no graph in {folder.path}.")
        return
    if not yes and not typer.confirm(f"Delete the whole graph in {folder.path}?"):
        raise typer.Exit(1)
    try:
        folder.acquire()
    except (FolderInUseError, FolderNotWritableError) as error:
        fail(str(error))
    for suffix in ("", "-wal", "-shm"):
        Path(f"{folder.graph_file}{suffix}").unlink(missing_ok=True)
    folder.release()
    print(f"The graph in {folder.path} is gone.")


def main() -> None:
    """Run the command line."""
    app(sys.argv[1:])
