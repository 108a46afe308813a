"""A table as a source of twins and relationships, which can be checked before it is loaded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from kastor.dtdl import ModelSet, parse
from kastor.moving.explorer.layout import explorer_rule, is_explorer_layout
from kastor.moving.items import ItemFault, Placed, RelationshipItem, TwinItem
from kastor.moving.tables import faults
from kastor.moving.tables.assembling import SheetAssembler, SheetPlace
from kastor.moving.tables.convention import rule_by_convention
from kastor.moving.tables.csv_reader import CsvReader
from kastor.moving.tables.excel_reader import ExcelReader
from kastor.moving.tables.faults import TableError, nearest, shown
from kastor.moving.tables.mapping_file import read_mapping
from kastor.moving.tables.outcomes import RowOutcome, TableSummary
from kastor.moving.tables.parquet_reader import ParquetReader
from kastor.moving.tables.reading_rules import CellRules, read_decimal, read_zone
from kastor.moving.tables.rows import TableReader, bounded, read_head
from kastor.moving.tables.seen import SeenIds
from kastor.moving.tables.shapes import TableShapes

if TYPE_CHECKING:
    from kastor.moving.tables.mapping import RelationshipRule, SheetRule, TableMapping, TwinRule
    from kastor.moving.tables.rows import Sheet
    from kastor.types import Document

TableKind = Literal["auto", "csv", "excel", "parquet", "explorer"]
SUFFIXES: dict[str, TableKind] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".parquet": "parquet",
}
"""The kinds of files, by the endings of their names in lower case."""
_PAUSE = 500
_ROW_BITS = 40


@dataclass(frozen=True, slots=True)
class TableOptions:
    """What whoever calls says of a table; a mapping's own words win.

    Attributes:
        separator: of a CSV file; None is found out.
        encoding: of a CSV file; None is that of its mark, or UTF-8.
        decimal: what stands before the fraction of a number in a text.
        zone: name of the zone of dates with a time that have none.
        sheet: the only sheet to read; None is all.
        model: of twins whose row names none.
    """

    separator: str | None = None
    encoding: str | None = None
    decimal: str = "."
    zone: str | None = None
    sheet: str | None = None
    model: str | None = None


class TableSource:
    """A table; each method reads the file anew, row after row."""

    def __init__(
        self,
        reader: TableReader,
        path: Path,
        shapes: TableShapes,
        options: TableOptions,
        rules: CellRules,
        mapping: TableMapping | None,
        *,
        explorer: bool,
    ) -> None:
        self._reader = reader
        self._path = path
        self._shapes = shapes
        self._options = options
        self._rules = rules
        self._mapping = mapping
        self._explorer = explorer
        self._unread: list[str] = []
        self._rows = 0

    def check(self, on_row: Callable[[RowOutcome], None] | None = None) -> TableSummary:
        """Read all of it, send nothing, and return what was found.

        Args:
            on_row: is called for what each row makes, and for each fault.

        Raises:
            TableError: the file or the mapping is wrong as a whole.
        """
        summary = TableSummary()
        for outcome in self.outcomes():
            summary.add(outcome)
            if on_row is not None:
                on_row(outcome)
        summary.rows = self._rows
        summary.unread = list(self._unread)
        return summary

    async def items(self) -> AsyncIterator[Placed | ItemFault]:
        """Yield what the rows make, and faults; raises TableError as `check` does."""
        for count, outcome in enumerate(self.outcomes()):
            found = outcome.placed()
            if found is not None:
                yield found
            if count % _PAUSE == 0:
                await asyncio.sleep(0)

    def outcomes(self) -> Iterator[RowOutcome]:
        """Yield what becomes of each row. Raises TableError."""
        self._unread, self._rows = [], 0
        seen, read = SeenIds(), set[str]()
        for at, sheet in enumerate(self._reader.sheets()):
            wanted = self._options.sheet in (None, sheet.name)
            rule = self._mapping.rule_for(sheet.name) if self._mapping is not None else None
            if not wanted or (self._mapping is not None and rule is None):
                self._unread.append(sheet.name)
                continue
            read.add(sheet.name)
            for outcome in self._sheet(sheet, rule):
                yield self._once(outcome, seen, at)
        self._check_read(read)

    def _sheet(self, sheet: Sheet, rule: SheetRule | None) -> Iterator[RowOutcome]:
        place = self._place(sheet)
        where = f"sheet {place.sheet}" if place.sheet else place.file
        rows = bounded(sheet.rows, where)
        head = read_head(rows, rule.header if rule is not None else None, where)
        if head is None:
            return
        rule = rule or self._rule(head.titles, where)
        model = head.model or self._options.model
        assembler = SheetAssembler(rule, head.titles, self._shapes, place, model)
        self._repeated = _repeated(rule.twins), _repeated(rule.relationships)
        for row in rows:
            self._rows += not row.empty
            yield from assembler.outcomes(row)

    def _place(self, sheet: Sheet) -> SheetPlace:
        return SheetPlace(
            self._path.name, sheet.name if isinstance(self._reader, ExcelReader) else ""
        )

    def _rule(self, titles: tuple[str, ...], where: str) -> SheetRule:
        if is_explorer_layout(titles):
            return explorer_rule(titles)
        if self._explorer:
            raise TableError(
                f"{where} has not the columns of Azure Digital Twins Explorer: ModelID, ID, "
                "Relationship (From), Relationship Name, Init Data."
            )
        return rule_by_convention(titles, self._rules, where)

    def _once(self, outcome: RowOutcome, seen: SeenIds, sheet: int) -> RowOutcome:
        """Return the outcome, or a fault where its id stood in an earlier row."""
        item = outcome.item
        twins, relationships = self._repeated
        if isinstance(item, TwinItem) and not twins:
            name = f"t/{item.id}"
        elif isinstance(item, RelationshipItem) and not relationships:
            name = f"r/{item.source}/{item.id}"
        else:
            return outcome
        first = seen.first_place(name, sheet << _ROW_BITS | outcome.row)
        if first is None:
            return outcome
        other = first >> _ROW_BITS != sheet
        there = " of another sheet" if other else ""
        return replace(
            outcome,
            item=None,
            status="fault",
            code=faults.ID_REPEATED,
            message=f"the {outcome.kind} {shown(outcome.id)} stands already in row "
            f"{first & (1 << _ROW_BITS) - 1}{there}. If that is meant, say `repeated = true` in "
            "the mapping; the last row counts then.",
        )

    def _check_read(self, read: set[str]) -> None:
        """Raise TableError where a sheet that somebody named was not there."""
        known = (*read, *self._unread)
        wanted = [self._options.sheet] if self._options.sheet is not None else []
        if self._mapping is not None and isinstance(self._reader, ExcelReader):
            wanted += [name for name in self._mapping.sheets if name is not None]
        for name in wanted:
            if name not in known:
                raise TableError(
                    f"{self._path.name} has no sheet {shown(name)}.{nearest(name, known)}"
                )
        if not read:
            raise TableError(
                f"{self._path.name} has nothing to read: the mapping names none of "
                f"{', '.join(map(shown, known)) or 'its sheets, of which there are none'}."
            )


def _repeated(rules: Iterable[TwinRule | RelationshipRule]) -> bool:
    return any(rule.repeated for rule in rules)


def open_table(
    path: Path,
    mapping: Path | None = None,
    *,
    models: ModelSet | Iterable[Document],
    kind: TableKind = "auto",
    options: TableOptions | None = None,
) -> TableSource:
    """Return a table as a source; nothing of it is read yet, and of the mapping all.

    Args:
        path: of the file.
        mapping: of a mapping file; None goes by convention (docs/reference/tables.md).
        models: what the values are typed by: all that the rows name, with what they extend.
        kind: of the file; `auto` goes by the ending of its name.
        options: what is known of it beyond that.

    Raises:
        TableError: the kind is not known, or the mapping is wrong.
        DtdlError: the models are not valid.
    """
    options = options or TableOptions()
    rules = CellRules(
        decimal=read_decimal(options.decimal),
        zone=None if options.zone is None else read_zone(options.zone),
    )
    read = None if mapping is None else read_mapping(mapping, rules)
    found = SUFFIXES.get(path.suffix.lower()) if kind == "auto" else kind
    if found is None:
        raise TableError(
            f"{path.name} is no table by its name; there are {', '.join(SUFFIXES)}. Say which it "
            "is with --kind."
        )
    return TableSource(
        _reader(found, path, options, read),
        path,
        TableShapes(models if isinstance(models, ModelSet) else parse(models)),
        options,
        rules,
        read,
        explorer=found == "explorer",
    )


def _reader(
    kind: TableKind, path: Path, options: TableOptions, mapping: TableMapping | None
) -> TableReader:
    if kind == "parquet":
        return ParquetReader(path)
    if kind in ("excel", "explorer"):
        return ExcelReader(path)
    separator = (mapping.separator if mapping is not None else None) or options.separator
    if separator is None and path.suffix.lower() == ".tsv":
        separator = "\t"
    encoding = (mapping.encoding if mapping is not None else None) or options.encoding
    return CsvReader(path, separator, encoding)
