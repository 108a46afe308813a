"""Jobs of every kind, and those of Kastor's own (decisions 5); others begin them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

from kastor.api.http.jobs import OWN, PATHS, answer_job, list_jobs, own_job
from kastor.api.http.operation import PAGE_SIZE, Handler, Operation
from kastor.api.http.request import Request, Response, StreamResponse
from kastor.auth.roles import Permission as P
from kastor.errors import InvalidArgument
from kastor.jobs.refusals import JobNotFound
from kastor.jobs.runner import MOST_LISTED

if TYPE_CHECKING:
    from kastor.budget import StreamShare
    from kastor.hosting.services import Services

_NDJSON = b"application/x-ndjson"
_NUMBER = re.compile(r"\d{1,12}", re.ASCII)


async def list_all(services: Services, request: Request) -> Response:
    """Answer GET /kastor/v1/jobs."""
    return await list_jobs(services, request, PATHS, "/kastor/v1/jobs", own_job)


async def list_kind(kind: str, services: Services, request: Request) -> Response:
    """Answer GET /kastor/v1/jobs/exports, and the like."""
    return await list_jobs(services, request, (kind,), PATHS[kind], own_job)


async def get_job(kind: str, services: Services, request: Request) -> Response:
    """Answer GET /kastor/v1/jobs/exports/{id}, and the like."""
    row = await services.jobs.job(kind, request.parameters[0], request.context)
    return answer_job(own_job(row))


async def cancel_job(kind: str, services: Services, request: Request) -> Response:
    """Answer POST /kastor/v1/jobs/exports/{id}/cancel, and the like: the job as it was."""
    row = await services.jobs.cancel(kind, request.parameters[0], request.context)
    return answer_job(own_job(row))


async def delete_job(kind: str, services: Services, request: Request) -> Response:
    """Answer DELETE /kastor/v1/jobs/exports/{id}, and the like."""
    await services.jobs.delete(kind, request.parameters[0], request.context)
    return Response(204)


async def job_log(kind: str, services: Services, request: Request) -> StreamResponse:
    """Answer GET /kastor/v1/jobs/exports/{id}/log, and the like: the lines that there are."""
    job_id, after = request.parameters[0], request.first("after") or "0"
    if _NUMBER.fullmatch(after) is None:
        raise InvalidArgument("after is how many lines of the log are to be left out.")
    first = await services.jobs.lines(kind, job_id, int(after), MOST_LISTED, request.context)
    share = request.server.streams.enter(request.client)
    return StreamResponse(_log(kind, services, request, first, share), _NDJSON)


async def _log(
    kind: str,
    services: Services,
    request: Request,
    lines: list[tuple[int, bytes]],
    share: StreamShare,
) -> AsyncIterator[bytes]:
    try:
        while lines:
            yield b"".join(line + b"\n" for _, line in lines)
            place = (request.parameters[0], lines[-1][0], MOST_LISTED)
            lines = await services.jobs.lines(kind, *place, request.context)
    except JobNotFound:
        pass  # it was deleted meanwhile
    finally:
        share.leave()


def _about(
    kind: str, answer: Callable[[str, Services, Request], Awaitable[Response | StreamResponse]]
) -> Handler:
    async def handle(services: Services, request: Request) -> Response | StreamResponse:
        return await answer(kind, services, request)

    return handle


def _of_kind(kind: str) -> tuple[Operation, ...]:
    path = PATHS[kind]
    word = path.rpartition("/")[2]
    name, one = word.removesuffix("s").capitalize(), word.removesuffix("s")
    not_found = {404: ("JobNotFound",)}
    return (
        Operation(
            f"Kastor_List{name}Jobs",
            "GET",
            path,
            P.JOBS_READ,
            _about(kind, list_kind),
            f"List {one} jobs, oldest first",
            result="OwnJobPage",
            query=("continuationToken",),
            headers=PAGE_SIZE,
            versioned=False,
        ),
        Operation(
            f"Kastor_Get{name}Job",
            "GET",
            f"{path}/{{id}}",
            P.JOBS_READ,
            _about(kind, get_job),
            f"Get {_article(one)} job",
            errors=not_found,
            result="OwnJob",
            versioned=False,
        ),
        Operation(
            f"Kastor_Cancel{name}Job",
            "POST",
            f"{path}/{{id}}/cancel",
            P.OWN_JOBS_CANCEL,
            _about(kind, cancel_job),
            f"Cancel {_article(one)} job; the answer is the job as it was",
            errors=not_found,
            result="OwnJob",
            versioned=False,
        ),
        Operation(
            f"Kastor_Delete{name}Job",
            "DELETE",
            f"{path}/{{id}}",
            P.OWN_JOBS_DELETE,
            _about(kind, delete_job),
            f"Forget {_article(one)} job that does not run",
            204,
            errors={400: ("ValidationFailed",), **not_found},
            versioned=False,
        ),
        Operation(
            f"Kastor_{name}JobLog",
            "GET",
            f"{path}/{{id}}/log",
            P.JOBS_READ,
            _about(kind, job_log),
            f"Read the log of {_article(one)} job, a JSON object a line",
            errors=not_found,
            query=("after",),
            versioned=False,
            streams=("application/x-ndjson",),
        ),
    )


def _article(word: str) -> str:
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "Kastor_ListJobs",
        "GET",
        "/kastor/v1/jobs",
        P.JOBS_READ,
        list_all,
        "List the jobs of all kinds, oldest first",
        result="OwnJobPage",
        query=("continuationToken",),
        headers=PAGE_SIZE,
        versioned=False,
    ),
    *(row for kind in OWN for row in _of_kind(kind)),
)
