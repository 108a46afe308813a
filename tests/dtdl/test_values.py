"""Compiled interfaces: what a twin may contain, and what is said of one that breaks its model."""

from __future__ import annotations

from typing import Any

import pytest

from kastor import dtdl
from kastor.dtdl import ValueRules, Violation

from .problem_examples import V4, enum, fields, interface, prop

ROOM = "dtmi:com:example:Room;1"
POINT = "dtmi:standard:schema:geospatial:point;3"
POLYGON = "dtmi:standard:schema:geospatial:polygon;3"
EMPTY = dtdl.parse([interface()])


def mapping(value: Any, **members: Any) -> dict[str, Any]:
    return {
        "@type": "Map",
        "mapKey": {"name": "k", "schema": "string"},
        "mapValue": {"name": "v", "schema": value},
        **members,
    }


@pytest.fixture(scope="module")
def models() -> dtdl.ModelSet:
    part = interface(
        prop("x"), {"@type": "Telemetry", "name": "t", "schema": "double"}, name="Part"
    )
    return dtdl.parse(
        [
            [
                part,
                interface(
                    prop("size"),
                    prop("count", "integer"),
                    prop(
                        "state", enum({"name": "a", "enumValue": 1}, {"name": "b", "enumValue": 3})
                    ),
                    prop("codes", {"@type": "Array", "elementSchema": "integer"}),
                    prop("tags", mapping("string")),
                    prop(
                        "o",
                        fields(
                            {"name": "z", "schema": "string"}, {"name": "y", "schema": "double"}
                        ),
                    ),
                    {"@type": "Component", "name": "part", "schema": "dtmi:com:example:Part;1"},
                    {
                        "@type": "Relationship",
                        "name": "near",
                        "target": ROOM,
                        "properties": [prop("since", "date")],
                    },
                    {"@type": "Command", "name": "reset"},
                    {"@type": "Telemetry", "name": "level", "schema": "double"},
                ),
            ]
        ]
    )


def violations(models: dtdl.ModelSet, **members: Any) -> list[Violation]:
    document = {"$dtId": "a", "$metadata": {}, "part": {"$metadata": {}}} | members
    return dtdl.compile_interface(models, ROOM).violations(document)


def test_a_twin_that_fits(models: dtdl.ModelSet) -> None:
    assert (
        violations(
            models,
            size=1,
            count=2,
            state=3,
            codes=[1, 2],
            tags={"a": "b", "$c": "d", "": "e"},
            o={"z": "s"},
            part={"$metadata": 5, "x": 2.5},
        )
        == []
    )
    assert violations(models) == []


def test_all_violations_come_together(models: dtdl.ModelSet) -> None:
    found = violations(
        models,
        size="1",
        count=1.0,
        state=2,
        codes=[1, "2", None],
        tags={"a": 1},
        o={"z": 1, "w": 2},
        near=1,
        reset=1,
        level=1.0,
        other=1,
        part={"x": True, "t": 1.0, "q": 1},
    )
    assert [(v.kind, v.path, v.expected) for v in found] == [
        ("wrong_type", ("part", "x"), "double"),
        ("not_a_property", ("part", "t"), "Telemetry"),
        ("unknown", ("part", "q"), ""),
        ("wrong_type", ("size",), "double"),
        ("wrong_type", ("count",), "integer"),
        ("wrong_type", ("state",), "enum"),
        ("wrong_type", ("codes", 1), "integer"),
        ("wrong_type", ("codes", 2), "integer"),
        ("wrong_type", ("tags", "a"), "string"),
        ("wrong_type", ("o", "z"), "string"),
        ("wrong_type", ("o", "w"), "object"),
        ("not_a_property", ("near",), "Relationship"),
        ("not_a_property", ("reset",), "Command"),
        ("not_a_property", ("level",), "Telemetry"),
        ("unknown", ("other",), ""),
    ]
    assert all(v.detail for v in found)


def test_details_are_exact(models: dtdl.ModelSet) -> None:
    def detail(**members: Any) -> str:
        [violation] = violations(models, **members)
        return violation.detail

    assert detail(state=2) == "must be one of 1, 3"
    assert detail(count=2**31) == "integer out of the range -2147483648..2147483647"
    assert detail(count=1.0) == "must be an integer, written without fraction or exponent"
    assert detail(size=None).startswith("null conforms to no schema")
    assert detail(codes=1) == "must be an array, not an integer"
    assert detail(o=[]) == "must be an object, not an array"
    assert detail(part=[]) == "must be an object, not an array"


def test_components_must_be_there(models: dtdl.ModelSet) -> None:
    found = dtdl.compile_interface(models, ROOM).violations({"size": 1})
    assert found == [
        Violation("missing_component", ("part",), "Component", "the component is missing")
    ]
    assert violations(models, part=None)[0].kind == "not_an_object"


def test_relationships(models: dtdl.ModelSet) -> None:
    compiled = dtdl.compile_interface(models, ROOM).relationships["near"]
    assert (compiled.name, compiled.target) == ("near", ROOM)
    assert compiled.violations({"$relationshipId": "r", "since": "2024-02-29"}) == []
    found = compiled.violations({"since": "2023-02-29", "other": 1})
    assert [(v.kind, v.path, v.expected) for v in found] == [
        ("wrong_type", ("since",), "date"),
        ("unknown", ("other",), ""),
    ]
    assert models.validate_relationship(ROOM, "near", {"since": "2024-01-01"}) == []


def test_the_methods_of_a_model_set(models: dtdl.ModelSet) -> None:
    assert models.validate_twin(ROOM, {"part": {}}) == []
    assert models.validate_component(ROOM, "part", {"x": "1"})[0].path == ("x",)
    assert models.validate_value("dtmi:com:example:Room:_contents:__codes;1", [1, 2]) == []
    for method, arguments in (
        (models.validate_twin, ("dtmi:x:y;1", {})),
        (models.validate_component, (ROOM, "other", {})),
        (models.validate_relationship, (ROOM, "other", {})),
        (models.validate_value, (ROOM, {})),
        (models.validate_value, ("dtmi:x:y;1", {})),
        (models.validate_json, ("dtmi:x:y;1", "1")),
    ):
        with pytest.raises(KeyError):
            method(*arguments)


def test_compiled_once_per_rules(models: dtdl.ModelSet) -> None:
    assert dtdl.compile_interface(models, ROOM) is dtdl.compile_interface(models, ROOM)
    lenient = ValueRules(zone_optional=True)
    assert dtdl.compile_interface(models, ROOM, lenient) is not dtdl.compile_interface(models, ROOM)


def test_a_property_check_is_a_predicate(models: dtdl.ModelSet) -> None:
    check = dtdl.compile_interface(models, ROOM).properties["size"]
    assert check(1.5)
    assert not check("1.5")
    assert check.schema == "double"
    assert check.explain(1.5, ("size",)) == []


# --- primitive schemas ------------------------------------------------------------------------

GOOD: dict[str, list[Any]] = {
    "boolean": [True, False],
    "integer": [0, -(2**31), 2**31 - 1],
    "long": [-(2**63), 2**63 - 1],
    "double": [0, 1.5, -1e308, 10**308],
    "float": [0, 1.5, 3.4028234e38, 10**38],
    "string": ["", "x" * 10000],
    "date": ["2024-02-29", "0001-01-01", "9999-12-31"],
    "dateTime": ["2024-02-29T23:59:59Z", "2024-02-29T00:00:00.123456789+14:00"],
    "time": ["00:00:00Z", "23:59:59.5-13:59"],
    "duration": ["P1Y", "P1Y2M3DT4H5M6.5S", "P2W", "PT0S", "P1.5D"],
    "byte": [-128, 127],
    "short": [-32768, 32767],
    "unsignedByte": [0, 255],
    "unsignedShort": [0, 65535],
    "unsignedInteger": [0, 2**32 - 1],
    "unsignedLong": [0, 2**64 - 1],
    "decimal": ["0", "+1.50", "-123456789012345678901234567890"],
    "uuid": ["F1C43C38-aeae-4b7b-9fdc-e36f8b015b99"],
    "bytes": ["", "QUJD", "QUI=", "QQ=="],
}
BAD: dict[str, list[Any]] = {
    "boolean": [0, 1, "true"],
    "integer": [2**31, -(2**31) - 1, 1.0, "1", True],
    "long": [2**63, 1e3, "1"],
    "double": ["1", "NaN", float("inf"), float("nan"), 10**309, True],
    "float": ["1", 3.5e38, -3.5e38, 10**39, float("nan"), False],
    "string": [1, True, [], {}],
    "date": ["2023-02-29", "2023-2-1", "2023-01-01Z", "0000-01-01", "2023-01-01\n", 1],
    "dateTime": [
        "2024-01-01T00:00:00", "2024-01-01 00:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01T00:00Z",
        "2024-01-01T00:00:60Z", "2024-01-01T00:00:00+14:01", "2024-13-01T00:00:00Z",
        "2024-01-01T00:00:00+01:60",
    ],
    "time": ["00:00:00", "24:00:00Z", "00:60:00Z", "00:00Z", "00:00:00+15:00"],
    "duration": ["P", "PT", "P1H", "-PT1S", "PT1.5H30M", "P1Y1W", "1D", "p1d"],
    "byte": [128, -129, 1.0],
    "short": [32768],
    "unsignedByte": [-1, 256],
    "unsignedShort": [-1, 65536],
    "unsignedInteger": [-1, 2**32],
    "unsignedLong": [-1, 2**64],
    "decimal": [1, 1.5, "01", ".5", "1e3", ""],
    "uuid": ["F1C43C38aeae4b7b9fdce36f8b015b99", "x"],
    "bytes": ["QUI", "QUJD\n", "QU-_", "Q==="],
}  # fmt: skip


def schema_id(name: str) -> str:
    old = name in {"boolean", "integer", "long", "double", "float", "string", "duration"}
    old = old or name in {"date", "dateTime", "time"}
    return f"dtmi:dtdl:instance:Schema:{name};{2 if old else 4}"


@pytest.mark.parametrize("name", sorted(GOOD))
def test_primitive_values(name: str) -> None:
    for value in GOOD[name]:
        assert EMPTY.validate_value(schema_id(name), value) == [], value
    for value in [*BAD[name], None]:
        [found] = EMPTY.validate_value(schema_id(name), value)
        assert (found.kind, found.path, found.expected) == ("wrong_type", (), name)
        assert found.detail


def test_later_ids_of_primitive_schemas_are_the_same() -> None:
    assert EMPTY.validate_value("dtmi:dtdl:instance:Schema:double;4", 1.5) == []


def test_json_texts_keep_what_decoding_hides() -> None:
    unsigned, signed = schema_id("unsignedByte"), schema_id("byte")
    assert EMPTY.validate_json(signed, "-0") == []
    assert EMPTY.validate_json(unsigned, "-0") != []
    assert EMPTY.validate_json(schema_id("double"), "1e400") != []
    assert EMPTY.validate_json(schema_id("double"), "NaN") != []
    assert EMPTY.validate_json(schema_id("double"), b" 1 ") == []
    for text in ("", "{", "[" * 100_000, "1" * 5000):
        assert EMPTY.validate_json(schema_id("double"), text) != []


# --- rules ------------------------------------------------------------------------------------


def test_times_may_stand_without_a_zone() -> None:
    rules = ValueRules(zone_optional=True)
    assert EMPTY.validate_value(schema_id("time"), "12:00:00") != []
    assert EMPTY.validate_value(schema_id("time"), "12:00:00", rules) == []
    [found] = EMPTY.validate_value(schema_id("time"), "x", rules)
    assert "zone" not in found.detail
    assert EMPTY.validate_value(schema_id("dateTime"), "2024-01-01T12:00:00") != []
    assert EMPTY.validate_value(schema_id("dateTime"), "2024-01-01T12:00:00", rules) == []
    [found] = EMPTY.validate_value(schema_id("dateTime"), "2024-01-01", rules)
    assert "zone" not in found.detail


def test_keys_of_maps() -> None:
    models = dtdl.parse([interface(schemas=[mapping("string", **{"@id": "dtmi:a:m;1"})])])
    value = {"$a": "x", "": "y", "b": 1}
    assert [v.path for v in models.validate_value("dtmi:a:m;1", value)] == [("b",)]
    strict = ValueRules(dollar_keys=False, empty_keys=False)
    found = models.validate_value("dtmi:a:m;1", value, strict)
    assert [v.path for v in found] == [("$a",), ("",), ("b",)]


def test_length_of_strings_in_bytes() -> None:
    rules = ValueRules(max_string_bytes=8)
    assert EMPTY.validate_value(schema_id("string"), "ä" * 4, rules) == []
    [found] = EMPTY.validate_value(schema_id("string"), "ä" * 4 + "x", rules)
    assert found.detail == "longer than 8 bytes in UTF-8"


RING = [[0, 0], [1, 0], [1, 1], [0, 0]]


def test_geojson_beyond_the_schema() -> None:
    rules = ValueRules(closed_rings=True)
    good = {"type": "Polygon", "coordinates": [RING]}
    open_ring = {"type": "Polygon", "coordinates": [RING[:3]]}
    wide = {"type": "Point", "coordinates": [1, 2, 3, 4]}
    for identifier, value in ((POLYGON, open_ring), (POINT, wide)):
        assert EMPTY.validate_value(identifier, value) == []
        assert EMPTY.validate_value(identifier, value, rules) != []
    assert EMPTY.validate_value(POLYGON, good, rules) == []
    assert EMPTY.validate_value(POLYGON, {}, rules) == []
    several = {"type": "MultiPolygon", "coordinates": [[RING], [RING[:3]]]}
    identifier = "dtmi:standard:schema:geospatial:multiPolygon;3"
    assert EMPTY.validate_value(identifier, several, rules) != []
    assert EMPTY.validate_value(POINT, {"type": "Polygon", "coordinates": []}, rules) != []


# --- recursive schemas (DTDL 4) ---------------------------------------------------------------


@pytest.fixture(scope="module")
def recursive() -> dtdl.ModelSet:
    tree = fields(
        {"name": "label", "schema": "string"},
        {"name": "children", "schema": {"@type": "Array", "elementSchema": "dtmi:a:tree;1"}},
        **{"@id": "dtmi:a:tree;1"},
    )
    return dtdl.parse([interface(prop("root", "dtmi:a:tree;1"), schemas=[tree], context=V4)])


def test_a_schema_may_contain_itself(recursive: dtdl.ModelSet) -> None:
    value: Any = {"label": "a", "children": [{"label": "b", "children": []}, {}]}
    assert recursive.validate_value("dtmi:a:tree;1", value) == []
    value["children"][0]["children"].append({"label": 5})
    [found] = recursive.validate_value("dtmi:a:tree;1", value)
    assert found.path == ("children", 0, "children", 0, "label")
    assert found.detail == "must be a string, not an integer"


def test_deep_values_of_recursive_schemas_are_refused(recursive: dtdl.ModelSet) -> None:
    value: dict[str, Any] = {}
    for _ in range(50_000):
        value = {"children": [value]}
    found = recursive.validate_twin(ROOM, {"root": value})
    assert found
    assert "nested deeper" in found[0].detail
    # And the next value is not touched by it.
    assert recursive.validate_value("dtmi:a:tree;1", {"label": "a"}) == []
