"""What a route filter says, as a tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Literal:
    """A string, number, boolean or null."""

    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of the event; a name that no event has is undefined."""

    name: str


@dataclass(frozen=True, slots=True)
class Body:
    """`$body`, or a value in it."""

    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewValue:
    """`$changed.path`: the value that an update gave to a property (beyond ADT)."""

    path: tuple[str, ...]


Operand: TypeAlias = Literal | Attribute | Body | NewValue


@dataclass(frozen=True, slots=True)
class Constant:
    """`true` or `false`."""

    value: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left sign right`."""

    sign: str
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Call:
    """STARTS_WITH, ENDS_WITH or CONTAINS of two operands."""

    function: str
    text: Operand
    part: Operand


@dataclass(frozen=True, slots=True)
class Changed:
    """`CHANGED(path)`: whether an update touched a property (beyond ADT)."""

    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """`NOT term` (beyond ADT)."""

    term: Condition


@dataclass(frozen=True, slots=True)
class And:
    """All of the terms; at least two."""

    terms: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of the terms; at least two."""

    terms: tuple[Condition, ...]


Condition: TypeAlias = Constant | Comparison | Call | Changed | Not | And | Or
