"""Differences of two states and the way back, against what was seen at these states."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.client import Api, assert_error, op, seg
from tests.store.graphs import ROOM, ROOM_MODEL, THERMOSTAT_MODEL, room

from .wire import apply_patch, lived, newest, patch, remove, until_ended

if TYPE_CHECKING:
    import httpx2

Things = dict[tuple[str, ...], Any]


def state(api: Api, change: int) -> Things:
    """All twins, relationships and models of a state, by (kind, ids), as the export has them."""
    export = api.get(f"/kastor/v1/export?system=true&asOf=change:{change}")
    assert export.status_code == 200, export.text
    found: Things = {}
    section = ""
    for line in map(json.loads, export.text.splitlines()):
        if "Section" in line:
            section = line["Section"]
        elif section == "Twins":
            found["twin", line["$dtId"]] = line
        elif section == "Relationships":
            found["relationship", line["$dtId"], line["$relationshipId"]] = line
    models = api.get(f"/models?includeModelDefinition=true&asOf=change:{change}").json()["value"]
    for each in models:
        found["model", each["id"]] = {name: each[name] for name in ("model", "decommissioned")}
    for key, document in found.items():
        if key[0] != "model":  # as a GET has it, without ETag
            path = "/digitaltwins/" + "/relationships/".join(map(seg, key[1:]))
            answer = api.get(f"{path}?asOf=change:{change}")
            assert answer.status_code == 200
            found[key] = {k: v for k, v in answer.json().items() if k != "$etag"}
            assert document["$etag"] == answer.headers["etag"]
    return found


def plain(things: Things) -> Things:
    """The same without the times of writes, which nothing brings back."""

    def without(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {k: without(v) for k, v in value.items() if k not in TIMES}

    return {key: without(value) for key, value in things.items()}


TIMES = ("$lastUpdateTime", "lastUpdateTime")


def lines(response: httpx2.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("application/x-ndjson")
    return [json.loads(line) for line in response.text.splitlines()]


def key_of(line: dict[str, Any]) -> tuple[str, ...]:
    source = (line["source"],) if line["kind"] == "relationship" else ()
    return (line["kind"], *source, line["id"])


def test_a_diff_is_what_comparing_the_states_finds_and_its_patches_make_the_other(
    api: Api,
) -> None:
    changes = [each.change for each in lived(api)]
    states = {change: state(api, change) for change in changes}
    pairs = [(a, b) for a in changes for b in changes]
    for begin, end in pairs:
        before, after = states[begin], states[end]
        found = lines(api.get(f"/kastor/v1/diff?from=change:{begin}&to=change:{end}"))
        different = {k for k in before | after if before.get(k) != after.get(k)}
        assert {key_of(each) for each in found} == different, (begin, end)
        assert len(found) == len(different)
        made = dict(before)
        for line in found:
            key = key_of(line)
            what = ("removed", "added", "changed")
            expected = what[2] if key in before and key in after else what[key in after]
            assert line["what"] == expected
            if line["what"] == "removed":
                assert line["before"] == before[key]
                del made[key]
            elif line["what"] == "added":
                made[key] = line["after"]
            elif "patch" in line:
                made[key] = apply_patch(before[key], line["patch"])
            else:
                assert line["before"] == before[key]
                made[key] = line["after"]
        assert made == after, (begin, end)
        for kind in ("model", "twin", "relationship"):
            keys = [key_of(each) for each in found if each["kind"] == kind]
            assert keys == sorted(keys), kind


def test_without_an_end_a_diff_leads_to_the_present(api: Api) -> None:
    changes = [each.change for each in lived(api)]
    found = api.get(f"/kastor/v1/diff?from=change:{changes[1]}")
    wanted = api.get(f"/kastor/v1/diff?from=change:{changes[1]}&to=change:{changes[-1]}")
    assert lines(found) == lines(wanted) != []


def test_a_diff_of_a_query_has_what_it_answers_in_one_of_the_states(api: Api) -> None:
    changes = [each.change for each in lived(api)]
    begin, end = changes[1], changes[-1]
    whole = lines(api.get(f"/kastor/v1/diff?from=change:{begin}&to=change:{end}"))
    text = "SELECT * FROM digitaltwins T WHERE T.temperature > 20"
    body = {"query": text}
    ids = {
        row["$dtId"]
        for change in (begin, end)
        for row in api.send("POST", f"/query?asOf=change:{change}", body).json()["value"]
    }
    query = text.replace(" ", "%20").replace(">", "%3E")
    found = lines(api.get(f"/kastor/v1/diff?from=change:{begin}&to=change:{end}&query={query}"))
    assert found == [each for each in whole if each["kind"] == "twin" and each["id"] in ids]
    assert found


@pytest.mark.parametrize("query", ["", "from=soon", "from=change:99999999", "from=change:1&a=b"])
def test_what_a_diff_does_not_take_is_refused(api: Api, query: str) -> None:
    assert_error(api.get(f"/kastor/v1/diff?{query}"), 400, "InvalidArgument")


def revert(api: Api, **body: Any) -> dict[str, Any]:
    response = api.post("/kastor/v1/revert", body)
    assert response.status_code == 202, response.text
    return until_ended(api, response.headers["location"])


def events_after(api: Api, position: int) -> list[dict[str, Any]]:
    """Events of the change log, in order."""
    page = api.send("GET", f"/kastor/v1/events?format=ndjson&after={position}", version=None)
    return lines(page)


def test_the_whole_graph_is_again_what_it_was_and_events_say_so(api: Api) -> None:
    for change, _ in reversed(lived(api)[:-1]):
        wanted, begin = state(api, change), newest(api)
        before = state(api, begin)
        dry = api.post(
            "/kastor/v1/revert", {"asOf": f"change:{change}"}, headers={"kastor-dry-run": "true"}
        )
        shown = {key_of(each) for each in lines(dry)}
        assert newest(api) == begin, "a dry run changes nothing"
        job = revert(api, asOf=f"change:{change}")
        assert job["status"] == "succeeded", json.dumps(job)
        found = state(api, newest(api))
        assert plain(found) == plain(wanted), change
        different = {k for k in before | found if plain(before).get(k) != plain(found).get(k)}
        assert shown == different
        told = json.dumps(events_after(api, begin))
        for key in different:
            assert key[0] == "model" or f'"{key[-1]}' in told or f"/{key[-1]}" in told, key
        assert state(api, begin) == before, "what was there before can still be read"


def test_all_or_nothing(pair: Api) -> None:
    change = newest(pair)
    wanted = state(pair, change)
    remove(pair, "/digitaltwins/a/relationships/r")
    remove(pair, "/digitaltwins/b")
    patch(pair, "/digitaltwins/a", op("replace", "/temperature", 50))
    pair.add_twin("d", room())
    changed = newest(pair)
    job = revert(pair, asOf=f"change:{change}", atomic=True)
    assert job["status"] == "succeeded", json.dumps(job)
    assert plain(state(pair, newest(pair))) == plain(wanted)
    job = revert(pair, asOf=f"change:{changed}", atomic=True)
    assert job["status"] == "succeeded", json.dumps(job)
    # A model that is needed for it is gone: all of it is refused, or what can be comes back.
    for each in ("a/relationships/r", "c/relationships/in"):
        pair.delete(f"/digitaltwins/{each}")
    for each in "acd":
        remove(pair, f"/digitaltwins/{each}")
    assert pair.delete(f"/models/{ROOM}").status_code == 204
    begin = newest(pair)
    job = revert(pair, asOf=f"change:{change}", atomic=True)
    assert job["status"] == "failed"
    assert newest(pair) == begin
    job = revert(pair, asOf=f"change:{change}")
    assert job["status"] == "succeeded", json.dumps(job)
    assert plain(state(pair, newest(pair))) == plain(wanted)


@pytest.fixture
def pair(api: Api) -> Api:
    api.add_models(THERMOSTAT_MODEL, ROOM_MODEL)
    for number, each in enumerate("abc"):
        api.add_twin(each, room(temperature=number, name=each))
    api.relate("a", "r", "b", "nextTo", door="open")
    api.relate("c", "in", "a", "above")
    return api


def test_one_twin_comes_back_with_its_relationships_and_nothing_else(pair: Api) -> None:
    change = newest(pair)
    wanted = state(pair, change)
    for each in ("a/relationships/r", "c/relationships/in", "a"):
        remove(pair, f"/digitaltwins/{each}")
    patch(pair, "/digitaltwins/b", op("replace", "/temperature", 99))
    job = revert(pair, asOf=f"change:{change}", twin="a")
    assert job["status"] == "succeeded", json.dumps(job)
    found = state(pair, newest(pair))
    assert found["twin", "b"]["temperature"] == 99
    for key in (("twin", "a"), ("relationship", "a", "r"), ("relationship", "c", "in")):
        assert plain(found)[key] == plain(wanted)[key]


def test_what_cannot_come_back_is_left_out_and_named(pair: Api) -> None:
    change = newest(pair)
    for each in ("a/relationships/r", "c/relationships/in", "a", "b", "c"):
        remove(pair, f"/digitaltwins/{each}")
    job = revert(pair, asOf=f"change:{change}", twin="a")
    found = state(pair, newest(pair))
    assert set(found) - {k for k in found if k[0] == "model"} == {("twin", "a")}
    assert "r" in json.dumps(job), job


def test_a_query_says_what_comes_back(pair: Api) -> None:
    change = newest(pair)
    for each in "ab":
        patch(pair, f"/digitaltwins/{each}", op("replace", "/name", "other"))
    query = "SELECT * FROM digitaltwins T WHERE T.temperature = 0"
    job = revert(pair, asOf=f"change:{change}", query=query)
    assert job["status"] == "succeeded", json.dumps(job)
    assert (pair.twin("a")["name"], pair.twin("b")["name"]) == ("a", "other")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"asOf": "soon"},
        {"asOf": "change:999999999"},
        {"asOf": "change:1", "twin": "a", "query": "SELECT * FROM digitaltwins"},
        {"asOf": "change:1", "atomic": "yes"},
        {"asOf": "change:1", "what": 1},
    ],
)
def test_what_a_revert_does_not_take_is_refused_and_changes_nothing(
    pair: Api, body: dict[str, Any]
) -> None:
    change = newest(pair)
    assert_error(pair.post("/kastor/v1/revert", body), 400, "InvalidArgument")
    assert newest(pair) == change
