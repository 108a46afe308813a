"""What a client raises: a root, and a class for each thing that a caller does about it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any


class ClientError(Exception):
    """Anything that prevented a call; its text is a sentence for people."""


class ServiceError(ClientError):
    """The other side refused.

    Attributes:
        status: of HTTP.
        code: of the error, such as `DigitalTwinNotFound`; the empty string where there is none.
        details: further errors, as they came.
        retry_after: seconds that the other side asks to wait; None where it does not.
        document: the whole answer, decoded; empty where it was no JSON object.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: Sequence[Mapping[str, Any]] = (),  # any: JSON
        retry_after: float | None = None,
        document: Mapping[str, Any] | None = None,  # any: JSON
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.details, self.retry_after = tuple(details), retry_after
        self.document = dict(document or {})


class BadRequestError(ServiceError):
    """400 and its kind: what was sent is wrong, and nothing was changed."""


class BatchRefusedError(BadRequestError):
    """An atomic batch of which operations were refused, so that none was applied.

    `kastor.client.many.results_of(error.document)` has a result for each of them.
    """


class AccessError(ServiceError):
    """401 or 403: no token, or one that does not allow this."""


class NotFoundError(ServiceError):
    """404 or 410: it is not there, or no longer."""


class ConflictError(ServiceError):
    """409: what is there does not go with it."""


class PreconditionError(ServiceError):
    """412: it is another version than `if_match` names, or is there already."""


class TooManyRequestsError(ServiceError):
    """429, and the retries are used up."""


class ServerFailedError(ServiceError):
    """500 and above."""


class StreamRefusedError(ServiceError):
    """The other side ended a stream that it had begun, and says why; its status was 200."""


class UnreachableError(ClientError):
    """Nobody answers there, or the answer to something that changes nothing was cut off."""


class OutcomeUnknownError(ClientError):
    """The connection ended before the answer came: a write may have been applied or not."""


class AnswerLostError(OutcomeUnknownError, UnreachableError):
    """The answer to a write did not come that the other side recognises when it is sent again.

    It may have been applied or not; the same with the same `operation-id` may be sent again.
    """


class UnexpectedAnswerError(ClientError):
    """What answers is neither Kastor nor Azure Digital Twins."""


class UnsendableError(ClientError, ValueError):
    """What was given cannot be sent: an id that no path carries, a value that JSON lacks."""


class StillRunningError(ClientError):
    """A job has not ended in the time that was given for it; it goes on."""


class CredentialError(ClientError):
    """The credential has no token, or none that can be sent; nothing was sent."""


class MissingExtraError(ClientError):
    """A library that this needs is not installed; the message names its extra."""


class NotAnnouncedError(ClientError):
    """The other side does not announce what the call needs; nothing was sent."""


_BY_STATUS: Mapping[int, type[ServiceError]] = {
    401: AccessError,
    403: AccessError,
    404: NotFoundError,
    410: NotFoundError,
    409: ConflictError,
    412: PreconditionError,
    429: TooManyRequestsError,
}
_BY_CODE: Mapping[str, type[ServiceError]] = {"BatchRefused": BatchRefusedError}
_OF_SERVER = 500
_LONGEST_WAIT_DIGITS = 6  # eleven days


def service_error(status: int, headers: Mapping[str, str], body: bytes) -> ServiceError:
    """Return what an answer with a status of 400 or above says, whatever its body is."""
    document = _read(body)
    found = document.get("error")
    error: Mapping[str, Any] = found if isinstance(found, dict) else {}
    code = _text(error.get("code")) or headers.get("x-ms-error-code", "")
    details = error.get("details")
    by_default = ServerFailedError if status >= _OF_SERVER else BadRequestError
    made = _BY_CODE.get(code) or _BY_STATUS.get(status, by_default)
    return made(
        status,
        code,
        _text(error.get("message")) or f"The server answered {status}.",
        details=[each for each in details if isinstance(each, dict)]
        if isinstance(details, list)
        else (),
        retry_after=seconds_to_wait(headers),
        document=document,
    )


def seconds_to_wait(headers: Mapping[str, str]) -> float | None:
    """Return what `Retry-After` asks for, in seconds; None where it asks for nothing readable.

    It is a number of seconds, or a date of HTTP.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal():
        return float(text) if len(text) <= _LONGEST_WAIT_DIGITS else float("inf")
    try:
        at = parsedate_to_datetime(text)
        return max(0.0, (at - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def _read(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
