"""JSON Patch of twins: operations, paths, order and what may not be touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .client import Unchanged, assert_empty, assert_error, details, op
from .models import EVERY, EVERY_SCHEMA, building, twin_of

if TYPE_CHECKING:
    from .client import Api

T = "/digitaltwins/T"
K1 = "/digitaltwins/K1"
O1 = "/digitaltwins/O1"


def test_J_03_add_sets_an_unset_and_a_set_property(api: Api, model_m: Any) -> None:
    api.add_twin("T", building())
    for value in (1, 2):
        assert_empty(api.patch(T, [op("add", "/AverageTemperature", value)]), etag=True)
        assert api.twin("T")["AverageTemperature"] == value


@pytest.mark.parametrize("kind", ["replace", "remove"])
def test_J_04_J_05_replace_and_remove_need_a_set_property(
    api: Api, model_m: Any, kind: str
) -> None:
    api.add_twin("T", building())
    value = [1] if kind == "replace" else []
    with Unchanged(api, T):
        response = api.patch(T, [op(kind, "/AverageTemperature", *value)])
        error = assert_error(response, 400, "JsonPatchInvalid")
    assert "AverageTemperature" in error["message"]


@pytest.mark.parametrize("kind", ["replace", "remove"])
def test_replace_and_remove_of_an_undeclared_name_are_patch_errors(
    api: Api, twin_t: Any, kind: str
) -> None:
    with Unchanged(api, T):
        assert_error(api.patch(T, [op(kind, "/foo", 1)]), 400, "JsonPatchInvalid")


@pytest.mark.parametrize("kind", ["move", "copy", "test"])
def test_J_06_J_07_only_three_operations_are_known(api: Api, twin_t: Any, kind: str) -> None:
    operation = {
        **op(kind, "/AverageTemperature", 68),
        "from": "/AverageTemperature",
    }
    with Unchanged(api, T):
        assert_error(api.patch(T, [operation]), 400, "JsonPatchInvalid")


@pytest.mark.parametrize(
    "operation",
    [
        {},
        {"op": "", "path": "/AverageTemperature", "value": 1},
        {"op": "set", "path": "/AverageTemperature", "value": 1},
        {"op": None, "path": "/AverageTemperature", "value": 1},
        {"op": 5, "path": "/AverageTemperature", "value": 1},
        {"path": "/AverageTemperature", "value": 1},
        {"op": "add", "value": 1},
        {"op": "add", "path": None, "value": 1},
        {"op": "add", "path": 5, "value": 1},
        {"op": "add", "path": ["AverageTemperature"], "value": 1},
        {"op": "add", "path": "/AverageTemperature"},
        {"op": "replace", "path": "/AverageTemperature"},
    ],
)
def test_J_08_an_incomplete_operation_is_refused(api: Api, twin_t: Any, operation: Any) -> None:
    with Unchanged(api, T):
        assert_error(api.patch(T, [operation]), 400, "JsonPatchInvalid")


@pytest.mark.parametrize("body", [["x"], {"a": 1}, [5], [None], [[]], "x", 5, None, {}, [{}, "x"]])
def test_J_09_a_body_that_is_no_array_of_objects_is_refused(
    api: Api, twin_t: Any, body: Any
) -> None:
    with Unchanged(api, T):
        assert_error(api.patch(T, body), 400, "JsonPatchInvalid")


def test_a_patch_without_a_body_is_refused(api: Api, twin_t: Any) -> None:
    with Unchanged(api, T):
        assert_error(api.patch(T), 400, "BadRequest")
        assert_error(api.patch(T, raw=b""), 400, "BadRequest")


def test_J_11_a_later_operation_sees_the_earlier_ones(api: Api, twin_t: Any) -> None:
    body = [op("replace", "/AverageTemperature", 1), op("remove", "/AverageTemperature")]
    assert_empty(api.patch(T, body), etag=True)
    assert "AverageTemperature" not in api.twin("T")
    body = [
        op("add", "/AverageTemperature", "wrong at first"),
        op("replace", "/AverageTemperature", 2),
    ]
    assert_empty(api.patch(T, body), etag=True)
    assert api.twin("T")["AverageTemperature"] == 2


def test_J_12_one_invalid_operation_undoes_the_patch(api: Api, twin_t: Any) -> None:
    valid = op("replace", "/AverageTemperature", 1)
    with Unchanged(api, T):
        for invalid in (op("remove", "/foo"), op("move", "/TemperatureUnit")):
            assert_error(api.patch(T, [valid, invalid]), 400, "JsonPatchInvalid")
        response = api.patch(T, [valid, op("add", "/TemperatureUnit", 5)])
        assert_error(response, 400, "ValidationFailed")


def test_patch_errors_come_before_validation_errors(api: Api, twin_t: Any) -> None:
    body = [op("add", "/AverageTemperature", "x"), op("remove", "/foo")]
    with Unchanged(api, T):
        assert_error(api.patch(T, body), 400, "JsonPatchInvalid")


def test_J_13_an_undeclared_name_fails_validation(api: Api, twin_t: Any) -> None:
    with Unchanged(api, T):
        error = assert_error(api.patch(T, [op("add", "/foo", 1)]), 400, "ValidationFailed")
    assert details(error) == ["foo does not appear on the DTDL for Twin."]


def test_all_violations_of_a_patch_are_reported_together(api: Api, twin_t: Any) -> None:
    body = [op("add", "/foo", 1), op("add", "/bar", 1), op("replace", "/TemperatureUnit", 5)]
    error = assert_error(api.patch(T, body), 400, "ValidationFailed")
    assert sorted(details(error)) == [
        "Expected value of type string for TemperatureUnit on Twin.",
        "bar does not appear on the DTDL for Twin.",
        "foo does not appear on the DTDL for Twin.",
    ]


@pytest.mark.parametrize("kind", ["add", "replace"])
def test_a_patch_to_null_fails_validation(api: Api, twin_t: Any, kind: str) -> None:
    with Unchanged(api, T):
        response = api.patch(T, [op(kind, "/AverageTemperature", None)])
        assert_error(response, 400, "ValidationFailed")


def test_J_16_an_unknown_twin_cannot_be_patched(api: Api) -> None:
    response = api.patch("/digitaltwins/x", [op("add", "/AverageTemperature", 1)])
    text = "There is no digital twin instance that exists with the ID x"
    assert_error(response, 404, "DigitalTwinNotFound", text)


@pytest.mark.parametrize("kind", ["Replace", "REPLACE", "Add", "aDD"])
def test_operation_names_match_in_any_letter_case(api: Api, twin_t: Any, kind: str) -> None:
    assert_empty(api.patch(T, [op(kind, "/AverageTemperature", 1)]), etag=True)
    assert api.twin("T")["AverageTemperature"] == 1


def test_unknown_members_of_an_operation_are_ignored(api: Api, twin_t: Any) -> None:
    operation = {**op("replace", "/AverageTemperature", 1), "from": "/x", "comment": [1]}
    assert_empty(api.patch(T, [operation]), etag=True)
    assert_empty(api.patch(T, [op("remove", "/AverageTemperature", "ignored")]), etag=True)
    assert "AverageTemperature" not in api.twin("T")


@pytest.mark.parametrize(
    "path",
    [
        "/$dtId",
        "/$etag",
        "/$metadata",
        "/$metadata/$lastUpdateTime",
        "/$metadata/AverageTemperature",
        "/$metadata/AverageTemperature/lastUpdateTime",
        "/$metadata/nosuch",
        "",
        "/",
    ],
)
@pytest.mark.parametrize("kind", ["add", "replace", "remove"])
def test_J_22_protected_paths_cannot_be_patched(
    api: Api, twin_t: Any, kind: str, path: str
) -> None:
    with Unchanged(api, T):
        response = api.patch(T, [op(kind, path, "x")])
        assert_error(response, 400, "JsonPatchInvalid")


@pytest.mark.parametrize(
    "path",
    [
        "/Component1/$metadata/$model",
        "/Component1/$metadata/$lastUpdateTime",
        "/Component1/$metadata/ComponentProp1",
        "/Component1/$metadata/ComponentProp1/lastUpdateTime",
    ],
)
def test_protected_paths_of_a_component_cannot_be_patched(api: Api, twin_k: Any, path: str) -> None:
    with Unchanged(api, K1):
        for kind in ("add", "replace", "remove"):
            assert_error(api.patch(K1, [op(kind, path, "x")]), 400, "JsonPatchInvalid")


@pytest.mark.parametrize(
    "path", ["//", "//AverageTemperature", "/AverageTemperature/", "/o//a", "/o/a/"]
)
def test_empty_path_segments_are_refused(api: Api, twin_t: Any, path: str) -> None:
    with Unchanged(api, T):
        assert_error(api.patch(T, [op("add", path, 1)]), 400, "JsonPatchInvalid")
        assert_error(api.patch(T, [op("replace", path, 1)]), 400, "JsonPatchInvalid")


def test_paths_are_case_sensitive(api: Api, twin_t: Any) -> None:
    with Unchanged(api, T):
        response = api.patch(T, [op("replace", "/averageTemperature", 1)])
        assert_error(response, 400, "JsonPatchInvalid")
        response = api.patch(T, [op("add", "/averageTemperature", 1)])
        assert_error(response, 400, "ValidationFailed")


@pytest.mark.parametrize("path", ["/AverageTemperature/x", "/TemperatureUnit/0", "/nosuch/x"])
def test_a_path_into_something_that_is_no_object_is_refused(
    api: Api, twin_t: Any, path: str
) -> None:
    with Unchanged(api, T):
        for kind in ("add", "replace", "remove"):
            assert_error(api.patch(T, [op(kind, path, 1)]), 400, "JsonPatchInvalid")


@pytest.mark.parametrize("kind", ["add", "replace"])
def test_a_relationship_is_no_property_of_a_patch_either(api: Api, twin_t: Any, kind: str) -> None:
    code = "ValidationFailed" if kind == "add" else "JsonPatchInvalid"
    with Unchanged(api, T):
        assert_error(api.patch(T, [op(kind, "/has", "B")]), 400, code)


def test_J_23_a_field_of_an_unset_object_cannot_be_added(api: Api, twin_o: Any) -> None:
    with Unchanged(api, O1):
        for path in ("/o/a", "/m/k"):
            assert_error(api.patch(O1, [op("add", path, "x")]), 400, "JsonPatchInvalid")


def test_J_24_a_field_of_a_set_object_can_be_replaced(api: Api, twin_o: Any) -> None:
    assert_empty(api.patch(O1, [op("add", "/o", {"a": "x"})]), etag=True)
    first = api.twin("O1")
    assert_empty(api.patch(O1, [op("replace", "/o/a", "y")]), etag=True)
    second = api.twin("O1")
    assert second["o"] == {"a": "y"}
    times = [twin["$metadata"]["o"]["lastUpdateTime"] for twin in (first, second)]
    assert times[0] < times[1]
    assert set(second["$metadata"]["o"]) == {"lastUpdateTime"}
    assert_empty(api.patch(O1, [op("add", "/o/b", "z"), op("remove", "/o/a")]), etag=True)
    assert api.twin("O1")["o"] == {"b": "z"}
    with Unchanged(api, O1):
        assert_error(api.patch(O1, [op("replace", "/o/a", "q")]), 400, "JsonPatchInvalid")
        assert_error(api.patch(O1, [op("add", "/o/z", "q")]), 400, "ValidationFailed")
        assert_error(api.patch(O1, [op("add", "/o/a", 5)]), 400, "ValidationFailed")


def test_J_25_entries_of_a_map_come_and_go(api: Api, twin_o: Any) -> None:
    assert_empty(api.patch(O1, [op("add", "/m", {})]), etag=True)
    assert_empty(api.patch(O1, [op("add", "/m/k", 1)]), etag=True)
    assert api.twin("O1")["m"] == {"k": 1}
    first = api.twin("O1")["$metadata"]["m"]["lastUpdateTime"]
    assert_empty(api.patch(O1, [op("remove", "/m/k")]), etag=True)
    twin = api.twin("O1")
    assert twin["m"] == {}
    assert twin["$metadata"]["m"]["lastUpdateTime"] > first
    with Unchanged(api, O1):
        assert_error(api.patch(O1, [op("remove", "/m/k")]), 400, "JsonPatchInvalid")
        assert_error(api.patch(O1, [op("add", "/m/k", "x")]), 400, "ValidationFailed")


def test_escapes_in_a_path_are_those_of_json_pointer(api: Api, twin_o: Any) -> None:
    body = [
        op("add", "/m", {}),
        op("add", "/m/a~1b", 1),
        op("add", "/m/c~0d", 2),
        op("add", "/m/e~01f", 3),
        op("add", "/m/with space.dot", 4),
    ]
    assert_empty(api.patch(O1, body), etag=True)
    assert api.twin("O1")["m"] == {"a/b": 1, "c~d": 2, "e~1f": 3, "with space.dot": 4}
    assert_empty(api.patch(O1, [op("remove", "/m/a~1b")]), etag=True)
    assert "a/b" not in api.twin("O1")["m"]


def test_elements_of_an_array_follow_the_rules_of_json_patch(api: Api) -> None:
    api.add_models(EVERY_SCHEMA)
    api.add_twin("V", twin_of(EVERY, p_array=[1, 2]))
    path = "/digitaltwins/V"
    body = [op("add", "/p_array/-", 3), op("add", "/p_array/0", 0), op("replace", "/p_array/1", 9)]
    assert_empty(api.patch(path, body), etag=True)
    assert api.twin("V")["p_array"] == [0, 9, 2, 3]
    assert_empty(
        api.patch(path, [op("remove", "/p_array/0"), op("add", "/p_array/3", 4)]), etag=True
    )
    assert api.twin("V")["p_array"] == [9, 2, 3, 4]
    with Unchanged(api, path):
        for kind, index in (
            ("replace", "4"),
            ("remove", "4"),
            ("add", "5"),
            ("replace", "-"),
            ("replace", "01"),
            ("replace", "-1"),
            ("replace", "x"),
        ):
            response = api.patch(path, [op(kind, f"/p_array/{index}", 1)])
            assert_error(response, 400, "JsonPatchInvalid")
        assert_error(api.patch(path, [op("add", "/p_array/-", "x")]), 400, "ValidationFailed")


def test_J_27_a_component_cannot_be_removed(api: Api, twin_k: Any) -> None:
    with Unchanged(api, K1):
        assert_error(api.patch(K1, [op("remove", "/Component1")]), 400, "ValidationFailed")


def test_J_28_a_path_without_leading_slash_is_taken_with_one(api: Api, twin_k: Any) -> None:
    body = [op("replace", "Component1/ComponentProp1", "new")]
    assert_empty(api.patch(K1, body), etag=True)
    assert api.twin("K1")["Component1"]["ComponentProp1"] == "new"


def test_J_29_dots_do_not_separate_segments(api: Api, twin_k: Any) -> None:
    with Unchanged(api, K1):
        response = api.patch(K1, [op("add", "/Component1.ComponentProp1", "x")])
        assert_error(response, 400, "ValidationFailed")
        response = api.patch(K1, [op("replace", "/Component1.ComponentProp1", "x")])
        assert_error(response, 400, "JsonPatchInvalid")


@pytest.mark.parametrize("kind", ["add", "replace"])
def test_a_whole_component_can_be_replaced(api: Api, twin_k: dict[str, Any], kind: str) -> None:
    body = [op(kind, "/Component1", {"$metadata": {}, "ComponentProp1": "new"})]
    assert_empty(api.patch(K1, body), etag=True)
    twin = api.twin("K1")
    assert twin["Component1"]["ComponentProp1"] == "new"
    old = twin_k["Component1"]["$metadata"]
    new = twin["Component1"]["$metadata"]
    assert new["$lastUpdateTime"] > old["$lastUpdateTime"]
    assert new["ComponentProp1"]["lastUpdateTime"] > old["ComponentProp1"]["lastUpdateTime"]


@pytest.mark.parametrize("value", [{}, {"ComponentProp1": "x"}, "x", None, []])
def test_a_whole_component_needs_its_metadata(api: Api, twin_k: Any, value: Any) -> None:
    with Unchanged(api, K1):
        response = api.patch(K1, [op("replace", "/Component1", value)])
        assert_error(response, 400, "ValidationFailed")
