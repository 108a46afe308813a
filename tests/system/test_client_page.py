"""The page of the client, run from its first example to its last."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from kastor.testing import KastorServer, StaticCredential

from .program import serving
from .test_pages_run import ADDRESS, blocks

PAGE = "how-to/use-the-client"
CLOUD = "my-twins.api.weu.digitaltwins.azure.net"
OF_THE_CLOUD = "Tokens, and Azure Digital Twins"


def run(block: str, names: dict[str, Any], url: str) -> str:
    told = io.StringIO()
    with redirect_stdout(told):
        exec(block.replace(ADDRESS, url), names)
    return told.getvalue()


def test_the_page_from_its_first_example_to_its_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (cloud,) = blocks(PAGE, "python", OF_THE_CLOUD)
    names: dict[str, Any] = {}
    with serving(tmp_path / "data", "--sample", "building") as served:
        told = [run(each, names, served.url) for each in blocks(PAGE, "python") if each != cloud]
    first, twins, query, warning, batch, many, files, follow, past, tried, _, error = told
    assert first.count("$dtId") == 3
    assert twins == "110\ndesk-2\n"
    assert "{'desk': 'desk-1', 'height': 110}" in query
    assert "91.0" in query
    assert "shape: (2, 2)" in query
    assert "hight" in warning
    assert batch == "2 1\n404 DigitalTwinNotFound\n"
    assert many.startswith("3\n")
    assert many.endswith("3 of 3 twins\nsucceeded\n") or many == "3\nsucceeded\n"
    assert "as of change" in files
    assert "succeeded {'models':" in files
    assert follow.startswith("ready []\nadded [{'$dtId': 'desk-1', 'height': 110}]\n")
    height, then, *versions = past.splitlines()
    assert (height, then) == ("70", "[]")
    assert "'path': ''" in versions[0]
    assert "{'op': 'replace', 'path': '/height', 'value': 110}" in versions[1]
    assert versions[-1].endswith("'min': 70, 'max': 110}")
    assert tried == "200 110\n"
    assert error.startswith("DigitalTwinNotFound There is no digital twin")


def test_the_example_of_the_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("azure.identity.DefaultAzureCredential", StaticCredential)
    (cloud,) = blocks(PAGE, "python", OF_THE_CLOUD)
    assert CLOUD in cloud
    names: dict[str, Any] = {}
    exec("from kastor.client import KastorClient", names)
    with KastorServer(("--profile", "adt")) as server:
        assert run(cloud.replace(CLOUD, server.url), names, server.url) == "[]\n"
