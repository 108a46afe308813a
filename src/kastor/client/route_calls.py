"""The calls about how routes are doing, and about what they could not deliver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kastor.client import features
from kastor.client.calls import (
    Document,
    HttpAnswer,
    HttpCall,
    Repetition,
    document,
    documents,
    nothing,
    read,
    segments,
)
from kastor.client.errors import UnexpectedAnswerError, UnsendableError
from kastor.client.pages import ListingPage, decode_page

_PATH = "/kastor/v1/routes"


def list_states() -> HttpCall[list[Document]]:
    """Kastor_ListRouteStates."""
    return read(_PATH, documents, needs=features.ROUTES)


def get_state(route: str) -> HttpCall[Document]:
    """Kastor_GetRouteState."""
    return read(f"{_PATH}{segments(route)}", document, needs=features.ROUTES)


def pause(route: str, *, paused: bool) -> HttpCall[None]:
    """Kastor_PauseRoute and Kastor_ResumeRoute; a repeated one does the same."""
    path = f"{_PATH}{segments(route)}/{'pause' if paused else 'resume'}"
    return HttpCall("POST", path, nothing, repeat=Repetition.RECOGNISED, needs=features.ROUTES)


def replay(route: str, since: str) -> HttpCall[int]:
    """Kastor_ReplayRoute; answers the position."""
    path = f"{_PATH}{segments(route)}/replay"
    return HttpCall("POST", path, _position, {"from": since}, needs=features.ROUTES)


def list_letters(route: str, after: str | None = None) -> HttpCall[ListingPage[Document]]:
    """Kastor_ListDeadLetters."""
    return read(_letters(route), _letter_page, query={"after": after}, needs=features.ROUTES)


def requeue(route: str, keys: Sequence[int] | None) -> HttpCall[int]:
    """Kastor_RequeueDeadLetters; answers how many."""
    return replace(_counted("POST", route, keys), path=f"{_letters(route)}/requeue")


def purge(route: str, keys: Sequence[int] | None) -> HttpCall[int]:
    """Kastor_PurgeDeadLetters; answers how many."""
    return _counted("DELETE", route, keys)


def _counted(method: str, route: str, keys: Sequence[int] | None) -> HttpCall[int]:
    """Return a call about dead letters: all of them, or those of keys.

    Raises:
        UnsendableError: no keys, which the other side would take for all of them.
    """
    if keys is not None and not keys:
        raise UnsendableError("Give the keys of dead letters; None means all of them.")
    query = {"key": None if keys is None else [str(key) for key in keys]}
    return HttpCall(method, _letters(route), _count, query, needs=features.ROUTES)


def _letters(route: str) -> str:
    return f"{_PATH}{segments(route)}/deadletters"


def _letter_page(answer: HttpAnswer) -> ListingPage[Document]:
    after = document(answer).get("after")
    return ListingPage(decode_page(answer).items, None if after is None else str(after))


def _position(answer: HttpAnswer) -> int:
    return _number(answer, "position")


def _count(answer: HttpAnswer) -> int:
    return _number(answer, "count")


def _number(answer: HttpAnswer, name: str) -> int:
    found = document(answer).get(name)
    if not isinstance(found, int):
        raise UnexpectedAnswerError(f"The answer has no {name}.")
    return found
