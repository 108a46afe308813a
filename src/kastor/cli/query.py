"""`kastor query`, a query and its rows; `kastor shell`, where queries are typed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from kastor.cli.connection import Connection, end_with
from kastor.cli.instants import AsOf, instant
from kastor.cli.output import Exit, Output, RowsOption, fail, say, warn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.cli.shell.question import Question
    from kastor.client import ClientError, KastorClient


def query(
    connection: Connection,
    text: Annotated[
        str | None,
        typer.Argument(
            metavar="TEXT",
            help="The query; - reads it from standard input, @FILE from a file. Without one a "
            "terminal gets the shell.",
        ),
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option(
            help="The value of a $NAME in the query, as JSON or else a text; repeatable.",
            metavar="NAME=VALUE",
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="The most rows to print.", metavar="COUNT")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say how the query runs and what would help it.")
    ] = False,
    watch: Annotated[
        bool,
        typer.Option("--watch", help="Go on and print rows that come, change and go; see Ctrl+C."),
    ] = False,
    as_of: AsOf = None,
    output: RowsOption = Output.TABLE,
) -> None:
    """Run a query and print its rows; without a text, open the shell."""
    if text is None and sys.stdin.isatty():
        if not sys.stdout.isatty():
            fail("Give the text of a query, - for standard input, or @FILE.", Exit.USAGE)
        shell(connection, output)
        return
    ask(
        connection, text or "-", param or (),
        output=output, limit=limit, explain=explain, watch=watch, as_of=as_of,
    )  # fmt: skip


def shell(connection: Connection, output: RowsOption = Output.TABLE) -> None:
    """Open the shell: queries with history, completion and commands that describe the graph."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        fail("The shell needs a terminal. For scripts there is kastor query TEXT.", Exit.USAGE)
    from kastor.cli.shell.prompt import run_shell

    run_shell(connection, output)


def ask(
    connection: Connection,
    text: str,
    parameters: Sequence[str] = (),
    *,
    output: Output = Output.TABLE,
    limit: int | None = None,
    explain: bool = False,
    watch: bool = False,
    as_of: str | None = None,
) -> None:
    """Run one query for a command, and end that in words where it does not work.

    Args:
        connection: to the server.
        text: the query, `-` or `@FILE`.
        parameters: `NAME=VALUE` each.
        output: how rows are printed.
        limit: the most rows.
        explain: print how it runs in their place.
        watch: go on with what becomes of them.
        as_of: the instant of the past that is asked, as it was typed.
    """
    from kastor.cli.shell.question import Question, QuestionError, read_parameters, read_text

    if watch and (explain or limit is not None):
        fail("--watch goes without --explain and --limit.", Exit.USAGE)
    if watch and as_of is not None:
        fail("--watch tells what becomes of the present: leave out --as-of.", Exit.USAGE)
    if watch and output in (Output.JSON, Output.CSV):
        fail("--watch prints a table for people, or lines with --output ndjson.", Exit.USAGE)
    try:
        question = Question(read_text(text), read_parameters(parameters), instant(as_of, "--as-of"))
    except QuestionError as error:
        fail(str(error), Exit.USAGE)
    with connection.client() as client:
        _run(client, question, output=output, limit=limit, explain=explain, watch=watch)


def _run(
    client: KastorClient,
    question: Question,
    *,
    output: Output,
    limit: int | None,
    explain: bool,
    watch: bool,
) -> None:
    from kastor.cli.shell.answers import show_answer
    from kastor.client import ClientError

    try:
        if watch:
            _watch(client, question, output)
        else:
            show_answer(client, question, output, explain=explain, limit=limit, warn=warn)
    except ClientError as error:
        _end(error, question.text)


def _watch(client: KastorClient, question: Question, output: Output) -> None:
    """Watch until Ctrl+C, which is how this ends well."""
    from kastor.cli.shell.watching import watch

    if output is Output.TABLE and not sys.stdout.isatty():
        output = Output.NDJSON
    try:
        watch(client, question, output)
    except KeyboardInterrupt:
        if sys.stdout.isatty():
            say()  # behind the ^C that the terminal has written


def _end(error: ClientError, text: str) -> NoReturn:
    from kastor.cli.shell.faults import lines_of, spot_of

    if spot_of(error) is None:
        end_with(error)
    fail("\n".join(lines_of(error, text)))
