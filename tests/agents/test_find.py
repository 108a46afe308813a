"""`find`: below a twin nothing is missed, and nearness in meaning is refused where it cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .speaking import NEWEST, Speaker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.client import Api

S = "dtmi:kastor:sample:"
MODEL = "dtmi:t:A;1"


def _below(building: Api, start: str) -> dict[str, int]:
    """Steps to each twin that relationships lead to, by the whole list of them."""
    rows = building.query("SELECT R.$sourceId AS s, R.$targetId AS t FROM RELATIONSHIPS R")
    edges: list[Any] = rows.json()["value"]
    while (token := rows.json()["continuationToken"]) is not None:
        rows = building.post("/query", {"continuationToken": token})
        edges += rows.json()["value"]
    steps, level = {start: 0}, [start]
    while level:
        found = [e["t"] for e in edges if e["s"] in level and e["t"] not in steps]
        steps |= dict.fromkeys(found, steps[level[0]] + 1)
        level = list(dict.fromkeys(found))
    del steps[start]
    return steps


def test_what_is_below_a_twin_is_listed_nearest_first(anna: Speaker, building: Api) -> None:
    expected = _below(building, "ahu-1") or _below(building, "floor-2")
    start = "ahu-1" if _below(building, "ahu-1") else "floor-2"
    told = anna.got("find", under=start, limit=50)
    found = {each["id"]: each["steps"] for each in told["found"]}
    assert found.items() <= expected.items()
    assert [each["steps"] for each in told["found"]] == sorted(expected.values())[: len(found)]
    assert len(found) == min(50, len(expected))
    assert told.get("more", False) is (len(expected) > 50)


def test_words_below_a_twin_find_all_that_a_search_everywhere_finds(
    anna: Speaker, building: Api
) -> None:
    below = _below(building, "floor-2")
    assert len(below) > 20
    for text in ("temperature", "temp", "temprature", "2.14"):
        told = anna.got(
            "find", under="floor-2", text=text, model=f"{S}TemperatureSensor;1", limit=50
        )
        everywhere = anna.got("find", text=text, model=f"{S}TemperatureSensor;1", limit=50)
        wanted = [each["id"] for each in everywhere["found"] if each["id"] in below]
        found = [each["id"] for each in told["found"]]
        assert set(found) >= set(wanted)
        assert set(found) <= set(below)
        if not everywhere.get("more"):
            assert sorted(found) == sorted(wanted)


def test_what_is_below_is_of_a_model_or_its_subtypes(anna: Speaker, building: Api) -> None:
    below = _below(building, "floor-2")
    told = anna.got("find", under="floor-2", model=f"{S}Room;1", limit=50)
    models = {each["model"] for each in told["found"]}
    assert models <= {f"{S}Room;1", f"{S}MeetingRoom;1"}
    assert {each["id"] for each in told["found"]} <= set(below)
    assert told["found"]


@pytest.mark.parametrize(
    ("arguments", "code", "at"),
    [
        ({}, "InvalidArgument", "text"),
        ({"like": "room-2-14"}, "VectorIndexNotFound", "index"),
        ({"vector": [0.5, 1.0]}, "VectorIndexNotFound", "index"),
        ({"text": "x", "mode": "vector"}, "InvalidArgument", "mode"),
        ({"like": "room-2-14", "vector": [1.0]}, "InvalidArgument", "vector"),
        ({"text": "x", "under": "room-2-1x"}, "DigitalTwinNotFound", "under"),
        ({"text": "x", "mode": "best"}, "InvalidArgument", "mode"),
        ({"vector": []}, "InvalidArgument", "vector"),
        ({"vector": [1.0] * 4_097}, "InvalidArgument", "vector"),
    ],
)
def test_what_cannot_be_found_so_is_refused_with_what_to_do(
    anna: Speaker, arguments: dict[str, Any], code: str, at: str
) -> None:
    found = anna.call("find", **arguments)
    assert found.is_error
    assert (found.value["code"], found.value["at"]) == (code, at)
    if code == "VectorIndexNotFound":
        assert "text" in found.value["try"]


def test_nearness_beside_words_is_answered_by_words_and_says_so(anna: Speaker) -> None:
    told = anna.got("find", text="room", like="room-2-14")
    assert told["found"]
    assert told["note"].startswith("degraded")
    assert told["ranking"] == "words"
    assert "note" not in anna.got("find", text="room", mode="words")


@pytest.fixture
def pumps(api: Api) -> Iterator[Api]:
    """A hub with pumps below it and one elsewhere; each has a direction, most have a note."""
    model = {"@id": MODEL, "@type": "Interface", "@context": "dtmi:dtdl:context;2"}
    note = {"@type": "Property", "name": "note", "schema": "string"}
    api.add_models({**model, "contents": [{"@type": "Relationship", "name": "r"}, note]})
    index = "/kastor/v1/vectors/meaning"
    assert api.put(index, {"dims": 2}, version=None).status_code == 201
    for name, note_of, vector in (
        ("hub", "hub", [0.0, -1.0]),
        ("p1", "a pump", [1.0, 0.0]),
        ("p2", "a pump", [0.0, 1.0]),
        ("p3", "a fan", [0.9, 0.1]),
        ("far", "a pump", [1.0, 0.05]),
    ):
        api.add_twin(name, {"$metadata": {"$model": MODEL}, "note": note_of})
        beside = f"/kastor/v1/digitaltwins/{name}/vectors/meaning"
        assert api.put(beside, {"vector": vector}, version=None).status_code == 204
    for name in ("p1", "p2", "p3"):
        api.relate("hub", name, name, name="r")
    yield api
    assert api.delete(index, version=None).status_code == 204


def test_twins_are_found_by_meaning_and_both_ranks_are_told(pumps: Api) -> None:
    speaker = Speaker(pumps, NEWEST)
    told = speaker.got("find", vector=[1.0, 0.0], limit=3)
    assert (told["ranking"], told["index"], told["more"]) == ("vector", "meaning", True)
    assert [each["id"] for each in told["found"]] == ["p1", "far", "p3"]
    assert told["found"][0] == {
        "kind": "twin",
        "id": "p1",
        "model": MODEL,
        "vectorRank": 1,
        "distance": 0.0,
    }
    told = speaker.got("find", like="p1", text="pump")
    assert told["ranking"] == "hybrid"
    found = {each["id"]: each for each in told["found"]}
    assert told["found"][0]["id"] == "far", "it is near, and a pump"
    assert "p1" not in {each for each, hit in found.items() if "vectorRank" in hit}
    assert found["p3"]["vectorRank"] == 2
    assert "textRank" not in found["p3"]
    assert found["p2"]["field"] == "/note"


def test_what_is_near_below_a_twin_is_not_hidden_by_what_is_nearer_elsewhere(pumps: Api) -> None:
    speaker = Speaker(pumps, NEWEST)
    told = speaker.got("find", vector=[1.0, 0.05], under="hub", limit=1)
    assert [each["id"] for each in told["found"]] == ["p1"]
    told = speaker.got("find", vector=[1.0, 0.05], text="pump", under="hub")
    assert {each["id"] for each in told["found"]} == {"p1", "p2", "p3"}
    assert told["found"][0]["id"] == "p1"


def test_circles_end_and_too_many_twins_are_refused(api: Api) -> None:
    speaker = Speaker(api, NEWEST)
    contents = [{"@type": "Relationship", "name": "r"}]
    model = {"@id": MODEL, "@type": "Interface", "@context": "dtmi:dtdl:context;2"}
    api.add_models({**model, "contents": contents})
    for each in "abc":
        api.add_twin(each, {"$metadata": {"$model": MODEL}})
    for source, target in ("ab", "bc", "ca", "cb"):
        api.relate(source, f"{source}{target}", target, name="r")
    told = speaker.got("find", under="a")
    assert [(each["id"], each["steps"]) for each in told["found"]] == [("b", 1), ("c", 2)]
    for start in range(0, 2_100, 350):
        operations: list[dict[str, Any]] = []
        for n in range(start, start + 350):
            body = {"$metadata": {"$model": MODEL}}
            operations.append({"op": "put", "kind": "twin", "id": f"t{n}", "body": body})
        done = api.post(
            "/kastor/v1/batch", {"atomic": True, "operations": operations}, version=None
        )
        assert done.status_code == 200, done.text
        operations = [
            {
                "op": "put",
                "kind": "relationship",
                "id": f"r{n}",
                "source": "b",
                "body": {"$targetId": f"t{n}", "$relationshipName": "r"},
            }
            for n in range(start, start + 350)
        ]
        done = api.post(
            "/kastor/v1/batch", {"atomic": True, "operations": operations}, version=None
        )
        assert done.status_code == 200, done.text
    refused = speaker.call("find", under="a", text="t1")
    assert (refused.is_error, refused.value["code"]) == (True, "UnderTooLarge")
    assert refused.characters <= 2_000


def test_hits_of_a_model_are_not_hidden_by_better_ones_of_others(api: Api) -> None:
    speaker = Speaker(api, NEWEST)
    for name in "AB":
        prop = {"@type": "Property", "name": "text", "schema": "string"}
        model = {"@id": f"dtmi:t:{name};1", "@type": "Interface", "contents": [prop]}
        api.add_models({**model, "@context": "dtmi:dtdl:context;2"})
    operations: list[dict[str, Any]] = [
        {
            "op": "put",
            "kind": "twin",
            "id": f"pump-{n}",
            "body": {"$metadata": {"$model": "dtmi:t:A;1"}, "text": "pump"},
        }
        for n in range(150)
    ]
    for n in range(3):
        body = {"$metadata": {"$model": "dtmi:t:B;1"}, "text": "beside the pump of the cellar"}
        operations.append({"op": "put", "kind": "twin", "id": f"z{n}", "body": body})
    done = api.post("/kastor/v1/batch", {"atomic": True, "operations": operations}, version=None)
    assert done.status_code == 200, done.text
    told = speaker.got("find", text="pump", model="dtmi:t:B;1")
    assert sorted(each["id"] for each in told["found"]) == ["z0", "z1", "z2"]
    assert "more" not in told
    assert "note" not in told
