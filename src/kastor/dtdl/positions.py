"""Where the values of a JSON text stand: a second reading, for problems only.

The text was read before, so it is JSON. Works with a stack of its own.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection

# A string without an alternative for each character: that would keep a note for every one of them.
_TOKEN = re.compile(r'[ \t\r\n]*("[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s{}\[\],:"]+)')
Keys = tuple[str | int, ...]


class Lines:
    """The lines of a text."""

    __slots__ = ("_starts",)

    def __init__(self, text: str) -> None:
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def position(self, offset: int) -> tuple[int, int]:
        """Return the 1-based line and column of an offset."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


def locate(text: str, wanted: Collection[Keys]) -> dict[Keys, int]:
    """Return where some values stand: the offset of the member's name, or of the value itself.

    Keys that the text does not have get the position of the innermost value that it has.
    """
    tree: dict[str | int, Any] = {}
    for keys in wanted:
        branch = tree
        for key in keys:
            branch = branch.setdefault(key, {})
    found: dict[Keys, int] = {}
    _walk(text, tree, found, {})
    return {keys: _nearest(found, keys) for keys in wanted}


def lengths(text: str, wanted: Collection[Keys]) -> dict[Keys, int]:
    """Return how many characters some objects take in a text, white space included."""
    tree: dict[str | int, Any] = {}
    for keys in wanted:
        branch = tree
        for key in keys:
            branch = branch.setdefault(key, {})
    found: dict[Keys, int] = {}
    _walk(text, tree, {}, found)
    return {keys: found.get(keys, 0) for keys in wanted}


def _nearest(found: dict[Keys, int], keys: Keys) -> int:
    while keys not in found and keys:
        keys = keys[:-1]
    return found.get(keys, 0)


class _Level:
    """One open object or array; `branch` is None where nothing is wanted."""

    __slots__ = ("branch", "index", "is_object", "key", "keys", "start")

    def __init__(
        self, is_object: bool, branch: dict[str | int, Any] | None, keys: Keys, start: int
    ) -> None:
        self.start = start
        self.is_object = is_object
        self.branch = branch
        self.keys = keys
        self.key: str | None = None
        self.index = 0

    def inner(self) -> tuple[dict[str | int, Any] | None, Keys]:
        """Return what is wanted of the value that comes next, and its keys."""
        if self.branch is None:
            return None, ()
        key: str | int = self.index if not self.is_object else self.key or ""
        if key not in self.branch:
            return None, ()
        return self.branch[key], (*self.keys, key)


def _walk(
    text: str,
    tree: dict[str | int, Any],
    found: dict[Keys, int],
    sizes: dict[Keys, int],
) -> None:
    """Fill in where the wanted values stand, and how long the arrays and objects among them are."""
    # Branches because this runs for each token of a large text, where a call would cost more than
    # what it does.
    levels: list[_Level] = []
    for token in _TOKEN.finditer(text):
        part, start = token[1], token.start(1)
        level = levels[-1] if levels else None
        if part in ("]", "}"):
            closed = levels.pop()
            if closed.branch is not None:
                sizes[closed.keys] = start + 1 - closed.start
            continue
        if part == ",":
            if level is not None:
                level.index += 1
                level.key = None
            continue
        if part == ":":
            continue
        if level is not None and level.is_object and level.key is None:
            level.key = _name(part, level)
            branch, keys = level.inner()
            if branch is not None:
                found.setdefault(keys, start)
            continue
        branch, keys = level.inner() if level is not None else (tree, ())
        if branch is not None:
            found.setdefault(keys, start)
        if part in ("[", "{"):
            levels.append(_Level(part == "{", branch, keys, start))


def _name(token: str, level: _Level) -> str:
    """Return the name of a member; decoded only where it may be wanted."""
    if level.branch is None or "\\" not in token:
        return token[1:-1]
    return str(json.loads(token))
