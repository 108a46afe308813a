"""Writes Excel files: texts as texts, never as formulas, and with hints for whoever fills them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from kastor.extras import install_extra
from kastor.moving.tables.faults import TableError, shown
from kastor.moving.tables.guarding import blank_marked

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from kastor.moving.tables.columns import TableColumn

ExcelSheet: TypeAlias = Any  # any: the library has no types
MAX_TEXT = 32_767
"""Characters that Excel keeps in a cell."""
MAX_NAME = 31
_FORBIDDEN = str.maketrans(dict.fromkeys(r"[]:*?/\\", "_"))
_LAST_ROW = 1_048_576
_LIST_LENGTH = 255
_WIDTH = (10, 40)
_TEXT_FORMAT = "@"


class ExcelWriter:
    """An Excel file that is being written: a context manager, which saves it in the end.

    Rows go to temporary files of the library. Where the block fails there is no new file, and
    what was there stays.
    """

    def __init__(self, path: Path) -> None:
        """Make a writer. Raises TableError where the library is missing."""
        try:
            import openpyxl  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise TableError(f"For Excel files {install_extra('tables')}.") from error
        self._library = openpyxl
        self._book: Any = openpyxl.Workbook(write_only=True)
        self._path = path
        self._beside = path.with_name(f".{path.name}.{os.getpid()}.part")
        self._names: set[str] = set()

    def __enter__(self) -> Self:
        """Begin the file. Raises TableError where that cannot be."""
        with self._explaining():
            self._beside.touch()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Save the file; what is there is replaced. Raises TableError."""
        try:
            if kind is None:
                with self._explaining():
                    self._book.save(self._beside)
                    self._beside.replace(self._path)
        finally:
            self._discard()

    def _discard(self) -> None:
        """Close and remove what the library left, since it does so only where all went well."""
        with contextlib.suppress(OSError):
            self._beside.unlink(missing_ok=True)
        for sheet in self._book.worksheets:
            with contextlib.suppress(Exception):
                if not sheet.closed:
                    sheet.close()
                    sheet._writer.cleanup()  # noqa: SLF001 - there is no other way to remove it

    def sheet(self, name: str, columns: Sequence[TableColumn], remark: str = "") -> ExcelSheet:
        """Return a new sheet with its titles.

        Args:
            name: cut and changed as Excel wants it.
            columns: in order.
            remark: a row above the titles; none where it is empty.
        """
        sheet = self._book.create_sheet(self._free(name))
        first = 2 if remark else 1
        sheet.freeze_panes = f"A{first + 1}"
        letters = self._library.utils.get_column_letter
        for at, column in enumerate(columns, start=1):
            width = min(max(len(column.title) + 2, _WIDTH[0]), _WIDTH[1])
            sheet.column_dimensions[letters(at)].width = width
            if column.text:
                sheet.column_dimensions[letters(at)].number_format = _TEXT_FORMAT
            if column.choices:
                self._offer(sheet, column, letters(at), first + 1)
        if remark:
            self.row(sheet, [remark])
        sheet.append([self._title(sheet, column) for column in columns])
        return sheet

    def row(self, sheet: ExcelSheet, cells: Sequence[object]) -> None:
        """Add a row. Raises TableError where Excel cannot hold a text of it."""
        sheet.append([self._cell(sheet, each) for each in cells])

    @contextlib.contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise TableError(f"{self._path} cannot be written: {error.strerror}.") from error

    def _cell(self, sheet: ExcelSheet, value: object) -> object:
        if not isinstance(value, str):
            return value
        text = blank_marked(value)
        if len(text) > MAX_TEXT:
            raise TableError(
                f"Excel keeps {MAX_TEXT:,} characters in a cell, and {shown(text)} has "
                f"{len(text):,}. Write CSV."
            )
        if self._library.cell.cell.ILLEGAL_CHARACTERS_RE.search(text) or "\r" in text:
            raise TableError(f"Excel cannot hold a control character of {shown(text)}. Write CSV.")
        cell = self._library.cell.WriteOnlyCell(sheet, value=text)
        cell.data_type = "s"
        cell.number_format = _TEXT_FORMAT
        cell.quotePrefix = True
        return cell

    def _title(self, sheet: ExcelSheet, column: TableColumn) -> object:
        cell: Any = self._library.cell.WriteOnlyCell(sheet, value=column.title)
        cell.data_type = "s"
        cell.font = self._library.styles.Font(bold=True)
        if column.type:
            text = f"{column.type}\n{column.about}".strip()
            cell.comment = self._library.comments.Comment(text[:MAX_TEXT], "Kastor")
        return cell

    def _offer(self, sheet: ExcelSheet, column: TableColumn, letter: str, first: int) -> None:
        """Let Excel offer the choices of a column, where its list can hold them."""
        listed = ",".join(column.choices)
        if len(listed) > _LIST_LENGTH or any('"' in each or "," in each for each in column.choices):
            return
        validation: Any = self._library.worksheet.datavalidation.DataValidation(
            type="list", formula1=f'"{listed}"', allow_blank=True, showErrorMessage=True
        )
        validation.error = f"One of: {listed}"
        validation.add(f"{letter}{first}:{letter}{_LAST_ROW}")
        sheet.data_validations.append(validation)

    def _free(self, name: str) -> str:
        """Return a name that Excel allows, and that no other sheet has."""
        plain = name.translate(_FORBIDDEN).strip("'")[:MAX_NAME] or "Sheet"
        found, number = plain, 2
        while found.lower() in self._names:
            end = f" {number}"
            found, number = plain[: MAX_NAME - len(end)] + end, number + 1
        self._names.add(found.lower())
        return found
