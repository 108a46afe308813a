"""Phase 4a: rules over everything that an element reaches (dtdl 6.3, 7).

Depth, number, cycles and exclusions, as the table of closures has them. Walks keep their own
stack, and what is found out about an element is kept, because the ways through a model can be
exponentially many.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kastor.dtdl.collector import Collector
    from kastor.dtdl.metamodel import Closure
    from kastor.dtdl.nodes import Node

# So many cycles are reported of one element's reach at most.
_MOST_CYCLES = 64


class Depth(NamedTuple):
    """What a walk into an element found.

    Attributes:
        chain: the elements from the one beyond the limit upwards; empty if none is beyond.
        cycles: elements that contain themselves.
        silent: a cycle was found that ends the walk.
    """

    chain: tuple[Node, ...] = ()
    cycles: tuple[Node, ...] = ()
    silent: bool = False

    @property
    def failed(self) -> bool:
        """Whether the walk ended early."""
        return bool(self.chain) or self.silent


class Closures:
    """Checks the closures of the joined nodes of one parse."""

    def __init__(self, nodes: dict[str, Node], collector: Collector) -> None:
        self.nodes = nodes
        self.collector = collector
        self._depths: dict[tuple[object, ...], dict[tuple[str, int], Depth]] = {}
        self._counts: dict[tuple[str, ...], dict[str, int | None]] = {}
        self._excluded: dict[tuple[object, ...], dict[str, Node | None]] = {}
        self.too_deep: set[str] = set()

    def check_extends(self) -> None:
        """Check inheritance, before contents are imported."""
        for node in self.nodes.values():
            if node.kind == "Interface" and node.links.get("extends"):
                for closure in node.language.closures:
                    if closure.rule == "depth" and closure.root == "Interface":
                        self._check_depth(node, closure)

    def check(self) -> None:
        """Check all other rules, on every node, after the import."""
        for node in self.nodes.values():
            for closure in node.language.closures:
                if closure.root not in node.spec.ancestors:
                    continue
                if closure.rule == "count":
                    self._check_count(node, closure)
                elif closure.rule == "excludes":
                    self._check_excluded(node, closure)
                elif closure.root != "Interface":
                    self._check_depth(node, closure)

    # --- depth --------------------------------------------------------------------------------

    def _check_depth(self, node: Node, closure: Closure) -> None:
        found = self._depth(node, closure)
        kind = "recursiveStructureNarrow" if closure.narrow else "recursiveStructureWide"
        shown = closure.shown if closure.narrow else None
        if not closure.cycles:
            for again in found.cycles:
                self.collector.report(kind, again.path, primary=again.id, property=shown)
        if found.failed:
            self.too_deep.add(node.id)
        if found.chain:
            self.collector.report(
                "excessiveDepthNarrow" if closure.narrow else "excessiveDepthWide",
                node.path,
                primary=node.id,
                secondary=found.chain[0].id,
                property=shown,
            )

    def _depth(self, root: Node, closure: Closure) -> Depth:
        """Walk down, counting hops over the named properties; remembers every element and depth."""
        memo = self._depths.setdefault((closure.over, closure.narrow, closure.limit), {})
        if (root.id, 0) in memo:
            return memo[root.id, 0]
        stack = [_Visit(root, 0, closure)]
        while True:
            visit = stack[-1]
            step = visit.next(memo)
            if isinstance(step, _Visit):
                stack.append(step)
                continue
            memo[visit.node.id, visit.depth] = step
            stack.pop()
            if not stack:
                return step

    # --- number -------------------------------------------------------------------------------

    def _check_count(self, node: Node, closure: Closure) -> None:
        if self._count(node, closure) > closure.limit:
            self.collector.report(
                "excessiveCount", node.path, primary=node.id, property=closure.shown
            )

    def _count(self, root: Node, closure: Closure) -> int:
        """Return the number of elements reached, each once per way; a cycle is entered once."""
        over = closure.over
        memo = self._counts.setdefault(over, {})
        known = memo.get(root.id)
        if known is not None:
            return known
        memo[root.id] = None
        totals = [0]
        stack = [(root, iter(followed(root, over)))]
        while stack:
            current, rest = stack[-1]
            for value in rest:
                totals[-1] += 1
                if value.id not in memo:
                    memo[value.id] = None
                    totals.append(0)
                    stack.append((value, iter(followed(value, over))))
                    break
                count = memo[value.id]
                if count is not None:
                    totals[-1] += count
                elif not closure.cycles:
                    self.collector.report(
                        "recursiveStructureNarrow",
                        value.path,
                        primary=value.id,
                        property=closure.shown,
                    )
            else:
                stack.pop()
                total = memo[current.id] = totals.pop()
                if totals:
                    totals[-1] += total
        return memo[root.id] or 0

    # --- exclusions ---------------------------------------------------------------------------

    def _check_excluded(self, node: Node, closure: Closure) -> None:
        found = self._find_excluded(node, closure)
        if found is not None:
            self.collector.report(
                "excludedType",
                node.path,
                primary=node.id,
                secondary=found.id,
                property=closure.shown,
                type=closure.root,
            )

    def _find_excluded(self, root: Node, closure: Closure) -> Node | None:
        """Return the first element below that must not be there, or None."""
        memo = self._excluded.setdefault((closure.over, closure.excluded), {})
        if root.id in memo:
            return memo[root.id]
        memo[root.id] = None
        stack = [(root, _below(root, closure))]
        while stack:
            _, rest = stack[-1]
            for value, named in rest:
                found = value if named and value.kind == closure.excluded else memo.get(value.id)
                if found is not None:
                    # Everything on the way down to here reaches it.
                    for entry, _ in stack:
                        memo[entry.id] = found
                    return found
                if value.id not in memo:
                    memo[value.id] = None
                    stack.append((value, _below(value, closure)))
                    break
            else:
                stack.pop()
        return None


class _Visit:
    """One element on the way down, at one depth."""

    __slots__ = ("closure", "cycles", "depth", "node", "rest", "waiting")

    def __init__(self, node: Node, depth: int, closure: Closure) -> None:
        self.node = node
        self.depth = depth
        self.closure = closure
        self.rest = _below(node, closure)
        self.cycles: list[Node] = []
        self.waiting: tuple[Node, int] | None = None

    def next(self, memo: dict[tuple[str, int], Depth]) -> Depth | _Visit:
        """Return the next element to enter, or what was found here."""
        if self.waiting is None and self.depth == self.closure.limit:
            beyond = self._beyond()
            if beyond:
                return Depth(beyond)
        while True:
            if self.waiting is None:
                following = next(self.rest, None)
                if following is None:
                    return Depth((), tuple(self.cycles))
                value, named = following
                self.waiting = (value, self.depth + named)
            value, depth = self.waiting
            inner = memo.get((value.id, depth))
            if inner is None:
                return _Visit(value, depth, self.closure)
            self.waiting = None
            self.cycles += inner.cycles[: _MOST_CYCLES - len(self.cycles)]
            if inner.failed:
                return self._failed(inner)

    def _beyond(self) -> tuple[Node, ...]:
        """Return the element that is beyond the limit, if this one leads further."""
        for name in self.closure.over:
            values = self.node.links.get(name)
            if values:
                return (values[0],) if self.closure.narrow else (self.node,)
        return ()

    def _failed(self, inner: Depth) -> Depth:
        if inner.silent:
            return Depth((), tuple(self.cycles), silent=True)
        if any(entry is self.node for entry in inner.chain):
            # The way to the limit runs in a circle. Inheritance is given up, schemas go on.
            cycles = (*self.cycles, self.node)
            return Depth((), cycles, silent=self.closure.narrow)
        return Depth((*inner.chain, self.node), tuple(self.cycles))


def _below(node: Node, closure: Closure) -> Iterator[tuple[Node, bool]]:
    """Yield the elements one step down, and whether over a named property."""
    links, over = node.links, closure.over
    names = over if closure.narrow else node.spec.by_term
    for name in names:
        if name in links:
            named = name in over
            for value in links[name]:
                yield value, named


def followed(node: Node, over: tuple[str, ...]) -> list[Node]:
    """Return the elements one hop away over some properties."""
    links = node.links
    return [value for name in over if name in links for value in links[name]]
