"""The superset's functions and operators in SQLite, over guarded arguments (NULL = undefined)."""

from __future__ import annotations

_SIMPLE = {
    "ABS": "abs({0})",
    "CEILING": "ceil({0})",
    "FLOOR": "floor({0})",
    "SQRT": "sqrt({0})",
    "POWER": "pow({0}, {1})",
    "LENGTH": "length({0})",
    "LOWER": "lower({0})",
    "UPPER": "upper({0})",
    "TRIM": "trim({0})",
    "REPLACE": "replace({0}, {1}, {2})",
    "INDEX_OF": "(instr({0}, {1}) - 1)",
}


def call(name: str, args: list[str]) -> str:
    """The SQL of one call."""
    simple = _SIMPLE.get(name)
    if simple is not None:
        return simple.format(*args)
    raise NotImplementedError(name)
