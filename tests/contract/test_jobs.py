"""Jobs over HTTP: rest-api B.6 and B.7, cases I and X."""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from .models import M, building

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx2

    from .client import Api

JOB_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,6}[1-9])?Z")
ENDED = ("succeeded", "failed", "cancelled")


def new_id(prefix: str = "job") -> str:
    return f"{prefix}-{uuid4()}"


def deletion(api: Api, job_id: str | None = None, query: str = "") -> httpx2.Response:
    headers = {} if job_id is None else {"operation-id": job_id}
    return api.send("POST", f"/jobs/deletions{query}", headers=headers)


def until(read: Callable[[], httpx2.Response], *wanted: str) -> dict[str, Any]:
    """The job once it is in one of some states."""
    end = time.monotonic() + 20
    while True:
        answer = read()
        assert answer.status_code == 200, answer.text
        job: dict[str, Any] = answer.json()
        if job["status"] in wanted:
            return job
        assert time.monotonic() < end, job
        time.sleep(0.02)


def emptied(api: Api, job_id: str) -> dict[str, Any]:
    return until(lambda: api.send("GET", f"/jobs/deletions/{job_id}"), *ENDED)


def instant(text: str) -> datetime:
    assert JOB_TIME.fullmatch(text), text
    return datetime.fromisoformat(text)


def test_X_01_a_delete_job_is_accepted_and_says_where_to_look(api: Api) -> None:
    answer = deletion(api)
    assert answer.status_code == 202
    job = answer.json()
    assert list(job) == ["id", "createdDateTime", "purgeDateTime", "status"]
    assert job["status"] == "notstarted"
    created, purged = instant(job["createdDateTime"]), instant(job["purgeDateTime"])
    assert purged - created == timedelta(days=30)
    where = answer.headers["operation-location"]
    assert where == f"{api.url}/jobs/deletions/{job['id']}?api-version=2023-10-31"
    assert answer.headers["operation-id"] == job["id"]
    assert answer.headers["retry-after"] == "1"
    parts = urlsplit(where)
    polled = api.send("GET", f"{parts.path}?{parts.query}", version=None)
    assert polled.status_code == 200
    assert polled.json()["id"] == job["id"]
    emptied(api, job["id"])


def test_X_02_at_its_end_the_graph_is_empty_and_routes_remain(api: Api) -> None:
    api.add_models(M)
    for name in ("a", "b"):
        api.add_twin(name, building(AverageTemperature=68))
    endpoint = {"kind": "webhook", "settings": {"url": "http://127.0.0.1:9/"}}
    assert api.send("PUT", "/kastor/v1/endpoints/kept", endpoint).status_code < 300
    route = {"endpointName": "kept", "filter": "false"}
    assert api.send("PUT", "/eventroutes/kept", route).status_code == 204
    job_id = deletion(api).json()["id"]
    job = emptied(api, job_id)
    assert list(job) == ["id", "createdDateTime", "finishedDateTime", "purgeDateTime", "status"]
    assert job["status"] == "succeeded"
    assert instant(job["finishedDateTime"]) >= instant(job["createdDateTime"])
    assert "retry-after" not in api.send("GET", f"/jobs/deletions/{job_id}").headers
    assert api.send("GET", "/models").json()["value"] == []
    for name in ("a", "b"):
        assert api.send("GET", f"/digitaltwins/{name}").status_code == 404
    assert api.send("GET", "/eventroutes/kept").status_code == 200


def test_X_03_the_operation_id_is_the_jobs_and_again_it_is_refused(api: Api) -> None:
    name = new_id("abc")
    assert deletion(api, name).json()["id"] == name
    emptied(api, name)
    again = deletion(api, name)
    assert again.status_code == 400
    assert again.json()["error"]["code"] == "ValidationFailed"
    assert again.headers["x-ms-error-code"] == "ValidationFailed"


def test_X_04_an_unknown_delete_job(api: Api) -> None:
    answer = api.send("GET", "/jobs/deletions/nowhere")
    assert answer.status_code == 404
    error = answer.json()["error"]
    assert error["code"] == "DeleteJobNotFound"
    assert "the provided id nowhere" in error["message"]
    assert "x-ms-error-code" not in answer.headers


def test_X_05_both_are_listed_oldest_first_in_pages(api: Api) -> None:
    names = [new_id(), new_id(), new_id()]
    for name in names:
        assert deletion(api, name).status_code == 202
        emptied(api, name)
    found: list[str] = []
    path: str | None = "/jobs/deletions"
    while path is not None:
        answer = api.send(
            "GET",
            path,
            headers={"max-items-per-page": "2"},
            version=None if "api-version" in path else "2023-10-31",
        )
        page = answer.json()
        assert list(page) == ["value", "nextLink"]
        assert len(page["value"]) <= 2
        found += [job["id"] for job in page["value"]]
        link = page["nextLink"]
        path = None if link is None else link.removeprefix(api.url)
    assert [each for each in found if each in names] == names
    assert len(found) == len(set(found))


@pytest.mark.parametrize("text", ["0", "14", "1441", "-1", "x", "", "1e2", "9" * 40])
def test_a_time_out_of_bounds_is_refused_and_deletes_nothing(api: Api, text: str) -> None:
    api.add_models(M)
    answer = deletion(api, query=f"?timeoutInMinutes={text}")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "InvalidArgument"
    assert len(api.send("GET", "/models").json()["value"]) == 1


def test_a_time_within_bounds_is_taken(api: Api) -> None:
    answer = deletion(api, query="?timeoutInMinutes=15")
    assert answer.status_code == 202
    emptied(api, answer.json()["id"])


@pytest.mark.parametrize("name", ["a/b", "a b", "x" * 129])
def test_an_operation_id_that_cannot_name_a_job_is_refused(api: Api, name: str) -> None:
    answer = deletion(api, name)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "InvalidArgument"


def test_a_dry_run_of_a_deletion_is_refused(api: Api) -> None:
    api.add_models(M)
    answer = api.send("POST", "/jobs/deletions", headers={"kastor-dry-run": "true"})
    assert answer.status_code == 400
    assert len(api.send("GET", "/models").json()["value"]) == 1


def test_every_version_has_delete_jobs_and_links_keep_it(api: Api) -> None:
    answer = api.send("POST", "/jobs/deletions", version="2022-05-31")
    assert answer.headers["operation-location"].endswith("?api-version=2022-05-31")
    emptied(api, answer.json()["id"])


def test_all_jobs_are_listed_together(api: Api) -> None:
    name = new_id()
    deletion(api, name)
    emptied(api, name)
    jobs = api.send("GET", "/kastor/v1/jobs", version=None).json()
    found = next(job for job in jobs["value"] if job["id"] == name)
    assert list(found)[:3] == ["id", "kind", "createdDateTime"]
    assert found["kind"] == "deletions"
    first = api.send(
        "GET", "/kastor/v1/jobs", version=None, headers={"max-items-per-page": "1"}
    ).json()
    if first["nextLink"] is not None:
        rest = api.send("GET", first["nextLink"].removeprefix(api.url), version=None)
        assert rest.status_code == 200
        assert rest.json()["value"][0]["id"] != first["value"][0]["id"]


@pytest.mark.parametrize("word", ["imports", "exports", "backups", "updates", "deletes"])
def test_unknown_jobs_of_ours_are_404_in_every_way(api: Api, word: str) -> None:
    path = f"/kastor/v1/jobs/{word}"
    assert api.send("GET", path, version=None).json()["nextLink"] is None
    for method, where in (
        ("GET", f"{path}/nowhere"),
        ("GET", f"{path}/nowhere/log"),
        ("POST", f"{path}/nowhere/cancel"),
        ("DELETE", f"{path}/nowhere"),
    ):
        answer = api.send(method, where, version=None)
        assert answer.status_code == 404, where
        assert answer.json()["error"]["code"] == "JobNotFound"
