"""Routing, api-versions, request and response headers, and the order of checks."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from .client import (
    PATCH_TYPE,
    TWIN_TIME,
    VERSIONS,
    Unchanged,
    assert_empty,
    assert_error,
    assert_json,
    assert_page,
    details,
)
from .models import BUILDING, M, building, with_component

if TYPE_CHECKING:
    from .client import Api

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
REPLACE = [{"op": "replace", "path": "/AverageTemperature", "value": 1}]


def test_P_03_a_request_without_api_version_is_refused(adt: Api) -> None:
    error = assert_error(adt.get("/digitaltwins/T", version=None), 400, "ApiVersionUnspecified")
    previews = ("2021-06-30-preview", "2023-02-27-preview")
    assert all(version in error["message"] for version in (*VERSIONS, *previews))


@pytest.mark.parametrize("path", ["/models", "/digitaltwins/T/relationships"])
def test_an_empty_api_version_counts_as_missing(adt: Api, path: str) -> None:
    assert_error(adt.get(path, version=""), 400, "ApiVersionUnspecified")


def test_P_04_an_unknown_api_version_is_refused_with_the_supported_list(
    api: Api, twin_t: dict[str, Any]
) -> None:
    error = assert_error(
        api.get("/digitaltwins/T", version="1999-01-01"), 400, "UnsupportedApiVersion"
    )
    told = " ".join([error["message"], *details(error)])
    assert all(version in told for version in VERSIONS)


@pytest.mark.parametrize("version", VERSIONS)
def test_P_05_every_published_version_is_served(
    api: Api, twin_t: dict[str, Any], version: str
) -> None:
    assert assert_json(api.get("/digitaltwins/T", version=version))["$dtId"] == "T"


@pytest.mark.parametrize("version", ["2021-06-30-preview", "2023-02-27-preview"])
def test_the_preview_versions_are_aliases_of_their_successors(
    api: Api, twin_t: dict[str, Any], version: str
) -> None:
    twin = assert_json(api.get("/digitaltwins/T", version=version))
    assert "$lastUpdateTime" in twin["$metadata"]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_operation_works_under_every_version(api: Api, version: str) -> None:
    assert_json(api.post("/models", [M], version=version), 201)
    assert_json(api.put("/digitaltwins/T", building(AverageTemperature=1), version=version))
    assert_json(api.put("/digitaltwins/B", building(), version=version))
    assert_empty(api.patch("/digitaltwins/T", REPLACE, version=version), etag=True)
    body = {"$relationshipName": "has", "$targetId": "B"}
    path = "/digitaltwins/T/relationships/r"
    assert_json(api.put(path, body, version=version))
    assert_json(api.get(path, version=version))
    assert_empty(api.patch(path, [], version=version), etag=True)
    assert len(assert_page(api.get(path[:-2], version=version))["value"]) == 1
    incoming = assert_page(api.get("/digitaltwins/B/incomingrelationships", version=version))
    assert len(incoming["value"]) == 1
    assert_empty(api.post("/digitaltwins/T/telemetry", {}, version=version))
    rows = assert_json(api.query("SELECT * FROM digitaltwins", version=version))
    assert len(rows["value"]) == 2
    assert_empty(api.delete(path, version=version))
    assert_empty(api.delete("/digitaltwins/T", version=version))
    assert len(assert_page(api.get("/models", version=version))["value"]) == 1


@pytest.mark.parametrize("path", ["/DigitalTwins/T", "/DIGITALTWINS/T", "/digitalTwins/T"])
def test_P_06_the_twin_path_matches_in_any_letter_case(
    api: Api, twin_t: dict[str, Any], path: str
) -> None:
    assert assert_json(api.get(path)) == twin_t


def test_P_06_static_path_segments_match_in_any_letter_case(
    api: Api, twin_k: dict[str, Any]
) -> None:
    assert len(assert_page(api.get("/Models"))["value"]) == 2
    assert_json(api.post("/QUERY", {"query": "SELECT * FROM digitaltwins"}))
    assert_json(api.get("/DigitalTwins/K1/Components/Component1"))
    assert_page(api.get("/digitaltwins/K1/RelationShips"))
    assert_page(api.get("/digitaltwins/K1/IncomingRelationships"))
    assert_empty(api.post("/digitaltwins/K1/Telemetry", {}))


def test_P_07_twin_ids_are_case_sensitive(api: Api, twin_t: dict[str, Any]) -> None:
    assert_error(api.get("/digitaltwins/t"), 404, "DigitalTwinNotFound")


def test_model_ids_and_component_names_are_case_sensitive(api: Api, twin_k: dict[str, Any]) -> None:
    assert_error(api.get("/models/dtmi:t:withcomp;1"), 404, "ModelNotFound")
    assert_error(api.get("/digitaltwins/K1/components/component1"), 404, "ComponentNotFound")


def test_P_08_a_model_id_may_arrive_raw_or_encoded(api: Api, model_m: dict[str, Any]) -> None:
    raw = assert_json(api.get("/models/dtmi:t:Building;1"))
    encoded = assert_json(api.get("/models/dtmi%3At%3ABuilding%3B1"))
    lower = assert_json(api.get("/models/dtmi%3at%3aBuilding%3b1"))
    assert raw == encoded == lower
    assert raw["id"] == BUILDING


def test_P_09_a_segment_is_decoded_exactly_once(api: Api, model_m: dict[str, Any]) -> None:
    stored = assert_json(api.put("/digitaltwins/10%25B2H6_H2", building()))
    assert stored["$dtId"] == "10%B2H6_H2"
    assert assert_json(api.get("/digitaltwins/10%25B2H6_H2")) == stored


def test_P_10_an_encoded_slash_is_not_a_slash(api: Api, twin_t: dict[str, Any]) -> None:
    assert_error(api.get("/digitaltwins/a%2Fb"), 404, "DigitalTwinNotFound", "a%2Fb")
    assert_error(api.get("/digitaltwins/T%2frelationships"), 404, "DigitalTwinNotFound")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/digitaltwins/nosuch", 404),
        ("GET", "/models/foo", 400),
        ("GET", "/models/dtmi:t:nosuch;1", 404),
        ("DELETE", "/digitaltwins/nosuch", 404),
        ("GET", "/digitaltwins/T/relationships/nosuch", 404),
        ("GET", "/digitaltwins/T/components/nosuch", 404),
    ],
)
def test_P_11_every_error_carries_its_code_in_a_header_too(
    api: Api, twin_t: dict[str, Any], method: str, path: str, status: int
) -> None:
    response = api.send(method, path)
    assert response.status_code == status
    code = json.loads(response.content)["error"]["code"]
    assert_error(response, status, code)


def test_P_12_a_traceparent_changes_no_outcome(api: Api, twin_t: dict[str, Any]) -> None:
    headers = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01", "tracestate": "a=b"}
    response = api.get("/digitaltwins/T", headers=headers)
    assert assert_json(response) == twin_t
    assert re.fullmatch(rf"00-{TRACE}-[0-9a-f]{{16}}-01", response.headers["traceresponse"])


@pytest.mark.parametrize("value", ["nonsense", "00-0-0-01", f"00-{'0' * 32}-{'0' * 16}-01"])
def test_a_malformed_traceparent_starts_a_new_trace(
    api: Api, twin_t: dict[str, Any], value: str
) -> None:
    response = api.get("/digitaltwins/T", headers={"traceparent": value})
    assert assert_json(response) == twin_t
    match = re.fullmatch(r"00-([0-9a-f]{32})-[0-9a-f]{16}-01", response.headers["traceresponse"])
    assert match
    assert match[1] != "0" * 32


def test_P_13_every_204_is_empty_and_says_so(api: Api, twin_t: dict[str, Any]) -> None:
    api.add_twin("B", building())
    api.relate("T", "r", "B")
    path = "/digitaltwins/T/relationships/r"
    assert_empty(api.patch("/digitaltwins/T", REPLACE), etag=True)
    assert_empty(api.patch(path, []), etag=True)
    assert_empty(api.post("/digitaltwins/T/telemetry", {"x": 1}))
    assert_empty(api.delete(path))
    assert_empty(api.delete("/digitaltwins/T"))
    decommission = [{"op": "replace", "path": "/decommissioned", "value": True}]
    assert_empty(api.patch(f"/models/{BUILDING}", decommission))
    assert_empty(api.delete(f"/models/{BUILDING}"))


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "text/json"])
def test_P_14_a_body_that_is_not_declared_json_is_refused(
    api: Api, twin_t: dict[str, Any], content_type: str
) -> None:
    with Unchanged(api, "/digitaltwins/T"):
        response = api.put("/digitaltwins/T", building(), content_type=content_type)
        assert_error(response, 415, "UnsupportedMediaType")
        response = api.patch("/digitaltwins/T", REPLACE, content_type=content_type)
        assert_error(response, 415, "UnsupportedMediaType")
    response = api.post("/models", [], content_type=content_type)
    assert_error(response, 415, "UnsupportedMediaType")


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        PATCH_TYPE,
        f"{PATCH_TYPE};charset=UTF-8",
        "Application/JSON-Patch+JSON",
    ],
)
def test_P_15_a_patch_may_be_declared_json_with_or_without_charset(
    api: Api, twin_t: dict[str, Any], content_type: str
) -> None:
    response = api.patch("/digitaltwins/T", REPLACE, content_type=content_type)
    assert_empty(response, etag=True)


def test_a_put_may_declare_a_charset(api: Api, model_m: dict[str, Any]) -> None:
    response = api.put("/digitaltwins/T", building(), content_type="application/json;charset=utf-8")
    assert_json(response)


def _keys(value: Any) -> set[str]:
    if not isinstance(value, dict):
        return set()
    return set(value).union(*(_keys(inner) for inner in value.values()))


def test_P_16_the_oldest_version_has_no_update_time_of_the_twin(
    api: Api, twin_t: dict[str, Any]
) -> None:
    twin = api.twin("T", version="2020-10-31")
    assert "$lastUpdateTime" not in _keys(twin)
    expected = json.loads(json.dumps(twin_t))
    del expected["$metadata"]["$lastUpdateTime"]
    assert twin == expected
    assert TWIN_TIME.fullmatch(twin["$metadata"]["AverageTemperature"]["lastUpdateTime"])


def test_the_oldest_version_has_no_update_time_of_a_component(
    api: Api, model_k: dict[str, Any]
) -> None:
    path = "/digitaltwins/K1"
    stored = assert_json(api.put(path, with_component(), version="2020-10-31"))
    assert stored["Component1"] == {"$metadata": {}}
    add = [{"op": "add", "path": "/Component1/ComponentProp1", "value": "x"}]
    assert_empty(api.patch(path, add, version="2020-10-31"), etag=True)
    part = assert_json(api.get(f"{path}/components/Component1", version="2020-10-31"))
    assert "$lastUpdateTime" not in _keys(part)
    assert "lastUpdateTime" in part["$metadata"]["ComponentProp1"]
    rows = assert_json(api.query("SELECT * FROM digitaltwins", version="2020-10-31"))["value"]
    assert "$lastUpdateTime" not in _keys(rows[0])


def test_the_oldest_version_shows_and_takes_no_source_time(
    api: Api, model_m: dict[str, Any]
) -> None:
    body = building(AverageTemperature=1)
    body["$metadata"]["AverageTemperature"] = {"sourceTime": "2023-06-01T20:30:50Z"}
    assert_json(api.put("/digitaltwins/old", body, version="2020-10-31"))
    assert "sourceTime" not in _keys(api.twin("old"))
    api.add_twin("new", body)
    assert "sourceTime" in _keys(api.twin("new"))
    assert "sourceTime" not in _keys(api.twin("new", version="2020-10-31"))


@pytest.mark.parametrize("version", VERSIONS[1:])
def test_P_17_later_versions_have_the_update_time_of_the_twin(
    api: Api, twin_t: dict[str, Any], version: str
) -> None:
    twin = api.twin("T", version=version)
    assert TWIN_TIME.fullmatch(twin["$metadata"]["$lastUpdateTime"])
    assert twin == twin_t


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", "/query", {"POST"}),
        ("GET", "/query", {"POST"}),
        ("PUT", "/models", {"GET", "POST"}),
        ("PUT", "/models/dtmi:t:Building;1", {"GET", "PATCH", "DELETE"}),
        ("POST", "/digitaltwins/T", {"GET", "PUT", "PATCH", "DELETE"}),
        ("DELETE", "/digitaltwins/T/components/x", {"GET", "PATCH"}),
        ("POST", "/digitaltwins/T/relationships", {"GET"}),
        ("POST", "/digitaltwins/T/relationships/r", {"GET", "PUT", "PATCH", "DELETE"}),
        ("PUT", "/digitaltwins/T/incomingrelationships", {"GET"}),
        ("GET", "/digitaltwins/T/telemetry", {"POST"}),
        ("GET", "/digitaltwins/T/components/x/telemetry", {"POST"}),
    ],
)
def test_P_18_a_known_path_with_another_method_names_the_allowed_ones(
    api: Api, twin_t: dict[str, Any], method: str, path: str, allowed: set[str]
) -> None:
    response = api.send(method, path)
    assert_error(response, 405, "MethodNotAllowed")
    told = {name.strip() for name in response.headers["allow"].split(",")}
    assert allowed <= told
    assert method not in told


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/nosuch",
        "/digitaltwins",
        "/digitaltwins/T/nosuch",
        "/digitaltwins/T/telemetry/components/x",
        "/digitaltwins/T/relationships/r/x",
        "/incomingrelationships",
        "/models/dtmi:t:Building;1/x",
        "/models/search/x",
    ],
)
def test_an_unknown_path_is_not_found(api: Api, adt: Api, twin_t: Any, path: str) -> None:
    for client in (api, adt):
        response = client.send("PUT" if path == "/" else "GET", path)
        ours = path == "/digitaltwins" or "telemetry/components" in path
        known = path == "/" or (client is api and ours)
        assert response.status_code in ({404, 405} if known else {404})
        assert_error(response, response.status_code, ("NotFound", "MethodNotAllowed"))


def test_client_headers_without_meaning_here_are_harmless(api: Api, twin_t: dict[str, Any]) -> None:
    headers = {
        "Accept": "text/html",
        "x-ms-client-request-id": "7f2a",
        "If-Modified-Since": "Tue, 01 Jan 2030 00:00:00 GMT",
        "Authorization": "Bearer anything",
    }
    assert assert_json(api.get("/digitaltwins/T", headers=headers)) == twin_t


# The order of checks.


def test_the_api_version_is_checked_before_condition_headers(adt: Api) -> None:
    response = adt.patch("/digitaltwins/T", [], headers={"If-Match": "XXX"}, version=None)
    assert_error(response, 400, "ApiVersionUnspecified")


def test_condition_headers_are_checked_before_ids(api: Api) -> None:
    response = api.delete("/digitaltwins/%20x", headers={"If-Match": "XXX"})
    assert_error(response, 400, "InvalidArgument", "Invalid If-Match header value.")


def test_ids_are_checked_before_bodies(api: Api) -> None:
    response = api.patch("/digitaltwins/%20x", {"a": 1})
    assert_error(response, 400, "InvalidArgument")


def test_the_shape_of_a_body_is_checked_before_existence(api: Api) -> None:
    assert_error(api.patch("/digitaltwins/nosuch", {"a": 1}), 400, "JsonPatchInvalid")
    assert_error(api.put("/digitaltwins/x/relationships/r", {}), 400, "InvalidArgument")


def test_existence_is_checked_before_preconditions(api: Api) -> None:
    headers = {"If-Match": 'W/"5f0c2b64-0000-4000-8000-000000000000"'}
    response = api.patch("/digitaltwins/nosuch", REPLACE, headers=headers)
    assert_error(response, 404, "DigitalTwinNotFound")
    response = api.delete("/digitaltwins/nosuch", headers=headers)
    assert_error(response, 404, "DigitalTwinNotFound")


def test_preconditions_are_checked_before_contents(api: Api, twin_t: dict[str, Any]) -> None:
    wrong = [{"op": "replace", "path": "/AverageTemperature", "value": "warm"}]
    headers = {"If-Match": 'W/"5f0c2b64-0000-4000-8000-000000000000"'}
    with Unchanged(api, "/digitaltwins/T"):
        response = api.patch("/digitaltwins/T", wrong, headers=headers)
        assert_error(response, 412, "PreconditionFailed")
        response = api.put("/digitaltwins/T", building(foo=1), headers={"If-None-Match": "*"})
        assert_error(response, 412, "PreconditionFailed")
