"""What a tool could not do, told so that the caller can do better."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from kastor.agents.fitting import LEAST_CHARACTERS, bare
from kastor.errors import (
    Forbidden,
    Gone,
    InvalidArgument,
    KastorError,
    NotFound,
    QueryError,
    QueryTimeout,
)

MOST_SUGGESTIONS = 3
_LONGEST, _MOST_COMPARED = 700, 2_000
_DETAILS, _LONGEST_DETAIL = 3, 200


class ToolRefused(Exception):
    """The tool cannot be called so.

    Attributes:
        told: `code`, `message`, and where they help `at`, `did_you_mean` and `try`.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        at: str | dict[str, Any] | None = None,
        near: Iterable[str] = (),
        advice: str | None = None,
    ) -> None:
        super().__init__(message)
        told: dict[str, Any] = {"code": code, "message": _cut(message)}
        if at is not None:
            told["at"] = at
        if suggestions := list(near)[:MOST_SUGGESTIONS]:
            told["did_you_mean"] = suggestions
        if advice is not None:
            told["try"] = advice
        self.told = told


def refusal_of(error: KastorError) -> ToolRefused:
    """Return what is told of an error that a service raised."""
    place: dict[str, Any] = dict(list(error.place.items())[:_DETAILS])
    advice = None
    match error:
        case QueryError():
            place |= {"line": error.line, "column": error.position}
            advice = "Check names with get_model, and the text with explain_query."
        case QueryTimeout():
            advice = "Ask for less: a condition on a model or an id, TOP(n), COUNT()."
        case NotFound():
            advice = "Look for it with find."
        case Gone():
            advice = "Take a later instant, or leave as_of out."
        case Forbidden():
            advice = "Go on without this tool, or ask whoever runs the server for the right."
        case _:
            pass
    told = [error.message, *(_short(each.message) for each in error.details[:_DETAILS])]
    message = " ".join(dict.fromkeys(told))
    at = {name: _short(value) for name, value in place.items()} or None
    return ToolRefused(error.code, message, at=at, advice=advice)


def bad_argument(name: str, message: str) -> InvalidArgument:
    """Return the error of an argument that is wrong."""
    return InvalidArgument(message).at(path=name)


def near(name: str, known: Iterable[str]) -> list[str]:
    """Return the names that were meant, perhaps; few are looked at."""
    some = [each for _, each in zip(range(_MOST_COMPARED), known, strict=False)]
    by_fold = {each.casefold(): each for each in some}
    close = get_close_matches(name.casefold()[:_LONGEST_DETAIL], list(by_fold), MOST_SUGGESTIONS)
    return [by_fold[each] for each in close]


def text_of(refused: ToolRefused) -> str:
    """Return a refusal as the text of a result, always short enough."""
    told = refused.told
    while (text := bare(told, LEAST_CHARACTERS)) is None:
        told = {**told, "message": told["message"][: len(told["message"]) // 2]}
        if not told["message"]:
            told = {"code": told["code"], "message": "The reason is too long to be told."}
    return text


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _short(value: Any) -> Any:
    return value[:_LONGEST_DETAIL] if isinstance(value, str) else value
