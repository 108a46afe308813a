"""Uploading, reading, decommissioning and deleting models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .client import MODEL_TIME, assert_empty, assert_error, assert_json, assert_page
from .models import (
    BUILDING,
    COMP,
    V3,
    V4,
    WITH_COMP,
    C,
    K,
    M,
    array_of,
    building,
    component,
    interface,
    prop,
    relationship,
    with_component,
)

if TYPE_CHECKING:
    from .client import Api

NOT_CREATED = (
    "None of the models in this request could be created due to a problem with one or more models"
)
UNKNOWN = "There is no Model(s) available that matches the provided id(s)"
REFERENCED = "This model is currently being referenced by"
DECOMMISSION = [{"op": "replace", "path": "/decommissioned", "value": True}]


def _missing(api: Api, identifier: str) -> None:
    assert_error(api.get(f"/models/{identifier}"), 404, "ModelNotFound")


def test_M_01_an_upload_answers_the_model_data_without_the_model(api: Api) -> None:
    stored = assert_json(api.post("/models", [M]), 201)
    assert isinstance(stored, list)
    assert [set(item) for item in stored] == [
        {"id", "description", "displayName", "decommissioned", "uploadTime"}
    ]
    item = stored[0]
    assert item["id"] == BUILDING
    assert item["description"] == {}
    assert item["displayName"] == {"en": "Building"}
    assert item["decommissioned"] is False
    assert MODEL_TIME.fullmatch(item["uploadTime"])


def test_an_upload_answers_no_etag(api: Api) -> None:
    assert "etag" not in api.post("/models", [M]).headers
    assert "etag" not in api.get(f"/models/{BUILDING}").headers


def test_M_02_models_of_one_request_may_stand_in_any_order(api: Api) -> None:
    assert [item["id"] for item in api.add_models(C, K)] == [COMP, WITH_COMP]
    assert_empty(api.delete(f"/models/{WITH_COMP}"))
    assert_empty(api.delete(f"/models/{COMP}"))
    assert [item["id"] for item in api.add_models(K, C)] == [WITH_COMP, COMP]


def test_references_may_point_to_stored_models(api: Api) -> None:
    api.add_models(C)
    api.add_models(K)
    api.add_models(interface("dtmi:t:Child;1", extends=[WITH_COMP]))


@pytest.mark.parametrize("body", [[], {}, "x", 5, None, True, [5], ["x"], [None], M])
def test_M_03_a_body_that_is_not_an_array_of_objects_is_refused(api: Api, body: Any) -> None:
    assert_error(api.post("/models", body), 400, "InvalidArgument")
    _missing(api, BUILDING)


@pytest.mark.parametrize("body", [[[M]], [M, [K]], [[]]])
def test_M_04_nested_arrays_are_refused(api: Api, body: Any) -> None:
    assert_error(api.post("/models", body), 400, "InvalidArgument")
    _missing(api, BUILDING)


def test_M_05_an_upload_without_a_body_is_refused(api: Api) -> None:
    assert_error(api.post("/models"), 400, "BadRequest")
    assert_error(api.post("/models", raw=b""), 400, "BadRequest")


def test_M_06_an_empty_object_is_no_model(api: Api) -> None:
    assert_error(api.post("/models", [{}]), 400, "DTDLParserError", NOT_CREATED)


@pytest.mark.parametrize("member", ["@id", "@context", "@type"])
def test_M_07_a_model_without_an_identifying_member_is_refused(api: Api, member: str) -> None:
    body = {key: value for key, value in M.items() if key != member}
    assert_error(api.post("/models", [body]), 400, "DTDLParserError", NOT_CREATED)


def test_M_08_an_unresolved_reference_is_refused(api: Api) -> None:
    error = assert_error(api.post("/models", [K]), 400, "DTDLParserError", NOT_CREATED)
    assert COMP in error["message"] + str(error.get("details"))
    _missing(api, WITH_COMP)


@pytest.mark.parametrize(
    "model",
    [
        interface("dtmi:t:Bad;1", prop("p", "nosuch")),
        interface("dtmi:t:Bad;1", prop("9p", "string")),
        interface("dtmi:t:Bad;1", prop("p", "string"), prop("p", "string")),
        interface("not a dtmi"),
        interface("dtmi:t:Bad;01"),
        interface("dtmi:t:Bad;1", prop("p", array_of("string"))),
        interface("dtmi:t:Bad;1", extends=["dtmi:t:Bad;1"]),
        {**interface("dtmi:t:Bad;1"), "@type": "Property"},
    ],
)
def test_invalid_dtdl_stores_nothing_of_the_request(api: Api, model: dict[str, Any]) -> None:
    assert_error(api.post("/models", [M, model]), 400, "DTDLParserError", NOT_CREATED)
    _missing(api, BUILDING)


def test_one_id_twice_in_a_request_is_refused(api: Api) -> None:
    assert_error(api.post("/models", [M, M]), 400, "DTDLParserError")
    _missing(api, BUILDING)


def test_a_component_may_not_contain_components(api: Api) -> None:
    nested = interface("dtmi:t:Nested;1", component("c", WITH_COMP))
    assert_error(api.post("/models", [C, K, nested]), 400, "DTDLParserError")
    _missing(api, COMP)


def test_M_09_the_target_of_a_relationship_need_not_exist(api: Api) -> None:
    api.add_models(interface("dtmi:t:R;1", relationship("to", target="dtmi:t:nosuch;1")))


def test_M_10_an_existing_model_refuses_the_whole_request(api: Api, model_m: Any) -> None:
    before = assert_json(api.get(f"/models/{BUILDING}"))
    response = api.post("/models", [C, M])
    assert_error(response, 409, "ModelIdAlreadyExists", "Some of the model ids already exist")
    _missing(api, COMP)
    assert assert_json(api.get(f"/models/{BUILDING}")) == before


def test_M_10_an_existing_id_is_refused_with_other_content_too(api: Api, model_m: Any) -> None:
    response = api.post("/models", [interface(BUILDING)])
    assert_error(response, 409, "ModelIdAlreadyExists")
    shown = assert_json(api.get(f"/models/{BUILDING}?includeModelDefinition=true"))
    assert shown["model"] == M


def test_M_12_a_newer_dtdl_version_is_accepted_outside_the_adt_profile(api: Api) -> None:
    api.add_models(interface("dtmi:t:Four;1", prop("p", "uuid"), **{"@context": V4}))


def test_M_13_a_version_3_model_may_have_an_array_property(api: Api) -> None:
    api.add_models(interface("dtmi:t:A;1", prop("list", array_of("string")), **{"@context": V3}))


def test_the_context_may_be_an_array(api: Api) -> None:
    model = interface("dtmi:t:A;1", **{"@context": [V3]})
    api.add_models(model)
    shown = assert_json(api.get("/models/dtmi:t:A;1?includeModelDefinition=true"))
    assert shown["model"] == model


def test_M_14_a_plain_name_becomes_a_language_map(api: Api) -> None:
    names = {"en": "Room", "de": "Raum"}
    plain = interface("dtmi:t:A;1", displayName="Room", description="A room")
    mapped = interface("dtmi:t:B;1", displayName=names, description={})
    first, second = api.add_models(plain, mapped)
    assert (first["displayName"], first["description"]) == ({"en": "Room"}, {"en": "A room"})
    assert (second["displayName"], second["description"]) == (names, {})
    assert assert_json(api.get("/models/dtmi:t:B;1"))["displayName"] == names


def test_M_15_a_model_is_read_without_its_definition(api: Api) -> None:
    stored = api.add_models(M)[0]
    for query in ("", "?includeModelDefinition=false", "?includeModelDefinition=FALSE"):
        assert assert_json(api.get(f"/models/{BUILDING}{query}")) == stored


@pytest.mark.parametrize("flag", ["true", "True", "TRUE"])
def test_M_16_M_17_a_model_is_read_with_its_definition(
    api: Api, model_m: dict[str, Any], flag: str
) -> None:
    shown = assert_json(api.get(f"/models/{BUILDING}?includeModelDefinition={flag}"))
    assert shown["model"] == M
    assert list(shown["model"]) == list(M)


@pytest.mark.parametrize("flag", ["yes", "1", "treu"])
def test_a_flag_that_is_no_boolean_is_refused(api: Api, model_m: Any, flag: str) -> None:
    for path in ("/models", f"/models/{BUILDING}"):
        response = api.get(f"{path}?includeModelDefinition={flag}")
        assert_error(response, 400, "InvalidArgument")


def test_M_18_an_unknown_model_is_not_found(api: Api) -> None:
    error = assert_error(api.get("/models/dtmi:t:x;1"), 404, "ModelNotFound", UNKNOWN)
    assert "dtmi:t:x;1" in error["message"]


@pytest.mark.parametrize(
    "identifier", ["foo", "dtmi:a;0", "dtmi:a;01", "dtmi:_a;1", "dtmi:a_;1", "a:b;1", "DTMI:a;1"]
)
def test_M_19_an_id_that_is_no_dtmi_is_refused(api: Api, identifier: str) -> None:
    path = f"/models/{identifier}"
    assert_error(api.get(path), 400, "InvalidArgument")
    assert_error(api.patch(path, DECOMMISSION), 400, "InvalidArgument")
    assert_error(api.delete(path), 400, "InvalidArgument")


@pytest.mark.parametrize("identifier", ["dtmi:a", "dtmi:a:b", "dtmi:a;1.2", "dtmi:a;999999999"])
def test_every_form_of_a_dtmi_can_be_asked_for(api: Api, identifier: str) -> None:
    assert_error(api.get(f"/models/{identifier}"), 404, "ModelNotFound")


def test_M_20_models_are_listed_by_upload_time(api: Api) -> None:
    stored = [api.add_models(each)[0] for each in (M, C, K)]
    page = assert_page(api.get("/models"))
    assert page == {"value": stored, "nextLink": None}


def test_an_empty_listing_has_its_members_all_the_same(api: Api) -> None:
    assert assert_page(api.get("/models")) == {"value": [], "nextLink": None}


def test_a_listing_may_include_the_definitions(api: Api, model_k: Any) -> None:
    page = assert_page(api.get("/models?includeModelDefinition=true"))
    assert [item["model"] for item in page["value"]] == [C, K]


def test_M_26_a_decommissioned_model_says_so(api: Api, model_m: Any) -> None:
    assert_empty(api.patch(f"/models/{BUILDING}", DECOMMISSION))
    assert assert_json(api.get(f"/models/{BUILDING}"))["decommissioned"] is True
    assert assert_page(api.get("/models"))["value"][0]["decommissioned"] is True


def test_M_27_decommissioning_twice_is_fine(api: Api, model_m: Any) -> None:
    assert_empty(api.patch(f"/models/{BUILDING}", DECOMMISSION))
    assert_empty(api.patch(f"/models/{BUILDING}", DECOMMISSION))
    assert assert_json(api.get(f"/models/{BUILDING}"))["decommissioned"] is True


def test_a_model_can_be_put_back_in_service(api: Api, model_m: Any) -> None:
    back = [{"op": "replace", "path": "/decommissioned", "value": False}]
    assert_empty(api.patch(f"/models/{BUILDING}", DECOMMISSION))
    assert_empty(api.patch(f"/models/{BUILDING}", back))
    assert assert_json(api.get(f"/models/{BUILDING}"))["decommissioned"] is False
    api.add_twin("T", building())


def test_M_28_an_unknown_model_cannot_be_decommissioned(api: Api) -> None:
    response = api.patch("/models/dtmi:t:x;1", DECOMMISSION)
    assert_error(response, 404, "ModelNotFound", UNKNOWN)


@pytest.mark.parametrize(
    "body",
    [
        [{"op": "replace", "path": "/displayName", "value": "X"}],
        [{"op": "add", "path": "/decommissioned", "value": True}],
        [{"op": "remove", "path": "/decommissioned"}],
        [{"op": "replace", "path": "/decommissioned", "value": "true"}],
        [{"op": "replace", "path": "/decommissioned", "value": 1}],
        [{"op": "replace", "path": "/decommissioned", "value": None}],
        [{"op": "replace", "path": "/decommissioned"}],
        [*DECOMMISSION, {"op": "replace", "path": "/id", "value": "x"}],
        ["x"],
        [{}],
        {"decommissioned": True},
    ],
)
def test_M_29_nothing_else_of_a_model_can_be_patched(api: Api, model_m: Any, body: Any) -> None:
    before = assert_json(api.get(f"/models/{BUILDING}?includeModelDefinition=true"))
    assert_error(api.patch(f"/models/{BUILDING}", body), 400, "JsonPatchInvalid")
    after = assert_json(api.get(f"/models/{BUILDING}?includeModelDefinition=true"))
    assert after == before


def test_M_30_a_decommissioned_model_takes_no_new_twin(api: Api, model_m: Any) -> None:
    assert_empty(api.patch(f"/models/{BUILDING}", DECOMMISSION))
    assert_error(api.put("/digitaltwins/new", building()), 400, "ModelDecommissioned")
    assert_error(api.get("/digitaltwins/new"), 404, "DigitalTwinNotFound")


def test_M_31_existing_twins_of_a_decommissioned_model_keep_working(api: Api, twin_t: Any) -> None:
    assert_empty(api.patch(f"/models/{BUILDING}", DECOMMISSION))
    change = [{"op": "replace", "path": "/AverageTemperature", "value": 1}]
    assert_empty(api.patch("/digitaltwins/T", change), etag=True)
    api.add_twin("T", building(AverageTemperature=2))
    assert api.twin("T")["AverageTemperature"] == 2


def test_a_decommissioned_model_can_be_extended_and_deleted(api: Api, model_m: Any) -> None:
    assert_empty(api.patch(f"/models/{BUILDING}", DECOMMISSION))
    api.add_models(interface("dtmi:t:Child;1", extends=BUILDING))
    assert_empty(api.delete("/models/dtmi:t:Child;1"))
    assert_empty(api.delete(f"/models/{BUILDING}"))


def test_decommissioning_a_component_model_is_not_refused(api: Api, model_k: Any) -> None:
    assert_empty(api.patch(f"/models/{COMP}", DECOMMISSION))
    assert_empty(api.patch(f"/models/{WITH_COMP}", DECOMMISSION))


def test_M_32_a_deleted_model_is_gone(api: Api, model_m: Any) -> None:
    assert_empty(api.delete(f"/models/{BUILDING}"))
    _missing(api, BUILDING)
    assert_error(api.delete(f"/models/{BUILDING}"), 404, "ModelNotFound")
    assert assert_page(api.get("/models"))["value"] == []


def test_M_33_a_model_in_use_by_another_model_is_kept(api: Api, model_k: Any) -> None:
    response = api.delete(f"/models/{COMP}")
    error = assert_error(response, 409, "ModelReferencesNotDeleted", REFERENCED)
    assert WITH_COMP in error["message"]
    assert_json(api.get(f"/models/{COMP}"))


def test_M_33_a_base_model_is_kept(api: Api, model_m: Any) -> None:
    api.add_models(interface("dtmi:t:Child;1", extends=BUILDING))
    response = api.delete(f"/models/{BUILDING}")
    assert_error(response, 409, "ModelReferencesNotDeleted", REFERENCED)


def test_M_34_dependents_are_deleted_first(api: Api, model_k: Any) -> None:
    assert_empty(api.delete(f"/models/{WITH_COMP}"))
    assert_empty(api.delete(f"/models/{COMP}"))


def test_M_35_twins_do_not_hold_their_model(api: Api, twin_t: dict[str, Any]) -> None:
    assert_empty(api.delete(f"/models/{BUILDING}"))
    assert api.twin("T") == twin_t


def test_M_36_a_relationship_target_can_be_deleted(api: Api, model_m: Any) -> None:
    api.add_models(interface("dtmi:t:R;1", relationship("to", target=BUILDING)))
    assert_empty(api.delete(f"/models/{BUILDING}"))


def test_M_37_a_deleted_id_may_come_back_with_other_content(api: Api, model_m: Any) -> None:
    assert_empty(api.delete(f"/models/{BUILDING}"))
    other = interface(BUILDING, prop("Other", "string"))
    api.add_models(other)
    shown = assert_json(api.get(f"/models/{BUILDING}?includeModelDefinition=true"))
    assert shown["model"] == other
    assert shown["decommissioned"] is False
    api.add_twin("T", building(Other="x"))
    response = api.put("/digitaltwins/T", building(AverageTemperature=1))
    assert_error(response, 400, "ValidationFailed")


def test_a_component_model_deleted_with_its_dependent_makes_orphans(
    api: Api, twin_k: dict[str, Any]
) -> None:
    assert_empty(api.delete(f"/models/{WITH_COMP}"))
    assert_empty(api.delete(f"/models/{COMP}"))
    assert api.twin("K1") == twin_k
    response = api.put("/digitaltwins/K1", with_component())
    assert_error(response, 400, "ValidationFailed", "or one of its dependencies does not exist.")
