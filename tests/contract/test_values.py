"""What a property of each schema takes and refuses, by PUT and by PATCH alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .client import Unchanged, assert_empty, assert_error, assert_json, details
from .models import EVERY, EVERY_SCHEMA, OBJ, twin_of

if TYPE_CHECKING:
    from .client import Api

PATH = "/digitaltwins/V"
INT_MAX, LONG_MAX = 2**31 - 1, 2**63 - 1

RING = [[0, 0], [1, 0], [1, 1], [0, 0]]


def _geometry(kind: str, coordinates: Any) -> dict[str, Any]:
    return {"type": kind, "coordinates": coordinates}


ACCEPTED: dict[str, list[Any]] = {
    "p_boolean": [True, False],
    "p_integer": [0, -1, INT_MAX, -INT_MAX - 1],
    "p_long": [0, LONG_MAX, -LONG_MAX - 1, 2**53 + 1],
    "p_float": [0, 1.5, -3, 3.4e38],
    "p_double": [68, 21.5, -0.25, 1.7e308, 5e-324, 2**53],
    "p_string": ["", "text", "ünïcödé 🏢", 'quote " and \\ and \n', "x" * 4096],
    "p_date": ["2023-06-01", "2024-02-29"],
    "p_dateTime": [
        "2023-06-01T20:30:51",
        "2023-06-01T20:30:51Z",
        "2023-06-01T20:30:51.123456789Z",
        "2023-06-01T20:30:51+02:00",
        "2023-06-01T20:30:51.5-14:00",
    ],
    "p_time": ["20:30:51Z", "00:00:00.25+05:30"],
    "p_duration": ["PT1H30M", "P1DT2S", "P1Y2M3DT4H5M6S", "PT1.5S", "P2W"],
    "p_enumText": ["one", "two"],
    "p_enumNumber": [1, 2],
    "p_object": [{}, {"text": "x"}, {"inner": {}}, {"text": "x", "inner": {"flag": True}}],
    "p_map": [{}, {"a": 1}, {"a": 1, "a b.c/d": 2, "ü": 3}],
    "p_array": [[], [1], [3, 1, 2, 1]],
    "p_readOnly": ["written all the same"],
    "g_point": [_geometry("Point", [1, 2]), _geometry("Point", [1.5, 2.5, 3])],
    "g_multiPoint": [_geometry("MultiPoint", [[1, 2], [3, 4]])],
    "g_lineString": [_geometry("LineString", [[1, 2], [3, 4]])],
    "g_multiLineString": [_geometry("MultiLineString", [[[1, 2], [3, 4]]])],
    "g_polygon": [_geometry("Polygon", [RING])],
    "g_multiPolygon": [_geometry("MultiPolygon", [[RING]])],
}

REFUSED: dict[str, list[Any]] = {
    "p_boolean": ["true", 0, 1, None, [True], {}],
    "p_integer": [5.5, INT_MAX + 1, -INT_MAX - 2, "5", True, None, [5], {}],
    "p_long": [5.5, LONG_MAX + 1, -LONG_MAX - 2, "5", True, None],
    "p_float": ["1.5", 3.5e38, True, None, []],
    "p_double": ["68", "NaN", "INF", False, None, {}],
    "p_string": [7, True, None, ["x"], {"x": "y"}],
    "p_date": ["2023-6-1", "2023-02-29", "2023-06-01Z", "2023-06-01T00:00:00Z", "", 20230601, None],
    "p_dateTime": [
        "2023-06-01",
        "2023-06-01 20:30:51Z",
        "2023-06-01T20:30Z",
        "2023-13-01T20:30:51Z",
        "2023-02-30T20:30:51Z",
        "2023-06-01T24:00:00Z",
        "2023-06-01T20:60:00Z",
        "now",
        1685651451,
        None,
    ],
    "p_time": ["25:00:00Z", "20:61:00Z", "20:30Z", "8pm", 20, None],
    "p_duration": ["1h", "P", "PT", "", "P1H", "-PT1S", "PT1.5H30M", "pt1s", 3600, None],
    "p_enumText": ["First", "One", "three", 1, None],
    "p_enumNumber": ["First", "1", 3, 1.5, True, None],
    "p_object": [[], "x", None, {"other": 1}, {"text": 1}, {"Text": "x"}, {"inner": {"flag": "x"}}],
    "p_map": [[], "x", None, {"a": "x"}, {"a": 1, "b": 1.5}, {"a": None}],
    "p_array": [{}, 1, "1", None, ["1"], [1, None], [[1]], [1.5]],
    "p_readOnly": [1],
    "g_point": [_geometry("point", [1, 2]), _geometry("Point", [[1, 2]]), [1, 2], "POINT(1 2)"],
    "g_multiPoint": [_geometry("MultiPoint", [1, 2]), _geometry("Point", [[1, 2]])],
    "g_lineString": [_geometry("LineString", [1, 2]), _geometry("lineString", [[1, 2], [3, 4]])],
    "g_multiLineString": [_geometry("MultiLineString", [[1, 2]])],
    "g_polygon": [_geometry("Polygon", RING), _geometry("Polygon", [[["0", "0"]]]), None],
    "g_multiPolygon": [_geometry("MultiPolygon", [RING]), _geometry("Polygon", [[RING]])],
}

RAW_REFUSED = [
    ("p_integer", b"5.0"),
    ("p_integer", b"1e3"),
    ("p_long", b"5.0"),
    ("p_enumNumber", b"1.0"),
]
OUT_OF_RANGE = [("p_double", b"1e400"), ("p_double", b"-1e400"), ("p_float", b"1e39")]


def _cases(table: dict[str, list[Any]]) -> list[Any]:
    return [
        pytest.param(name, value, id=f"{name}-{number}")
        for name, values in table.items()
        for number, value in enumerate(values)
    ]


def _spelled(name: str) -> str:
    """The schema as an error names it."""
    return name.split("_")[1]


@pytest.fixture
def valued(api: Api) -> Api:
    """A graph with the model that has every schema and its twin `V` without properties."""
    api.add_models(EVERY_SCHEMA)
    api.add_twin("V", twin_of(EVERY))
    return api


@pytest.mark.parametrize(("name", "value"), _cases(ACCEPTED))
def test_a_conforming_value_is_stored_as_it_was_written(valued: Api, name: str, value: Any) -> None:
    twin = valued.add_twin("V", twin_of(EVERY, **{name: value}))
    assert twin[name] == value
    assert type(twin[name]) is type(value)
    now = twin["$metadata"]["$lastUpdateTime"]
    assert twin["$metadata"][name] == {"lastUpdateTime": now}
    again = [{"op": "replace", "path": f"/{name}", "value": value}]
    assert_empty(valued.patch(PATH, again), etag=True)
    assert valued.twin("V")[name] == value


@pytest.mark.parametrize(("name", "value"), _cases(REFUSED))
def test_a_value_that_does_not_conform_is_refused(valued: Api, name: str, value: Any) -> None:
    with Unchanged(valued, PATH):
        response = valued.put(PATH, twin_of(EVERY, **{name: value}))
        assert details(assert_error(response, 400, "ValidationFailed"))
        change = [{"op": "add", "path": f"/{name}", "value": value}]
        assert_error(valued.patch(PATH, change), 400, "ValidationFailed")


@pytest.mark.parametrize("name", [f"p_{each}" for each in ("boolean", "integer", "long", "float")])
def test_a_wrong_type_is_told_in_the_recorded_form(valued: Api, name: str) -> None:
    response = valued.put(PATH, twin_of(EVERY, **{name: "text"}))
    error = assert_error(response, 400, "ValidationFailed")
    form = f"Expected value of type {_spelled(name)} for {name} on Twin."
    assert [each.startswith(form) for each in details(error)] == [True]


@pytest.mark.parametrize("name", [f"p_{each}" for each in ("string", "date", "dateTime", "time")])
def test_a_number_for_a_text_is_told_in_the_recorded_form(valued: Api, name: str) -> None:
    response = valued.put(PATH, twin_of(EVERY, **{name: 5}))
    error = assert_error(response, 400, "ValidationFailed")
    form = f"Expected value of type {_spelled(name)} for {name} on Twin."
    assert [each.startswith(form) for each in details(error)] == [True]


def _raw_twin(name: str, literal: bytes) -> bytes:
    return b'{"$metadata":{"$model":"%b"},"%b":%b}' % (EVERY.encode(), name.encode(), literal)


@pytest.mark.parametrize(("name", "literal"), RAW_REFUSED)
def test_an_integer_is_written_without_fraction_and_exponent(
    valued: Api, name: str, literal: bytes
) -> None:
    with Unchanged(valued, PATH):
        response = valued.put(PATH, raw=_raw_twin(name, literal))
        assert_error(response, 400, "ValidationFailed")


@pytest.mark.parametrize(("name", "literal"), OUT_OF_RANGE)
def test_a_number_that_overflows_is_refused(valued: Api, name: str, literal: bytes) -> None:
    codes = ("ValidationFailed", "InvalidArgument")  # some readers of JSON know no such number
    with Unchanged(valued, PATH):
        assert_error(valued.put(PATH, raw=_raw_twin(name, literal)), 400, codes)
        patch = b'[{"op":"add","path":"/%b","value":%b}]' % (name.encode(), literal)
        assert_error(valued.patch(PATH, raw=patch), 400, codes)


@pytest.mark.parametrize(
    ("name", "literal"),
    [
        ("p_double", b"68"),
        ("p_double", b"21.5"),
        ("p_long", b"9223372036854775807"),
        ("p_long", b"-9223372036854775808"),
        ("p_long", b"9007199254740993"),
    ],
)
def test_a_number_keeps_its_digits_on_the_wire(valued: Api, name: str, literal: bytes) -> None:
    stored = valued.put(PATH, raw=_raw_twin(name, literal))
    assert_json(stored)
    written = b'"%b":%b' % (name.encode(), literal)
    for response in (stored, valued.get(PATH), valued.query("SELECT * FROM digitaltwins")):
        assert written in response.content.replace(b" ", b"")


def test_an_integer_beyond_64_bits_is_a_double_all_the_same(valued: Api) -> None:
    twin = assert_json(valued.put(PATH, raw=_raw_twin("p_double", b"36893488147419103232")))
    assert float(twin["p_double"]) == 2.0**65


@pytest.mark.parametrize("literal", [b'{"$a":1}', b'{"inner":{"$metadata":{}}}'])
def test_dollar_names_inside_objects_are_refused(valued: Api, literal: bytes) -> None:
    with Unchanged(valued, PATH):
        response = valued.put(PATH, raw=_raw_twin("p_object", literal))
        assert_error(response, 400, "ValidationFailed")


def test_every_schema_fits_into_one_twin(valued: Api) -> None:
    body = {name: values[-1] for name, values in ACCEPTED.items()}
    twin = valued.add_twin("V", twin_of(EVERY, **body))
    assert {name: twin[name] for name in body} == body
    assert set(twin["$metadata"]) == {"$model", "$lastUpdateTime", *body}


def test_all_wrong_values_are_reported_together(valued: Api) -> None:
    body = {name: values[0] for name, values in REFUSED.items()}
    response = valued.put(PATH, twin_of(EVERY, **body))
    error = assert_error(response, 400, "ValidationFailed")
    assert len(details(error)) >= len(body)
    for name in body:
        assert any(name in each for each in details(error)), name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("i", 2147483648),
        ("e", "Name"),
        ("d", "2023-6-1"),
        ("du", "1h"),
        ("m", {"k": "x"}),
        ("o", {"z": "q"}),
    ],
)
def test_T_35_values_outside_their_schema_are_refused(
    api: Api, twin_o: Any, name: str, value: Any
) -> None:
    with Unchanged(api, "/digitaltwins/O1"):
        response = api.put("/digitaltwins/O1", twin_of(OBJ, **{name: value}))
        assert_error(response, 400, "ValidationFailed")


def test_T_36_an_object_and_a_map_have_one_metadata_entry_each(api: Api, model_o: Any) -> None:
    twin = api.add_twin("O1", twin_of(OBJ, o={"a": "x"}, m={}))
    assert (twin["o"], twin["m"]) == ({"a": "x"}, {})
    now = twin["$metadata"]["$lastUpdateTime"]
    assert twin["$metadata"] == {
        "$model": OBJ,
        "$lastUpdateTime": now,
        "o": {"lastUpdateTime": now},
        "m": {"lastUpdateTime": now},
    }
