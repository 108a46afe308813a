"""How commands speak to people: plain lines on stdout, faults on stderr."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer

FAULT = 1
SEEN = (
    "A password on the command line is seen by every user of this machine. Better: {}, or "
    "PGPASSFILE."
)


def warn(message: str) -> None:
    """Print what somebody should know, and go on."""
    print(f"kastor: warning: {message}", file=sys.stderr)


def fail(message: str, status: int = FAULT) -> NoReturn:
    """Print a fault and end the command."""
    for line in message.splitlines():
        print(f"kastor: {line}", file=sys.stderr)
    raise typer.Exit(status)
