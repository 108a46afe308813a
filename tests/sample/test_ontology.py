"""The sample ontology: valid, own, deep, and an example of everything DTDL has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kastor.dtdl import parse
from kastor.sample import models

from .conftest import Ontology, as_list

PRIMITIVES = {
    "boolean",
    "integer",
    "long",
    "float",
    "double",
    "string",
    "date",
    "dateTime",
    "time",
    "duration",
}
GEOSPATIAL = {"point", "multiPoint", "lineString", "multiLineString", "polygon", "multiPolygon"}


def walk(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a document, the outermost first."""
    if isinstance(value, dict):
        yield value
        for member in value.values():
            yield from walk(member)
    elif isinstance(value, list):
        for member in value:
            yield from walk(member)


def kinds_of(schema: Any, named: dict[str, Any]) -> Iterator[str]:
    """Every kind of schema at and below one."""
    if isinstance(schema, str):
        if schema in named:
            yield from kinds_of(named[schema], named)
        else:
            yield schema
        return
    kind = schema["@type"]
    yield f"Enum of {schema['valueSchema']}" if kind == "Enum" else kind
    for member in walk(schema):
        for key in ("schema", "elementSchema"):
            if key in member:
                yield from kinds_of(member[key], named)


def test_the_reference_rules_accept_it() -> None:
    parsed = parse(models())
    assert set(parsed.interfaces) >= {document["@id"] for document in models()}


def test_it_is_valid_for_azure_digital_twins_too() -> None:
    parse(models(), profile="adt")


def test_it_has_14_to_20_interfaces_of_version_3_under_its_own_prefix() -> None:
    documents = models()
    assert 14 <= len(documents) <= 20
    ids = [document["@id"] for document in documents]
    assert len(set(ids)) == len(ids)
    assert ids == sorted(ids)
    for document in documents:
        assert document["@type"] == "Interface"
        assert as_list(document["@context"])[0] == "dtmi:dtdl:context;3"
        assert document["@id"].startswith("dtmi:kastor:sample:")
        assert document["@id"].endswith(";1")


def test_each_call_gives_fresh_documents() -> None:
    first = models()
    first[0]["@id"] = "changed"
    assert models()[0]["@id"] != "changed"


def test_inheritance_has_at_least_three_levels(ontology: Ontology) -> None:
    def depth(interface: str) -> int:
        return 1 + max((depth(parent) for parent in ontology.parents(interface)), default=0)

    deep = {name: depth(name) for name in ontology.interfaces}
    for leaf in ("MeetingRoom", "AirHandlingUnit", "TemperatureSensor"):
        assert deep[f"dtmi:kastor:sample:{leaf};1"] >= 3
    assert max(deep.values()) == 4


def test_every_kind_of_schema_stands_in_a_property(ontology: Ontology) -> None:
    named = {
        schema["@id"]: schema
        for document in ontology.interfaces.values()
        for schema in document.get("schemas", [])
    }
    used = {
        kind
        for document in ontology.interfaces.values()
        for content in document["contents"]
        if "Property" in as_list(content["@type"])
        for kind in kinds_of(content["schema"], named)
    }
    wanted = PRIMITIVES | {"Enum of string", "Enum of integer", "Object", "Map", "Array"}
    assert wanted <= used
    assert used & GEOSPATIAL == {"point", "polygon"}


def test_primitives_are_schemas_of_properties_themselves(ontology: Ontology) -> None:
    direct = {
        content["schema"]
        for document in ontology.interfaces.values()
        for content in document["contents"]
        if "Property" in as_list(content["@type"]) and isinstance(content["schema"], str)
    }
    assert direct >= PRIMITIVES


@pytest.mark.parametrize("kind", ["Component", "Relationship", "Telemetry", "Command"])
def test_every_kind_of_content_occurs(ontology: Ontology, kind: str) -> None:
    assert any(ontology.contents(name, kind) for name in ontology.interfaces)


def test_relationships_have_targets_and_some_have_properties(ontology: Ontology) -> None:
    relationships = [
        relationship
        for name in ontology.interfaces
        for relationship in ontology.contents(name, "Relationship").values()
    ]
    assert all(relationship["target"] in ontology.interfaces for relationship in relationships)
    flow = ontology.contents("dtmi:kastor:sample:AirHandlingUnit;1", "Relationship")["feeds"]
    assert "flow" in {one["name"] for one in flow["properties"]}


def test_everything_with_a_name_says_what_it_is(ontology: Ontology) -> None:
    for document in ontology.interfaces.values():
        for element in walk(document):
            if element.get("@type") == "Interface" or "name" in element:
                where = f"{document['@id']} {element.get('name', '')}"
                assert element.get("displayName"), where
                assert element.get("description", "").endswith((".", "?")), where
                assert len(element["description"]) <= 512, where
