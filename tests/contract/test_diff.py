"""GET /kastor/v1/diff: what differs between two states, a line each (decisions 5)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from .client import Api, assert_error, op
from .models import BUILDING, building

DIFF = "/kastor/v1/diff"
NOW = "kastor-as-of"


def get(api: Api, headers: dict[str, str] | None = None, **parameters: str) -> httpx2.Response:
    named = {name.rstrip("_"): value for name, value in parameters.items()}
    return api.get(f"{DIFF}?{urlencode(named)}", version=None, headers=headers)


def lines(response: httpx2.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in response.text.splitlines()]


def change(api: Api) -> str:
    """The present state, as a request names it."""
    now = datetime.now(UTC).isoformat()
    state: str = api.get("/models", headers={NOW: now}).headers[NOW]
    return f"change:{state.partition('; change=')[2]}"


@pytest.fixture
def two(api: Api, model_m: dict[str, Any]) -> tuple[Api, str]:
    """Twins a to c with relationships, and the state in which they are as they were made."""
    for name in "cab":
        api.add_twin(name, building(AverageTemperature=1))
    api.relate("b", "r", "c")
    api.relate("a", "r", "b")
    then = change(api)
    api.patch("/digitaltwins/c", [op("replace", "/AverageTemperature", 2)])
    api.patch("/digitaltwins/a", [op("add", "/TemperatureUnit", "Celsius")])
    api.delete("/digitaltwins/a/relationships/r")
    api.relate("b", "s", "c")
    api.add_twin("B", building())
    return api, then


def test_lines_tell_what_was_added_removed_and_changed_in_order_of_id(two: tuple[Api, str]) -> None:
    api, then = two
    found = lines(get(api, from_=then))
    assert [(line["kind"], line["what"], line.get("source"), line["id"]) for line in found] == [
        ("twin", "added", None, "B"),
        ("twin", "changed", None, "a"),
        ("twin", "changed", None, "c"),
        ("relationship", "removed", "a", "r"),
        ("relationship", "added", "b", "s"),
    ]
    added, a, c, removed, related = found
    stored = api.twin("a")
    assert added["after"]["$metadata"]["$model"] == BUILDING
    assert "$etag" not in added["after"]
    assert {each["path"]: each for each in a["patch"]} == {
        "/TemperatureUnit": {"op": "add", "path": "/TemperatureUnit", "value": "Celsius"},
        "/$metadata/TemperatureUnit": {
            "op": "add",
            "path": "/$metadata/TemperatureUnit",
            "value": stored["$metadata"]["TemperatureUnit"],
        },
        "/$metadata/$lastUpdateTime": {
            "op": "replace",
            "path": "/$metadata/$lastUpdateTime",
            "value": stored["$metadata"]["$lastUpdateTime"],
        },
    }
    assert {"op": "replace", "path": "/AverageTemperature", "value": 2} in c["patch"]
    assert removed["before"]["$targetId"] == "b"
    assert related["after"]["$targetId"] == "c"


def test_backwards_it_tells_the_opposite(two: tuple[Api, str]) -> None:
    api, then = two
    found = lines(get(api, from_=change(api), to=then))
    what = {(line["kind"], line.get("source"), line["id"]): line for line in found}
    assert what["twin", None, "B"]["what"] == "removed"
    assert what["relationship", "a", "r"]["what"] == "added"
    assert {"op": "remove", "path": "/TemperatureUnit"} in what["twin", None, "a"]["patch"]


def test_documents_can_be_had_instead_of_patches(two: tuple[Api, str]) -> None:
    api, then = two
    [a] = [line for line in lines(get(api, from_=then, as_="document")) if line["id"] == "a"]
    assert "patch" not in a
    stored = api.twin("a")
    del stored["$etag"]
    assert a["after"] == stored
    assert "TemperatureUnit" not in a["before"]


def test_a_query_restricts_it_to_what_it_answers_in_one_of_the_states(two: tuple[Api, str]) -> None:
    api, then = two
    cold = "SELECT * FROM DIGITALTWINS T WHERE T.AverageTemperature < 2"
    assert [line["id"] for line in lines(get(api, from_=then, query=cold))] == ["a", "c"]
    warm = "SELECT * FROM DIGITALTWINS T WHERE T.AverageTemperature > 1"
    assert [line["id"] for line in lines(get(api, from_=then, query=warm))] == ["c"]
    links = "SELECT * FROM RELATIONSHIPS R WHERE R.$targetId = 'c'"
    found = lines(get(api, from_=then, query=links))
    assert [(line["source"], line["id"]) for line in found] == [("b", "s")]
    assert lines(get(api, from_=then, query=f"{warm} AND T.$dtId = 'a'")) == []


def test_models_come_first_and_whole(api: Api, model_m: dict[str, Any]) -> None:
    then = change(api)
    spare = {**model_m, "@id": "dtmi:spare:A;1"}
    api.add_models(spare)
    api.add_twin("t", building())
    api.patch(f"/models/{BUILDING}", [op("replace", "/decommissioned", True)])
    found = lines(get(api, from_=then))
    assert found[:2] == sorted(
        (
            {
                "kind": "model",
                "id": BUILDING,
                "what": "changed",
                "before": {"decommissioned": False, "model": model_m},
                "after": {"decommissioned": True, "model": model_m},
            },
            {
                "kind": "model",
                "id": spare["@id"],
                "what": "added",
                "after": {"decommissioned": False, "model": spare},
            },
        ),
        key=lambda line: line["id"],
    )
    assert [line["kind"] for line in found[2:]] == ["twin"]
    only = "SELECT * FROM DIGITALTWINS"
    assert [line["kind"] for line in lines(get(api, from_=then, query=only))] == ["twin"]


def test_equal_states_have_no_lines_and_answers_name_the_newer_one(two: tuple[Api, str]) -> None:
    api, then = two
    same = get(api, from_=then, to=then)
    assert lines(same) == []
    assert same.headers[NOW].endswith(f"; change={then.removeprefix('change:')}")
    packed = get(api, {"Accept-Encoding": "gzip"}, from_=then)
    assert packed.headers["content-encoding"] == "gzip"
    assert len(lines(packed)) == 5


BAD = "InvalidArgument"


@pytest.mark.parametrize(
    ("parameters", "code", "text"),
    [
        ({}, BAD, "from"),
        ({"from_": "yesterday"}, BAD, "The parameter from takes a time with a zone"),
        ({"from_": "change:0", "to": "change:999999999"}, BAD, "999999999"),
        ({"from_": "2100-01-01T00:00:00Z"}, BAD, "future"),
        ({"from_": "change:0", "as_": "rows"}, BAD, "patch, document"),
        ({"from_": "change:0", "query": "SELECT"}, "SqlQueryError", ""),
        ({"from_": "change:0", "query": "SELECT TOP(1) FROM DIGITALTWINS"}, BAD, "compared"),
        ({"from_": "change:0", "query": "SELECT COUNT() FROM DIGITALTWINS"}, BAD, "compared"),
        ({"from_": "change:0", "twin": "a"}, BAD, "twin"),
    ],
)
def test_what_is_wrong_is_said_before_the_stream(
    api: Api, parameters: dict[str, str], code: str, text: str
) -> None:
    if parameters.get("from_") == "change:0":
        parameters = {**parameters, "from_": change(api)}
    assert_error(get(api, None, **parameters), 400, code, text)


def test_what_is_not_kept_is_gone(api: Api, model_m: dict[str, Any]) -> None:
    api.add_twin("t", building())
    now = change(api)
    api.send("POST", "/kastor/v1/reset", version=None)
    assert_error(get(api, from_=now), 410, "HistoryExpired")


def test_it_is_there_under_adt_as_other_reads_of_the_past_are(adt: Api) -> None:
    assert get(adt, from_=change(adt)).status_code == 200
