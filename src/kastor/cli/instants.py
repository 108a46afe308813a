"""Instants as people type them: a time, the number of a change, or how long ago."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from kastor.cli.output import Exit, fail

FORMS = "a time with a zone, change:NUMBER, or how long ago, such as 5h"

AsOf = Annotated[
    str | None,
    typer.Option("--as-of", help=f"As it was at an instant: {FORMS}.", metavar="INSTANT"),
]
From = Annotated[
    str | None,
    typer.Option("--from", help=f"From this instant on: {FORMS}.", metavar="INSTANT"),
]
To = Annotated[
    str | None,
    typer.Option("--to", help="Until this instant; both are included.", metavar="INSTANT"),
]

_AGO = re.compile(r"([0-9]{1,9})(s|m|h|d)", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_CHANGE = re.compile(r"change:[0-9]{1,18}", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:[.,]\d+)?(Z|z|[+-]\d\d:?\d\d)?", re.ASCII)


def instant(text: str | None, flag: str) -> str | None:
    """Return an instant as requests name it; ends the command where it is none.

    Args:
        text: what was typed; None: no instant is meant.
        flag: by which it was given.
    """
    return None if text is None else required_instant(text, flag)


def required_instant(text: str, flag: str) -> str:
    """Return the same for one that has to be there."""
    text = text.strip()
    if (ago := _AGO.fullmatch(text)) is not None:
        return _before_now(int(ago[1]) * _SECONDS[ago[2]], text, flag)
    if _CHANGE.fullmatch(text):
        return text
    time = _TIME.fullmatch(text)
    if time is None:
        fail(f"{flag} {text}: an instant is {FORMS}.", Exit.USAGE)
    if time[1] is None:
        fail(f"{flag} {text} has no zone: put Z behind it for UTC, or +02:00.", Exit.USAGE)
    return text.replace(" ", "T", 1)


def _before_now(seconds: int, text: str, flag: str) -> str:
    try:
        then = datetime.now(UTC) - timedelta(seconds=seconds)
    except OverflowError:
        fail(f"{flag} {text}: that is before the calendar begins.", Exit.USAGE)
    return then.isoformat().replace("+00:00", "Z")


def to_the_second(text: object) -> str:
    """Return a time of an answer for a table, without its fraction."""
    head, _, _ = str(text).partition(".")
    return f"{head.rstrip('Z')}Z"
