"""Makes one twin or one relationship of one row."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, TypeAlias

from kastor.identifiers import ID_RULE, MAX_ID_LENGTH, is_id
from kastor.moving.items import RelationshipItem, TwinItem
from kastor.moving.tables import faults
from kastor.moving.tables.cell_values import text_of
from kastor.moving.tables.faults import CellFault, shown
from kastor.moving.tables.mapping import WHOLE, RelationshipRule, TwinRule
from kastor.moving.tables.paths import put
from kastor.moving.tables.patterns import CellPattern
from kastor.moving.tables.schema_values import read_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kastor.moving.tables.mapping import ValueUse
    from kastor.moving.tables.reading_rules import CellRules
    from kastor.moving.tables.rows import Cell
    from kastor.moving.tables.shapes import RelationshipShape, TableShapes, TwinShape
    from kastor.types import Document, Json

Rule: TypeAlias = TwinRule | RelationshipRule

_LOST = ("$dtId", "$metadata", "$etag", "$lastUpdateTime")
_DIGEST = 32


@dataclass(frozen=True, slots=True)
class RowCells:
    """The cells of a row by the titles of their columns."""

    cells: tuple[Cell, ...]
    columns: Mapping[str, int]

    def at(self, title: str) -> Cell:
        """Return a cell; None for an empty one."""
        at = self.columns[title]
        return self.cells[at] if at < len(self.cells) else None

    def text(self, title: str) -> str | None:
        """Return a cell's text. Raises CellFault where that is not sure."""
        cell = self.at(title)
        try:
            return None if cell is None else text_of(cell)
        except CellFault as fault:
            raise fault.of(title) from None

    def fill(self, pattern: CellPattern) -> bool:
        """Return whether all columns of a pattern are filled."""
        return all(self.at(title) is not None for title in pattern.columns)


@dataclass(slots=True)
class Made:
    """What a rule made of a row.

    Attributes:
        id: as far as it is known.
        item: None where there are faults.
        faults: all that were found.
    """

    id: str = ""
    item: TwinItem | RelationshipItem | None = None
    faults: list[CellFault] = field(default_factory=list)


def make(rule: Rule, cells: RowCells, shapes: TableShapes, model: str | None) -> Made:
    """Return what a rule makes of a row.

    Args:
        rule: of twins or of relationships.
        cells: of the row.
        shapes: what models say.
        model: of twins whose row names none.
    """
    made = Made()
    try:
        if isinstance(rule, TwinRule):
            _twin(rule, cells, shapes, model, made)
        else:
            _relationship(rule, cells, shapes, made)
    except CellFault as fault:
        made.faults.append(fault)
    if made.faults:
        made.item = None
    return made


def _twin(
    rule: TwinRule, cells: RowCells, shapes: TableShapes, default: str | None, made: Made
) -> None:
    identifier = made.id = _id(rule.id, "the twin's id", cells)
    model = _model(rule.model, cells, default)
    try:
        shape = shapes.twin(model)
    except CellFault as fault:
        raise fault.of(_title(rule.model)) from None
    body: Document = {"$metadata": {"$model": model}}
    _Body(body, shape, cells, made.faults).fill(rule)
    made.item = TwinItem(identifier, body)


def _relationship(rule: RelationshipRule, cells: RowCells, shapes: TableShapes, made: Made) -> None:
    source = _id(rule.source, "the id of the source", cells)
    target = _id(rule.target, "the id of the target", cells)
    name = rule.name.fill(cells.text)
    identifier = relationship_id(source, name, target)
    if rule.id is not None and cells.fill(rule.id):
        identifier = _id(rule.id, "the relationship's id", cells)
    made.id = f"{source}/{identifier}"
    try:
        shape = shapes.relationship(name, rule.source_model)
    except CellFault as fault:
        raise fault.of(_title(rule.name)) from None
    body: Document = {"$targetId": target, "$relationshipName": name}
    _Body(body, shape, cells, made.faults).fill(rule)
    made.item = RelationshipItem(source, identifier, body)


def _model(pattern: CellPattern | None, cells: RowCells, default: str | None) -> str:
    if pattern is not None and (default is None or cells.fill(pattern)):
        return pattern.fill(cells.text)
    if default is None:
        raise CellFault(
            "no column names the model. Add a column $metadata.$model, or say which it is with "
            "--model or `model` in the mapping.",
            code=faults.MODEL_UNKNOWN,
        )
    return default


def _title(pattern: CellPattern | None) -> str:
    """Return the column that a fault is shown at; none where it is not clear."""
    return "" if pattern is None else pattern.only_column or ""


def _id(pattern: CellPattern, what: str, cells: RowCells) -> str:
    identifier = pattern.fill(cells.text)
    if not is_id(identifier):
        raise CellFault(
            f"{shown(identifier)} cannot be {what}: it has to be {ID_RULE}.",
            code=faults.ID_INVALID,
            column=_title(pattern),
        )
    return identifier


class _Body:
    """The properties of one item, while they are gathered."""

    def __init__(
        self,
        body: Document,
        shape: TwinShape | RelationshipShape,
        cells: RowCells,
        faults: list[CellFault],
    ) -> None:
        self._body = body
        self._shape = shape
        self._cells = cells
        self._faults = faults
        self._given: dict[tuple[str, ...], str] = {}

    def fill(self, rule: Rule) -> None:
        """Set what columns and values give, and check the whole against the model."""
        for use in rule.columns:
            cell = self._cells.at(use.title)
            if cell is not None:
                self._set(use.path, cell, use.rules, use.title)
        for value in rule.values:
            self._set_value(value)
        if not self._faults:
            self._shape.complete(self._body)
            self._check()

    def _set_value(self, use: ValueUse) -> None:
        cell = use.value
        title = ""
        if isinstance(cell, CellPattern):
            if not self._cells.fill(cell):
                return
            title = _title(cell)
            cell = self._cells.at(title) if title else cell.fill(self._cells.text)
        self._set(use.path, cell, use.rules, title)

    def _set(self, path: str, cell: Cell, rules: CellRules, title: str) -> None:
        try:
            if path == WHOLE:
                self._merge(cell, title)
            else:
                keys, value = self._converted(path, cell, rules)
                put(self._body, keys, value)
                self._given[keys] = title
        except CellFault as fault:
            self._faults.append(fault.of(title))

    def _converted(self, path: str, cell: Cell, rules: CellRules) -> tuple[tuple[str, ...], Json]:
        slots = self._shape.slots(path)
        value = self._shape.convert(slots[0].schema, cell, rules)
        for other in slots[1:]:
            found = self._shape.convert(other.schema, cell, rules)
            if type(found) is not type(value) or found != value:
                raise CellFault(
                    f"{path} is of different types in the models that have this relationship; say "
                    "which is meant by `source_model` in the mapping."
                )
        return slots[0].keys, value

    def _merge(self, cell: Cell, title: str) -> None:
        members = read_json(cell, dict, "a JSON object") if isinstance(cell, str) else cell
        if not isinstance(members, dict):
            raise CellFault(f"must be a JSON object, and is {shown(cell)}.")
        for name, value in members.items():
            if name not in _LOST:
                put(self._body, (name,), value)
                self._given[(name,)] = title

    def _check(self) -> None:
        for violation in self._shape.violations(self._body):
            path = tuple(str(each) for each in violation.path)
            above = (path[:length] for length in range(len(path), 0, -1))
            column = next((self._given[each] for each in above if each in self._given), "")
            self._faults.append(
                CellFault(
                    f"{'.'.join(path)}: {violation.detail}.",
                    code=faults.VALIDATION_FAILED,
                    column=column,
                )
            )


def relationship_id(source: str, name: str, target: str) -> str:
    """Return the id of a relationship that has none: the same whenever a table is read."""
    identifier = f"{source}-{name}-{target}"
    if len(identifier) <= MAX_ID_LENGTH:
        return identifier
    digest = sha256(f"{source}\n{name}\n{target}".encode()).hexdigest()[:_DIGEST]
    return f"{identifier[: MAX_ID_LENGTH - _DIGEST - 1].strip()}-{digest}"
