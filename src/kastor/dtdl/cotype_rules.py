"""Phase 4c: what co-types demand of element, values, siblings and parent (dtdl 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.dtdl.cotypes import cotype_ancestors
from kastor.dtdl.literals import shown_value
from kastor.dtdl.rules import STRICT
from kastor.dtdl.values import primitive_test

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kastor.dtdl.collector import Collector
    from kastor.dtdl.cotypes import Constraint, Cotype
    from kastor.dtdl.metamodel import PropertySpec
    from kastor.dtdl.nodes import Node


class CotypeRules:
    """Checks the co-types of all joined nodes."""

    def __init__(self, nodes: dict[str, Node], collector: Collector) -> None:
        self.nodes = nodes
        self.collector = collector

    def check(self) -> None:
        """Run the rules of every co-type of every node."""
        marked = [node for node in self.nodes.values() if node.cotypes]
        if not marked:
            return
        for node in marked:
            for cotype in node.cotypes:
                for constraint in cotype.constraints:
                    if constraint.inverse:
                        self._check_parent(node, cotype, constraint)
                    else:
                        self._check_values(node, constraint)
                for spec in cotype.properties:
                    if spec.conforms is not None and spec.id in node.extra:
                        self._check_conforms(node, spec)
                    if spec.value_cotype is not None and spec.id in node.extra:
                        self._check_unit(node, spec)
        self._check_siblings(marked)
        self._check_distinct(marked)

    # --- on the element's own values ----------------------------------------------------------

    def _check_values(self, node: Node, constraint: Constraint) -> None:
        values = node.links.get(constraint.property, ())
        for value in values:
            if constraint.values:
                if value.id in constraint.values:
                    continue
                self.collector.report(
                    "notRequiredValue",
                    (node.path, constraint.property),
                    primary=node.id,
                    secondary=value.id,
                    property=constraint.property,
                )
            elif not conforms_to(value, constraint):
                self.collector.report(
                    "notRequiredType",
                    (node.path, constraint.property),
                    primary=node.id,
                    secondary=value.id,
                    property=constraint.property,
                    type=constraint.shown,
                )

    def _check_conforms(self, node: Node, spec: PropertySpec) -> None:
        value = node.extra[spec.id]
        for schema in node.links.get(spec.conforms or "", ()):
            name = schema.kind[0].lower() + schema.kind[1:]
            fine = "PrimitiveSchema" in schema.spec.ancestors and primitive_test(name, STRICT)(
                value
            )
            if not fine:
                self.collector.report(
                    "nonConformantPropertyValue",
                    (node.path, spec.name),
                    primary=node.id,
                    property=spec.name,
                )

    def _check_unit(self, node: Node, spec: PropertySpec) -> None:
        """Check that a unit is one of its semantic type, in DTDL 2 (dtdl 9)."""
        for unit in node.extra[spec.id]:
            if any(c.id == spec.value_cotype for c in unit.cotypes):
                continue
            self.collector.report(
                "notRequiredType",
                (node.path, spec.name),
                primary=node.id,
                secondary=unit.id,
                property=spec.id,
                type=(spec.value_cotype or "").rpartition(":")[2].partition(";")[0],
            )

    # --- on the parent ------------------------------------------------------------------------

    def _check_parent(self, node: Node, cotype: Cotype, constraint: Constraint) -> None:
        parent = node.parent
        if parent is None:
            return
        if not parent.has_cotype(constraint.cotypes):
            self.collector.report(
                "parentMissingCotype",
                node.path,
                primary=node.id,
                property=constraint.property,
                type=cotype.term,
            )
        siblings = [v for v in parent.linked(constraint.property) if v is not node]
        if constraint.single:
            alike = [v for v in parent.linked(constraint.property) if cotype in v.cotypes]
            for second in alike[1:]:
                self.collector.report(
                    "siblingDuplicatesCotype",
                    second.path,
                    primary=second.id,
                    secondary=alike[0].id,
                    property=constraint.property,
                    type=cotype.term,
                )
        if constraint.other is not None and not any(
            sibling.has_cotype(frozenset({constraint.other})) for sibling in siblings
        ):
            self.collector.report(
                "siblingMissingCotype",
                node.path,
                primary=node.id,
                property=constraint.property,
                type=cotype.term,
            )

    # --- among siblings -----------------------------------------------------------------------

    def _families(self, marked: Iterable[Node]) -> list[tuple[Node, Node, list[Node]]]:
        """Return (parent, node, values it stands among), inherited contents included."""
        wanted = {
            node.id: node
            for node in marked
            if any(c.names_sibling or c.overrides for c in node.cotypes)
        }
        if not wanted:
            return []
        return [
            (parent, value, parent.links["contents"])
            for parent in self.nodes.values()
            if parent.kind == "Interface"
            for value in parent.links.get("contents", ())
            if value.id in wanted
        ]

    def _check_siblings(self, marked: list[Node]) -> None:
        references: dict[tuple[str, object, object], Node] = {}
        for parent, node, siblings in self._families(marked):
            by_name = {v.literals.get("name"): v for v in siblings}
            for cotype in node.cotypes:
                if cotype.names_sibling is not None:
                    self._check_annotation(node, cotype, by_name)
                if cotype.overrides is not None:
                    self._check_override(parent, node, cotype, by_name, references)

    def _check_annotation(self, node: Node, cotype: Cotype, by_name: dict[object, Node]) -> None:
        assert cotype.names_sibling is not None  # noqa: S101 - the caller asked
        term, classes, excluded = cotype.names_sibling
        key = _extra(node, term)
        sibling = by_name.get(key)
        if sibling is None:
            return
        if sibling.kind not in classes:
            self._sibling(
                "notSiblingRequiredType", node, sibling, term, key, "Property or Telemetry"
            )
        elif sibling.has_cotype(frozenset({excluded})):
            self._sibling("disallowedType", node, sibling, term, key, "ValueAnnotation")

    def _check_override(
        self,
        parent: Node,
        node: Node,
        cotype: Cotype,
        by_name: dict[object, Node],
        references: dict[tuple[str, object, object], Node],
    ) -> None:
        term = cotype.overrides or ""
        key = _extra(node, term)
        target = next((node.extra.get(s.id) for s in cotype.properties), None)
        if key is None or target is None:
            return
        first = references.setdefault((parent.id, key, target), node)
        name = str(target).rpartition(":")[2].partition(";")[0]
        if first is not node:
            own = cotype.properties[0]
            self.collector.report(
                "multipleReference",
                (node.path, term),
                primary=parent.id,
                secondary=own.id,
                property="contents",
                aux=f"'{term}' and '{own.name}'",
                value=f"'{key}' and '{name}'",
            )
        sibling = by_name.get(key)
        if sibling is None:
            return
        spec = next((s for c in sibling.cotypes for s in c.properties if s.id == target), None)
        if spec is None:
            known = name in sibling.spec.by_term
            self._sibling(
                "matchingPropertyNotSupplemental" if known else "noMatchingSupplementalProperty",
                node,
                sibling,
                term,
                key,
                sibling.kind,
            )
            return
        self._check_overriding_schema(node, spec)

    def _check_overriding_schema(self, node: Node, spec: PropertySpec) -> None:
        for schema in node.links.get("schema", ()):
            expected = spec.parent_enum
            if expected is not None and schema.id != expected:
                shown = schema.id.rpartition(":")[2].partition(";")[0]
                self.collector.report(
                    "siblingPropertyMismatch",
                    (node.path, "schema"),
                    primary=node.id,
                    property="schema",
                    value=shown,
                )

    def _sibling(
        self,
        identifier: str,
        node: Node,
        sibling: Node,
        term: str,
        key: object,
        shown: str | None,
    ) -> None:
        self.collector.report(
            identifier,
            (node.path, term),
            primary=node.id,
            secondary=sibling.id,
            property=term,
            aux="name",
            type=shown,
            value=str(key),
        )

    def _check_distinct(self, marked: list[Node]) -> None:
        """Check co-type properties whose values must differ among siblings."""
        seen: dict[tuple[str, str, str, object], Node] = {}
        for node in marked:
            parent, at = node.parent, node.parent_property
            if parent is None or at is None:
                continue
            for spec in (s for c in node.cotypes for s in c.properties if s.distinct):
                value = node.extra.get(spec.id)
                if value is None:
                    continue
                key = (parent.id, at.name, spec.id, value)
                if seen.setdefault(key, node).id != node.id:
                    self.collector.report(
                        "nonUniquePropertyValue",
                        (node.path, spec.name),
                        primary=parent.id,
                        property=at.name,
                        aux=spec.name,
                        value=shown_value(value),
                        other=seen[key],
                    )


def _extra(node: Node, term: str) -> object:
    """Return a co-type property's value by its term."""
    for identifier, spec in node.extra_specs.items():
        if spec.name == term:
            return node.extra[identifier]
    return None


def conforms_to(value: Node, constraint: Constraint) -> bool:
    """Tell whether a value has one of the classes or co-types of a constraint."""
    if constraint.classes & value.spec.ancestors:
        return True
    return any(constraint.cotypes & cotype_ancestors(c.id) for c in value.cotypes)
