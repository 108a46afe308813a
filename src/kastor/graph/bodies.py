"""Bodies of writes as values, by the same rules alone and in batches (rest-api A.6, C.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from kastor.errors import (
    BadRequest,
    InvalidArgument,
    JsonPatchInvalid,
    PayloadTooLarge,
    ValidationFailed,
)
from kastor.nesting import MAX_DEPTH, is_too_deep, may_be_too_deep

if TYPE_CHECKING:
    from kastor.types import Document, Json


def parse_json(body: bytes) -> Json:
    """Return the decoded body.

    Raises:
        BadRequest: it is empty.
        InvalidArgument: it is not JSON, not UTF-8, or nested too deeply.
        ValidationFailed: a number is out of the range of a double.
    """
    if not body.strip():
        raise BadRequest("The request needs a body.")
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if "infinity" in error.msg:
            raise ValidationFailed(
                f"A number in the body is out of the range of a double: {error}."
            ).at(line=error.lineno, column=error.colno - 1) from None
        if "depth limit" in error.msg:
            raise _too_deep() from None
        raise InvalidArgument(f"The body is not valid JSON: {error}.").at(
            line=error.lineno, column=error.colno - 1
        ) from None
    if may_be_too_deep(body) and is_too_deep(value):
        raise _too_deep()
    return value


def _too_deep() -> InvalidArgument:
    return InvalidArgument(f"The body is nested deeper than the limit of {MAX_DEPTH} levels.")


def as_document(value: Json) -> Document:
    """Return the value of a body that has to be an object.

    Raises:
        InvalidArgument: it is something else.
    """
    if not isinstance(value, dict):
        raise InvalidArgument("The body must be a JSON object.")
    return value


def as_patch(value: Json) -> tuple[Document, ...]:
    """Return the value of a body that has to be a JSON Patch, an array of objects.

    Raises:
        JsonPatchInvalid: it is something else.
    """
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise JsonPatchInvalid("A JSON Patch is an array of operation objects.")
    return tuple(value)


def too_large(limit: int) -> PayloadTooLarge:
    """Return the error for a body of more than `limit` bytes."""
    return PayloadTooLarge(
        f"The body is larger than the limit of {limit} bytes for this operation."
    )
