"""Reads mapping files: TOML, of which every key is known (docs/reference/tables.md)."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from kastor.moving.tables.faults import TableError, nearest, shown
from kastor.moving.tables.mapping import (
    ColumnUse,
    RelationshipRule,
    SheetRule,
    TableMapping,
    TwinRule,
    ValueUse,
)
from kastor.moving.tables.patterns import CellPattern
from kastor.moving.tables.reading_rules import CellRules, read_decimal, read_zone

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kastor.types import Document, Json

MAX_BYTES = 2**20
_MAX_RULES = 1_000
_TOP = ("zone", "decimal", "true", "false", "separator", "encoding", "sheet")
_SHEET = ("name", "header", "twin", "relationship")
_SHARED = ("id", "columns", "values", "skip_empty", "repeated")
_TWIN = ("model", *_SHARED)
_RELATIONSHIP = ("source", "name", "target", "source_model", *_SHARED)
_COLUMN = ("to", "format", "split", "decimal", "zone")


def read_mapping(path: Path, rules: CellRules) -> TableMapping:
    """Return what a mapping file says.

    Args:
        path: of the file.
        rules: what holds where it says nothing.

    Raises:
        TableError: it cannot be read, is no TOML, or a key or value is wrong; names the place.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise TableError(f"The mapping {path} has more than {MAX_BYTES:,} bytes.")
        document = tomllib.loads(data.decode("utf-8-sig"))
    except OSError as error:
        raise TableError(f"The mapping {path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise TableError(f"The mapping {path} is no TOML: {error}") from error
    try:
        return _mapping(document, rules)
    except TableError as error:
        raise TableError(f"The mapping {path}: {error}") from error


def _mapping(document: Document, rules: CellRules) -> TableMapping:
    _known(document, _TOP, "the file")
    rules = _with_options(rules, document)
    sheets: dict[str | None, SheetRule] = {}
    found = _tables(document, "sheet", "the file")
    if not found:
        raise TableError("it has no [[sheet]]; see the examples of the documentation.")
    for at, each in enumerate(found, start=1):
        rule = _sheet(each, f"[[sheet]] {at}", rules)
        if rule.name in sheets:
            named = f"sheet {rule.name!r}" if rule.name else "[[sheet]] without a name"
            raise TableError(f"{named} stands there twice.")
        sheets[rule.name] = rule
    return TableMapping(
        _text(document, "separator", "the file"), _text(document, "encoding", "the file"), sheets
    )


def _sheet(table: Document, where: str, rules: CellRules) -> SheetRule:
    _known(table, _SHEET, where)
    header = table.get("header")
    if header is not None and (type(header) is not int or header < 1):
        raise TableError(f"{where}: header is the number of a row, such as 1.")
    twins = [
        _twin(each, f"{where}, twin {at}", rules)
        for at, each in enumerate(_tables(table, "twin", where), start=1)
    ]
    relationships = [
        _relationship(each, f"{where}, relationship {at}", rules)
        for at, each in enumerate(_tables(table, "relationship", where), start=1)
    ]
    if not twins and not relationships:
        raise TableError(f"{where} has neither [[sheet.twin]] nor [[sheet.relationship]].")
    return SheetRule(_text(table, "name", where), header, tuple(twins), tuple(relationships))


def _twin(table: Document, where: str, rules: CellRules) -> TwinRule:
    _known(table, _TWIN, where)
    identifier = _pattern(table, "id", where)
    if not identifier.columns:
        raise TableError(
            f"{where}: id names no column, so that all rows would be one twin; write "
            f'id = "{{{identifier.parts[0]}}}" if that is a column.'
        )
    columns, values = _uses(table, where, rules)
    return TwinRule(
        id=identifier,
        model=_optional(table, "model", where),
        columns=columns,
        values=values,
        skip_empty=_names(table, "skip_empty", where),
        repeated=_flag(table, "repeated", where),
    )


def _relationship(table: Document, where: str, rules: CellRules) -> RelationshipRule:
    _known(table, _RELATIONSHIP, where)
    columns, values = _uses(table, where, rules)
    return RelationshipRule(
        source=_pattern(table, "source", where),
        name=_pattern(table, "name", where),
        target=_pattern(table, "target", where),
        id=_optional(table, "id", where),
        source_model=_text(table, "source_model", where),
        columns=columns,
        values=values,
        skip_empty=_names(table, "skip_empty", where),
        repeated=_flag(table, "repeated", where),
    )


def _uses(
    table: Document, where: str, rules: CellRules
) -> tuple[tuple[ColumnUse, ...], tuple[ValueUse, ...]]:
    columns = []
    for title, use in _table(table, "columns", where).items():
        here = f"{where}, column {title!r}"
        if isinstance(use, str):
            columns.append(ColumnUse(title, use, rules))
        elif isinstance(use, dict):
            _known(use, _COLUMN, here)
            path = _text(use, "to", here)
            if path is None:
                raise TableError(f'{here} needs to = "PROPERTY".')
            columns.append(ColumnUse(title, path, _with_options(rules, use)))
        else:
            raise TableError(f"{here} is the path of a property, in quotes.")
    values = [
        ValueUse(path, CellPattern.read(value) if isinstance(value, str) else value, rules)
        for path, value in _table(table, "values", where).items()
    ]
    return tuple(columns), tuple(values)


def _with_options(rules: CellRules, table: Document) -> CellRules:
    where = "an option"
    zone, decimal = _text(table, "zone", where), _text(table, "decimal", where)
    if zone is not None:
        rules = replace(rules, zone=read_zone(zone))
    if decimal is not None:
        rules = replace(rules, decimal=read_decimal(decimal))
    for key in ("true", "false"):
        if key in table:
            words = frozenset(each.strip().lower() for each in _names(table, key, where))
            rules = replace(rules, true=words) if key == "true" else replace(rules, false=words)
    return replace(
        rules,
        format=_text(table, "format", where) or rules.format,
        split=_text(table, "split", where) or rules.split,
    )


def _known(table: Document, keys: Iterable[str], where: str) -> None:
    for key in table:
        if key not in keys:
            raise TableError(f"{where} has an unknown key {shown(key)}.{nearest(key, keys)}")


def _tables(table: Document, key: str, where: str) -> list[Document]:
    found = table.get(key, [])
    if isinstance(found, dict):
        found = [found]
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise TableError(f"{where}: {key} is a table, written [[{key}]].")
    if len(found) > _MAX_RULES:
        raise TableError(f"{where} has more than {_MAX_RULES} tables {key}.")
    return found


def _table(table: Document, key: str, where: str) -> dict[str, Json]:
    found = table.get(key, {})
    if not isinstance(found, dict):
        raise TableError(f'{where}: {key} is a table such as {{ "Title" = "property" }}.')
    return found


def _text(table: Document, key: str, where: str) -> str | None:
    found = table.get(key)
    if found is not None and (not isinstance(found, str) or not found):
        raise TableError(f"{where}: {key} is a text in quotes.")
    return found


def _pattern(table: Document, key: str, where: str) -> CellPattern:
    found = _optional(table, key, where)
    if found is None:
        raise TableError(f'{where} needs {key}, such as {key} = "{{Column}}".')
    return found


def _optional(table: Document, key: str, where: str) -> CellPattern | None:
    text = _text(table, key, where)
    return None if text is None else CellPattern.read(text)


def _names(table: Document, key: str, where: str) -> tuple[str, ...]:
    found = table.get(key, [])
    if isinstance(found, str):
        found = [found]
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise TableError(f'{where}: {key} is a list of texts, such as {key} = ["Floor"].')
    return tuple(found)


def _flag(table: Document, key: str, where: str) -> bool:
    found = table.get(key, False)
    if not isinstance(found, bool):
        raise TableError(f"{where}: {key} is true or false.")
    return found
