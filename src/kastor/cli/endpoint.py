"""`kastor endpoint`: where events go to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from kastor.cli.commands import Commands
from kastor.cli.output import none_yet
from kastor.cli.remote import DEFAULT_URL, CaFile, Url, call, read_settings

app = Commands()
Name = Annotated[str, typer.Argument(help="The endpoint's name: 3 to 50 letters, digits, hyphens.")]
_PATH = "/kastor/v1/endpoints"


@app.command("list")
def list_command(url: Url = DEFAULT_URL, ca_file: CaFile = None) -> None:
    """Print every endpoint and the routes that use it."""
    found = call("GET", url, _PATH, ca_file)["value"]
    for info in found:
        print(f"{info['name']:<32}{info['kind']:<10}{', '.join(info['routes'])}")
    none_yet(found, "endpoints", "`kastor endpoint create` makes one.")


@app.command()
def show(name: Name, url: Url = DEFAULT_URL, ca_file: CaFile = None) -> None:
    """Print an endpoint's settings; secrets stand there as references only."""
    print(json.dumps(call("GET", url, _path(name), ca_file), indent=2))


@app.command()
def create(
    name: Name,
    kind: Annotated[
        str,
        typer.Option(
            help="Where to send events.", metavar="<amqp|file|kafka|mqtt|nats|stdout|webhook>"
        ),
    ],
    settings: Annotated[
        Path | None, typer.Option(help="JSON file with the kind's settings; - for stdin.")
    ] = None,
    url: Url = DEFAULT_URL,
    ca_file: CaFile = None,
) -> None:
    """Create an endpoint, or replace one; its routes use it at once."""
    body = {"kind": kind, "settings": read_settings(settings)}
    call("PUT", url, _path(name), ca_file, body)
    print(f"{name} is ready; route events to it with PUT /eventroutes/ID.")


@app.command()
def delete(name: Name, url: Url = DEFAULT_URL, ca_file: CaFile = None) -> None:
    """Delete an endpoint that no route uses."""
    call("DELETE", url, _path(name), ca_file)
    print(f"{name} is gone.")


def _path(name: str) -> str:
    return f"{_PATH}/{quote(name, safe='')}"
