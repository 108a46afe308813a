"""`references`: the edges of a valid document without a parse."""

from __future__ import annotations

from typing import Any

from kastor.dtdl import ModelReferences, references

from .problem_examples import interface, prop

A, B, C = (f"dtmi:com:example:{name};1" for name in "ABC")


def component(schema: Any, **members: Any) -> dict[str, Any]:
    return {"@type": "Component", "name": "c", "schema": schema} | members


def test_none() -> None:
    assert references(interface(prop())) == ModelReferences((), ())


def test_one_and_many() -> None:
    assert references(interface(extends=A)).extends == (A,)
    assert references(interface(extends=[A, [B, A]])).extends == (A, B)
    assert references(interface(extends={"@id": A, "@type": "Interface"})).extends == (A,)
    assert references(
        interface(component(A), component([B]), component({"@id": C}))
    ).components == (A, B, C)


def test_contents_may_be_a_single_object() -> None:
    assert references(interface() | {"contents": component(A)}).components == (A,)


def test_identifiers_of_classes_and_properties() -> None:
    content = {
        "@type": ["dtmi:dtdl:class:Component;3", "Other"],
        "name": "c",
        "dtmi:dtdl:property:schema;3": A,
    }
    document = {"dtmi:dtdl:property:contents;3": [content], "dtmi:dtdl:property:extends;3": B}
    assert references(document) == ModelReferences((B,), (A,))


def test_only_components_count() -> None:
    assert references(
        interface(prop(schema=A), {"@type": "Relationship", "name": "r", "target": B})
    ) == (ModelReferences((), ()))


def test_what_is_not_valid_does_no_harm() -> None:
    for value in (None, 5, [None, 5], {"@id": 5}, [{"@type": 5}]):
        assert references({"extends": value, "contents": value}) == ModelReferences((), ())


def test_names_that_instances_can_be_asked_for() -> None:
    inner = {"@type": ["Property", "Temperature"], "name": "heat", "schema": "double"}
    contents = [
        {"@type": "Property", "name": "a", "schema": "string"},
        {"@type": ["Property", "Temperature"], "name": "b", "schema": "double"},
        {"@type": "dtmi:dtdl:class:Property;2", "dtmi:dtdl:property:name;2": "c"},
        {"@type": "Component", "name": "d", "schema": "dtmi:x:d;1"},
        {"@type": "Relationship", "name": "e", "properties": [inner]},
        {"@type": "Telemetry", "name": "f", "schema": "double"},
        {"@type": "Command", "name": "g"},
        {"@type": "Property", "name": 5},
    ]
    found = references({"contents": contents})
    assert found.members == {"a", "b", "c", "d", "heat"}
    assert found.relationships == {"e"}
