"""POST /kastor/v1/update and /delete: counted first, then a job; or only rehearsed."""

from __future__ import annotations

import json
import time
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from jsonschema import Draft202012Validator

from kastor.testing import KastorServer

from .client import Api, Unchanged, assert_error, assert_json, op
from .models import M, building

UPDATE, DELETE = "/kastor/v1/update", "/kastor/v1/delete"
COLD = "SELECT * FROM DIGITALTWINS T WHERE T.AverageTemperature < 10"
PATCH = [op("replace", "/AverageTemperature", 20)]


@pytest.fixture
def five(api: Api, model_m: dict[str, Any]) -> Api:
    """Five cold twins, t0 to t4, and a warm one."""
    for number in range(5):
        api.add_twin(f"t{number}", building(AverageTemperature=number))
    api.add_twin("warm", building(AverageTemperature=30))
    return api


def post(api: Api, path: str, body: Any, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.post(path, body, version=None, headers=named)


def ended(api: Api, response: httpx2.Response) -> dict[str, Any]:
    """The job that was begun, as it is when it has ended."""
    begun = assert_json(response, 202)
    location = response.headers["location"]
    assert location.startswith(f"{api.url}/kastor/v1/jobs/")
    assert location.endswith(f"/{begun['id']}")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        job: dict[str, Any] = assert_json(api.follow(location))
        if job["status"] in ("succeeded", "failed", "cancelled"):
            return job
        time.sleep(0.02)
    raise AssertionError(job)


def jobs(api: Api) -> list[str]:
    """Ids of all jobs; they outlive a reset."""
    return [each["id"] for page in _pages(api) for each in page]


def _pages(api: Api) -> list[list[dict[str, Any]]]:
    page = assert_json(api.get("/kastor/v1/jobs", version=None))
    found = [page["value"]]
    while page["nextLink"]:
        page = assert_json(api.follow(page["nextLink"]))
        found.append(page["value"])
    return found


def cold(api: Api) -> int:
    found = assert_json(api.query(COLD.replace("*", "COUNT()")))["value"]
    return int(found[0]["COUNT"])


def test_what_a_query_selects_is_patched(five: Api) -> None:
    body = {"query": COLD, "patch": PATCH, "expect": 5}
    job = ended(five, post(five, UPDATE, body))
    assert job["status"] == "succeeded", job
    assert (job["kind"], job["query"], job["expect"]) == ("updates", COLD, 5)
    assert job["progress"] == {"done": 5, "of": 5, "unit": "twins"}
    assert job["counts"] == {"succeeded": 5, "failed": 0}
    assert cold(five) == 0
    assert five.twin("warm")["AverageTemperature"] == 30


def test_what_a_query_selects_is_deleted(five: Api) -> None:
    body = {
        "query": "SELECT * FROM DIGITALTWINS T WHERE T.AverageTemperature < $limit",
        "parameters": {"limit": 10},
        "atMost": 100,
    }
    job = ended(five, post(five, DELETE, body))
    assert (job["status"], job["kind"], job["atMost"]) == ("succeeded", "deletes", 100)
    left = assert_json(five.query("SELECT * FROM DIGITALTWINS"))["value"]
    assert [each["$dtId"] for each in left] == ["warm"]


def test_those_that_are_refused_are_in_the_log(five: Api) -> None:
    five.relate("t1", "r", "warm")
    job = ended(five, post(five, DELETE, {"query": COLD, "expect": 5}))
    assert (job["status"], job["error"]["code"]) == ("failed", "DeletePartiallyFailed")
    assert job["counts"] == {"succeeded": 4, "failed": 1}
    log = five.get(f"/kastor/v1/jobs/deletes/{job['id']}/log", version=None)
    [line] = [json.loads(each) for each in log.text.splitlines()]
    assert line["details"]["id"] == "t1"
    assert line["details"]["error"]["code"] == "RelationshipsNotDeleted"


@pytest.mark.parametrize("bound", [{"expect": 4}, {"expect": 6}, {"expect": 0}, {"atMost": 4}])
@pytest.mark.parametrize("headers", [{}, {"kastor_dry_run": "true"}])
def test_another_number_is_refused_before_anything_is_changed(
    five: Api, bound: dict[str, int], headers: dict[str, str]
) -> None:
    before = jobs(five)
    with Unchanged(five, "/digitaltwins/t0"):
        for path, patch in ((UPDATE, {"patch": PATCH}), (DELETE, {})):
            body = {"query": COLD, **patch, **bound}
            response = post(five, path, body, **headers)
            assert_error(response, 409, "CountMismatch", "selects 5 twins")
    assert cold(five) == 5
    assert jobs(five) == before


GOOD = {"query": COLD, "patch": PATCH, "expect": 5}


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        ({**GOOD, "expect": None}, "InvalidArgument", "atMost"),
        ({**GOOD, "atMost": 5}, "InvalidArgument", "not both"),
        ({**GOOD, "expect": -1}, "InvalidArgument", "0 or more"),
        ({**GOOD, "expect": "5"}, "InvalidArgument", "0 or more"),
        ({**GOOD, "expect": True}, "InvalidArgument", "0 or more"),
        ({**GOOD, "limit": 5}, "InvalidArgument", "limit"),
        ({**GOOD, "query": None}, "InvalidArgument", "query"),
        ({**GOOD, "query": "SELECT"}, "SqlQueryError", ""),
        ({"query": COLD, "expect": 5}, "InvalidArgument", "patch"),
        ({**GOOD, "patch": {}}, "JsonPatchInvalid", ""),
        ({**GOOD, "patch": [op("move", "/a")]}, "JsonPatchInvalid", ""),
        ({**GOOD, "parameters": []}, "BadRequest", "parameters"),
        *(
            ({**GOOD, "query": query}, "InvalidArgument", text)
            for query, text in (
                ("SELECT COUNT() FROM DIGITALTWINS", "said about them"),
                ("SELECT T.AverageTemperature FROM DIGITALTWINS T", "values"),
                ("SELECT T.$dtId, T.AverageTemperature FROM DIGITALTWINS T", "values"),
                ("SELECT R.$relationshipId FROM RELATIONSHIPS R", "values"),
                ("SELECT TOP(5) FROM DIGITALTWINS", "atMost"),
                ("SELECT * FROM DIGITALTWINS T ORDER BY T.AverageTemperature", "ORDER BY"),
                ("SELECT DISTINCT T.$dtId FROM DIGITALTWINS T", "said about them"),
                ("EXPLAIN SELECT * FROM DIGITALTWINS", "said about them"),
                ("SELECT T FROM DIGITALTWINS T JOIN U RELATED T.has", "IN (SELECT"),
            )
        ),
    ],
)
def test_what_says_too_little_or_something_else_is_refused(
    five: Api, body: dict[str, Any], code: str, text: str
) -> None:
    before = jobs(five)
    with Unchanged(five, "/digitaltwins/t0"):
        assert_error(post(five, UPDATE, body), 400, code, text)
        if "patch" in body and code != "JsonPatchInvalid":
            without = {name: value for name, value in body.items() if name != "patch"}
            assert_error(post(five, DELETE, without), 400, code, text)
    assert jobs(five) == before


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM DIGITALTWINS",
        "SELECT T FROM DIGITALTWINS T",
        "SELECT T.$dtId FROM DIGITALTWINS T",
        "SELECT T FROM DIGITALTWINS T WHERE T.$dtId IN (SELECT U.$dtId FROM DIGITALTWINS U)",
    ],
)
def test_whole_twins_or_their_ids_are_selected(five: Api, query: str) -> None:
    response = post(five, DELETE, {"query": query, "expect": 6}, kastor_dry_run="true")
    assert assert_json(response)["count"] == 6


def test_a_dry_run_shows_what_it_would_do(five: Api) -> None:
    before = jobs(five)
    five.relate("t1", "r", "warm")
    with Unchanged(five, "/digitaltwins/t0"):
        response = post(five, UPDATE, {**GOOD, "expect": 5}, kastor_dry_run="true")
    assert response.headers["kastor-dry-run"] == "true"
    described = five.get("/openapi.json", version=None).json()
    tried = described["paths"][UPDATE]["post"]["responses"]["200"]["content"]["application/json"]
    assert tried["schema"]["$ref"].endswith("/TriedChange")
    Draft202012Validator(described["components"]["schemas"]["TriedChange"]).validate(
        response.json()
    )
    found = assert_json(response)
    assert (found["count"], found["tried"], found["failed"], found["errors"]) == (5, 5, 0, [])
    assert [each["$dtId"] for each in found["value"]] == [f"t{n}" for n in range(5)]
    assert {each["AverageTemperature"] for each in found["value"]} == {20}
    found = assert_json(post(five, DELETE, {"query": COLD, "expect": 5}, kastor_dry_run="true"))
    assert (found["count"], found["failed"]) == (5, 1)
    assert [each["$dtId"] for each in found["errors"]] == ["t1"]
    assert found["value"] == [{"$dtId": f"t{n}"} for n in (0, 2, 3, 4)]
    assert cold(five) == 5
    assert jobs(five) == before


def test_a_repeated_request_has_the_job_of_the_first(five: Api) -> None:
    headers = {"operation_id": str(uuid4())}
    job = ended(five, post(five, UPDATE, GOOD, **headers))
    assert job["id"] == headers["operation_id"]
    with Unchanged(five, "/digitaltwins/t0"):
        again = post(five, UPDATE, GOOD, **headers)
        assert ended(five, again) == job
        other = {**GOOD, "patch": [op("remove", "/AverageTemperature")]}
        assert_error(post(five, UPDATE, other, **headers), 409, "OperationIdReused")


def test_the_caller_needs_the_permissions(tmp_path: Any) -> None:
    with (
        KastorServer(("--auth", "tokens")) as server,
        Api(server.url, token=server.token("owner")) as owner,
        Api(server.url, token=server.token("reader")) as reader,
    ):
        owner.add_models(M)
        owner.add_twin("a", building(AverageTemperature=1))
        for path, body in ((UPDATE, {**GOOD, "expect": 1}), (DELETE, {"query": COLD, "expect": 1})):
            assert post(reader, path, body).status_code == 403
        assert ended(owner, post(owner, DELETE, {"query": COLD, "expect": 1}))["status"] == (
            "succeeded"
        )


def test_neither_is_there_under_adt(adt: Api) -> None:
    for path in (UPDATE, DELETE):
        assert_error(post(adt, path, GOOD), 404, "NotFound")
