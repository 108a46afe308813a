"""Whatever callers can make has a bound, which a setting gives and the refusal names."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from kastor.testing import KastorServer

VERSION = {"api-version": "2023-10-31"}
SETTINGS = """
max_graphs = 3
max_indexes = 3
max_routes = 3
max_endpoints = 3
max_inputs = 3
max_saved_documents = 3
max_scene_files = 3
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KastorServer]:
    config = tmp_path_factory.mktemp("bounds") / "kastor.toml"
    config.write_text(SETTINGS, encoding="utf-8")
    with KastorServer(("--config", str(config))) as started:
        body = {"kind": "stdout", "settings": {}}
        httpx2.put(f"{started.url}/kastor/v1/endpoints/first", json=body)
        yield started


THINGS: dict[str, tuple[str, Any]] = {
    "max_graphs": ("/kastor/v1/graphs/g{n}", None),
    "max_indexes": ("/kastor/v1/indexes/p{n}", None),
    "max_routes": ("/eventroutes/r{n}", {"endpointName": "first", "filter": "true"}),
    "max_endpoints": ("/kastor/v1/endpoints/end{n}", {"kind": "stdout", "settings": {}}),
    "max_saved_documents": ("/kastor/v1/explorer/views/v{n}", {"zoom": 1}),
    "max_scene_files": ("/kastor/v1/explorer/files/f{n}", {"asset": {"version": "2.0"}}),
    "max_inputs": (
        "/kastor/v1/inputs/in{n}",
        {
            "kind": "webhook",
            "settings": {
                "rules": [{"match": {"from": "/t"}, "twin": "t", "patch": {"/size": "/size"}}]
            },
        },
    ),
}


@pytest.mark.parametrize("setting", THINGS)
def test_there_are_never_more_than_the_setting_allows(server: KastorServer, setting: str) -> None:
    path, body = THINGS[setting]

    def put(number: int) -> httpx2.Response:
        url = f"{server.url}{path.replace('{n}', str(number))}"
        keywords: dict[str, Any] = {} if body is None else {"json": body}
        if setting == "max_scene_files":
            keywords["headers"] = {"content-type": "model/gltf+json"}
        return httpx2.put(url, params=VERSION, timeout=60, **keywords)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(put, range(8)))
    refused = [each for each in answers if each.status_code == 400]
    made = [number for number, each in enumerate(answers) if each.is_success]
    # The default graph and the endpoint of the routes are there before.
    room = 2 if setting in ("max_graphs", "max_endpoints") else 3
    assert len(made) == room, [each.text for each in answers]
    assert len(refused) == 8 - room
    for each in refused:
        error = each.json()["error"]
        assert error["code"] == "LimitExceeded", error
        assert f"the setting {setting} allows 3" in error["message"]
    again = put(made[0])
    assert again.is_success or again.json()["error"]["code"] == "GraphExists", "replacing is free"
    url = f"{server.url}{path.replace('{n}', str(made[0]))}"
    assert httpx2.delete(url, params=VERSION).is_success
    free = next(number for number, each in enumerate(answers) if not each.is_success)
    assert put(free).is_success, "what was deleted makes room"


def test_graphs_that_are_there_are_served_whatever_the_setting(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with KastorServer(data_dir=data) as server:
        for name in ("one", "two"):
            assert httpx2.put(f"{server.url}/kastor/v1/graphs/{name}").status_code == 201
    config = tmp_path / "kastor.toml"
    config.write_text("max_graphs = 1\n", encoding="utf-8")
    with KastorServer(("--config", str(config)), data_dir=data) as server:
        listed = httpx2.get(f"{server.url}/kastor/v1/graphs").json()["value"]
        assert {each["name"] for each in listed} == {"default", "one", "two"}
        answer = httpx2.get(f"{server.url}/graphs/two/models", params=VERSION)
        assert answer.status_code == 200
        assert httpx2.put(f"{server.url}/kastor/v1/graphs/three").status_code == 400


def test_as_many_graphs_as_are_allowed_find_open_files(tmp_path: Path) -> None:
    """The soft limit of open files is raised; else no client could connect any more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        server = KastorServer(data_dir=tmp_path).start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    try:
        with httpx2.Client(base_url=server.url, params=VERSION, timeout=60) as http:
            for number in range(40):
                made = http.put(f"/kastor/v1/graphs/g{number}")
                assert made.status_code == 201, made.text
        assert httpx2.get(f"{server.url}/healthz").status_code == 200
    finally:
        server.stop()
