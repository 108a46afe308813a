"""Every error that Kastor raises on purpose; the codes are those of the wire contract.

::

    KastorError                      code, message, details
    ├── InvalidArgument              a request that is wrong in its form
    │   ├── BadRequest               no body where one is needed, unreadable token
    │   ├── ApiVersionError          api-version missing or not supported
    │   ├── MediaTypeError           a body of another media type
    │   └── EncodingError            a body in a content coding that is not taken
    ├── ValidationFailed             content that breaks its model
    ├── JsonPatchInvalid             a patch that cannot be applied
    ├── ModelRefused                 a model that cannot be stored
    ├── QueryError                   a query that is wrong, with line and position
    │   └── QueryTooLarge            one that makes a value or a row over the limit
    ├── QueryTimeout                 a query that took too long
    ├── NotFound                     whatever the request names is not there
    ├── Conflict                     what exists already, or is still needed
    ├── NotAllowed                   a rule of the graph forbids it
    ├── PreconditionFailed           If-Match or If-None-Match not met
    ├── LimitExceeded                a setting's limit, named in the message
    ├── PayloadTooLarge              a body over its limit
    ├── UriTooLong                   an address over its limit
    ├── HeadersTooLarge              headers over their limits
    ├── RequestTimedOut              a request that did not come to its end
    ├── MethodNotAllowed             known path, other methods
    ├── Unauthenticated / Forbidden  no or unknown token / token without the permission
    ├── HostNotAllowed               a name that no token guards
    ├── OriginNotAllowed             a web page that no token guards against
    ├── ForwardedNotAllowed          a proxy's request that no token guards against
    ├── TooManyRequests              a rate limit
    ├── CatalogChanged               a query compiled for older models; never leaves the server
    └── Unavailable                  cannot write now; nothing was acknowledged

Nothing here knows HTTP; `kastor.api.http.problem` maps classes to statuses.

`CannotStartError` is a root of its own: it is told to whoever starts a program, never to a client.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self


@dataclass(frozen=True, slots=True)
class Detail:
    """One of several problems that are reported together.

    Attributes:
        code: the wire code, or a problem id of DTDL.
        message: for a person.
        place: for programs, members of the detail: `path` (a JSON pointer), `kind`, `line` from 1,
            `column` from 0, `length` (decisions 5); `index` of a model of an upload, or of an
            operation of a patch, from 0.
    """

    code: str
    message: str
    place: Mapping[str, Any] = field(default_factory=dict)


class CannotStartError(Exception):
    """Root of what prevents a start, of the server or of a command; says what to do.

    Whatever may end a start derives from it, so that the command line knows this class alone.

    Attributes:
        exit_status: of the command that it ends.
    """

    exit_status: ClassVar[int] = 1


class KastorError(Exception):
    """Root of the tree; never raised itself.

    Attributes:
        code: the wire code, such as ``DigitalTwinNotFound``.
        message: one sentence or more for a person; says what to do where that is known.
        details: when several problems are reported together.
        place: where the one problem is, as of a `Detail`; empty where that is nowhere.
    """

    default_code: ClassVar[str] = "InternalServerError"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        details: tuple[Detail, ...] = (),
    ) -> None:
        super().__init__(message)
        self.code = code or self.default_code
        self.message = message
        self.details = details
        self.place: Mapping[str, Any] = {}

    def at(self, **place: str | int) -> Self:
        """Note where the problem is, for programs; return the error."""
        self.place = {**self.place, **place}
        return self


class InvalidArgument(KastorError):
    """The request is wrong in its form: an id, a header, the shape of the body."""

    default_code = "InvalidArgument"


class BadRequest(InvalidArgument):
    """No body where one is required, or a continuation token that cannot be read."""

    default_code = "BadRequest"


class ApiVersionError(InvalidArgument):
    """The api-version is missing or not one of the supported ones (rest-api A.2)."""

    default_code = "UnsupportedApiVersion"


class MediaTypeError(InvalidArgument):
    """The body has a media type that the operation does not take."""

    default_code = "UnsupportedMediaType"


class EncodingError(InvalidArgument):
    """The body has a content coding that the server does not take."""

    default_code = "UnsupportedContentEncoding"


class ValidationFailed(KastorError):
    """The content breaks its model; `details` lists every violation."""

    default_code = "ValidationFailed"


class JsonPatchInvalid(KastorError):
    """The patch itself is wrong or does not apply to the document (rest-api C.2)."""

    default_code = "JsonPatchInvalid"


class ModelRefused(KastorError):
    """The models of an upload are not valid DTDL, or not for this server."""

    default_code = "DTDLParserError"


class QueryError(KastorError):
    """The query text is wrong.

    Attributes:
        line: 1-based line of the offending token.
        position: 0-based column of it.
    """

    default_code = "SqlQueryError"

    def __init__(
        self,
        message: str,
        *,
        line: int = 1,
        position: int = 0,
        details: tuple[Detail, ...] = (),
    ) -> None:
        super().__init__(message, details=details)
        self.line = line
        self.position = position


class QueryTooLarge(QueryError):
    """The query makes a value, a row or a page that is too large."""


class QueryTimeout(KastorError):
    """The query ran longer than its time limit."""

    default_code = "TimeoutError"


class NotFound(KastorError):
    """What the request addresses is not there."""

    default_code = "NotFound"


class Gone(KastorError):
    """What the request asks for was there, and is not kept any more."""

    default_code = "ChangesGone"


class Conflict(KastorError):
    """It exists already, or something else still needs it."""

    default_code = "Conflict"


class NotAllowed(KastorError):
    """A rule of the graph forbids the operation."""

    default_code = "OperationNotAllowed"


class PreconditionFailed(KastorError):
    """The conditional header of the request was not met (rest-api A.8)."""

    default_code = "PreconditionFailed"


class LimitExceeded(KastorError):
    """A limit was exceeded; the message names the limit."""

    default_code = "LimitExceeded"


class PayloadTooLarge(KastorError):
    """The body is larger than its limit."""

    default_code = "PayloadTooLarge"


class UriTooLong(KastorError):
    """The request's address is longer than its limit."""

    default_code = "UriTooLong"


class HeadersTooLarge(KastorError):
    """The headers of the request are more, or larger, than their limits."""

    default_code = "RequestHeadersTooLarge"


class RequestTimedOut(KastorError):
    """The request did not come to its end in time."""

    default_code = "RequestTimeout"


class MethodNotAllowed(KastorError):
    """The path is known, but not with this method.

    Attributes:
        allowed: the methods that the path has.
    """

    default_code = "MethodNotAllowed"

    def __init__(self, message: str, *, allowed: tuple[str, ...]) -> None:
        super().__init__(message)
        self.allowed = allowed


class Unauthenticated(KastorError):
    """No token, or one that is not known."""

    default_code = "Unauthorized"


class Forbidden(KastorError):
    """The token's role lacks the permission.

    Attributes:
        permission: its name; empty where none was asked for.
    """

    default_code = "Forbidden"

    def __init__(self, message: str, *, permission: str = "") -> None:
        super().__init__(message)
        self.permission = permission


class HostNotAllowed(KastorError):
    """The request is addressed to a name that a server without tokens does not answer to."""

    default_code = "HostNotAllowed"


class OriginNotAllowed(KastorError):
    """A web page of another origin sent the request to a server without tokens."""

    default_code = "OriginNotAllowed"


class ForwardedNotAllowed(KastorError):
    """A proxy handed the request on to a server that only this machine was said to reach."""

    default_code = "ForwardedNotAllowed"


class TooManyRequests(KastorError):
    """A rate limit was exceeded.

    Attributes:
        retry_after: seconds after which another try makes sense.
    """

    default_code = "TooManyRequests"

    def __init__(self, message: str, *, retry_after: int = 1, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class SlowDecisionError(Exception):
    """A decision was begun on the event loop and would hold it up; a thread is to make it."""


class CatalogChanged(KastorError):
    """The models are others than the query was compiled for; it is compiled again."""

    default_code = "ServiceUnavailable"


class Unavailable(KastorError):
    """The store cannot take the write now; nothing of it was acknowledged or kept.

    Attributes:
        retry_after: seconds after which another try makes sense.
    """

    default_code = "ServiceUnavailable"

    def __init__(self, message: str, *, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class GraphMoved(Unavailable):
    """The database answers, and the graph is no longer where it was."""
