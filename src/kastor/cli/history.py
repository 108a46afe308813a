"""`kastor history`: the past of a graph of a running server."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Annotated

import typer

from kastor.cli.commands import CommandEntry, Commands
from kastor.cli.connection import Connection
from kastor.cli.instants import From, To, instant, to_the_second
from kastor.cli.output import Exit, Output, OutputOption, RowsOption, fail

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kastor.cli.rows import Document
    from kastor.cli.screen import Screen
    from kastor.client import KastorClient

app = Commands(
    (
        CommandEntry(
            "diff",
            "kastor.cli.history_changes:diff",
            "Print what differs between two instants: what was added, removed or changed, and how.",
        ),
        CommandEntry(
            "revert",
            "kastor.cli.history_changes:revert",
            "Go back to an instant: a twin, a query's result or the whole graph. It asks first.",
        ),
    )
)
LINED = 10_000
"""Rows of a series that a line of bars is drawn of; more have none."""
_BUCKET_VALUES = ("avg", "last", "max", "min", "count")
"""What the bars show of buckets: the first of them that is told."""
_NOT_KNOWN = "not known, the version before is not kept; see it with --documents"

Twin = Annotated[str, typer.Argument(metavar="TWIN", help="Id of the twin.")]
Relationship = Annotated[
    str | None,
    typer.Option(
        "--relationship", "-r", help="A relationship that goes from the twin.", metavar="ID"
    ),
]


@app.command()
def show(
    connection: Connection,
    twin: Twin,
    relationship: Relationship = None,
    start: From = None,
    end: To = None,
    newest: Annotated[bool, typer.Option("--newest", help="The newest first.")] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, help="The most versions to print.", metavar="COUNT")
    ] = None,
    documents: Annotated[
        bool, typer.Option("--documents", help="Whole documents in place of what changed.")
    ] = False,
    output: RowsOption = Output.TABLE,
) -> None:
    """Print the versions of a twin or a relationship, also of a deleted one: who, when, what."""
    from kastor.cli.rows import show_rows

    first, last = instant(start, "--from"), instant(end, "--to")
    with connection.client() as client:
        past = client.history
        found = (
            past.twin(twin, start=first, end=last, as_patches=not documents, newest_first=newest)
            if relationship is None
            else past.relationship(
                *(twin, relationship),
                start=first,
                end=last,
                as_patches=not documents,
                newest_first=newest,
            )
        )
        rows: Iterable[Document] = islice(found, limit)
        if output is Output.TABLE:
            rows = (_told(each, whole=documents) for each in rows)
        columns = ("version", "change", "time", "actor", "what")
        shown = columns if output is Output.TABLE else None
        show_rows(rows, output, columns=shown, empty="No versions between these instants.")


def _told(entry: Document, *, whole: bool) -> Document:
    from kastor.cli.changes_told import words_of_patch

    if entry.get("deleted"):
        what: object = "deleted"
    elif "patch" in entry:
        what = words_of_patch(entry["patch"])
    else:
        what = entry["document"] if whole else _NOT_KNOWN
    via = entry.get("via")
    return {
        "version": entry["version"],
        "change": entry["change"],
        "time": to_the_second(entry["from"]),
        "actor": entry["actor"] if via is None else f"{entry['actor']}, {_way(via)}",
        "what": what if via is None else f"{what} ({_why(via)})",
    }


def _way(via: Document) -> str:
    return "through an agent" if via["way"] == "mcp" else "by a proposal"


def _why(via: Document) -> str:
    """Return who approved a change and why it was proposed."""
    approved = f"approved by {via['approver']}; " if "approver" in via else ""
    return f"{approved}{via['reason']}"


@app.command()
def series(
    connection: Connection,
    twin: Twin,
    path: Annotated[
        str | None,
        typer.Argument(
            metavar="PATH",
            help="The property: NAME, COMPONENT.NAME or /COMPONENT/NAME; a place in messages with "
            "--telemetry.",
        ),
    ] = None,
    relationship: Relationship = None,
    start: From = None,
    end: To = None,
    bucket: Annotated[
        str | None,
        typer.Option(help="A row for each stretch of time, such as 15m.", metavar="LENGTH"),
    ] = None,
    agg: Annotated[
        list[str] | None,
        typer.Option(
            help="What is told of a bucket: avg, min, max, last or count; repeatable.",
            metavar="NAME",
        ),
    ] = None,
    source_time: Annotated[
        bool, typer.Option("--source-time", help="By the times that the sources gave.")
    ] = False,
    telemetry: Annotated[
        bool, typer.Option("--telemetry", help="Of kept telemetry, not of a property.")
    ] = False,
    component: Annotated[
        str | None, typer.Option(help="Of the telemetry of this component.", metavar="NAME")
    ] = None,
    output: RowsOption = Output.TABLE,
) -> None:
    """Print the values of a property over time; a terminal gets a line of bars above them."""
    from kastor.cli.rows import show_rows
    from kastor.cli.screen import stdout_screen
    from kastor.cli.typed_values import path_keys, pointer

    _require_sense(path, relationship, agg, bucket, component, telemetry=telemetry)
    if source_time and relationship is not None:
        fail("--source-time is of twins: relationships have no source times.", Exit.USAGE)
    wish = _Series(
        twin=twin,
        place=pointer(path_keys(path, "PATH")) if path else "",
        relationship=relationship,
        component=component,
        telemetry=telemetry,
        by_source_time=source_time,
        start=instant(start, "--from"),
        end=instant(end, "--to"),
        bucket=bucket,
        aggregates=tuple(agg or ()),
    )
    to = stdout_screen()
    with connection.client() as client:
        rows = wish.rows(client)
        if output is Output.TABLE:
            rows = map(_row, _with_bars(rows, to) if to.is_terminal else rows)
        show_rows(rows, output, empty="No values between these instants.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Series:
    """What a series is asked of."""

    twin: str
    place: str
    relationship: str | None
    component: str | None
    telemetry: bool
    by_source_time: bool
    start: str | None
    end: str | None
    bucket: str | None
    aggregates: tuple[str, ...]

    def rows(self, client: KastorClient) -> Iterator[Document]:
        """Return the rows, which are read as they are wanted."""
        past = client.history
        if self.telemetry:
            return iter(
                past.telemetry(
                    self.twin,
                    self.place,
                    component=self.component,
                    start=self.start,
                    end=self.end,
                    bucket=self.bucket,
                    aggregates=self.aggregates,
                    by_source_time=self.by_source_time,
                )
            )
        if self.relationship is not None:
            return iter(
                past.relationship_series(
                    self.twin,
                    self.relationship,
                    self.place,
                    start=self.start,
                    end=self.end,
                    bucket=self.bucket,
                    aggregates=self.aggregates,
                )
            )
        return iter(
            past.series(
                self.twin,
                self.place,
                start=self.start,
                end=self.end,
                bucket=self.bucket,
                aggregates=self.aggregates,
                by_source_time=self.by_source_time,
            )
        )


def _require_sense(
    path: str | None,
    relationship: str | None,
    agg: list[str] | None,
    bucket: str | None,
    component: str | None,
    *,
    telemetry: bool,
) -> None:
    if path is None and not telemetry:
        fail("PATH is missing: the name of a property, or COMPONENT.NAME.", Exit.USAGE)
    if telemetry and relationship is not None:
        fail("Relationships have no telemetry.", Exit.USAGE)
    if component is not None and not telemetry:
        fail("--component is of --telemetry; a property is COMPONENT.NAME.", Exit.USAGE)
    if agg and bucket is None:
        fail("--agg tells of buckets: give --bucket too, such as --bucket 1h.", Exit.USAGE)


def _row(found: Document) -> Document:
    """Return a row for a table: times to the second, and means to a few digits."""
    shown = dict(found)
    for name in ("time", "from", "to"):
        if name in shown:
            shown[name] = to_the_second(shown[name])
    if isinstance(shown.get("avg"), float):
        shown["avg"] = round(shown["avg"], 6)
    return shown


def _with_bars(rows: Iterator[Document], to: Screen) -> Iterator[Document]:
    """Draw the numbers of a series, and return its rows."""
    from kastor.cli.sparkline import sparkline

    held = list(islice(rows, LINED + 1))
    if 1 < len(held) <= LINED:
        numbers = [each for each in map(_number, held) if each is not None]
        if len(numbers) > 1:
            ends = f"{min(numbers):g} to {max(numbers):g}"
            to.write(f"{sparkline(numbers, to.width - len(ends) - 2)}  {ends}")
    return chain(held, rows)


def _number(row: Document) -> float | None:
    """Return what the bars show of a row; None where that is no number."""
    names = ("value", *_BUCKET_VALUES)
    value = next((row[name] for name in names if name in row), None)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


@app.command()
def status(connection: Connection, output: OutputOption = Output.TABLE) -> None:
    """Say how much of the past is kept, from when on, and what it takes."""
    from kastor.cli.kept_told import lines_of
    from kastor.cli.rows import show_document

    with connection.client() as client:
        found = client.history.status()
    show_document(found if output is Output.JSON else dict(lines_of(found)), output)
