"""`kastor index`: property indexes of a running server."""

from __future__ import annotations

import time
from typing import Annotated
from urllib.parse import quote

import typer

from kastor.cli.commands import Commands
from kastor.cli.output import none_yet
from kastor.cli.remote import DEFAULT_URL, CaFile, Url, call

app = Commands()
Path = Annotated[
    str,
    typer.Argument(metavar="PATH", help="A property, such as temperature or thermostat.setPoint."),
]
_PATH = "/kastor/v1/indexes"
_SECONDS_PER_TWIN = 2e-6


@app.command("list")
def list_command(url: Url = DEFAULT_URL, ca_file: CaFile = None) -> None:
    """Print the path of every property index."""
    found = call("GET", url, _PATH, ca_file)["value"]
    for index in found:
        print(index["path"])
    none_yet(found, "indexes", "`kastor index create` makes one.")


@app.command()
def create(path: Path, url: Url = DEFAULT_URL, ca_file: CaFile = None) -> None:
    """Build an index; queries use it from then on.

    On SQLite writes wait in their queue while it is built; on PostgreSQL they go on.
    """
    status = call("GET", url, "/kastor/v1/status", ca_file)
    seconds = max(1, round(status["counts"]["twins"] * _SECONDS_PER_TWIN))
    waits = " Writes wait meanwhile." if status["engine"] == "sqlite" else ""
    print(f"Building an index on {path}: about {seconds} s.{waits}", flush=True)
    started = time.monotonic()
    call("PUT", url, f"{_PATH}/{quote(path, safe='')}", ca_file)
    print(f"Ready after {time.monotonic() - started:.1f} s.")


@app.command()
def drop(path: Path, url: Url = DEFAULT_URL, ca_file: CaFile = None) -> None:
    """Drop an index."""
    call("DELETE", url, f"{_PATH}/{quote(path, safe='')}", ca_file)
    print(f"The index on {path} is gone.")
