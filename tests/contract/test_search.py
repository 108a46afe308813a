"""GET /kastor/v1/search and POST /models/search over the wire."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from .client import assert_error, assert_json
from .models import BUILDING, M, building, interface, prop, relationship

if TYPE_CHECKING:
    import httpx2

    from .client import Api

ON_POSTGRES = os.environ.get("KASTOR_TEST_ENGINE") == "postgres"
NOW = {"kastor-read": "current-replica"}
ROOM = interface(
    "dtmi:t:search:Room;1",
    prop("name", "string"),
    relationship("isNextTo"),
    displayName={"de": "Zimmer", "en": "Room"},
    description="Four walls",
)


def search(api: Api, text: str, headers: Any = None, **more: Any) -> httpx2.Response:
    query = urlencode({"q": text, **more})
    return api.get(f"/kastor/v1/search?{query}", version=None, headers=headers or NOW)


def hits(api: Api, text: str, **more: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = assert_json(search(api, text, **more))["value"]
    return found


@pytest.fixture
def rooms(api: Api) -> Api:
    """Two rooms side by side."""
    api.add_models(ROOM, M)
    for name, called in (("r1", "Große Halle"), ("r2", "Kitchen")):
        api.add_twin(name, {"$metadata": {"$model": ROOM["@id"]}, "name": called})
    api.relate("r1", "e", "r2", name="isNextTo")
    return api


def test_twins_models_and_names_are_found_with_their_places(rooms: Api) -> None:
    assert hits(rooms, "hAlle") == [
        {
            "kind": "twin",
            "id": "r1",
            "name": "Große Halle",
            "model": ROOM["@id"],
            "field": "/name",
            "text": "Große Halle",
            "score": pytest.approx(0.75, abs=0.05),
            "matches": [[6, 5]],
        }
    ]
    (model,) = hits(rooms, "zimmer")
    assert (model["kind"], model["id"], model["name"]) == ("model", ROOM["@id"], "Room")
    assert (model["field"], model["text"]) == ("/displayName/de", "Zimmer")
    (name,) = hits(rooms, "next")
    assert (name["kind"], name["id"], name["count"]) == ("relationship", "isNextTo", 1)
    assert [each["id"] for each in hits(rooms, "kithcen")] == ["r2"]


def test_a_short_word_is_found_behind_many_that_only_hold_its_letters(rooms: Api) -> None:
    model = {"$metadata": {"$model": ROOM["@id"]}}
    twins = [{"$dtId": f"l{n}", **model, "name": f"Floor {n} lobby"} for n in range(259)]
    twins.append({"$dtId": "north", **model, "name": "North floor B"})
    for at in range(0, len(twins), 100):
        assert_json(rooms.post("/digitaltwins", twins[at : at + 100]))
    assert [each["id"] for each in hits(rooms, "floor b")] == ["north"]


def test_an_answer_tells_how_far_the_index_is(rooms: Api) -> None:
    answer = assert_json(search(rooms, "kitchen"))
    assert (answer["more"], answer["lag"]) == (False, 0)
    assert "building" not in answer
    state = assert_json(rooms.get("/kastor/v1/status", version=None))["search"]
    assert state["position"] == answer["position"]
    assert (state["heldBy"] is not None) == ON_POSTGRES
    there = {"kastor-read": f"change:{answer['position']}"}
    assert assert_json(search(rooms, "kitchen", headers=there))["value"]
    later = {"kastor-read": f"change:{answer['position'] + 1}"}
    assert_error(search(rooms, "kitchen", headers=later), 400, "InvalidArgument", "no change")


def test_what_was_deleted_is_not_found(rooms: Api) -> None:
    assert rooms.delete("/digitaltwins/r1/relationships/e").status_code == 204
    assert rooms.delete("/digitaltwins/r2").status_code == 204
    assert not hits(rooms, "kitchen")
    assert not hits(rooms, "isnext")


def test_kinds_and_limit(rooms: Api) -> None:
    assert {each["kind"] for each in hits(rooms, "r")} == {"twin", "model"}
    assert {each["kind"] for each in hits(rooms, "r", kinds="model, relationship")} == {"model"}
    answer = assert_json(search(rooms, "r", limit=1))
    assert (len(answer["value"]), answer["more"]) == (1, True)


@pytest.mark.parametrize(
    ("query", "headers", "word"),
    [
        ("", {}, "no text"),
        ("q=", {}, "no text"),
        ("q=a&q=b", {}, "more than once"),
        ("q=" + "x" * 201, {}, "200"),
        ("q=a&limit=0", {}, "from 1 to 100"),
        ("q=a&limit=x", {}, "from 1 to 100"),
        ("q=a&limit=00000010099999", {}, "from 1 to 100"),
        ("q=a&kinds=twin,rooms", {}, "rooms"),
        ("q=a&kind=twin", {}, "kind"),
        ("q=a&asOf=change:1", {}, "as of an instant"),
        ("q=a", {"kastor-read": "change:x"}, "change:"),
        ("q=a", {"kastor-read": "soon"}, "primary"),
    ],
)
def test_what_cannot_be_asked_is_said(
    connection: Api, query: str, headers: dict[str, str], word: str
) -> None:
    response = connection.get(f"/kastor/v1/search?{query}", version=None, headers=headers)
    assert_error(response, 400, "InvalidArgument", word)


def test_a_change_can_be_waited_for_by_searches_alone(connection: Api) -> None:
    response = connection.get("/digitaltwins/x", headers={"kastor-read": "change:1"})
    assert_error(response, 400, "InvalidArgument", "current-replica")


def test_models_are_searched_as_clients_of_others_do(rooms: Api) -> None:
    found = assert_json(rooms.post("/models/search", {"query": "four walls"}))
    assert [(each["id"], each["model"]["displayName"]) for each in found] == [
        (ROOM["@id"], ROOM["displayName"])
    ]
    older = assert_json(rooms.post("/models/search", {"searchText": "building", "limit": 1}))
    assert [each["id"] for each in older] == [BUILDING]
    for body in ({}, {"query": 1}, {"query": "a", "limit": "1"}, {"query": "a", "limit": 101}):
        assert_error(rooms.post("/models/search", body), 400, "InvalidArgument")
    asked = {"query": "room", "vector": [0.5, 1.0]}
    assert_error(rooms.post("/models/search", asked), 400, "InvalidArgument")
    assert rooms.post("/models/search", {"query": "room", "vector": None}).status_code == 200


def test_the_cloud_has_none_of_it(adt: Api) -> None:
    adt.add_models(M)
    adt.add_twin("T", building())
    assert search(adt, "T", headers={}).status_code == 404
    assert adt.post("/models/search", {"query": "T"}).status_code in (404, 405)
