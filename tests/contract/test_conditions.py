"""If-Match and If-None-Match on twins, components and relationships."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .client import Unchanged, assert_empty, assert_error, assert_json
from .models import building

if TYPE_CHECKING:
    from .client import Api

T = "/digitaltwins/T"
R = "/digitaltwins/T/relationships/r"
IF_NONE_MATCH = "Invalid If-None-Match header value. Allowed value(s): If-None-Match: *"
IF_MATCH = "Invalid If-Match header value. Allowed value(s): If-Match: {etag} or If-Match: *"
OTHER_ETAG = 'W/"5f0c2b64-0000-4000-8000-000000000000"'


def test_T_13_a_missing_twin_is_created_if_missing(api: Api, model_m: Any) -> None:
    assert_json(api.put(T, building(), headers={"If-None-Match": "*"}))
    assert api.twin("T")["$dtId"] == "T"


def test_T_14_a_present_twin_is_kept_if_missing_was_asked(api: Api, twin_t: Any) -> None:
    with Unchanged(api, T):
        response = api.put(T, building(), headers={"If-None-Match": "*"})
        error = assert_error(response, 412, "PreconditionFailed")
    assert error["message"] == (
        "If-None-Match: * header was specified but a twin with the id T was found. "
        "Please specify a different twin id."
    )


@pytest.mark.parametrize("value", ["XXX", OTHER_ETAG, '"*"', f"*, {OTHER_ETAG}", '""'])
def test_T_15_any_other_if_none_match_is_malformed(api: Api, twin_t: Any, value: str) -> None:
    for path in ("/digitaltwins/absent", T):
        response = api.put(path, building(), headers={"If-None-Match": value})
        assert assert_error(response, 400, "InvalidArgument")["message"] == IF_NONE_MATCH
    assert_error(api.get("/digitaltwins/absent"), 404, "DigitalTwinNotFound")
    assert api.twin("T") == twin_t


def test_T_16_the_current_etag_is_no_if_none_match(api: Api, twin_t: dict[str, Any]) -> None:
    response = api.put(T, building(), headers={"If-None-Match": twin_t["$etag"]})
    assert_error(response, 400, "InvalidArgument", IF_NONE_MATCH)
    assert api.twin("T") == twin_t


def test_T_20_a_stale_etag_deletes_nothing(api: Api, twin_t: dict[str, Any]) -> None:
    now = api.add_twin("T", building())
    response = api.delete(T, headers={"If-Match": twin_t["$etag"]})
    assert_error(response, 412, "PreconditionFailed")
    assert api.twin("T") == now


def test_T_21_the_current_etag_and_the_star_delete(api: Api, twin_t: dict[str, Any]) -> None:
    assert_empty(api.delete(T, headers={"If-Match": twin_t["$etag"]}))
    api.add_twin("T", building())
    assert_empty(api.delete(T, headers={"If-Match": "*"}))
    assert_error(api.get(T), 404, "DigitalTwinNotFound")


@pytest.mark.parametrize(
    "value", ["XXX", "2b7d0a7e-0a52-4b43-9d0e-3f1a2c4d5e6f", "W/x", '"open', "W/"]
)
def test_T_22_a_malformed_if_match_is_refused(api: Api, twin_t: Any, value: str) -> None:
    headers = {"If-Match": value}
    with Unchanged(api, T):
        for path in (T, "/digitaltwins/absent"):
            for response in (
                api.delete(path, headers=headers),
                api.patch(path, [], headers=headers),
            ):
                assert assert_error(response, 400, "InvalidArgument")["message"] == IF_MATCH


def test_T_22_an_unquoted_current_etag_is_malformed(api: Api, twin_t: dict[str, Any]) -> None:
    bare = twin_t["$etag"].removeprefix('W/"').removesuffix('"')
    assert_error(api.delete(T, headers={"If-Match": bare}), 400, "InvalidArgument")


def test_conditions_that_do_not_belong_to_an_operation_are_ignored(
    api: Api, twin_t: dict[str, Any]
) -> None:
    assert_json(api.get(T, headers={"If-None-Match": twin_t["$etag"]}))
    assert_json(api.get(T, headers={"If-None-Match": "*", "If-Match": OTHER_ETAG}))
    assert_json(api.put(T, building(), headers={"If-Match": OTHER_ETAG}))
    assert_json(api.put(T, building(), headers={"If-Match": "XXX"}))
    assert_empty(api.patch(T, [], headers={"If-None-Match": "XXX"}), etag=True)
    assert_empty(api.delete(T, headers={"If-None-Match": "*"}))


@pytest.fixture
def related(api: Api, twin_t: Any) -> dict[str, Any]:
    """The relationship `r` from `T` to `B`."""
    api.add_twin("B", building())
    return api.relate("T", "r", "B")


def test_J_14_a_stale_etag_patches_nothing(api: Api, twin_t: dict[str, Any]) -> None:
    now = api.add_twin("T", building(AverageTemperature=1))
    change = [{"op": "replace", "path": "/AverageTemperature", "value": 2}]
    response = api.patch(T, change, headers={"If-Match": twin_t["$etag"]})
    assert_error(response, 412, "PreconditionFailed")
    assert api.twin("T") == now


def test_J_15_the_star_and_the_current_etag_patch(api: Api, twin_t: dict[str, Any]) -> None:
    second = assert_empty(api.patch(T, [], headers={"If-Match": twin_t["$etag"]}), etag=True)
    third = assert_empty(api.patch(T, [], headers={"If-Match": "*"}), etag=True)
    assert len({twin_t["$etag"], second, third}) == 3


def test_entity_tags_are_compared_weakly(api: Api, twin_t: dict[str, Any]) -> None:
    strong = twin_t["$etag"].removeprefix("W/")
    second = assert_empty(api.patch(T, [], headers={"If-Match": strong}), etag=True)
    assert_empty(api.delete(T, headers={"If-Match": second.removeprefix("W/")}))


@pytest.mark.parametrize(
    "form", ["{other}, {etag}", "{etag},{other}", '"a,b" , {etag}', '"", {etag}']
)
def test_one_matching_tag_of_a_list_is_enough(api: Api, twin_t: dict[str, Any], form: str) -> None:
    value = form.format(etag=twin_t["$etag"], other=OTHER_ETAG)
    assert_empty(api.patch(T, [], headers={"If-Match": value}), etag=True)


def test_a_list_without_a_matching_tag_fails(api: Api, twin_t: Any) -> None:
    with Unchanged(api, T):
        response = api.patch(T, [], headers={"If-Match": f'"a", {OTHER_ETAG}, "b"'})
        assert_error(response, 412, "PreconditionFailed")


def test_an_etag_is_compared_as_a_whole(api: Api, twin_t: dict[str, Any]) -> None:
    shortened = twin_t["$etag"][:-2] + '"'
    for value in (shortened, twin_t["$etag"].upper()):
        response = api.delete(T, headers={"If-Match": value.replace("w/", "W/")})
        assert_error(response, 412, "PreconditionFailed")


def test_C_10_a_component_patch_checks_the_etag_of_the_twin(
    api: Api, twin_k: dict[str, Any]
) -> None:
    path = "/digitaltwins/K1/components/Component1"
    change = [{"op": "replace", "path": "/ComponentProp1", "value": "x"}]
    for value, code, status in (
        (OTHER_ETAG, "PreconditionFailed", 412),
        ("XXX", "InvalidArgument", 400),
    ):
        response = api.patch(path, change, headers={"If-Match": value})
        assert_error(response, status, code)
    assert api.twin("K1") == twin_k
    current = {"If-Match": twin_k["$etag"]}
    new = assert_empty(api.patch(path, change, headers=current), etag=True)
    assert api.get("/digitaltwins/K1").headers["etag"] == new
    assert_error(api.patch(path, change, headers=current), 412, "PreconditionFailed")
    assert_empty(api.patch(path, change, headers={"If-Match": "*"}), etag=True)


def test_R_12_a_present_relationship_is_kept_if_missing_was_asked(
    api: Api, related: dict[str, Any]
) -> None:
    body = {"$relationshipName": "has", "$targetId": "B", "isAccessRestricted": True}
    response = api.put(R, body, headers={"If-None-Match": "*"})
    text = "header was specified but a relationship with the id"
    assert_error(response, 412, "PreconditionFailed", text)
    assert assert_json(api.get(R)) == related
    assert_json(api.put(R + "2", body, headers={"If-None-Match": "*"}))


@pytest.mark.parametrize("value", ["XXX", OTHER_ETAG])
def test_any_other_if_none_match_on_a_relationship_is_malformed(
    api: Api, related: dict[str, Any], value: str
) -> None:
    body = {"$relationshipName": "has", "$targetId": "B"}
    for path in (R, R + "2"):
        response = api.put(path, body, headers={"If-None-Match": value})
        assert_error(response, 400, "InvalidArgument", IF_NONE_MATCH)
    assert assert_json(api.get(R)) == related


def test_R_21_a_stale_etag_leaves_a_relationship_alone(api: Api, related: dict[str, Any]) -> None:
    now = api.relate("T", "r", "B", isAccessRestricted=False)
    stale = {"If-Match": related["$etag"]}
    change = [{"op": "replace", "path": "/isAccessRestricted", "value": True}]
    assert_error(api.patch(R, change, headers=stale), 412, "PreconditionFailed")
    assert_error(api.delete(R, headers=stale), 412, "PreconditionFailed")
    assert assert_json(api.get(R)) == now


@pytest.mark.parametrize("weak", [True, False])
def test_the_current_etag_and_the_star_change_a_relationship(
    api: Api, related: dict[str, Any], weak: bool
) -> None:
    def form(etag: str) -> dict[str, str]:
        return {"If-Match": etag if weak else etag.removeprefix("W/")}

    second = assert_empty(api.patch(R, [], headers=form(related["$etag"])), etag=True)
    assert_empty(api.patch(R, [], headers={"If-Match": "*"}), etag=True)
    assert_error(api.delete(R, headers=form(second)), 412, "PreconditionFailed")
    current = api.get(R).headers["etag"]
    assert_empty(api.delete(R, headers=form(current)))


def test_a_malformed_if_match_on_a_relationship_is_refused(
    api: Api, related: dict[str, Any]
) -> None:
    headers = {"If-Match": "XXX"}
    for path in (R, R + "2", "/digitaltwins/absent/relationships/r"):
        for response in (api.patch(path, [], headers=headers), api.delete(path, headers=headers)):
            assert_error(response, 400, "InvalidArgument", IF_MATCH)
    assert assert_json(api.get(R)) == related


def test_a_condition_on_an_absent_relationship_is_not_found(
    api: Api, related: dict[str, Any]
) -> None:
    for value in ("*", OTHER_ETAG):
        response = api.patch(R + "2", [], headers={"If-Match": value})
        assert_error(response, 404, "RelationshipNotFound")
        response = api.delete(R + "2", headers={"If-Match": value})
        assert_error(response, 404, "RelationshipNotFound")
    assert assert_json(api.get(R)) == related
