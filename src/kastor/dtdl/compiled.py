"""Interfaces compiled to closures that check twins (spec dtdl 11, 13)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from kastor.dtdl.rules import STRICT, Path, ValueRules, Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kastor.dtdl.model import ModelSet


class Check(Protocol):
    """Tells whether a value conforms."""

    def __call__(self, value: object, /) -> bool:
        """Return whether the value conforms."""
        ...


class PropertyCheck:
    """The compiled schema of one property."""

    __slots__ = ("schema", "test")

    def __init__(self, schema: str, test: Callable[[object], bool]) -> None:
        self.schema, self.test = schema, test

    def __call__(self, value: object, /) -> bool:
        """Return whether the value conforms."""
        return self.test(value)

    def explain(self, value: object, path: Path = ()) -> list[Violation]:
        """Return every way in which the value does not conform."""
        raise NotImplementedError


class CompiledRelationship:
    """A relationship with the checks of its properties."""

    __slots__ = ("name", "properties", "target")

    def __init__(
        self, name: str, target: str | None, properties: dict[str, PropertyCheck]
    ) -> None:
        self.name, self.target, self.properties = name, target, properties

    def violations(self, document: Mapping[str, object]) -> list[Violation]:
        """Return every way in which a relationship's members break the model."""
        raise NotImplementedError


class CompiledInterface:
    """An interface with the checks of its effective contents."""

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
        """Return every way in which a twin's members break the model."""
        raise NotImplementedError


def compile_interface(
    models: ModelSet, interface_id: str, rules: ValueRules = STRICT
) -> CompiledInterface:
    """Return the compiled interface; made once per model set and rules."""
    raise NotImplementedError
