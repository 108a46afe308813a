"""What a sheet's titles alone say: which columns are ids, models, ends and properties."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.moving.tables.faults import TableError, shown
from kastor.moving.tables.mapping import ColumnUse, RelationshipRule, SheetRule, TwinRule
from kastor.moving.tables.patterns import CellPattern

if TYPE_CHECKING:
    from kastor.moving.tables.reading_rules import CellRules

ID = "$dtId"
MODEL = "$metadata.$model"
SOURCE = "$sourceId"
NAME = "$relationshipName"
TARGET = "$targetId"
RELATIONSHIP_ID = "$relationshipId"
_IDS = (ID, "id")
_MODELS = (MODEL, "$model", "model")
_REMARK = "#"


def rule_by_convention(titles: tuple[str, ...], rules: CellRules, where: str) -> SheetRule:
    """Return what the rows of a sheet make.

    With `$sourceId`, `$relationshipName` and `$targetId` they are relationships, with `$dtId` or
    `id` twins. All other columns are properties, by their paths. What else begins with ``$`` is
    what servers add, and is read over; so are titles that begin with ``#``.

    Raises:
        TableError: there are the columns of neither; says which they are.
    """
    known = set(titles)
    ends = [each for each in (SOURCE, NAME, TARGET) if each in known]
    if len(ends) == 3:  # noqa: PLR2004 - all of them
        return _relationships(titles, rules)
    if ends:
        missing = [each for each in (SOURCE, NAME, TARGET) if each not in known]
        raise TableError(f"{where} has the column {ends[0]}, but not {' and '.join(missing)}.")
    identifier = next((each for each in _IDS if each in known), None)
    if identifier is None:
        listed = ", ".join(shown(each) for each in titles[:8] if each)
        raise TableError(
            f"{where} has no column {ID} or id, and no {SOURCE}, {NAME}, {TARGET}; it has "
            f"{listed or 'no titles'}. Rename columns, or say with --mapping FILE which they are."
        )
    model = next((each for each in _MODELS if each in known), None)
    special = {identifier, model}
    columns, ignored = _properties(titles, special, rules)
    twin = TwinRule(
        id=CellPattern.column(identifier),
        model=None if model is None else CellPattern.column(model),
        columns=columns,
    )
    return SheetRule(None, None, (twin,), strict=True, ignored=ignored)


def _relationships(titles: tuple[str, ...], rules: CellRules) -> SheetRule:
    special: set[str | None] = {SOURCE, NAME, TARGET, RELATIONSHIP_ID}
    columns, ignored = _properties(titles, special, rules)
    relationship = RelationshipRule(
        source=CellPattern.column(SOURCE),
        name=CellPattern.column(NAME),
        target=CellPattern.column(TARGET),
        id=CellPattern.column(RELATIONSHIP_ID) if RELATIONSHIP_ID in titles else None,
        columns=columns,
    )
    return SheetRule(None, None, (), (relationship,), strict=True, ignored=ignored)


def _properties(
    titles: tuple[str, ...], special: set[str | None], rules: CellRules
) -> tuple[tuple[ColumnUse, ...], frozenset[str]]:
    free = [each for each in titles if each and each not in special]
    ignored = {
        each
        for each in free
        if each.startswith((_REMARK, "$")) or any(p.startswith("$") for p in each.split("."))
    }
    used = tuple(ColumnUse(each, each, rules) for each in free if each not in ignored)
    return used, frozenset(ignored)
