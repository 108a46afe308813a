"""`kastor history diff` and `kastor history revert`: what became different, and the way back."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from kastor.cli.connection import Connection
from kastor.cli.given import confirm
from kastor.cli.instants import FORMS, required_instant
from kastor.cli.output import Exit, Output, OutputOption, RowsOption, fail, say
from kastor.cli.twin_flags import DryRun, Yes
from kastor.cli.written import NOTHING_CHANGED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kastor.cli.rows import Document
    from kastor.client import KastorClient
    from kastor.client.job_state import JobState

_COLUMNS = ("what", "kind", "source", "id", "changes")
Query = Annotated[
    str | None,
    typer.Option("--query", "-q", help="Only what this query finds.", metavar="TEXT"),
]


def diff(
    connection: Connection,
    start: Annotated[str, typer.Argument(metavar="FROM", help=f"The older instant: {FORMS}.")],
    end: Annotated[
        str | None, typer.Argument(metavar="TO", help="The newer one; without it now.")
    ] = None,
    query: Query = None,
    output: RowsOption = Output.TABLE,
) -> None:
    """Print what differs between two instants: what was added, removed or changed, and how."""
    first = required_instant(start, "FROM")
    last = None if end is None else required_instant(end, "TO")
    with connection.client() as client:
        found = client.history.differences(first, last, query=query)
        _show(found, output, "Nothing differs.")


def revert(
    connection: Connection,
    as_of: Annotated[str, typer.Argument(metavar="INSTANT", help=f"Where to: {FORMS}.")],
    twin: Annotated[
        str | None, typer.Option("--twin", "-t", help="This twin with its relationships.")
    ] = None,
    query: Query = None,
    whole: Annotated[bool, typer.Option("--all", help="The whole graph.")] = False,
    atomic: Annotated[bool, typer.Option("--atomic", help="All of it or nothing.")] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Go back to an instant: a twin, a query's result or the whole graph. It asks first.

    By ordinary writes, which have events and a history too. One of --twin, --query and --all says
    what goes back.
    """
    if (twin is not None) + (query is not None) + whole != 1:
        fail("Give one of --twin, --query and --all: it says what goes back.", Exit.USAGE)
    then = required_instant(as_of, "INSTANT")
    if dry_run:
        with connection.client() as client:
            _show(
                client.history.try_revert(then, twin=twin, query=query, atomic=atomic),
                output,
                "It is so already.",
            )
        if output is Output.TABLE:
            say(NOTHING_CHANGED)
        return
    what = "the whole graph" if whole else f"the twin {twin}" if twin else "what the query finds"
    confirm(f"Take {what} back to {then}?", yes=yes)
    with connection.client(patient=True) as client:
        begun = client.history.revert(then, twin=twin, query=query, atomic=atomic)
        _end(_waited(client, begun), output)


def _waited(client: KastorClient, begun: JobState) -> JobState:
    """Wait for a job's end, and show meanwhile how far it is."""
    from kastor.cli.progress import rows_shown

    with ExitStack() as stack:
        show = rows_shown(stack)

        def looked(state: JobState) -> None:
            if state.done is not None:
                show(f"{state.id} {state.status}", state.done, state.of)

        return client.jobs.wait(begun, on_progress=looked)


def _end(job: JobState, output: Output) -> None:
    from kastor.cli.job import end_as
    from kastor.cli.rows import show_document

    if output is Output.JSON:
        show_document(job.document, output)
        if job.status == "succeeded":
            return
    end_as(job)


def _show(rows: Iterable[Document], output: Output, empty: str) -> None:
    from kastor.cli.rows import show_rows

    is_table = output is Output.TABLE
    shown = map(_told, rows) if is_table else rows
    show_rows(shown, output, columns=_COLUMNS if is_table else None, empty=empty)


def _told(row: Document) -> Document:
    from kastor.cli.changes_told import words_of_patch

    return {
        "what": row["what"],
        "kind": row["kind"],
        "source": row.get("source", ""),
        "id": row["id"],
        "changes": words_of_patch(row["patch"]) if "patch" in row else "",
    }
