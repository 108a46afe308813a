"""How much of the past is kept: what there is, rules, what cannot be a rule, who may say so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import httpx2
import pytest

from kastor.testing import KastorServer

from .client import Api, assert_error, assert_json
from .models import M, building
from .past import write

if TYPE_CHECKING:
    from collections.abc import Iterator

HISTORY = "/kastor/v1/history"


@pytest.fixture
def kept(api: Api) -> Iterator[Api]:
    """A graph whose rules are as the server says, and again afterwards."""
    assert api.put(HISTORY, {}).status_code == 200
    api.add_models(M)
    api.add_twin("T", building(AverageTemperature=1))
    yield api
    assert api.put(HISTORY, {}).status_code == 200


def status(api: Api) -> dict[str, Any]:
    response = api.get(HISTORY)
    assert_json(response, 200)
    found: dict[str, Any] = response.json()
    return found


def test_it_tells_what_there_is(kept: Api) -> None:
    before = status(kept)
    assert before["keeps"]["graph"] == {"seconds": 604_800, "bytes": 2_000_000_000}
    assert before["keeps"]["telemetry"] == {"seconds": 0, "bytes": 1_000_000_000}
    assert before["settings"] == {}
    assert set(before["upkeep"]) == {"pruningSeconds", "packingSeconds", "packed"}
    for value in (2, 3):
        write(kept, "T", AverageTemperature=value)
    after = status(kept)
    assert after["versions"]["count"] == before["versions"]["count"] + 2
    assert after["versions"]["wholeBytes"] > before["versions"]["wholeBytes"] + 100
    assert after["versions"]["packed"] == after["versions"]["packedBytes"] == 0
    assert after["newest"]["change"] == before["newest"]["change"] + 2
    assert after["oldest"] == before["oldest"]


def test_changes_over_time_add_up_and_lie_where_they_happened(kept: Api) -> None:
    before = status(kept)["newest"]
    for value in range(2, 12):
        write(kept, "T", AverageTemperature=value)
    after = status(kept)["newest"]

    def activity(**asked: str) -> dict[str, Any]:
        response = kept.get(f"{HISTORY}/activity?{urlencode(asked)}")
        assert_json(response, 200)
        found: dict[str, Any] = response.json()
        return found

    found = activity(**{"from": f"change:{before['change']}", "buckets": "500"})
    assert found["from"]["change"] == before["change"]
    assert found["to"]["change"] == after["change"]
    assert found["to"]["time"] >= after["time"]
    assert len(found["changes"]) == 500
    assert sum(found["changes"]) == 10
    part = activity(**{"from": before["time"], "to": after["time"], "buckets": "7"})
    assert sum(part["changes"]) == 10
    assert part["changes"][-1] >= 1
    middle = f"change:{before['change'] + 4}"
    assert sum(activity(**{"from": middle, "to": after["time"]})["changes"]) == 6


@pytest.mark.parametrize(
    "asked", ["", "?from=yesterday", "?from=change:0&buckets=501", "?from=change:0&buckets=x"]
)
def test_changes_over_time_that_cannot_be_told(kept: Api, asked: str) -> None:
    assert_error(kept.get(f"{HISTORY}/activity{asked}"), 400, "InvalidArgument")


def test_a_graph_that_was_never_written_to_has_a_beginning_and_no_time_before_it() -> None:
    with KastorServer() as server, httpx2.Client() as client:
        found = client.get(f"{server.url}{HISTORY}").json()
        assert found["newest"]["change"] == found["oldest"]["change"] == 0
        assert "2000" < found["oldest"]["time"] <= found["newest"]["time"]


def test_rules_replace_those_before(kept: Api) -> None:
    model = M["@id"]
    rules = {
        "graph": {"seconds": 3_600},
        "models": {model: {"bytes": 1_000}},
        "telemetry": {"seconds": 60, "bytes": 500},
    }
    response = kept.put(HISTORY, rules)
    assert_json(response, 200)
    assert response.json()["settings"] == rules
    assert status(kept)["keeps"] == {
        "graph": {"seconds": 3_600, "bytes": 2_000_000_000},
        "models": {model: {"bytes": 1_000}},
        "telemetry": {"seconds": 60, "bytes": 500},
    }
    assert kept.put(HISTORY, {"graph": {"bytes": 7}}).status_code == 200
    assert status(kept)["settings"] == {"graph": {"bytes": 7}}


def test_a_dry_run_shows_the_rules_and_sets_none(kept: Api) -> None:
    body = {"graph": {"seconds": 0}}
    response = kept.put(HISTORY, body, headers={"kastor-dry-run": "true"})
    assert response.status_code == 200
    assert response.json()["settings"] == body
    assert response.json()["keeps"]["graph"]["seconds"] == 0
    assert status(kept)["settings"] == {}


def test_without_history_only_the_present_is_there(kept: Api) -> None:
    before = status(kept)["newest"]["change"]
    assert kept.put(HISTORY, {"graph": {"seconds": 0}}).status_code == 200
    write(kept, "T", AverageTemperature=5)
    gone = kept.get(f"/digitaltwins/T?asOf=change:{before}")
    assert_error(gone, 410, "HistoryExpired")
    assert kept.put(HISTORY, {}).status_code == 200
    now = status(kept)["newest"]["change"]
    write(kept, "T", AverageTemperature=6)
    then = kept.get(f"/digitaltwins/T?asOf=change:{now}")
    assert then.status_code == 200
    assert then.json()["AverageTemperature"] == 5
    assert_error(kept.get(f"/digitaltwins/T?asOf=change:{before}"), 410, "HistoryExpired")


def test_kept_telemetry_is_counted(kept: Api) -> None:
    assert kept.put(HISTORY, {"telemetry": {"seconds": 600}}).status_code == 200
    before = status(kept)["telemetry"]
    path = "/digitaltwins/T/telemetry"
    headers = {"Message-Id": "m", "Telemetry-Source-Time": "2026-11-30T08:00:00Z"}
    assert kept.post(path, {"level": 1}, headers=headers).status_code == 204
    after = status(kept)["telemetry"]
    assert after["count"] == before["count"] + 1
    assert after["bytes"] > before["bytes"]


@pytest.mark.parametrize(
    "body",
    [
        {"graph": {"seconds": -1}},
        {"graph": {"seconds": 1e300}},
        {"graph": {"seconds": "7 days"}},
        {"graph": {"days": 7}},
        {"graph": 7},
        {"telemetry": {"bytes": -1}},
        {"telemetry": {"bytes": 1.5}},
        {"models": {"dtmi:nobody:Uploaded;1": {"seconds": 1}}},
        {"models": []},
        {"versions": {}},
    ],
)
def test_what_is_no_rule_changes_nothing(kept: Api, body: dict[str, Any]) -> None:
    assert kept.put(HISTORY, {"graph": {"bytes": 12_345}}).status_code == 200
    assert_error(kept.put(HISTORY, body), 400, "InvalidArgument")
    assert status(kept)["settings"] == {"graph": {"bytes": 12_345}}


def test_who_reads_may_look_and_who_owns_may_say() -> None:
    with KastorServer(("--auth", "tokens")) as server:
        for role, may in (("reader", 403), ("owner", 200)):
            with Api(server.url, token=server.token(role)) as api:
                assert api.get(HISTORY).status_code == 200
                assert api.put(HISTORY, {}).status_code == may
