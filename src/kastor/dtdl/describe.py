"""An element in words, for a person at a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kastor.dtdl import model

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from kastor.dtdl.model_set import ModelSet


def describe(models: ModelSet, identifier: str) -> str:
    """Return what there is to say of an element.

    Raises:
        KeyError: there is no element of that id.
    """
    element = models.elements[identifier]
    lines = [f"{element.kind} {element.id}", f"  DTDL {element.dtdl_version}"]
    if element.defined_in not in (None, element.id):
        lines.append(f"  defined in {element.defined_in}")
    lines += _texts("display name", element.display_name)
    lines += _texts("description", element.description)
    if element.comment:
        lines.append(f"  comment: {element.comment}")
    if element.cotypes:
        lines.append(f"  types: {', '.join(element.cotypes)}")
    lines += [f"  {name}: {value}" for name, value in element.cotype_properties.items()]
    if isinstance(element, model.Interface):
        lines += _interface(models, element)
    else:
        schema = getattr(element, "schema", None)
        lines.append(f"  schema: {schema_name(schema or element)}")
    return "\n".join(lines)


def _texts(name: str, texts: Mapping[str, str]) -> Iterator[str]:
    for language, text in texts.items():
        yield f"  {name} ({language}): {text}"


def _interface(models: ModelSet, interface: model.Interface) -> Iterator[str]:
    ancestors = sorted(interface.supertypes - {interface.id})
    if interface.extends:
        yield f"  extends: {', '.join(interface.extends)}"
    if len(ancestors) > len(interface.extends):
        yield f"  all ancestors: {', '.join(ancestors)}"
    below = sorted(models.subtypes(interface.id) - {interface.id})
    if below:
        yield f"  extended by: {', '.join(below)}"
    rows = [
        (content.kind, name, _content(content), _origin(interface, content))
        for name, content in sorted(interface.contents.items(), key=_order)
    ]
    yield from _columns(rows)


def _order(item: tuple[str, model.Content]) -> tuple[str, str]:
    return item[1].kind, item[0]


def _origin(interface: model.Interface, content: model.Content) -> str:
    return "" if content.defined_in == interface.id else f"from {content.defined_in}"


def _content(content: Any) -> str:
    if isinstance(content, model.Relationship):
        target = content.target or "any model"
        names = ", ".join(content.properties)
        return f"-> {target}" + (f" with {names}" if names else "")
    if isinstance(content, model.Component):
        return content.schema_id
    if isinstance(content, model.Command):
        parts = [
            f"{word} {payload.name}: {schema_name(payload.schema)}"
            for word, payload in (("takes", content.request), ("returns", content.response))
            if payload is not None
        ]
        return ", ".join(parts)
    unit = content.cotype_properties.get("unit")
    shown = schema_name(content.schema)
    if unit is not None:
        shown += f" in {str(unit).rpartition(':')[2].partition(';')[0]}"
    return f"{shown}, {', '.join(content.cotypes)}" if content.cotypes else shown


def schema_name(schema: model.Element, depth: int = 0) -> str:
    """Return a schema in a few words, such as ``map of double``."""
    if isinstance(schema, model.PrimitiveSchema):
        return str(schema.name)
    if isinstance(schema, model.Enum):
        return f"enum {' | '.join(str(v.value) for v in schema.values)}"
    if depth > 3:  # noqa: PLR2004 - enough for a line
        return str(schema.kind).lower()
    if isinstance(schema, model.Array):
        return f"array of {schema_name(schema.element_schema, depth + 1)}"
    if isinstance(schema, model.Map):
        return f"map of {schema_name(schema.value.schema, depth + 1)}"
    if isinstance(schema, model.Object):
        inner = (f"{n}: {schema_name(f.schema, depth + 1)}" for n, f in schema.fields.items())
        return f"{{{', '.join(inner)}}}"
    return str(schema.kind)


def _columns(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    table = list(rows)
    widths = [max((len(row[at]) for row in table), default=0) for at in range(4)]
    for row in table:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield f"  {'  '.join(cells)}".rstrip()
