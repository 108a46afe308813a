"""The tree of a query. Nodes are frozen; spans are offsets into the text and no part of equality.

Conditions and scalars are separate unions: a comparison is no value and a path is no condition.
Nodes that only the superset has say so; the parser notes each use in `Query.extensions`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

Span: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Name:
    """An identifier, without its escape."""

    text: str
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Index:
    """An array index in a path (superset)."""

    value: int
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Path:
    """``a.b.c``; the first step may be an alias."""

    steps: tuple[Name | Index, ...]
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Literal:
    """A string, number, boolean or null."""

    value: str | int | float | bool | None
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Parameter:
    """``$name`` where a literal may stand (superset), or an alias that is spelt so."""

    name: str
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``left op right`` with one of ``+ - * / %`` (superset)."""

    op: str
    left: Scalar
    right: Scalar
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Negative:
    """``-x`` of something that is no literal (superset)."""

    operand: Scalar
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function that gives a value (superset)."""

    name: str
    args: tuple[Scalar, ...]
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Aggregate:
    """``COUNT()`` of the base language; all other forms are superset."""

    name: str
    argument: Scalar | None = None
    distinct: bool = False
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """``left op right`` with one of ``= != < > <= >=``."""

    op: str
    left: Scalar
    right: Scalar
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Membership:
    """``operand IN [..]``, or NIN when negated; in the superset ``IN $list``."""

    operand: Scalar
    values: tuple[Literal | Parameter, ...] | Parameter
    negated: bool = False
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class InQuery:
    """``operand IN (SELECT ..)`` (superset)."""

    operand: Scalar
    query: Query
    negated: bool = False
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class TypeTest:
    """``IS_DEFINED(p)`` and its like."""

    name: str
    operand: Path
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class TextTest:
    """``STARTSWITH``, ``ENDSWITH``, ``CONTAINS``; `ignore_case` is superset."""

    name: str
    subject: Scalar
    part: Scalar
    ignore_case: bool = False
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Like:
    """``operand LIKE 'a%b_'`` (superset)."""

    operand: Scalar
    pattern: str | Parameter
    negated: bool = False
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ArrayContains:
    """``ARRAY_CONTAINS(array, value)``."""

    array: Path
    value: Scalar
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class OfModel:
    """``IS_OF_MODEL([alias,] 'dtmi' [, exact])``."""

    alias: Name | None
    model: str | Parameter
    exact: bool = False
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Within:
    """``ST_WITHIN(point, polygon)`` (superset)."""

    point: Scalar
    area: Scalar
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Exists:
    """``EXISTS { pattern [WHERE ..] }`` (superset)."""

    pattern: Pattern
    where: Condition | None = None
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Not:
    """``NOT operand``."""

    operand: Condition
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class And:
    """Two or more conditions; flat, so that long chains stay shallow."""

    terms: tuple[Condition, ...]
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Or:
    """Two or more conditions; flat."""

    terms: tuple[Condition, ...]
    span: Span = field(default=(0, 0), compare=False, repr=False)


Scalar: TypeAlias = Path | Literal | Parameter | Arithmetic | Negative | Call | Aggregate
Condition: TypeAlias = (
    Comparison
    | Membership
    | InQuery
    | TypeTest
    | TextTest
    | Like
    | ArrayContains
    | OfModel
    | Within
    | Exists
    | Not
    | And
    | Or
)
Expression: TypeAlias = Scalar | Condition

SCALAR_NODES = (Path, Literal, Parameter, Arithmetic, Negative, Call, Aggregate)


@dataclass(frozen=True, slots=True)
class Node:
    """``(name)`` or ``()`` of a pattern."""

    name: Name | None = None
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Hops:
    """``*low..high`` as written; None where nothing was. `inclusive` is the superset's spelling."""

    low: int | None
    high: int | None
    exact: bool = False
    inclusive: bool = False
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Edge:
    """``-[variable:names range]->``; `direction` is one of ``-> <- -``."""

    direction: str
    variable: Name | None = None
    names: tuple[Name, ...] = ()
    hops: Hops | None = None
    shortest: bool = False
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Pattern:
    """Nodes and the edges between them: always one node more than edges."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...] = ()
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Join:
    """``[LEFT] JOIN target RELATED source.relationship [alias]``; LEFT is superset."""

    target: Name
    source: Name
    relationship: Name
    alias: Name | None = None
    left: bool = False
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class From:
    """The collection and what is joined to it; several patterns are superset."""

    collection: str
    alias: Name | None = None
    joins: tuple[Join, ...] = ()
    patterns: tuple[Pattern, ...] = ()
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Column:
    """One entry of the select list."""

    value: Expression
    alias: Name | None = None
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """One key of ORDER BY (superset)."""

    value: Scalar
    descending: bool = False
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query.

    Attributes:
        columns: None for ``*`` and for an empty list after TOP.
        extensions: what the text uses beyond the base language: name and offset of each.
        synonyms: where it spells the base language in another way: message and offset of each.
    """

    columns: tuple[Column, ...] | None
    source: From
    where: Condition | None = None
    top: int | Parameter | None = None
    distinct: bool = False
    group: tuple[Path, ...] = ()
    having: Condition | None = None
    order: tuple[OrderTerm, ...] = ()
    limit: int | Parameter | None = None
    offset: int | Parameter | None = None
    explain: bool = False
    extensions: tuple[tuple[str, int], ...] = field(default=(), compare=False, repr=False)
    synonyms: tuple[tuple[str, int], ...] = field(default=(), compare=False, repr=False)
    span: Span = field(default=(0, 0), compare=False, repr=False)
