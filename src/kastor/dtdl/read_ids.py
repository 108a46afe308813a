"""Reads ids: those that elements are given or get, and those that members hold (dtdl 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kastor.dtdl.identity import automatic_id, reference_id, segment_key, segment_of
from kastor.dtdl.literals import flatten, utf16_length

if TYPE_CHECKING:
    from kastor.dtdl.collector import Collector
    from kastor.dtdl.contexts import ActiveContext
    from kastor.dtdl.literals import MemberReading
    from kastor.dtdl.metamodel import PropertySpec
    from kastor.dtdl.nodes import Node, Path


def text_id(value: dict[str, Any]) -> str:
    """Return the `@id` of an object; what is no text reads as the empty one."""
    identifier = value["@id"]
    return identifier if isinstance(identifier, str) else ""


def read_given_id(
    collector: Collector,
    value: dict[str, Any],
    context: ActiveContext,
    path: Path,
    *,
    tolerant: bool,
) -> str:
    """Return the `@id` of an element (dtdl 3.1).

    Raises:
        Quit: it is none that an element may have.
    """
    identifier = text_id(value)
    language = context.language
    where = (path, "@id")
    if not identifier:
        raise collector.quit("idNotString", where)
    if utf16_length(identifier) > language.id_length:
        raise collector.quit("idTooLong", where, value=identifier)
    if not language.id_pattern.search(identifier):
        raise collector.quit("invalidId", where, value=identifier)
    if identifier.startswith(context.reserved) and not tolerant:
        raise collector.quit("reservedId", where, value=identifier)
    return identifier


def make_id(
    collector: Collector, value: dict[str, Any], parent: Node, spec: PropertySpec, path: Path
) -> str:
    """Return the id of an element without `@id` (dtdl 3.2).

    Raises:
        Quit: it has no name that tells it from its siblings.
    """
    if spec.segment is None:
        return automatic_id(parent.id, spec.shown.partition(";")[0], None)
    key = segment_key(value, spec.segment)
    if key is None:
        raise collector.quit(
            "missingDtmiSegPropertyValue",
            path,
            primary=parent.id,
            property=spec.shown,
            value=spec.segment,
        )
    name = segment_of(value[key])
    if name is None:
        raise collector.quit(
            "dtmiSegPropertyNotStringOrNumber",
            (path, key),
            primary=parent.id,
            property=spec.shown,
            value=spec.segment,
        )
    return automatic_id(parent.id, spec.name, name)


def report_taken_id(
    collector: Collector,
    value: dict[str, Any],
    owner: Node,
    parent: Node,
    spec: PropertySpec,
    path: Path,
    *,
    tolerant: bool,
) -> None:
    """Report that `owner` has the id already; of values told apart by nothing the first counts."""
    if "@id" in value:
        collector.report("duplicateDefinition", (path, "@id"), primary=owner.id, other=owner)
    elif spec.segment is not None and not tolerant:
        key = segment_key(value, spec.segment) or spec.segment
        names = flatten(value.get(key))
        collector.report(
            "nonUniquePropertyValue",
            (path, key),
            primary=parent.id,
            property=spec.shown,
            aux=spec.segment,
            value=names[0] if isinstance(names[0], str) else None,
            other=owner,
        )


def read_identifier(
    reading: MemberReading, values: list[Any], context: ActiveContext
) -> str | None:
    """Read a property whose value is an identifier that is not resolved (dtdl 4.4)."""
    if len(values) != 1:
        if values:
            reading.report("identifierMultipleValues")
        return None
    value = values[0]
    if not isinstance(value, str):
        reading.collector.report(
            "identifierNotString",
            reading.path,
            primary=reading.primary,
            property=reading.shown,
            type="DTMI",
        )
        return None
    found = reference_id(value, context)
    if found is None:
        reading.collector.report(
            "identifierNotDtmi",
            reading.path,
            primary=reading.primary,
            property=reading.shown,
            value=value,
            type="DTMI",
        )
    return found
