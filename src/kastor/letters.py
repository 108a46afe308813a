"""Small and capital letters of Unicode, the same on both engines; imports nothing of ours.

Each letter becomes what Unicode says of it alone, also where that is several (a sharp s is SS), and
whatever stands around it: a capital sigma is the same small one everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_SIGMA, _SMALL_SIGMA = "\u03a3", "\u03c3"
_END = 0x20000
"""No letter behind has a small and a capital form."""


def lower(text: str) -> str:
    """Return the text in small letters."""
    return text.replace(_SIGMA, _SMALL_SIGMA).lower()


def upper(text: str) -> str:
    """Return the text in capital letters."""
    return text.upper()


def changed(by: Callable[[str], str]) -> dict[str, str]:
    """Return what each letter becomes that `lower`, or `upper`, changes."""
    return {one: by(one) for one in map(chr, range(_END)) if by(one) != one}
