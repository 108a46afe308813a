"""What became of rows: what they make, and what is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from kastor.moving.items import Item, ItemFault, Placed, TwinItem

RowStatus = Literal["ok", "fault", "skipped"]
FIRST_FAULTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RowOutcome:
    """What became of a row, or of one of the things that a row makes.

    Attributes:
        file, sheet: where it stands; `sheet` is empty where the file has no sheets.
        row: as spreadsheets count.
        line: of the file, where it is another number; else None.
        column: title of the column that is at fault; may be empty.
        status: ``skipped`` is a row that makes nothing: an empty one, or one that `skip_empty`
            leaves out.
        kind: ``twin``, ``relationship`` or the empty string.
        id: of the twin or relationship as far as it is known.
        code, message: of a fault.
        item: what the row makes, where it is in order.
    """

    file: str
    sheet: str
    row: int
    line: int | None = None
    column: str = ""
    status: RowStatus = "ok"
    kind: Literal["twin", "relationship", ""] = ""
    id: str = ""
    code: str = ""
    message: str = ""
    item: Item | None = None

    @property
    def where(self) -> str:
        """The place in the file, in words: ``sheet Rooms, row 12, column Set point``."""
        sheet = f"sheet {self.sheet}, " if self.sheet else ""
        line = f" (line {self.line})" if self.line is not None else ""
        column = f", column {self.column}" if self.column else ""
        return f"{sheet}row {self.row}{line}{column}"

    def placed(self) -> Placed | ItemFault | None:
        """Return it as an item with its place, or as a fault; None where it is neither."""
        if self.item is not None:
            return Placed(self.item, self.where)
        if self.status == "fault":
            return ItemFault(self.where, self.code, self.message)
        return None


@dataclass(slots=True)
class TableSummary:
    """What was found in a table.

    Attributes:
        rows: that were read, headers not among them.
        twins, relationships: that are in order.
        skipped: rows that make nothing.
        faults: how many.
        first_faults: the first of them.
        unread: names of sheets that the mapping does not name.
    """

    rows: int = 0
    twins: int = 0
    relationships: int = 0
    skipped: int = 0
    faults: int = 0
    first_faults: list[RowOutcome] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def add(self, outcome: RowOutcome) -> None:
        """Count an outcome."""
        if outcome.status == "fault":
            self.faults += 1
            if len(self.first_faults) < FIRST_FAULTS:
                self.first_faults.append(outcome)
        elif outcome.status == "skipped":
            self.skipped += 1
        elif isinstance(outcome.item, TwinItem):
            self.twins += 1
        else:
            self.relationships += 1
