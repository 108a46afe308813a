"""Reads and listings of the contract as of an instant: pages stay at it, links lead to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from .client import assert_error, assert_json, assert_page
from .models import C, K, M, building, interface, with_component
from .past import AS_OF, now_text, number_of, state

if TYPE_CHECKING:
    from .client import Api

OUT = "/digitaltwins/A/relationships"
IN = "/digitaltwins/B/incomingrelationships"
TWO = {"max-items-per-page": "2"}


@pytest.fixture
def then(api: Api) -> int:
    """A graph that had five relationships and has others now; the state of then."""
    api.add_models(M)
    api.add_twin("A", building())
    api.add_twin("B", building())
    for number in range(5):
        api.relate("A", f"r{number}", "B")
    found = state(api)
    for number in (0, 3):
        assert api.delete(f"{OUT}/r{number}").status_code == 204
    api.relate("A", "r1", "B", isAccessRestricted=True)
    for number in range(5, 9):
        api.relate("A", f"r{number}", "B")
    return found


@pytest.mark.parametrize("path", [OUT, IN])
def test_pages_of_a_listing_stay_at_their_instant(api: Api, then: int, path: str) -> None:
    pages = [assert_page(api.get(path, headers={AS_OF: f"change:{then}", **TWO}))]
    while pages[-1]["nextLink"]:
        api.relate("A", f"later-{len(pages)}", "B")
        response = api.follow(pages[-1]["nextLink"])
        assert number_of(response.headers[AS_OF]) == then
        pages.append(assert_page(response))
    found = [[each["$relationshipId"] for each in page["value"]] for page in pages]
    assert found == [["r0", "r1"], ["r2", "r3"], ["r4"]]
    assert "isAccessRestricted" not in pages[0]["value"][1]


@pytest.mark.parametrize("path", [OUT, IN])
def test_a_client_may_repeat_its_header_beside_a_link(api: Api, then: int, path: str) -> None:
    asked = now_text()
    first = assert_page(api.get(path, headers={AS_OF: asked, **TWO}))
    query = parse_qs(urlsplit(first["nextLink"]).query)
    assert query["asOf"][0].startswith("change:")
    api.relate("A", "r99", "B")
    response = api.follow(first["nextLink"], headers={AS_OF: asked})
    assert assert_page(response)["value"]
    assert response.headers[AS_OF].endswith(query["asOf"][0].replace("change:", "; change="))
    other = {AS_OF: f"change:{then}"}
    assert_error(api.follow(first["nextLink"], headers=other), 400, "InvalidArgument", "different")
    assert_error(
        api.get(f"{path}?asOf=change:{then}", headers={AS_OF: now_text()}),
        *(400, "InvalidArgument", "different"),
    )


def test_a_token_alone_knows_its_instant(api: Api, then: int) -> None:
    first = assert_page(api.get(f"{OUT}?asOf=change:{then}", headers=TWO))
    token = parse_qs(urlsplit(first["nextLink"]).query)["continuationToken"][0]
    response = api.get(f"{OUT}?continuationToken={token}")
    assert number_of(response.headers[AS_OF]) == then
    assert [each["$relationshipId"] for each in response.json()["value"]] == ["r2", "r3"]
    present = assert_page(api.get(OUT, headers=TWO))
    token = parse_qs(urlsplit(present["nextLink"]).query)["continuationToken"][0]
    response = api.get(f"{OUT}?continuationToken={token}", headers={AS_OF: f"change:{then}"})
    assert_error(response, 400, "InvalidArgument", "of the present")


def test_links_of_incoming_relationships_lead_to_what_was_there(api: Api, then: int) -> None:
    page = assert_page(api.get(IN, headers={AS_OF: f"change:{then}"}))
    gone = page["value"][0]
    assert gone["$relationshipId"] == "r0"
    response = api.follow(gone["$relationshipLink"])
    assert assert_json(response)["$relationshipId"] == "r0"
    assert number_of(response.headers[AS_OF]) == then
    assert api.get(f"{OUT}/r0").status_code == 404


def test_components_are_those_of_then(api: Api) -> None:
    api.add_models(C, K)
    api.add_twin("K1", with_component(ComponentProp1="old"))
    then = state(api)
    etag = api.get("/digitaltwins/K1").headers["etag"]
    steps = [{"op": "replace", "path": "/ComponentProp1", "value": "new"}]
    assert api.patch("/digitaltwins/K1/components/Component1", steps).status_code == 204
    assert api.delete("/digitaltwins/K1").status_code == 204
    response = api.get(f"/digitaltwins/K1/components/Component1?asOf=change:{then}")
    assert assert_json(response)["ComponentProp1"] == "old"
    assert response.headers["etag"] == etag
    whole = api.get(f"/digitaltwins/K1?asOf=change:{then + 1}")
    assert assert_json(whole)["Component1"]["ComponentProp1"] == "new"
    gone = api.get(f"/digitaltwins/K1/components/Component1?asOf=change:{then + 2}")
    assert_error(gone, 404, "DigitalTwinNotFound")


def test_models_are_those_of_then_with_their_dependencies(api: Api) -> None:
    base = interface("dtmi:t:Base;1")
    api.add_models(base, interface("dtmi:t:Made;1", extends="dtmi:t:Base;1"))
    then = state(api)
    replace = [{"op": "replace", "path": "/decommissioned", "value": True}]
    assert api.patch("/models/dtmi:t:Base;1", replace).status_code == 204
    out_of_service = state(api)
    assert api.delete("/models/dtmi:t:Made;1").status_code == 204
    api.add_models(interface("dtmi:t:Made;1", displayName="Another"))

    def listed(change: int, query: str = "") -> list[tuple[str, bool, Any]]:
        page = assert_page(api.get(f"/models?asOf=change:{change}{query}"))
        return [(each["id"], each["decommissioned"], each["displayName"]) for each in page["value"]]

    with_base = "&dependenciesFor=dtmi:t:Made;1"
    assert listed(then, with_base) == [
        ("dtmi:t:Base;1", False, {}),
        ("dtmi:t:Made;1", False, {}),
    ]
    assert listed(out_of_service)[0] == ("dtmi:t:Base;1", True, {})
    assert listed(state(api), with_base) == [("dtmi:t:Made;1", False, {"en": "Another"})]
    pages = api.pages(f"/models?asOf=change:{then}", headers={"max-items-per-page": "1"})
    assert [each["value"][0]["id"] for each in pages] == ["dtmi:t:Base;1", "dtmi:t:Made;1"]
    definition = "&includeModelDefinition=true"
    model = assert_json(api.get(f"/models/dtmi:t:Made;1?asOf=change:{then}{definition}"))
    assert model["model"]["extends"] == "dtmi:t:Base;1"
    found = assert_json(
        api.get(f"/models/dtmi:t:Base;1?asOf=change:{then}&includeBaseModelContents=true")
    )
    assert found["descendants"] == ["dtmi:t:Made;1"]


def test_a_query_names_the_state_of_its_token(api: Api, then: int) -> None:
    text = "SELECT R.$relationshipId FROM RELATIONSHIPS R"
    first = api.query(text, headers={AS_OF: f"change:{then}", "max-items-per-page": "4"})
    token = assert_json(first)["continuationToken"]
    rest = api.post("/query", {"continuationToken": token})
    assert number_of(rest.headers[AS_OF]) == then
    assert len(first.json()["value"]) + len(rest.json()["value"]) == 5
    present = api.query(text, headers={"max-items-per-page": "4"})
    token = assert_json(present)["continuationToken"]
    rest = api.post("/query", {"continuationToken": token}, headers={AS_OF: f"change:{then}"})
    assert_error(rest, 400, "InvalidArgument", "of the present")
    look_up = "SELECT T.$dtId FROM DIGITALTWINS T WHERE T.$dtId = 'A'"
    assert number_of(api.query(look_up, headers={AS_OF: f"change:{then}"}).headers[AS_OF]) == then


def test_what_is_no_state_of_a_graph_cannot_be_asked_of_the_past(api: Api, then: int) -> None:
    for path in ("/eventroutes", "/jobs/imports", "/kastor/v1/digitaltwins/A/history"):
        response = api.get(f"{path}?asOf=change:{then}")
        assert_error(response, 400, "InvalidArgument", "leave out kastor-as-of and asOf")


def test_what_was_not_there_is_said_of_the_state_that_was_asked(api: Api, then: int) -> None:
    response = api.get(f"/digitaltwins/nowhere?asOf=change:{then}")
    assert_error(response, 404, "DigitalTwinNotFound")
    assert number_of(response.headers[AS_OF]) == then
    refused = api.query("SELECT", headers={AS_OF: f"change:{then}"})
    assert refused.status_code == 400
    assert number_of(refused.headers[AS_OF]) == then
