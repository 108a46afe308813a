"""`kastor input`: where messages of sensors come from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from kastor.cli.commands import Commands
from kastor.cli.output import none_yet
from kastor.cli.remote import DEFAULT_URL, CaFile, Url, call, read_settings
from kastor.words import counted

app = Commands()
Name = Annotated[str, typer.Argument(help="The input's name: 3 to 50 letters, digits, hyphens.")]
_PATH = "/kastor/v1/inputs"
_COUNTS = ("received", "written", "merged", "deadband", "stale", "rejected")


@app.command("list")
def list_command(url: Url = DEFAULT_URL, ca_file: CaFile = None) -> None:
    """Print every input, its kind, and which are paused."""
    found = call("GET", url, _PATH, ca_file)["value"]
    for info in found:
        rules = counted(len(info["settings"]["rules"]), "rule")
        paused = ", paused" if info["paused"] else ""
        print(f"{info['name']:<32}{info['kind']:<10}{rules}{paused}")
    none_yet(found, "inputs", "`kastor input create` makes one.")


@app.command()
def show(name: Name, url: Url = DEFAULT_URL, ca_file: CaFile = None) -> None:
    """Print an input's settings and rules; secrets stand there as references only."""
    print(json.dumps(call("GET", url, _path(name), ca_file), indent=2))


@app.command()
def create(
    name: Name,
    kind: Annotated[str, typer.Option(help="How messages come in.", metavar="<mqtt|webhook>")],
    settings: Annotated[Path, typer.Option(help="JSON file with settings and rules; - for stdin.")],
    url: Url = DEFAULT_URL,
    ca_file: CaFile = None,
) -> None:
    """Create an input, or replace one; it acts at once."""
    body = {"kind": kind, "settings": read_settings(settings)}
    made = call("PUT", url, _path(name), ca_file, body)
    how = "paused, as it was" if made["paused"] else "ready"
    print(f"{name} is {how}; `kastor input status {name}` says how it is doing.")


@app.command()
def status(
    name: Name,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    url: Url = DEFAULT_URL,
    ca_file: CaFile = None,
) -> None:
    """Say how an input is doing: state, connection, counts, last error."""
    state = call("GET", url, f"{_path(name)}/status", ca_file)
    if as_json:
        print(json.dumps(state, indent=2))
        return
    print(f"{'state':<14}{state['state']}")
    if state["connected"] is not None:
        print(f"{'connected':<14}{'yes' if state['connected'] else 'no'}")
    elif state["kind"] == "mqtt":
        print(f"{'connected':<14}not known, no process holds it now")
    if state["heldBy"]:
        print(f"{'held by':<14}{state['heldBy']}")
    for count in _COUNTS:
        print(f"{count:<14}{state[count]}")
    print(f"{'since':<14}{state['since']}")
    print(f"{'last message':<14}{state['lastMessage'] or 'none'}")
    if state["lastError"]:
        print(f"{'last error':<14}{state['lastError']}")


@app.command()
def pause(name: Name, url: Url = DEFAULT_URL, ca_file: CaFile = None) -> None:
    """Take no more messages; a broker keeps them, as long as its session lasts."""
    call("POST", url, f"{_path(name)}/pause", ca_file)


@app.command()
def resume(name: Name, url: Url = DEFAULT_URL, ca_file: CaFile = None) -> None:
    """Take messages again."""
    call("POST", url, f"{_path(name)}/resume", ca_file)


@app.command()
def rejected(name: Name, url: Url = DEFAULT_URL, ca_file: CaFile = None) -> None:
    """Print the last messages that the input could not use, newest first."""
    answer = call("GET", url, f"{_path(name)}/rejected", ca_file)
    if not answer["value"]:
        holder = answer["heldBy"]
        print(
            f"None here; {holder} takes the messages." if holder else "No messages were rejected."
        )
    for each in answer["value"]:
        print(f"{each['time']}  {each['topic']}")
        print(f"  {each['reason']}")
        print(f"  {each['payload']!r}")


@app.command()
def delete(name: Name, url: Url = DEFAULT_URL, ca_file: CaFile = None) -> None:
    """Delete an input; its broker keeps nothing more for it, unless it is paused."""
    call("DELETE", url, _path(name), ca_file)
    print(f"{name} is gone.")


def _path(name: str) -> str:
    return f"{_PATH}/{quote(name, safe='')}"
