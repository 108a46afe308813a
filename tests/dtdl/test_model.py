"""The typed elements of a model set, and what the diagrams and descriptions make of them."""

from __future__ import annotations

import dataclasses

import pytest

from kastor import dtdl
from kastor.dtdl import model
from kastor.dtdl.describe import describe
from kastor.dtdl.diagram import as_dot, as_mermaid, edges

from .problem_examples import UNITS, enum, fields, interface, prop, relationship

ROOM, SPACE = "dtmi:com:example:Room;1", "dtmi:com:example:Space;1"


@pytest.fixture(scope="module")
def models():
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


def test_an_interface_has_what_it_inherits(models):
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


def test_families(models):
    assert models.subtypes(SPACE) == {ROOM, SPACE}
    assert models.supertypes(SPACE) == {SPACE}
    for method in (models.subtypes, models.supertypes, models.element):
        with pytest.raises(KeyError):
            method("dtmi:x:y;1")
    with pytest.raises(KeyError):
        models.interfaces["dtmi:com:example:o;1"]


def test_properties(models):
    area = models.interfaces[SPACE].properties["area"]
    assert (area.kind, area.name, area.dtdl_version, area.writable) == ("Property", "area", 3, None)
    assert area.display_name == {"en": "Area", "de": "Fläche"}
    assert area.cotypes == ("Area",)
    assert area.cotype_properties == {
        "unit": "dtmi:dtdl:extension:quantitativeTypes:v1:unit:squareMetre"
    }
    assert area.schema.name == "double"
    assert models.interfaces[ROOM].properties["state"].writable is True


def test_schemas(models):
    room = models.interfaces[ROOM]
    state = room.properties["state"].schema
    assert [(v.name, v.value) for v in state.values] == [("a", 1), ("b", 2)]
    tags = room.properties["tags"].schema
    assert (tags.key.name, tags.value.name) == ("k", "v")
    assert tags.value.schema.element_schema.name == "long"
    assert models.elements["dtmi:com:example:o;1"].schema.fields["x"].schema.name == "double"


def test_other_contents(models):
    room = models.interfaces[ROOM]
    part_of = room.relationships["partOf"]
    assert (part_of.target, part_of.min_multiplicity, part_of.max_multiplicity) == (SPACE, 0, 3)
    assert part_of.properties["since"].schema.name == "date"
    assert room.relationships["leadsTo"].target is None
    assert room.components["lamp"].schema.id == "dtmi:com:example:Lamp;1"
    reset = room.commands["reset"]
    assert (reset.command_type, reset.request.name, reset.response) == (
        "synchronous",
        "after",
        None,
    )
    assert reset.request.schema.name == "duration"
    assert room.telemetries["level"].comment == "once a minute"
    assert room.telemetries["level"].schema.name == "double"


def test_automatic_ids(models):
    assert "dtmi:com:example:Room:_contents:__tags:_schema:_mapValue:_schema;1" in models.elements


def test_standard_elements_can_be_looked_up(models):
    assert "dtmi:dtdl:instance:Schema:double;4" in models.elements
    point = models.elements["dtmi:standard:schema:geospatial:point;3"]
    assert set(point.fields) == {"type", "coordinates"}
    unit = models.elements["dtmi:standard:unit:metre;2"]
    assert (unit.kind, unit.defined_in) == ("Unit", None)
    assert "dtmi:standard:unit:metre;2" not in set(models.elements)
    assert "dtmi:dtdl:instance:Schema:other;2" not in models.elements


def test_elements_are_immutable_and_the_same_each_time(models):
    room = models.interfaces[ROOM]
    assert models.interfaces[ROOM] is room
    with pytest.raises(dataclasses.FrozenInstanceError):
        room.comment = "x"
    with pytest.raises(TypeError):
        room.contents["x"] = None


def test_every_element_of_every_kind_can_be_made(models):
    made = {type(models.elements[identifier]) for identifier in models.elements}
    assert {model.Interface, model.Map, model.MapKey, model.EnumValue, model.Field} <= made
    assert len(list(models.elements)) == len(models.elements)


# --- pictures and words -----------------------------------------------------------------------


def test_edges_are_drawn_where_they_are_defined(models):
    found = {(e.kind, e.source, e.target, e.label) for e in edges(models)}
    assert found == {
        ("extends", ROOM, SPACE, "extends"),
        ("relationship", ROOM, "any", "leadsTo"),
        ("relationship", SPACE, SPACE, "partOf"),
        ("component", ROOM, "dtmi:com:example:Lamp;1", "lamp"),
    }


def test_mermaid(models):
    lines = as_mermaid(models).splitlines()
    assert lines[0] == "flowchart BT"
    assert '  n0["Room;1"]' in lines
    assert '  n0 -->|"extends"| n1' in lines
    assert '  n0 ==>|"lamp"| n2' in lines


def test_dot(models):
    text = as_dot(models)
    assert text.startswith("digraph models {")
    assert text.endswith("}")
    assert "  n0 -> n1 [arrowhead=empty];" in text.splitlines()
    assert '  n3 [label="any", style=dotted];' in text.splitlines()


def test_describe_an_interface(models):
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


def test_describe_other_elements(models):
    text = describe(models, "dtmi:com:example:Space:_contents:__area;1")
    assert "display name (de): Fläche" in text
    assert "schema: double" in text
    assert f"defined in {SPACE}" in text
    assert "Enum" in describe(models, "dtmi:com:example:Room:_contents:__state:_schema;1")
    with pytest.raises(KeyError):
        describe(models, "dtmi:x:y;1")
