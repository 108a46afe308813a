"""`find`: below a twin nothing is missed, and nearness in meaning is refused where it cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .speaking import NEWEST, Speaker

if TYPE_CHECKING:
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
        ({"like": "room-2-14"}, "VectorsOff", "like"),
        ({"vector": [0.5, 1.0]}, "VectorsOff", "vector"),
        ({"text": "x", "mode": "vector"}, "VectorsOff", "mode"),
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
    if code == "VectorsOff":
        assert "text" in found.value["try"]


def test_nearness_beside_words_is_answered_by_words_and_says_so(anna: Speaker) -> None:
    told = anna.got("find", text="room", like="room-2-14")
    assert told["found"]
    assert told["note"].startswith("degraded")
    assert "note" not in anna.got("find", text="room", mode="words")


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
