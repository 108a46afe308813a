"""The sample building, loaded by a call into a graph of a running server."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from kastor.testing import KastorServer

from .client import Api, assert_error, assert_json
from .models import M, interface

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CALL = "/kastor/v1/sample"
NAME = {"name": "building"}


@pytest.fixture
def house(api: Api) -> Iterator[str]:
    """The prefix of an empty graph beside the default one."""
    path = "/kastor/v1/graphs/house"
    assert api.put(path, version=None).status_code == 201
    yield "/graphs/house"
    assert api.delete(path, version=None).status_code == 204


def told(api: Api, graph: str = "") -> Any:
    return assert_json(api.get(f"{graph}/kastor/v1/status", version=None))["sample"]


def test_after_a_restart_it_is_told_that_it_is_silent(tmp_path: Path) -> None:
    with KastorServer(data_dir=tmp_path) as server, Api(server.url) as api:
        assert assert_json(api.post(CALL, NAME, version=None))["simulated"]
        assert told(api) == {"name": "building", "simulated": True}
    with KastorServer(data_dir=tmp_path) as server, Api(server.url) as api:
        assert told(api) == {"name": "building", "simulated": False}
        again = assert_json(api.post(CALL, NAME, version=None))
        assert (again["loaded"], again["simulated"]) == (False, True)
        assert told(api) == {"name": "building", "simulated": True}


def test_what_others_write_meanwhile_is_of_now(api: Api, house: str) -> None:
    before = datetime.now(UTC)
    with ThreadPoolExecutor(5) as pool:
        loading = pool.submit(api.post, house + CALL, NAME, version=None)
        others = [
            pool.submit(api.post, f"{house}/models", [interface(f"dtmi:t:other{n};1")])
            for n in range(4)
        ]
        assert [each.result().status_code for each in others] == [201] * 4
        answer = loading.result()
    assert answer.status_code in (200, 409)
    models = assert_json(api.get(f"{house}/models"))["value"]
    assert len(models) == (24 if answer.status_code == 200 else 4), "all of it, or nothing"
    for each in models:
        if each["id"].startswith("dtmi:t:other"):
            uploaded = datetime.fromisoformat(each["uploadTime"][:19]).replace(tzinfo=UTC)
            assert abs(uploaded - before) < timedelta(minutes=2)


def test_it_is_loaded_with_its_past_and_lives(api: Api, house: str) -> None:
    found = assert_json(api.post(house + CALL, NAME, version=None))
    assert found == {
        "name": "building",
        "loaded": True,
        "simulated": True,
        "models": 20,
        "twins": 342,
        "relationships": 802,
    }
    history = assert_json(api.get(f"{house}/kastor/v1/history", version=None))
    assert history["settings"]["graph"] == {"seconds": 86_400.0, "bytes": 250_000_000}
    oldest, newest_time = (
        datetime.fromisoformat(history[each]["time"][:19]) for each in ("oldest", "newest")
    )
    assert newest_time - oldest > timedelta(hours=6)
    newest = history["newest"]["change"]
    end = time.monotonic() + 30
    while (
        assert_json(api.get(f"{house}/kastor/v1/history", version=None))["newest"]["change"]
        == newest
    ):
        assert time.monotonic() < end, "nothing is simulated"
        time.sleep(0.1)
    assert told(api, house) == {"name": "building", "simulated": True}
    assert told(api) is None
    again = assert_json(api.post(house + CALL, NAME, version=None))
    assert (again["loaded"], again["simulated"], again["twins"]) == (False, True, 342)


def test_a_graph_that_holds_anything_else_is_left_as_it_is(api: Api) -> None:
    api.add_models(M)
    error = assert_error(api.post(CALL, NAME, version=None), 409, "GraphNotEmpty")
    assert "models: 1" in error["message"]
    assert len(assert_json(api.get("/models"))["value"]) == 1


def test_only_samples_that_there_are_can_be_asked_for(api: Api) -> None:
    for body in ({}, {"name": "castle"}, {**NAME, "floors": 5}, {**NAME, "simulate": 1}):
        assert_error(api.post(CALL, body, version=None), 400, "InvalidArgument")


def test_its_sensors_may_stay_silent(api: Api) -> None:
    found = assert_json(api.post(CALL, {**NAME, "simulate": False}, version=None))
    assert (found["loaded"], found["simulated"], found["twins"]) == (True, False, 342)
    assert told(api) == {"name": "building", "simulated": False}


def test_where_it_is_not_allowed_it_says_how_it_would_be() -> None:
    with KastorServer(("--allow-sample", "off")) as server, Api(server.url) as api:
        error = assert_error(api.post(CALL, NAME, version=None), 400, "OperationNotAllowed")
        assert "--allow-sample on" in error["message"]


def test_under_adt_there_is_none(adt: Api) -> None:
    adt.add_models(interface("dtmi:t:A;1"))
    assert adt.post(CALL, NAME, version=None).status_code == 404
