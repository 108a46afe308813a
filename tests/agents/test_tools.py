"""The tools on the sample building, in both revisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .speaking import Speaker

if TYPE_CHECKING:
    from tests.contract.client import Api

ROOM = "dtmi:kastor:sample:Room;1"
SENSOR = "dtmi:kastor:sample:TemperatureSensor;1"


def every_page(anna: Speaker, tool: str, name: str, **arguments: Any) -> list[Any]:
    found: list[Any] = []
    page = anna.got(tool, **arguments)
    found += page[name]
    for _ in range(200):
        if "cursor" not in page:
            assert not page.get("more"), page
            return found
        page = anna.got(tool, **arguments, cursor=page["cursor"])
        found += page[name]
    raise AssertionError("no end")


def test_the_graph_is_described_by_counts_of_models_and_relationships(
    anna: Speaker, building: Api
) -> None:
    told = anna.got("describe_graph")
    counted = building.query(
        f"SELECT COUNT() FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, '{ROOM}', exact)"
    )
    of_models = {each["model"]: each["twins"] for each in told["rows"] if "model" in each}
    assert of_models[ROOM] == counted.json()["value"][0]["COUNT"]
    assert sum(of_models.values()) == told["counts"]["twins"]
    names = {each["relationship"]: each["count"] for each in told["rows"] if "relationship" in each}
    assert sum(names.values()) == told["counts"]["relationships"]


def test_describing_can_be_about_some_models(anna: Speaker) -> None:
    told = anna.got("describe_graph", about="temperature")
    assert [each["model"] for each in told["rows"] if "model" in each] == [SENSOR]


def test_a_model_is_told_with_what_it_inherits(anna: Speaker) -> None:
    told = anna.got("get_model", id=SENSOR)
    names = {(each["kind"], each["name"]) for each in told["contents"]}
    assert ("properties", "temperature") in names
    assert any(kind == "relationships" for kind, _ in names), "what its base declares"
    only = anna.got("get_model", id=SENSOR, part="relationships")["contents"]
    assert {each["kind"] for each in only} == {"relationships"}
    assert told["bases"]


def test_words_find_twins_and_models_restrict_them(anna: Speaker) -> None:
    found = anna.got("find", text="boardroom")["found"]
    assert found[0]["id"] == "room-4-02"
    few = anna.got("find", text="boardroom", model=ROOM)["found"]
    assert {each["id"] for each in few} == {"room-4-02"}, "subtypes of the model count"


def test_twins_are_told_with_etags_and_those_that_are_missing(anna: Speaker, building: Api) -> None:
    told = anna.got("get_twin", ids=["room-2-14", "room-2-141"])["twins"]
    assert told[0]["$etag"] == building.twin("room-2-14")["$etag"]
    assert told[0]["name"] == "Meeting room Hazel"
    assert "$metadata" not in told[0]["thermostat"]
    assert told[1]["missing"] is True
    few = anna.got("get_twin", ids=["ahu-1"], fields=["name", "/nameplate/product", "none"])
    assert few["twins"][0]["fields"] == {
        "/name": "Air handling unit 1",
        "/nameplate/product": "Breeze 12000",
    }


def test_neighbours_are_those_of_the_relationships_level_by_level(
    anna: Speaker, building: Api
) -> None:
    edges = every_page(anna, "neighbours", "edges", id="room-2-14", limit=4)
    leaving = building.get("/digitaltwins/room-2-14/relationships").json()["value"]
    entering = building.get("/digitaltwins/room-2-14/incomingrelationships").json()["value"]
    assert {each["id"] for each in edges if each["way"] == "out"} == {
        each["$relationshipId"] for each in leaving
    }
    assert {each["id"] for each in edges if each["way"] == "in"} == {
        each["$relationshipId"] for each in entering
    }
    deep = every_page(anna, "neighbours", "edges", id="room-2-14", depth=2, limit=100)
    assert [each["level"] for each in deep] == sorted(each["level"] for each in deep)
    assert len({(each["near"], each["far"], each["id"]) for each in deep}) == len(deep)
    sensors = every_page(
        anna, "neighbours", "edges", id="room-2-14", direction="out", names=["hasSensor"]
    )
    assert sensors
    assert {each["relationship"] for each in sensors} == {"hasSensor"}
    [one] = anna.got("neighbours", id="room-2-14", direction="out", model=SENSOR)["edges"]
    assert one["far"] == "temp-2-14"


@pytest.mark.parametrize("limit", [7, 200])
@pytest.mark.parametrize("order", ["", " ORDER BY T.name DESC"])
def test_a_query_has_all_rows_once_however_it_is_cut(
    anna: Speaker, building: Api, limit: int, order: str
) -> None:
    text = f"SELECT T.$dtId AS id, T.name AS name FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, '{ROOM}'){order}"
    rows = every_page(anna, "query", "rows", q=text, limit=limit, max_chars=2_000)
    expected = building.query(text).json()["value"]
    assert rows == [[each["id"], each["name"]] for each in expected]


def test_documents_are_cut_between_rows_and_go_on(anna: Speaker, building: Api) -> None:
    text = f"SELECT * FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, '{ROOM}')"
    rows = every_page(anna, "query", "rows", q=text, limit=200)
    assert [each["$dtId"] for each in rows] == [
        each["$dtId"] for each in building.query(text).json()["value"]
    ]


def test_queries_take_parameters_also_behind_a_cursor(anna: Speaker) -> None:
    asked = {"q": "SELECT T.$dtId AS id FROM DIGITALTWINS T WHERE STARTSWITH(T.$dtId, $start)"}
    rows = every_page(anna, "query", "rows", **asked, parameters={"start": "room-2"}, limit=5)
    assert len(rows) > 10
    assert all(each[0].startswith("room-2") for each in rows)


def test_unknown_names_of_a_query_are_warned_of_beside_the_rows(anna: Speaker) -> None:
    told = anna.got("query", q="SELECT * FROM DIGITALTWINS T WHERE T.temprature > 3")
    assert told["rows"] == []
    assert "temperature" in told["warnings"][0]


def test_a_query_is_explained_without_being_run(anna: Speaker) -> None:
    told = anna.got("explain_query", q="SELECT * FROM DIGITALTWINS T WHERE T.temperature > 3")
    assert told["valid"] is True
    assert told["plan"]["node"] == "Plan"
    assert told["steps"]
    assert told["sql"].startswith(("SELECT", "WITH"))
    assert "rows" not in told, "which only who runs it knows"
    short = anna.got("explain_query", q="SELECT * FROM DIGITALTWINS T", max_chars=2_000)
    assert "plan" not in short
    assert short["steps"] or short["omitted"]
    wrong = anna.call("explain_query", q="SELECT * FROM DIGITALTWIN T")
    assert wrong.is_error
    assert wrong.value["at"]["line"] == 1


@pytest.mark.parametrize("revision", ["2026-07-28"])
def test_changes_are_told_newest_first_with_who_made_them(api: Api, revision: str) -> None:
    speaker = Speaker(api, revision)
    model = {"@id": "dtmi:t:A;1", "@type": "Interface", "@context": "dtmi:dtdl:context;2"}
    model["contents"] = [{"@type": "Property", "name": "n", "schema": "integer"}]  # type: ignore[assignment]
    api.add_models(model)
    api.add_twin("a", {"$metadata": {"$model": "dtmi:t:A;1"}, "n": 0})
    for n in range(1, 6):
        api.patch("/digitaltwins/a", [{"op": "add", "path": "/n", "value": n}])
    entries = every_page(speaker, "history", "changes", id="a", limit=2)
    assert [each.get("changed") for each in entries[:-1]] == [
        [{"path": "/n", "value": n}] for n in (5, 4, 3, 2, 1)
    ]
    assert entries[-1]["created"] is True
    assert {each["actor"] for each in entries} == {"anonymous"}
    first = entries[-1]["change"]
    told = speaker.got("diff", from_=f"change:{first}", model="dtmi:t:A;1")
    [line] = told["differences"]
    assert line["changed"] == [{"path": "/n", "before": 0, "after": 5}]
    assert speaker.got("diff", from_=f"change:{first}", ids=["a"])["differences"] == [line]
    then = speaker.got("get_twin", ids=["a"], as_of=f"change:{first}")["twins"]
    assert then[0]["n"] == 0


def test_all_answers_of_a_cursor_are_of_one_instant(api: Api) -> None:
    speaker = Speaker(api)
    model = {"@id": "dtmi:t:A;1", "@type": "Interface", "@context": "dtmi:dtdl:context;2"}
    api.add_models(model)
    for n in range(9):
        api.add_twin(f"t{n}", {"$metadata": {"$model": "dtmi:t:A;1"}})
    text = "SELECT T.$dtId AS id FROM DIGITALTWINS T"
    first = speaker.got("query", q=text, limit=3)
    api.delete("/digitaltwins/t5")
    api.add_twin("t9", {"$metadata": {"$model": "dtmi:t:A;1"}})
    second = speaker.got("query", q=text, limit=100, cursor=first["cursor"])
    assert first["rows"] + second["rows"] == [[f"t{n}"] for n in range(9)]
    assert first["at"].partition(";")[2] == second["at"].partition(";")[2]
    now = speaker.got("query", q=text)
    assert now["rows"] == [[f"t{n}"] for n in range(10) if n != 5]


@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("find", {"txt": "x"}, {"code": "InvalidArgument", "did_you_mean": ["text"]}),
        ("find", {"text": "x", "limit": 51}, {"code": "InvalidArgument", "at": "limit"}),
        ("get_twin", {"ids": []}, {"code": "InvalidArgument", "at": "ids"}),
        ("qeury", {}, {"code": "ToolNotFound", "did_you_mean": ["query"]}),
        ("get_model", {"id": "dtmi:kastor:sample:Roon;1"}, {"code": "ModelNotFound"}),
        ("neighbours", {"id": "room-2-1x"}, {"code": "DigitalTwinNotFound", "at": "id"}),
        ("query", {"q": "SELECT 1", "as_of": "yesterday"}, {"code": "InvalidArgument"}),
        ("query", {"q": "SELECT", "cursor": "abc"}, {"code": "InvalidCursor", "at": "cursor"}),
        ("diff", {"from": "change:1", "ids": ["a"], "model": ROOM}, {"code": "InvalidArgument"}),
        ("propose_change", {"operations": []}, {"code": "ToolNotFound"}),
    ],
)
def test_errors_say_what_is_wrong_and_what_was_meant(
    anna: Speaker, tool: str, arguments: dict[str, Any], told: dict[str, Any]
) -> None:
    found = anna.call(tool, **arguments)
    assert found.is_error
    assert {name: found.value.get(name) for name in told} == told
    assert found.value["message"]
    assert found.characters <= 2_000


def test_a_misspelled_model_is_guessed(anna: Speaker) -> None:
    told = anna.call("get_model", id="dtmi:kastor:sample:Roon;1").value
    assert ROOM in told["did_you_mean"]
