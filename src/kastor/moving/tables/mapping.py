"""What a mapping says: which twins and relationships a row of a sheet makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kastor.moving.tables.patterns import CellPattern
from kastor.moving.tables.reading_rules import CellRules
from kastor.types import Json

WHOLE = "."
"""The path of a column with a JSON object of properties."""


@dataclass(frozen=True, slots=True)
class ColumnUse:
    """A column whose cells become a property.

    Attributes:
        title: of the column.
        path: of the property, such as ``thermostat.setPoint``; `WHOLE` merges a JSON object.
        rules: how its cells are read.
    """

    title: str
    path: str
    rules: CellRules = field(default_factory=CellRules)


@dataclass(frozen=True, slots=True)
class ValueUse:
    """A property that has one value in all rows, or a text made of columns.

    Attributes:
        path: of the property.
        value: a `CellPattern`, or a value of TOML.
        rules: how it is read where it is a text.
    """

    path: str
    value: CellPattern | Json
    rules: CellRules = field(default_factory=CellRules)


@dataclass(frozen=True, slots=True, kw_only=True)
class TwinRule:
    """How a row makes a twin.

    Attributes:
        id: of the twin.
        model: None is the remark's of the sheet, or the command's.
        skip_empty: titles; a row in which one of them is empty makes no twin.
        repeated: whether several rows may have one id.
    """

    id: CellPattern
    model: CellPattern | None = None
    columns: tuple[ColumnUse, ...] = ()
    values: tuple[ValueUse, ...] = ()
    skip_empty: tuple[str, ...] = ()
    repeated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationshipRule:
    """How a row makes a relationship.

    Attributes:
        id: None makes one of source, name and target.
        source_model: whose relationship it is, where models have several of that name.
        skip_empty: titles; a row in which one of them is empty makes no relationship.
        repeated: whether several rows may have one id.
    """

    source: CellPattern
    name: CellPattern
    target: CellPattern
    id: CellPattern | None = None
    source_model: str | None = None
    columns: tuple[ColumnUse, ...] = ()
    values: tuple[ValueUse, ...] = ()
    skip_empty: tuple[str, ...] = ()
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class SheetRule:
    """What the rows of a sheet make.

    Attributes:
        name: of the sheet, or of the file without its ending; None is every sheet that no other
            rule names.
        header: number of the row with the titles; None is the first that is neither empty nor a
            remark.
        strict: whether a column that nothing uses is a fault where its cell is not empty.
    """

    name: str | None
    header: int | None = None
    twins: tuple[TwinRule, ...] = ()
    relationships: tuple[RelationshipRule, ...] = ()
    strict: bool = False
    ignored: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class TableMapping:
    """A mapping file.

    Attributes:
        separator, encoding: of CSV files; None where it does not say.
        sheets: by name.
    """

    separator: str | None
    encoding: str | None
    sheets: Mapping[str | None, SheetRule]

    def rule_for(self, name: str) -> SheetRule | None:
        """Return what is said of a sheet; None where it is not to be read."""
        return self.sheets.get(name) or self.sheets.get(None)
