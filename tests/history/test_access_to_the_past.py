"""Who may see the past, and who may bring it back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.client import Api, assert_json, op
from tests.store.graphs import ROOM_MODEL, THERMOSTAT_MODEL, room

from .wire import newest, patch, remove, until_ended

if TYPE_CHECKING:
    import httpx2

    from kastor.testing import KastorServer


@pytest.fixture(scope="module")
def guarded() -> Iterator[KastorServer]:
    from kastor.testing import KastorServer

    with KastorServer(("--auth", "tokens")) as server:
        yield server


@pytest.fixture
def then(guarded: KastorServer) -> str:
    """A state in which `a` was there, which is deleted by now."""
    guarded.reset()
    with Api(guarded.url, token=guarded.token("owner")) as owner:
        owner.add_models(THERMOSTAT_MODEL, ROOM_MODEL)
        owner.add_twin("a", room(temperature=1))
        owner.add_twin("b", room())
        change = newest(owner)
        patch(owner, "/digitaltwins/a", op("replace", "/temperature", 2))
        remove(owner, "/digitaltwins/a")
        return f"change:{change}"


def reads(api: Api, then: str) -> list[httpx2.Response]:
    as_of = {"kastor-as-of": then}
    text = {"query": "SELECT * FROM digitaltwins"}
    begin = {"query": "SELECT COUNT() AS n FROM digitaltwins", "from": then, "bucket": "1h"}
    return [
        api.get("/digitaltwins/a", headers=as_of),
        api.get(f"/models?asOf={then}"),
        api.post("/query", text, headers=as_of),
        api.get(f"/kastor/v1/export?asOf={then}"),
        api.get("/kastor/v1/digitaltwins/a/history"),
        api.get("/kastor/v1/digitaltwins/a/series?path=/temperature"),
        api.post("/kastor/v1/series", begin),
        api.get(f"/kastor/v1/diff?from={then}"),
    ]


@pytest.mark.parametrize("role", ["owner", "reader"])
def test_who_may_read_may_read_the_past(guarded: KastorServer, then: str, role: str) -> None:
    with Api(guarded.url, token=guarded.token(role)) as api:
        assert [each.status_code for each in reads(api, then)] == [200] * 8
        assert assert_json(reads(api, then)[0])["temperature"] == 1


@pytest.mark.parametrize("role", ["sender", "none"])
def test_who_may_not_read_may_not_read_the_past(
    guarded: KastorServer, then: str, role: str
) -> None:
    with Api(guarded.url, token=guarded.token(role)) as api:
        assert [each.status_code for each in reads(api, then)] == [403] * 8
    with Api(guarded.url) as nobody:
        assert [each.status_code for each in reads(nobody, then)] == [401] * 8


@pytest.mark.parametrize("role", ["reader", "sender", "none"])
def test_who_may_not_write_brings_nothing_back(guarded: KastorServer, then: str, role: str) -> None:
    bodies: list[dict[str, Any]] = [{"asOf": then}, {"asOf": then, "twin": "a"}]
    with Api(guarded.url, token=guarded.token(role)) as api:
        for body in bodies:
            for headers in ({}, {"kastor-dry-run": "true"}):
                assert api.post("/kastor/v1/revert", body, headers=headers).status_code == 403
    with Api(guarded.url, token=guarded.token("owner")) as owner:
        assert owner.get("/digitaltwins/a").status_code == 404


def test_an_owner_brings_it_back_and_stands_in_the_history(
    guarded: KastorServer, then: str
) -> None:
    with Api(guarded.url, token=guarded.token("owner")) as owner:
        answer = owner.post("/kastor/v1/revert", {"asOf": then, "twin": "a"})
        assert answer.status_code == 202, answer.text
        headers = {"Authorization": f"Bearer {guarded.token('owner')}"}
        assert until_ended(owner, answer.headers["location"])["status"] == "succeeded"
        entries = assert_json(owner.get("/kastor/v1/digitaltwins/a/history", headers=headers))
        assert entries["value"][-1]["document"]["temperature"] == 1
        assert {each["actor"] for each in entries["value"]} == {"kastor-testing-owner"}
