"""How commands speak to people: plain lines on stdout, faults on stderr."""

from __future__ import annotations

import sys
from collections.abc import Sized
from enum import IntEnum, StrEnum
from typing import Annotated, Literal, NoReturn

import typer


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
FAULT = Exit.FAULT
SEEN = (
    "A password on the command line is seen by every user of this machine. Better: {}, or "
    "PGPASSFILE."
)


def warn(message: str) -> None:
    """Print what somebody should know, and go on."""
    print(f"kastor: warning: {message}", file=sys.stderr)


def none_yet(rows: Sized, noun: str, cure: str) -> None:
    """Say that a list is empty, and how to put something into it; say nothing where it is not.

    Args:
        rows: what was listed.
        noun: what it lists, in the plural.
        cure: the rest of a sentence that begins with a command.
    """
    if not len(rows):
        print(f"No {noun}. {cure}")


def fail(message: str, status: int = FAULT) -> NoReturn:
    """Print a fault and end the command."""
    for line in message.splitlines():
        print(f"kastor: {line}", file=sys.stderr)
    raise typer.Exit(status)
