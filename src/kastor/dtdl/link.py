"""Phases 2 and 3: find what references lead to, and join the nodes (dtdl 1, 3.3, 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.dtdl.language import CONTEXT_PREFIXES, RESERVED_PREFIXES
from kastor.dtdl.metamodel import ancestors
from kastor.dtdl.standard import standard_element

if TYPE_CHECKING:
    from kastor.dtdl.collector import Collector
    from kastor.dtdl.nodes import Node, Reference
    from kastor.dtdl.read_nodes import NodeReader

_RESERVED = RESERVED_PREFIXES + tuple(p for found in CONTEXT_PREFIXES.values() for p in found)


def undefined(reader: NodeReader, collector: Collector, start: int) -> dict[str, list[Reference]]:
    """Return the references from `start` on that nothing defines yet, by id (dtdl 3.3).

    Standard elements count as defined; terms that name no element and undefined ids under a
    reserved prefix are findings.
    """
    found: dict[str, list[Reference]] = {}
    for reference in reader.references[start:]:
        identifier = reference.id
        if identifier in reader.nodes or standard_element(identifier) is not None:
            continue
        if reference.from_term:
            collector.report(
                "badType",
                reference.path,
                primary=reference.node.id,
                secondary=identifier,
                property=reference.spec.name,
                hint=identifier.rpartition(":")[2].partition(";")[0],
            )
        elif identifier.startswith(_RESERVED):
            collector.report(
                "undefinedReservedId",
                reference.path,
                primary=reference.node.id,
                secondary=identifier,
                property=reference.spec.name,
            )
        else:
            found.setdefault(identifier, []).append(reference)
    return found


def link(reader: NodeReader, collector: Collector) -> None:
    """Replace every id in the nodes' links by its node and check that it may stand there."""
    nodes = reader.nodes
    for inline in reader.inline:
        target = nodes[inline.id]
        inline.values[inline.at] = target
        key = inline.spec.key
        if key is not None and key not in target.literals:
            _missing_key(inline, target, collector)
    for reference in reader.references:
        found = nodes.get(reference.id) or standard_element(reference.id)
        if found is None:
            continue
        if check_reference(reference, found, collector):
            reference.values[reference.at] = found
    for node in nodes.values():
        for name, values in node.links.items():
            if any(isinstance(value, str) for value in values):
                node.links[name] = [v for v in values if not isinstance(v, str)]


def _missing_key(reference: Reference, target: Node, collector: Collector) -> None:
    collector.report(
        "missingDictKeyPropertyValue",
        reference.path,
        primary=reference.node.id,
        secondary=target.id,
        property=reference.spec.name,
        value=reference.spec.key,
    )


def check_reference(reference: Reference, target: Node, collector: Collector) -> bool:
    """Check class, version and partition of what a reference leads to."""
    spec, node = reference.spec, reference.node
    where = reference.path
    if spec.parent_enum is not None:
        return _check_parent(reference, target, collector)
    if spec.value_cotype is not None:
        return True  # the unit's type is a rule of its co-type
    if spec.cls is not None and spec.cls not in ancestors(target.kind):
        collector.report(
            "badType",
            where,
            primary=node.id,
            secondary=reference.id,
            property=spec.shown,
            value=target.kind,
        )
        return False
    fine = True
    if spec.only and reference.id not in spec.only:
        collector.report(
            "incorrectPropertyValue",
            where,
            primary=node.id,
            property=spec.name,
            value=reference.id.rpartition(":")[2].partition(";")[0],
        )
        return False
    own = target.partition is not None
    if spec.cotype is None and own and target.language.version not in spec.versions:
        collector.report(
            "disallowedVersionReference",
            where,
            primary=node.id,
            secondary=target.id,
            property=spec.name,
            value=str(target.language.version),
        )
        fine = False
    if (
        target.partition is not None
        and target.kind != "Interface"
        and target.partition != node.partition
    ):
        collector.report(
            "crossPartitionReference",
            where,
            primary=node.id,
            secondary=target.id,
            property=spec.name,
            value=target.partition,
        )
        fine = False
    if spec.key is not None and spec.key not in target.literals:
        _missing_key(reference, target, collector)
        fine = False
    return fine


def _check_parent(reference: Reference, target: Node, collector: Collector) -> bool:
    """Check that a unit is one of its semantic type, from DTDL 3 on (dtdl 9)."""
    spec, node = reference.spec, reference.node
    parent = target.parent.id if target.parent else None
    if parent == spec.parent_enum:
        return True
    collector.report(
        "wrongParent",
        reference.path,
        primary=node.id,
        secondary=reference.id,
        property=spec.id,
        value=f"child of {parent}" if parent else "top-level element",
    )
    return False
