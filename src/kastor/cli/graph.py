"""`kastor graph`: the graphs of a running server."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from kastor.cli.commands import Commands
from kastor.cli.output import fail, none_yet
from kastor.cli.remote import DEFAULT_URL, CaFile, Url, call

app = Commands()
Name = Annotated[str, typer.Argument(help="The graph's name: lower-case letters, digits, hyphens.")]
Database = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="A database by its name in the settings; '' is the server's own."
    ),
]
Schema = Annotated[str | None, typer.Option(metavar="NAME", help="The schema in the database.")]
_PATH = "/kastor/v1/graphs"
LOOK_SECONDS = 0.5
_GRAPH = re.compile(r"/graphs/[^/]*/*\Z", re.IGNORECASE)


@app.command("list")
def list_command(url: Url = DEFAULT_URL, ca_file: CaFile = None) -> None:
    """Print every graph, where it lives, whether it is open, and what is wrong with it."""
    found = _call("GET", url, _PATH, ca_file)["value"]
    for info in found:
        print(f"{info['name']:<24}{info['state']:<8}{info['place']}")
        if "error" in info:
            print(f"{'':<24}{info['error']}")
    none_yet(found, "graphs", "`kastor graph create` makes one.")


@app.command()
def create(
    name: Name,
    database: Database = None,
    schema: Schema = None,
    url: Url = DEFAULT_URL,
    ca_file: CaFile = None,
) -> None:
    """Make an empty graph; clients reach it under /graphs/NAME.

    With --schema a graph that is there already, for example by `kastor copy`, is served.
    """
    info = _call("PUT", url, _path(name), ca_file, _place(database, schema))
    print(f"{info['name']} is ready at {_server(url)}/graphs/{info['name']}")


@app.command()
def move(
    name: Name,
    database: Database = None,
    schema: Schema = None,
    url: Url = DEFAULT_URL,
    ca_file: CaFile = None,
) -> None:
    """Move a graph to another database or schema; it is served meanwhile.

    Writes wait for a moment at the end. An interrupted command does not stop the move.
    """
    info = _call("POST", url, f"{_path(name)}/move", ca_file, _place(database, schema))
    said = None
    while info["state"] == "moving":
        if info["progress"] != said:
            said = info["progress"]
            print(said, flush=True)
        time.sleep(LOOK_SECONDS)
        info = _call("GET", url, _path(name), ca_file)
    if "error" in info:
        fail(info["error"])
    print(f"{name} lives at {info['place']}")


@app.command()
def delete(
    name: Name,
    url: Url = DEFAULT_URL,
    ca_file: CaFile = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete a graph with all it holds."""
    if not yes and not typer.confirm(f"Delete the graph {name} with all it holds?"):
        raise typer.Exit(1)
    _call("DELETE", url, _path(name), ca_file)
    print(f"{name} is gone.")


def _call(
    method: str, url: str, path: str, ca_file: Path | None = None, body: object = None
) -> Any:
    return call(method, _server(url), path, ca_file, body)


def _server(url: str) -> str:
    """Return the server's address where the address is one of a graph of it."""
    return _GRAPH.sub("", url.rstrip("/"))


def _path(name: str) -> str:
    return f"{_PATH}/{quote(name, safe='')}"


def _place(database: str | None, schema: str | None) -> dict[str, str]:
    wished = {"database": database, "schema": schema}
    return {key: value for key, value in wished.items() if value is not None}
