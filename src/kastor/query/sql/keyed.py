"""The rows of a graph in a total order of keys: of a page, of rows below, of a block.

What leads, then where the walk starts and the relationships in the order of the indexes in use, or
the walked text where it is walked by recursion; then what is matched apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.query.plan import Block, Unwound
from kastor.query.sql.itinerary import STORED, itinerary
from kastor.query.sql.ordering import Key, keys_of, nulls_last

if TYPE_CHECKING:
    from kastor.query.plan import Doc, Hop, OfModel, Order, Plan
    from kastor.query.sql.clauses import Clauses
    from kastor.query.sql.dialect import Dialect
    from kastor.query.sql.itinerary import Step
    from kastor.query.sql.traverse import Branch, Way


class Keyed:
    """The order of one graph's rows.

    Attributes:
        itinerary: per connected part where it starts, and its hops.
        width: how many columns the order has: known before any is written.
    """

    def __init__(
        self,
        clauses: Clauses,
        order: tuple[Order, ...] = (),
        *,
        nulls: bool = False,
        by_model: OfModel | None = None,
        by_value: Doc | None = None,
    ) -> None:
        self.clauses = clauses
        self.graph = clauses.graph
        self.order_by = order
        self.nulls = nulls
        self.by_model = by_model
        self.by_value = by_value
        self.itinerary = itinerary(self.graph, clauses.where)
        self.groups = sorted({hop.group for hop in self.graph.hops})
        # All branches of a statement have equally many columns; shorter walks are padded.
        self.longest = [
            max((len(way[hop]) for way in clauses.ways or ()), default=1)
            for hop in range(len(self.graph.hops))
        ]
        self.width = self._width()

    @property
    def has_branches(self) -> bool:
        """Whether the rows come from several branches."""
        return len(self.clauses.ways or ()) > 1

    def order(self, number: int, branch: Branch) -> list[Key]:
        """ORDER BY, then what leads, then what tells the rows of a branch apart."""
        dialect, values = self.clauses.dialect, self.clauses.values
        keys = []
        for order in self.order_by:
            columns = values.ranked(order.value)
            columns = nulls_last(columns) if self.nulls else columns
            keys += keys_of(columns, dialect, descending=order.descending)
        if self.by_model:
            keys.append(Key("t0.model_key"))
        if self.by_value:
            keys.append(Key(dialect.scalar(*values.place(self.by_value))))
        leading = self._leading()
        for one in [*branch.rows, *(branch.apart[part] for part in leading)]:
            keys += one
        if self.clauses.ways is None:
            keys += [Key(branch.keys[start]) for start, _ in self.itinerary]
            walked = [dialect.walked_key(f"w.p{group}") for group in self.groups]
            keys += [Key(sql, missing="''") for sql in walked]
        else:
            if self.has_branches:
                keys.append(Key(str(number)))
            keys += self._matched(self.clauses.ways[number], branch)
        for part, one in sorted(branch.apart.items()):
            keys += [] if part in leading else one
        return keys or [Key("0")]  # the one row of nothing, which has to have a position too

    def _leading(self) -> list[int]:
        """The lists whose elements come before anything that is stored: in their order."""
        found = []
        for number, part in enumerate(self.graph.apart):
            before = self.graph.sources[: part.source] if isinstance(part, Unwound) else None
            if before is None or any(one.kind in STORED and one.tied is None for one in before):
                break
            found.append(number)
        return found

    def _width(self) -> int:
        clauses = self.clauses
        width = len(self.itinerary) + len(clauses.dialect.sort_columns) * len(self.order_by)
        width += sum(width_of(one.plans, clauses) for one in self.graph.sources if one.plans)
        for part in self.graph.apart:
            width += of_block(part, clauses).width if isinstance(part, Block) else 1
        if clauses.ways is None:
            return width + len(self.groups)
        width += self.by_model is not None or self.by_value is not None
        width += self.has_branches
        hops = zip(self.graph.hops, self.longest, strict=True)
        return width + sum(longest * _keys_of(hop) for hop, longest in hops) or 1

    def _matched(self, ways: tuple[Way, ...], branch: Branch) -> list[Key]:
        """The starts and the relationships of an unrolled branch, in the order of its indexes."""
        keys = []
        for start, steps in self.itinerary:
            keys.append(Key(branch.keys[start]))
            for step in steps:
                keys += self._walked(step, ways[step.hop], branch)
        for hop, aliases in zip(self.graph.hops, branch.walked, strict=True):
            if hop.optional:
                keys.append(Key(f"coalesce({aliases[0]}.key, 0)"))
        return keys

    def _walked(self, step: Step, way: Way, branch: Branch) -> list[Key]:
        """The relationships of a hop as the index that walks them sorts them; padded with 0."""
        hop = self.graph.hops[step.hop]
        walked = list(zip(branch.walked[step.hop], way, strict=True))
        keys = []
        for alias, direction in walked if step.forward else reversed(walked):
            far = "target" if (direction == "->") is step.forward else "source"
            if len(hop.names) != 1:
                keys.append(Key(f"{alias}.name_key"))
            keys += [Key(f"{alias}.{far}_key"), Key(f"{alias}.key")]
        return keys + [Key("0")] * (self.longest[step.hop] * _keys_of(hop) - len(keys))


def of_block(block: Block, clauses: Clauses) -> Keyed:
    """The rows of a block of the clauses' graph."""
    return Keyed(clauses.of(block.graph, block.where, inner=True))


def width_of(plans: tuple[Plan, ...], clauses: Clauses) -> int:
    """How many columns the order of rows below has."""
    if len(plans) > 1:
        return 2  # which plan, and the number of its row
    [plan] = plans
    if plan.grouped:
        return grouped_width(plan, clauses.dialect)
    inner = clauses.of(plan.graph, plan.where)
    return Keyed(inner, plan.order, nulls=plan.nulls).width


def grouped_width(plan: Plan, dialect: Dialect) -> int:
    """The same of groups."""
    return len(dialect.sort_columns) * (len(plan.order) + len(plan.group)) or 1


def _keys_of(hop: Hop) -> int:
    """How many columns of the order each relationship of a hop brings."""
    if hop.optional:
        return 1
    return 2 if len(hop.names) == 1 else 3
