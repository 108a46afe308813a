"""`kastor audit`: the audit log of a data folder, for people and programs."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kastor.cli.output import Exit, Output, RowsOption, fail, warn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kastor.cli.rows import Document

_COLUMNS = ("time", "who", "what", "outcome")


def audit(
    data: Annotated[
        Path | None, typer.Option(help="The data folder; default as for `kastor serve`.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="The TOML file of settings that `kastor serve` is given.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            help="From this instant on: a time with a zone, or how long ago, such as 5h.",
            metavar="INSTANT",
        ),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl+C.")
    ] = False,
    output: RowsOption = Output.TABLE,
) -> None:
    """Print the audit log: who was refused, who did what only an administrator does."""
    from kastor.audit.reading import AuditReader
    from kastor.cli.rows import show_rows
    from kastor.config import audit_file

    begin = _seconds(since)
    if follow and output not in (Output.TABLE, Output.NDJSON):
        fail(f"--follow has no end, and {output} needs one: give --output ndjson.", Exit.USAGE)
    path = audit_file(data, config)
    if path is None:
        fail("The settings say that there is no audit log: audit_log is off.", Exit.NOT_FOUND)
    reader = AuditReader(path)
    if follow:
        _follow(_since(begin, reader.follow(begin)), output)
    rows: Iterable[Document] = _since(begin, reader.lines(begin))
    if output is Output.TABLE:
        rows = map(_told, rows)
    empty = f"No lines in {path}. A server with --auth writes them."
    columns = _COLUMNS if output is Output.TABLE else None
    show_rows(rows, output, columns=columns, empty=empty)
    if reader.unreadable:
        warn(f"{reader.unreadable} lines could not be read; they are left out.")


def _follow(rows: Iterator[Document], output: Output) -> None:
    """Print lines as they come; a table cannot know how wide what comes will be."""
    from kastor.cli.rows import show_rows
    from kastor.cli.screen import stdout_screen

    to = stdout_screen()
    for row in rows:
        if output is Output.NDJSON:
            show_rows([row], output, screen=to)
        else:
            told = _told(row)
            to.write("  ".join(told[name] for name in _COLUMNS))
        to.stream.flush()


def _seconds(since: str | None) -> float:
    if since is None:
        return 0.0
    from kastor.cli.instants import required_instant

    text = required_instant(since, "--since")
    if text.startswith("change:"):
        fail("--since takes a time with a zone, or how long ago, such as 5h.", Exit.USAGE)
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        fail(f"--since {since}: there is no such time.", Exit.USAGE)


def _since(begin: float, rows: Iterator[Document]) -> Iterator[Document]:
    for row in rows:
        if not begin or _time(row) >= begin:
            yield row


def _time(row: Document) -> float:
    try:
        return datetime.fromisoformat(row["time"]).timestamp()
    except (ValueError, OverflowError):  # not written by Kastor: rather told than left out
        return float("inf")


def _told(row: Document) -> dict[str, str]:
    """Return what people are told of a line."""
    who = row.get("name") or row.get("actor") or row.get("client") or ""
    return {
        "time": str(row["time"]),
        "who": str(who),
        "what": _what(row),
        "outcome": _outcome(row),
    }


def _what(row: Document) -> str:
    match row.get("event"):
        case "tokens":
            parts: tuple[object, ...] = ("token", row.get("token"), row.get("role"))
        case "started":
            parts = ("server", row.get("version"), row.get("address"))
        case "stopped":
            parts = ("server",)
        case "policy":
            parts = ("policy", row.get("path"))
        case "reloaded":
            changed = row.get("changed")
            parts = ("settings", *(changed if isinstance(changed, list) else ()))
        case "suppressed":
            parts = ("more requests",)
        case "missing":
            parts = ("lost lines",)
        case _:
            parts = (row.get("operation"), row.get("method"), row.get("path"))
    return " ".join(str(each) for each in parts if each)


def _outcome(row: Document) -> str:
    match row.get("event"):
        case "refused" | "act" as event:
            done = "done" if event == "act" else event
            parts: tuple[object, ...] = (done, row.get("status"), row.get("permission"))
        case "suppressed":
            parts = (row.get("count"), "with status", row.get("status"))
        case "missing":
            parts = (row.get("count"),)
        case event:
            parts = (row.get("action") or row.get("outcome") or event, row.get("reason"))
    return " ".join(str(each) for each in parts if each not in (None, ""))
