"""How commands speak to people: plain lines on stdout, faults on stderr."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator, Sized
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Annotated, Literal, NoReturn, TextIO

import typer

from kastor.cli.screen import harmless


class Exit(IntEnum):
    """Exit statuses; they never change their meaning."""

    DONE = 0
    FAULT = 1
    USAGE = 2
    NOT_FOUND = 3
    CONFLICT = 4
    """What is there does not go with it, or is another version."""
    NO_ACCESS = 5
    UNREACHABLE = 6
    PARTIAL = 7
    """Some of it was done, and the rest is told."""
    INTERRUPTED = 130
    """By Ctrl+C."""
    UNREAD = 141
    """Who read the answer went away, as `head` does; as of any program that SIGPIPE ends."""


class Output(StrEnum):
    """How an answer is written."""

    TABLE = "table"
    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"


_FLAG = typer.Option("--output", "-o", help="How the answer is written.")
OutputOption = Annotated[Literal[Output.TABLE, Output.JSON], _FLAG]
"""Of commands that show a list or a document."""
RowsOption = Annotated[Output, _FLAG]
"""Of commands that show rows, also many."""
JsonOption = Annotated[bool, typer.Option("--json", help="The same as --output json.")]
FAULT = Exit.FAULT
SEEN = (
    "A password on the command line is seen by every user of this machine. Better: {}, or "
    "PGPASSFILE."
)


def say(
    text: object = "", *, file: TextIO | None = None, end: str = "\n", flush: bool = False
) -> None:
    """Print a text as `print` does, so that it does nothing to a terminal, whoever wrote it.

    What servers and files say is in most lines, and would else move the cursor or set the title.
    """
    print(harmless(str(text)), file=file, end=end, flush=flush)


def warn(message: str) -> None:
    """Print what somebody should know, and go on."""
    say(f"kastor: warning: {message}", file=sys.stderr)


def none_yet(rows: Sized, noun: str, cure: str) -> None:
    """Say that a list is empty, and how to put something into it; say nothing where it is not.

    Args:
        rows: what was listed.
        noun: what it lists, in the plural.
        cure: the rest of a sentence that begins with a command.
    """
    if not len(rows):
        say(f"No {noun}. {cure}")


def ask(question: str) -> None:
    """Ask whether to go on; a no ends the command, and so does a place where nobody can answer."""
    if not sys.stdin.isatty():
        fail(f"{question} Nobody can be asked here: give --yes to say so.", Exit.USAGE)
    say(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        fail("Nothing was changed.")


def flush() -> None:
    """Write what is not written yet; ends the process where that cannot be done."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        give_up()
        sys.exit(Exit.UNREAD)
    except OSError as error:
        give_up()
        say(f"kastor: The answer cannot be written: {error.strerror}.", file=sys.stderr)
        sys.exit(Exit.FAULT)


def speak_utf8() -> None:
    """Have answers in UTF-8 where the locale has another encoding, as JSON and CSV are everywhere.

    A terminal gets what it can show, and question marks for the rest.
    """
    for stream in (sys.stdout, sys.stderr):
        if not isinstance(stream, io.TextIOWrapper) or stream.encoding.lower() == "utf-8":
            continue
        if stream.isatty():
            stream.reconfigure(errors="replace")
        else:
            stream.reconfigure(encoding="utf-8")


@contextlib.contextmanager
def written() -> Iterator[None]:
    """Return a block that writes an answer outside of any command, such as a help."""
    try:
        yield
    except (BrokenPipeError, SystemExit):  # the latter is what rich makes of the former
        give_up()
        raise typer.Exit(Exit.UNREAD) from None
    except OSError as error:
        give_up()
        fail(f"The answer cannot be written: {error.strerror}.")


def give_up() -> None:
    """Have nothing more written to stdout, not by the end of the interpreter either."""
    sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - to the end


def interrupted() -> NoReturn:
    """End a command that was stopped with Ctrl+C."""
    if sys.stderr.isatty():
        say(file=sys.stderr)  # the terminal has written ^C
    fail("Stopped.", Exit.INTERRUPTED)


def fail(message: str, status: int = FAULT) -> NoReturn:
    """Print a fault and end the command."""
    for line in message.splitlines():
        say(f"kastor: {line}", file=sys.stderr)
    raise typer.Exit(status)
