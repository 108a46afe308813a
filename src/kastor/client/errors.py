"""What a client raises: a root, and a class for each thing that a caller does about it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
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
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: Sequence[Mapping[str, Any]] = (),  # any: JSON
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.details, self.retry_after = tuple(details), retry_after


class BadRequestError(ServiceError):
    """400 and its kind: what was sent is wrong, and nothing was changed."""


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


class UnreachableError(ClientError):
    """Nobody answers there, and nothing was sent."""


class OutcomeUnknownError(ClientError):
    """The connection ended before the answer came: a write may have been applied or not."""


class UnexpectedAnswerError(ClientError):
    """What answers is neither Kastor nor Azure Digital Twins."""


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
_OF_SERVER = 500


def service_error(status: int, headers: Mapping[str, str], body: bytes) -> ServiceError:
    """Return what an answer with a status of 400 or above says, whatever its body is."""
    code, message, details = _read(body)
    by_default = ServerFailedError if status >= _OF_SERVER else BadRequestError
    made = _BY_STATUS.get(status, by_default)
    return made(
        status,
        code or headers.get("x-ms-error-code", ""),
        message or f"The server answered {status}.",
        details=details,
        retry_after=seconds_to_wait(headers),
    )


def seconds_to_wait(headers: Mapping[str, str]) -> float | None:
    """Return what `Retry-After` asks for, in seconds; None where it is no number of them."""
    text = headers.get("retry-after", "").strip()
    return float(text) if text.isascii() and text.isdecimal() and len(text) <= 6 else None  # noqa: PLR2004 - eleven days


def _read(body: bytes) -> tuple[str, str, list[Mapping[str, Any]]]:
    try:
        error = json.loads(body)["error"]
        details = error.get("details")
        found = details if isinstance(details, list) else []
        return str(error.get("code") or ""), str(error.get("message") or ""), found
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "", "", []
