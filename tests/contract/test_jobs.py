"""Jobs over HTTP: rest-api B.6 and B.7, cases I and X."""

from __future__ import annotations

import json
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

    from kastor.testing import KastorServer

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


def test_a_dry_run_of_a_deletion_counts_and_deletes_nothing(api: Api) -> None:
    api.add_models(M)
    for name in ("a", "b"):
        api.add_twin(name, building(AverageTemperature=68))
    answer = api.send("POST", "/jobs/deletions", headers={"kastor-dry-run": "true"})
    assert answer.status_code == 202
    assert answer.headers["kastor-dry-run"] == "true"
    assert answer.json()["dryRun"] is True
    job = emptied(api, answer.json()["id"])
    assert (job["status"], job["dryRun"]) == ("succeeded", True)
    assert job["counts"] == {"relationships": 0, "twins": 2, "models": 1}
    assert len(api.send("GET", "/models").json()["value"]) == 1
    assert api.send("GET", "/digitaltwins/a").status_code == 200


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


HEADER = ({"Section": "Header"}, {"fileVersion": "1.0.0", "author": "a", "organization": "o"})


class Exchange:
    """Imports of files in the data folder's exchange."""

    def __init__(self, server: KastorServer, api: Api) -> None:
        self.folder = server.data_dir / "exchange" / "default"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.api = api

    def put(
        self,
        job_id: str,
        *lines: dict[str, Any],
        path: str = "/jobs/imports",
        headers: dict[str, str] | None = None,
    ) -> httpx2.Response:
        name = new_id("file")
        text = "".join(f"{json.dumps(line)}\n" for line in (*HEADER, *lines))
        (self.folder / f"{name}.ndjson").write_text(text)
        body = {
            "inputBlobUri": f"exchange/default/{name}.ndjson",
            "outputBlobUri": f"exchange/default/{name}.log",
        }
        return self.api.send("PUT", f"{path}/{job_id}", body, headers=headers)

    def get(self, job_id: str) -> httpx2.Response:
        return self.api.send("GET", f"/jobs/imports/{job_id}")

    def end(self, job_id: str) -> dict[str, Any]:
        return until(lambda: self.get(job_id), *ENDED)


@pytest.fixture
def exchange(kastor: KastorServer, api: Api) -> Exchange:
    return Exchange(kastor, api)


def many(count: int = 30_000) -> list[dict[str, Any]]:
    """Lines that take a while."""
    twins = [{"$dtId": f"t{n}", "$metadata": {"$model": M["@id"]}} for n in range(count)]
    return [{"Section": "Models"}, M, {"Section": "Twins"}, *twins]


MADE = ["id", "inputBlobUri", "outputBlobUri", "createdDateTime", "lastActionDateTime"]
COUNTED = ["modelsCreated", "twinsCreated", "relationshipsCreated", "errorCount"]


def test_I_01_a_new_import_job(exchange: Exchange) -> None:
    name = new_id()
    answer = exchange.put(name)
    assert answer.status_code == 201
    job = answer.json()
    assert list(job) == [*MADE, "purgeDateTime", *COUNTED, "status"]
    assert (job["id"], job["status"]) == (name, "notstarted")
    assert job["createdDateTime"] == job["lastActionDateTime"]
    assert instant(job["purgeDateTime"]) - instant(job["createdDateTime"]) == timedelta(days=30)
    assert None not in job.values()
    done = exchange.end(name)
    assert list(done) == [*MADE, "finishedDateTime", "purgeDateTime", *COUNTED, "status"]
    assert done["status"] == "succeeded"
    assert done["finishedDateTime"] == done["lastActionDateTime"]


def test_I_02_the_id_again(exchange: Exchange) -> None:
    name = new_id()
    exchange.put(name)
    exchange.end(name)
    answer = exchange.put(name)
    assert answer.status_code == 409
    assert answer.json()["error"] == {
        "code": "JobIdAlreadyExists",
        "message": f"Provided Job ID already exists: {name}. Use Jobs_List API to view jobs that"
        " already exist.",
    }
    assert "x-ms-error-code" not in answer.headers


def test_I_03_a_second_job_while_one_runs(exchange: Exchange) -> None:
    name = new_id()
    exchange.put(name, *many())
    refused = [exchange.put(new_id()), exchange.put(name), deletion(exchange.api)]
    resumed = exchange.api.send("POST", f"/jobs/imports/{name}/resume")
    exchange.api.send("POST", f"/jobs/imports/{name}/cancel")
    exchange.end(name)
    for answer in refused:
        assert answer.status_code == 429
        assert answer.json()["error"] == {
            "code": "TooManyRequests",
            "message": "Cannot start another job while one is in progress. Please wait for it to"
            " complete before starting another one.",
        }
        assert not {"retry-after", "x-ms-error-code"} & set(answer.headers)
    assert resumed.status_code == 409
    assert resumed.json()["error"]["code"] == "JobNotResumable"
    assert exchange.put(name).status_code == 409


@pytest.mark.parametrize("uri", ["invalidUri", "", "https://", "file:///etc/passwd", "ftp://a/b"])
def test_I_04_an_address_that_is_none_of_ours(exchange: Exchange, uri: str) -> None:
    name = new_id()
    for asked in (
        {"inputBlobUri": uri, "outputBlobUri": "exchange/default/x.log"},
        {"inputBlobUri": "exchange/default/x.ndjson", "outputBlobUri": uri},
    ):
        answer = exchange.api.send("PUT", f"/jobs/imports/{name}", asked)
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "InvalidArgument"
        assert answer.headers["x-ms-error-code"] == "InvalidArgument"
    assert exchange.get(name).status_code == 404


def test_I_04_the_text_is_as_recorded(exchange: Exchange) -> None:
    asked = {"inputBlobUri": "invalidUri", "outputBlobUri": "invalidUri"}
    answer = exchange.api.send("PUT", f"/jobs/imports/{new_id()}", asked)
    assert answer.json()["error"]["message"].startswith(
        "Azure Storage Blob URI 'invalidUri' failed validation. Invalid URI: The format of the URI"
        " could not be determined."
    )


@pytest.mark.parametrize(
    "body", [{}, {"inputBlobUri": "exchange/default/a"}, {"inputBlobUri": 1, "outputBlobUri": 2}]
)
def test_an_import_needs_both_addresses(exchange: Exchange, body: dict[str, Any]) -> None:
    answer = exchange.api.send("PUT", f"/jobs/imports/{new_id()}", body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidArgument")


def test_I_05_an_unknown_import_job(api: Api) -> None:
    for method, path in (
        ("GET", "/jobs/imports/nowhere"),
        ("POST", "/jobs/imports/nowhere/cancel"),
        ("POST", "/jobs/imports/nowhere/resume"),
        ("DELETE", "/jobs/imports/nowhere"),
    ):
        answer = api.send(method, path)
        assert answer.status_code == 404
        assert answer.json()["error"] == {
            "code": "JobNotFound",
            "message": "There is no job available that matches the provided id nowhere. Check that"
            " the Job ID provided is valid by doing a Jobs_List API call.",
        }
        assert "x-ms-error-code" not in answer.headers


def test_I_06_a_running_one_is_cancelled(exchange: Exchange) -> None:
    name = new_id()
    exchange.put(name, *many())
    running = until(lambda: exchange.get(name), "running")
    kept = exchange.api.send("DELETE", f"/jobs/imports/{name}")
    assert (kept.status_code, kept.json()["error"]["code"]) == (400, "ValidationFailed")
    # Without a body and without a Content-Type, as .NET's client sends it.
    answer = exchange.api.send("POST", f"/jobs/imports/{name}/cancel", content_type=None)
    assert answer.status_code == 200
    assert answer.json()["status"] == "running"
    job = exchange.end(name)
    assert job["status"] == "cancelled"
    assert "finishedDateTime" not in job
    assert "error" not in job
    assert instant(job["lastActionDateTime"]) > instant(running["lastActionDateTime"])


def test_I_07_a_finished_one_stays_as_it_is(exchange: Exchange) -> None:
    name = new_id()
    exchange.put(name)
    job = exchange.end(name)
    answer = exchange.api.send("POST", f"/jobs/imports/{name}/cancel")
    assert (answer.status_code, answer.json()) == (200, job)
    assert exchange.get(name).json() == job


def test_I_08_deletion_frees_the_id(exchange: Exchange) -> None:
    name = new_id()
    exchange.put(name)
    exchange.end(name)
    answer = exchange.api.send("DELETE", f"/jobs/imports/{name}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert exchange.get(name).status_code == 404
    assert exchange.put(name).status_code == 201
    exchange.end(name)


def test_I_09_the_list_is_oldest_first(exchange: Exchange) -> None:
    names = [new_id(), new_id()]
    for name in names:
        exchange.put(name)
        exchange.end(name)
    page = exchange.api.send("GET", "/jobs/imports").json()
    assert list(page) == ["value", "nextLink"]
    assert page["nextLink"] is None
    assert [job["id"] for job in page["value"]][-2:] == names
    assert page["value"][-1] == exchange.get(names[1]).json()
    assert {job["id"] for job in page["value"]}.isdisjoint(
        job["id"] for job in exchange.api.send("GET", "/jobs/deletions").json()["value"]
    )


def test_I_10_a_model_without_a_context_imports_nothing(exchange: Exchange) -> None:
    name = new_id()
    broken = {key: value for key, value in M.items() if key != "@context"}
    twin = {"$dtId": "t", "$metadata": {"$model": M["@id"]}}
    exchange.put(name, {"Section": "Models"}, broken, {"Section": "Twins"}, twin)
    job = exchange.end(name)
    assert job["status"] == "failed"
    assert job["error"]["code"] == "DTDLParsingError"
    assert list(job)[-2:] == ["status", "error"]
    assert exchange.api.send("GET", "/models").json()["value"] == []
    assert exchange.api.send("GET", "/digitaltwins/t").status_code == 404


def test_a_dry_run_of_an_import_says_that_it_is_one(exchange: Exchange) -> None:
    name = new_id()
    answer = exchange.put(name, *many(2), {"$dtId": "x"}, headers={"kastor-dry-run": "true"})
    assert answer.json()["dryRun"] is True
    job = exchange.end(name)
    assert (job["dryRun"], job["twinsCreated"]) == (True, 2)
    assert "would take a part" in job["error"]["message"]


def test_counts_tell_what_was_made(exchange: Exchange) -> None:
    name = new_id()
    lines = many(3)
    exchange.put(name, *lines, {"$dtId": "bad", "$metadata": {"$model": "dtmi:none;1"}})
    job = exchange.end(name)
    assert [job[each] for each in COUNTED] == [1, 3, 0, 1]


def test_the_path_of_the_preview_is_the_same_collection(exchange: Exchange) -> None:
    name, api = new_id(), exchange.api
    assert exchange.put(name, path="/jobs/import").status_code == 201
    job = exchange.end(name)
    assert api.send("GET", f"/jobs/import/{name}").json() == job
    assert job in api.send("GET", "/jobs/import").json()["value"]
    assert api.send("POST", f"/jobs/import/{name}/cancel").json() == job
    assert api.send("DELETE", f"/jobs/import/{name}").status_code == 204
    assert exchange.get(name).status_code == 404


def test_a_resumed_import_goes_on(exchange: Exchange) -> None:
    name = new_id()
    exchange.put(name, *many(8_000))
    until(lambda: exchange.get(name), "running")
    exchange.api.send("POST", f"/jobs/imports/{name}/cancel")
    cancelled = exchange.end(name)
    assert cancelled["status"] == "cancelled"
    answer = exchange.api.send("POST", f"/jobs/imports/{name}/resume")
    assert (answer.status_code, answer.json()["status"]) == (200, "notstarted")
    job = exchange.end(name)
    assert job["status"] == "succeeded"
    assert job["twinsCreated"] == 8_000


def test_under_adt_counts_and_resume_are_not_there(narrow: KastorServer, adt: Api) -> None:
    exchange = Exchange(narrow, adt)
    name = new_id()
    job = exchange.put(name).json()
    assert list(job) == [*MADE, "purgeDateTime", "status"]
    exchange.end(name)
    assert adt.send("POST", f"/jobs/imports/{name}/resume").status_code in (404, 405)


def test_ids_may_be_percent_encoded(exchange: Exchange) -> None:
    name = f"a:;{uuid4()}"
    encoded = name.replace(":", "%3A").replace(";", "%3B")
    assert exchange.put(encoded).json()["id"] == name
    assert exchange.end(name)["id"] == name
    assert exchange.put("a%2Fb").status_code == 400
    assert exchange.put("x" * 129).status_code == 400
