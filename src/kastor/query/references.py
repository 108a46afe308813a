"""Which sources a condition or a value looks at: they decide what a statement must join."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.query.plan import (
    Aggregate,
    Among,
    And,
    AnyOf,
    ArrayHas,
    Block,
    ByModel,
    Call,
    Case,
    Compare,
    Doc,
    Each,
    Exists,
    Field,
    Flag,
    Gathered,
    In,
    InQuery,
    IsKind,
    ListOf,
    MapOf,
    OfModel,
    Or,
    PartOf,
    Same,
    Slot,
    TextTest,
    Trail,
    Unwound,
    Walked,
    Within,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kastor.query.plan import Condition, Graph, Value


def sources_of(*items: Condition | Value) -> set[int]:
    """The sources whose document or columns the items read."""
    found: set[int] = set()
    for item in items:
        _collect(item, found)
    return found


def aggregates_of(*items: Condition | Value) -> list[Aggregate]:
    """The aggregates in the items, in order."""
    found: list[Aggregate] = []
    for item in items:
        if isinstance(item, Aggregate):
            found.append(item)
        else:
            found += aggregates_of(*parts_of(item))
    return found


def has_walks(*items: Condition | Value) -> bool:
    """Whether the items name the relationships of a range anywhere."""
    return any(isinstance(item, Walked) or has_walks(*parts_of(item)) for item in items)


def has_queries(*items: Condition | Value) -> bool:
    """Whether an EXISTS or an IN (SELECT ..) is among the items or inside them."""
    queries = Exists | InQuery | Gathered
    return any(isinstance(item, queries) or has_queries(*parts_of(item)) for item in items)


def _collect(item: Condition | Value, found: set[int]) -> None:
    match item:
        case Doc() | Field() | OfModel() | ByModel():
            found.add(item.source)
        case Slot() if item.source >= 0:
            found.add(item.source)
        case Exists() | Gathered():
            outer = {i for i, one in enumerate(item.graph.sources) if one.outer}
            inner = sources_of(item.where)
            if isinstance(item, Gathered):
                inner |= sources_of(item.item)
            for hop in item.graph.hops:
                inner |= {hop.left, hop.right}
            found |= inner & outer
        case _:
            for part in parts_of(item):
                _collect(part, found)


def is_about(item: Condition, sources: set[int]) -> bool:
    """Whether a condition reads one of these sources, and nothing else."""
    read = sources_of(item)
    return len(read) == 1 and read <= sources and not has_walks(item)


def bound_apart(graph: Graph) -> dict[int, int]:
    """The twins and relationships that blocks bind, with the number of the block."""
    return {
        source: number
        for number, one in enumerate(graph.apart)
        if isinstance(one, Block)
        for source in own_sources(one)
    }


def own_sources(block: Block) -> list[int]:
    """The sources that a block binds."""
    return [index for index, one in enumerate(block.graph.sources) if not one.outer]


def reads_before(block: Block) -> bool:
    """Whether a block reads anything of the row that it is matched for."""
    own = set(own_sources(block))
    read = sources_of(block.where)
    for hop in block.graph.hops:
        read |= {hop.left, hop.right}
    read |= {block.graph.sources[one].same for one in own} - {-1}
    return bool(read - own)


def read_apart(graph: Graph) -> set[int]:
    """The sources that what is matched apart reads of the rows before it."""
    found: set[int] = set()
    for one in graph.apart:
        if isinstance(one, Unwound):
            found |= sources_of(one.value)
        else:
            found |= sources_of(one.where) - set(own_sources(one))
    return found


def is_mixed(graph: Graph) -> bool:
    """Whether it reads rows, or has parts that are matched apart."""
    return bool(graph.apart) or any(one.plans for one in graph.sources)


def parts_of(item: Condition | Value) -> Iterable[Condition | Value]:
    """What a condition or a value is made of, one level down."""
    # Branches because each kind of node names its parts in its own way.
    match item:
        case And() | Or():
            return item.terms
        case Compare() | Same():
            return (item.left, item.right)
        case In() | IsKind() | InQuery():
            return (item.value,)
        case TextTest():
            return (item.subject, item.part)
        case ArrayHas() | Among():
            return (item.array, item.value)
        case Within():
            return (item.point, item.area)
        case Call():
            return item.args
        case Aggregate():
            return () if item.argument is None else (item.argument,)
        case Flag():
            return (item.true, item.false)
        case AnyOf():
            return (item.array, item.true, item.false)
        case _:
            return _parts_made(item)


def _parts_made(item: Condition | Value) -> Iterable[Condition | Value]:
    """The same of values that the statement puts together."""
    match item:
        case ListOf():
            return item.items
        case Trail():
            return item.parts
        case MapOf():
            return tuple([value for _, value in item.entries])
        case PartOf():
            return (item.base,)
        case Each():
            return (item.array, item.where, item.item)
        case Case():
            return (*[one for branch in item.branches for one in branch], item.otherwise)
        case _:
            return ()
