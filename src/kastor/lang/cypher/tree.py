"""The tree of a query. Nodes are frozen; spans are offsets into the text and no part of equality.

Conditions are values here: one union of expressions, told apart when they are bound.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from kastor.lang.ast import Name, Span

__all__ = ["Name", "Span"]


@dataclass(frozen=True, slots=True)
class Literal:
    """A string, number, boolean or null."""

    value: str | int | float | bool | None
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Parameter:
    """``$name``."""

    name: str
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Variable:
    """A name that a pattern or a column binds."""

    name: str
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class MemberOf:
    """``base.key`` or ``base['key']``."""

    base: Expression
    key: str
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ItemOf:
    """``base[index]``."""

    base: Expression
    index: Expression
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SliceOf:
    """``base[low..high]``; None where nothing was written."""

    base: Expression
    low: Expression | None
    high: Expression | None
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Case:
    """``CASE [subject] WHEN test THEN value .. [ELSE otherwise] END``."""

    subject: Expression | None
    branches: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression | None = None
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ListOf:
    """``[a, b]``."""

    items: tuple[Expression, ...]
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Comprehension:
    """``[variable IN values WHERE test | item]``; both parts behind the list may be left out."""

    variable: Name
    values: Expression
    where: Expression | None = None
    item: Expression | None = None
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Matches:
    """``[pattern WHERE test | item]``: the list of what each match of the pattern gives."""

    pattern: Pattern
    where: Expression | None
    item: Expression
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Quantifier:
    """``any(variable IN values WHERE test)``, or ``all``, ``none`` or ``single``."""

    name: str
    variable: Name
    values: Expression
    where: Expression
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class MapOf:
    """``{key: value}``."""

    entries: tuple[tuple[str, Expression], ...]
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Negative:
    """``-x`` of something that is no literal."""

    operand: Expression
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``left op right`` with one of ``+ - * / % ^``."""

    op: str
    left: Expression
    right: Expression
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """``left op right`` with one of ``= <> < > <= >=``; a chain is an `And` of these."""

    op: str
    left: Expression
    right: Expression
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class TextTest:
    """``STARTS WITH``, ``ENDS WITH`` or ``CONTAINS``."""

    name: str
    subject: Expression
    part: Expression
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Membership:
    """``item IN list``."""

    item: Expression
    values: Expression
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class NullTest:
    """``IS NULL``, or ``IS NOT NULL`` when negated."""

    operand: Expression
    negated: bool = False
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Labelled:
    """``n:Label`` as a condition."""

    variable: Name
    labels: tuple[Name, ...]
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function, or an aggregate; `distinct` and `whole` (``count(*)``) are of the latter."""

    name: str
    args: tuple[Expression, ...]
    distinct: bool = False
    whole: bool = False
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Exists:
    """``EXISTS { pattern [WHERE ..] }``; without `braces` a pattern where a condition stands."""

    patterns: tuple[Pattern, ...]
    where: Expression | None = None
    braces: bool = field(default=True, compare=False)
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Not:
    """``NOT operand``."""

    operand: Expression
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class And:
    """Two or more; flat, so that long chains stay shallow."""

    terms: tuple[Expression, ...]
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Or:
    """Two or more; flat."""

    terms: tuple[Expression, ...]
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Xor:
    """``left XOR right``."""

    left: Expression
    right: Expression
    span: Span = field(default=(0, 0), compare=False, repr=False)


Expression: TypeAlias = (
    Literal
    | Parameter
    | Variable
    | MemberOf
    | ItemOf
    | SliceOf
    | Case
    | ListOf
    | Comprehension
    | Matches
    | Quantifier
    | MapOf
    | Negative
    | Arithmetic
    | Comparison
    | TextTest
    | Membership
    | NullTest
    | Labelled
    | Call
    | Exists
    | Not
    | And
    | Or
    | Xor
)


@dataclass(frozen=True, slots=True)
class Node:
    """``(name:Label {key: value})``."""

    name: Name | None = None
    labels: tuple[Name, ...] = ()
    members: MapOf | None = None
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Range:
    """``*low..high`` as written; None where nothing was."""

    low: int | None
    high: int | None
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Edge:
    """``-[name:TYPE|TYPE range {key: value}]->``; `direction` is one of ``-> <- -``."""

    direction: str
    name: Name | None = None
    types: tuple[Name, ...] = ()
    range: Range | None = None
    members: MapOf | None = None
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Pattern:
    """Nodes and the edges between them: always one node more than edges.

    Attributes:
        path: the name of the path.
        shortest: ``one`` of the shortest, or ``all`` of them.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...] = ()
    path: Name | None = None
    shortest: str | None = None
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Match:
    """``[OPTIONAL] MATCH pattern, pattern [WHERE ..]``."""

    patterns: tuple[Pattern, ...]
    where: Expression | None = None
    optional: bool = False
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Unwind:
    """``UNWIND list AS name``."""

    value: Expression
    name: Name
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Column:
    """One entry of RETURN; `text` is it as written, which names it where no alias does."""

    value: Expression
    alias: Name | None = None
    text: str = field(default="", compare=False)
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """One key of ORDER BY."""

    value: Expression
    descending: bool = False
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Projection:
    """What stands behind RETURN or WITH.

    Attributes:
        star: whether it begins with ``*``.
    """

    columns: tuple[Column, ...]
    star: bool = False
    distinct: bool = False
    order: tuple[OrderTerm, ...] = ()
    skip: Expression | None = None
    limit: Expression | None = None
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class With:
    """``WITH columns [WHERE ..]``."""

    projection: Projection
    where: Expression | None = None
    span: Span = field(default=(0, 0), compare=False, repr=False)


Clause: TypeAlias = Match | Unwind | With


@dataclass(frozen=True, slots=True)
class Query:
    """Clauses, and what RETURN makes of them."""

    clauses: tuple[Clause, ...]
    result: Projection
    explain: bool = False
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Union:
    """Queries with UNION between them, or UNION ALL when `whole`."""

    queries: tuple[Query, ...]
    whole: bool = False
    explain: bool = False
    span: Span = field(default=(0, 0), compare=False, repr=False)


Statement: TypeAlias = Query | Union
