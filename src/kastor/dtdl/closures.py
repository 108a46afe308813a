"""Phase 4a: rules over everything an element reaches: depth, count, cycles, exclusions.

Also the import of contents over `extends`, uniqueness in collections and the values of
enumerations (spec dtdl 5 to 7). All walks keep their own stack, and counts are kept once per
element, because paths can be exponentially many.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.dtdl.literals import is_integer, shown_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kastor.dtdl.collector import Collector
    from kastor.dtdl.metamodel import Closure
    from kastor.dtdl.nodes import Node


class Structure:
    """Checks the joined nodes of one parse."""

    def __init__(self, nodes: dict[str, Node], collector: Collector) -> None:
        self.nodes = nodes
        self.collector = collector
        self._counts: dict[tuple[tuple[str, ...], str], int] = {}
        self._cyclic: dict[tuple[str, ...], frozenset[str]] = {}
        self._walked: dict[tuple[str, ...], set[str]] = {}

    def check(self) -> None:
        """Run every rule on every node."""
        self.import_contents()
        for node in self.nodes.values():
            for closure in node.language.closures:
                if closure.root in node.spec.ancestors:
                    self._check_closure(node, closure)
            self._check_collections(node)
            if node.kind == "Enum":
                self._check_enum(node)

    # --- closures -----------------------------------------------------------------------------

    def _check_closure(self, node: Node, closure: Closure) -> None:
        if closure.rule == "excludes":
            self._check_excluded(node, closure)
        elif closure.rule == "count":
            self._check_count(node, closure)
        elif closure.narrow:
            self._check_depth_narrow(node, closure)
        else:
            self._check_depth_wide(node, closure)

    def _check_count(self, node: Node, closure: Closure) -> None:
        if not closure.cycles:
            for again in self._reentered(node, closure.over):
                self.collector.report(
                    "recursiveStructureNarrow",
                    again.path,
                    primary=again.id,
                    property=closure.shown,
                )
        if self._count(node, closure.over) > closure.limit:
            self.collector.report(
                "excessiveCount", node.path, primary=node.id, property=closure.shown
            )

    def _reentered(self, node: Node, over: tuple[str, ...]) -> list[Node]:
        """Return the elements that a walk from here meets on its own way, each only once ever."""
        cyclic = self._cycles(over)
        done = self._walked.setdefault(over, set())
        if not cyclic or node.id in done:
            return []
        found: dict[str, Node] = {}
        on_way = {node.id}
        stack = [(node, iter(followed(node, over)))]
        while stack:
            current, rest = stack[-1]
            for value in rest:
                if value.id in on_way:
                    found[value.id] = value
                elif value.id not in done:
                    on_way.add(value.id)
                    stack.append((value, iter(followed(value, over))))
                    break
            else:
                stack.pop()
                on_way.discard(current.id)
                done.add(current.id)
        return list(found.values())

    def _count(self, node: Node, over: tuple[str, ...]) -> int:
        """Return the number of elements reached, per path; cyclic elements are not entered."""
        memo, cyclic = self._counts, self._cycles(over)
        stack = [node]
        while stack:
            current = stack[-1]
            if (over, current.id) in memo:
                stack.pop()
                continue
            values = followed(current, over)
            inner = [v for v in values if v.id not in cyclic]
            waiting = [v for v in inner if (over, v.id) not in memo]
            if waiting:
                stack += waiting
                continue
            memo[over, current.id] = len(values) + sum(memo[over, v.id] for v in inner)
            stack.pop()
        return memo[over, node.id]

    def _cycles(self, over: tuple[str, ...]) -> frozenset[str]:
        """Return the ids of the elements that reach themselves."""
        if over not in self._cyclic:
            self._cyclic[over] = frozenset(
                identifier
                for component in strongly_connected(self.nodes.values(), over)
                for identifier in component
            )
        return self._cyclic[over]

    def _check_depth_narrow(self, node: Node, closure: Closure) -> None:
        if node.links.get(closure.over[0]):
            way = self._too_deep(node, closure, lambda n: [(v, 1) for v in followed(n, closure.over)])
            self._report_depth(node, closure, way, "excessiveDepthNarrow", closure.shown)

    def _check_depth_wide(self, node: Node, closure: Closure) -> None:
        """Count hops over the named properties while following all of them."""

        def hops(current: Node) -> list[tuple[Node, int]]:
            links = current.links
            return [
                (value, int(name in closure.over))
                for name in current.spec.by_term
                if name in links
                for value in links[name]
            ]

        way = self._too_deep(node, closure, hops)
        self._report_depth(node, closure, way and way[:-1], "excessiveDepthWide", None)

    def _report_depth(
        self,
        node: Node,
        closure: Closure,
        way: list[Node] | None,
        identifier: str,
        shown: str | None,
    ) -> None:
        """Report a way that is too long: as a cycle if its end stands on it before."""
        if not way:
            return
        last, again = way[-1], first_repeated(way)
        if again is not None:
            kind = "recursiveStructureNarrow" if closure.narrow else "recursiveStructureWide"
            self.collector.report(kind, again.path, primary=again.id, property=shown)
            return
        self.collector.report(
            identifier, node.path, primary=node.id, secondary=last.id, property=shown
        )

    def _too_deep(
        self, node: Node, closure: Closure, hops: Callable[[Node], list[tuple[Node, int]]]
    ) -> list[Node] | None:
        """Return the first way with more hops than allowed, or None.

        A cycle is such a way, unless cycles are allowed. Each element is entered once per depth.
        """
        limit = closure.limit
        done: set[tuple[str, int]] = set()
        stack = [(node, 0, iter(hops(node)))]
        while stack:
            _, depth, rest = stack[-1]
            for value, hop in rest:
                if depth + hop > limit:
                    way = [entry[0] for entry in stack] + [value]
                    if closure.cycles and first_repeated(way[:-1]) is not None:
                        continue
                    return way
                if (value.id, depth + hop) not in done:
                    done.add((value.id, depth + hop))
                    stack.append((value, depth + hop, iter(hops(value))))
                    break
            else:
                stack.pop()
        return None

    def _check_excluded(self, node: Node, closure: Closure) -> None:
        seen = {node.id}
        stack = [node]
        while stack:
            current = stack.pop()
            for name, values in current.links.items():
                if closure.narrow and name not in closure.over:
                    continue
                for value in values:
                    if closure.excluded == value.kind:
                        self.collector.report(
                            "excludedType",
                            node.path,
                            primary=node.id,
                            secondary=value.id,
                            property=closure.shown,
                            type=closure.root,
                        )
                        return
                    if value.id not in seen:
                        seen.add(value.id)
                        stack.append(value)

    # --- import -------------------------------------------------------------------------------

    def import_contents(self) -> None:
        """Give every interface the contents of all its ancestors (spec dtdl 7)."""
        cyclic = self._cycles(("extends",))
        done: set[str] = set()
        for node in list(self.nodes.values()):
            if node.kind != "Interface" or not node.links.get("extends"):
                continue
            stack = [node]
            while stack:
                current = stack[-1]
                above = current.links.get("extends", ())
                waiting = [
                    a for a in above if a.id not in done and a.id not in cyclic and a.links.get("extends")
                ]
                if waiting and current.id not in cyclic:
                    stack += waiting
                    continue
                stack.pop()
                if current.id not in done and current.id not in cyclic:
                    done.add(current.id)
                    self._import(current)

    def _import(self, node: Node) -> None:
        own = node.links.setdefault("contents", [])
        by_name = {value.literals.get("name"): value for value in own}
        for above in node.links["extends"]:
            for value in above.links.get("contents", ()):
                name = value.literals.get("name")
                present = by_name.get(name)
                if present is None:
                    by_name[name] = value
                    own.append(value)
                elif present is not value:
                    self.collector.report(
                        "nonUniqueImportedPropertyValue",
                        node.path,
                        primary=node.id,
                        secondary=value.partition,
                        property="contents",
                        aux="name",
                        value=name,
                    )

    # --- collections --------------------------------------------------------------------------

    def _check_collections(self, node: Node) -> None:
        for name, values in node.links.items():
            spec = node.spec.by_term.get(name)
            if spec is None or len(values) < 2:  # noqa: PLR2004 - two can differ
                continue
            if spec.high is not None and spec.high > 1:
                distinct = len({v.id for v in values})
                if distinct > spec.high:
                    self.collector.report(
                        "objectCountAboveMax",
                        (node.path, name),
                        primary=node.id,
                        property=name,
                    )
            for unique in spec.unique:
                self._check_unique(node, name, unique, values)

    def _check_unique(self, node: Node, name: str, unique: str, values: list[Node]) -> None:
        seen: dict[object, str] = {}
        for value in values:
            literal = value.literals.get(unique)
            if literal is None:
                continue
            key = (type(literal), literal)
            if key in seen and seen[key] != value.id:
                if name == "contents" and value.partition != node.id:
                    continue
                self.collector.report(
                    "nonUniquePropertyValue",
                    (value.path, unique),
                    primary=node.id,
                    property=name,
                    aux=unique,
                    value=shown_value(literal),
                )
            seen.setdefault(key, value.id)

    def _check_enum(self, node: Node) -> None:
        schema = node.linked("valueSchema")
        if not schema or schema[0].kind not in ("Integer", "String"):
            return
        integer = schema[0].kind == "Integer"
        for value in node.linked("enumValues"):
            literal = value.literals.get("enumValue")
            if literal is None:
                continue
            if is_integer(literal) if integer else isinstance(literal, str):
                continue
            self.collector.report(
                "nonConformantDatatype",
                (value.path, "enumValue"),
                primary=value.id,
                secondary=node.id,
                property="enumValue",
                type=schema[0].kind.lower(),
                value=shown_value(literal),
            )


def first_repeated(way: list[Node]) -> Node | None:
    """Return the first element that stands on a way twice, seen from its end."""
    seen: set[str] = set()
    for node in reversed(way):
        if node.id in seen:
            return node
        seen.add(node.id)
    return None


def followed(node: Node, over: tuple[str, ...]) -> list[Node]:
    """Return the elements one hop away over some properties."""
    links = node.links
    return [value for name in over if name in links for value in links[name]]


def strongly_connected(
    nodes: Iterable[Node], over: tuple[str, ...]
) -> list[list[str]]:
    """Return the groups of elements that reach each other; a single one if it reaches itself.

    Tarjan's algorithm with a stack of its own.
    """
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    path: list[str] = []
    on_path: set[str] = set()
    groups: list[list[str]] = []
    for root in nodes:
        if root.id in index:
            continue
        work = [(root, iter(followed(root, over)))]
        index[root.id] = low[root.id] = len(index)
        path.append(root.id)
        on_path.add(root.id)
        while work:
            node, rest = work[-1]
            for value in rest:
                if value.id not in index:
                    index[value.id] = low[value.id] = len(index)
                    path.append(value.id)
                    on_path.add(value.id)
                    work.append((value, iter(followed(value, over))))
                    break
                if value.id in on_path:
                    low[node.id] = min(low[node.id], index[value.id])
            else:
                work.pop()
                if work:
                    outer = work[-1][0].id
                    low[outer] = min(low[outer], low[node.id])
                if low[node.id] == index[node.id]:
                    group = []
                    while True:
                        member = path.pop()
                        on_path.discard(member)
                        group.append(member)
                        if member == node.id:
                            break
                    if len(group) > 1 or any(v is node for v in followed(node, over)):
                        groups.append(group)
    return groups


