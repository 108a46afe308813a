"""Writes twins and relationships as tables that the convention reads back unchanged."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kastor.moving.items import RelationshipItem, TwinItem
from kastor.moving.tables.columns import (
    TableColumn,
    interface_of,
    model_column,
    property_columns,
    relationship_columns,
    twin_columns,
)
from kastor.moving.tables.convention import ID, MODEL, NAME, RELATIONSHIP_ID, SOURCE, TARGET
from kastor.moving.tables.excel_writer import ExcelSheet, ExcelWriter
from kastor.moving.tables.faults import TableError
from kastor.moving.tables.guarding import guarded
from kastor.moving.tables.template import RELATIONSHIPS, short_name

if TYPE_CHECKING:
    from kastor.dtdl import ModelSet
    from kastor.types import Document, Json

_OWN = {"$metadata", "$etag", "$dtId", "$lastUpdateTime"}
_INTEGERS_IN_EXCEL = 10**15
"""From here on spreadsheets change the last digits of a number."""


@dataclass(frozen=True, slots=True)
class _Layout:
    name: str
    columns: list[TableColumn]


def write_excel(items: Iterable[TwinItem | RelationshipItem], models: ModelSet, path: Path) -> int:
    """Write items as an Excel file, and return how many there were.

    Twins have a sheet for each model, relationships one for all.

    Raises:
        TableError: the library is missing, a model is not known, a twin does not fit the columns
            of its model, or the file cannot hold a text or be written.
    """
    sheets: dict[str, tuple[ExcelSheet, _Layout]] = {}
    count = 0
    with ExcelWriter(path) as writer:
        for item in items:
            count += 1
            key = _model_of(item) if isinstance(item, TwinItem) else ""
            if key not in sheets:
                layout = _twin_layout(models, key) if key else _relationship_layout(models)
                sheets[key] = writer.sheet(layout.name, layout.columns), layout
            sheet, layout = sheets[key]
            writer.row(sheet, [_for_excel(each) for each in _cells(item, layout.columns)])
        if not sheets:
            writer.sheet("Twins", [TableColumn(ID, "id", "")])
    return count


def write_csv(
    items: Iterable[TwinItem | RelationshipItem],
    models: ModelSet,
    path: Path,
    *,
    model_ids: Iterable[str] = (),
) -> int:
    """Write twins, or relationships, as a CSV file, and return how many there were.

    Args:
        items: of one of the two kinds.
        models: of the twins, with what they extend and hold.
        path: of the file; what is there is replaced.
        model_ids: the models of the twins; with none of them, items are relationships.

    Raises:
        TableError: a model is not known, an item does not fit the columns, or the file cannot be
            written.
    """
    columns: dict[str, TableColumn] = {}
    for identifier in model_ids:
        columns |= {each.title: each for each in _twin_layout(models, identifier).columns}
    found = list(columns.values()) or _relationship_layout(models).columns
    count = 0
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow([guarded(each.title) for each in found])
            for item in items:
                count += 1
                rows.writerow([_for_csv(each) for each in _cells(item, found)])
    except OSError as error:
        raise TableError(f"{path} cannot be written: {error.strerror}.") from error
    return count


def _model_of(item: TwinItem) -> str:
    return str(item.body["$metadata"]["$model"])


def _twin_layout(models: ModelSet, identifier: str) -> _Layout:
    first, *others = twin_columns(interface_of(models, identifier))
    return _Layout(short_name(identifier), [first, model_column(), *others])


def _relationship_layout(models: ModelSet) -> _Layout:
    interfaces = list(models.interfaces.values())
    declared = [each for found in interfaces for each in found.relationships.values()]
    ends = relationship_columns(interfaces[0])[:4] if interfaces else []
    plain = [TableColumn(each.title, each.type, "", text=True) for each in ends]
    return _Layout(RELATIONSHIPS, [*plain, *property_columns(declared)])


def _cells(item: TwinItem | RelationshipItem, columns: list[TableColumn]) -> list[Json]:
    """Return the values of the columns, None where there is none."""
    if isinstance(item, TwinItem):
        cells: Document = {ID: item.id, MODEL: _model_of(item)}
    else:
        cells = {
            SOURCE: item.source,
            RELATIONSHIP_ID: item.id,
            NAME: item.body["$relationshipName"],
            TARGET: item.body["$targetId"],
        }
    titles = {each.title for each in columns}
    special = (*_OWN, SOURCE, RELATIONSHIP_ID, NAME, TARGET)
    for name, value in item.body.items():
        if name not in special:
            _spread(cells, name, value, titles)
    missing = cells.keys() - titles
    if missing:
        raise TableError(
            f"{item.id} has {min(missing)}, for which there is no column: give its model too."
        )
    return [cells.get(each.title) for each in columns]


def _spread(cells: Document, path: str, value: Json, titles: set[str]) -> None:
    """Set the cells of a value: its own, or those of what is in it."""
    if path not in titles and isinstance(value, dict):
        for name, inner in value.items():
            if name != "$metadata":
                _spread(cells, f"{path}.{name}", inner, titles)
    else:
        cells[path] = value


def _for_csv(value: Json) -> Json:
    if value is None:
        return None
    if isinstance(value, str):
        return guarded(value)
    return json.dumps(value, ensure_ascii=False)


def _for_excel(value: Json) -> Json:
    if isinstance(value, str | None) or (_is_number(value) and _kept(value)):
        return value
    return json.dumps(value, ensure_ascii=False)


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _kept(number: float) -> bool:
    """Return whether a spreadsheet keeps a number: the library writes 16 digits of it."""
    if isinstance(number, int):
        return abs(number) < _INTEGERS_IN_EXCEL
    return float(f"{number:.16g}") == number
