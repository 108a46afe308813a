"""What to call instead, for requests that no operation answers; only what is there is named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

from kastor.errors import MethodNotAllowed, NotFound

_SEGMENTS = 6
"""Of a path that are looked at."""
_SHOWN = 60
_LIKE = 0.7

_HINTS: tuple[tuple[str, str, tuple[str, str], str], ...] = (
    ("GET", "/digitaltwins", ("POST", "/query"), "to list twins, send a query"),
    ("POST", "/digitaltwins", ("PUT", "/digitaltwins/{id}"), "to create a twin"),
    ("PUT", "/digitaltwins", ("PUT", "/digitaltwins/{id}"), "to create a twin"),
    ("DELETE", "/digitaltwins", ("DELETE", "/digitaltwins/{id}"), "to delete a twin"),
    ("POST", "/digitaltwins/{id}", ("PUT", "/digitaltwins/{id}"), "to create or replace a twin"),
    ("GET", "/query", ("POST", "/query"), "to query"),
    ("PUT", "/query", ("POST", "/query"), "to query"),
    ("PUT", "/models", ("POST", "/models"), "to upload models"),
    ("PUT", "/models/{id}", ("POST", "/models"), "to upload models"),
    ("POST", "/models/{id}", ("POST", "/models"), "to upload models"),
    (
        *("POST", "/digitaltwins/{id}/relationships"),
        ("PUT", "/digitaltwins/{id}/relationships/{relationshipId}"),
        "to create a relationship",
    ),
    (
        *("GET", "/relationships"),
        ("POST", "/query"),
        "to list relationships, query SELECT * FROM RELATIONSHIPS",
    ),
    ("GET", "/twins", ("POST", "/query"), "to list twins, send a query"),
    (
        *("PUT", "/digitaltwins/{id}/components/{componentPath}"),
        ("PATCH", "/digitaltwins/{id}/components/{componentPath}"),
        "to change a component",
    ),
    (
        *("GET", "/digitaltwins/{id}/components"),
        ("GET", "/digitaltwins/{id}"),
        "a twin holds its components",
    ),
    ("GET", "/digitaltwins/{id}/telemetry", ("GET", "/kastor/v1/events"), "to follow telemetry"),
    ("POST", "/eventroutes", ("PUT", "/eventroutes/{id}"), "to create an event route"),
    ("POST", "/eventroutes/{id}", ("PUT", "/eventroutes/{id}"), "to create an event route"),
    ("GET", "/kastor", ("GET", "/kastor/v1/status"), "to see how the graph is"),
    ("GET", "/kastor/v1", ("GET", "/kastor/v1/status"), "to see how the graph is"),
    ("GET", "/status", ("GET", "/kastor/v1/status"), "to see how the graph is"),
    ("GET", "/swagger", ("GET", "/openapi.json"), "the API's description"),
)


class Signposts:
    """Points from what is not there to what is; made once from the operation table."""

    def __init__(self, operations: Iterable[tuple[str, str]]) -> None:
        """Take (method, path) of every operation."""
        there = {*operations, ("GET", "/openapi.json")}
        self._paths = sorted({path for _, path in there})
        self._hints = {
            (method, path): f"Call {' '.join(target)} {purpose}."
            if purpose.startswith("to ") and "," not in purpose
            else f"{purpose[0].upper()}{purpose[1:]}: {' '.join(target)}."
            for method, path, target, purpose in _HINTS
            if target in there
        }

    def not_found(self, method: str, raw_path: bytes) -> NotFound:
        """Return the error for a path that no operation has."""
        path = raw_path.decode("latin-1")
        said = f"There is nothing at {path[:200]}."
        return NotFound(f"{said} {self._hint(method, path) or self._near(path)}".rstrip())

    def not_allowed(
        self, error: MethodNotAllowed, method: str, raw_path: bytes
    ) -> MethodNotAllowed:
        """Return the error for a method that the path does not have, with what to call instead."""
        hint = self._hint(method, raw_path.decode("latin-1"))
        if not hint:
            return error
        return MethodNotAllowed(f"{error.message} {hint}", allowed=error.allowed)

    def _hint(self, method: str, path: str) -> str:
        given = _segments(path)
        for (each, pattern), hint in self._hints.items():
            if each == method and _fits(_segments(pattern), given):
                return hint
        return ""

    def _near(self, path: str) -> str:
        """Name an operation's path that differs in the spelling of one segment."""
        given = _segments(path)
        nearest = max((_likeness(_segments(each), given), each) for each in self._paths)
        return f"Did you mean {nearest[1]}?" if nearest[0] > _LIKE else ""


def _segments(path: str) -> list[str]:
    return [each.lower() for each in path.strip("/").split("/", _SEGMENTS) if each]


def _likeness(pattern: Sequence[str], given: Sequence[str]) -> float:
    """Return how like the one segment is that differs, from 0 to 1."""
    if len(pattern) != len(given):
        return 0.0
    wrong = [pair for pair in zip(pattern, given, strict=True) if not _same(*pair)]
    if len(wrong) != 1:
        return 0.0
    return SequenceMatcher(None, wrong[0][0], wrong[0][1][:_SHOWN]).ratio()


def _fits(pattern: Sequence[str], given: Sequence[str]) -> bool:
    return len(pattern) == len(given) and all(map(_same, pattern, given))


def _same(pattern: str, given: str) -> bool:
    return pattern.startswith("{") or pattern == given
