"""The calls of jobs: the contract's (rest-api B.6, B.7) and Kastor's own (decisions 5)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from kastor.client import features
from kastor.client.calls import (
    NDJSON,
    Content,
    Document,
    HttpAnswer,
    HttpCall,
    Repetition,
    encoded,
    nothing,
    read,
    segments,
)
from kastor.client.errors import UnsendableError
from kastor.client.instants import Instant, instant_text
from kastor.client.job_state import JobState, decode_job, job_of
from kastor.client.pages import ListingPage, decode_page

OPERATION_ID = "operation-id"
OF_CONTRACT: Mapping[str, str] = {"imports": "/jobs/imports", "deletions": "/jobs/deletions"}
_OWN: Mapping[str, str] = {
    "uploads": "/kastor/v1/jobs/imports",
    "exports": "/kastor/v1/jobs/exports",
    "backups": "/kastor/v1/jobs/backups",
    "updates": "/kastor/v1/jobs/updates",
    "deletes": "/kastor/v1/jobs/deletes",
    "reverts": "/kastor/v1/jobs/reverts",
}
KINDS = (*OF_CONTRACT, *_OWN)
"""What kinds of jobs there are."""


def list_jobs(kind: str | None, size: int | None) -> HttpCall[ListingPage[JobState]]:
    """Return the call of the jobs of a kind; without one of all kinds, which Kastor alone has."""
    path, needs = ("/kastor/v1/jobs", features.JOBS) if kind is None else _place(kind)
    headers = {"max-items-per-page": None if size is None else str(size)}
    return read(path, partial(_page, kind=kind or ""), headers=headers, needs=needs)


def get_job(kind: str, job: str) -> HttpCall[JobState]:
    """Return the call of one job."""
    path, needs = _place(kind)
    return read(f"{path}{segments(job)}", partial(decode_job, kind=kind), needs=needs)


def cancel_job(kind: str, job: str) -> HttpCall[JobState]:
    """Return the call that cancels a job; a repeated one says and does the same."""
    if kind == "deletions":
        raise UnsendableError("A deletion of the contract cannot be cancelled.")
    path, needs = _place(kind)
    return _post(f"{path}{segments(job)}/cancel", kind, needs, Repetition.RECOGNISED)


def resume_import(job: str) -> HttpCall[JobState]:
    """ImportJobs_Resume."""
    path = f"{OF_CONTRACT['imports']}{segments(job)}/resume"
    return _post(path, "imports", features.RESUME, Repetition.UNDONE)


def delete_job(kind: str, job: str) -> HttpCall[None]:
    """Return the call that forgets a job that has ended."""
    if kind == "deletions":
        raise UnsendableError("A deletion of the contract cannot be forgotten; it goes by itself.")
    path, needs = _place(kind)
    return HttpCall("DELETE", f"{path}{segments(job)}", nothing, needs=needs)


def job_log(kind: str, job: str, after: int) -> HttpCall[None]:
    """Return the call whose answer is a stream of lines."""
    if kind in OF_CONTRACT:
        raise UnsendableError(f"Jobs of the kind {kind} have no log to read here.")
    path, needs = _place(kind)
    query = {"after": str(after)}
    return read(f"{path}{segments(job)}/log", nothing, query=query, needs=needs)


def put_import(job: str, source: str, log: str) -> HttpCall[JobState]:
    """ImportJobs_Add."""
    body = encoded({"inputBlobUri": source, "outputBlobUri": log})
    decode = partial(decode_job, kind="imports")
    return HttpCall("PUT", f"{OF_CONTRACT['imports']}{segments(job)}", decode, content=body)


def add_deletion(minutes: int | None, operation_id: str | None) -> HttpCall[JobState]:
    """DeleteJobs_Add; a repeated one is refused, so that it is not repeated blindly."""
    return HttpCall(
        "POST",
        OF_CONTRACT["deletions"],
        partial(decode_job, kind="deletions"),
        {"timeoutInMinutes": None if minutes is None else str(minutes)},
        {OPERATION_ID: operation_id},
    )


def upload(content: Content, operation_id: str | None, coding: str | None) -> HttpCall[JobState]:
    """Kastor_ImportUpload."""
    return HttpCall(
        *("POST", _OWN["uploads"], partial(decode_job, kind="uploads"), {}),
        {OPERATION_ID: operation_id, "Content-Encoding": coding},
        content,
        NDJSON,
        _repetition(operation_id),
        features.UPLOADS,
    )


def begin_export(
    output: str,
    query: str | None,
    since: int | None,
    flags: Mapping[str, bool],
    operation_id: str | None,
    as_of: Instant | None = None,
) -> HttpCall[JobState]:
    """Kastor_ExportJob."""
    body: Document = {"outputBlobUri": output}
    body |= {} if query is None else {"query": query}
    body |= {} if since is None else {"since": since}
    body |= {name: True for name, is_set in flags.items() if is_set}
    body |= {} if as_of is None else {"asOf": instant_text(as_of)}
    return begin("exports", _OWN["exports"], body, operation_id, features.EXPORT)


def begin_backup(output: str, operation_id: str | None) -> HttpCall[JobState]:
    """Kastor_BackupJob."""
    body: Document = {"outputBlobUri": output}
    return begin("backups", _OWN["backups"], body, operation_id, features.BACKUP_JOBS)


def begin(
    kind: str, path: str, body: Document, operation_id: str | None, needs: str
) -> HttpCall[JobState]:
    """Return the call that begins a job of Kastor's own."""
    return HttpCall(
        *("POST", path, partial(decode_job, kind=kind), {}, {OPERATION_ID: operation_id}),
        encoded(body),
        repeat=_repetition(operation_id),
        needs=needs,
    )


def _repetition(operation_id: str | None) -> Repetition:
    return Repetition.UNDONE if operation_id is None else Repetition.RECOGNISED


def _post(path: str, kind: str, needs: str | None, repeat: Repetition) -> HttpCall[JobState]:
    decode = partial(decode_job, kind=kind)
    return HttpCall("POST", path, decode, repeat=repeat, needs=needs)


def _place(kind: str) -> tuple[str, str | None]:
    """Return where the jobs of a kind are, and what has to be announced for them.

    Raises:
        UnsendableError: there is no such kind.
    """
    if kind in OF_CONTRACT:
        return OF_CONTRACT[kind], None
    if kind not in _OWN:
        raise UnsendableError(f"There are no jobs of the kind {kind}. Kinds: {', '.join(KINDS)}.")
    return _OWN[kind], features.JOBS


def _page(answer: HttpAnswer, kind: str) -> ListingPage[JobState]:
    page = decode_page(answer)
    jobs = [job_of(each, kind) for each in page.items]
    return ListingPage(jobs, page.following, page.charge)
