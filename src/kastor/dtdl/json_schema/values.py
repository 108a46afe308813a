"""JSON Schemas of the values of properties, fields and members (dtdl 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kastor.dtdl import model
from kastor.dtdl.json_schema.names import Names, SchemaDefinition
from kastor.dtdl.json_schema.primitives import primitive_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kastor.dtdl.rules import ValueRules

JsonSchema = dict[str, Any]


class Definitions:
    """The definitions that schemas refer to, each of them made once.

    Attributes:
        made: by name; what is still being made is empty, so that a schema may contain itself.
    """

    def __init__(self, names: Names) -> None:
        self.made: dict[str, JsonSchema] = {}
        self._names = names

    def refer(self, definition: SchemaDefinition, make: Callable[[], JsonSchema]) -> JsonSchema:
        """Return a reference to a definition, which is made if it is not there."""
        name = self._names(definition)
        if name not in self.made:
            self.made[name] = {}
            self.made[name] = make()
        return {"$ref": f"#/$defs/{name}"}


class ValueSchemas:
    """Makes the JSON Schemas of values; what has an id or a name goes to the definitions."""

    def __init__(self, definitions: Definitions, rules: ValueRules) -> None:
        self._definitions = definitions
        self._rules = rules

    def of(self, schema: model.Element) -> JsonSchema:
        """Return the schema that values of an element's schema conform to."""
        if isinstance(schema, model.PrimitiveSchema):
            return primitive_schema(schema.name, self._rules)
        if isinstance(schema, model.Array | model.Map) and _is_automatic(schema.id):
            return self._make(schema)
        definition = SchemaDefinition("schema", schema.id)
        return self._definitions.refer(definition, lambda: self._make(schema))

    def member(self, holder: model.Property | model.Field) -> JsonSchema:
        """Return the schema of a member with its display name and description."""
        return {**self.of(holder.schema), **texts(holder)}

    def _make(self, schema: model.Element) -> JsonSchema:
        if isinstance(schema, model.Array):
            made: JsonSchema = {"type": "array", "items": self.of(schema.element_schema)}
        elif isinstance(schema, model.Map):
            made = {
                "type": "object",
                **self._keys(),
                "additionalProperties": self.of(schema.value.schema),
            }
        elif isinstance(schema, model.Enum):
            made = _enum(schema)
        elif isinstance(schema, model.Object):
            fields = {name: self.member(field) for name, field in schema.fields.items()}
            made = {"type": "object", "properties": fields, "additionalProperties": False}
        else:
            raise TypeError(f"{schema.kind} is no schema of values")
        return {**made, **texts(schema)}

    def _keys(self) -> JsonSchema:
        rules = self._rules
        if rules.dollar_keys and rules.empty_keys:
            return {}
        if rules.dollar_keys:
            return {"propertyNames": {"minLength": 1}}
        return {"propertyNames": {"pattern": "^(?:[^$]|$)" if rules.empty_keys else "^[^$]"}}


def _enum(schema: model.Enum) -> JsonSchema:
    if not schema.values:
        return {"not": {}}
    is_text = schema.value_schema_id.rpartition(":")[2].startswith("string")
    kind: type = str if is_text else int
    return {
        "type": "string" if is_text else "integer",
        "enum": [kind(each.value) for each in schema.values],
        "x-enum-varnames": [each.name for each in schema.values],
    }


def _is_automatic(identifier: str) -> bool:
    """Tell whether an id was not given: nothing can refer to it, the element itself neither."""
    return ":_" in identifier


def texts(element: model.Element) -> JsonSchema:
    """Return the display name and the description of an element as a JSON Schema has them."""
    found = {"title": _text(element.display_name), "description": _text(element.description)}
    return {name: text for name, text in found.items() if text}


def _text(texts: Mapping[str, str]) -> str:
    return texts.get("en") or next(iter(texts.values()), "")
