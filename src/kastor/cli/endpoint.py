"""`kastor endpoint`: where events go to."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from kastor.cli.commands import Commands
from kastor.cli.connection import Connection
from kastor.cli.output import Exit, Output, OutputOption, say
from kastor.cli.settings import flat, read_settings

app = Commands()
_KINDS = ("amqp", "file", "kafka", "mqtt", "nats", "stdout", "webhook")
"""For the help; which there are the server knows."""
Name = Annotated[str, typer.Argument(help="The endpoint's name: 3 to 50 letters, digits, hyphens.")]


@app.command("list")
def list_command(connection: Connection, output: OutputOption = Output.TABLE) -> None:
    """Print every endpoint and the routes that use it."""
    from kastor.cli.rows import show_rows

    with connection.client() as client:
        found = client.endpoints.list()
    if output is Output.JSON:
        show_rows(found, output)
        return
    rows = [{**each, "routes": ", ".join(each["routes"])} for each in found]
    empty = "No endpoints. `kastor endpoint create` makes one."
    show_rows(rows, output, columns=("name", "kind", "routes"), empty=empty)


@app.command()
def show(connection: Connection, name: Name, output: OutputOption = Output.TABLE) -> None:
    """Print an endpoint's settings; secrets stand there as references only."""
    from kastor.cli.rows import show_document

    with connection.client() as client:
        found = client.endpoints.get(name)
    show_document(found if output is Output.JSON else flat(found), output)


@app.command()
def create(
    connection: Connection,
    name: Name,
    kind: Annotated[
        str,
        typer.Option(
            help="Where to send events.",
            metavar=f"<{'|'.join(_KINDS)}>",
            autocompletion=lambda: list(_KINDS),
        ),
    ],
    settings: Annotated[
        Path | None, typer.Option(help="JSON file with the kind's settings; - for stdin.")
    ] = None,
) -> None:
    """Create an endpoint, or replace one; its routes use it at once."""
    given = read_settings(settings)
    with connection.client() as client:
        client.endpoints.put(name, kind, given)
    say(f"{name} is ready; `kastor route create ROUTE --endpoint {name}` sends events to it.")


@app.command("test")
def send_test(connection: Connection, name: Name, output: OutputOption = Output.TABLE) -> None:
    """Send one event that says it is a test, and say whether it was taken.

    Not taken, it exits with 1.
    """
    from kastor.cli.rows import show_document

    with connection.client() as client:
        found = client.endpoints.test(name)
    if output is Output.JSON:
        show_document(found, output)
    elif found["delivered"]:
        say(f"{name} took it, after {found['seconds']} s; the event's id is {found['eventId']}.")
    else:
        say(f"kastor: {name} did not take it: {found['error']}", file=sys.stderr)
    if not found["delivered"]:
        raise typer.Exit(Exit.FAULT)


@app.command()
def delete(connection: Connection, name: Name) -> None:
    """Delete an endpoint that no route uses."""
    with connection.client() as client:
        client.endpoints.delete(name)
    say(f"{name} is gone.")
