"""azure-digitaltwins-core 1.3.0's generated clients of jobs, with files in Azurite."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.digitaltwins.core import DigitalTwinsClient
from azure.digitaltwins.core._generated.models import (
    ImportJob,
    ImportJobsListOptions,
)

from kastor.testing import KastorServer
from tests.jobs.storage_servers import AZURITE_KEY, Stored, azurite, sas_of

from .graph import PART_MODEL, ROOM_MODEL, room

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

ENDED = ("succeeded", "failed", "cancelled")
WAIT_SECONDS = 30.0
TWINS = 25


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with azurite(tmp_path_factory.mktemp("azurite")) as server:
        yield server


@pytest.fixture(scope="module")
def server(azure: Stored, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KastorServer]:
    """A server that has the key of the container, as the cloud has an identity of its own."""
    folder = tmp_path_factory.mktemp("settings")
    config = folder / "kastor.toml"
    config.write_text(
        f'[[job_location]]\nprefix = "{azure.prefix}"\naccount_key = {{ file = "{folder}/key" }}\n'
    )
    (folder / "key").write_text(AZURITE_KEY)
    with KastorServer(("--config", str(config))) as made:
        yield made


@pytest.fixture
def client(server: KastorServer) -> Iterator[DigitalTwinsClient]:
    server.reset()
    made = DigitalTwinsClient(
        server.url, server.credential, authentication_policy=SansIOHTTPPolicy()
    )
    yield made
    made._client.close()


@pytest.fixture
def job() -> str:
    return f"job-{uuid4().hex[:8]}"


def lines(*documents: Any) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in documents)


def graph_file(twins: int = TWINS) -> bytes:
    documents = [{"$dtId": f"room{n}", **room(Temperature=n)} for n in range(twins)]
    relationships = [
        {
            "$dtId": f"room{n}",
            "$relationshipId": "next",
            "$targetId": f"room{n + 1}",
            "$relationshipName": "near",
            "distance": n,
        }
        for n in range(twins - 1)
    ]
    return lines(
        {"Section": "Header"},
        {"fileVersion": "1.0.0", "author": "tests", "organization": "kastor"},
        {"Section": "Models"},
        ROOM_MODEL,
        PART_MODEL,
        {"Section": "Twins"},
        *documents,
        {"Section": "Relationships"},
        *relationships,
    )


def asked(azure: Stored, job: str, content: bytes | None = None) -> ImportJob:
    if content is not None:
        azure.put(f"{job}/in.ndjson", content)
    return ImportJob(
        input_blob_uri=f"{azure.prefix}/{job}/in.ndjson",
        output_blob_uri=f"{azure.prefix}/{job}/log.ndjson",
    )


def ended(client: DigitalTwinsClient, job: str) -> Any:
    deadline = time.monotonic() + WAIT_SECONDS
    while (found := client._client.import_jobs.get_by_id(job)).status not in ENDED:
        assert time.monotonic() < deadline, found.status
        time.sleep(0.05)
    return found


def seen(call: Callable[..., Any], *arguments: Any) -> tuple[Any, dict[str, Any]]:
    """Return what the client makes of an answer, and its members as they came."""
    bodies: list[dict[str, Any]] = []
    result = call(
        *arguments, raw_response_hook=lambda answer: bodies.append(answer.http_response.json())
    )
    return result, bodies[0]


def members_of_the_cloud(body: dict[str, Any]) -> list[str]:
    """Return the names of a job's members in their order, without the counts that we add."""
    return [name for name in body if not name.endswith(("Created", "Count"))]


def headers(error: HttpResponseError) -> Any:
    response: Any = error.response
    return response.headers


def test_an_import_is_added_polled_listed_and_deleted(
    client: DigitalTwinsClient, azure: Stored, job: str
) -> None:
    jobs = client._client.import_jobs
    made, body = seen(jobs.add, job, asked(azure, job, graph_file()))
    assert (made.id, made.status) == (job, "notstarted")
    assert members_of_the_cloud(body) == [
        "id",
        "inputBlobUri",
        "outputBlobUri",
        "createdDateTime",
        "lastActionDateTime",
        "purgeDateTime",
        "status",
    ]
    assert (made.purge_date_time - made.created_date_time).days == 30
    done = ended(client, job)
    assert (done.status, done.error) == ("succeeded", None)
    _, body = seen(jobs.get_by_id, job)
    assert members_of_the_cloud(body) == [
        "id",
        "inputBlobUri",
        "outputBlobUri",
        "createdDateTime",
        "lastActionDateTime",
        "finishedDateTime",
        "purgeDateTime",
        "status",
    ]
    assert body["finishedDateTime"] == body["lastActionDateTime"]
    assert job in [each.id for each in jobs.list()]
    first = next(jobs.list(ImportJobsListOptions(max_items_per_page=1)).by_page())
    assert len(list(first)) == 1
    assert len(list(client.query_twins("SELECT * FROM digitaltwins"))) == TWINS
    assert client.get_relationship("room0", "next")["distance"] == 0
    jobs.delete(job)
    with pytest.raises(ResourceNotFoundError) as caught:
        jobs.get_by_id(job)
    assert caught.value.error is not None


def test_the_log_is_written_as_the_cloud_writes_it(
    client: DigitalTwinsClient, azure: Stored, job: str
) -> None:
    client._client.import_jobs.add(job, asked(azure, job, graph_file()))
    ended(client, job)
    log = [json.loads(line) for line in azure.get(f"{job}/log.ndjson").splitlines()]
    assert {each["jobId"] for each in log} == {job}
    assert {each["jobType"] for each in log} == {"Import"}
    assert [(each["details"].get("section"), each["details"]["status"]) for each in log] == [
        (None, "Started"),
        ("Models", "Started"),
        ("Models", "Succeeded"),
        ("Twins", "Started"),
        ("Twins", "Succeeded"),
        ("Relationships", "Started"),
        ("Relationships", "Succeeded"),
        (None, "Succeeded"),
    ]


def test_signatures_in_the_uris_open_them_and_are_not_shown(
    azure: Stored, job: str, tmp_path: Path
) -> None:
    with KastorServer(("--job-location", azure.prefix)) as alone:
        client = DigitalTwinsClient(
            alone.url, alone.credential, authentication_policy=SansIOHTTPPolicy()
        )
        plain = asked(azure, job, graph_file())
        signed = ImportJob(
            input_blob_uri=sas_of(plain.input_blob_uri, "r"),
            output_blob_uri=sas_of(plain.output_blob_uri),
        )
        _, body = seen(client._client.import_jobs.add, job, signed)
        assert "sig=" not in json.dumps(body)
        done = ended(client, job)
        assert (done.status, done.error) == ("succeeded", None)
        assert "sig" not in done.input_blob_uri
        assert azure.get(f"{job}/log.ndjson").count(b"\n") == 8
        client._client.close()


def test_an_input_that_is_missing_makes_a_job_that_fails(
    client: DigitalTwinsClient, azure: Stored, job: str
) -> None:
    client._client.import_jobs.add(job, asked(azure, job))
    done = ended(client, job)
    assert done.status == "failed"
    assert "in.ndjson: there is no such object" in done.error.message


def test_an_output_that_is_something_else_makes_a_job_that_fails(
    client: DigitalTwinsClient, azure: Stored, job: str
) -> None:
    kept = b"not a log\n"
    azure.put(f"{job}/log.ndjson", kept)
    client._client.import_jobs.add(job, asked(azure, job, graph_file()))
    done = ended(client, job)
    assert (done.status, done.error.code) == ("failed", "UnableToWriteToOutputBlob")
    assert azure.get(f"{job}/log.ndjson") == kept
    assert list(client.query_twins("SELECT * FROM digitaltwins")) == []


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("invalidUri", "failed validation. Invalid URI: The format of the URI could not be"),
        ("https://other.blob.core.windows.net/c/in.ndjson", "--job-location"),
        ("file:///etc/passwd", "--job-location"),
        ("exchange/other/in.ndjson", "--job-location"),
        ("exchange/default/../../tokens", "failed validation"),
    ],
)
def test_a_location_that_is_not_allowed_makes_no_job(
    client: DigitalTwinsClient, azure: Stored, job: str, uri: str, why: str
) -> None:
    jobs = client._client.import_jobs
    good = asked(azure, job, graph_file())
    for wrong in (
        ImportJob(input_blob_uri=uri, output_blob_uri=good.output_blob_uri),
        ImportJob(input_blob_uri=good.input_blob_uri, output_blob_uri=uri),
    ):
        with pytest.raises(HttpResponseError) as caught:
            jobs.add(job, wrong)
        assert caught.value.status_code == 400
        assert headers(caught.value)["x-ms-error-code"] == "InvalidArgument"
        assert caught.value.model is not None
        assert why in caught.value.model.error.message
    assert job not in [each.id for each in jobs.list()]


def test_a_job_that_runs_is_in_the_way_of_all_others_and_is_cancelled(
    client: DigitalTwinsClient, azure: Stored, job: str
) -> None:
    jobs = client._client.import_jobs
    large = asked(azure, job, graph_file(20_000))
    jobs.add(job, large)
    for other in (job, f"{job}-2"):
        with pytest.raises(HttpResponseError) as caught:
            jobs.add(other, large, retry_total=0)
        assert caught.value.status_code == 429
        assert "Retry-After" not in headers(caught.value)
    assert jobs.cancel(job).status in ("notstarted", "running")
    assert jobs.get_by_id(job).status in ("cancelling", "cancelled")
    done = ended(client, job)
    assert (done.status, done.finished_date_time, done.error) == ("cancelled", None, None)
    assert jobs.cancel(job).status == "cancelled"
    with pytest.raises(ResourceExistsError):
        jobs.add(job, large)
    jobs.delete(job)


def test_Y_08_a_deletion_is_begun_and_polled_to_its_end(
    client: DigitalTwinsClient, azure: Stored, job: str
) -> None:
    client._client.import_jobs.add(job, asked(azure, job, graph_file()))
    ended(client, job)
    deletions = client._client.delete_jobs
    # The generated client has an argument for neither.
    poller = deletions.begin_add(
        headers={"operation-id": f"{job}-delete"},
        params={"timeoutInMinutes": "15"},
        polling_interval=0.1,
    )
    done = poller.result(timeout=WAIT_SECONDS)
    assert (done.id, done.status) == (f"{job}-delete", "succeeded")
    assert deletions.get_by_id(f"{job}-delete").status == "succeeded"
    assert done.id in [each.id for each in deletions.list()]
    assert list(client.query_twins("SELECT * FROM digitaltwins")) == []
    assert list(client.list_models()) == []
    with pytest.raises(ResourceNotFoundError):
        deletions.get_by_id("absent")
