"""What a line of a file says, however long and in whatever script, never ends the import of it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx2
import pytest

from kastor.testing import KastorServer
from tests.store.graphs import room

from .import_files import ALL_MODELS, HEADER, MODELS, TWINS, text_of, twin
from .test_import_uploads import end_of, upload

START = text_of(*HEADER, MODELS, *ALL_MODELS, TWINS)


@pytest.fixture(scope="module")
def server() -> Iterator[KastorServer]:
    with KastorServer() as server:
        yield server


@pytest.fixture
def client(server: KastorServer) -> Iterator[httpx2.Client]:
    server.reset()
    with httpx2.Client(base_url=server.url, timeout=60) as client:
        yield client


@pytest.mark.parametrize(
    "names",
    [
        pytest.param([f"{n}{'😀' * 600}" for n in range(12)], id="of-four-bytes"),
        pytest.param([f"{n}{chr(1) * 600}" for n in range(12)], id="escaped"),
        pytest.param(["x" * 100_000], id="long"),
    ],
)
def test_a_line_with_long_names_is_refused_and_the_rest_imported(
    client: httpx2.Client, names: list[str]
) -> None:
    bad = twin("bad", {**room(), **dict.fromkeys(names, 1)})
    job = end_of(client, upload(client, START + text_of(bad, twin("good", room()))))
    assert (job["status"], job["error"]["code"]) == ("failed", "ImportPartiallyFailed")
    assert (job["counts"]["twins"], job["counts"]["errors"]) == (1, 1)
    lines = client.get(f"/kastor/v1/jobs/imports/{job['id']}/log").text.splitlines()
    told = [json.loads(each) for each in lines]
    refused = [each for each in told if each["details"].get("id") == "bad"]
    assert [each["details"]["error"]["code"] for each in refused] == ["ValidationFailed"]
