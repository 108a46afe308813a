"""`kastor index`: property indexes of a running server."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from kastor.cli.commands import Commands
from kastor.cli.connection import Connection
from kastor.cli.output import Output, OutputOption, say

app = Commands()
Path = Annotated[
    str,
    typer.Argument(metavar="PATH", help="A property, such as temperature or thermostat.setPoint."),
]
_SECONDS_PER_TWIN = 2e-6


@app.command("list")
def list_command(connection: Connection, output: OutputOption = Output.TABLE) -> None:
    """Print the path of every property index."""
    from kastor.cli.rows import show_rows

    with connection.client() as client:
        found = client.indexes.list()
    rows = [{"path": each} for each in found]
    show_rows(rows, output, empty="No indexes. `kastor index create` makes one.")


@app.command()
def create(connection: Connection, path: Path) -> None:
    """Build an index; queries use it from then on.

    On SQLite writes wait in their queue while it is built; on PostgreSQL they go on.
    """
    with connection.client() as client:
        status = client.status()
        seconds = max(1, round(status["counts"]["twins"] * _SECONDS_PER_TWIN))
        waits = " Writes wait meanwhile." if status["engine"] == "sqlite" else ""
        say(f"Building an index on {path}: about {seconds} s.{waits}", flush=True)
        started = time.monotonic()
        client.indexes.create(path)
    say(f"Ready after {time.monotonic() - started:.1f} s.")


@app.command()
def drop(connection: Connection, path: Path) -> None:
    """Drop an index."""
    with connection.client() as client:
        client.indexes.drop(path)
    say(f"The index on {path} is gone.")
