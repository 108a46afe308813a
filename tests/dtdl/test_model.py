"""The typed elements of a model set, and what the diagrams and descriptions make of them."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

import pytest

from kastor import dtdl
from kastor.dtdl import model
from kastor.dtdl.describe import describe
from kastor.dtdl.diagram import as_dot, as_mermaid, edges

from .problem_examples import UNITS, enum, fields, interface, prop, relationship

ROOM, SPACE = "dtmi:com:example:Room;1", "dtmi:com:example:Space;1"


E = TypeVar("E", bound=dtdl.Element)


def is_a(kind: type[E], element: dtdl.Element | None) -> E:
    assert isinstance(element, kind)
    return element


@pytest.fixture(scope="module")
def models() -> dtdl.ModelSet:
    space = interface(
        prop("area", unit="squareMetre", displayName={"en": "Area", "de": "Fläche"},
             **{"@type": ["Property", "Area"]}),
        relationship(name="partOf", target=SPACE, minMultiplicity=0, maxMultiplicity=3,
                     properties=[prop("since", "date")]),
        context=UNITS, name="Space", description="A part of a building",
    )  # fmt: skip
    room = interface(
        prop("state", enum({"name": "a", "enumValue": 1}, {"name": "b", "enumValue": 2}), writable=True),
        prop("tags", {
            "@type": "Map",
            "mapKey": {"name": "k", "schema": "string"},
            "mapValue": {"name": "v", "schema": {"@type": "Array", "elementSchema": "long"}},
        }),
        prop("o", fields({"name": "x", "schema": "double"}), **{"@id": "dtmi:com:example:o;1"}),
        {"@type": "Telemetry", "name": "level", "schema": "double", "comment": "once a minute"},
        {"@type": "Component", "name": "lamp", "schema": "dtmi:com:example:Lamp;1"},
        {"@type": "Command", "name": "reset", "commandType": "synchronous",
         "request": {"name": "after", "schema": "duration"}},
        relationship(),
        extends=SPACE,
    )  # fmt: skip
    return dtdl.parse([[room, space, interface(prop("on", "boolean"), name="Lamp")]])


def test_an_interface_has_what_it_inherits(models: dtdl.ModelSet) -> None:
    room = models.interfaces[ROOM]
    assert isinstance(room, dtdl.Interface)
    assert room.extends == (SPACE,)
    assert room.supertypes == {ROOM, SPACE}
    assert set(room.properties) == {"state", "tags", "o", "area"}
    assert set(room.telemetries) == {"level"}
    assert set(room.relationships) == {"leadsTo", "partOf"}
    assert set(room.components) == {"lamp"}
    assert set(room.commands) == {"reset"}
    assert room.contents["area"].defined_in == SPACE


def test_families(models: dtdl.ModelSet) -> None:
    assert models.subtypes(SPACE) == {ROOM, SPACE}
    assert models.supertypes(SPACE) == {SPACE}
    for method in (models.subtypes, models.supertypes, models.element):
        with pytest.raises(KeyError):
            method("dtmi:x:y;1")
    with pytest.raises(KeyError):
        models.interfaces["dtmi:com:example:o;1"]


def test_properties(models: dtdl.ModelSet) -> None:
    area = models.interfaces[SPACE].properties["area"]
    assert (area.kind, area.name, area.dtdl_version, area.writable) == ("Property", "area", 3, None)
    assert area.display_name == {"en": "Area", "de": "Fläche"}
    assert area.cotypes == ("Area",)
    assert area.cotype_properties == {
        "unit": "dtmi:dtdl:extension:quantitativeTypes:v1:unit:squareMetre"
    }
    assert is_a(model.PrimitiveSchema, area.schema).name == "double"
    assert models.interfaces[ROOM].properties["state"].writable is True


def test_schemas(models: dtdl.ModelSet) -> None:
    room = models.interfaces[ROOM]
    state = is_a(model.Enum, room.properties["state"].schema)
    assert [(v.name, v.value) for v in state.values] == [("a", 1), ("b", 2)]
    tags = is_a(model.Map, room.properties["tags"].schema)
    assert (tags.key.name, tags.value.name) == ("k", "v")
    array = is_a(model.Array, tags.value.schema)
    assert is_a(model.PrimitiveSchema, array.element_schema).name == "long"
    o = is_a(model.Property, models.elements["dtmi:com:example:o;1"])
    x = is_a(model.Object, o.schema).fields["x"]
    assert is_a(model.PrimitiveSchema, x.schema).name == "double"


def test_other_contents(models: dtdl.ModelSet) -> None:
    room = models.interfaces[ROOM]
    part_of = room.relationships["partOf"]
    assert (part_of.target, part_of.min_multiplicity, part_of.max_multiplicity) == (SPACE, 0, 3)
    assert is_a(model.PrimitiveSchema, part_of.properties["since"].schema).name == "date"
    assert room.relationships["leadsTo"].target is None
    assert room.components["lamp"].schema.id == "dtmi:com:example:Lamp;1"
    reset = room.commands["reset"]
    assert reset.request is not None
    assert (reset.command_type, reset.request.name, reset.response) == (
        "synchronous",
        "after",
        None,
    )
    assert is_a(model.PrimitiveSchema, reset.request.schema).name == "duration"
    level = room.telemetries["level"]
    assert level.comment == "once a minute"
    assert is_a(model.PrimitiveSchema, level.schema).name == "double"


def test_automatic_ids(models: dtdl.ModelSet) -> None:
    assert "dtmi:com:example:Room:_contents:__tags:_schema:_mapValue:_schema;1" in models.elements


def test_standard_elements_can_be_looked_up(models: dtdl.ModelSet) -> None:
    assert "dtmi:dtdl:instance:Schema:double;4" in models.elements
    point = is_a(model.Object, models.elements["dtmi:standard:schema:geospatial:point;3"])
    assert set(point.fields) == {"type", "coordinates"}
    unit = models.elements["dtmi:standard:unit:metre;2"]
    assert (unit.kind, unit.defined_in) == ("Unit", None)
    assert "dtmi:standard:unit:metre;2" not in set(models.elements)
    assert "dtmi:dtdl:instance:Schema:other;2" not in models.elements


def test_elements_are_immutable_and_the_same_each_time(models: dtdl.ModelSet) -> None:
    room = models.interfaces[ROOM]
    assert models.interfaces[ROOM] is room
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(room, "comment", "x")  # noqa: B010 - a type checker refuses the plain form
    contents: Any = room.contents
    with pytest.raises(TypeError):
        contents["x"] = None


def test_every_element_of_every_kind_can_be_made(models: dtdl.ModelSet) -> None:
    made = {type(models.elements[identifier]) for identifier in models.elements}
    assert {model.Interface, model.Map, model.MapKey, model.EnumValue, model.Field} <= made
    assert len(list(models.elements)) == len(models.elements)


# --- pictures and words -----------------------------------------------------------------------


def test_edges_are_drawn_where_they_are_defined(models: dtdl.ModelSet) -> None:
    found = {(e.kind, e.source, e.target, e.label) for e in edges(models)}
    assert found == {
        ("extends", ROOM, SPACE, "extends"),
        ("relationship", ROOM, "any", "leadsTo"),
        ("relationship", SPACE, SPACE, "partOf"),
        ("component", ROOM, "dtmi:com:example:Lamp;1", "lamp"),
    }


def test_mermaid(models: dtdl.ModelSet) -> None:
    lines = as_mermaid(models).splitlines()
    assert lines[0] == "flowchart BT"
    assert '  n0["Room;1"]' in lines
    assert '  n0 -->|"extends"| n1' in lines
    assert '  n0 ==>|"lamp"| n2' in lines


def test_dot(models: dtdl.ModelSet) -> None:
    text = as_dot(models)
    assert text.startswith("digraph models {")
    assert text.endswith("}")
    assert "  n0 -> n1 [arrowhead=empty];" in text.splitlines()
    assert '  n3 [label="any", style=dotted];' in text.splitlines()


def test_describe_an_interface(models: dtdl.ModelSet) -> None:
    text = describe(models, ROOM)
    for part in (
        f"Interface {ROOM}",
        f"extends: {SPACE}",
        "enum 1 | 2",
        "map of array of long",
        "{x: double}",
        "takes after: duration",
        f"-> {SPACE} with since",
        "double in squareMetre, Area",
        f"from {SPACE}",
        "-> any model",
    ):
        assert part in text, part
    assert f"extended by: {ROOM}" in describe(models, SPACE)


def test_describe_other_elements(models: dtdl.ModelSet) -> None:
    text = describe(models, "dtmi:com:example:Space:_contents:__area;1")
    assert "display name (de): Fläche" in text
    assert "schema: double" in text
    assert f"defined in {SPACE}" in text
    assert "Enum" in describe(models, "dtmi:com:example:Room:_contents:__state:_schema;1")
    with pytest.raises(KeyError):
        describe(models, "dtmi:x:y;1")
