"""`kastor token`: the static tokens of a data folder."""

from __future__ import annotations

from enum import StrEnum
from itertools import count
from pathlib import Path
from typing import Annotated

import typer

from kastor.auth.tokens import create_token, list_tokens, revoke_token
from kastor.cli.auditing import note_token
from kastor.cli.commands import Commands
from kastor.cli.output import fail, none_yet, say

app = Commands()
Data = Annotated[Path | None, typer.Option(help="The data folder; default as for `kastor serve`.")]
Config = Annotated[
    Path | None, typer.Option(help="The TOML file of settings that `kastor serve` is given.")
]


class Role(StrEnum):
    """Roles as the command line names them."""

    owner = "owner"
    reader = "reader"
    sender = "sender"
    none = "none"


@app.command()
def create(
    role: Annotated[
        Role,
        typer.Option(
            help="owner: everything; reader: read and query; sender: hand messages to inputs; "
            "none: no access."
        ),
    ] = Role.owner,
    name: Annotated[
        str | None, typer.Option(help="Who it is for; stands in the history of each change.")
    ] = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Make a token and print it, once; only its hash is kept."""
    path = _path(data, config)
    name = name or _free_name(path, role)
    try:
        made = create_token(path, role.value, name)
    except OSError as error:
        fail(str(error))
    note_token(data, config, "created", name, role=role.value)
    say(made)


@app.command("list")
def list_command(data: Data = None, config: Config = None) -> None:
    """Print the names and roles of the tokens."""
    tokens = list_tokens(_path(data, config))
    for name, role in tokens:
        say(f"{role:<8}{name}")
    none_yet(tokens, "tokens", "`kastor token create` makes one.")


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="As `list` prints it.")],
    data: Data = None,
    config: Config = None,
) -> None:
    """Remove a token; a running server notices within seconds."""
    try:
        revoked = revoke_token(_path(data, config), name)
    except OSError as error:
        fail(str(error))
    if not revoked:
        fail(f"There is no token named {name}.")
    note_token(data, config, "revoked", name)


def _free_name(path: Path, role: Role) -> str:
    taken = {name for name, _ in list_tokens(path)}
    return next(name for n in count(1) if (name := f"{role.value}-{n}") not in taken)


def _path(data: Path | None, config: Path | None) -> Path:
    from kastor.config import data_folder

    return data_folder(data, config) / "tokens"
