"""Models for programs that know no DTDL: what an interface says itself, resolved, as JSON texts.

Names of types stand for schemas of any version, reusable ones are put where they are used, units
have their symbols, texts are maps by language. What is inherited is not repeated: a reader joins
the contents of an interface with those of its ancestors, so that models take no more room for
being derived from.

Schemas may be recursive (DTDL 4), and one that is used in many places multiplies. What is in
itself, or would be too large, is a reference: ``{"kind": "ref", "id": ...}``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kastor.dtdl import model
from kastor.dtdl.cotypes import unit_types

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kastor.dtdl.model_set import ModelSet

MOST_OF_A_SCHEMA = 262_144
"""Characters of one schema with all that is in it."""
MOST_OF_AN_INTERFACE = 4 * 2**20
"""Characters of an interface's own contents, from which on their schemas are references."""
_GEOSPATIAL = re.compile(r"dtmi:standard:schema:geospatial:(\w+);\d+")
_SCALED_DECIMAL = "dtmi:standard:schema:scaledDecimal;"
_KEPT_CAPITALS = frozenset({"Celsius", "Fahrenheit", "British", "Mercury"})
_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+")


@dataclass(frozen=True, slots=True)
class ResolvedInterface:
    """What an interface says, its bases aside.

    Attributes:
        head: JSON text of the members that say what it is, without the braces.
        contents: JSON texts of its own contents, separated by commas.
    """

    head: str
    contents: str


class ModelResolver:
    """Resolves the interfaces of one model set."""

    def __init__(self, models: ModelSet) -> None:
        self._models = models
        self._schemas = _Schemas()

    def interface(self, identifier: str) -> ResolvedInterface:
        """Return what an interface says itself.

        Raises:
            KeyError: there is no interface of that id.
        """
        interface = self._models.interfaces[identifier]
        head = _members(
            {
                **_texts(interface),
                "dtdlVersion": _json(interface.dtdl_version),
                "semanticTypes": _semantic_types(interface),
                **_further(interface),
            }
        )
        self._schemas.room = MOST_OF_AN_INTERFACE
        own = [each for each in interface.contents.values() if each.defined_in == identifier]
        return ResolvedInterface(head, ",".join(self._content(each) for each in own))

    def _content(self, content: model.Content) -> str:
        text = _object(
            {
                "name": _json(content.name),
                "kind": _json(content.kind.lower()),
                "definedBy": _json(content.defined_in),
                **_texts(content),
                "semanticTypes": _semantic_types(content),
                **self._of_kind(content),
                **self._unit(content),
                **_further(content),
            }
        )
        self._schemas.room -= len(text)
        return text

    def _of_kind(self, content: model.Content) -> dict[str, str | None]:
        match content:
            case model.Property():
                schema = self._schemas.of(content.schema)
                return {"schema": schema, "writable": _json(bool(content.writable))}
            case model.Telemetry():
                return {"schema": self._schemas.of(content.schema)}
            case model.Component():
                return {"model": _json(content.schema_id)}
            case model.Relationship():
                properties = ",".join(self._content(p) for p in content.properties.values())
                return {
                    "target": _optional(content.target),
                    "minMultiplicity": _optional(content.min_multiplicity),
                    "maxMultiplicity": _optional(content.max_multiplicity),
                    "writable": _json(bool(content.writable)),
                    "properties": f"[{properties}]",
                }
            case model.Command():
                return {
                    "commandType": _optional(content.command_type),
                    "request": self._payload(content.request),
                    "response": self._payload(content.response),
                }
        return {}

    def _payload(self, payload: model.CommandPayload | None) -> str | None:
        if payload is None:
            return None
        return _object(
            {
                "name": _json(payload.name),
                **_texts(payload),
                "schema": self._schemas.of(payload.schema),
                "nullable": _json(bool(payload.nullable)),
                **self._unit(payload),
            }
        )

    def _unit(self, element: model.Element) -> dict[str, str | None]:
        identifier = element.cotype_properties.get("unit")
        if not isinstance(identifier, str):
            return {}
        found = self._models.elements.get(identifier)
        name = getattr(found, "name", None) or _last_word(identifier)
        symbol = _symbols().get(name)
        shown: str | None = _in_words(name)
        if found is not None and found.defined_in is not None:  # a unit that a model defines
            symbol = found.cotype_properties.get("symbol")
            shown = next(iter(found.display_name.values()), shown)
        members = {"name": name, "symbol": symbol, "displayName": shown}
        return {"unit": _json({key: text for key, text in members.items() if text})}


class _Schemas:
    """Words schemas; one of an id is worded once, unless it is within one that contains itself.

    Attributes:
        room: characters that an interface has left.
    """

    def __init__(self) -> None:
        self.room = MOST_OF_AN_INTERFACE
        self._made: dict[str, str] = {}
        self._within: list[str] = []
        self._open: set[str] = set()  # what references lead up to, from where the walk is

    def of(self, schema: model.Element) -> str:
        """Return a schema as JSON text."""
        if self.room <= 0 and not isinstance(schema, model.PrimitiveSchema):
            return _reference(schema.id, "large")
        known = self._made.get(schema.id)
        if known is not None:
            return known
        if schema.id in self._within:
            self._open.add(schema.id)
            return _reference(schema.id, "recursive")
        self._within.append(schema.id)
        try:
            text = self._make(schema)
        finally:
            self._within.pop()
            self._open.discard(schema.id)
        if not self._open:  # else it is worded differently elsewhere
            self._made[schema.id] = text
        return text

    def _make(self, schema: model.Element) -> str:
        match schema:
            case model.PrimitiveSchema():
                return _object({"kind": _json(schema.name)})
            case model.Object():
                return self._object(schema)
            case model.Enum():
                of = _json(_last_word(schema.value_schema_id))
                parts = self._bounded(schema, (_enum_value(value) for value in schema.values))
                if parts is None:
                    return _reference(schema.id, "large")
                values = {"valueSchema": of, "values": parts}
                return _object({"kind": '"enum"', **_id(schema), **values})
            case model.Array():
                element = self.of(schema.element_schema)
                return _object({"kind": '"array"', **_id(schema), "element": element})
            case model.Map():
                value = {
                    "name": _json(schema.value.name),
                    **_texts(schema.value),
                    "schema": self.of(schema.value.schema),
                }
                key = _object({"name": _json(schema.key.name), **_texts(schema.key)})
                return _object(
                    {"kind": '"map"', **_id(schema), "key": key, "value": _object(value)}
                )
        return _object({"kind": _json(schema.kind)})

    def _object(self, schema: model.Object) -> str:
        geospatial = _GEOSPATIAL.fullmatch(schema.id)
        if geospatial is not None:
            return _object({"kind": _json(geospatial[1])})
        fields = self._bounded(schema, (self._field(each) for each in schema.fields.values()))
        if fields is None:
            return _reference(schema.id, "large")
        kind = "scaledDecimal" if schema.id.startswith(_SCALED_DECIMAL) else "object"
        return _object({"kind": _json(kind), **_id(schema), "fields": fields})

    def _field(self, field: model.Field) -> str:
        return _object(
            {"name": _json(field.name), **_texts(field), "schema": self.of(field.schema)}
        )

    def _bounded(self, schema: model.Element, parts: Iterable[str]) -> str | None:
        """Return texts as an array, None if they are too much; which is kept of this schema."""
        found: list[str] = []
        size = 0
        for part in parts:
            found.append(part)
            size += len(part)
            if size > MOST_OF_A_SCHEMA:
                self._made[schema.id] = _reference(schema.id, "large")
                return None
        return f"[{','.join(found)}]"


def _reference(identifier: str, because: str) -> str:
    return _object({"kind": '"ref"', "id": _json(identifier), "because": _json(because)})


def _id(schema: model.Element) -> dict[str, str | None]:
    """Return the id that references lead to; one that nobody gave only tells where it stands."""
    return {"id": None if ":_" in schema.id else _json(schema.id)}


def _enum_value(value: model.EnumValue) -> str:
    literal: object = value.value
    number = isinstance(literal, int)
    return _object(
        {
            "name": _json(value.name),
            "value": _json(int(value.value) if number else str(value.value)),
            **_texts(value),
        }
    )


def _texts(element: model.Element) -> dict[str, str | None]:
    return {
        "displayName": _json(dict(element.display_name)),
        "description": _json(dict(element.description)),
        "comment": _optional(element.comment),
    }


def _semantic_types(element: model.Element) -> str:
    return _json([*element.cotypes, *element.undefined_types])


def _further(element: model.Element) -> dict[str, str | None]:
    """Return what co-types say, such as limits and what is annotated; units have their own form."""
    found = {name: v for name, v in element.cotype_properties.items() if name != "unit"}
    return {"cotypeProperties": _json(found) if found else None}


def _last_word(identifier: str) -> str:
    return identifier.rpartition(":")[2].partition(";")[0]


def _in_words(term: str) -> str:
    """Return a unit's term as people write it, such as kilowatt hour."""
    words = _WORD.findall(term)
    return " ".join(word if word in _KEPT_CAPITALS else word.lower() for word in words)


def _symbols() -> dict[str, str]:
    newest = 3  # has all units of the earlier ones
    return {term: symbol for members in unit_types(newest).values() for term, symbol in members}


def _optional(value: object) -> str | None:
    return None if value is None else _json(value)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _plain(value: object) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)


def _members(members: Mapping[str, str | None]) -> str:
    return ",".join(f'"{name}":{text}' for name, text in members.items() if text is not None)


def _object(members: Mapping[str, str | None]) -> str:
    return f"{{{_members(members)}}}"
