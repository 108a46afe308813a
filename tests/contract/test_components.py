"""Components of a twin: reading and patching them on their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .client import Unchanged, assert_empty, assert_error, assert_json, details, op
from .models import (
    COMP,
    WITH_COMP,
    C,
    building,
    component,
    interface,
    object_of,
    prop,
    twin_of,
    with_component,
)

if TYPE_CHECKING:
    from .client import Api

K1 = "/digitaltwins/K1"
PART = "/digitaltwins/K1/components/Component1"
NO_TWIN = "There is no digital twin instance that exists with the ID x"


def test_C_01_a_component_is_read_without_the_members_of_its_twin(
    api: Api, twin_k: dict[str, Any]
) -> None:
    response = api.get(PART)
    part = assert_json(response)
    assert part == twin_k["Component1"]
    assert set(part) == {"ComponentProp1", "$metadata"}
    assert set(part["$metadata"]) == {"$lastUpdateTime", "ComponentProp1"}
    assert set(part["$metadata"]["ComponentProp1"]) == {"lastUpdateTime"}
    assert response.headers["etag"] == twin_k["$etag"]


def test_a_component_without_values_is_read(api: Api, model_k: Any) -> None:
    twin = api.add_twin("K1", with_component())
    assert assert_json(api.get(PART)) == twin["Component1"]
    assert set(twin["Component1"]) == {"$metadata"}


@pytest.mark.parametrize("name", ["nosuch", "ComponentProp1", "component1", "Component1.x"])
def test_C_02_an_unknown_component_is_not_found(api: Api, twin_k: Any, name: str) -> None:
    response = api.get(f"{K1}/components/{name}")
    assert_error(response, 404, "ComponentNotFound", f"K1 does not have component {name}")


def test_C_02_properties_and_relationships_are_no_components(api: Api, twin_t: Any) -> None:
    for name in ("AverageTemperature", "has"):
        response = api.get(f"/digitaltwins/T/components/{name}")
        assert_error(response, 404, "ComponentNotFound", f"T does not have component {name}")


def test_C_03_a_component_of_an_unknown_twin_is_not_found(api: Api, model_k: Any) -> None:
    response = api.get("/digitaltwins/x/components/Component1")
    assert_error(response, 404, "DigitalTwinNotFound", NO_TWIN)


def test_C_04_a_component_is_patched(api: Api, twin_k: dict[str, Any]) -> None:
    etag = assert_empty(api.patch(PART, [op("replace", "/ComponentProp1", "x")]), etag=True)
    twin = api.twin("K1")
    assert etag == twin["$etag"] != twin_k["$etag"]
    now = twin["$metadata"]["$lastUpdateTime"]
    assert now > twin_k["$metadata"]["$lastUpdateTime"]
    assert twin["Component1"] == {
        "ComponentProp1": "x",
        "$metadata": {"$lastUpdateTime": now, "ComponentProp1": {"lastUpdateTime": now}},
    }


def test_C_05_a_property_of_a_component_is_removed(api: Api, twin_k: dict[str, Any]) -> None:
    assert_empty(api.patch(PART, [op("remove", "/ComponentProp1")]), etag=True)
    twin = api.twin("K1")
    assert twin["$metadata"]["$lastUpdateTime"] > twin_k["$metadata"]["$lastUpdateTime"]
    assert set(twin["Component1"]) == {"$metadata"}
    assert set(twin["Component1"]["$metadata"]) == {"$lastUpdateTime"}


def test_C_05_several_operations_run_in_order(api: Api, twin_k: Any) -> None:
    body = [op("replace", "/ComponentProp1", "x"), op("remove", "/ComponentProp1")]
    assert_empty(api.patch(PART, body), etag=True)
    assert "ComponentProp1" not in assert_json(api.get(PART))
    assert_empty(api.patch(PART, [op("add", "/ComponentProp1", "y")]), etag=True)
    assert assert_json(api.get(PART))["ComponentProp1"] == "y"


def test_an_empty_component_patch_renews_the_etag_of_the_twin(
    api: Api, twin_k: dict[str, Any]
) -> None:
    etag = assert_empty(api.patch(PART, []), etag=True)
    assert etag == api.twin("K1")["$etag"] != twin_k["$etag"]
    assert assert_json(api.get(PART))["ComponentProp1"] == "old"


def test_C_06_an_undeclared_property_of_a_component_fails_validation(api: Api, twin_k: Any) -> None:
    with Unchanged(api, K1):
        response = api.patch(PART, [op("add", "/ComponentProp2", "x")])
        error = assert_error(response, 400, "ValidationFailed")
    assert details(error) == ["ComponentProp2 does not appear on the DTDL for Component1."]


def test_C_07_a_value_of_the_wrong_type_fails_validation(api: Api, twin_k: Any) -> None:
    expected = ["Expected value of type string for ComponentProp1 on Component1."]
    with Unchanged(api, K1):
        response = api.patch(PART, [op("replace", "/ComponentProp1", 7)])
        assert details(assert_error(response, 400, "ValidationFailed")) == expected
        response = api.patch(K1, [op("replace", "/Component1/ComponentProp1", 7)])
        assert details(assert_error(response, 400, "ValidationFailed")) == expected
        body = with_component(ComponentProp1=7)
        assert details(assert_error(api.put(K1, body), 400, "ValidationFailed")) == expected


def test_an_undeclared_property_in_a_put_names_the_component(api: Api, model_k: Any) -> None:
    error = assert_error(api.put(K1, with_component(foo=1)), 400, "ValidationFailed")
    assert details(error) == ["foo does not appear on the DTDL for Component1."]


@pytest.mark.parametrize("body", [[op("replace", "/ComponentProp1", "x")], []])
def test_C_08_an_unknown_component_cannot_be_patched(api: Api, twin_k: Any, body: Any) -> None:
    with Unchanged(api, K1):
        response = api.patch(f"{K1}/components/nosuch", body)
        assert_error(response, 400, "JsonPatchInvalid")


def test_C_09_a_component_of_an_unknown_twin_cannot_be_patched(api: Api, model_k: Any) -> None:
    response = api.patch("/digitaltwins/x/components/Component1", [op("add", "/a", 1)])
    assert_error(response, 404, "DigitalTwinNotFound", NO_TWIN)


@pytest.mark.parametrize(
    "body",
    [
        [{}],
        ["x"],
        {"a": 1},
        [op("move", "/ComponentProp1")],
        [op("copy", "/ComponentProp1", "x")],
        [op("test", "/ComponentProp1", "old")],
        [op("replace", "/nosuch", "x")],
        [op("remove", "/nosuch")],
        [op("replace", "/Component1/ComponentProp1", "x")],
        [op("replace", "/$metadata", {})],
        [op("replace", "/$metadata/$lastUpdateTime", "x")],
        [op("add", "/$metadata/$model", COMP)],
        [op("replace", "/$metadata/ComponentProp1/lastUpdateTime", "x")],
        [op("replace", "", {"$metadata": {}})],
        [op("add", "/ComponentProp1")],
    ],
)
def test_an_invalid_component_patch_changes_nothing(api: Api, twin_k: Any, body: Any) -> None:
    with Unchanged(api, K1):
        assert_error(api.patch(PART, body), 400, "JsonPatchInvalid")


def test_null_is_no_value_in_a_component_either(api: Api, twin_k: Any) -> None:
    with Unchanged(api, K1):
        response = api.patch(PART, [op("replace", "/ComponentProp1", None)])
        assert_error(response, 400, "ValidationFailed")


def test_a_component_has_no_put_and_no_delete(api: Api, twin_k: Any) -> None:
    with Unchanged(api, K1):
        assert_error(api.put(PART, {"$metadata": {}}), 405, "MethodNotAllowed")
        assert_error(api.delete(PART), 405, "MethodNotAllowed")


def test_components_are_addressed_on_one_level_only(api: Api, twin_k: Any) -> None:
    assert_error(api.get(f"{PART}/components/x"), 404, "NotFound")


def test_inherited_components_are_components(api: Api, model_k: Any) -> None:
    api.add_models(interface("dtmi:t:Child;1", prop("Own", "string"), extends=WITH_COMP))
    body = with_component(ComponentProp1="x")
    body["$metadata"]["$model"] = "dtmi:t:Child;1"
    api.add_twin("K1", body)
    assert assert_json(api.get(PART))["ComponentProp1"] == "x"
    assert_empty(api.patch(PART, [op("replace", "/ComponentProp1", "y")]), etag=True)


def test_properties_that_a_component_inherits_are_its_own(api: Api) -> None:
    derived = interface("dtmi:t:Derived;1", prop("More", object_of(a="string")), extends=COMP)
    api.add_models(C, derived, interface("dtmi:t:Q;1", component("part", "dtmi:t:Derived;1")))
    part = {"$metadata": {}, "ComponentProp1": "x", "More": {"a": "b"}}
    api.add_twin("Q", twin_of("dtmi:t:Q;1", part=part))
    path = "/digitaltwins/Q/components/part"
    assert_empty(api.patch(path, [op("replace", "/More/a", "c")]), etag=True)
    shown = assert_json(api.get(path))
    assert (shown["ComponentProp1"], shown["More"]) == ("x", {"a": "c"})
    assert shown["$metadata"]["More"]["lastUpdateTime"] == shown["$metadata"]["$lastUpdateTime"]


def test_two_components_of_one_model_are_apart(api: Api) -> None:
    api.add_models(C, interface("dtmi:t:Two;1", component("a", COMP), component("b", COMP)))
    parts: dict[str, Any] = {name: {"$metadata": {}, "ComponentProp1": name} for name in ("a", "b")}
    before = api.add_twin("W", twin_of("dtmi:t:Two;1", **parts))
    path = "/digitaltwins/W/components/a"
    assert_empty(api.patch(path, [op("replace", "/ComponentProp1", "new")]), etag=True)
    after = api.twin("W")
    assert after["a"]["ComponentProp1"] == "new"
    assert after["b"] == before["b"]


def test_a_component_name_is_no_member_of_another_model(api: Api, model_m: Any) -> None:
    response = api.put("/digitaltwins/T", building(Component1={"$metadata": {}}))
    assert_error(
        response, 400, "ValidationFailed", "Component1 does not appear on the DTDL for Twin."
    )
