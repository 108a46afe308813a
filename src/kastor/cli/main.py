"""The `kastor` command."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from kastor import __version__
from kastor.cli import (
    backup,
    copy,
    docs,
    endpoint,
    graph,
    index,
    ingest,
    models,
    reset,
    restore,
    route,
    serve,
    status,
    token,
)
from kastor.cli.commands import Commands

app = Commands(
    name="kastor",
    help="A digital-twin server that speaks the Azure Digital Twins data-plane API.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("serve")(serve.serve)
app.command("reset")(reset.reset)
app.command("copy")(copy.copy)
app.command("backup")(backup.backup)
app.command("restore")(restore.restore)
app.command("status")(status.status)
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


def main() -> None:
    """Run the command line."""
    app(sys.argv[1:])
