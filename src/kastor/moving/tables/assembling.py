"""Makes twins and relationships of the rows of one sheet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from kastor.moving.tables import faults
from kastor.moving.tables.faults import CellFault, TableError, nearest, shown
from kastor.moving.tables.making import Made, RowCells, Rule, make
from kastor.moving.tables.mapping import TwinRule
from kastor.moving.tables.outcomes import RowOutcome
from kastor.moving.tables.patterns import CellPattern
from kastor.words import counted

if TYPE_CHECKING:
    from kastor.moving.tables.mapping import SheetRule
    from kastor.moving.tables.rows import TableRow
    from kastor.moving.tables.shapes import TableShapes


@dataclass(frozen=True, slots=True)
class SheetPlace:
    """A sheet, as outcomes name it.

    Attributes:
        file: its name.
        sheet: the empty string where the file has no sheets.
    """

    file: str
    sheet: str


class SheetAssembler:
    """Makes items of the rows of a sheet, by its rule and titles."""

    def __init__(
        self,
        rule: SheetRule,
        titles: tuple[str, ...],
        shapes: TableShapes,
        place: SheetPlace,
        model: str | None,
    ) -> None:
        """Make what assembles.

        Args:
            rule: of the sheet.
            titles: of the columns, in order.
            shapes: what models say.
            place: of the sheet.
            model: of twins whose row names none; None where there is none.

        Raises:
            TableError: the rule names a column that is not there.
        """
        self._rules: tuple[Rule, ...] = (*rule.twins, *rule.relationships)
        self._titles = titles
        self._columns = {title: at for at, title in enumerate(titles) if title}
        self._shapes = shapes
        self._place = place
        self._model = model
        self._untitled = [at for at, title in enumerate(titles) if not title] if rule.strict else []
        self._check_columns()

    def outcomes(self, row: TableRow) -> Iterator[RowOutcome]:
        """Yield what a row makes, and every fault of it; nothing for an empty row."""
        if row.empty:
            return
        blank = RowOutcome(
            file=self._place.file, sheet=self._place.sheet, row=row.number, line=row.line
        )
        stray = self._stray(row)
        if stray is not None:
            yield replace(blank, status="fault", code=stray.code, message=stray.message)
            return
        cells = RowCells(row.cells, self._columns)
        skipped = True
        for rule in self._rules:
            if all(cells.at(title) is not None for title in rule.skip_empty):
                skipped = False
                yield from _outcomes(blank, rule, make(rule, cells, self._shapes, self._model))
        if skipped:
            yield replace(blank, status="skipped")

    def _stray(self, row: TableRow) -> CellFault | None:
        """Return what is wrong with cells that belong to no column."""
        if len(row.cells) > len(self._titles) and any(
            cell is not None for cell in row.cells[len(self._titles) :]
        ):
            return CellFault(
                f"has {counted(len(row.cells), 'cell')} below {counted(len(self._titles), 'title')}"
                ". Is a quotation mark missing, or the title of a column?",
                code=faults.CELL_WITHOUT_TITLE,
            )
        for at in self._untitled:
            if at < len(row.cells) and row.cells[at] is not None:
                return CellFault(
                    f"column {at + 1} has no title, and holds {shown(row.cells[at])}. Give it a "
                    "title: the path of a property, or one that begins with #.",
                    code=faults.CELL_WITHOUT_TITLE,
                )
        return None

    def _check_columns(self) -> None:
        for rule in self._rules:
            for title in _columns_of(rule):
                if title not in self._columns:
                    sheet = f"sheet {self._place.sheet}" if self._place.sheet else self._place.file
                    raise TableError(
                        f"{sheet} has no column {shown(title)}, which the mapping names."
                        f"{nearest(title, self._columns)}"
                    )


def _columns_of(rule: Rule) -> Iterator[str]:
    yield from rule.skip_empty
    yield from (use.title for use in rule.columns)
    patterns: list[CellPattern | None] = [
        use.value for use in rule.values if isinstance(use.value, CellPattern)
    ]
    if isinstance(rule, TwinRule):
        patterns += [rule.id, rule.model]
    else:
        patterns += [rule.source, rule.name, rule.target, rule.id]
    for pattern in patterns:
        if pattern is not None:
            yield from pattern.columns


def _outcomes(blank: RowOutcome, rule: Rule, made: Made) -> Iterator[RowOutcome]:
    """Yield the item, or each of its faults."""
    kind: Literal["twin", "relationship"] = "twin" if isinstance(rule, TwinRule) else "relationship"
    if made.item is not None:
        yield replace(blank, kind=kind, id=made.id, item=made.item)
    for fault in made.faults:
        yield replace(
            blank,
            kind=kind,
            id=made.id,
            status="fault",
            column=fault.column,
            code=fault.code,
            message=fault.message,
        )
