"""What people ask who run a server: its limits, and the queries that take long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kastor.api.own.limits import LIMITS
from kastor.config import Settings
from kastor.query.slow import MOST, SlowQueries
from kastor.records import SYSTEM
from kastor.testing import KastorServer

from .client import Api, assert_error, assert_json
from .models import M, building

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SLOW, LIMITED = "/kastor/v1/slow-queries", "/kastor/v1/limits"


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A server to which every query is slow, and which ends them soon."""
    file: Path = tmp_path_factory.mktemp("slow") / "kastor.toml"
    file.write_text("slow_query_seconds = 0.0\nmax_routes = 7\n")
    with KastorServer(("--config", str(file))) as server, Api(server.url) as api:
        api.add_models(M)
        for name in "abc":
            api.add_twin(name, building())
        yield api


def limits(api: Api) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in assert_json(api.get(LIMITED, version=None))["value"]}


def test_slow_queries_are_one_entry_for_each_form(strict: Api) -> None:
    for name in "abc":
        found = strict.query(f"SELECT * FROM DIGITALTWINS T WHERE T.$dtId = '{name}'")
        assert found.status_code == 200
    page = strict.query("SELECT T.$dtId FROM DIGITALTWINS T", headers={"max-items-per-page": "2"})
    token = assert_json(page)["continuationToken"]
    assert strict.post("/query", {"continuationToken": token}).status_code == 200
    listed = assert_json(strict.get(SLOW, version=None))
    assert listed["thresholdSeconds"] == 0
    by_text = {each["query"]: each for each in listed["value"]}
    one = by_text["SELECT * FROM DIGITALTWINS T WHERE T.$dtId = 'c'"]
    assert (one["count"], one["timedOut"], one["lastRows"]) == (3, 0, 1)
    assert 0 < one["meanMs"] <= one["worstMs"]
    assert one["lastTime"] >= listed["since"]
    paged = by_text["SELECT T.$dtId FROM DIGITALTWINS T"]
    assert (paged["count"], paged["lastRows"]) == (2, 1)  # of a token too
    worst = [each["worstMs"] for each in listed["value"]]
    assert worst == sorted(worst, reverse=True)


def test_the_list_is_bounded_and_keeps_what_is_slow_still() -> None:
    found = SlowQueries()
    for number in range(MOST + 20):
        found.note("SELECT first", 1.0, SYSTEM, timed_out=number == 0)
        found.note(f"SELECT T.p{number} FROM " + "x" * 9_000, 2.0, SYSTEM)
    _, entries = found.told(SYSTEM)
    assert len(entries) == MOST
    assert max(len(each.text) for each in entries) == 2_000
    [first] = [each for each in entries if each.text == "SELECT first"]
    assert (first.count, first.timed_out) == (MOST + 20, 1)


def test_limits_have_settings_and_what_is_used(strict: Api) -> None:
    before = limits(strict)
    assert (before["max_routes"]["value"], before["max_routes"]["used"]) == (7, 0)
    assert before["rate_limit"]["value"] is None
    assert before["log_bytes"]["used"] > 0
    assert before["max_graphs"]["used"] == 1
    endpoint = {"kind": "webhook", "settings": {"url": "http://127.0.0.1:9/x"}}
    assert strict.put("/kastor/v1/endpoints/hook", endpoint, version=None).status_code == 200
    route = {"endpointName": "hook", "filter": "false"}
    assert strict.put("/eventroutes/one", route).status_code == 204
    after = limits(strict)
    assert (after["max_routes"]["used"], after["max_endpoints"]["used"]) == (1, 1)


def test_every_setting_that_is_a_limit_is_listed() -> None:
    names = [each.name for each in LIMITS]
    assert len(names) == len(set(names))
    assert set(names) <= set(Settings.model_fields)
    assert {name for name in Settings.model_fields if name.startswith("max_")} <= set(names)


def test_under_adt_neither_is_there(adt: Api) -> None:
    for path in (SLOW, LIMITED):
        assert_error(adt.get(path, version=None), 404, "NotFound")
