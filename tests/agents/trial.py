"""Thirty questions about the sample building, and ten changes, with the calls that answer them.

A script plays them, so that it is told whether the tools are enough and how much they say, without
a language model. What has to come out is computed from the sample's documents in plain Python.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from kastor.sample import graph

S = "dtmi:kastor:sample:"
ROOM, MEETING = f"{S}Room;1", f"{S}MeetingRoom;1"
Got: TypeAlias = Callable[..., dict[str, Any]]


class Question(NamedTuple):
    """A question: the calls that answer it, and the answer by the documents."""

    text: str
    played: Callable[[Got], Any]
    expected: Callable[[Building], Any]


class Building:
    """The documents, looked at in plain Python."""

    def __init__(self) -> None:
        made = graph()
        self.twins = {each["$dtId"]: each for each in made.twins}
        self.relationships = list(made.relationships)

    def of(self, *models: str) -> list[dict[str, Any]]:
        return [t for t in self.twins.values() if t["$metadata"]["$model"] in models]

    def rooms(self) -> list[dict[str, Any]]:
        return self.of(ROOM, MEETING)

    def out(self, twin_id: str, name: str) -> set[str]:
        return {
            r["$targetId"]
            for r in self.relationships
            if (r["$sourceId"], r["$relationshipName"]) == (twin_id, name)
        }

    def into(self, twin_id: str, name: str) -> set[str]:
        return {
            r["$sourceId"]
            for r in self.relationships
            if (r["$targetId"], r["$relationshipName"]) == (twin_id, name)
        }


def _rows(got: Got, q: str, **more: Any) -> list[Any]:
    rows: list[Any] = got("query", q=q, limit=200, **more)["rows"]
    return rows


def _one(got: Got, q: str) -> Any:
    row = _rows(got, q)[0]
    return row[0] if isinstance(row, list) else next(iter(row.values()))


def _ids(got: Got, q: str) -> set[str]:
    return {each[0] for each in _rows(got, q)}


def _far(got: Got, twin_id: str, name: str, way: str = "out", **more: Any) -> set[str]:
    edges = got("neighbours", id=twin_id, names=[name], direction=way, limit=100, **more)["edges"]
    return {each["far"] for each in edges}


def _twin(got: Got, twin_id: str, field: str) -> Any:
    found = got("get_twin", ids=[twin_id], fields=[field])["twins"][0]["fields"]
    return found.get(f"/{field.strip('/')}")


def _counted(got: Got, model: str) -> int:
    rows = got("describe_graph")["rows"]
    found: int = next(each["twins"] for each in rows if each.get("model") == model)
    return found


def _contents(got: Got, model: str, part: str) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in got("get_model", id=model, part=part)["contents"]}


QUESTIONS: tuple[Question, ...] = (
    Question(
        "How many twins are there?",
        lambda got: got("describe_graph")["counts"]["twins"],
        lambda b: len(b.twins),
    ),
    Question(
        "How many meeting rooms are there?",
        lambda got: _counted(got, MEETING),
        lambda b: len(b.of(MEETING)),
    ),
    Question(
        "How many rooms are there, meeting rooms included?",
        lambda got: _one(got, f"SELECT COUNT() FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, '{ROOM}')"),
        lambda b: len(b.rooms()),
    ),
    Question(
        "Which kinds of relationships are there?",
        lambda got: {
            r["relationship"] for r in got("describe_graph")["rows"] if "relationship" in r
        },
        lambda b: {r["$relationshipName"] for r in b.relationships},
    ),
    Question(
        "In which unit is a room's area?",
        lambda got: _contents(got, ROOM, "properties")["area"].get("unit"),
        lambda _b: "squareMetre",
    ),
    Question(
        "What may a room be adjacent to?",
        lambda got: _contents(got, ROOM, "relationships")["adjacentTo"].get("target"),
        lambda _b: ROOM,
    ),
    Question(
        "Is a meeting room a room?",
        lambda got: ROOM in got("get_model", id=MEETING)["bases"],
        lambda _b: True,
    ),
    Question(
        "What is the id of the boardroom?",
        lambda got: got("find", text="boardroom", model=ROOM)["found"][0]["id"],
        lambda b: next(t["$dtId"] for t in b.rooms() if "Boardroom" in t["name"]),
    ),
    Question(
        "Which floors are there?",
        lambda got: _ids(
            got, f"SELECT T.$dtId FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, '{S}Floor;1')"
        ),
        lambda b: {t["$dtId"] for t in b.of(f"{S}Floor;1")},
    ),
    Question(
        "Which rooms are on the second floor?",
        lambda got: _far(got, "floor-2", "hasPart"),
        lambda b: b.out("floor-2", "hasPart"),
    ),
    Question(
        "What is next to the café?",
        lambda got: _far(got, "room-0-04", "adjacentTo", "both"),
        lambda b: b.out("room-0-04", "adjacentTo") | b.into("room-0-04", "adjacentTo"),
    ),
    Question(
        "Which sensors has meeting room Hazel?",
        lambda got: _far(
            got, got("find", text="Meeting room Hazel", model=ROOM)["found"][0]["id"], "hasSensor"
        ),
        lambda b: b.out("room-2-14", "hasSensor"),
    ),
    Question(
        "What feeds room 2.14?",
        lambda got: _far(got, "room-2-14", "feeds", "in"),
        lambda b: b.into("room-2-14", "feeds"),
    ),
    Question(
        "What does air handling unit 1 feed, directly or through one box?",
        lambda got: _far(got, "ahu-1", "feeds", depth=2),
        lambda b: b.out("ahu-1", "feeds").union(
            *(b.out(each, "feeds") for each in b.out("ahu-1", "feeds"))
        ),
    ),
    Question(
        "How many seats has the boardroom?",
        lambda got: _twin(got, "room-4-02", "capacity"),
        lambda b: b.twins["room-4-02"]["capacity"],
    ),
    Question(
        "Who made air handling unit 1?",
        lambda got: _twin(got, "ahu-1", "/nameplate/manufacturer"),
        lambda b: b.twins["ahu-1"]["nameplate"]["manufacturer"],
    ),
    Question(
        "Which filters has it?",
        lambda got: _twin(got, "ahu-1", "filters"),
        lambda b: b.twins["ahu-1"]["filters"],
    ),
    Question(
        "Which meeting rooms seat ten or more?",
        lambda got: _ids(
            got,
            f"SELECT T.$dtId FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, '{MEETING}') "
            "AND T.capacity >= 10",
        ),
        lambda b: {t["$dtId"] for t in b.of(MEETING) if t["capacity"] >= 10},
    ),
    Question(
        "Which meeting rooms have a whiteboard?",
        lambda got: _ids(
            got,
            "SELECT T.$dtId FROM DIGITALTWINS T WHERE ARRAY_CONTAINS(T.amenities, 'whiteboard')",
        ),
        lambda b: {t["$dtId"] for t in b.of(MEETING) if "whiteboard" in t.get("amenities", ())},
    ),
    Question(
        "How large are all rooms together?",
        lambda got: round(
            _one(got, f"SELECT SUM(T.area) AS s FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, '{ROOM}')")
        ),
        lambda b: round(sum(t.get("area", 0) for t in b.rooms())),
    ),
    Question(
        "Which is the largest room?",
        lambda got: _rows(
            got,
            f"SELECT TOP(1) T.$dtId AS id FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, '{ROOM}') "
            "ORDER BY T.area DESC",
        ),
        lambda b: [[max(b.rooms(), key=lambda t: t.get("area", 0))["$dtId"]]],
    ),
    Question(
        "Which tenants are there, with how many people?",
        lambda got: {
            tuple(each)
            for each in _rows(
                got,
                "SELECT T.name, T.headcount FROM DIGITALTWINS T "
                f"WHERE IS_OF_MODEL(T, '{S}Tenant;1')",
            )
        },
        lambda b: {(t["name"], t.get("headcount")) for t in b.of(f"{S}Tenant;1")},
    ),
    Question(
        "What does tenant A occupy?",
        lambda got: _far(
            got, got("find", text="Tenant A", model=f"{S}Tenant;1")["found"][0]["id"], "occupies"
        ),
        lambda b: b.out("tenant-a", "occupies"),
    ),
    Question(
        "How many lights are there?",
        lambda got: _counted(got, f"{S}Light;1"),
        lambda b: len(b.of(f"{S}Light;1")),
    ),
    Question(
        "Which temperature sensors have a battery below half?",
        lambda got: _ids(
            got,
            "SELECT T.$dtId FROM DIGITALTWINS T WHERE "
            f"IS_OF_MODEL(T, '{S}TemperatureSensor;1') AND T.batteryLevel < 50",
        ),
        lambda b: {
            t["$dtId"]
            for t in b.of(f"{S}TemperatureSensor;1")
            if t.get("batteryLevel") is not None and t["batteryLevel"] < 50
        },
    ),
    Question(
        "Which meters are below the main meter?",
        lambda got: _ids(
            got,
            "SELECT M.$dtId AS id FROM DIGITALTWINS MATCH (M)-[:isSubmeterOf]->(N) "
            "WHERE N.$dtId != ''",
        ),
        lambda b: {
            r["$sourceId"] for r in b.relationships if r["$relationshipName"] == "isSubmeterOf"
        },
    ),
    Question(
        "Would this query be right: rooms by their colour?",
        lambda got: (
            "no model declares a property colour"
            in str(got("explain_query", q="SELECT T.colour FROM DIGITALTWINS T"))
        ),
        lambda _b: True,
    ),
    Question(
        "When was tenant A put in, and by whom was it changed since?",
        lambda got: [each.get("created") for each in got("history", id="tenant-a")["changes"]],
        lambda _b: [True],
    ),
    Question(
        "What was there before the sample was loaded?",
        lambda got: _rows(got, "SELECT COUNT() FROM DIGITALTWINS", as_of="2020-01-01T00:00:00Z"),
        lambda _b: [[0]],
    ),
    Question(
        "Which tenants came since the beginning?",
        lambda got: {
            each["id"]
            for each in got("diff", from_="2020-01-01T00:00:00Z", ids=["tenant-a", "tenant-b"])[
                "differences"
            ]
            if each["kind"] == "twin"
        },
        lambda _b: {"tenant-a", "tenant-b"},
    ),
)


class Planned(NamedTuple):
    """A change: its operations, whether somebody has to approve it, and what holds after it."""

    text: str
    operations: tuple[dict[str, Any], ...]
    approved: bool
    holds: Callable[[Got], Any]


def _patch(twin_id: str, *steps: tuple[str, str, Any]) -> dict[str, Any]:
    body = [
        {"op": op, "path": path, **({} if op == "remove" else {"value": value})}
        for op, path, value in steps
    ]
    return {"op": "patch", "kind": "twin", "id": twin_id, "body": body}


def _relate(source: str, name: str, target: str) -> dict[str, Any]:
    body = {"$targetId": target, "$relationshipName": name}
    made = f"{source}-{name}-{target}"
    return {"op": "put", "kind": "relationship", "source": source, "id": made, "body": body}


def _room(twin_id: str, name: str) -> dict[str, Any]:
    thermostat: dict[str, Any] = {"$metadata": {}}
    body = {"$metadata": {"$model": ROOM}, "name": name, "thermostat": thermostat}
    return {"op": "put", "kind": "twin", "id": twin_id, "body": body}


CHANGES: tuple[Planned, ...] = (
    Planned(
        "Rename the boardroom.",
        (_patch("room-4-02", ("replace", "/name", "Castor")),),
        False,
        lambda got: _twin(got, "room-4-02", "name") == "Castor",
    ),
    Planned(
        "Give it four seats more.",
        (_patch("room-4-02", ("replace", "/capacity", 18)),),
        False,
        lambda got: _twin(got, "room-4-02", "capacity") == 18,
    ),
    Planned(
        "Lower the set point in meeting room Hazel.",
        (_patch("room-2-14", ("add", "/thermostat/setPoint", 20.0)),),
        False,
        lambda got: _twin(got, "room-2-14", "thermostat/setPoint") == 20.0,
    ),
    Planned(
        "Forget how large the café is.",
        (_patch("room-0-04", ("remove", "/area", None)),),
        False,
        lambda got: _twin(got, "room-0-04", "area") is None,
    ),
    Planned(
        "Add a storage room to the second floor.",
        (_room("room-2-99", "Storage"), _relate("floor-2", "hasPart", "room-2-99")),
        False,
        lambda got: "room-2-99" in _far(got, "floor-2", "hasPart"),
    ),
    Planned(
        "It is next to room 2.14.",
        (_relate("room-2-99", "adjacentTo", "room-2-14"),),
        False,
        lambda got: _far(got, "room-2-99", "adjacentTo", "out") == {"room-2-14"},
    ),
    Planned(
        "Write down that the filters of units 1 and 2 are new.",
        tuple(
            _patch(each, ("replace", "/filters/0/changedOn", "2026-12-01"))
            for each in ("ahu-1", "ahu-2")
        ),
        False,
        lambda got: _twin(got, "ahu-2", "filters")[0]["changedOn"] == "2026-12-01",
    ),
    Planned(
        "The storage room is not next to 2.14 after all.",
        (
            {
                "op": "delete",
                "kind": "relationship",
                "source": "room-2-99",
                "id": "room-2-99-adjacentTo-room-2-14",
            },
        ),
        True,
        lambda got: not _far(got, "room-2-99", "adjacentTo", "out"),
    ),
    Planned(
        "Remove it, and its place on the floor.",
        (
            {
                "op": "delete",
                "kind": "relationship",
                "source": "floor-2",
                "id": "floor-2-hasPart-room-2-99",
            },
            {"op": "delete", "kind": "twin", "id": "room-2-99"},
        ),
        True,
        lambda got: got("get_twin", ids=["room-2-99"])["twins"][0].get("missing") is True,
    ),
    Planned(
        "Thirty rooms were measured anew.",
        tuple(_patch(each["$dtId"], ("add", "/area", 12.625)) for each in Building().rooms()[:30]),
        True,
        lambda got: _one(got, "SELECT COUNT() FROM DIGITALTWINS T WHERE T.area = 12.625") == 30,
    ),
)
