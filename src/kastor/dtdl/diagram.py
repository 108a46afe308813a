"""Interfaces as a picture: inheritance, relationships and components as Mermaid or DOT."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kastor.dtdl.model_set import ModelSet

EdgeKind = Literal["extends", "relationship", "component"]
ANY = "any"


@dataclass(frozen=True, slots=True)
class DiagramEdge:
    """A line of the picture."""

    kind: EdgeKind
    source: str
    target: str
    label: str


def edges(models: ModelSet) -> Iterator[DiagramEdge]:
    """Yield the edges between interfaces; what is inherited is drawn where it is defined."""
    for identifier, interface in models.interfaces.items():
        for above in interface.extends:
            yield DiagramEdge("extends", identifier, above, "extends")
        for name, relationship in interface.relationships.items():
            if relationship.defined_in == identifier:
                yield DiagramEdge("relationship", identifier, relationship.target or ANY, name)
        for name, component in interface.components.items():
            if component.defined_in == identifier:
                yield DiagramEdge("component", identifier, component.schema_id, name)


def short_name(identifier: str) -> str:
    """Return the end of an id: ``Room;1`` of ``dtmi:com:example:Room;1``."""
    return identifier.rpartition(":")[2]


def _numbered(models: ModelSet, lines: list[DiagramEdge]) -> dict[str, str]:
    ids = dict.fromkeys(models.interfaces)
    ids |= dict.fromkeys(edge.target for edge in lines)
    return {identifier: f"n{number}" for number, identifier in enumerate(ids)}


def as_mermaid(models: ModelSet) -> str:
    """Return a Mermaid flowchart."""
    lines = list(edges(models))
    names = _numbered(models, lines)
    arrows = {"extends": "-->", "relationship": "-.->", "component": "==>"}
    text = ["flowchart BT"]
    text += [f'  {name}["{_quoted(short_name(i))}"]' for i, name in names.items()]
    text += [
        f'  {names[e.source]} {arrows[e.kind]}|"{_quoted(e.label)}"| {names[e.target]}'
        for e in lines
    ]
    return "\n".join(text)


def _quoted(text: str) -> str:
    return text.replace('"', "#quot;")


def as_dot(models: ModelSet) -> str:
    """Return a digraph for Graphviz."""
    lines = list(edges(models))
    names = _numbered(models, lines)
    styles = {
        "extends": "arrowhead=empty",
        "relationship": "style=dashed",
        "component": "arrowhead=none, arrowtail=diamond, dir=both",
    }
    text = ["digraph models {", "  rankdir=BT;", "  node [shape=box];"]
    for identifier, name in names.items():
        outside = "" if identifier in models.interfaces else ", style=dotted"
        text.append(f'  {name} [label="{short_name(identifier)}"{outside}];')
    for edge in lines:
        label = "" if edge.kind == "extends" else f'label="{edge.label}", '
        text.append(f"  {names[edge.source]} -> {names[edge.target]} [{label}{styles[edge.kind]}];")
    return "\n".join([*text, "}"])
