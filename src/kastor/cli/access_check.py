"""`kastor access`: who may do what, by the files that a server reads; no server is asked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kastor.cli.commands import Commands
from kastor.cli.output import Exit, Output, OutputOption, say

if TYPE_CHECKING:
    from kastor.auth.judgement import Judgement
    from kastor.auth.policy import Policy
    from kastor.cli.access_asked import AccessQuestion
    from kastor.types import Document

app = Commands()
PolicyOption = Annotated[
    Path | None, typer.Option("--policy", help="The policy file; default as for `kastor serve`.")
]
DataOption = Annotated[
    Path | None, typer.Option("--data", help="The data folder; default as for `kastor serve`.")
]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="The TOML file of settings that `kastor serve` is given."),
]


@app.command()
def check(
    who: Annotated[
        str,
        typer.Argument(
            metavar="WHO",
            help="token:NAME, or what a token says: role=NAME, group=ID, scope=NAME, app=ID, "
            "subject=ID, issuer=URL, several joined by commas.",
        ),
    ],
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT",
            help='A permission, an operation id, or a request such as "PATCH /digitaltwins/a".',
        ),
    ],
    graph: Annotated[
        str | None, typer.Option(help="Where; default: that of the path, or the default graph.")
    ] = None,
    policy: PolicyOption = None,
    data: DataOption = None,
    config: ConfigOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Say whether somebody may do something, by which rule, or what would allow it.

    Refused, it exits with 5.
    """
    from kastor.auth.callers import has_ended
    from kastor.auth.judgement import judge, words_of
    from kastor.cli.access_asked import asked_of, principal_of
    from kastor.cli.rows import show_document
    from kastor.config import data_folder

    asked = asked_of(what, graph)
    file, rules = _policy(policy, config)
    principal = principal_of(who, data_folder(data, config) / "tokens")
    found = judge(rules, principal, asked.permission, asked.graph)
    allowed, told = found.allowed, words_of(found, file)
    if has_ended(principal):
        allowed, told = False, f"refused: the token {principal.name} has ended; make another."
    if output is Output.JSON:
        show_document({"allowed": allowed, **_shown(found, asked), "message": told}, output)
    else:
        say(told)
    if not allowed:
        raise typer.Exit(Exit.NO_ACCESS)


@app.command()
def roles(
    policy: PolicyOption = None,
    config: ConfigOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """List the roles that are built in and those of the policy, with what they let do."""
    from kastor.auth.roles import KNOWN_CALLERS, OWNER, ROLES
    from kastor.cli.rows import show_rows

    file, rules = _policy(policy, config)
    rows = []
    for name, permissions in rules.roles.items():
        listed: list[str] = sorted(permissions - KNOWN_CALLERS)
        words = "all" if permissions == OWNER else ", ".join(listed) or "none"
        shown = listed if output is Output.JSON else words
        rows.append(
            {"role": name, "from": "built in" if name in ROLES else file, "permissions": shown}
        )
    show_rows(rows, output)


@app.command()
def permissions(output: OutputOption = Output.TABLE) -> None:
    """List the permissions that roles can give, with the operations that need them."""
    from kastor.api.operations import OPERATIONS
    from kastor.auth.roles import KNOWN_CALLERS, SERVER_WIDE, Permission
    from kastor.cli.rows import show_rows

    rows = []
    for each in sorted(set(Permission) - KNOWN_CALLERS):
        needing = sorted(row.id for row in OPERATIONS if row.permission is each)
        as_json = {"serverWide": each in SERVER_WIDE, "operations": needing}
        as_table = {"operations": ", ".join(needing)}
        rows.append({"permission": str(each), **(as_json if output is Output.JSON else as_table)})
    show_rows(rows, output)


def _policy(flag: Path | None, config: Path | None) -> tuple[str, Policy]:
    """Return what the policy file is called, and what it says."""
    from kastor.auth.policy import DEFAULT_POLICY
    from kastor.config import path_of

    path = path_of("policy", flag, config)
    if path is None:
        return "the policy", DEFAULT_POLICY
    from kastor.auth.policy_file import read_policy

    return path.name, read_policy(path)


def _shown(found: Judgement, asked: AccessQuestion) -> Document:
    from kastor.auth.access_book import judgement_shown

    shown = judgement_shown(found)
    return {"permission": shown.pop("permission"), "operation": asked.operation, **shown}
