"""The parsed models: frozen, typed elements and the set of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Element:
    """What every element has (spec dtdl 5)."""

    id: str


@dataclass(frozen=True, slots=True)
class Interface(Element):
    """An interface with everything it inherits."""


class ModelSet:
    """The result of a parse."""

    def __init__(self,nodes): self.nodes=nodes
