"""The Excel layout of Azure Digital Twins Explorer, as a rule for rows.

A row makes a twin of its model, with the JSON of `Init Data`, and a relationship that comes from
the twin `Relationship (From)`; each only where its column is filled.
"""

from __future__ import annotations

from kastor.moving.tables.mapping import (
    WHOLE,
    ColumnUse,
    RelationshipRule,
    SheetRule,
    TwinRule,
)
from kastor.moving.tables.patterns import CellPattern

_MODEL, _ID, _FROM, _NAME, _DATA = "modelid", "id", "relationship", "relationship name", "init data"
_ALL = (_MODEL, _ID, _FROM, _NAME, _DATA)


def is_explorer_layout(titles: tuple[str, ...]) -> bool:
    """Return whether a sheet has the Explorer's columns."""
    return set(_by_name(titles)) >= set(_ALL)


def explorer_rule(titles: tuple[str, ...]) -> SheetRule:
    """Return what the rows of a sheet in the Explorer's layout make."""
    names = _by_name(titles)
    twin = TwinRule(
        id=CellPattern.column(names[_ID]),
        model=CellPattern.column(names[_MODEL]),
        columns=(ColumnUse(names[_DATA], WHOLE),),
        skip_empty=(names[_MODEL],),
    )
    relationship = RelationshipRule(
        source=CellPattern.column(names[_FROM]),
        name=CellPattern.column(names[_NAME]),
        target=CellPattern.column(names[_ID]),
        skip_empty=(names[_FROM],),
    )
    return SheetRule(None, None, (twin,), (relationship,))


def _by_name(titles: tuple[str, ...]) -> dict[str, str]:
    """Return titles by their names in the layout; what stands in parentheses is explanation."""
    return {title.partition("(")[0].strip().lower(): title for title in reversed(titles) if title}
