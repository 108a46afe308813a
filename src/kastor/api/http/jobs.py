"""Jobs on the wire: their JSON form, their lists, and the answer to whoever asks for one.

Members without a value are absent, never null (decisions 6.5).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

import orjson

from kastor.api.http.paging import max_items, next_link, read_token, segment
from kastor.api.http.request import Request, Response, json_response
from kastor.clock import job_time
from kastor.errors import Conflict
from kastor.jobs.locations.uris import shown
from kastor.jobs.refusals import JobConflict
from kastor.jobs.runner import FIRST

if TYPE_CHECKING:
    from kastor.hosting.services import Services
    from kastor.storage.jobs import JobRow

OPERATION_ID = "operation-id"
PATHS = {
    "imports": "/jobs/imports",
    "deletions": "/jobs/deletions",
    "uploads": "/kastor/v1/jobs/imports",
    "exports": "/kastor/v1/jobs/exports",
    "backups": "/kastor/v1/jobs/backups",
    "updates": "/kastor/v1/jobs/updates",
    "deletes": "/kastor/v1/jobs/deletes",
    "reverts": "/kastor/v1/jobs/reverts",
}
"""Where the jobs of each kind are found."""
OWN = tuple(kind for kind, path in PATHS.items() if path.startswith("/kastor/"))
_PAGE = 100
_FOR_PEOPLE = ("done", "of", "unit")
_COUNTS = {
    "modelsCreated": "models",
    "twinsCreated": "twins",
    "relationshipsCreated": "relationships",
    "errorCount": "errors",
}


def import_job(row: JobRow, *, counts: bool) -> dict[str, Any]:
    """Return an import job in the contract's form (rest-api B.6).

    Args:
        row: the job.
        counts: whether with those that clients of the rival read; absent under adt.
    """
    request = orjson.loads(row.request)
    found = {
        "id": row.id,
        "inputBlobUri": shown(request["inputBlobUri"]),
        "outputBlobUri": shown(request["outputBlobUri"]),
        **_times(row),
        **_dry(request),
    }
    if counts:
        known = orjson.loads(row.progress).get("counts", {})
        found |= {name: known.get(counted, 0) for name, counted in _COUNTS.items()}
    return {**found, **_end(row)}


def delete_job(row: JobRow) -> dict[str, Any]:
    """Return a delete job in the contract's form (rest-api B.7); a dry run has its counts."""
    times = {name: at for name, at in _times(row).items() if name != "lastActionDateTime"}
    if tried := _dry(orjson.loads(row.request)):
        progress = orjson.loads(row.progress)
        tried |= {"counts": progress["counts"]} if "counts" in progress else {}
    return {"id": row.id, **times, **tried, **_end(row)}


def own_job(row: JobRow) -> dict[str, Any]:
    """Return a job of any kind as Kastor's own operations tell of it (decisions 5).

    A kind shows members of its own as `shown` of its request.
    """
    request, progress = orjson.loads(row.request), orjson.loads(row.progress)
    found = {"id": row.id, "kind": row.kind, **request.get("shown", {}), **_times(row)}
    found |= _dry(request)
    if told := {name: progress[name] for name in _FOR_PEOPLE if name in progress}:
        found["progress"] = told
    if "counts" in progress:
        found["counts"] = progress["counts"]
    return {**found, **_end(row)}


def _dry(request: Mapping[str, Any]) -> dict[str, Any]:
    return {"dryRun": True} if request.get("dryRun") else {}


def _times(row: JobRow) -> dict[str, str]:
    found = {
        "createdDateTime": job_time(row.created),
        "lastActionDateTime": job_time(row.last_action),
    }
    if row.finished is not None:
        found["finishedDateTime"] = job_time(row.finished)
    return {**found, "purgeDateTime": job_time(row.purge)}


def _end(row: JobRow) -> dict[str, Any]:
    status = {"status": str(row.status)}
    return status if row.error is None else {**status, "error": orjson.loads(row.error)}


def answer_job(
    document: Mapping[str, Any], *headers: tuple[bytes, bytes], status: int = 200
) -> Response:
    """Return the answer with one job."""
    return json_response(orjson.dumps(document), *headers, status=status)


async def list_jobs(
    services: Services,
    request: Request,
    kinds: Collection[str],
    path: str,
    form: Callable[[JobRow], dict[str, Any]],
) -> Response:
    """Answer with a page of jobs, oldest first.

    Raises:
        InvalidArgument: the page size or the token.
    """
    listing = path.lower()
    token = read_token(request, listing, services.signing_key)
    *after, remembered = token if token is not None else (*FIRST, _PAGE)
    size = max_items(request, 0, _PAGE) or remembered
    rows = await services.jobs.jobs(kinds, tuple(after), size + 1, request.context)
    link = None
    if len(rows) > size:
        rows = rows[:size]
        last = rows[-1]
        payload = [listing, last.created, last.id, last.kind, size]
        link = next_link(request, path, payload, services.signing_key)
    value = [form(row) for row in rows]
    return json_response(orjson.dumps({"value": value, "nextLink": link}))


async def begin_job(
    services: Services,
    request: Request,
    kind: str,
    asked: Mapping[str, Any],
    *,
    varies: Collection[str] = ("permissions",),
) -> tuple[JobRow, bool]:
    """Make a job of ours under the request's `operation-id`, or find the one that it made before.

    Args:
        services: of the graph.
        request: whose context and header count.
        kind: of the job.
        asked: what the kind has to know; see `JobService.add`.
        varies: members that may differ where a request is repeated.

    Returns:
        The job, and whether it is new.

    Raises:
        Conflict: `OperationIdReused`, where the id's job was asked for something else.
    """
    given = request.headers.get(OPERATION_ID.encode())
    job_id = None if given is None else given.decode("latin-1").strip()
    try:
        return await services.jobs.add(kind, job_id, asked, request.context), True
    except JobConflict:
        row = await services.jobs.job(kind, job_id or "", request.context)
    before = orjson.loads(row.request)
    dry_run = {"dryRun": True} if request.dry_run else {}
    if _without(before, varies) != _without(
        orjson.loads(orjson.dumps({**asked, **dry_run})), varies
    ):
        raise id_is_reused(row.id)
    return row, False


def id_is_reused(job_id: str) -> Conflict:
    """Return the error for an `operation-id` whose job was asked for something else."""
    return Conflict(
        f"The {OPERATION_ID} {job_id} belongs to a request that asked for something else. Take"
        " a new one; nothing was changed.",
        code="OperationIdReused",
    )


def accepted(request: Request, row: JobRow) -> Response:
    """Return the 202 answer with a job of ours and where it is found."""
    where = f"{request.base_url}{PATHS[row.kind]}/{segment(row.id)}"
    return answer_job(own_job(row), (b"location", where.encode()), status=202)


def _without(request: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in request.items() if name not in names}
