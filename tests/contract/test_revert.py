"""POST /kastor/v1/revert: the way back as a job, and in a dry run as what it would change."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx2
import pytest

from kastor.testing import KastorServer

from .client import Api, assert_error, assert_json, op
from .models import BUILDING, building
from .tables import rows_of
from .test_diff import NOW, change, lines

REVERT = "/kastor/v1/revert"
TRYING = {"kastor-dry-run": "true"}


@pytest.fixture
def spoilt(api: Api, model_m: dict[str, Any]) -> tuple[Api, str]:
    """Twins that were changed and deleted since a state."""
    for name in "abc":
        api.add_twin(name, building(AverageTemperature=1))
    api.relate("a", "r", "b")
    then = change(api)
    api.patch("/digitaltwins/c", [op("replace", "/AverageTemperature", 2)])
    api.delete("/digitaltwins/a/relationships/r")
    api.delete("/digitaltwins/b")
    return api, then


def post(api: Api, body: Any, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.post(REVERT, body, version=None, headers=named)


def ended(api: Api, response: httpx2.Response) -> dict[str, Any]:
    begun = assert_json(response, 202)
    location = response.headers["location"]
    assert location == f"{api.url}/kastor/v1/jobs/reverts/{begun['id']}"
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        job: dict[str, Any] = assert_json(api.follow(location))
        if job["status"] in ("succeeded", "failed", "cancelled"):
            return job
        time.sleep(0.02)
    raise AssertionError(job)


def test_the_graph_goes_back_by_a_job(spoilt: tuple[Api, str]) -> None:
    api, then = spoilt
    job = ended(api, post(api, {"asOf": then}))
    assert job["status"] == "succeeded", job
    assert (job["kind"], job["change"]) == ("reverts", int(then.removeprefix("change:")))
    assert job["progress"] == {"done": 3, "unit": "differences"}
    assert (job["counts"]["twins"], job["counts"]["relationships"]) == (2, 1)
    assert api.twin("c")["AverageTemperature"] == 1
    assert assert_json(api.get("/digitaltwins/a/relationships/r"))["$targetId"] == "b"
    listed = assert_json(api.get("/kastor/v1/jobs/reverts", version=None))["value"]
    assert job["id"] in [each["id"] for each in listed]


def test_one_twin_goes_back_and_the_log_names_what_is_left_out(spoilt: tuple[Api, str]) -> None:
    api, then = spoilt
    api.delete("/digitaltwins/a")
    job = ended(api, post(api, {"asOf": then, "twin": "b"}))
    assert (job["status"], job["twin"]) == ("succeeded", "b")
    assert api.twin("b")["AverageTemperature"] == 1
    assert api.twin("c")["AverageTemperature"] == 2
    log = api.get(f"/kastor/v1/jobs/reverts/{job['id']}/log", version=None)
    [line] = [json.loads(each) for each in log.text.splitlines()]
    assert (line["logType"], line["details"]["status"]) == ("Warning", "LeftOut")
    assert (line["details"]["source"], line["details"]["id"]) == ("a", "r")


def test_a_query_says_what_goes_back(spoilt: tuple[Api, str]) -> None:
    api, then = spoilt
    query = "SELECT * FROM DIGITALTWINS T WHERE T.AverageTemperature > $low"
    body = {"asOf": then, "query": query, "parameters": {"low": 1}, "atomic": True}
    job = ended(api, post(api, body))
    assert (job["status"], job["query"], job["atomic"]) == ("succeeded", query, True)
    assert api.twin("c")["AverageTemperature"] == 1
    assert api.get("/digitaltwins/b").status_code == 404


def test_a_dry_run_shows_what_it_would_change_and_changes_nothing(
    spoilt: tuple[Api, str], kastor: KastorServer
) -> None:
    api, then = spoilt
    change(api)  # entries have their positions
    before = rows_of(kastor)
    tried = post(api, {"asOf": then}, **TRYING)
    assert rows_of(kastor) == before
    assert tried.headers["kastor-dry-run"] == "true"
    assert tried.headers[NOW].endswith(f"; change={then.removeprefix('change:')}")
    b, c, r = lines(tried)
    assert (b["what"], b["after"]["AverageTemperature"]) == ("added", 1)
    assert b["after"]["$metadata"] == {"$model": BUILDING}, "times are those of the write"
    assert c["patch"] == [{"op": "replace", "path": "/AverageTemperature", "value": 1}]
    assert (r["kind"], r["source"], r["what"]) == ("relationship", "a", "added")
    alone = lines(post(api, {"asOf": then, "twin": "b"}, **TRYING))
    assert [line["kind"] for line in alone] == ["twin", "relationship"]
    assert ended(api, post(api, {"asOf": then}))["status"] == "succeeded"
    assert lines(post(api, {"asOf": then}, **TRYING)) == []


def test_a_repeated_request_is_answered_with_its_job(spoilt: tuple[Api, str]) -> None:
    api, then = spoilt
    first = post(api, {"asOf": then}, operation_id="back-1")
    again = post(api, {"asOf": then}, operation_id="back-1")
    assert assert_json(first, 202)["id"] == assert_json(again, 202)["id"] == "back-1"
    ended(api, first)
    again = post(api, {"asOf": then}, operation_id="back-1")
    assert assert_json(again, 202)["status"] == "succeeded"
    other = post(api, {"asOf": then, "twin": "b"}, operation_id="back-1")
    assert_error(other, 409, "OperationIdReused")
    assert api.delete("/kastor/v1/jobs/reverts/back-1", version=None).status_code == 204


BAD = "InvalidArgument"


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        ({}, BAD, "Give asOf"),
        ({"asOf": "change:0", "twins": "a"}, BAD, "no member twins"),
        ({"asOf": "change:0", "twin": 1}, BAD, "twin is a text"),
        ({"asOf": "change:0", "twin": ""}, BAD, "twin is a text"),
        ({"asOf": "change:0", "atomic": "yes"}, BAD, "true or false"),
        ({"asOf": "change:0", "twin": "a", "query": "SELECT * FROM DIGITALTWINS"}, BAD, "not both"),
        ({"asOf": "change:0", "parameters": {}}, BAD, "go with query"),
        ({"asOf": "noon"}, BAD, "asOf takes a time with a zone"),
        ({"asOf": "2100-01-01T00:00:00Z"}, BAD, "future"),
        ({"asOf": "change:0", "query": "SELECT"}, "SqlQueryError", ""),
        ({"asOf": "change:0", "query": "SELECT T.x FROM DIGITALTWINS T"}, BAD, "brought back"),
    ],
)
@pytest.mark.parametrize("headers", [{}, TRYING])
def test_what_is_wrong_is_refused_and_no_job_exists(
    api: Api, body: Any, code: str, text: str, headers: dict[str, str]
) -> None:
    if body.get("asOf") == "change:0":
        body = {**body, "asOf": change(api)}
    assert_error(post(api, body, **headers), 400, code, text)


@pytest.mark.parametrize("headers", [{}, TRYING])
def test_a_twin_that_was_never_there_is_not_found(
    spoilt: tuple[Api, str], headers: dict[str, str]
) -> None:
    api, then = spoilt
    response = post(api, {"asOf": then, "twin": "nobody"}, **headers)
    assert_error(response, 404, "DigitalTwinNotFound", "nobody")


def test_the_past_cannot_be_asked_of_a_revert(spoilt: tuple[Api, str]) -> None:
    api, then = spoilt
    assert_error(post(api, {"asOf": then}, kastor_as_of=then), 400, BAD, "The past cannot be")


def test_it_is_ours(adt: Api) -> None:
    assert post(adt, {"asOf": "change:0"}).status_code == 404


def test_a_time_before_the_first_change_empties_no_graph(model_m: dict[str, Any]) -> None:
    with KastorServer() as server, httpx2.Client(base_url=server.url) as client:
        client.post("/models", json=[model_m]).raise_for_status()
        client.put("/digitaltwins/a", json=building(AverageTemperature=1)).raise_for_status()
        for headers in ({}, TRYING):
            body = {"asOf": "2006-11-30T08:15:00Z"}
            refused = client.post(REVERT, json=body, headers=headers)
            assert_error(refused, 400, "InvalidArgument", "change:0 if all is to go")
        assert client.get("/digitaltwins/a").status_code == 200
        said = client.post(REVERT, json={"asOf": "change:0"}, headers=TRYING)
        assert [line["what"] for line in map(json.loads, said.text.splitlines())] == ["removed"] * 2
