"""Texts with columns in braces, such as ``room-{Number}``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kastor.moving.tables import faults
from kastor.moving.tables.faults import CellFault, TableError, shown

if TYPE_CHECKING:
    from collections.abc import Callable

_PART = re.compile(r"\{\{|\}\}|\{([^{}]+)\}|([{}])")


@dataclass(frozen=True, slots=True)
class CellPattern:
    """A text with places for cells.

    Attributes:
        parts: texts and titles of columns by turns, a text first and last.
    """

    parts: tuple[str, ...]

    @classmethod
    def column(cls, title: str) -> CellPattern:
        """Return a pattern that is a column's text."""
        return cls(("", title, ""))

    @classmethod
    def read(cls, text: str) -> CellPattern:
        """Return the pattern of a text; ``{{`` and ``}}`` are braces.

        Raises:
            TableError: a brace is open.
        """
        parts = [""]
        at = 0
        for match in _PART.finditer(text):
            parts[-1] += text[at : match.start()]
            at = match.end()
            if match[1] is not None:
                parts += [match[1].strip(), ""]
            elif match[2] is not None:
                raise TableError(
                    f"{shown(text)} has a brace without its other half; a column is written "
                    "{Title}, and a brace itself {{ or }}."
                )
            else:
                parts[-1] += match[0][0]
        parts[-1] += text[at:]
        return cls(tuple(parts))

    @property
    def columns(self) -> tuple[str, ...]:
        """The titles in it."""
        return self.parts[1::2]

    @property
    def only_column(self) -> str | None:
        """The title, where it is nothing but one column."""
        return self.parts[1] if len(self.parts) == 3 and not self.parts[0] + self.parts[2] else None  # noqa: PLR2004 - texts around it

    def fill(self, text_at: Callable[[str], str | None]) -> str:
        """Return the text with the columns' texts in it.

        Raises:
            CellFault: a column is empty.
        """
        filled = list(self.parts)
        for at in range(1, len(filled), 2):
            text = text_at(self.parts[at])
            if not text:
                raise CellFault(
                    "is empty, and is needed here. Rows without it are left out by `skip_empty` "
                    "in the mapping.",
                    code=faults.CELL_EMPTY,
                    column=self.parts[at],
                )
            filled[at] = text
        return "".join(filled)
