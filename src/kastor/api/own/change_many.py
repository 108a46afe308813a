"""Changes of what a query selects: counted first, then a job; or only rehearsed (decisions 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from kastor.api.http.jobs import OPERATION_ID, accepted, begin_job
from kastor.api.http.operation import JSON_BODY, Operation
from kastor.api.http.request import Request, Response, json_response
from kastor.auth.roles import Permission as P
from kastor.errors import InvalidArgument
from kastor.graph.bodies import as_patch
from kastor.graph.command import Written
from kastor.graph.patch import read_operations
from kastor.jobs.changing import DELETES, PAGE, UPDATES, Bound, Change, require_count, told
from kastor.jobs.refusals import JobNotFound
from kastor.query.targets import Target, Targets

if TYPE_CHECKING:
    from kastor.hosting.services import Services
    from kastor.types import Document

SHOWN, MOST_TRIED, MOST_ERRORS = 20, 1_000, 100
"""Of a dry run: documents that it shows, writes that it rehearses, errors that it lists."""
_QUERY, _PATCH, _EXPECT, _AT_MOST, _PARAMETERS = "query", "patch", "expect", "atMost", "parameters"
_NEEDED = {
    (UPDATES, "twin"): P.TWINS_WRITE,
    (UPDATES, "relationship"): P.RELATIONSHIPS_WRITE,
    (DELETES, "twin"): P.TWINS_DELETE,
    (DELETES, "relationship"): P.RELATIONSHIPS_DELETE,
}


async def update_many(services: Services, request: Request) -> Response:
    """Answer POST /kastor/v1/update."""
    body = await _members(request, (_QUERY, _PATCH, _EXPECT, _AT_MOST, _PARAMETERS))
    if _PATCH not in body:
        raise InvalidArgument(f"Give {_PATCH}, a JSON Patch. Nothing was changed.")
    patch = as_patch(body[_PATCH])
    read_operations(patch)
    return await _answer(services, request, UPDATES, body, patch)


async def delete_many(services: Services, request: Request) -> Response:
    """Answer POST /kastor/v1/delete."""
    body = await _members(request, (_QUERY, _EXPECT, _AT_MOST, _PARAMETERS))
    return await _answer(services, request, DELETES, body, None)


async def _members(request: Request, names: tuple[str, ...]) -> Document:
    body = await request.document(request.server.limits.body_bytes)
    for name in body:
        if name not in names:
            raise InvalidArgument(
                f"There is no member {name[:80]} here. There are: {', '.join(names)}. "
                "Nothing was changed."
            )
    if not isinstance(body.get(_QUERY), str) or not body[_QUERY]:
        raise InvalidArgument(f"Give {_QUERY}, the text of a query. Nothing was changed.")
    return body


async def _answer(
    services: Services,
    request: Request,
    kind: str,
    body: Document,
    patch: tuple[Document, ...] | None,
) -> Response:
    bound = _bound(body)
    request.require(P.QUERY)
    if (job_id := _repeated(request)) is not None:
        found = await _job_before(services, request, kind, job_id, body, bound, patch)
        if found is not None:
            return found
    targets = Targets(services.query, body[_QUERY], body.get(_PARAMETERS))
    context = request.context
    what, count = await request.unless_gone(targets.count(context))
    request.require(_NEEDED[kind, what])
    change = Change(body[_QUERY], bound, what, count, body.get(_PARAMETERS), patch)
    require_count(change)
    if context.dry_run:
        return await request.unless_gone(_rehearsed(services, request, change, targets))
    row, _ = await begin_job(services, request, kind, change.request(), varies=_VARIES)
    return accepted(request, row)


_VARIES = ("count", "kind", "permissions")
"""Of a repeated request; what it selects may be another number by now, or nothing."""


async def _job_before(
    services: Services,
    request: Request,
    kind: str,
    job_id: str,
    body: Document,
    bound: Bound,
    patch: tuple[Document, ...] | None,
) -> Response | None:
    """Return the answer to a repeated request, before what is changed by now is counted."""
    try:
        await services.jobs.job(kind, job_id, request.context)
    except JobNotFound:
        return None
    change = Change(body[_QUERY], bound, "twin", 0, body.get(_PARAMETERS), patch)
    row, _ = await begin_job(services, request, kind, change.request(), varies=_VARIES)
    return accepted(request, row)


def _repeated(request: Request) -> str | None:
    value = request.headers.get(OPERATION_ID.encode())
    return None if value is None or request.dry_run else value.decode("latin-1").strip()


def _bound(body: Document) -> Bound:
    given = [name for name in (_EXPECT, _AT_MOST) if body.get(name) is not None]
    if len(given) != 1:
        raise InvalidArgument(
            f"Give {_EXPECT}, the number that is to be changed, or {_AT_MOST}, the largest one; "
            "and not both. Nothing was changed."
        )
    number: Any = body[given[0]]
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise InvalidArgument(f"{given[0]} is a number, 0 or more. Nothing was changed.")
    return Bound(expect=number) if given[0] == _EXPECT else Bound(at_most=number)


async def _rehearsed(
    services: Services, request: Request, change: Change, targets: Targets
) -> Response:
    """Return what the change would do to the first of them."""
    context = request.context
    shown: list[bytes] = []
    errors: list[dict[str, Any]] = []
    tried = failed = 0
    async with services.graph.rehearsing(context) as rehearse:
        after: tuple[int | float | str, ...] = ()
        while tried < MOST_TRIED:
            page = await targets.page(after, PAGE, context)
            results = await rehearse([change.command(each) for each in page.targets])
            for target, outcome in zip(page.targets, results.outcomes, strict=True):
                if isinstance(outcome, Exception):
                    failed += 1
                    errors.append({**_ids(target), "error": told(outcome)})
                elif len(shown) < SHOWN:
                    shown.append(_shown(target, outcome))
            tried += len(page.targets)
            after = page.after
            del errors[MOST_ERRORS:]
            if not after:
                break
    counts = {"count": change.count, "tried": tried, "failed": failed}
    text = orjson.dumps({**counts, "errors": errors}).removesuffix(b"}")
    return json_response(text + b',"value":[' + b",".join(shown) + b"]}")


def _shown(target: Target, outcome: object) -> bytes:
    return outcome.answer if isinstance(outcome, Written) else orjson.dumps(_ids(target))


def _ids(target: Target) -> dict[str, str]:
    if target.source is None:
        return {"$dtId": target.id}
    return {"$sourceId": target.source, "$relationshipId": target.id}


def _operation(name: str, path: str, handler: Any, summary: str, body: str) -> Operation:
    return Operation(
        name,
        "POST",
        path,
        P.OWN_JOBS_WRITE,
        handler,
        summary,
        202,
        errors={
            400: ("BadRequest", "InvalidArgument", "JsonPatchInvalid", "SqlQueryError"),
            409: ("CountMismatch", "OperationIdReused"),
        },
        result="OwnJob",
        body=(JSON_BODY, body),
        headers=(OPERATION_ID,),
        versioned=False,
        in_adt=False,
        dry_run=True,
        dry_run_result="TriedChange",
    )


OPERATIONS: tuple[Operation, ...] = (
    _operation(
        "Kastor_Update",
        "/kastor/v1/update",
        update_many,
        "Patch all twins or relationships that a query selects",
        "UpdateMany",
    ),
    _operation(
        "Kastor_Delete",
        "/kastor/v1/delete",
        delete_many,
        "Delete all twins or relationships that a query selects",
        "DeleteMany",
    ),
)
