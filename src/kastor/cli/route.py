"""`kastor route`: event routes, their health, and the events that they gave up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kastor.cli.commands import Commands
from kastor.cli.connection import Connection
from kastor.cli.output import Exit, JsonOption, Output, OutputOption, fail, say
from kastor.cli.settings import flat
from kastor.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.client.calls import Document

app = Commands()
letters = Commands()
app.add_typer(letters, name="deadletters", help="Events that a route gave up.")
Route = Annotated[str, typer.Argument(metavar="ROUTE", help="The route's id.")]
Keys = Annotated[
    list[int] | None, typer.Option("--key", help="Only these; repeatable.", metavar="KEY")
]
_EMPTY = "No routes. `kastor route create` makes one."


@app.command("list")
def list_command(connection: Connection, output: OutputOption = Output.TABLE) -> None:
    """Print every route, where it sends to, and which events."""
    from kastor.cli.rows import show_rows

    with connection.client() as client:
        columns = ("id", "endpointName", "filter")
        show_rows(client.routes.list(), output, columns=columns, empty=_EMPTY)


@app.command("show")
def show_route(connection: Connection, route: Route, output: OutputOption = Output.TABLE) -> None:
    """Print a route."""
    from kastor.cli.rows import show_document

    with connection.client() as client:
        show_document(client.routes.get(route), output)


@app.command()
def create(
    connection: Connection,
    route: Route,
    endpoint: Annotated[str, typer.Option(help="The endpoint's name.")],
    filter_text: Annotated[str, typer.Option("--filter", help="Which events.")] = "true",
) -> None:
    """Create a route, or replace one; it acts at once."""
    with connection.client() as client:
        client.routes.put(route, endpoint, filter_text)
    say(f"{route} sends to {endpoint}; `kastor route status {route}` says how it is doing.")


@app.command()
def delete(connection: Connection, route: Route) -> None:
    """Delete a route with its dead letters."""
    with connection.client() as client:
        client.routes.delete(route)
    say(f"{route} is gone.")


@app.command()
def status(
    connection: Connection,
    route: Annotated[str | None, typer.Argument(help="The route's id; all without one.")] = None,
    as_json: JsonOption = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Say how routes are doing: lag, rate, last error."""
    from kastor.cli.rows import show_rows

    with connection.client() as client:
        states = client.routes.states() if route is None else [client.routes.state(route)]
    if as_json or output is Output.JSON:
        show_rows(states, Output.JSON)
        return
    show_rows([_row(each) for each in states], output, empty=_EMPTY)
    for each in states:
        if each["lastError"]:
            say(f"{each['id']}: last error: {each['lastError']}")


@app.command()
def pause(connection: Connection, route: Route) -> None:
    """Stop sending; the route keeps its position."""
    with connection.client() as client:
        client.routes.pause(route)
    say(f"{route} is paused; `kastor route resume {route}` lets it go on.")


@app.command()
def resume(connection: Connection, route: Route) -> None:
    """Go on from where the route was paused."""
    with connection.client() as client:
        client.routes.resume(route)
    say(f"{route} sends again.")


@app.command()
def replay(
    connection: Connection,
    route: Route,
    since: Annotated[str, typer.Option("--from", help="A position, or an ISO 8601 time.")],
) -> None:
    """Send again what the change log still has from a position or time on."""
    with connection.client() as client:
        position = client.routes.replay(route, since)
    say(f"Sending again after position {position}.")


@letters.command("list")
def list_letters(connection: Connection, route: Route, output: OutputOption = Output.TABLE) -> None:
    """Print a line for each dead letter."""
    from kastor.cli.rows import show_rows

    with connection.client() as client:
        found = client.routes.dead_letters(route)
        if output is Output.JSON:
            show_rows(found, output)
            return
        is_empty = True
        for letter in found:
            is_empty = False
            event = letter["event"]
            say(f"{letter['key']:>8}  {letter['died']}  {event['type']}  {event['key']}")
            say(f"          after {counted(letter['attempts'], 'attempt')}: {letter['error']}")
    if is_empty:
        say("No dead letters; the route has given up nothing.")


@letters.command("show")
def show_letter(
    connection: Connection,
    route: Route,
    key: Annotated[int, typer.Argument(help="As `list` prints it.")],
    output: OutputOption = Output.TABLE,
) -> None:
    """Print a dead letter whole."""
    from kastor.cli.rows import show_document
    from kastor.client.route_calls import list_letters as page_of

    with connection.client() as client:
        page = client.send(page_of(route, str(key - 1)))
    found: Sequence[Document] = [each for each in page.items if each["key"] == key]
    if not found:
        fail(f"There is no dead letter {key}.", Exit.NOT_FOUND)
    show_document(found[0] if output is Output.JSON else flat(found[0]), output)


@letters.command()
def requeue(connection: Connection, route: Route, keys: Keys = None) -> None:
    """Send dead letters again."""
    with connection.client() as client:
        count = client.routes.requeue_dead_letters(route, keys or None)
    say(f"{count} sent again.")


@letters.command()
def purge(connection: Connection, route: Route, keys: Keys = None) -> None:
    """Delete dead letters for good."""
    with connection.client() as client:
        count = client.routes.purge_dead_letters(route, keys or None)
    say(f"{count} deleted.")


def _row(state: Document) -> Document:
    return {
        "route": state["id"],
        "endpoint": state["endpointName"],
        "state": state["state"],
        "lag": state["lag"],
        "/min": state["perMinute"],
        "sent": state["delivered"],
        "dead": state["deadLetters"],
    }
