"""Sources and hops to FROM and join conditions.

A graph whose ranges are short is unrolled: one branch per combination of lengths and directions,
each a plain join that the engine can begin at either end. What would need too many branches is
walked by recursion instead (`recursion`). No relationship occurs twice in one match
(query-language 10).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Protocol, TypeAlias

from kastor.query.plan import Walked
from kastor.query.sql.itinerary import STORED, known_beforehand
from kastor.query.sql.tables import alone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kastor.query.plan import Graph, Hop
    from kastor.query.sql.dialect import Dialect
    from kastor.query.sql.ordering import Key
    from kastor.query.sql.parameters import Parameters

MAX_BRANCHES = 24
MAX_UNROLLED = 5
MAX_TABLES = 40
"""Relationships in one branch; SQLite joins 64 tables at most, PostgreSQL plans ever longer."""

Way: TypeAlias = tuple[str, ...]
"""The direction of every relationship of one hop."""


def branches(graph: Graph) -> list[tuple[Way, ...]] | None:
    """All ways through the graph, one per hop and branch; None if they are too many."""
    per_hop = []
    total, tables = 1, 0
    for hop in graph.hops:
        if hop.shortest or hop.each is not None or (hop.high > MAX_UNROLLED and hop.low < hop.high):
            return None
        count = sum(2**n if hop.direction == "-" else 1 for n in range(hop.low, hop.high + 1))
        total *= max(count, 1)
        tables += hop.high
        if total > MAX_BRANCHES or tables > MAX_TABLES:
            return None
        per_hop.append(_ways(hop))
    return list(product(*per_hop))


def _ways(hop: Hop) -> list[Way]:
    if hop.low > hop.high:
        return [(hop.direction if hop.direction != "-" else "->",)]  # WHERE is false anyhow
    ways: list[Way] = []
    for length in range(hop.low, hop.high + 1):
        if hop.direction == "-":
            ways += product(("->", "<-"), repeat=length)
        else:
            ways.append((hop.direction,) * length)
    return ways


@dataclass(slots=True)
class Branch:
    """The FROM of one branch, as it grows.

    Attributes:
        keys: per source the SQL of its key.
        walked: per hop the aliases of the relationships it walks.
        walks: per hop with a variable the text ``.3.17.`` of their keys.
        rows: per source of rows the columns of their order.
        apart: the same of what is matched apart, by its number.
    """

    graph: Graph
    dialect: Dialect
    parameters: Parameters
    tables: list[str] = field(default_factory=list)
    outer: list[str] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)
    keys: dict[int, str] = field(default_factory=dict)
    walked: list[list[str]] = field(default_factory=list)
    walks: dict[Walked, str] = field(default_factory=dict)
    rows: list[list[Key]] = field(default_factory=list)
    apart: dict[int, list[Key]] = field(default_factory=dict)

    def sql(self) -> str:
        """The FROM clause, without the word."""
        text = ""
        for table in self.tables:
            # What is matched apart brings its own word.
            joined = text and table[:1] != " "
            text += f"{self.dialect.join}{table}" if joined else table
        if text[:1] == " ":
            text = f"(SELECT 1 AS one) x{text}"
        return self.dialect.source(text + "".join(self.outer))


class Mixing(Protocol):
    """Writes what a graph has beside its own tables."""

    def open(self, branch: Branch, needed: set[int]) -> None:
        """The rows below, and the twins and relationships that are tied to them."""
        ...

    def before(self, branch: Branch, hop: int, needed: set[int]) -> None:
        """What is matched apart right before a hop."""
        ...


def build(
    graph: Graph,
    ways: tuple[Way, ...],
    needed: set[int],
    dialect: Dialect,
    parameters: Parameters,
    searched: frozenset[int] = frozenset(),
    outer: Mapping[int, str] | None = None,
    mix: Mixing | None = None,
) -> Branch:
    """The FROM of one branch; in `searched` sources indexed values are looked for.

    `outer` has the keys of sources of the query around where they are no table there. `mix` brings
    rows below and what is matched apart.

    Only `needed` twins are joined; of all others the key is known from a relationship, which
    cannot be there without them.
    """
    branch = Branch(graph, dialect, parameters)
    if outer:
        branch.keys.update(outer)
    if mix is not None:
        mix.open(branch, needed)
    _add_sources(branch, needed | {hop.left for hop in graph.hops if hop.optional}, searched)
    for number, hop in enumerate(graph.hops):
        if mix is not None:
            mix.before(branch, number, needed)
        if hop.optional:
            _add_optional(branch, hop)
        else:
            _add_hop(branch, number, hop, ways[number])
    if mix is not None:
        mix.before(branch, len(graph.hops), needed)
    _add_uniqueness(branch, ways)
    return branch


def _add_sources(branch: Branch, needed: set[int], searched: frozenset[int]) -> None:
    """The tables of what no hop brings, and the keys of what is known already."""
    graph = branch.graph
    touched = {end for hop in graph.hops if not hop.optional for end in (hop.left, hop.right)}
    optional = {hop.right for hop in graph.hops if hop.optional}
    known = known_beforehand(graph)
    for index, source in enumerate(graph.sources):
        letter = "t" if source.kind == "twin" else "r"
        if source.outer:
            branch.keys.setdefault(index, f"{letter}{index}.key")
            continue
        if index in known or source.kind not in STORED:
            continue
        if source.kind == "twin":
            has_table = index not in optional and (index in needed or index not in touched)
        else:
            has_table = not graph.hops  # else a hop brings it
        if has_table:
            table = branch.dialect.searched if index in searched else branch.dialect.table
            branch.tables.append(f"{table(source.kind + 's')} {letter}{index}")
            branch.keys[index] = f"{letter}{index}.key"


def _add_hop(branch: Branch, number: int, hop: Hop, way: Way) -> None:
    """Joins one alias per relationship of the way and ties the ends together."""
    aliases = (
        [f"r{hop.relationship}"]
        if hop.relationship >= 0
        else [f"h{number}_{step}" for step in range(len(way))]
    )
    branch.walked.append(aliases)
    if hop.relationship >= 0:
        branch.keys[hop.relationship] = f"{aliases[0]}.key"
        same = branch.graph.sources[hop.relationship].same
        if same >= 0:
            branch.conditions.append(f"{aliases[0]}.key = {branch.keys[same]}")
    if not way:
        _stay(branch, hop)
    at = hop.left
    before = ""
    for alias, direction in zip(aliases, way, strict=True):
        near, far = ("source", "target") if direction == "->" else ("target", "source")
        table = branch.dialect.table if hop.relationship >= 0 else branch.dialect.places
        branch.tables.append(f"{table('relationships')} {alias}")
        if before:
            branch.conditions.append(f"{alias}.{near}_key = {before}")
        else:
            _tie(branch, at, f"{alias}.{near}_key")
        names = name_condition(alias, hop.names, branch.dialect, branch.parameters)
        if names:
            branch.conditions.append(names)
        before = f"{alias}.{far}_key"
    if way:
        _tie(branch, hop.right, before)
    if hop.named:
        branch.walks[Walked(number)] = " || ".join(["'.'", *(f"{a}.key || '.'" for a in aliases)])


def _stay(branch: Branch, hop: Hop) -> None:
    """A walk of no relationship: both ends are one twin."""
    known = branch.keys.get(hop.left) or branch.keys.get(hop.right)
    if known is None:
        branch.tables.append(f"{branch.dialect.table('twins')} t{hop.left}")
        known = f"t{hop.left}.key"
    _tie(branch, hop.left, known)
    if hop.right != hop.left:
        _tie(branch, hop.right, known)


def _tie(branch: Branch, source: int, end: str) -> None:
    """The end of a relationship is that source."""
    known = branch.keys.get(source)
    if known is None:
        branch.keys[source] = end
    elif known != end:
        branch.conditions.append(f"{end} = {known}")


def _add_optional(branch: Branch, hop: Hop) -> None:
    """LEFT JOIN: both the relationship and its target may be missing."""
    alias = f"r{hop.relationship}"
    branch.walked.append([alias])
    on = f"{alias}.source_key = {branch.keys[hop.left]}"
    names = name_condition(alias, hop.names, branch.dialect, branch.parameters)
    twins = branch.dialect.table("twins")
    branch.outer.append(
        f" LEFT JOIN {branch.dialect.table('relationships')} {alias} ON {on} AND {names}"
        f" LEFT JOIN {twins} t{hop.right} ON t{hop.right}.key = {alias}.target_key"
    )
    branch.keys[hop.relationship] = f"{alias}.key"
    branch.keys[hop.right] = f"t{hop.right}.key"


def name_condition(
    alias: str, names: tuple[str, ...], dialect: Dialect, parameters: Parameters
) -> str:
    """The relationship has one of these names; nothing when any will do."""
    if not names:
        return ""
    inner = dialect.in_texts("name", list(names), parameters)
    equal = "=" if len(names) == 1 else "IN"
    table = alone(dialect.table("relationship_names"))
    return f"{alias}.name_key {equal} (SELECT key FROM {table} WHERE {inner})"


def _add_uniqueness(branch: Branch, ways: tuple[Way, ...]) -> None:
    """No relationship twice in one pattern.

    Names that cannot meet need no test, nor do two steps in a row of one direction: the same
    relationship twice would lead from a twin to itself, and no relationship does (rest-api B.3.2).
    """
    seen: list[tuple[Hop, str, str]] = []
    for hop, aliases, way in zip(branch.graph.hops, branch.walked, ways, strict=True):
        for alias, direction in zip(aliases, way, strict=True):
            for place, (other, other_alias, other_direction) in enumerate(seen, 1):
                if other.group != hop.group:
                    continue
                chained = other is hop or other.right == hop.left
                if chained and place == len(seen) and direction == other_direction:
                    continue
                if hop.names and other.names and not set(hop.names) & set(other.names):
                    continue
                branch.conditions.append(f"{alias}.key <> {other_alias}.key")
            seen.append((hop, alias, direction))
