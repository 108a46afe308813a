"""The file of `--report`: a line for each row of a table, as CSV or NDJSON."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Self

from kastor.moving.items import RelationshipItem, TwinItem
from kastor.moving.tables.faults import TableError
from kastor.moving.tables.guarding import guarded
from kastor.moving.tables.outcomes import RowOutcome

if TYPE_CHECKING:
    from types import TracebackType
    from typing import TextIO

    from kastor.moving.items import ItemFault

COLUMNS = ("where", "sheet", "row", "column", "status", "kind", "id", "code", "message")
_SUFFIXES = (".csv", ".ndjson")


class RowReports:
    """A file that tells what became of each row; a context manager."""

    def __init__(self, path: Path) -> None:
        """Make a report; the file is made when the block is entered.

        Raises:
            TableError: its name ends in neither .csv nor .ndjson.
        """
        if path.suffix.lower() not in _SUFFIXES:
            raise TableError(f"A report is a file .csv or .ndjson, not {path.name}.")
        self._path = path
        self._as_csv = path.suffix.lower() == ".csv"
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        """Make the file; raises TableError where that cannot be."""
        try:
            self._file = self._path.open("w", encoding="utf-8", newline="")
        except OSError as error:
            raise TableError(f"{self._path} cannot be written: {error.strerror}.") from error
        if self._as_csv:
            csv.writer(self._file).writerow(COLUMNS)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def add(self, outcome: RowOutcome) -> None:
        """Write what became of a row; raises TableError where the disk is full."""
        self._write(
            {
                "where": outcome.where,
                "sheet": outcome.sheet,
                "row": outcome.row,
                "column": outcome.column,
                "status": outcome.status,
                "kind": outcome.kind,
                "id": outcome.id or _id_of(outcome.item),
                "code": outcome.code,
                "message": outcome.message,
            }
        )

    def add_fault(self, fault: ItemFault) -> None:
        """Write what a server refused."""
        kind = (
            "twin"
            if isinstance(fault.item, TwinItem)
            else "relationship"
            if isinstance(fault.item, RelationshipItem)
            else ""
        )
        self._write(
            {
                "where": fault.where,
                "sheet": "",
                "row": None,
                "column": "",
                "status": "fault",
                "kind": kind,
                "id": _id_of(fault.item),
                "code": fault.code,
                "message": fault.message,
            }
        )

    def _write(self, row: dict[str, str | int | None]) -> None:
        if self._file is None:
            raise TableError("The report is written within its block alone.")
        try:
            if self._as_csv:
                cells = ["" if each is None else each for each in row.values()]
                csv.writer(self._file).writerow(
                    guarded(cell) if isinstance(cell, str) and cell else cell for cell in cells
                )
            else:
                self._file.write(json.dumps(row, ensure_ascii=False) + "\n")
        except OSError as error:
            raise TableError(f"{self._path} cannot be written: {error.strerror}.") from error


def _id_of(item: object) -> str:
    if isinstance(item, TwinItem):
        return item.id
    return f"{item.source}/{item.id}" if isinstance(item, RelationshipItem) else ""
