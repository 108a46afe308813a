"""`kastor graph`: the graphs of a running server."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import typer

from kastor.cli.remote import DEFAULT_URL, CaFile, Url, call

app = typer.Typer(no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The graph's name: lower-case letters, digits, hyphens.")]
_PATH = "/kastor/v1/graphs"


@app.command("list")
def list_command(url: Url = DEFAULT_URL, ca_file: CaFile = None) -> None:
    """Print every graph, where it lives and whether it is open."""
    for info in call("GET", url, _PATH, ca_file)["value"]:
        print(f"{info['name']:<24}{info['state']:<6}{info['place']}")


@app.command()
def create(name: Name, url: Url = DEFAULT_URL, ca_file: CaFile = None) -> None:
    """Make an empty graph; clients reach it under /graphs/NAME."""
    info = call("PUT", url, f"{_PATH}/{quote(name, safe='')}", ca_file)
    print(f"{info['name']} is ready at {url.rstrip('/')}/graphs/{info['name']}")


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
    call("DELETE", url, f"{_PATH}/{quote(name, safe='')}", ca_file)
    print(f"{name} is gone.")
