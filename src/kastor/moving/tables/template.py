"""Empty tables for a model: titles, what belongs below them, and choices where there are some."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from kastor.moving.tables.columns import (
    TableColumn,
    interface_of,
    relationship_columns,
    twin_columns,
)
from kastor.moving.tables.excel_writer import ExcelWriter
from kastor.moving.tables.faults import TableError
from kastor.moving.tables.guarding import guarded

if TYPE_CHECKING:
    from kastor.dtdl import ModelSet, model

RELATIONSHIPS = "Relationships"
HELP = "# Columns"
_HELP_COLUMNS = tuple(
    TableColumn(title, "", "") for title in ("Sheet", "Column", "Type", "What it holds")
)


def write_template(models: ModelSet, identifier: str, path: Path) -> None:
    """Write an empty table for twins of a model; the convention reads it when it is filled.

    An Excel file has a sheet for twins, one for relationships where the model has some, and one
    that describes the columns. A CSV file has twins, below remarks that describe them.

    Args:
        models: the model, and what it extends and holds.
        identifier: of the model.
        path: of the file, .xlsx or .csv; what is there is replaced.

    Raises:
        TableError: there is no such model, the ending is another, or it cannot be written.
    """
    interface = interface_of(models, identifier)
    suffix = path.suffix.lower()
    if suffix == ".xlsx":
        _excel(interface, path)
    elif suffix == ".csv":
        _csv(interface, path)
    else:
        raise TableError(f"A template is a file .xlsx or .csv, not {path.name}.")


def short_name(identifier: str) -> str:
    """Return what people call a model: the last part of its id, without the version."""
    return identifier.partition(";")[0].rpartition(":")[2]


def _remark(interface: model.Interface) -> str:
    return f"# model: {interface.id}"


def _excel(interface: model.Interface, path: Path) -> None:
    name = short_name(interface.id)
    tables = {name: twin_columns(interface)}
    if interface.relationships:
        tables[RELATIONSHIPS if name != RELATIONSHIPS else f"{name} 2"] = relationship_columns(
            interface
        )
    with ExcelWriter(path) as writer:
        for sheet_name, columns in tables.items():
            writer.sheet(sheet_name, columns, _remark(interface) if sheet_name == name else "")
        help_sheet = writer.sheet(HELP, _HELP_COLUMNS)
        for sheet_name, columns in tables.items():
            for column in columns:
                writer.row(help_sheet, [sheet_name, column.title, column.type, column.about])


def _csv(interface: model.Interface, path: Path) -> None:
    columns = twin_columns(interface)
    try:
        # With the mark Excel takes the file for UTF-8.
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            rows = csv.writer(file)
            rows.writerow([_remark(interface)])
            for column in columns:
                about = f" {column.about}." if column.about else ""
                rows.writerow([f"# {column.title}: {column.type}.{about}".replace("..", ".")])
            rows.writerow([guarded(column.title) for column in columns])
    except OSError as error:
        raise TableError(f"{path} cannot be written: {error.strerror}.") from error
