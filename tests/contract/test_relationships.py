"""Adding, reading, patching and deleting relationships."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .client import ETAG, VERSIONS, Unchanged, assert_empty, assert_error, assert_json, op
from .models import (
    BUILDING,
    COMP,
    C,
    building,
    interface,
    map_of,
    object_of,
    prop,
    relationship,
    twin_of,
)

if TYPE_CHECKING:
    from .client import Api

R = "/digitaltwins/A/relationships/r"
BODY = {"$relationshipName": "has", "$targetId": "B", "isAccessRestricted": True}
MEMBERS = [
    "$relationshipId",
    "$etag",
    "$sourceId",
    "$relationshipName",
    "$targetId",
    "isAccessRestricted",
]


@pytest.fixture
def pair(api: Api, model_m: Any) -> Api:
    """The twins `A` and `B` of M."""
    api.add_twin("A", building())
    api.add_twin("B", building())
    return api


@pytest.fixture
def related(pair: Api) -> dict[str, Any]:
    """The relationship `r` from `A` to `B`."""
    return pair.relate("A", "r", "B", isAccessRestricted=True)


def test_R_01_a_new_relationship_is_answered_as_stored(pair: Api) -> None:
    response = pair.put(R, BODY)
    stored = assert_json(response)
    assert list(stored) == MEMBERS
    assert stored == {
        "$relationshipId": "r",
        "$etag": response.headers["etag"],
        "$sourceId": "A",
        "$relationshipName": "has",
        "$targetId": "B",
        "isAccessRestricted": True,
    }
    assert ETAG.fullmatch(stored["$etag"])


@pytest.mark.parametrize("version", VERSIONS)
def test_no_version_shows_metadata_of_a_relationship(
    api: Api, related: dict[str, Any], version: str
) -> None:
    assert assert_json(api.get(R, version=version)) == related
    assert "$metadata" not in related


@pytest.mark.parametrize(
    "members",
    [
        {"$relationshipId": "other"},
        {"$sourceId": "nosuch"},
        {"$relationshipId": "other", "$sourceId": "B"},
        {},
        {"$relationshipId": None, "$sourceId": None},
        {"$etag": None, "$dtId": None},
        {"$etag": 'W/"5f0c2b64-0000-4000-8000-000000000000"', "$dtId": "x"},
    ],
)
def test_R_02_the_path_decides_and_read_only_members_are_ignored(
    pair: Api, members: dict[str, Any]
) -> None:
    stored = assert_json(pair.put(R, {**BODY, **members}))
    assert set(stored) == set(MEMBERS)
    assert (stored["$relationshipId"], stored["$sourceId"]) == ("r", "A")
    assert stored["$etag"] != members.get("$etag")
    assert_error(pair.get("/digitaltwins/A/relationships/other"), 404, "RelationshipNotFound")


def test_a_relationship_that_was_read_can_be_put_back(api: Api, related: dict[str, Any]) -> None:
    stored = assert_json(api.put(R, related))
    assert stored == {**related, "$etag": stored["$etag"]}
    assert stored["$etag"] != related["$etag"]


def test_R_03_a_put_replaces_the_whole_relationship(api: Api, related: dict[str, Any]) -> None:
    stored = assert_json(api.put(R, {**BODY, "isAccessRestricted": False}))
    assert stored["isAccessRestricted"] is False
    assert stored["$etag"] != related["$etag"]
    api.add_twin("C", building())
    stored = assert_json(api.put(R, {"$relationshipName": "has", "$targetId": "C"}))
    assert stored["$targetId"] == "C"
    assert "isAccessRestricted" not in stored
    assert assert_json(api.get("/digitaltwins/B/incomingrelationships"))["value"] == []
    assert len(assert_json(api.get("/digitaltwins/C/incomingrelationships"))["value"]) == 1


def test_R_04_an_unknown_target_is_not_found(pair: Api) -> None:
    response = pair.put(R, {**BODY, "$targetId": "nosuch"})
    text = "The target digital twin is invalid or does not exist"
    assert_error(response, 404, "TargetDigitalTwinNotFound", text)
    assert_error(pair.get(R), 404, "RelationshipNotFound")


def test_R_05_an_unknown_source_is_not_found(pair: Api) -> None:
    response = pair.put("/digitaltwins/nosuch/relationships/r", BODY)
    assert_error(response, 404, "DigitalTwinNotFound")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"$targetId": "B"},
        {"$relationshipName": "has"},
        {"$relationshipName": 5, "$targetId": "B"},
        {"$relationshipName": None, "$targetId": "B"},
        {"$relationshipName": "has", "$targetId": None},
        {"$relationshipName": "has", "$targetId": ["B"]},
        [],
        [BODY],
        "x",
        5,
        None,
    ],
)
def test_R_06_a_body_without_name_or_target_is_refused(
    api: Api, related: dict[str, Any], body: Any
) -> None:
    with Unchanged(api, R):
        assert_error(api.put(R, body), 400, "InvalidArgument")


def test_a_relationship_without_a_body_is_refused(pair: Api) -> None:
    assert_error(pair.put(R), 400, "BadRequest")


@pytest.mark.parametrize("name", ["$foo", "$metadata", "$relationshipLink"])
def test_other_dollar_members_are_refused(api: Api, related: Any, name: str) -> None:
    with Unchanged(api, R):
        assert_error(api.put(R, {**BODY, name: 1}), 400, "InvalidArgument")


@pytest.mark.parametrize("name", ["nosuch", "Has", "AverageTemperature"])
def test_R_07_a_name_that_is_no_relationship_of_the_model_is_refused(pair: Api, name: str) -> None:
    response = pair.put(R, {**BODY, "$relationshipName": name})
    assert_error(response, 400, "InvalidRelationship")
    assert_error(pair.get(R), 404, "RelationshipNotFound")


@pytest.fixture
def targeted(pair: Api) -> Api:
    """Also `F`, whose `to` wants a Building, `D` of a model derived from it, and `X` of another."""
    pair.add_models(
        C,
        interface("dtmi:t:From;1", relationship("to", target=BUILDING)),
        interface("dtmi:t:Derived;1", extends=BUILDING),
        interface("dtmi:t:Derived2;1", extends="dtmi:t:Derived;1"),
    )
    pair.add_twin("F", twin_of("dtmi:t:From;1"))
    pair.add_twin("D", twin_of("dtmi:t:Derived2;1"))
    pair.add_twin("X", twin_of(COMP))
    return pair


def test_R_08_a_target_of_the_wrong_model_is_refused(targeted: Api) -> None:
    body = {"$relationshipName": "to", "$targetId": "X"}
    response = targeted.put("/digitaltwins/F/relationships/r", body)
    assert_error(response, 400, "InvalidRelationship")


def test_R_09_a_target_of_a_derived_model_is_fine(targeted: Api) -> None:
    assert targeted.relate("F", "r1", "D", "to")["$targetId"] == "D"
    assert targeted.relate("F", "r2", "B", "to")["$targetId"] == "B"


def test_inherited_relationships_may_be_used(targeted: Api) -> None:
    stored = targeted.relate("D", "r", "X", isAccessRestricted=False)
    assert stored["isAccessRestricted"] is False


def test_R_10_a_twin_has_no_relationship_to_itself(pair: Api) -> None:
    response = pair.put(R, {**BODY, "$targetId": "A"})
    assert_error(response, 400, "OperationNotAllowed")
    assert_error(pair.get(R), 404, "RelationshipNotFound")


@pytest.mark.parametrize(
    "members",
    [
        {"foo": 1},
        {"isAccessRestricted": "yes"},
        {"isAccessRestricted": None},
        {"AverageTemperature": 1},
    ],
)
def test_R_11_properties_are_validated(pair: Api, members: dict[str, Any]) -> None:
    assert_error(pair.put(R, {**BODY, **members}), 400, "ValidationFailed")
    assert_error(pair.get(R), 404, "RelationshipNotFound")


def test_the_checks_of_a_put_come_in_their_order(api: Api, related: Any) -> None:
    path = "/digitaltwins/nosuch/relationships/r"
    assert_error(api.put(path, {"$targetId": "B"}), 400, "InvalidArgument")
    wrong = {"$relationshipName": "nosuch", "$targetId": "nosuch", "foo": 1}
    assert_error(api.put(path, wrong), 404, "DigitalTwinNotFound")
    once = {"If-None-Match": "*"}
    assert_error(api.put(R, wrong, headers=once), 412, "PreconditionFailed")
    assert_error(api.put(R, wrong), 404, "TargetDigitalTwinNotFound")
    wrong["$targetId"] = "A"
    assert_error(api.put(R, wrong), 400, "OperationNotAllowed")
    wrong["$targetId"] = "B"
    assert_error(api.put(R, wrong), 400, "InvalidRelationship")
    wrong["$relationshipName"] = "has"
    assert_error(api.put(R, wrong), 400, "ValidationFailed")


def test_R_13_multiplicity_is_not_enforced(api: Api) -> None:
    model = interface("dtmi:t:One;1", relationship("one", maxMultiplicity=1))
    api.add_models(model)
    for identifier in "ABC":
        api.add_twin(identifier, twin_of("dtmi:t:One;1"))
    api.relate("A", "r1", "B", "one")
    api.relate("A", "r2", "C", "one")
    api.relate("A", "r3", "B", "one")
    assert len(assert_json(api.get("/digitaltwins/A/relationships"))["value"]) == 3


def test_R_14_a_relationship_is_read_as_it_was_answered(api: Api, related: dict[str, Any]) -> None:
    response = api.get(R)
    assert assert_json(response) == related
    assert response.headers["etag"] == related["$etag"]


def test_R_15_an_unknown_relationship_is_not_found(pair: Api) -> None:
    text = "Relationship r not found on twin A"
    assert_error(pair.get(R), 404, "RelationshipNotFound", text)
    assert_error(pair.patch(R, []), 404, "RelationshipNotFound", text)
    assert_error(pair.delete(R), 404, "RelationshipNotFound", text)


def test_R_16_a_relationship_of_an_unknown_twin_is_not_found(pair: Api) -> None:
    path = "/digitaltwins/nosuch/relationships/r"
    assert_error(pair.get(path), 404, "DigitalTwinNotFound")
    assert_error(pair.patch(path, []), 404, "DigitalTwinNotFound")
    assert_error(pair.delete(path), 404, "DigitalTwinNotFound")


def test_a_relationship_belongs_to_its_source_alone(api: Api, related: Any) -> None:
    response = api.get("/digitaltwins/B/relationships/r")
    assert_error(response, 404, "RelationshipNotFound")
    assert_error(api.get("/digitaltwins/A/relationships/R"), 404, "RelationshipNotFound")


def test_R_17_a_relationship_is_patched(api: Api, related: dict[str, Any]) -> None:
    etags = [related["$etag"]]
    for operation, expected in (
        (op("replace", "/isAccessRestricted", False), False),
        (op("remove", "/isAccessRestricted"), None),
        (op("add", "/isAccessRestricted", True), True),
    ):
        etags.append(assert_empty(api.patch(R, [operation]), etag=True))
        shown = assert_json(api.get(R))
        assert shown.get("isAccessRestricted") is expected
        assert shown["$etag"] == etags[-1]
    assert len(set(etags)) == 4


def test_operations_on_one_relationship_run_in_order(api: Api, related: Any) -> None:
    body = [op("replace", "/isAccessRestricted", False), op("remove", "/isAccessRestricted")]
    assert_empty(api.patch(R, body), etag=True)
    assert "isAccessRestricted" not in assert_json(api.get(R))


def test_R_18_an_absent_property_cannot_be_removed(pair: Api) -> None:
    pair.relate("A", "r", "B")
    with Unchanged(pair, R):
        for kind in ("remove", "replace"):
            response = pair.patch(R, [op(kind, "/isAccessRestricted", True)])
            error = assert_error(response, 400, "JsonPatchInvalid")
            assert "isAccessRestricted" in error["message"]


def test_R_19_an_empty_patch_makes_a_new_etag(api: Api, related: dict[str, Any]) -> None:
    etag = assert_empty(api.patch(R, []), etag=True)
    assert etag != related["$etag"]
    assert assert_json(api.get(R)) == {**related, "$etag": etag}


@pytest.mark.parametrize(
    "name",
    [
        "$targetId",
        "$sourceId",
        "$relationshipId",
        "$relationshipName",
        "$etag",
        "$metadata",
        "$dtId",
    ],
)
@pytest.mark.parametrize("kind", ["replace", "add", "remove"])
def test_R_20_the_ends_of_a_relationship_cannot_be_patched(
    api: Api, related: Any, kind: str, name: str
) -> None:
    codes: str | tuple[str, ...] = "JsonPatchInvalid"
    if kind == "add" and name in {"$metadata", "$dtId"}:
        codes = ("JsonPatchInvalid", "ValidationFailed")
    with Unchanged(api, R):
        assert_error(api.patch(R, [op(kind, f"/{name}", "B")]), 400, codes)


@pytest.mark.parametrize(
    "body",
    [
        [{}],
        ["x"],
        {"a": 1},
        [op("move", "/isAccessRestricted", True)],
        [op("copy", "/isAccessRestricted", True)],
        [op("test", "/isAccessRestricted", True)],
        [op("replace", "", {})],
        [op("replace", "/nosuch", 1)],
        [op("add", "/isAccessRestricted/x", 1)],
        [op("replace", "/isAccessRestricted", False), op("remove", "/nosuch")],
    ],
)
def test_an_invalid_relationship_patch_changes_nothing(api: Api, related: Any, body: Any) -> None:
    with Unchanged(api, R):
        assert_error(api.patch(R, body), 400, "JsonPatchInvalid")


@pytest.mark.parametrize(
    "operation",
    [
        op("add", "/foo", 1),
        op("replace", "/isAccessRestricted", "yes"),
        op("replace", "/isAccessRestricted", None),
    ],
)
def test_the_result_of_a_relationship_patch_is_validated(
    api: Api, related: Any, operation: Any
) -> None:
    with Unchanged(api, R):
        assert_error(api.patch(R, [operation]), 400, "ValidationFailed")


def test_a_relationship_patch_reaches_into_objects_and_maps(api: Api) -> None:
    properties = [prop("o", object_of(a="string")), prop("m", map_of("integer"))]
    api.add_models(interface("dtmi:t:Rich;1", relationship("to", *properties)))
    for identifier in "AB":
        api.add_twin(identifier, twin_of("dtmi:t:Rich;1"))
    api.relate("A", "r", "B", "to", o={"a": "x"})
    body = [op("replace", "/o/a", "y"), op("add", "/m", {}), op("add", "/m/k", 1)]
    assert_empty(api.patch(R, body), etag=True)
    shown = assert_json(api.get(R))
    assert (shown["o"], shown["m"]) == ({"a": "y"}, {"k": 1})
    with Unchanged(api, R):
        assert_error(api.patch(R, [op("add", "/m/k", "x")]), 400, "ValidationFailed")


def test_R_22_a_deleted_relationship_is_gone(api: Api, related: Any) -> None:
    assert_empty(api.delete(R))
    assert_error(api.get(R), 404, "RelationshipNotFound")
    assert_error(api.delete(R), 404, "RelationshipNotFound")
    assert assert_json(api.get("/digitaltwins/A/relationships"))["value"] == []
    assert assert_json(api.get("/digitaltwins/B/incomingrelationships"))["value"] == []


def test_R_31_two_twins_may_use_one_relationship_id(pair: Api) -> None:
    first = pair.relate("A", "same", "B")
    second = pair.relate("B", "same", "A")
    assert first["$etag"] != second["$etag"]
    assert_empty(pair.delete("/digitaltwins/A/relationships/same"))
    assert assert_json(pair.get("/digitaltwins/B/relationships/same")) == second


def test_a_relationship_id_may_equal_a_twin_id(pair: Api) -> None:
    assert pair.relate("A", "A", "B")["$relationshipId"] == "A"
    assert pair.twin("A")["$dtId"] == "A"
