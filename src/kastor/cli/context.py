"""`kastor context`: saved addresses, with what is needed to be let in there."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kastor.cli.commands import Commands
from kastor.cli.contexts import (
    SavedContext,
    SavedContexts,
    contexts_file,
    is_seen_by_others,
    load_contexts,
    save_contexts,
)
from kastor.cli.output import Exit, Output, OutputOption, fail, none_yet, say, warn

if TYPE_CHECKING:
    from kastor.cli.rows import Document

app = Commands()
Name = Annotated[str, typer.Argument(help="The name of a context.")]


class LoginKind(StrEnum):
    """Where a token may be had from."""

    azure = "azure"


@app.command()
def add(
    name: Name,
    url: Annotated[
        str,
        typer.Option(
            help="Address of the server, or of a graph of it: http://HOST/graphs/NAME.",
            metavar="URL",
        ),
    ],
    token_file: Annotated[
        Path | None, typer.Option(help="A file that holds the token; it is read at each use.")
    ] = None,
    token_variable: Annotated[
        str | None, typer.Option(help="A variable that holds the token.", metavar="NAME")
    ] = None,
    token_stdin: Annotated[
        bool,
        typer.Option(
            "--token-stdin", help="Read the token from standard input, and keep it with the rest."
        ),
    ] = False,
    login: Annotated[
        LoginKind | None,
        typer.Option(help="Take the credentials of Microsoft Entra, such as those of `az login`."),
    ] = None,
    ca_file: Annotated[
        Path | None, typer.Option(help="Certificate to trust, for --tls-dev servers.")
    ] = None,
    use: Annotated[bool, typer.Option("--use", help="Make it the current one.")] = False,
) -> None:
    """Save an address, or replace the one of that name.

    A token goes into a file of your own, into a variable, or into the file of contexts; none is
    given on the command line, where other users could see it.
    """
    from kastor.client.address import read_address

    ways = (token_file is not None, token_variable is not None, token_stdin, login is not None)
    if sum(ways) > 1:
        fail("Give one of --token-file, --token-variable, --token-stdin and --login.", Exit.USAGE)
    try:
        address = read_address(url).graph
    except ValueError as error:
        fail(str(error), Exit.USAGE)
    contexts = load_contexts()
    made = SavedContext(
        url=address,
        token_file=_absolute(token_file),
        token_variable=token_variable,
        token=_token() if token_stdin else None,
        login=None if login is None else login.value,
        ca_file=_absolute(ca_file),
    )
    contexts.add(name, made)
    if use:
        contexts.current = name
    path = save_contexts(contexts)
    say(f"Saved {name} in {path}.")
    if contexts.current != name:
        say(f"`kastor context use {name}` makes it the current one.")


@app.command("use")
def use_command(
    name: Annotated[str | None, typer.Argument(help="The name of a context.")] = None,
    none: Annotated[bool, typer.Option("--none", help="Have no current context.")] = False,
) -> None:
    """Make a context the current one: what all commands talk to that name no other."""
    if (name is None) != none:
        fail("Give the name of a context, or --none.", Exit.USAGE)
    contexts = load_contexts()
    if name is not None:
        url = contexts.get(name).url
        contexts.current = name
        say(f"Commands talk to {url} from now on.")
    else:
        contexts.current = None
        say("There is no current context any more.")
    save_contexts(contexts)
    if overriding := [each for each in ("KASTOR_URL", "KASTOR_CONTEXT") if os.environ.get(each)]:
        warn(f"{' and '.join(overriding)} is set here, and comes before it.")


@app.command("list")
def list_command(output: OutputOption = Output.TABLE) -> None:
    """Print all contexts; the current one has a star."""
    from kastor.cli.rows import show_rows

    contexts = load_contexts()
    _warn_of_others()
    if output is Output.JSON:
        show_rows((_document(contexts, name) for name in contexts.by_name), output)
        return
    none_yet(contexts.by_name, "contexts", "`kastor context add` saves one.")
    rows: list[Document] = [
        {
            "": "*" if name == contexts.current else "",
            "name": name,
            "url": each.url,
            "access": each.access,
        }
        for name, each in contexts.by_name.items()
    ]
    show_rows(rows, output, columns=("", "name", "url", "access"))


@app.command()
def show(
    name: Annotated[str | None, typer.Argument(help="By default the current one.")] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Print a context; of a token that is kept only that there is one."""
    from kastor.cli.rows import show_document

    contexts = load_contexts()
    show_document(_document(contexts, contexts.named(name)), output)


@app.command()
def current() -> None:
    """Print the name of the current context."""
    say(load_contexts().named(None))


@app.command()
def remove(name: Name) -> None:
    """Remove a context, and the token that is kept with it."""
    contexts = load_contexts()
    contexts.get(name)
    del contexts.by_name[name]
    if contexts.current == name:
        contexts.current = None
    save_contexts(contexts)
    say(f"{name} is gone.")


def _document(contexts: SavedContexts, name: str) -> Document:
    found = contexts.get(name)
    members = {
        "name": name,
        "url": found.url,
        "isCurrent": contexts.current == name,
        "access": found.access,
        "caFile": found.ca_file,
    }
    return {key: value for key, value in members.items() if value is not None}


def _absolute(path: Path | None) -> str | None:
    return None if path is None else str(path.expanduser().absolute())


def _token() -> str:
    if sys.stdin.isatty():
        import getpass

        text = getpass.getpass("Token: ")
    else:
        text = sys.stdin.read(65_536)
    token = text.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        fail("What standard input holds is no token.", Exit.USAGE)
    return token


def _warn_of_others() -> None:
    path = contexts_file()
    if is_seen_by_others(path):
        warn(f"Others may read {path}, where tokens may stand: chmod 600 it.")
