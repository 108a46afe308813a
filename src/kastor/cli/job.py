"""`kastor job`: long work of a running server, and how it is getting on."""

from __future__ import annotations

import time
from contextlib import ExitStack
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from kastor.cli.commands import Commands
from kastor.cli.connection import Connection
from kastor.cli.output import Exit, Output, OutputOption, fail, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kastor.client import KastorClient
    from kastor.client.calls import Document
    from kastor.client.job_state import JobState

app = Commands()
LOOK_SECONDS = 0.5


class Kind(StrEnum):
    """What kinds of jobs there are."""

    imports = "imports"
    deletions = "deletions"
    uploads = "uploads"
    exports = "exports"
    backups = "backups"
    updates = "updates"
    deletes = "deletes"
    reverts = "reverts"


_OF_CONTRACT = (Kind.imports, Kind.deletions)
Id = Annotated[str, typer.Argument(metavar="JOB", help="The job's id.")]
KindOption = Annotated[
    Kind | None, typer.Option("--kind", "-k", help="Its kind, where several have that id.")
]


@app.command("list")
def list_command(
    connection: Connection,
    kind: Annotated[Kind | None, typer.Option("--kind", "-k", help="Only these.")] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Print all jobs, oldest first."""
    from kastor.cli.rows import show_rows

    with connection.client() as client:
        found = _jobs(client, kind)
        if output is Output.JSON:
            show_rows((_document(each) for each in found), output)
            return
        rows: Iterator[Document] = (
            {
                "id": each.id,
                "kind": each.kind,
                "status": _status(each),
                "created": _minute(each.document.get("createdDateTime")),
            }
            for each in found
        )
        empty = "No jobs. `kastor import` and `kastor delete-all` make some."
        show_rows(rows, output, empty=empty)


@app.command()
def show(
    connection: Connection, job: Id, kind: KindOption = None, output: OutputOption = Output.TABLE
) -> None:
    """Print a job as it is now."""
    from kastor.cli.rows import show_document
    from kastor.cli.settings import flat

    with connection.client() as client:
        found = _document(_found(client, job, kind))
    show_document(found if output is Output.JSON else flat(found), output)


@app.command()
def cancel(connection: Connection, job: Id, kind: KindOption = None) -> None:
    """Stop a job; what it did before stays done."""
    with connection.client() as client:
        found = _found(client, job, kind)
        if found.has_ended:
            say(f"{job} has {_ended(found)} already.")
            return
        client.jobs.cancel(found.kind, job)
    say(f"{job} is being cancelled; `kastor job wait {job}` waits for its end.")


@app.command()
def delete(connection: Connection, job: Id, kind: KindOption = None) -> None:
    """Forget a job that has ended, with its log."""
    with connection.client() as client:
        client.jobs.delete(_found(client, job, kind).kind, job)
    say(f"{job} is gone.")


@app.command()
def resume(connection: Connection, job: Id) -> None:
    """Let an import that failed or was cancelled go on from where it was."""
    with connection.client() as client:
        client.jobs.resume_import(job)
    say(f"{job} goes on; `kastor job wait {job}` waits for its end.")


@app.command()
def log(
    connection: Connection,
    job: Id,
    kind: KindOption = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the job has ended.")
    ] = False,
    output: Annotated[
        Output, typer.Option("--output", "-o", help="How the lines are written.")
    ] = Output.TABLE,
) -> None:
    """Print the log of a job: what it did, and what it could not do."""
    from kastor.cli.rows import show_rows

    with connection.client(patient=follow) as client:
        found = _found(client, job, kind)
        lines = _lines(client, found, follow=follow)
        if output is not Output.TABLE:
            show_rows(lines, output)
            return
        is_empty = True
        for line in lines:
            say(_told(line), flush=follow)
            is_empty = False
        if is_empty:
            say("The log is empty.")


@app.command()
def wait(
    connection: Connection,
    job: Id,
    kind: KindOption = None,
    seconds: Annotated[
        float | None, typer.Option(min=0, help="Wait no longer than this; the job goes on.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Wait until a job has ended.

    Exit status: 0 it succeeded, 7 it did some of it, 1 it failed, was cancelled, or goes on still.
    """
    from kastor.cli.progress import rows_shown

    with connection.client(patient=True) as client, ExitStack() as stack:
        show_progress = None if quiet else rows_shown(stack)

        def looked(state: JobState) -> None:
            if show_progress is not None and state.done is not None:
                show_progress(f"{state.id} {state.status}", state.done, state.of)

        found = client.jobs.wait(_found(client, job, kind), seconds=seconds, on_progress=looked)
    end_as(found)


def end_as(job: JobState) -> None:
    """Say how a job ended, and end the command where it did not do all of it."""
    if job.status == "succeeded":
        say(f"{job.id} has succeeded{_counts(job)}.")
        return
    reason = f": {job.error_message}" if job.error_message else ""
    words = f"{job.id} has {_ended(job)}{_counts(job)}{reason.rstrip('.')}."
    if job.kind not in _OF_CONTRACT:
        words += f" `kastor job log {job.id}` has its log."
    fail(words, Exit.PARTIAL if job.error_code == "ImportPartiallyFailed" else Exit.FAULT)


def _jobs(client: KastorClient, kind: Kind | None) -> Iterator[JobState]:
    from kastor.client.features import JOBS

    if kind is not None or JOBS in client.features():
        yield from client.jobs.list(None if kind is None else kind.value)
        return
    for each in _OF_CONTRACT:
        yield from client.jobs.list(each.value)


def _found(client: KastorClient, job: str, kind: Kind | None) -> JobState:
    """Return a job by its id; ends the command where it is not there, or several are."""
    from kastor.client import NotFoundError
    from kastor.client.features import JOBS

    if kind is not None:
        return client.jobs.get(kind.value, job)
    found: list[JobState] = []
    for each in Kind if JOBS in client.features() else _OF_CONTRACT:
        try:
            found.append(client.jobs.get(each.value, job))
        except NotFoundError:
            continue
    if not found:
        fail(f"There is no job {job}; `kastor job list` shows them.", Exit.NOT_FOUND)
    if len(found) > 1:
        kinds = " or ".join(each.kind for each in found)
        fail(f"Several jobs have the id {job}: say which by --kind {kinds}.", Exit.USAGE)
    return found[0]


def _lines(client: KastorClient, job: JobState, *, follow: bool) -> Iterator[Document]:
    count = 0
    while True:
        for line in client.jobs.log(job.kind, job.id, after=count):
            count += 1
            yield line
        if not follow or job.has_ended:
            return
        time.sleep(LOOK_SECONDS)
        job = client.jobs.get(job.kind, job.id)


def _told(line: Document) -> str:
    details = line.get("details")
    told = details if isinstance(details, dict) else {"": details}
    error = told.get("error")
    words = [f"{name} {value}".strip() for name, value in told.items() if name != "error"]
    if isinstance(error, dict):
        words.append(f"{error.get('code')}: {error.get('message')}")
    return f"{line.get('timestamp', '')}  {line.get('logType', ''):<8}{', '.join(words)}"


def _document(job: JobState) -> Document:
    return {"kind": job.kind, **job.document}


def _status(job: JobState) -> str:
    """Return what a job does, in few cells: a whole id has to stand beside it."""
    if job.has_ended or job.done is None:
        return job.status
    if job.of:
        return f"{job.status} {min(job.done * 100 // job.of, 99)}%"
    return f"{job.status} {job.done:,} {job.unit or ''}".rstrip()


def _minute(time: object) -> str:
    return str(time or "")[:16].replace("T", " ")


def _counts(job: JobState) -> str:
    told = ", ".join(f"{name} {count:,}" for name, count in job.counts.items() if count)
    return f" ({told})" if told else ""


def _ended(job: JobState) -> str:
    return "been cancelled" if job.status == "cancelled" else job.status
