"""Interfaces compiled: what a server asks on every write (dtdl 11, 13)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.dtdl.rules import Path, Violation
from kastor.dtdl.values import describe_type

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kastor.dtdl.checks import PropertyCheck


class CompiledRelationship:
    """A relationship with the checks of its properties.

    Attributes:
        name: its name.
        target: id of the interface it leads to; None is any.
        properties: check by name.
    """

    __slots__ = ("name", "properties", "target")

    def __init__(self, name: str, target: str | None, properties: dict[str, PropertyCheck]) -> None:
        self.name = name
        self.target = target
        self.properties = properties

    def violations(self, document: Mapping[str, object]) -> list[Violation]:
        """Return every way in which a relationship breaks the model; empty if none.

        Members that start with ``$`` are not looked at.
        """
        found: list[Violation] = []
        for name, value in document.items():
            check = self.properties.get(name)
            if check is not None:
                if not check.test(value):
                    found += check.explain(value, (name,))
            elif name[:1] != "$":
                found.append(
                    Violation(
                        "unknown", (name,), "", f"the relationship {self.name} has no such property"
                    )
                )
        return found


class CompiledInterface:
    """An interface with the checks of its effective contents.

    Attributes:
        id: its id.
        properties: check by name.
        components: compiled interface by name.
        relationships: by name.
        other: name to ``Telemetry`` or ``Command``.
    """

    __slots__ = ("components", "id", "other", "properties", "relationships")

    def __init__(
        self,
        identifier: str,
        properties: dict[str, PropertyCheck],
        components: dict[str, CompiledInterface],
        relationships: dict[str, CompiledRelationship],
        other: dict[str, str],
    ) -> None:
        self.id = identifier
        self.properties = properties
        self.components = components
        self.relationships = relationships
        self.other = other

    def violations(self, document: Mapping[str, object]) -> list[Violation]:
        """Return every way in which a twin breaks its model; empty if none (dtdl 11, 13).

        Members that start with ``$`` are not looked at, in the twin and in its components.
        """
        found = self._own(document, ())
        for name in self.components:
            if name not in document:
                found.append(
                    Violation("missing_component", (name,), "Component", "the component is missing")
                )
        return found

    def _own(self, document: Mapping[str, object], path: Path) -> list[Violation]:
        found: list[Violation] = []
        properties = self.properties
        for name, value in document.items():
            check = properties.get(name)
            if check is not None:
                if not check.test(value):
                    found += check.explain(value, (*path, name))
            elif name[:1] != "$":
                found += self._other_member(name, value, path)
        return found

    def _other_member(self, name: str, value: object, path: Path) -> list[Violation]:
        component = self.components.get(name)
        here = (*path, name)
        if component is not None:
            if isinstance(value, dict):
                return component._own(value, here)  # noqa: SLF001 - the same class
            detail = f"must be an object, not {describe_type(value)}"
            return [Violation("not_an_object", here, "Component", detail)]
        kind = "Relationship" if name in self.relationships else self.other.get(name)
        if kind is not None:
            return [Violation("not_a_property", here, kind, f"is a {kind} and holds no value")]
        return [Violation("unknown", here, "", f"{self.id} has no such property")]
