"""What a client sends and what it makes of the answer, before any of it touches a socket.

A call is plain data, so that the client that waits and the one that does not make the same ones.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar
from urllib.parse import quote

from kastor.client.errors import UnexpectedAnswerError, UnsendableError
from kastor.client.instants import Instant, instant_text

T = TypeVar("T")
Json: TypeAlias = Any  # any: what was decoded is looked into
Document: TypeAlias = dict[str, Any]
Query: TypeAlias = Mapping[str, str | Sequence[str] | None]
Content: TypeAlias = bytes | Path | Iterable[bytes] | AsyncIterable[bytes]

JSON = "application/json"
PATCH = "application/json-patch+json"
NDJSON = "application/x-ndjson"


class Repetition(Enum):
    """When a call that failed may be sent again.

    A write whose answer is lost may have been applied, and a repeated one would be a second
    change with a second event.
    """

    ALWAYS = "always"
    """It changes nothing."""
    RECOGNISED = "recognised"
    """The other side recognises it (`operation-id`), or it does the same a second time."""
    UNDONE = "undone"
    """Only where it was certainly not applied: never sent, or refused for its rate (429)."""
    NEVER = "never"
    """Its content can be read once only."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer that has come whole.

    Attributes:
        headers: names in lower case.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Json:
        """Return the decoded body.

        Raises:
            UnexpectedAnswerError: it is no JSON.
        """
        try:
            return json.loads(self.body)
        except RecursionError:
            raise UnexpectedAnswerError("The answer is nested too deeply to be read.") from None
        except ValueError:
            raise UnexpectedAnswerError(
                "The answer is no JSON, so what answers there is neither Kastor nor Azure Digital "
                "Twins. Check the address."
            ) from None


@dataclass(frozen=True, slots=True)
class HttpCall(Generic[T]):
    """One request, and how its answer is read.

    Attributes:
        path: below the address of the graph, percent-encoded; begins with a slash.
        decode: makes the result of an answer whose status is below 300.
        query: parameters, one with several values repeated; None leaves one out.
        headers: None leaves one out.
        content: the body; only bytes and files can be sent again.
        needs: the feature that the other side has to announce before this is sent; None for what
            the contract of Azure Digital Twins has.
        of_server: whether it is of the server and not of one of its graphs.
        silence: seconds between two parts of the answer before it counts as lost; None for what
            the client has.
        as_of: the state of the past that is read, as requests name it; None: the present.
    """

    method: str
    path: str
    decode: Callable[[HttpAnswer], T]
    query: Query = field(default_factory=dict)
    headers: Mapping[str, str | None] = field(default_factory=dict)
    content: Content | None = None
    media_type: str = JSON
    repeat: Repetition = Repetition.UNDONE
    needs: str | None = None
    of_server: bool = False
    silence: float | None = None
    as_of: str | None = None

    def at(self, instant: Instant | None) -> HttpCall[T]:
        """Return the same of a state of the past; None: as it is.

        Raises:
            UnsendableError: it is no instant.
        """
        return self if instant is None else replace(self, as_of=instant_text(instant))


def segments(*parts: str) -> str:
    """Return a path of segments, each encoded so that no character of an id means anything else.

    Raises:
        UnsendableError: an id that no path can carry.
    """
    if found := [part for part in parts if part in ("", ".", "..")]:
        raise UnsendableError(f"{found[0]!r} is no id: no address can carry it.")
    try:
        return "".join(f"/{quote(part, safe='')}" for part in parts)
    except UnicodeEncodeError:
        raise UnsendableError("An id has half of a character in it.") from None


def encoded(value: Json) -> bytes:
    """Return a JSON body.

    Raises:
        UnsendableError: a value that JSON lacks, such as NaN, or a cycle.
    """
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise UnsendableError(f"This cannot be sent as JSON: {error}.") from None


def read(
    path: str,
    decode: Callable[[HttpAnswer], T],
    *,
    query: Query | None = None,
    headers: Mapping[str, str | None] | None = None,
    needs: str | None = None,
    of_server: bool = False,
) -> HttpCall[T]:
    """Return a call that reads."""
    return HttpCall(
        *("GET", path, decode, query or {}, headers or {}),
        repeat=Repetition.ALWAYS,
        needs=needs,
        of_server=of_server,
    )


def nothing(_answer: HttpAnswer) -> None:
    """Decode an answer without a body that counts."""


def document(answer: HttpAnswer) -> Document:
    """Decode a JSON object.

    Raises:
        UnexpectedAnswerError: it is none.
    """
    found = answer.json()
    if not isinstance(found, dict):
        raise UnexpectedAnswerError("The answer is no JSON object.")
    return found


def documents(answer: HttpAnswer) -> list[Document]:
    """Decode a JSON array of objects, or the `value` of an object.

    Raises:
        UnexpectedAnswerError: it is neither.
    """
    found = answer.json()
    rows = found.get("value") if isinstance(found, dict) else found
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UnexpectedAnswerError("The answer holds no list.")
    return rows


def etag(answer: HttpAnswer) -> str | None:
    """Decode the ETag of an answer."""
    return answer.headers.get("etag")


def patch_body(patch: Sequence[Document]) -> bytes:
    """Return the body of a JSON Patch."""
    return encoded(list(patch))
