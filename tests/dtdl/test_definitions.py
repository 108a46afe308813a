"""`definitions`: what a document defines under ids of its own, and when two are the same."""

from __future__ import annotations

import time
from typing import Any

import pytest

from kastor import dtdl
from kastor.dtdl import definitions

from .problem_examples import V3, V4, interface, prop

A, B = "dtmi:com:example:A;1", "dtmi:com:example:B;1"


def enum(*names: str, **members: Any) -> dict[str, Any]:
    values = [{"name": name, "enumValue": name} for name in names]
    return {"@type": "Enum", "valueSchema": "string", "enumValues": values} | members


def one(document: Any) -> dtdl.Definition:
    [found] = definitions(document)
    return found


def test_elements_without_an_id_of_their_own_are_none() -> None:
    assert definitions(interface(prop(), prop("b", schema=enum("a")))) == ()
    part = {"@type": "Component", "name": "c", "schema": {"@id": A}}
    assert definitions(interface(part, extends=B)) == ()


def test_ids_are_found_wherever_an_element_may_stand() -> None:
    fields = [{"name": "f", "schema": enum("a", **{"@id": "dtmi:x:deep;1"})}]
    model = interface(
        prop(**{"@id": "dtmi:x:property;1"}),
        prop("b", schema={"@type": "Object", "fields": [fields]}),
        extends={"@id": A, "@type": "Interface"},
        schemas=enum("a", **{"@id": "dtmi:x:schema;1"}),
    )
    found = {each.id: each for each in definitions(model)}
    assert set(found) == {"dtmi:x:property;1", "dtmi:x:deep;1", A, "dtmi:x:schema;1"}
    assert [each.id for each in found.values() if each.interface] == [A]
    assert found["dtmi:x:deep;1"].keys == ("contents", 1, "schema", "fields", 0, 0, "schema")
    # What the parser keeps under these ids is the same.
    nodes = dtdl.parse([model]).nodes
    assert all(identifier in nodes for identifier in found)


def test_members_by_identifier_are_found() -> None:
    model = interface(**{"dtmi:dtdl:property:schemas;3": enum("a", **{"@id": A})})
    assert one(model).digest == one(interface(schemas=[enum("a", **{"@id": A})])).digest


def test_values_of_other_members_are_no_elements() -> None:
    assert definitions(interface(foo={"@id": A, "b": 1}, displayName={"@id": A, "en": "x"})) == ()


@pytest.mark.parametrize(
    ("schema", "same"),
    [
        (enum("b", "a"), True),
        (dict(reversed(enum("a", "b").items())), True),
        (enum("a", "b", **{"@type": ["Enum"]}), True),
        (enum("a", "c"), False),
        (enum("a"), False),
        (enum("a", "b", comment="x"), False),
        (enum("a", "b", **{"@context": V3}), True),
        (enum("a", "b", **{"@context": "dtmi:dtdl:context;2"}), False),
    ],
)
def test_order_and_layout_make_no_other_definition(schema: dict[str, Any], same: bool) -> None:
    first = one(interface(schemas=[enum("a", "b", **{"@id": A})]))
    second = one(interface(schemas=[schema | {"@id": A}]))
    assert (first.digest == second.digest) is same


def test_the_version_of_the_model_makes_another_definition() -> None:
    schemas = [enum("a", **{"@id": A})]
    assert one(interface(schemas=schemas)) != one(interface(schemas=schemas, context=V4))


def test_deep_definitions_in_definitions_take_no_long() -> None:
    schema = {"@id": "dtmi:x:s0;1", **enum(*(f"v{n}" for n in range(5000)))}
    for n in range(1, 25):
        field = {"name": "f", "schema": schema}
        schema = {"@id": f"dtmi:x:s{n};1", "@type": "Object", "fields": [field]}
    start = time.perf_counter()
    assert len(definitions(interface(prop(schema=schema)))) == 25
    assert time.perf_counter() - start < 2
