"""Compiles the nodes of a parse to `CompiledInterface` and `PropertyCheck`, each of them once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.dtdl.checks import (
    PropertyCheck,
    array_check,
    bounded_check,
    enum_check,
    map_check,
    object_check,
    primitive_check,
    shape_check,
)
from kastor.dtdl.compiled import CompiledInterface, CompiledRelationship
from kastor.dtdl.geojson import shape_of
from kastor.dtdl.standard import standard_element

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kastor.dtdl.nodes import Node
    from kastor.dtdl.rules import ValueRules

_COMPLEX = ("Array", "Enum", "Map", "Object")


class InterfaceCompiler:
    """Compiles what is asked for and keeps it."""

    def __init__(self, nodes: Mapping[str, Node], rules: ValueRules) -> None:
        self._nodes = nodes
        self._rules = rules
        self._interfaces: dict[str, CompiledInterface] = {}
        self._schemas: dict[str, PropertyCheck] = {}
        self._entries: dict[str, PropertyCheck] = {}
        self._open: set[str] = set()

    def interface(self, identifier: str) -> CompiledInterface:
        """Return a compiled interface."""
        found = self._interfaces.get(identifier)
        if found is None:
            node = self._nodes[identifier]
            if node.kind != "Interface":
                raise KeyError(identifier)
            found = self._interfaces[identifier] = self._interface(node)
        return found

    def _interface(self, node: Node) -> CompiledInterface:
        properties: dict[str, PropertyCheck] = {}
        components: dict[str, CompiledInterface] = {}
        relationships: dict[str, CompiledRelationship] = {}
        other: dict[str, str] = {}
        for content in node.linked("contents"):
            name = content.literals["name"]
            if content.kind == "Property":
                properties[name] = self._entry(content.linked("schema")[0])
            elif content.kind == "Component":
                components[name] = self.interface(content.linked("schema")[0].id)
            elif content.kind == "Relationship":
                relationships[name] = CompiledRelationship(
                    name,
                    content.literals.get("target"),
                    {
                        p.literals["name"]: self._entry(p.linked("schema")[0])
                        for p in content.linked("properties")
                    },
                )
            else:
                other[name] = content.kind
        return CompiledInterface(node.id, properties, components, relationships, other)

    def element(self, identifier: str) -> PropertyCheck:
        """Return the compiled schema of an element id; of contents and fields that of theirs.

        Raises:
            KeyError: no such element, or one without a schema.
        """
        node = self._nodes.get(identifier) or standard_element(identifier)
        if node is None:
            raise KeyError(identifier)
        if node.kind in _COMPLEX or "PrimitiveSchema" in node.spec.ancestors:
            return self._entry(node)
        schema = node.linked("schema")
        if not schema or schema[0].kind == "Interface":
            raise KeyError(identifier)
        return self._entry(schema[0])

    def _entry(self, node: Node) -> PropertyCheck:
        """Return a compiled schema where a value enters it from outside.

        Only there its depth is measured; at every level that would take the square of the time.
        """
        found = self._entries.get(node.id)
        if found is None:
            made = self._schema(node)
            found = self._entries[node.id] = bounded_check(made) if made.deep else made
        return found

    def _schema(self, node: Node) -> PropertyCheck:
        """Return a compiled schema; one that contains itself is closed when it is first used."""
        found = self._schemas.get(node.id)
        if found is not None:
            return found
        if node.id in self._open:
            return self._later(node.id)
        self._open.add(node.id)
        made = self._schemas[node.id] = self._make(node)
        self._open.discard(node.id)
        return made

    def _later(self, identifier: str) -> PropertyCheck:
        """Stand in for a schema that is still being made."""
        schemas = self._schemas
        return PropertyCheck(
            "object",
            lambda value: schemas[identifier].test(value),  # noqa: PLW0108 - not there yet
            lambda value, path: schemas[identifier].explain(value, path),  # noqa: PLW0108
            deep=True,
        )

    def _make(self, node: Node) -> PropertyCheck:
        if node.kind == "Array":
            return array_check(self._schema(node.linked("elementSchema")[0]))
        if node.kind == "Map":
            value = node.linked("mapValue")[0]
            return map_check(self._schema(value.linked("schema")[0]), self._rules)
        if node.kind == "Enum":
            return enum_check(node)
        if node.kind == "Object":
            fields = {
                field.literals["name"]: self._schema(field.linked("schema")[0])
                for field in node.linked("fields")
            }
            shape = shape_of(node.id) if self._rules.closed_rings else None
            return (
                object_check(fields) if shape is None else shape_check(object_check(fields), shape)
            )
        name = node.kind[0].lower() + node.kind[1:]
        return primitive_check(name, self._rules)
