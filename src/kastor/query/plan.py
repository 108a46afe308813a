"""The plan: what a query means, with every name resolved and every choice made but the engine's.

A plan is typed and self-contained: it can be cached, compared and compiled without its text. Values
and conditions follow query-language 11; a condition in a finished plan needs only to be *true*
where it is true, because the `negation` pass has pushed every NOT down to the leaves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool | None

KINDS = ("null", "boolean", "number", "string", "array", "object")
ALL_KINDS = frozenset(KINDS)


@dataclass(frozen=True, slots=True)
class Const:
    """A literal; `given` names the parameter or literal whose value it is, until `give` has run."""

    value: Scalar
    given: str | None = None


@dataclass(frozen=True, slots=True)
class Doc:
    """What a path leads to in the document of a source; no steps mean the whole document."""

    source: int
    steps: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """A system field, always a string: id, etag, model, source, target or name."""

    source: int
    name: str


@dataclass(frozen=True, slots=True)
class Undefined:
    """A value that is missing whatever the data is."""


@dataclass(frozen=True, slots=True)
class Call:
    """A function or an arithmetic operator.

    `kind` is that of its result; ``any`` if only the data tells.
    """

    name: str
    args: tuple[Value, ...]
    kind: str


@dataclass(frozen=True, slots=True)
class Aggregate:
    """COUNT (of rows, when `argument` is None), SUM, AVG, MIN, MAX or COLLECT over a group."""

    name: str
    argument: Value | None = None
    distinct: bool = False


@dataclass(frozen=True, slots=True)
class ListOf:
    """The array of these values; what is missing is null there."""

    items: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class MapOf:
    """The object of these members; what is missing is null there."""

    entries: tuple[tuple[str, Value], ...]


@dataclass(frozen=True, slots=True)
class PartOf:
    """What a path leads to in a value that is made; in documents it is a `Doc`."""

    base: Value
    steps: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """The value of the first branch whose condition is true, else `otherwise`."""

    branches: tuple[tuple[Condition, Value], ...]
    otherwise: Value


@dataclass(frozen=True, slots=True)
class ByModel:
    """An array of texts that the twin's model decides, by the model's key."""

    source: int
    texts: tuple[tuple[int, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class ElementOf:
    """An element of the array around; `types` as a `Slot` has them."""

    number: int
    types: frozenset[str] = frozenset({"?"})


@dataclass(frozen=True, slots=True)
class Each:
    """For each element of the array for which the condition is true the value of `item`."""

    array: Value
    element: ElementOf
    where: Condition
    item: Value


@dataclass(frozen=True, slots=True)
class Gathered:
    """The array of what `item` is of each match of a graph, which shares sources as `Exists`."""

    graph: Graph
    where: Condition
    item: Value


@dataclass(frozen=True, slots=True)
class Flag:
    """A condition used as a value: true, false or missing."""

    true: Condition
    false: Condition


@dataclass(frozen=True, slots=True)
class Walked:
    """The array of relationships that a ranged hop walked; `apart` numbers its `Block`, if any."""

    hop: int
    apart: int = -1


@dataclass(frozen=True, slots=True)
class Trail:
    """A twin, then a relationship or what a range walked, then a twin ..; missing if one is."""

    parts: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """A value that rows below have as a column.

    Attributes:
        source: of rows or items that has it; -1: the groups below, only above GROUP BY.
        types: what it can be, as far as known, see `cypher.functions.types_of`.
    """

    number: int
    source: int = -1
    types: frozenset[str] = frozenset()


Value: TypeAlias = (
    Const
    | Doc
    | Field
    | Undefined
    | Call
    | Aggregate
    | ListOf
    | MapOf
    | PartOf
    | Case
    | ByModel
    | ElementOf
    | Each
    | Gathered
    | Flag
    | Walked
    | Trail
    | Slot
)


@dataclass(frozen=True, slots=True)
class Truth:
    """A condition known beforehand."""

    value: bool


@dataclass(frozen=True, slots=True)
class Compare:
    """``left op right``; true only for two values of the same kind."""

    op: str
    left: Value
    right: Value


@dataclass(frozen=True, slots=True)
class In:
    """`value` equals one of `values`; negated: it is defined and equals none.

    `given` says which parameters the values are of, until `give` has run: one for the whole list,
    or one for each.
    """

    value: Value
    values: tuple[Scalar, ...]
    negated: bool = False
    given: str | tuple[str | None, ...] | None = None


@dataclass(frozen=True, slots=True)
class IsKind:
    """`value` is of one of `kinds`; negated: it is missing or of another kind."""

    value: Value
    kinds: frozenset[str]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class TextTest:
    """STARTSWITH, ENDSWITH, CONTAINS or LIKE; negated: both are strings and the test fails."""

    name: str
    subject: Value
    part: Value
    ignore_case: bool = False
    negated: bool = False


@dataclass(frozen=True, slots=True)
class ArrayHas:
    """The array has the value as an element; negated: it is an array and has it not."""

    array: Value
    value: Value
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Same:
    """Equal at any depth, as openCypher has it: null equals nothing, and differs from nothing.

    Negated: different wherever nulls would be filled in, also of two kinds.
    """

    left: Value
    right: Value
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Among:
    """An element of the array is `Same` as the value; negated: it is an array, and all differ."""

    array: Value
    value: Value
    negated: bool = False


@dataclass(frozen=True, slots=True)
class AnyOf:
    """For an element of the array `true` is true; negated: for all of them `false` is."""

    array: Value
    element: ElementOf
    true: Condition
    false: Condition
    negated: bool = False


@dataclass(frozen=True, slots=True)
class OfModel:
    """The twin's model is one of these keys."""

    source: int
    keys: tuple[int, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Within:
    """The geographic point lies in the polygon; negated: both are defined and it does not."""

    point: Value
    area: Value
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Exists:
    """The inner graph has a match; it shares the outer sources it names."""

    graph: Graph
    where: Condition
    negated: bool = False


@dataclass(frozen=True, slots=True)
class InQuery:
    """`value` is among the values of the one column of the inner plan."""

    value: Value
    plan: Plan
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Not:
    """Only until the `negation` pass."""

    operand: Condition


@dataclass(frozen=True, slots=True)
class And:
    """All are true."""

    terms: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One is true."""

    terms: tuple[Condition, ...]


Leaf: TypeAlias = (
    Compare
    | In
    | IsKind
    | TextTest
    | ArrayHas
    | Same
    | Among
    | AnyOf
    | OfModel
    | Within
    | Exists
    | InQuery
)
Condition: TypeAlias = Truth | Leaf | Not | And | Or


@dataclass(frozen=True, slots=True)
class Source:
    """One thing that a row binds.

    Attributes:
        kind: twin, relationship or model; rows of other plans; items of a list.
        alias: its name in the query, if it has one.
        optional: it may be missing (LEFT JOIN).
        outer: it belongs to the query around this one.
        plans: whose rows together are those of a source of rows; equal columns, one or more.
        tied: the source of rows and its column that hold the key of this twin or relationship.
        same: the relationship that this one is too; -1 for any.
        item: the source of items whose element is the document of this one; -1 for none.
    """

    kind: str
    alias: str | None = None
    optional: bool = False
    outer: bool = False
    plans: tuple[Plan, ...] = ()
    tied: tuple[int, int] | None = None
    same: int = -1
    item: int = -1


@dataclass(frozen=True, slots=True)
class Hop:
    """An edge of the graph between two twin sources.

    Attributes:
        direction: ``->`` from left to right, ``<-`` or ``-`` for either.
        names: relationship names; none means any.
        low, high: how many relationships it walks, both ends included.
        relationship: the source that a hop of exactly one binds; -1 otherwise.
        group: hops of one group never walk the same relationship; each JOIN is alone in its own.
        optional: a missing hop keeps the row.
        shortest: only the shortest walks between two twins.
        paths: of the shortest walks each is a row, ``all`` or ``one`` of them; else each pair of
            twins is.
        named: a variable stands for the relationships that a range walks.
        open: it has no end of its own; where more lies behind `high` the query fails.
        each: what every relationship of a range fulfils, as a condition on the source `step`.
        step: stands for one of them at a time; a source that nothing binds.
    """

    left: int
    right: int
    direction: str
    names: tuple[str, ...]
    low: int = 1
    high: int = 1
    relationship: int = -1
    group: int = 0
    optional: bool = False
    shortest: bool = False
    named: bool = False
    open: bool = False
    paths: str = ""
    each: Condition | None = None
    step: int = -1


@dataclass(frozen=True, slots=True)
class Block:
    """A graph that is matched for each row of what stands before it.

    The sources of the graph around it are its outer ones, under the same numbers; its own follow,
    and the graph around has those under the same numbers too.

    Attributes:
        optional: where nothing matches the row stays, with all sources of the block missing.
        after: how many hops of the graph around stand before it.
    """

    graph: Graph
    where: Condition
    optional: bool
    after: int


@dataclass(frozen=True, slots=True)
class Unwound:
    """The elements of a list, one row each, for each row of what stands before it.

    Attributes:
        source: the source of items, whose `Slot` 0 is the element.
        after: how many hops stand before it.
    """

    source: int
    value: Value
    after: int


@dataclass(frozen=True, slots=True)
class Graph:
    """What FROM binds: sources by index, the hops between them, and what is matched apart."""

    sources: tuple[Source, ...]
    hops: tuple[Hop, ...] = ()
    apart: tuple[Block | Unwound, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """A member of the row: its key and its value."""

    key: str
    value: Value


@dataclass(frozen=True, slots=True)
class Order:
    """One key of ORDER BY."""

    value: Value
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole query.

    Attributes:
        columns: the members of a row; None for the bare document of source 0.
        grouped: rows are groups; `group` may be empty for one group of all rows.
        top: rows over all pages; None without bound.
        nulls: rows hold null for what is missing; null and missing are one, and come last in order.
    """

    graph: Graph
    where: Condition
    columns: tuple[Column, ...] | None
    grouped: bool = False
    group: tuple[Value, ...] = ()
    having: Condition = field(default_factory=lambda: Truth(value=True))
    order: tuple[Order, ...] = ()
    top: int | None = None
    offset: int = 0
    counts: bool = False
    explain: bool = False
    nulls: bool = False
