"""`kastor token`: the static tokens of a data folder."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from kastor.auth.actors import EVERY_GRAPH
from kastor.auth.roles import ROLES
from kastor.auth.tokens import list_tokens, make_token, revoke_token, rotate_token
from kastor.cli.auditing import note_token
from kastor.cli.commands import Commands
from kastor.cli.output import Exit, Output, OutputOption, fail, say
from kastor.cli.token_times import END_FORMS, ago, end_of, seconds_of, until

if TYPE_CHECKING:
    from kastor.auth.tokens import StaticToken
    from kastor.types import Document

app = Commands()
Data = Annotated[Path | None, typer.Option(help="The data folder; default as for `kastor serve`.")]
Config = Annotated[
    Path | None, typer.Option(help="The TOML file of settings that `kastor serve` is given.")
]
PolicyFile = Annotated[
    Path | None,
    typer.Option("--policy", help="The policy file of `kastor serve`; its roles may be given."),
]
Expires = Annotated[
    str | None,
    typer.Option(help=f"When it ends: {END_FORMS}; or never.", metavar="WHEN"),
]
NameArgument = Annotated[str, typer.Argument(help="As `list` prints it.")]


@app.command()
def create(
    role: Annotated[
        str,
        typer.Option(
            help="owner: everything; reader: read and query; sender: hand messages to inputs; "
            "none: no access; or one of the policy file.",
            metavar="ROLE",
            autocompletion=lambda: list(ROLES),
        ),
    ] = "owner",
    name: Annotated[
        str | None, typer.Option(help="Who it is for; stands in the history of each change.")
    ] = None,
    graph: Annotated[
        list[str] | None,
        typer.Option(
            help="A graph that it is for; * stands for any characters; repeatable.",
            metavar="NAME",
            show_default="all graphs",
        ),
    ] = None,
    expires: Expires = None,
    data: Data = None,
    config: Config = None,
    policy: PolicyFile = None,
) -> None:
    """Make a token and print it, once; only its hash is kept."""
    path, roles = _path(data, config), _policy_roles(policy, config) or ROLES
    if role not in roles:
        choice = ", ".join(sorted(roles))
        fail(f"There is no role {role}; choose one of {choice}, or name a --policy.", Exit.USAGE)
    end = None if expires is None else end_of(expires, int(time.time()))
    graphs = tuple(graph or EVERY_GRAPH)
    made = make_token(path, role, name, graphs=graphs, expires=end, roles=roles)
    _note(data, config, "created", made.kept)
    say(made.secret)


@app.command("list")
def list_command(
    output: OutputOption = Output.TABLE,
    data: Data = None,
    config: Config = None,
    policy: PolicyFile = None,
) -> None:
    """Print the tokens: their names, roles, graphs, age, and when they end."""
    from kastor.cli.rows import show_rows

    now, roles = time.time(), _policy_roles(policy, config)
    tokens = list_tokens(_path(data, config))
    if output is Output.JSON:
        show_rows((_document(each, now) for each in tokens), output)
        return
    empty = "No tokens. `kastor token create` makes one."
    show_rows((_row(each, now, roles) for each in tokens), output, empty=empty)


@app.command()
def rotate(
    name: NameArgument,
    grace: Annotated[
        str,
        typer.Option(
            help="For how long the old token goes on working, such as 24h; 0: not at all.",
            metavar="TIME",
        ),
    ] = "1h",
    expires: Annotated[
        str | None,
        typer.Option(
            help=f"When the new one ends: {END_FORMS}; or never.",
            metavar="WHEN",
            show_default="after as long as the old one was made for",
        ),
    ] = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Print a new token with the name, role and graphs of an old one, which ends soon."""
    path, seconds = _path(data, config), seconds_of(grace, "--grace")
    wanted: float | Literal["same"] | None = "same"
    if expires is not None:
        wanted = end_of(expires, int(time.time()))
    made = rotate_token(path, name, grace=seconds, expires=wanted)
    if made is None:
        _fail_unknown(name)
    _note(data, config, "rotated", made.kept)
    say(made.secret, flush=True)
    old = "has ended" if made.old_ends is None else f"works until {_time(made.old_ends)}"
    end = made.kept.expires
    new = "never ends" if end is None else f"ends {_time(end.timestamp())}"
    say(f"The old token of {name} {old}; the new one {new}.", file=sys.stderr)


@app.command()
def revoke(name: NameArgument, data: Data = None, config: Config = None) -> None:
    """Remove a token, with what it was before a rotation; a server notices within seconds."""
    if not revoke_token(_path(data, config), name):
        _fail_unknown(name)
    note_token(data, config, "revoked", name)


def _note(
    data: Path | None, config: Path | None, action: Literal["created", "rotated"], made: StaticToken
) -> None:
    """Tell the audit log of a token, before anybody has it."""
    ends = None if made.expires is None else _time(made.expires.timestamp())
    allows = {"role": made.role, "graphs": made.graphs, "expires": ends}
    note_token(data, config, action, made.name, **allows)


def _fail_unknown(name: str) -> NoReturn:
    fail(f"There is no token named {name}; `kastor token list` shows those there are.")


def _row(token: StaticToken, now: float, roles: Collection[str] | None) -> Document:
    known = roles is None or token.role in roles
    role = token.role if known else f"{token.role} (not in the policy)"
    end = until(token.expires, now)
    return {
        "name": token.name,
        "role": role,
        "graphs": "all" if "*" in token.graphs else ", ".join(token.graphs),
        "created": ago(token.created, now),
        "expires": end if token.rotated is None else f"{end} (rotated)",
    }


def _document(token: StaticToken, now: float) -> Document:
    times = {
        name: None if each is None else _time(each.timestamp())
        for name, each in (
            ("created", token.created),
            ("expires", token.expires),
            ("rotated", token.rotated),
        )
    }
    return {
        "name": token.name,
        "role": token.role,
        "graphs": list(token.graphs),
        **times,
        "expired": token.has_ended(now),
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")


def _path(data: Path | None, config: Path | None) -> Path:
    from kastor.config import data_folder

    return data_folder(data, config) / "tokens"


def _policy_roles(policy: Path | None, config: Path | None) -> Collection[str] | None:
    """Return the roles of the policy file, built-in ones too; None where there is no file."""
    from kastor.config import path_of

    path = path_of("policy", policy, config)
    if path is None:
        return None
    from kastor.auth.policy_file import read_policy

    return read_policy(path).roles
