"""Import and delete jobs, as the contract has them (rest-api B.6, B.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from kastor.api.http.jobs import OPERATION_ID, answer_job, delete_job, import_job, list_jobs
from kastor.api.http.operation import JSON_BODY, PAGE_SIZE, Operation
from kastor.api.http.paging import segment
from kastor.api.http.request import Request, Response
from kastor.auth.roles import Permission as P
from kastor.errors import InvalidArgument, ValidationFailed
from kastor.jobs.refusals import JobConflict
from kastor.storage.jobs import LIVING

if TYPE_CHECKING:
    from collections.abc import Callable

    from kastor.hosting.services import Services
    from kastor.storage.jobs import JobRow

IMPORTS, DELETIONS = "imports", "deletions"
_SECTIONS = (P.MODELS_WRITE, P.TWINS_WRITE, P.RELATIONSHIPS_WRITE)
"""What the sections of a file need of whoever asked for the import (jobs 4.3)."""
_SHORTEST, _LONGEST, _MINUTES = 15, 1_440, 720
_POLL = (b"retry-after", b"1")
"""Clients that poll would wait for half a minute each time."""


async def put_import(services: Services, request: Request) -> Response:
    """Answer PUT /jobs/imports/{id}."""
    body = await request.document(request.server.limits.body_bytes)
    asked: dict[str, Any] = {}
    for name in ("inputBlobUri", "outputBlobUri"):
        uri = body.get(name)
        if not isinstance(uri, str):
            raise InvalidArgument("An import needs inputBlobUri and outputBlobUri, both strings.")
        services.locations.check(uri, setting=name)
        asked[name] = uri
    asked["permissions"] = [str(each) for each in _SECTIONS if each in request.permissions]
    row = await services.jobs.add(IMPORTS, request.parameters[0], asked, request.context)
    return answer_job(_import(request)(row), status=201)


async def get_import(services: Services, request: Request) -> Response:
    """Answer GET /jobs/imports/{id}."""
    row = await services.jobs.job(IMPORTS, request.parameters[0], request.context)
    return answer_job(_import(request)(row))


async def list_imports(services: Services, request: Request) -> Response:
    """Answer GET /jobs/imports."""
    return await list_jobs(services, request, (IMPORTS,), "/jobs/imports", _import(request))


async def cancel_import(services: Services, request: Request) -> Response:
    """Answer POST /jobs/imports/{id}/cancel, with the job as it was (decisions 6.5)."""
    row = await services.jobs.cancel(IMPORTS, request.parameters[0], request.context)
    return answer_job(_import(request)(row))


async def resume_import(services: Services, request: Request) -> Response:
    """Answer POST /jobs/imports/{id}/resume, which only the rival has (decisions 4)."""
    place = (IMPORTS, request.parameters[0], request.context)
    # It goes on with what its beginner was allowed, which who lets it go on needs as well.
    request.require(*_permissions(await services.jobs.job(*place)))
    return answer_job(_import(request)(await services.jobs.resume(*place)))


async def delete_import(services: Services, request: Request) -> Response:
    """Answer DELETE /jobs/imports/{id}."""
    await services.jobs.delete(IMPORTS, request.parameters[0], request.context)
    return Response(204)


async def add_deletion(services: Services, request: Request) -> Response:
    """Answer POST /jobs/deletions."""
    asked = {"timeoutInMinutes": _minutes(request.first("timeoutInMinutes"))}
    given = request.headers.get(OPERATION_ID.encode())
    job_id = None if given is None else given.decode("latin-1").strip()
    try:
        row = await services.jobs.add(DELETIONS, job_id, asked, request.context)
    except JobConflict as error:
        raise ValidationFailed(error.message) from None  # rest-api B.7
    version = f"api-version={request.api_version}"
    where = f"{request.base_url}/jobs/deletions/{segment(row.id)}?{version}"
    headers = ((b"operation-location", where.encode()), (b"operation-id", segment(row.id).encode()))
    return answer_job(delete_job(row), *headers, _POLL, status=202)


async def get_deletion(services: Services, request: Request) -> Response:
    """Answer GET /jobs/deletions/{id}."""
    row = await services.jobs.job(DELETIONS, request.parameters[0], request.context)
    return answer_job(delete_job(row), *((_POLL,) if row.status in LIVING else ()))


async def list_deletions(services: Services, request: Request) -> Response:
    """Answer GET /jobs/deletions."""
    return await list_jobs(services, request, (DELETIONS,), "/jobs/deletions", delete_job)


def _permissions(row: JobRow) -> list[P]:
    return [P(each) for each in orjson.loads(row.request).get("permissions", ())]


def _import(request: Request) -> Callable[[JobRow], dict[str, Any]]:
    counts = not request.server.limits.strict
    return lambda row: import_job(row, counts=counts)


def _minutes(text: str | None) -> int:
    if text is None:
        return _MINUTES
    if not text.isascii() or not text.isdigit() or not _SHORTEST <= int(text[:9]) <= _LONGEST:
        raise InvalidArgument(
            f"timeoutInMinutes is a whole number of minutes from {_SHORTEST} to {_LONGEST};"
            f" without it, it is {_MINUTES}. Nothing was deleted."
        )
    return int(text)


_NOT_FOUND = {404: ("JobNotFound",)}


def _imports(path: str, suffix: str) -> tuple[Operation, ...]:
    """Return the rows of import jobs, as of one version of the contract."""
    return (
        Operation(
            f"ImportJobs_List{suffix}",
            "GET",
            path,
            P.JOBS_READ,
            list_imports,
            "List import jobs, oldest first",
            result="ImportJobPage",
            query=("continuationToken",),
            headers=PAGE_SIZE,
        ),
        Operation(
            f"ImportJobs_GetById{suffix}",
            "GET",
            f"{path}/{{id}}",
            P.JOBS_READ,
            get_import,
            "Get an import job",
            errors=_NOT_FOUND,
            result="ImportJob",
        ),
        Operation(
            f"ImportJobs_Add{suffix}",
            "PUT",
            f"{path}/{{id}}",
            P.IMPORTS_WRITE,
            put_import,
            "Begin to import a file of models, twins and relationships",
            201,
            errors={
                400: ("LimitExceeded",),
                409: ("JobIdAlreadyExists",),
                429: ("TooManyRequests",),
            },
            result="ImportJob",
            body=(JSON_BODY, "ImportJobBody"),
            dry_run=True,
        ),
        Operation(
            f"ImportJobs_Cancel{suffix}",
            "POST",
            f"{path}/{{id}}/cancel",
            P.IMPORTS_CANCEL,
            cancel_import,
            "Cancel an import job; the answer is the job as it was",
            errors=_NOT_FOUND,
            result="ImportJob",
        ),
        Operation(
            f"ImportJobs_Delete{suffix}",
            "DELETE",
            f"{path}/{{id}}",
            P.IMPORTS_DELETE,
            delete_import,
            "Forget an import job that does not run",
            204,
            errors={400: ("ValidationFailed",), **_NOT_FOUND},
        ),
    )


OPERATIONS: tuple[Operation, ...] = (
    *_imports("/jobs/imports", ""),
    Operation(
        "ImportJobs_Resume",
        "POST",
        "/jobs/imports/{id}/resume",
        P.IMPORTS_WRITE,
        resume_import,
        "Let a failed or cancelled import go on from where it was",
        errors={**_NOT_FOUND, 409: ("JobNotResumable",), 429: ("TooManyRequests",)},
        result="ImportJob",
        in_adt=False,
    ),
    Operation(
        "DeleteJobs_List",
        "GET",
        "/jobs/deletions",
        P.JOBS_READ,
        list_deletions,
        "List delete jobs, oldest first",
        result="DeleteJobPage",
        query=("continuationToken",),
        headers=PAGE_SIZE,
    ),
    Operation(
        "DeleteJobs_GetById",
        "GET",
        "/jobs/deletions/{id}",
        P.JOBS_READ,
        get_deletion,
        "Get a delete job",
        errors={404: ("DeleteJobNotFound",)},
        result="DeleteJob",
    ),
    Operation(
        "DeleteJobs_Add",
        "POST",
        "/jobs/deletions",
        P.DELETIONS_WRITE,
        add_deletion,
        "Begin to delete all relationships, twins and models",
        202,
        errors={400: ("ValidationFailed", "LimitExceeded"), 429: ("TooManyRequests",)},
        result="DeleteJob",
        query=("timeoutInMinutes",),
        headers=(OPERATION_ID,),
        dry_run=True,
    ),
    # The path of 2021-06-30-preview; nothing else differs.
    *_imports("/jobs/import", "InPreview"),
)
