"""JSON Schemas of the bodies of twins, components and relationships (rest-api B.2.2, B.3.2).

They say what a server takes when a body is put. What it passes over (`$etag`, times that it sets
itself) is described as it writes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.dtdl.json_schema.names import Names, SchemaDefinition
from kastor.dtdl.json_schema.primitives import SOURCE_TIME
from kastor.dtdl.json_schema.values import Definitions, JsonSchema, ValueSchemas, texts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kastor.dtdl import model
    from kastor.dtdl.rules import ValueRules

_PASSED_OVER: JsonSchema = {"type": ["string", "null"]}
_TIME_SET: JsonSchema = {"description": "Set by the server.", "type": ["string", "null"]}


class BodySchemas:
    """Makes the JSON Schemas of bodies.

    Attributes:
        definitions: what the references that are returned lead to.
    """

    def __init__(self, names: Names, rules: ValueRules) -> None:
        self.definitions = Definitions(names)
        self._values = ValueSchemas(self.definitions, rules)

    def twin(self, interface: model.Interface) -> JsonSchema:
        """Return a reference to the body of a twin of just this model."""
        definition = SchemaDefinition("twin", interface.id)
        return self.definitions.refer(definition, lambda: self._twin(interface))

    def relationship(self, interface: model.Interface, name: str) -> JsonSchema:
        """Return a reference to the body of a relationship whose source has this model.

        One that is inherited refers to the model that declares it.
        """
        definition = SchemaDefinition("relationship", interface.id, name)
        return self.definitions.refer(definition, lambda: self._relationship(interface, name))

    def _twin(self, interface: model.Interface) -> JsonSchema:
        components = {
            name: {**self._component(each.schema), **texts(each)}
            for name, each in interface.components.items()
        }
        metadata = SchemaDefinition("metadata", interface.id)
        return _body(
            {
                "$dtId": _PASSED_OVER,
                "$etag": _PASSED_OVER,
                "$relationships": True,
                "$metadata": self.definitions.refer(metadata, lambda: self._metadata(interface)),
                **self._properties(interface),
                **components,
            },
            required=["$metadata", *components],
            described=interface,
        )

    def _properties(self, interface: model.Interface) -> JsonSchema:
        return {name: self._values.member(each) for name, each in interface.properties.items()}

    def _metadata(self, interface: model.Interface) -> JsonSchema:
        return {
            "type": "object",
            "properties": {
                "$model": {"const": interface.id},
                "$lastUpdateTime": _TIME_SET,
                **self._times(interface.properties),
            },
            "required": ["$model"],
        }

    def _component(self, interface: model.Interface) -> JsonSchema:
        definition = SchemaDefinition("component", interface.id)
        return self.definitions.refer(definition, lambda: self._component_body(interface))

    def _component_body(self, interface: model.Interface) -> JsonSchema:
        """Return the body of a component; components have no components."""
        times = SchemaDefinition("times", interface.id)
        return _body(
            {
                "$dtId": _PASSED_OVER,
                "$etag": _PASSED_OVER,
                "$relationships": True,
                "$metadata": self.definitions.refer(
                    times, lambda: self._component_times(interface)
                ),
                **self._properties(interface),
            },
            required=["$metadata"],
            described=interface,
        )

    def _component_times(self, interface: model.Interface) -> JsonSchema:
        entries = self._times(interface.properties)
        return {"type": "object", "properties": {"$lastUpdateTime": _TIME_SET, **entries}}

    def _times(self, names: Iterable[str]) -> JsonSchema:
        """Return the entries of properties in `$metadata`."""
        entry = self.definitions.refer(SchemaDefinition("times", ""), _entry)
        return dict.fromkeys(names, entry)

    def _relationship(self, interface: model.Interface, name: str) -> JsonSchema:
        declared = interface.relationships[name]
        if declared.defined_in not in (None, interface.id):
            return self.relationship(declared.models.interfaces[str(declared.defined_in)], name)
        properties = {each: self._values.member(of) for each, of in declared.properties.items()}
        return _body(
            {
                "$relationshipId": _PASSED_OVER,
                "$sourceId": _PASSED_OVER,
                "$etag": _PASSED_OVER,
                "$dtId": _PASSED_OVER,
                "$relationshipName": {"const": name},
                "$targetId": {"type": "string", "minLength": 1, "pattern": "^[^/]*$"},
                **properties,
            },
            required=["$relationshipName", "$targetId"],
            described=declared,
        )


def _entry() -> JsonSchema:
    return {
        "description": "When a property was written, and when its value was measured.",
        "type": "object",
        "properties": {"lastUpdateTime": _TIME_SET, "sourceTime": SOURCE_TIME},
    }


def _body(properties: JsonSchema, *, required: list[str], described: model.Element) -> JsonSchema:
    return {
        **texts(described),
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
