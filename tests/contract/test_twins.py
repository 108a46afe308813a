"""Adding, replacing, reading and deleting twins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .client import (
    ETAG,
    TWIN_TIME,
    Unchanged,
    assert_empty,
    assert_error,
    assert_json,
    details,
)
from .models import (
    BUILDING,
    WITH_COMP,
    C,
    K,
    building,
    interface,
    prop,
    twin_of,
    with_component,
)

if TYPE_CHECKING:
    from .client import Api

T = "/digitaltwins/T"
UNKNOWN = "There is no digital twin instance that exists with the ID"
OTHER_ETAG = 'W/"5f0c2b64-0000-4000-8000-000000000000"'


def test_T_01_a_new_twin_is_answered_as_stored(api: Api, model_m: Any) -> None:
    response = api.put(T, building(AverageTemperature=68, TemperatureUnit="Celsius"))
    twin = assert_json(response)
    assert set(twin) == {"$dtId", "$etag", "AverageTemperature", "TemperatureUnit", "$metadata"}
    assert twin["$dtId"] == "T"
    assert response.headers["etag"] == twin["$etag"]
    assert ETAG.fullmatch(twin["$etag"])
    assert '"AverageTemperature":68,' in response.text.replace(" ", "")
    assert twin["TemperatureUnit"] == "Celsius"
    now = twin["$metadata"]["$lastUpdateTime"]
    assert TWIN_TIME.fullmatch(now)
    assert twin["$metadata"] == {
        "$model": BUILDING,
        "$lastUpdateTime": now,
        "AverageTemperature": {"lastUpdateTime": now},
        "TemperatureUnit": {"lastUpdateTime": now},
    }


def test_an_unset_property_has_neither_member_nor_metadata(api: Api, model_m: Any) -> None:
    twin = api.add_twin("T", building())
    assert set(twin) == {"$dtId", "$etag", "$metadata"}
    assert set(twin["$metadata"]) == {"$model", "$lastUpdateTime"}


def test_T_02_a_twin_is_read_as_it_was_answered(api: Api, model_m: Any) -> None:
    written = api.put(T, building(AverageTemperature=21.5))
    read = api.get(T)
    assert assert_json(read) == assert_json(written)
    assert read.headers["etag"] == written.headers["etag"]


def test_T_03_a_put_replaces_the_whole_twin(api: Api, twin_t: dict[str, Any]) -> None:
    twin = api.add_twin("T", building(AverageTemperature=68))
    assert twin["$etag"] != twin_t["$etag"]
    assert "TemperatureUnit" not in twin
    assert "TemperatureUnit" not in twin["$metadata"]
    old = twin_t["$metadata"]["AverageTemperature"]["lastUpdateTime"]
    assert twin["$metadata"]["AverageTemperature"]["lastUpdateTime"] > old
    assert twin["$metadata"]["$lastUpdateTime"] > twin_t["$metadata"]["$lastUpdateTime"]
    assert api.twin("T") == twin


def test_a_put_keeps_the_relationships(api: Api, twin_t: Any) -> None:
    api.add_twin("B", building())
    before = api.relate("T", "r", "B")
    api.add_twin("T", building())
    assert assert_json(api.get(f"{T}/relationships/r")) == before


def test_T_04_a_body_that_was_read_can_be_put_back(api: Api, twin_t: dict[str, Any]) -> None:
    twin = api.add_twin("T", twin_t)
    assert twin["AverageTemperature"] == 68
    assert twin["$etag"] != twin_t["$etag"]


def test_T_04_a_body_with_components_and_source_times_can_be_put_back(
    api: Api, model_k: Any
) -> None:
    body = with_component(ComponentProp1="x")
    body["Component1"]["$metadata"]["ComponentProp1"] = {"sourceTime": "2023-06-01T20:30:50Z"}
    stored = api.add_twin("K1", body)
    again = api.add_twin("K1", stored)
    source = again["Component1"]["$metadata"]["ComponentProp1"]["sourceTime"]
    assert source == "2023-06-01T20:30:50Z"
    assert again["Component1"]["ComponentProp1"] == "x"


@pytest.mark.parametrize(
    "members",
    [
        {"$dtId": "Other"},
        {"$dtId": None},
        {"$etag": None},
        {"$etag": OTHER_ETAG},
        {"$etag": 5},
        {"$relationships": {"has": []}},
        {"$relationships": None},
        {"$dtId": None, "$etag": None},
    ],
)
def test_T_05_T_06_read_only_members_are_ignored(
    api: Api, twin_t: Any, members: dict[str, Any]
) -> None:
    twin = api.add_twin("T", building(AverageTemperature=1, **members))
    assert twin["$dtId"] == "T"
    assert ETAG.fullmatch(twin["$etag"])
    assert twin["$etag"] != OTHER_ETAG
    assert set(twin) == {"$dtId", "$etag", "AverageTemperature", "$metadata"}
    assert_error(api.get("/digitaltwins/Other"), 404, "DigitalTwinNotFound")


@pytest.mark.parametrize(
    "metadata",
    [
        {"$lastUpdateTime": "2001-01-01T00:00:00.0000000Z"},
        {"$lastUpdateTime": 5},
        {"AverageTemperature": {"lastUpdateTime": "2001-01-01T00:00:00.0000000Z"}},
        {"AverageTemperature": {"desiredValue": 1, "ackCode": 200}},
        {"TemperatureUnit": {"sourceTime": "2023-06-01T20:30:50Z"}},
        {"nosuch": {"lastUpdateTime": "x"}},
        {"$kind": "x"},
    ],
)
def test_other_metadata_is_ignored(api: Api, model_m: Any, metadata: dict[str, Any]) -> None:
    body = building(AverageTemperature=1)
    body["$metadata"].update(metadata)
    twin = api.add_twin("T", body)
    now = twin["$metadata"]["$lastUpdateTime"]
    assert now > "2020"
    assert twin["$metadata"] == {
        "$model": BUILDING,
        "$lastUpdateTime": now,
        "AverageTemperature": {"lastUpdateTime": now},
    }


def test_T_07_an_undeclared_member_is_refused(api: Api, model_m: Any) -> None:
    error = assert_error(api.put(T, building(foo=1)), 400, "ValidationFailed")
    assert error["message"] == "Invalid twin specified"
    assert details(error) == ["foo does not appear on the DTDL for Twin."]
    assert_error(api.get(T), 404, "DigitalTwinNotFound")


def test_property_names_are_case_sensitive(api: Api, model_m: Any) -> None:
    response = api.put(T, building(averageTemperature=1))
    assert_error(
        response,
        400,
        "ValidationFailed",
        "averageTemperature does not appear on the DTDL for Twin.",
    )


def test_T_08_a_twin_of_an_unknown_model_is_refused(api: Api, twin_t: Any) -> None:
    for path in (T, "/digitaltwins/new"):
        response = api.put(path, twin_of("dtmi:t:nosuch;1"))
        error = assert_error(response, 400, "ValidationFailed")
        assert details(error) == ["dtmi:t:nosuch;1 or one of its dependencies does not exist."]
    assert api.twin("T") == twin_t


@pytest.mark.parametrize(
    "body",
    [
        {"AverageTemperature": 1},
        {"$metadata": {}},
        {"$metadata": None},
        {"$metadata": "x"},
        {"$metadata": [BUILDING]},
        {"$metadata": {"$model": None}},
        {"$metadata": {"$model": 5}},
        {"$metadata": {"$model": [BUILDING]}},
        {"$metadata": {"$model": ""}},
        {"$metadata": {"$model": "foo"}},
    ],
)
def test_T_09_a_twin_without_a_model_is_refused(api: Api, twin_t: Any, body: Any) -> None:
    with Unchanged(api, T):
        assert_error(api.put(T, body), 400, "ValidationFailed")


@pytest.mark.parametrize("body", [[{}], [], "x", 5, None, True])
def test_T_10_a_body_that_is_no_object_is_refused(api: Api, twin_t: Any, body: Any) -> None:
    with Unchanged(api, T):
        assert_error(api.put(T, body), 400, "InvalidArgument")


def test_a_put_without_a_body_is_refused(api: Api, model_m: Any) -> None:
    assert_error(api.put(T), 400, "BadRequest")
    assert_error(api.put(T, raw=b""), 400, "BadRequest")


def test_T_11_all_violations_are_reported_together(api: Api, model_m: Any) -> None:
    body = building(foo=1, bar=2, AverageTemperature="warm")
    error = assert_error(api.put(T, body), 400, "ValidationFailed")
    wrong, *unknown = sorted(details(error))
    assert wrong.startswith("Expected value of type double for AverageTemperature on Twin.")
    assert unknown == [
        "bar does not appear on the DTDL for Twin.",
        "foo does not appear on the DTDL for Twin.",
    ]
    assert [detail["code"] for detail in error["details"]] == ["ValidationFailed"] * 3


def test_T_12_a_relationship_is_no_property(api: Api, model_m: Any) -> None:
    error = assert_error(api.put(T, building(has="B")), 400, "ValidationFailed")
    assert details(error) == ["has is not a property - it is a Relationship."]


@pytest.mark.parametrize("name", ["tele", "cmd"])
def test_telemetry_and_commands_are_no_members(api: Api, name: str) -> None:
    model = interface("dtmi:t:TC;1")
    model["contents"] = [
        {"@type": "Telemetry", "name": "tele", "schema": "double"},
        {"@type": "Command", "name": "cmd"},
    ]
    api.add_models(model)
    error = assert_error(api.put(T, twin_of("dtmi:t:TC;1", **{name: 1})), 400, "ValidationFailed")
    assert any(name in each for each in details(error))


def test_T_17_an_unknown_twin_is_not_found(api: Api, model_m: Any) -> None:
    error = assert_error(api.get("/digitaltwins/no%20such"), 404, "DigitalTwinNotFound")
    assert error["message"].startswith(f"{UNKNOWN} no such")


def test_T_18_a_deleted_twin_is_gone(api: Api, twin_t: Any) -> None:
    assert_empty(api.delete(T))
    assert_error(api.get(T), 404, "DigitalTwinNotFound", f"{UNKNOWN} T")


def test_a_deleted_id_can_be_used_at_once(api: Api, twin_t: dict[str, Any]) -> None:
    assert_empty(api.delete(T))
    twin = api.add_twin("T", building())
    assert twin["$etag"] != twin_t["$etag"]
    assert "AverageTemperature" not in twin


def test_T_19_an_unknown_twin_cannot_be_deleted(api: Api) -> None:
    assert_error(api.delete("/digitaltwins/x"), 404, "DigitalTwinNotFound", f"{UNKNOWN} x")


def test_T_23_a_twin_with_an_outgoing_relationship_is_kept(api: Api, twin_t: Any) -> None:
    api.add_twin("B", building())
    api.relate("T", "r", "B")
    assert_error(api.delete(T), 400, "RelationshipsNotDeleted", "has active relationships")
    assert api.twin("T") == twin_t
    assert_empty(api.delete(f"{T}/relationships/r"))
    assert_empty(api.delete(T))


def test_T_24_a_twin_with_an_incoming_relationship_is_kept(api: Api, twin_t: Any) -> None:
    api.add_twin("B", building())
    api.relate("B", "r", "T")
    assert_error(api.delete(T), 400, "RelationshipsNotDeleted", "has active relationships")
    assert_empty(api.delete("/digitaltwins/B/relationships/r"))
    assert_empty(api.delete(T))


def test_T_25_every_component_has_to_be_given(api: Api, model_k: Any) -> None:
    error = assert_error(api.put("/digitaltwins/K1", twin_of(WITH_COMP)), 400, "ValidationFailed")
    assert [each.startswith("Twin is missing") for each in details(error)] == [True]


def test_T_25_inherited_components_have_to_be_given_too(api: Api, model_k: Any) -> None:
    api.add_models(interface("dtmi:t:Child;1", extends=WITH_COMP))
    response = api.put("/digitaltwins/K1", twin_of("dtmi:t:Child;1"))
    error = assert_error(response, 400, "ValidationFailed")
    assert details(error)[0].startswith("Twin is missing")
    twin = api.add_twin("K1", twin_of("dtmi:t:Child;1", Component1={"$metadata": {}}))
    assert "Component1" in twin


def test_T_26_an_empty_component_has_an_update_time(api: Api, model_k: Any) -> None:
    twin = api.add_twin("K1", with_component())
    now = twin["$metadata"]["$lastUpdateTime"]
    assert twin["Component1"] == {"$metadata": {"$lastUpdateTime": now}}
    assert "Component1" not in twin["$metadata"]


@pytest.mark.parametrize(
    "value", [{}, None, "x", [], 5, {"ComponentProp1": "x"}, {"$metadata": None}]
)
def test_T_27_a_component_needs_its_metadata(api: Api, model_k: Any, value: Any) -> None:
    response = api.put("/digitaltwins/K1", twin_of(WITH_COMP, Component1=value))
    assert_error(response, 400, "ValidationFailed")
    assert_error(api.get("/digitaltwins/K1"), 404, "DigitalTwinNotFound")


def test_T_28_a_source_time_is_echoed_unchanged(api: Api, model_m: Any) -> None:
    body = building(AverageTemperature=1)
    source = {"sourceTime": "2023-06-01T20:30:50.123456789Z"}
    body["$metadata"]["AverageTemperature"] = source
    twin = api.add_twin("T", body)
    now = twin["$metadata"]["$lastUpdateTime"]
    assert twin["$metadata"]["AverageTemperature"] == {"lastUpdateTime": now, **source}
    assert api.twin("T") == twin


def test_a_put_drops_an_earlier_source_time(api: Api, model_m: Any) -> None:
    body = building(AverageTemperature=1)
    body["$metadata"]["AverageTemperature"] = {"sourceTime": "2023-06-01T20:30:50+02:00"}
    assert "sourceTime" in api.add_twin("T", body)["$metadata"]["AverageTemperature"]
    twin = api.add_twin("T", building(AverageTemperature=2))
    assert "sourceTime" not in twin["$metadata"]["AverageTemperature"]


@pytest.mark.parametrize(
    "value", ["yesterday", "", "2023-13-01T00:00:00Z", "2023-06-01T20:30:50+14:30", 5]
)
def test_T_29_a_source_time_that_is_no_date_time_is_refused(
    api: Api, model_m: Any, value: Any
) -> None:
    body = building(AverageTemperature=1)
    body["$metadata"]["AverageTemperature"] = {"sourceTime": value}
    assert_error(api.put(T, body), 400, "ValidationFailed")
    assert_error(api.get(T), 404, "DigitalTwinNotFound")


@pytest.mark.parametrize("name", ["$foo", "$", "$model", "$sourceId", "$Metadata"])
def test_T_30_other_dollar_members_are_refused(api: Api, model_m: Any, name: str) -> None:
    error = assert_error(api.put(T, building(**{name: 1})), 400, "ValidationFailed")
    assert details(error) == [f"{name} does not appear on the DTDL for Twin."]


@pytest.mark.parametrize("value", ["68", True, [68], {"v": 68}])
def test_T_31_a_value_of_the_wrong_type_is_refused(api: Api, model_m: Any, value: Any) -> None:
    error = assert_error(api.put(T, building(AverageTemperature=value)), 400, "ValidationFailed")
    form = "Expected value of type double for AverageTemperature on Twin."
    assert [each.startswith(form) for each in details(error)] == [True]


def test_T_32_null_is_no_value(api: Api, model_m: Any) -> None:
    assert_error(api.put(T, building(TemperatureUnit=None)), 400, "ValidationFailed")


def test_T_37_a_put_may_change_the_model(api: Api, twin_t: Any) -> None:
    api.add_models(C, K)
    twin = api.add_twin("T", with_component())
    assert twin["$metadata"]["$model"] == WITH_COMP
    assert "AverageTemperature" not in twin
    assert api.twin("T") == twin


def test_inherited_properties_are_members_too(api: Api, model_m: Any) -> None:
    child = interface("dtmi:t:Child;1", prop("Floors", "integer"), extends=BUILDING)
    api.add_models(child)
    twin = api.add_twin("T", twin_of("dtmi:t:Child;1", Floors=3, AverageTemperature=1))
    assert (twin["Floors"], twin["AverageTemperature"]) == (3, 1)
    response = api.put(T, twin_of("dtmi:t:Child;1", AverageTemperature="x"))
    assert_error(response, 400, "ValidationFailed")


def test_every_write_makes_a_new_etag(api: Api, model_m: Any) -> None:
    body = building(AverageTemperature=1)
    etags = {api.add_twin("T", body)["$etag"] for _ in range(5)}
    etags |= {assert_empty(api.patch(T, []), etag=True) for _ in range(5)}
    assert len(etags) == 10


def test_relationships_and_telemetry_do_not_touch_the_twins(api: Api, twin_t: Any) -> None:
    other = api.add_twin("B", building())
    api.relate("T", "r", "B", isAccessRestricted=True)
    assert_empty(api.patch(f"{T}/relationships/r", []), etag=True)
    assert_empty(api.post(f"{T}/telemetry", {"x": 1}))
    assert_empty(api.delete(f"{T}/relationships/r"))
    assert api.twin("T") == twin_t
    assert api.twin("B") == other


def test_no_answer_has_a_relationships_member(api: Api, twin_t: Any) -> None:
    api.add_twin("B", building())
    api.relate("T", "r", "B")
    assert "$relationships" not in api.twin("T")
    assert "has" not in api.twin("T")
