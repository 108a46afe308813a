"""`kastor route`: the health of event routes, and the events that they gave up."""

from __future__ import annotations

import json
from typing import Annotated, Any
from urllib.parse import quote

import typer

from kastor.cli.commands import Commands
from kastor.cli.output import fail, none_yet
from kastor.cli.remote import DEFAULT_URL, CaFile, Url, call
from kastor.words import counted

app = Commands()
letters = Commands()
app.add_typer(letters, name="deadletters", help="Events that a route gave up.")
Route = Annotated[str, typer.Argument(metavar="ROUTE", help="The route's id.")]
Keys = Annotated[
    list[int] | None, typer.Option("--key", help="Only these; repeatable.", metavar="KEY")
]
_PATH = "/kastor/v1/routes"
_VERSION = "api-version=2023-10-31"


@app.command()
def create(
    route: Route,
    endpoint: Annotated[str, typer.Option(help="The endpoint's name.")],
    filter_text: Annotated[str, typer.Option("--filter", help="Which events.")] = "true",
    url: Url = DEFAULT_URL,
    ca_file: CaFile = None,
) -> None:
    """Create a route, or replace one; it acts at once."""
    body = {"endpointName": endpoint, "filter": filter_text}
    call("PUT", url, f"/eventroutes/{quote(route, safe='')}?{_VERSION}", ca_file, body)


@app.command()
def delete(route: Route, url: Url = DEFAULT_URL, ca_file: CaFile = None) -> None:
    """Delete a route with its dead letters."""
    call("DELETE", url, f"/eventroutes/{quote(route, safe='')}?{_VERSION}", ca_file)


@app.command()
def status(
    route: Annotated[str | None, typer.Argument(help="The route's id; all without one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    url: Url = DEFAULT_URL,
    ca_file: CaFile = None,
) -> None:
    """Say how routes are doing: lag, rate, last error."""
    if route is None:
        states: list[Any] = call("GET", url, _PATH, ca_file)["value"]
    else:
        states = [call("GET", url, _path(route), ca_file)]
    if as_json:
        print(json.dumps(states, indent=2))
        return
    none_yet(states, "routes", "`kastor route create` makes one.")
    if not states:
        return
    print(f"{'route':<24}{'endpoint':<20}{'state':<9}{'lag':>8}{'/min':>8}{'sent':>10}{'dead':>6}")
    for state in states:
        print(
            f"{state['id']:<24}{state['endpointName']:<20}{state['state']:<9}{state['lag']:>8}"
            f"{state['perMinute']:>8}{state['delivered']:>10}{state['deadLetters']:>6}"
        )
        if state["lastError"]:
            print(f"  last error: {state['lastError']}")


@app.command()
def pause(route: Route, url: Url = DEFAULT_URL, ca_file: CaFile = None) -> None:
    """Stop sending; the route keeps its position."""
    call("POST", url, f"{_path(route)}/pause", ca_file)


@app.command()
def resume(route: Route, url: Url = DEFAULT_URL, ca_file: CaFile = None) -> None:
    """Go on from where the route was paused."""
    call("POST", url, f"{_path(route)}/resume", ca_file)


@app.command()
def replay(
    route: Route,
    since: Annotated[str, typer.Option("--from", help="A position, or an ISO 8601 time.")],
    url: Url = DEFAULT_URL,
    ca_file: CaFile = None,
) -> None:
    """Send again what the change log still has from a position or time on."""
    path = f"{_path(route)}/replay?from={quote(since, safe='')}"
    print(f"Sending again after position {call('POST', url, path, ca_file)['position']}.")


@letters.command("list")
def list_letters(route: Route, url: Url = DEFAULT_URL, ca_file: CaFile = None) -> None:
    """Print a line for each dead letter."""
    found = _letters(route, url, ca_file)
    if not found:
        print("No dead letters; the route has given up nothing.")
    for letter in found:
        event = letter["event"]
        print(f"{letter['key']:>8}  {letter['died']}  {event['type']}  {event['key']}")
        print(f"          after {counted(letter['attempts'], 'attempt')}: {letter['error']}")


@letters.command()
def show(
    route: Route,
    key: Annotated[int, typer.Argument(help="As `list` prints it.")],
    url: Url = DEFAULT_URL,
    ca_file: CaFile = None,
) -> None:
    """Print a dead letter whole."""
    path = f"{_path(route)}/deadletters?after={key - 1}"
    found = [each for each in call("GET", url, path, ca_file)["value"] if each["key"] == key]
    if not found:
        fail(f"There is no dead letter {key}.")
    print(json.dumps(found[0], indent=2))


@letters.command()
def requeue(
    route: Route, keys: Keys = None, url: Url = DEFAULT_URL, ca_file: CaFile = None
) -> None:
    """Send dead letters again."""
    answer = call("POST", url, f"{_path(route)}/deadletters/requeue{_query(keys)}", ca_file)
    print(f"{answer['count']} sent again.")


@letters.command()
def purge(route: Route, keys: Keys = None, url: Url = DEFAULT_URL, ca_file: CaFile = None) -> None:
    """Delete dead letters for good."""
    answer = call("DELETE", url, f"{_path(route)}/deadletters{_query(keys)}", ca_file)
    print(f"{answer['count']} deleted.")


def _letters(route: str, url: str, ca_file: Any) -> list[Any]:
    found: list[Any] = []
    after: int | None = 0
    while after is not None:
        page = call("GET", url, f"{_path(route)}/deadletters?after={after}", ca_file)
        found += page["value"]
        after = page["after"]
    return found


def _path(route: str) -> str:
    return f"{_PATH}/{quote(route, safe='')}"


def _query(keys: list[int] | None) -> str:
    return "" if not keys else "?" + "&".join(f"key={key}" for key in keys)
