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
        node: _Node[T] | None = self._root
        parameters: list[bytes] = []
        segments = raw_path.split(b"/")
        last = len(segments) - 1
        for index, segment in enumerate(segments):
            if not segment and index in (0, last):
                continue
            if node is None:
                break
            child = node.static.get(segment) or node.static.get(segment.lower())
            if child is None and segment:
                child = node.parameter
                parameters.append(segment)
            node = child
        if node is None or not node.methods:
            raise NotFound(f"There is nothing at {raw_path.decode('latin-1')[:200]}.")
        target = node.methods.get(method)
        if target is None:
            allowed = tuple(sorted(node.methods))
            raise MethodNotAllowed(
                f"{method} is not possible here; allowed: {', '.join(allowed)}.", allowed=allowed
            )
        return target, tuple([decode_segment(each) for each in parameters])
