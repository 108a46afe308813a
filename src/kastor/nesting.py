"""How deep JSON may be nested, the same wherever it comes in; imports nothing of ours."""

from __future__ import annotations

from typing import Any

MAX_DEPTH = 64
"""Arrays and objects within one another, the outermost included."""


def is_too_deep(value: object) -> bool:
    """Return whether a decoded value is nested deeper than MAX_DEPTH; takes no stack."""
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            if isinstance(outer, (dict, list))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True


def may_be_too_deep(text: bytes) -> bool:
    """Return whether a JSON text has brackets enough to be too deep; spares most a second look."""
    return text.count(b"[") + text.count(b"{") > MAX_DEPTH
