"""`kastor input`: where messages of sensors come from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kastor.cli.commands import Commands
from kastor.cli.connection import Connection
from kastor.cli.output import JsonOption, Output, OutputOption, say
from kastor.cli.settings import flat, read_settings

if TYPE_CHECKING:
    from kastor.client.calls import Document

app = Commands()
Name = Annotated[str, typer.Argument(help="The input's name: 3 to 50 letters, digits, hyphens.")]
_KINDS = ("mqtt", "webhook")
"""For the help; which there are the server knows."""
_COUNTS = ("received", "written", "merged", "deadband", "stale", "rejected")


@app.command("list")
def list_command(connection: Connection, output: OutputOption = Output.TABLE) -> None:
    """Print every input, its kind, and which are paused."""
    from kastor.cli.rows import show_rows

    with connection.client() as client:
        found = client.inputs.list()
    if output is Output.JSON:
        show_rows(found, output)
        return
    rows: list[Document] = [
        {
            "name": each["name"],
            "kind": each["kind"],
            "rules": len(each["settings"]["rules"]),
            "state": "paused" if each["paused"] else "running",
        }
        for each in found
    ]
    show_rows(rows, output, empty="No inputs. `kastor input create` makes one.")


@app.command()
def show(connection: Connection, name: Name, output: OutputOption = Output.TABLE) -> None:
    """Print an input's settings and rules; secrets stand there as references only."""
    from kastor.cli.rows import show_document

    with connection.client() as client:
        found = client.inputs.get(name)
    show_document(found if output is Output.JSON else flat(found), output)


@app.command()
def create(
    connection: Connection,
    name: Name,
    kind: Annotated[
        str,
        typer.Option(
            help="How messages come in.",
            metavar=f"<{'|'.join(_KINDS)}>",
            autocompletion=lambda: list(_KINDS),
        ),
    ],
    settings: Annotated[Path, typer.Option(help="JSON file with settings and rules; - for stdin.")],
) -> None:
    """Create an input, or replace one; it acts at once."""
    given = read_settings(settings)
    with connection.client() as client:
        made = client.inputs.put(name, kind, given)
    how = "paused, as it was" if made["paused"] else "ready"
    say(f"{name} is {how}; `kastor input status {name}` says how it is doing.")


@app.command()
def status(
    connection: Connection,
    name: Name,
    as_json: JsonOption = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Say how an input is doing: state, connection, counts, last error."""
    from kastor.cli.rows import show_document

    with connection.client() as client:
        state = client.inputs.status(name)
    if as_json or output is Output.JSON:
        show_document(state, Output.JSON)
        return
    say(f"{'state':<14}{state['state']}")
    if state["connected"] is not None:
        say(f"{'connected':<14}{'yes' if state['connected'] else 'no'}")
    elif state["kind"] == "mqtt":
        say(f"{'connected':<14}not known, no process holds it now")
    if state["heldBy"]:
        say(f"{'held by':<14}{state['heldBy']}")
    for count in _COUNTS:
        say(f"{count:<14}{state[count]}")
    say(f"{'since':<14}{state['since']}")
    say(f"{'last message':<14}{state['lastMessage'] or 'none'}")
    if state["lastError"]:
        say(f"{'last error':<14}{state['lastError']}")


@app.command()
def pause(connection: Connection, name: Name) -> None:
    """Take no more messages; a broker keeps them, as long as its session lasts."""
    with connection.client() as client:
        client.inputs.pause(name)
    say(f"{name} is paused; `kastor input resume {name}` lets it go on.")


@app.command()
def resume(connection: Connection, name: Name) -> None:
    """Take messages again."""
    with connection.client() as client:
        client.inputs.resume(name)
    say(f"{name} takes messages again.")


@app.command()
def rejected(connection: Connection, name: Name, output: OutputOption = Output.TABLE) -> None:
    """Print the last messages that the input could not use, newest first."""
    from kastor.cli.rows import show_rows

    with connection.client() as client:
        found = client.inputs.rejected(name)
        # Of several processes the one that holds the input has them.
        holder = client.inputs.status(name)["heldBy"] if not found else None
    if output is Output.JSON:
        show_rows(found, output)
        return
    if not found:
        say(f"None here; {holder} takes the messages." if holder else "No messages were rejected.")
    for each in found:
        say(f"{each['time']}  {each['topic']}")
        say(f"  {each['reason']}")
        say(f"  {each['payload']!r}")


@app.command()
def delete(connection: Connection, name: Name) -> None:
    """Delete an input; its broker keeps nothing more for it, unless it is paused."""
    with connection.client() as client:
        client.inputs.delete(name)
    say(f"{name} is gone.")
