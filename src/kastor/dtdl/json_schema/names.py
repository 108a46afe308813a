"""What the definitions of a JSON Schema are called.

A definition is of an element of the models, or of one of the bodies that a server knows of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

Role = Literal["twin", "component", "relationship", "metadata", "times", "schema"]
"""`metadata` is that of a twin, `times` that of a component, or of one property (no element)."""


@dataclass(frozen=True, slots=True)
class SchemaDefinition:
    """What is defined.

    Attributes:
        role: what of the element it is.
        element: id of the interface, or of the schema.
        name: of the relationship.
    """

    role: Role
    element: str
    name: str = ""


class Names(Protocol):
    """Gives every definition a name of its own."""

    def __call__(self, definition: SchemaDefinition, /) -> str:
        """Return the name under which a definition stands in `$defs`."""
        ...


def plain_names(definition: SchemaDefinition) -> str:
    """Return ids of the models, with what the definition is of them behind a dot.

    A body of a twin has the id of its model, so that `$metadata.$model` leads to it. No id has a
    dot but in its version, before a digit.
    """
    match definition.role:
        case "twin" | "schema":
            return definition.element
        case "relationship":
            return f"{definition.element}.relationship.{definition.name}"
        case _:
            return ".".join(filter(None, (definition.element, definition.role)))
