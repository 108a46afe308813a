"""What became of a stream of items: counts, and the first faults."""

from __future__ import annotations

from dataclasses import dataclass, field

from kastor.moving.items import Item, ItemFault, ModelItem, RelationshipItem, TwinItem

FIRST_FAULTS = 20


@dataclass(slots=True)
class ItemCounts:
    """How many of each kind."""

    models: int = 0
    twins: int = 0
    relationships: int = 0

    def add(self, item: Item) -> None:
        """Count an item."""
        match item:
            case ModelItem():
                self.models += 1
            case TwinItem():
                self.twins += 1
            case RelationshipItem():
                self.relationships += 1

    @property
    def total(self) -> int:
        """All of them."""
        return self.models + self.twins + self.relationships


@dataclass(slots=True)
class LoadReport:
    """How far a load is, and in the end what came of it.

    Attributes:
        read: what came from the stream.
        written: what is in the graph by this; in a dry run what would be.
        unchanged: models that were there already with the same content.
        failed: faults, those of the stream too.
        faults: the first of them.
        stopped: whether it ended at its first fault, as wished.
    """

    read: ItemCounts = field(default_factory=ItemCounts)
    written: ItemCounts = field(default_factory=ItemCounts)
    unchanged: int = 0
    failed: int = 0
    faults: list[ItemFault] = field(default_factory=list)
    stopped: bool = False

    def fail(self, fault: ItemFault) -> None:
        """Count a fault, and keep it where it is among the first."""
        self.failed += 1
        if len(self.faults) < FIRST_FAULTS:
            self.faults.append(fault)
