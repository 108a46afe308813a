"""What moves in and out of graphs: models, twins and relationships, one at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from kastor.types import Document


@dataclass(frozen=True, slots=True)
class ModelItem:
    """A model: its DTDL document, an interface."""

    document: Document


@dataclass(frozen=True, slots=True)
class TwinItem:
    """A twin.

    Attributes:
        body: of its PUT; `$metadata` names its `$model`.
    """

    id: str
    body: Document


@dataclass(frozen=True, slots=True)
class RelationshipItem:
    """A relationship.

    Attributes:
        source: id of the twin that it goes from.
        id: unique for its source.
        body: of its PUT, with `$targetId` and `$relationshipName`.
    """

    source: str
    id: str
    body: Document


Item: TypeAlias = ModelItem | TwinItem | RelationshipItem


@dataclass(frozen=True, slots=True)
class Placed:
    """An item and where it stands, in words for people: `line 12`, `sheet Twins, row 12`."""

    item: Item
    where: str = ""


@dataclass(frozen=True, slots=True)
class ItemFault:
    """What could not be read or was refused.

    Attributes:
        where: where it stands; the empty string where it has no place.
        code: of the server's error, or one of a reader.
        message: a sentence for people.
        item: what was refused; None where nothing could be made of what stands there.
    """

    where: str
    code: str
    message: str
    item: Item | None = None


class ItemSource(Protocol):
    """A place that items come from, in any order."""

    def items(self) -> AsyncIterator[Placed | ItemFault]:
        """Yield the items, and a fault in the place of each that cannot be read."""


def name_of(item: Item) -> str:
    """Return what people call an item: `twin hall`, `relationship hall/r1`."""
    match item:
        case ModelItem():
            return f"model {item.document.get('@id', '(without @id)')}"
        case TwinItem():
            return f"twin {item.id}"
        case RelationshipItem():
            return f"relationship {item.source}/{item.id}"
