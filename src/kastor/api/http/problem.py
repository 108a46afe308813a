"""Errors to answers: the one table of statuses, the one shape of bodies (rest-api C.5)."""

from __future__ import annotations

import math

import orjson

from kastor import errors as e
from kastor.api.http.request import ClientGone, Response, json_response
from kastor.dtdl import DtdlError, UnresolvedReferenceError
from kastor.events.endpoints import MissingLibrary
from kastor.events.filter_tokens import FilterError
from kastor.events.routes import RouteRefused
from kastor.graph.models import StaleCatalogError
from kastor.graph.relationship import InvalidRelationship
from kastor.graph.restoring import ChangedMeanwhile
from kastor.graph.twin import Decommissioned, RelationshipsLeft
from kastor.ingest.inputs import MissingInputLibrary
from kastor.jobs.refusals import AnotherJobRuns, JobConflict, JobNotFound
from kastor.proposals.refusals import ProposalOutdated, ProposalRefused
from kastor.saved.refusals import SceneFileRefused
from kastor.storage.search import IndexDamagedError
from kastor.vectors.service import VectorsNotInstalledError
from kastor.words import counted

STATUS: dict[type[e.KastorError], int] = {
    e.InvalidArgument: 400,
    e.BadRequest: 400,
    e.ApiVersionError: 400,
    e.MediaTypeError: 415,
    e.EncodingError: 415,
    e.ValidationFailed: 400,
    e.JsonPatchInvalid: 400,
    e.ModelRefused: 400,
    e.QueryError: 400,
    e.QueryTooLarge: 400,
    e.QueryTimeout: 400,
    e.NotFound: 404,
    e.Gone: 410,
    e.Conflict: 409,
    e.NotAllowed: 400,
    e.PreconditionFailed: 412,
    e.LimitExceeded: 400,
    e.PayloadTooLarge: 413,
    e.UriTooLong: 414,
    e.HeadersTooLarge: 431,
    e.RequestTimedOut: 408,
    e.MethodNotAllowed: 405,
    e.Unauthenticated: 401,
    e.Forbidden: 403,
    e.HostNotAllowed: 403,
    e.OriginNotAllowed: 403,
    e.ForwardedNotAllowed: 403,
    e.TooManyRequests: 429,
    VectorsNotInstalledError: 501,
    e.Unavailable: 503,
    e.GraphMoved: 503,
    e.CatalogChanged: 503,
    InvalidRelationship: 400,
    RelationshipsLeft: 400,
    ChangedMeanwhile: 409,
    Decommissioned: 400,
    StaleCatalogError: 503,
    DtdlError: 400,
    UnresolvedReferenceError: 400,
    ClientGone: 499,
    FilterError: 400,
    RouteRefused: 400,
    MissingLibrary: 400,
    MissingInputLibrary: 400,
    JobNotFound: 404,
    JobConflict: 409,
    AnotherJobRuns: 429,
    SceneFileRefused: 400,
    ProposalRefused: 400,
    ProposalOutdated: 409,
    IndexDamagedError: 503,
}
_OF_JOBS = (JobNotFound, JobConflict, AnotherJobRuns)
"""Answers without `x-ms-error-code`; clients sleep for a Retry-After (decisions 6.6)."""
LONGEST_WAIT_SECONDS = 3_600
MOST_DETAILS = 100
"""Problems that one answer lists; whoever mends so many asks again for the rest."""
_LONGEST_MESSAGE, _LONGEST_DETAIL, _SHORT = 8_000, 1_000, 200
_OUR_FAULT = "Something went wrong inside Kastor; its log has the details."
_UNAUTHORIZED = b'{"statusCode":401,"message":"Unauthorized"}'


def answer(error: e.KastorError, *, strict: bool = False) -> Response:
    """Return the answer to an error that was raised on purpose; the nearest class counts.

    Args:
        error: which is answered.
        strict: under the profile `adt`, which tells no place of a single problem.
    """
    status = _status_of(error)
    match error:
        case e.Unauthenticated():
            return json_response(_UNAUTHORIZED, (b"www-authenticate", b"Bearer"), status=status)
        case e.Forbidden() if not error.message:
            return Response(status)
        case e.MethodNotAllowed():
            extra = [(b"allow", ", ".join(error.allowed).encode())]
        case AnotherJobRuns():
            extra = []
        case e.TooManyRequests() | e.Unavailable():
            extra = [(b"retry-after", _seconds(error.retry_after))]
        case e.EncodingError():
            extra = [(b"accept-encoding", b"gzip, deflate")]
        case StaleCatalogError():
            extra = [(b"retry-after", b"1")]
        case _:
            extra = []
    if not isinstance(error, _OF_JOBS):
        extra.append((b"x-ms-error-code", error.code.encode()))
    details = error.details if strict else _details_of(error)
    return _envelope(status, error.code, error.message, details, extra)


def unexpected() -> Response:
    """Return the answer to a fault of ours; its trace is in the log, not in the message."""
    code = "InternalServerError"
    return _envelope(500, code, _OUR_FAULT, (), [(b"x-ms-error-code", code.encode())])


def told(error: Exception, *, short: bool = False) -> tuple[int, dict[str, object]]:
    """Return status and error object, for answers that tell what became of several writes.

    Args:
        error: why one of them was refused.
        short: without details, for an answer that is long already.
    """
    if not isinstance(error, e.KastorError):
        return 500, _error_object("InternalServerError", _OUR_FAULT, ())
    if short:
        return _status_of(error), {"code": error.code, "message": _cut(error.message, _SHORT)}
    return _status_of(error), _error_object(error.code, error.message, _details_of(error))


def _details_of(error: e.KastorError) -> tuple[e.Detail, ...]:
    """Return the problems of an error; a single one that has a place is one too."""
    if error.place and not error.details:
        return (e.Detail(error.code, error.message, error.place),)
    return error.details


def _status_of(error: e.KastorError) -> int:
    return next((STATUS[each] for each in type(error).__mro__ if each in STATUS), 500)


def _seconds(wait: float) -> bytes:
    """Return a Retry-After that every client can follow: whole seconds, 1 to an hour."""
    return b"%d" % math.ceil(min(max(1, wait), LONGEST_WAIT_SECONDS))


def _envelope(
    status: int,
    code: str,
    message: str,
    details: tuple[e.Detail, ...],
    extra: list[tuple[bytes, bytes]],
) -> Response:
    error = _error_object(code, message, details)
    return json_response(orjson.dumps({"error": error}), *extra, status=status)


def _error_object(code: str, message: str, details: tuple[e.Detail, ...]) -> dict[str, object]:
    error: dict[str, object] = {"code": code, "message": _cut(message, _LONGEST_MESSAGE)}
    if details:
        listed = [_detail(each) for each in details[:MOST_DETAILS]]
        if len(details) > MOST_DETAILS:
            more = len(details) - MOST_DETAILS
            there = f"There {'is' if more == 1 else 'are'} {counted(more, 'more problem')} that"
            text = f"{there} {'is' if more == 1 else 'are'} not listed."
            listed.append({"code": code, "message": text})
        error["details"] = listed
    return error


def _detail(detail: e.Detail) -> dict[str, object]:
    place = {
        name: _cut(value, _LONGEST_DETAIL) if isinstance(value, str) else value
        for name, value in detail.place.items()
    }
    return {"code": detail.code, "message": _cut(detail.message, _LONGEST_DETAIL), **place}


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}..."
