"""The way back of a twin, of what a query selects or of a graph to an instant (decisions 5)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import orjson

from kastor.api.http.jobs import OPERATION_ID, accepted, begin_job, id_is_reused
from kastor.api.http.operation import JSON_BODY, Operation
from kastor.api.http.request import Request, Response, StreamResponse
from kastor.api.own.diff import answer_lines
from kastor.auth.roles import Permission as P
from kastor.errors import InvalidArgument
from kastor.graph.instants import read_instant
from kastor.history.diff import Comparison, GraphPart
from kastor.history.differing import States
from kastor.history.reverting import REVERTS, Revert
from kastor.jobs.refusals import JobNotFound

if TYPE_CHECKING:
    from collections.abc import Collection

    from kastor.hosting.services import Services
    from kastor.types import Document

_AS_OF, _TWIN, _QUERY, _PARAMETERS, _ATOMIC = "asOf", "twin", "query", "parameters", "atomic"
_KINDS: dict[str, type] = {
    _AS_OF: str,
    _TWIN: str,
    _QUERY: str,
    _PARAMETERS: dict,
    _ATOMIC: bool,
}
_WORDS = {str: "a text that is not empty", dict: "an object", bool: "true or false"}
_RELATIONSHIPS = (P.RELATIONSHIPS_WRITE, P.RELATIONSHIPS_DELETE)
_TWINS = (P.TWINS_WRITE, P.TWINS_DELETE)
_MODELS = (P.MODELS_WRITE, P.MODELS_DELETE)
_ASKED = "asked"
"""Member of a job's request: the digest of the body that it was made of."""
_TOO_EARLY = (
    f"{_AS_OF} lies before the first change of this graph, where nothing was there. Name a later "
    "instant, or change:0 if all is to go. Nothing was changed."
)
"""Else a year that was mistyped would empty a graph."""
_VARIES = ("base", "shown", "time")
"""Of a repeated request; the present is another one by now."""


async def revert(services: Services, request: Request) -> Response | StreamResponse:
    """Answer POST /kastor/v1/revert: with a job, or in a dry run with what it would change."""
    body = await _members(request)
    part = GraphPart(body.get(_TWIN), body.get(_QUERY), body.get(_PARAMETERS))
    atomic: bool = body.get(_ATOMIC, False)
    context = request.context
    digest = hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()
    if (found := await _job_before(services, request, digest)) is not None:
        return found
    named = read_instant(body[_AS_OF], _AS_OF)
    then = await services.diffs.at(named, context)
    if named.time is not None and then.change == 0:
        raise InvalidArgument(_TOO_EARLY)
    base = await services.diffs.at(None, context)
    states = States(then, base)
    _, kinds = await services.diffs.differing(part, states, context, around=True)
    _require(request, part, kinds)
    if context.dry_run:
        comparison = Comparison(states, backwards=True, of_revert=True)
        opening = services.diffs.open(comparison, part, context)
        return await answer_lines(request, opening, then)
    asked = Revert.asked(then, base, part, atomic=atomic)
    to_do = {**asked.request(), _ASKED: digest}
    row, _ = await begin_job(services, request, REVERTS, to_do, varies=_VARIES)
    return accepted(request, row)


async def _members(request: Request) -> Document:
    body = await request.document(request.server.limits.body_bytes)
    for name, value in body.items():
        if name not in _KINDS:
            raise InvalidArgument(
                f"There is no member {name[:80]} here. There are: {', '.join(_KINDS)}. "
                "Nothing was changed."
            )
        if not isinstance(value, _KINDS[name]) or value == "":
            raise InvalidArgument(f"{name} is {_WORDS[_KINDS[name]]}. Nothing was changed.")
    if _AS_OF not in body:
        raise InvalidArgument(f"Give {_AS_OF}, the instant to go back to. Nothing was changed.")
    if _PARAMETERS in body and _QUERY not in body:
        raise InvalidArgument(f"{_PARAMETERS} go with {_QUERY}. Nothing was changed.")
    return body


async def _job_before(services: Services, request: Request, asked: str) -> Response | None:
    """Return the answer to a repeated request, also where its instant is not kept any more.

    Raises:
        Conflict: `OperationIdReused`, where the id's job was asked for something else.
    """
    given = request.headers.get(OPERATION_ID.encode())
    if given is None or request.dry_run:
        return None
    job_id = given.decode("latin-1").strip()
    try:
        row = await services.jobs.job(REVERTS, job_id, request.context)
    except JobNotFound:
        return None
    if orjson.loads(row.request)[_ASKED] != asked:
        raise id_is_reused(job_id)
    return accepted(request, row)


def _require(request: Request, part: GraphPart, kinds: Collection[str]) -> None:
    """Raise Forbidden unless the caller may write whatever may come back, or see it."""
    needed = [P.QUERY] if part.query is not None else []
    needed += [P.HISTORY_READ] if request.dry_run else []
    needed += _TWINS if "twin" in kinds else ()
    needed += _RELATIONSHIPS if "relationship" in kinds else ()
    needed += _MODELS if part.is_whole else ()
    request.require(*needed)


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "Kastor_Revert",
        "POST",
        "/kastor/v1/revert",
        P.OWN_JOBS_WRITE,
        revert,
        "Bring a twin, what a query selects, or the graph back to what it was at an instant",
        202,
        errors={
            400: ("BadRequest", "InvalidArgument", "SqlQueryError"),
            404: ("DigitalTwinNotFound",),
            409: ("OperationIdReused",),
            410: ("HistoryExpired",),
        },
        result="OwnJob",
        body=(JSON_BODY, "Revert"),
        headers=(OPERATION_ID,),
        versioned=False,
        streams=("application/x-ndjson",),
        in_adt=False,
        dry_run=True,
    ),
)
