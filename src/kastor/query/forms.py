"""What a statement may depend on of a value that is bound when it runs.

A statement with variables is written for one value of each form, and serves all values of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.query.plan import Compare, Const, Doc, Field

if TYPE_CHECKING:
    from kastor.query.plan import Scalar


def form_of(value: Scalar) -> Scalar:
    """The value that stands for all of its form; of a string or a number.

    Of a string it tells whether it may look like an array or an object, of a number how it
    compares with 0 and 1, which is how SQLite shows booleans.
    """
    if isinstance(value, str):
        return "[" if value.startswith(("[", "{")) else ""
    if value is None or value < 0:
        return -1
    if value <= 0:
        return 0
    return 2 if value > 1 else 1 if value == 1 else 0.5


def variable_of(leaf: Compare) -> Const | None:
    """The constant of a comparison if its statement depends on no more than its form."""
    right = leaf.right
    if not isinstance(right, Const) or right.given is None:
        return None
    bound = isinstance(right.value, str | int | float) and not isinstance(right.value, bool)
    return right if bound and isinstance(leaf.left, Doc | Field) else None
