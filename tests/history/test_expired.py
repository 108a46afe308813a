"""What is not kept any more is 410, and says from when on there is something."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.contract.client import Api, assert_error, assert_json, op
from tests.store.graphs import ROOM_MODEL, THERMOSTAT_MODEL, room

from .wire import instant_of, newest, patch

if TYPE_CHECKING:
    from kastor.testing import KastorServer

OLDEST = re.compile(r"Ask for (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z) or later")

ON_POSTGRES = os.environ.get("KASTOR_TEST_ENGINE") == "postgres"
NOTHING_KEPT = "This graph keeps no history, so only its present can be read"


@pytest.fixture(scope="module")
def forgetful() -> Iterator[KastorServer]:
    from kastor.testing import KastorServer

    with KastorServer(("--version-days", "0")) as server:
        yield server


@pytest.fixture
def off(forgetful: KastorServer) -> Iterator[Api]:
    """A graph that keeps nothing of its past, and has the twin `a`."""
    forgetful.reset()
    with Api(forgetful.url) as client:
        client.add_models(THERMOSTAT_MODEL, ROOM_MODEL)
        client.add_twin("a", room(temperature=0))
        yield client


def test_the_oldest_instant_that_is_named_can_be_asked_for(off: Api) -> None:
    change = newest(off)
    patch(off, "/digitaltwins/a", op("replace", "/temperature", 1))
    headers = {"kastor-as-of": f"change:{change}"}
    refusals = [
        off.get("/digitaltwins/a", headers=headers),
        off.get(f"/digitaltwins/a/relationships?asOf=change:{change}"),
        off.get("/models?asOf=2020-01-01T00:00:00Z"),
        off.post("/query", {"query": "SELECT * FROM digitaltwins"}, headers=headers),
        off.get(f"/kastor/v1/export?asOf=change:{change}"),
        off.get(f"/kastor/v1/diff?from=change:{change}"),
        off.post("/kastor/v1/revert", {"asOf": f"change:{change}"}),
    ]
    oldest = ""
    for refusal in refusals:
        error = assert_error(refusal, 410, "HistoryExpired")
        if ON_POSTGRES:  # an instant is never the present there, as others may write meanwhile
            assert error["message"].startswith(NOTHING_KEPT)
            continue
        match = OLDEST.search(error["message"])
        assert match, error["message"]
        oldest = match[1]
    if ON_POSTGRES:
        return
    twin = off.get("/digitaltwins/a", headers={"kastor-as-of": oldest})
    assert assert_json(twin) == off.twin("a")
    assert instant_of(twin)[1] == newest(off)


def test_a_token_and_a_link_of_what_is_gone_meanwhile_are_refused(off: Api) -> None:
    for each in "bc":
        off.add_twin(each, room(temperature=1))
    change = newest(off)
    headers = {"kastor-as-of": f"change:{change}", "max-items-per-page": "1"}
    page = off.post("/query", {"query": "SELECT * FROM digitaltwins"}, headers=headers)
    if ON_POSTGRES:
        assert_error(page, 410, "HistoryExpired")
        return
    token = assert_json(page)["continuationToken"]
    models = assert_json(off.get("/models", headers=headers))
    patch(off, "/digitaltwins/a", op("replace", "/temperature", 1))
    again = off.post("/query", {"continuationToken": token}, headers={"max-items-per-page": "1"})
    assert_error(again, 410, "HistoryExpired")
    assert_error(off.follow(models["nextLink"]), 410, "HistoryExpired")


def test_after_a_reset_nothing_of_before_is_there(api: Api, kastor: KastorServer) -> None:
    api.add_models(THERMOSTAT_MODEL, ROOM_MODEL)
    api.add_twin("a", room())
    change = newest(api)
    kastor.reset()
    assert_error(api.get(f"/digitaltwins/a?asOf=change:{change}"), 410, "HistoryExpired")
    assert_error(api.get("/kastor/v1/digitaltwins/a/history"), 404, "DigitalTwinNotFound")
    now = newest(api)
    assert_error(api.get(f"/digitaltwins/a?asOf=change:{now}"), 404, "DigitalTwinNotFound")
