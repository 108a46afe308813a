"""Excel files as tables: sheets as streams, formulas by the values that were saved with them."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

from kastor.extras import install_extra
from kastor.moving.tables.excel_safety import look_into
from kastor.moving.tables.faults import TableError, shown
from kastor.moving.tables.guarding import blank_unmarked
from kastor.moving.tables.rows import MAX_SHEETS, Cell, Sheet, TableRow

Workbook: TypeAlias = Any  # any: the library has no types

MAX_EXCEL_ROWS = 2**20
_HELP = "#"


@dataclass(frozen=True, slots=True)
class SpreadsheetError:
    """A cell that holds an error of the spreadsheet, or a formula without a saved value."""

    text: str


@dataclass(frozen=True, slots=True)
class ExcelReader:
    """An Excel file. Sheets whose names begin with ``#`` and hidden ones are not read."""

    path: Path

    def sheets(self) -> Iterator[Sheet]:
        """Yield the sheets in their order.

        Raises:
            TableError: it is no Excel file, is damaged or beyond the bounds, or the library that
                reads it is missing.
        """
        facts = look_into(self.path)
        values = self._opened(data_only=True)
        formulas = self._opened(data_only=False) if facts.formulas else None
        try:
            names = [each.title for each in values.worksheets if each.sheet_state == "visible"]
            if len(names) > MAX_SHEETS:
                raise TableError(f"{self.path} has more than {MAX_SHEETS} sheets.")
            for name in names:
                if not name.startswith(_HELP):
                    yield Sheet(name, self._rows(name, values, formulas))
        finally:
            for book in (values, formulas):
                if book is not None:
                    book.close()

    def _opened(self, *, data_only: bool) -> Workbook:
        try:
            from openpyxl import (  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra
                load_workbook,
            )
        except ImportError as error:
            raise TableError(f"For Excel files {install_extra('tables')}.") from error
        with self._explaining():
            return load_workbook(self.path, read_only=True, data_only=data_only, keep_links=False)

    @contextlib.contextmanager
    def _explaining(self, where: str = "") -> Iterator[None]:
        """Return a block in which whatever the library raises of a file is told in a line."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        except (TableError, GeneratorExit):
            raise
        except Exception as error:
            kind = type(error).__name__
            raise TableError(
                f"{self.path}{where} cannot be read as an Excel file ({kind}: {error}). Open it "
                "in a spreadsheet program and save it anew, or save the sheet as CSV."
            ) from error

    def _rows(self, name: str, values: Workbook, formulas: Workbook | None) -> Iterator[TableRow]:
        read = self._cells(name, values)
        beside = self._cells(name, formulas) if formulas is not None else None
        for number in count(1):
            cells = next(read, None)
            if cells is None:
                return
            if number > MAX_EXCEL_ROWS:
                raise TableError(f"{self.path}, sheet {name} has more rows than Excel can have.")
            texts = next(beside, ()) if beside is not None else ()
            yield TableRow(number, tuple(_cleaned(cells, texts)))

    def _cells(self, name: str, book: Workbook) -> Iterator[tuple[Any, ...]]:
        """Yield the values of the rows; each step is explained, and never a consumer's fault."""
        where = f", sheet {name}"
        with self._explaining(where):
            sheet: Any = book[name]
            # What a file says of its size is often wrong, and would cut rows off.
            sheet.reset_dimensions()
            rows = sheet.iter_rows(values_only=True)
        while True:
            with self._explaining(where):
                row = next(rows, None)
            if row is None:
                return
            yield row


def _cleaned(cells: tuple[Any, ...], formulas: tuple[Any, ...]) -> list[Cell]:
    """Return the cells without empty ones at the end."""
    from openpyxl.cell.cell import (  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra
        ERROR_CODES,
    )

    found: list[Cell] = []
    for at, value in enumerate(cells):
        cell: Cell = value
        formula = formulas[at] if at < len(formulas) else None
        if cell is None and formula is not None:
            cell = SpreadsheetError(
                f"the formula {shown(formula)} without a saved value; open the file in a "
                "spreadsheet program and save it, or put the value in its place"
            )
        elif isinstance(cell, str):
            cell = _text(cell, ERROR_CODES)
        found.append(cell)
    while found and found[-1] is None:
        found.pop()
    return found


def _text(text: str, errors: Collection[str]) -> Cell:
    if text in errors:
        return SpreadsheetError(f"{text}, an error of the spreadsheet; mend it there")
    return blank_unmarked(text) if text and not text.isspace() else None
