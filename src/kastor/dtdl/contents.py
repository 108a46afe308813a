"""Phase 4b: contents over inheritance, and what must differ in a collection (dtdl 5, 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.dtdl.literals import is_integer, shown_value

if TYPE_CHECKING:
    from collections.abc import Collection

    from kastor.dtdl.collector import Collector
    from kastor.dtdl.nodes import Node


class Contents:
    """Imports inherited contents and checks collections."""

    def __init__(
        self, nodes: dict[str, Node], collector: Collector, without: Collection[str]
    ) -> None:
        self.nodes = nodes
        self.collector = collector
        self._without = without
        self._ancestors: dict[str, dict[str, Node]] = {}

    def import_inherited(self) -> None:
        """Give every interface the contents of all its ancestors.

        Interfaces whose inheritance is cyclic or too deep are left out.
        """
        derived = [
            node
            for node in self.nodes.values()
            if node.links.get("extends") and node.id not in self._without
        ]
        own = {node.id: node.links.get("contents", []) for node in self.nodes.values()}
        for node in derived:
            effective = {v.literals.get("name"): v for v in own[node.id]}
            found = list(own[node.id])
            for ancestor in self._all_ancestors(node).values():
                for value in own[ancestor.id]:
                    name = value.literals.get("name")
                    present = effective.get(name)
                    if present is None:
                        effective[name] = value
                        found.append(value)
                    elif present is not value:
                        self._report_import(node, ancestor, name, present, value)
            node.links["contents"] = found

    def _all_ancestors(self, node: Node) -> dict[str, Node]:
        """Return the ancestors in the order of a walk up, each once."""
        memo = self._ancestors
        stack = [node]
        while stack:
            current = stack[-1]
            above = current.links.get("extends", ())
            waiting = [a for a in above if a.id not in memo]
            if waiting:
                stack += waiting
                continue
            stack.pop()
            found: dict[str, Node] = {}
            for ancestor in above:
                found.setdefault(ancestor.id, ancestor)
                for identifier, entry in memo[ancestor.id].items():
                    found.setdefault(identifier, entry)
            memo[current.id] = found
        return memo[node.id]

    def _report_import(
        self, node: Node, ancestor: Node, name: str | None, present: Node, imported: Node
    ) -> None:
        own = present.partition == node.id
        self.collector.report(
            "nonUniqueImportedPropertyValue",
            present.path if own else node.path,
            primary=node.id,
            secondary=ancestor.id,
            property="contents",
            aux="name",
            value=name,
            other=imported if own else present,
        )

    def check(self) -> None:
        """Check numbers, uniqueness and the values of enumerations."""
        for node in self.nodes.values():
            for name, values in node.links.items():
                if len(values) > 1:
                    self._check_collection(node, name, values)
            if node.kind == "Enum":
                self._check_enum(node)

    def _check_collection(self, node: Node, name: str, values: list[Node]) -> None:
        spec = node.spec.by_term.get(name)
        if spec is None:
            return
        if spec.high is not None and spec.high > 1 and len({v.id for v in values}) > spec.high:
            self.collector.report(
                "objectCountAboveMax", (node.path, name), primary=node.id, property=name
            )
        for unique in spec.unique:
            self._check_unique(node, name, unique, values)

    def _check_unique(self, node: Node, name: str, unique: str, values: list[Node]) -> None:
        seen: dict[object, Node] = {}
        for value in values:
            literal = value.literals.get(unique)
            if literal is None:
                continue
            key = (type(literal), literal)
            if seen.setdefault(key, value).id != value.id:
                self.collector.report(
                    "nonUniquePropertyValue",
                    (value.path, unique),
                    primary=node.id,
                    property=name,
                    aux=unique,
                    value=shown_value(literal),
                    other=seen[key],
                )

    def _check_enum(self, node: Node) -> None:
        """Check that the members are of the type that `valueSchema` names."""
        schema = node.linked("valueSchema")
        if not schema:
            return
        integer = schema[0].kind == "Integer"
        for value in node.linked("enumValues"):
            literal = value.literals.get("enumValue")
            if literal is None or (is_integer(literal) if integer else isinstance(literal, str)):
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
