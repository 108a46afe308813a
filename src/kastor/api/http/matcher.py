"""Finds the operation of a raw path.

Static segments match without regard to case, ids as they are; a path is split before it is
decoded, so that an encoded slash never parts an id (rest-api A.1, decisions 2).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from kastor.api.http.identifiers import decode_segment
from kastor.errors import MethodNotAllowed, NotFound

T = TypeVar("T")


@dataclass(slots=True)
class _Node(Generic[T]):
    static: dict[bytes, _Node[T]] = field(default_factory=dict)
    parameter: _Node[T] | None = None
    methods: dict[str, T] = field(default_factory=dict)


class Matcher(Generic[T]):
    """A tree of path segments; made once from the operation table."""

    def __init__(self, entries: Iterable[tuple[str, str, T]]) -> None:
        """Take (method, path such as `/models/{id}`, target) entries."""
        self._root: _Node[T] = _Node()
        for method, path, target in entries:
            node = self._root
            for segment in filter(None, path.split("/")):
                if segment.startswith("{"):
                    node.parameter = node.parameter or _Node()
                    node = node.parameter
                else:
                    node = node.static.setdefault(segment.lower().encode(), _Node())
            node.methods[method] = target

    def find(self, method: str, raw_path: bytes) -> tuple[T, tuple[str, ...]]:
        """Return the target and the decoded parameters, in order.

        Raises:
            NotFound: no operation has this path.
            MethodNotAllowed: operations have it, with other methods.
        """
        segments = raw_path.split(b"/")
        if not segments[-1]:
            del segments[-1]
        node = self._root
        parameters: list[bytes] = []
        for segment in segments if segments and segments[0] else segments[1:]:
            static = node.static
            child = static.get(segment) or (static.get(segment.lower()) if static else None)
            if child is None:
                child = node.parameter if segment else None
                parameters.append(segment)
            if child is None:
                raise _nothing_at(raw_path)
            node = child
        if not node.methods:
            raise _nothing_at(raw_path)
        target = node.methods.get(method)
        if target is None:
            if raw_path.endswith(b"/") and node.parameter is not None:
                raise _nothing_at(raw_path)  # of something without an id there is none
            allowed = tuple(sorted(node.methods))
            raise MethodNotAllowed(
                f"{method} is not possible here; allowed: {', '.join(allowed)}.", allowed=allowed
            )
        return target, tuple([decode_segment(each) for each in parameters])


def _nothing_at(raw_path: bytes) -> NotFound:
    return NotFound(f"There is nothing at {raw_path.decode('latin-1')[:200]}.")
