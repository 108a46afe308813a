"""What is wrong with a table: with the whole of it, or with a cell."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from kastor.errors import CannotStartError

if TYPE_CHECKING:
    from collections.abc import Iterable

# Codes of what is wrong with a row; docs/reference/tables.md tells of each.
CELL_EMPTY = "CellEmpty"
CELL_WITHOUT_TITLE = "CellWithoutTitle"
ID_INVALID = "IdInvalid"
ID_REPEATED = "IdRepeated"
MODEL_UNKNOWN = "ModelUnknown"
PROPERTY_UNKNOWN = "PropertyUnknown"
RELATIONSHIP_UNKNOWN = "RelationshipUnknown"
SPREADSHEET_ERROR = "SpreadsheetError"
VALUE_INVALID = "ValueInvalid"
VALIDATION_FAILED = "ValidationFailed"

_SHOWN = 60
_LISTED = 8


class TableError(CannotStartError):
    """A file that cannot be read as a table, or a mapping that does not fit it; nothing is sent."""


class CellFault(Exception):
    """A row makes no twin or relationship, for the sake of a cell.

    Attributes:
        message: what was expected, and what to do.
        code: for programs.
        column: title of the column; the empty string where it is the whole row.
    """

    def __init__(self, message: str, *, code: str = VALUE_INVALID, column: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.column = column

    def of(self, column: str) -> CellFault:
        """Return the fault with its column, where it has none yet."""
        self.column = self.column or column
        return self


def shown(value: object) -> str:
    """Return a cell's value for a sentence: short, in quotes, on one line."""
    text = str(value)
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")


def nearest(name: str, names: Iterable[str]) -> str:
    """Return the end of a message that lists what was perhaps meant, with a leading blank."""
    known = sorted(names)
    folded = name.casefold()
    begun = [each for each in known if folded and each.casefold().startswith(folded)]
    close = begun[:1] or get_close_matches(name, known, n=1)
    if close:
        return f" Did you mean {close[0]}?"
    if not known:
        return ""
    more = ", ..." if len(known) > _LISTED else ""
    return f" There are: {', '.join(known[:_LISTED])}{more}."
