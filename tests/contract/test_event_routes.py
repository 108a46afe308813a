"""Event routes as the contract has them (E-01 to E-09)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2
import pytest

from .client import Api, assert_empty, assert_error, assert_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kastor.testing import KastorServer

EVERYTHING = {"endpointName": "sink-1", "filter": "true"}


@pytest.fixture
def routed(api: Api, kastor: KastorServer) -> Api:
    """An empty graph with one endpoint."""
    url = f"{kastor.url}/kastor/v1/endpoints/sink-1"
    settings = {"kind": "file", "settings": {"path": str(kastor.data_dir / "events.ndjson")}}
    assert httpx2.put(url, json=settings).status_code == 200
    return api


def test_E_01_a_new_instance_has_no_routes(api: Api) -> None:
    assert assert_json(api.get("/eventroutes")) == {"value": [], "nextLink": None}
    assert assert_json(api.get("/EventRoutes")) == {"value": [], "nextLink": None}


def test_E_02_a_route_to_an_unknown_endpoint_is_refused(api: Api) -> None:
    body = {"endpointName": "nosuch", "filter": "true"}
    assert_error(api.put("/eventroutes/r", body), 400, "EventRouteEndpointInvalid")


def test_E_03_a_filter_that_is_none_is_refused_with_its_place(routed: Api) -> None:
    body = {"endpointName": "sink-1", "filter": "this is not a valid filter string"}
    response = routed.put("/eventroutes/r", body)
    error = assert_error(response, 400, "EventRouteFilterInvalid")
    assert "Line=1, Position=6" in error["message"]
    assert_error(routed.get("/eventroutes/r"), 404, "EventRouteNotFound")


def test_the_endpoint_is_checked_before_the_filter(routed: Api) -> None:
    body = {"endpointName": "nosuch", "filter": "this is not"}
    assert_error(routed.put("/eventroutes/r", body), 400, "EventRouteEndpointInvalid")


def test_E_04_a_route_is_stored_and_read_again(routed: Api) -> None:
    text = "type = 'Microsoft.DigitalTwins.Twin.Update'  AND  $body.modelId != 'x'"
    body = {"endpointName": "sink-1", "filter": text, "id": "ignored"}
    assert_empty(routed.put("/eventroutes/route.1-A_b", body))
    found = assert_json(routed.get("/eventroutes/route.1-A_b"))
    assert found == {"id": "route.1-A_b", "endpointName": "sink-1", "filter": text}


def test_E_05_the_legacy_filter_of_the_samples_is_accepted(routed: Api) -> None:
    text = (
        "$eventType = 'DigitalTwinTelemetryMessages' or "
        "$eventType = 'DigitalTwinLifecycleNotification'"
    )
    assert_empty(routed.put("/eventroutes/old", {"endpointName": "sink-1", "filter": text}))
    assert assert_json(routed.get("/eventroutes/old"))["filter"] == text


def test_E_06_an_unknown_route_is_not_found(api: Api) -> None:
    for response in (api.get("/eventroutes/nosuch"), api.delete("/eventroutes/nosuch")):
        error = assert_error(response, 404, "EventRouteNotFound")
        assert "no route available that matches the provided input" in error["message"]


def test_E_07_three_routes_come_in_three_pages(routed: Api) -> None:
    for name in ("a", "b", "c"):
        assert_empty(routed.put(f"/eventroutes/{name}", EVERYTHING))
    pages = routed.pages("/eventroutes", headers={"max-items-per-page": "1"})
    assert [[route["id"] for route in page["value"]] for page in pages] == [["a"], ["b"], ["c"]]
    assert pages[-1]["nextLink"] is None


@pytest.fixture(scope="module")
def narrow() -> Iterator[KastorServer]:
    from kastor.testing import KastorServer

    with KastorServer(("--profile", "adt")) as server:
        yield server


def test_E_08_the_seventh_route_is_one_too_many_under_the_adt_profile(
    narrow: KastorServer,
) -> None:
    api = Api(narrow.url)
    settings = {"kind": "file", "settings": {"path": str(narrow.data_dir / "events.ndjson")}}
    httpx2.put(f"{narrow.url}/kastor/v1/endpoints/sink-1", json=settings)
    for number in range(6):
        assert_empty(api.put(f"/eventroutes/r{number}", EVERYTHING))
    assert_error(api.put("/eventroutes/r6", EVERYTHING), 400, "LimitExceeded")
    assert_empty(api.put("/eventroutes/r0", EVERYTHING))


def test_E_09_a_route_is_replaced(routed: Api) -> None:
    assert_empty(routed.put("/eventroutes/r", EVERYTHING))
    assert_empty(routed.put("/eventroutes/r", {"endpointName": "sink-1", "filter": "false"}))
    assert assert_json(routed.get("/eventroutes/r"))["filter"] == "false"
    assert_empty(routed.delete("/eventroutes/r"))
    assert_error(routed.get("/eventroutes/r"), 404, "EventRouteNotFound")


@pytest.mark.parametrize(
    "body", [{}, {"endpointName": "sink-1"}, {"filter": "true"}, {"endpointName": 1, "filter": 2}]
)
def test_a_body_without_its_members_is_refused(routed: Api, body: dict[str, object]) -> None:
    assert_error(routed.put("/eventroutes/r", body), 400, "InvalidArgument")


def test_an_id_with_other_characters_is_refused(routed: Api) -> None:
    assert_error(routed.put("/eventroutes/a%20b", EVERYTHING), 400, "EventRouteIdInvalid")
