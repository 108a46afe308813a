"""Cells become values of any schema of DTDL: enums by their names, arrays, maps and objects."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from kastor.dtdl import model
from kastor.moving.tables import faults
from kastor.moving.tables.cell_values import PRIMITIVES, text_of
from kastor.moving.tables.excel_reader import SpreadsheetError
from kastor.moving.tables.faults import CellFault, nearest, shown
from kastor.nesting import MAX_DEPTH

if TYPE_CHECKING:
    from kastor.moving.tables.reading_rules import CellRules
    from kastor.moving.tables.rows import Cell
    from kastor.types import Document, Json


class SchemaConverter:
    """Converts cells; keeps what it knows of the enums of one set of models."""

    def __init__(self) -> None:
        self._choices: dict[str, dict[str, Json]] = {}

    def convert(self, schema: model.Element, cell: Cell, rules: CellRules, depth: int = 0) -> Json:
        """Return what a cell says as a value of a schema.

        A text is read as JSON where the schema is an array, a map or an object; lists and dicts, as
        Parquet has them, are converted with all that is in them.

        Raises:
            CellFault: it says nothing of the kind.
        """
        if depth > MAX_DEPTH:
            raise CellFault(f"is nested deeper than {MAX_DEPTH}.")
        if isinstance(cell, SpreadsheetError):
            raise CellFault(f"holds {cell.text}.", code=faults.SPREADSHEET_ERROR)
        if isinstance(schema, model.PrimitiveSchema):
            return PRIMITIVES[schema.name](cell, rules)
        if isinstance(schema, model.Enum):
            return self._enum(schema, cell)
        if isinstance(schema, model.Array):
            return self._array(schema, cell, rules, depth)
        if isinstance(cell, str):
            return read_json(cell, dict, "a JSON object")
        if isinstance(schema, model.Map):
            pairs = _pairs(cell)
            inner = schema.value.schema
            return {
                str(key): self.convert(inner, value, rules, depth + 1)
                for key, value in pairs.items()
                if value is not None
            }
        if isinstance(schema, model.Object):
            return self._object(schema, _pairs(cell), rules, depth)
        raise CellFault(f"has a schema that tables cannot carry: {schema.kind}.")

    def _array(self, schema: model.Array, cell: Cell, rules: CellRules, depth: int) -> list[Json]:
        if isinstance(cell, str) and rules.split is not None:
            members: list[Cell] = [each.strip() for each in cell.split(rules.split)]
        elif isinstance(cell, str):
            found: list[Json] = read_json(cell, list, "a JSON array")
            return found
        elif isinstance(cell, list):
            members = cell
        else:
            raise CellFault(f"must be an array, and is {shown(cell)}.")
        return [self.convert(schema.element_schema, each, rules, depth + 1) for each in members]

    def _object(
        self, schema: model.Object, pairs: dict[str, Cell], rules: CellRules, depth: int
    ) -> Document:
        for name, value in pairs.items():
            if name not in schema.fields and value is not None:
                raise CellFault(f"has a field {shown(name)}.{nearest(name, schema.fields)}")
        return {
            name: self.convert(schema.fields[name].schema, value, rules, depth + 1)
            for name, value in pairs.items()
            if value is not None
        }

    def _enum(self, schema: model.Enum, cell: Cell) -> Json:
        """Return the value that a cell names: by itself, by its name, or by a display name."""
        text = text_of(cell)
        choices = self._choices.get(schema.id)
        if choices is None:
            choices = self._choices[schema.id] = _choices(schema)
        if text not in choices:
            raise CellFault(
                f"must be one of the enum's values, and is {shown(text)}.{nearest(text, choices)}"
            )
        return choices[text]


def _choices(schema: model.Enum) -> dict[str, Json]:
    """Return values by what names them; a display name of two values names none of them."""
    displayed: dict[str, list[Json]] = {}
    for each in schema.values:
        for name in each.display_name.values():
            displayed.setdefault(name.strip(), []).append(each.value)
    found = {name: values[0] for name, values in displayed.items() if len(values) == 1}
    found |= {each.name: each.value for each in schema.values}
    return found | {text_of(each.value): each.value for each in schema.values}


def read_json(text: str, kind: type, expected: str) -> Json:
    """Return a JSON text's value. Raises CellFault where it is of another kind, or no JSON."""
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise CellFault(f"must be {expected}, and is no JSON ({error}): {shown(text)}.") from error
    if not isinstance(value, kind):
        raise CellFault(f"must be {expected}, and is {shown(text)}.")
    return value


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _pairs(cell: Cell) -> dict[str, Cell]:
    """Return the members of an object; Parquet has maps as lists of keys with values."""
    if isinstance(cell, dict):
        return cell
    if isinstance(cell, list) and all(isinstance(m, dict) and len(m) == 2 for m in cell):  # noqa: PLR2004 - key and value
        return {str(next(iter(m.values()))): list(m.values())[1] for m in cell}
    raise CellFault(f"must be an object, and is {shown(cell)}.")
