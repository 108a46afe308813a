"""What an upload of models may hold, and its reading: bounded before anything is built from it.

What cannot be bounded by its bytes alone is bounded here: three bytes of `{}` would become a
hundred in memory, and a text of megabytes takes a pattern long. Meant to run in a thread; no step
keeps the interpreter to itself for longer than a few milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec
import orjson

from kastor.errors import InvalidArgument, LimitExceeded
from kastor.nesting import MAX_DEPTH, is_too_deep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.types import Document

Item: TypeAlias = "tuple[Document, bytes]"
"""The keywords of a document (members that begin with @), and its whole text."""

LONGEST_TEXT = 65_536
"""Bytes between two quotes; the longest text that DTDL allows has 2,048 characters."""

_STEP = 2**20
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(frozen=True, slots=True)
class ModelLimits:
    """What an upload may hold; None is no limit.

    Attributes:
        max_version: of DTDL.
        per_upload: models of one request.
        stored: models of a graph.
        document_bytes: of one model's text.
        values: members and items of one request, counted by the commas and opening brackets of its
            text (those within strings too, since telling them apart costs what this is to spare).
        profile: of the language.
    """

    max_version: int = 4
    per_upload: int | None = 10_000
    stored: int | None = None
    document_bytes: int | None = 2_097_152
    values: int | None = 250_000
    profile: Literal["server", "adt"] = "server"


ADT_MODEL_LIMITS = ModelLimits(
    max_version=3, per_upload=250, stored=10_000, document_bytes=1_048_576, profile="adt"
)


def read_upload(body: bytes, limits: ModelLimits) -> list[Item]:
    """Return the models of a request's body.

    Raises:
        InvalidArgument: the body is no array of JSON objects, or nested too deeply.
        LimitExceeded: there is more than `limits` allow.
    """
    _require_few_values(body, limits.values)
    try:
        raw = _ITEMS.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _not_an_array(body, error) from None
    if not raw:
        raise InvalidArgument("The body must be a JSON array with at least one model.")
    if limits.per_upload is not None and len(raw) > limits.per_upload:
        raise LimitExceeded(
            f"The request has {len(raw)} models; at most {limits.per_upload} models can be "
            "uploaded in one request. Upload them in several, dependencies first."
        )
    return [_item(index, bytes(each), limits) for index, each in enumerate(raw)]


def require_room(count: int, stored: int, limits: ModelLimits) -> None:
    """Raise LimitExceeded where a graph would have too many models."""
    if limits.stored is not None and stored + count > limits.stored:
        raise LimitExceeded(f"A graph can hold at most {limits.stored} models.")


def named(ids: Sequence[str], most: int = 20) -> str:
    """Return ids as a text for people; of very many only the first."""
    shown = ", ".join(ids[:most])
    return shown if len(ids) <= most else f"{shown} and {len(ids) - most} more"


def _require_few_values(body: bytes, most: int | None) -> None:
    if most is None:
        return
    count = 0
    for start in range(0, len(body), _STEP):
        count += sum(body.count(each, start, start + _STEP) for each in (b",", b"[", b"{"))
        if count > most:
            raise LimitExceeded(
                f"The request has more than {most} members and items, too many to be looked at "
                "at once (setting max_models_values). Upload the models in several requests, "
                "dependencies first."
            )


def _item(index: int, text: bytes, limits: ModelLimits) -> Item:
    if not text.startswith(b"{"):
        raise InvalidArgument("Every item of the array must be a model, a JSON object.").at(
            index=index, path=f"/{index}"
        )
    most = limits.document_bytes
    if most is not None and len(text) > most:
        raise LimitExceeded(
            f"Model {index + 1} of the request has {len(text)} bytes; at most {most} are allowed."
        ).at(index=index, path=f"/{index}")
    if len(text) > LONGEST_TEXT and max(map(len, text.split(b'"'))) > LONGEST_TEXT:
        raise LimitExceeded(
            f"Model {index + 1} of the request has a text of more than {LONGEST_TEXT} bytes; no "
            "text of DTDL may be that long."
        ).at(index=index, path=f"/{index}")
    try:
        document: dict[str, Any] = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidArgument(
            f"The body is not valid JSON: model {index + 1} of the array: {error}."
        ).at(index=index, path=f"/{index}") from None
    if is_too_deep([document]):
        raise _too_deep()
    return {name: value for name, value in document.items() if name[:1] == "@"}, text


def _not_an_array(body: bytes, error: Exception) -> InvalidArgument:
    if isinstance(error, RecursionError):
        return _too_deep()
    if isinstance(error, msgspec.ValidationError) and body.lstrip()[:1] != b"[":
        return InvalidArgument("The body must be a JSON array with at least one model.")
    return InvalidArgument(f"The body is not valid JSON: {error}.")


def _too_deep() -> InvalidArgument:
    return InvalidArgument(f"The body is nested deeper than the limit of {MAX_DEPTH} levels.")
