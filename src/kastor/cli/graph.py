"""`kastor graph`: the graphs of a running server."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from kastor.cli.commands import Commands
from kastor.cli.connection import Connection
from kastor.cli.output import Output, OutputOption, ask, fail, say

app = Commands()
Name = Annotated[str, typer.Argument(help="The graph's name: lower-case letters, digits, hyphens.")]
Database = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="A database by its name in the settings; '' is the server's own."
    ),
]
Schema = Annotated[str | None, typer.Option(metavar="NAME", help="The schema in the database.")]
LOOK_SECONDS = 0.5


@app.command("list")
def list_command(connection: Connection, output: OutputOption = Output.TABLE) -> None:
    """Print every graph, where it lives, whether it is open, and what is wrong with it."""
    from kastor.cli.rows import show_rows

    with connection.client() as client:
        found = client.graphs.list()
    if output is Output.JSON:
        show_rows(found, output)
        return
    empty = "No graphs. `kastor graph create` makes one."
    show_rows(found, output, columns=("name", "state", "place"), empty=empty)
    for each in found:
        if "error" in each:
            say(f"{each['name']}: {each['error']}")


@app.command()
def create(
    connection: Connection,
    name: Name,
    database: Database = None,
    schema: Schema = None,
) -> None:
    """Make an empty graph; clients reach it under /graphs/NAME.

    With --schema a graph that is there already, for example by `kastor copy`, is served.
    """
    with connection.client() as client:
        client.graphs.create(name, database=database, schema=schema)
    say(f"{name} is ready at {connection.server}/graphs/{name}")


@app.command()
def move(
    connection: Connection,
    name: Name,
    database: Database = None,
    schema: Schema = None,
) -> None:
    """Move a graph to another database or schema; it is served meanwhile.

    Writes wait for a moment at the end. An interrupted command does not stop the move.
    """
    with connection.client() as client:
        info = client.graphs.move(name, database=database, schema=schema)
        said = None
        while info["state"] == "moving":
            if info["progress"] != said:
                said = info["progress"]
                say(said, flush=True)
            time.sleep(LOOK_SECONDS)
            info = client.graphs.get(name)
    if "error" in info:
        fail(info["error"])
    say(f"{name} lives at {info['place']}")


@app.command()
def delete(
    connection: Connection,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete a graph with all it holds."""
    if not yes:
        ask(f"Delete the graph {name} with all it holds?")
    with connection.client() as client:
        client.graphs.delete(name)
    say(f"{name} is gone.")
