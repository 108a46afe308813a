"""Rows of tables as they stand in files, with their bounds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from kastor.moving.tables.faults import TableError, shown
from kastor.words import counted

Cell: TypeAlias = object
"""A cell as a reader knows it: None for an empty one, a text, a number, a date, a list, a dict."""

MAX_CELL = 131_072
"""Characters of a cell."""
MAX_ROW = 8 * 2**20
"""Characters of a row."""
MAX_COLUMNS = 2_000
MAX_SHEETS = 256
MAX_ROWS = 20_000_000
"""Rows of a sheet."""

_REMARK = "#"
_MODEL = "model:"


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row.

    Attributes:
        number: as spreadsheets count, from 1; the header is counted where there is one.
        cells: None for empty ones.
        line: of the file, where it is another number than that of the row.
    """

    number: int
    cells: tuple[Cell, ...]
    line: int | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing stands in it."""
        return all(cell is None for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet, or a file that is like one.

    Attributes:
        name: of the sheet; of other files theirs without the ending.
        rows: in order, the header among them.
    """

    name: str
    rows: Iterator[TableRow]


@dataclass(frozen=True, slots=True)
class SheetHead:
    """What stands above the rows of a sheet.

    Attributes:
        titles: of the columns; the empty string where there is none.
        model: of the remark `# model: DTMI`.
    """

    titles: tuple[str, ...]
    model: str | None


class TableReader(Protocol):
    """A file with tables, which can be read again and again."""

    def sheets(self) -> Iterator[Sheet]:
        """Yield the sheets; each is to be read before the next one."""


def bounded(rows: Iterator[TableRow], where: str) -> Iterator[TableRow]:
    """Yield rows, and end with a TableError at one that is beyond the bounds."""
    for count, row in enumerate(rows, start=1):
        if count > MAX_ROWS:
            raise TableError(f"{where} has more than {MAX_ROWS:,} rows; split it.")
        if len(row.cells) > MAX_COLUMNS:
            raise TableError(
                f"{where}, row {row.number} has {counted(len(row.cells), 'column')}; "
                f"there may be {MAX_COLUMNS:,}."
            )
        size = 0
        for cell in row.cells:
            if isinstance(cell, str | bytes):
                size += len(cell)
                if len(cell) > MAX_CELL:
                    raise TableError(
                        f"{where}, row {row.number} has a cell of {len(cell):,} characters; "
                        f"there may be {MAX_CELL:,}."
                    )
        if size > MAX_ROW:
            raise TableError(f"{where}, row {row.number} has more than {MAX_ROW:,} characters.")
        yield row


def read_head(rows: Iterator[TableRow], header: int | None, where: str) -> SheetHead | None:
    """Return the titles, and leave the rows below them; None where there is nothing at all.

    Rows above them that are empty or begin with ``#`` are read over; the remark ``# model: DTMI``
    names the model of rows that name none.

    Args:
        rows: of a sheet.
        header: number of the row with the titles, where it is known.
        where: the sheet, for messages.

    Raises:
        TableError: there is no such row, or two columns have one title.
    """
    model = None
    for row in rows:
        first = row.cells[0] if row.cells else None
        if isinstance(first, str) and first.lstrip().startswith(_REMARK):
            model = _model_of(first, row.cells[1:2]) or model
            if header is None:
                continue
        if header is not None and row.number < header:
            continue
        if header is None and row.empty:
            continue
        return SheetHead(_titles(row, where), model)
    if header is not None:
        raise TableError(f"{where} has no row {header}, where the mapping expects the titles.")
    return None


def _model_of(remark: str, beside: tuple[Cell, ...]) -> str | None:
    text = remark.lstrip().removeprefix(_REMARK).strip()
    if not text.startswith(_MODEL):
        return None
    model = text.removeprefix(_MODEL).strip()
    version = str(beside[0]) if beside else ""
    if ";" not in model and version.isdigit():
        # Where semicolons are between the columns, the one of the id is such a one too.
        model = f"{model};{version}"
    return model or None


def _titles(row: TableRow, where: str) -> tuple[str, ...]:
    titles = tuple("" if cell is None else str(cell).strip() for cell in row.cells)
    seen: set[str] = set()
    for title in titles:
        if title and title in seen:
            raise TableError(
                f"{where} has two columns with the title {shown(title)}; rename one of them."
            )
        seen.add(title)
    return titles
