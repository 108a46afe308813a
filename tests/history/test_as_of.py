"""Reads as of an instant over sockets: header and parameter, answers, pages, refusals."""

from __future__ import annotations

from typing import Any

import pytest

from kastor.clock import TICKS_PER_SECOND, from_iso, now_ticks, twin_time
from tests.contract.client import Api, Unchanged, assert_error, assert_json, op
from tests.store.graphs import HALL_MODEL, ROOM_MODEL, THERMOSTAT_MODEL, edge, room

from .wire import LINKED_INSTANT, answers, instant_of, lived, newest, patch, remove

NOT_AN_INSTANT = (
    *("yesterday", "2026-01-01", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z", "change:"),
    *("change:-1", "change:1.5", "12", "change:99999999999999999999", "change:1;", "now"),
)
WRITES: tuple[tuple[str, str, Any], ...] = (
    ("PUT", "/digitaltwins/a", room(temperature=99)),
    ("PATCH", "/digitaltwins/a", [op("add", "/temperature", 99)]),
    ("PATCH", "/digitaltwins/a/components/thermostat", [op("add", "/setPoint", 99)]),
    ("DELETE", "/digitaltwins/a", None),
    ("PUT", "/digitaltwins/a/relationships/r", edge("a")),
    ("POST", "/digitaltwins/a/telemetry", {"t": 1}),
    ("POST", "/models", [HALL_MODEL]),
    ("DELETE", "/models/dtmi:s:Thermostat;1", None),
    ("PUT", "/eventroutes/r", {"endpointName": "e", "filter": "true"}),
    ("POST", "/kastor/v1/batch", {"operations": []}),
    ("POST", "/kastor/v1/update", {"query": "SELECT * FROM digitaltwins", "patch": []}),
    ("POST", "/kastor/v1/delete", {"query": "SELECT * FROM digitaltwins", "atMost": 9}),
    ("POST", "/jobs/deletions", None),
    ("PUT", "/kastor/v1/indexes/x", None),
)


@pytest.fixture
def a(api: Api) -> Api:
    """A graph with the twin `a`."""
    api.add_models(THERMOSTAT_MODEL, ROOM_MODEL)
    api.add_twin("a", room(temperature=0))
    return api


def test_every_read_of_a_state_is_what_was_seen_then(api: Api) -> None:
    for number, (change, wanted) in enumerate(lived(api)):
        found = answers(api, change, by_header=number % 2 == 0)
        for name, value in wanted.items():
            assert found[name] == value, f"{name} as of change {change}"


def test_a_time_names_the_state_that_it_led_to_and_answers_name_it_as_asked(a: Api) -> None:
    times = []
    for number in range(1, 4):
        patch(a, "/digitaltwins/a", op("replace", "/temperature", number))
        twin = a.twin("a")
        times.append((twin["$metadata"]["$lastUpdateTime"], newest(a), twin))
    for text, change, twin in times:
        answer = a.get("/digitaltwins/a", headers={"kastor-as-of": text})
        assert assert_json(answer) == twin
        assert answer.headers["etag"] == twin["$etag"]
        assert instant_of(answer) == (text, change)
        ticks = from_iso(text)
        assert ticks is not None
        before = a.get(f"/digitaltwins/a?asOf={twin_time(ticks - 1)}")
        assert instant_of(before) == (twin_time(ticks - 1), change - 1)
        assert assert_json(before)["temperature"] == twin["temperature"] - 1
        offset = twin_time(ticks + 2 * 3_600 * TICKS_PER_SECOND).replace("Z", "%2B02:00")
        assert assert_json(a.get(f"/digitaltwins/a?asOf={offset}")) == twin


def test_header_and_parameter_may_be_there_both_if_they_say_the_same(a: Api) -> None:
    change = newest(a)
    patch(a, "/digitaltwins/a", op("replace", "/temperature", 1))
    same = {"kastor-as-of": f"change:{change}"}
    answer = a.get(f"/digitaltwins/a?asOf=change:{change}", headers=same)
    assert assert_json(answer)["temperature"] == 0
    assert_error(
        a.get(f"/digitaltwins/a?asOf=change:{change - 1}", headers=same), 400, "InvalidArgument"
    )
    time = a.twin("a")["$metadata"]["$lastUpdateTime"]
    assert_error(a.get(f"/digitaltwins/a?asOf={time}", headers=same), 400, "InvalidArgument")
    twice = f"/digitaltwins/a?asOf=change:{change}&asOf=change:{change + 1}"
    assert_error(a.get(twice), 400, "InvalidArgument")


@pytest.mark.parametrize("text", NOT_AN_INSTANT)
def test_what_is_no_instant_is_refused(a: Api, text: str) -> None:
    assert_error(
        a.get("/digitaltwins/a", headers={"kastor-as-of": text}), 400, "InvalidArgument", "change:"
    )
    assert_error(a.get(f"/digitaltwins/a?asOf={text}"), 400, "InvalidArgument", "change:")


def test_the_future_is_refused(a: Api) -> None:
    future = twin_time(now_ticks() + 60 * TICKS_PER_SECOND)
    assert_error(a.get(f"/digitaltwins/a?asOf={future}"), 400, "InvalidArgument", "future")
    change = newest(a)
    assert assert_json(a.get(f"/digitaltwins/a?asOf=change:{change}"))["temperature"] == 0
    assert_error(a.get(f"/digitaltwins/a?asOf=change:{change + 1}"), 400, "InvalidArgument")
    query = {"query": "SELECT * FROM digitaltwins"}
    headers = {"kastor-as-of": f"change:{change + 1}"}
    assert_error(a.post("/query", query, headers=headers), 400, "InvalidArgument")


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_no_write_goes_into_the_past(a: Api, method: str, path: str, body: Any) -> None:
    change = newest(a)
    kind = {"content_type": "application/json-patch+json"} if method == "PATCH" else {}
    more: Any = kind if body is None else {"body": body, **kind}
    with Unchanged(a, "/digitaltwins/a"):
        headers = {"kastor-as-of": f"change:{change}"}
        assert_error(a.send(method, path, headers=headers, **more), 400, "InvalidArgument")
        assert_error(a.send(method, f"{path}?asOf=change:{change}", **more), 400, "InvalidArgument")
    assert newest(a) == change


@pytest.mark.parametrize("path", ["/kastor/v1/status", "/eventroutes", "/kastor/v1/indexes"])
def test_what_has_no_past_says_so(a: Api, path: str) -> None:
    assert_error(a.get(f"{path}?asOf=change:{newest(a)}"), 400, "InvalidArgument")


def test_pages_of_a_listing_stay_at_their_instant_while_others_write(a: Api) -> None:
    a.add_twin("b", room())
    for number in range(5):
        a.relate("a", f"r{number}", "b", "nextTo", door=str(number))
    wanted = a.get("/digitaltwins/a/relationships").json()["value"]
    coming = a.get("/digitaltwins/b/incomingrelationships").json()["value"]
    models = a.get("/models").json()["value"]
    change = newest(a)
    headers = {"kastor-as-of": f"change:{change}", "max-items-per-page": "2"}
    small = {"max-items-per-page": "2"}
    for path, expected in (
        ("/digitaltwins/a/relationships", wanted),
        ("/digitaltwins/b/incomingrelationships", coming),
        ("/models", models),
    ):
        page = a.get(path, headers={**headers, "max-items-per-page": "1"})
        found, number = [], 0
        while True:
            assert instant_of(page)[1] == change
            body = page.json()
            found += [without_instant(each) for each in body["value"]]
            number += 1
            if body["nextLink"] is None:
                break
            a.add_twin(f"other{number}", room())
            a.relate("a", f"r1{number}", "b", "nextTo")
            a.delete(f"/digitaltwins/a/relationships/r{number}")
            # With the header again, as SDKs send it, and without.
            page = a.follow(body["nextLink"], headers=headers if number % 2 else small)
        assert found == expected, path


def without_instant(item: dict[str, Any]) -> dict[str, Any]:
    """An item whose link, where it has one, leads to the present."""
    link = item.get("$relationshipLink")
    return item if link is None else {**item, "$relationshipLink": LINKED_INSTANT.sub("", link)}


def test_a_link_in_a_listing_leads_to_the_same_state(a: Api) -> None:
    a.add_twin("b", room())
    wanted = a.relate("a", "r", "b", "nextTo", door="open")
    change = newest(a)
    remove(a, "/digitaltwins/a/relationships/r")
    found = a.get(f"/digitaltwins/b/incomingrelationships?asOf=change:{change}").json()["value"]
    assert assert_json(a.follow(found[0]["$relationshipLink"])) == wanted


def test_pages_of_a_query_stay_at_their_instant_while_others_write(a: Api) -> None:
    for number in range(5):
        a.add_twin(f"t{number}", room(temperature=number))
    text = "SELECT * FROM digitaltwins T WHERE T.temperature >= 0"
    wanted = assert_json(a.query(text))["value"]
    change = newest(a)
    headers = {"kastor-as-of": f"change:{change}", "max-items-per-page": "2"}
    page = a.post("/query", {"query": text}, headers=headers)
    found, number = [], 0
    while True:
        assert instant_of(page)[1] == change
        body = page.json()
        found += body["value"]
        number += 1
        if body["continuationToken"] is None:
            break
        remove(a, f"/digitaltwins/t{number}")
        patch(a, "/digitaltwins/t0", op("replace", "/temperature", 50 + number))
        a.add_twin(f"u{number}", room(temperature=3))
        again = headers if number % 2 else {"max-items-per-page": "2"}
        page = a.post("/query", {"continuationToken": body["continuationToken"]}, headers=again)
    assert found == wanted


def test_a_token_of_one_instant_is_not_taken_for_another(a: Api) -> None:
    a.add_twin("b", room(temperature=1))
    change = newest(a)
    headers = {"max-items-per-page": "1", "kastor-as-of": f"change:{change}"}
    text = {"query": "SELECT * FROM digitaltwins"}
    token = a.post("/query", text, headers=headers).json()["continuationToken"]
    other = {**headers, "kastor-as-of": f"change:{change - 1}"}
    assert_error(
        a.post("/query", {"continuationToken": token}, headers=other), 400, "InvalidArgument"
    )


def test_the_cloud_like_profile_reads_the_past_too(adt: Api) -> None:
    adt.add_models(THERMOSTAT_MODEL, ROOM_MODEL)
    adt.add_twin("a", room(temperature=0))
    was = adt.twin("a")
    time = was["$metadata"]["$lastUpdateTime"]
    patch(adt, "/digitaltwins/a", op("replace", "/temperature", 1))
    answer = adt.get("/digitaltwins/a", headers={"kastor-as-of": time})
    assert assert_json(answer) == was
    assert instant_of(answer)[0] == time
    rows = adt.query("SELECT * FROM digitaltwins", headers={"kastor-as-of": time})
    assert assert_json(rows)["value"] == [was]
