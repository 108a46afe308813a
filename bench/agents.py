"""The agents' server on 100,000 twins: `python bench/agents.py [TWINS] [--postgres] [--trial]`.

Every tool that reads is called over HTTP with arguments that change from call to call; told are the
median and the slowest of them and the characters of the largest answer, beside a GET of a twin in
the same minute (limit: a median of 300 ms). The graph is a site with floors, rooms and sensors, and
each sensor has changed once, so that there is a past. `--trial` plays the trial set on the sample
building instead: for each question whether the answer was right, calls and characters.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from kastor.testing import KastorServer
from tests.agents.speaking import Speaker
from tests.agents.trial import CHANGES, QUESTIONS, Building
from tests.contract.client import Api

LIMIT_MILLISECONDS, CALLS = 300.0, 15
ROOMS_OF_FLOOR, SENSORS_OF_ROOM = 100, 9
PREFIX = "dtmi:bench:agents:"
WORDS = ("lobby", "meeting", "storage", "kitchen", "office", "north", "south", "projector")


def models() -> list[dict[str, Any]]:
    def model(name: str, *contents: dict[str, Any]) -> dict[str, Any]:
        made = {"@id": f"{PREFIX}{name};1", "@type": "Interface", "contents": list(contents)}
        return {**made, "@context": "dtmi:dtdl:context;3", "displayName": name}

    def prop(name: str, schema: str) -> dict[str, Any]:
        return {"@type": "Property", "name": name, "schema": schema}

    parts = {"@type": "Relationship", "name": "hasPart"}
    sensors = {"@type": "Relationship", "name": "hasSensor"}
    return [
        model("Site", prop("name", "string"), parts),
        model("Floor", prop("name", "string"), prop("level", "integer"), parts),
        model("Room", prop("name", "string"), prop("area", "double"), sensors),
        model("Sensor", prop("name", "string"), prop("value", "double")),
    ]


def lines(twins: int) -> Iterator[str]:
    """Yield the lines of an import: a site, floors, rooms, sensors, about `twins` of them."""
    chance = random.Random(18)
    floors = max(1, twins // (ROOMS_OF_FLOOR * (SENSORS_OF_ROOM + 1) + 1))
    edges: list[tuple[str, str, str]] = []

    def twin(twin_id: str, kind: str, **values: Any) -> str:
        metadata = {"$model": f"{PREFIX}{kind};1"}
        return json.dumps({"$dtId": twin_id, "$metadata": metadata, **values})

    about = {"fileVersion": "1.0.0", "author": "bench", "organization": "bench"}
    yield json.dumps({"Section": "Header"})
    yield json.dumps(about)
    yield '{"Section": "Models"}'
    yield from map(json.dumps, models())
    yield '{"Section": "Twins"}'
    yield twin("site", "Site", name="The site")
    for f in range(floors):
        yield twin(f"floor-{f}", "Floor", name=f"Floor {f}", level=f)
        edges.append(("site", "hasPart", f"floor-{f}"))
        for r in range(ROOMS_OF_FLOOR):
            room = f"room-{f}-{r}"
            name = f"{chance.choice(WORDS)} {chance.choice(WORDS)} {f}.{r}".title()
            yield twin(room, "Room", name=name, area=10 + r / 7)
            edges.append((f"floor-{f}", "hasPart", room))
            for s in range(SENSORS_OF_ROOM):
                sensor = f"sensor-{f}-{r}-{s}"
                yield twin(sensor, "Sensor", name=f"Sensor {s} of {f}.{r}", value=s + r / 10)
                edges.append((room, "hasSensor", sensor))
    yield '{"Section": "Relationships"}'
    for source, name, target in edges:
        told = {"$dtId": source, "$targetId": target, "$relationshipName": name}
        yield json.dumps({**told, "$relationshipId": f"{name}-{target}"})


def fill(api: Api, twins: int) -> None:
    began = time.perf_counter()
    body = "\n".join(lines(twins)).encode()
    request = urllib.request.Request(
        f"{api.url}/kastor/v1/jobs/imports",
        body,
        {"Content-Type": "application/x-ndjson", **api.credentials},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=900) as answer:
        job = json.loads(answer.read())
    while job["status"] in ("notstarted", "running"):
        time.sleep(0.5)
        job = api.get(f"/kastor/v1/jobs/imports/{job['id']}", version=None).json()
    assert job["status"] == "succeeded", job
    # A past: every room of the first floors was measured anew.
    for f in range(5):  # of so many floors, where there are as many
        operations = [
            {
                "op": "patch",
                "kind": "twin",
                "id": f"room-{f}-{r}",
                "body": [{"op": "replace", "path": "/area", "value": 99.5}],
            }
            for r in range(ROOMS_OF_FLOOR)
        ]
        api.post("/kastor/v1/batch", {"atomic": True, "operations": operations}, version=None)
    search = "/kastor/v1/search?q=room"
    while (
        api.get(search, headers={"kastor-read": "current-replica"}, version=None).status_code != 200
    ):
        time.sleep(0.5)
    print(f"filled in {time.perf_counter() - began:.0f} s")


def calls(
    floors: int, before: str
) -> dict[str, tuple[str, Callable[[random.Random], dict[str, Any]]]]:
    def room(r: random.Random) -> str:
        return f"room-{r.randrange(floors)}-{r.randrange(ROOMS_OF_FLOOR)}"

    def floor(r: random.Random) -> str:
        return f"floor-{r.randrange(floors)}"

    def changed(r: random.Random) -> str:
        return f"room-{r.randrange(min(5, floors))}-{r.randrange(ROOMS_OF_FLOOR)}"

    room_model = f"{PREFIX}Room;1"
    of_rooms = f"IS_OF_MODEL(T, '{PREFIX}Room;1')"
    return {
        "describe_graph": ("describe_graph", lambda _r: {}),
        "get_model": ("get_model", lambda _r: {"id": f"{PREFIX}Room;1"}),
        "find, words": ("find", lambda r: {"text": f"{r.choice(WORDS)} {r.choice(WORDS)}"}),
        "find, common word": ("find", lambda _r: {"text": "sensor"}),
        "find, wrong letter": ("find", lambda _r: {"text": "projectpr"}),
        "find, of a model": ("find", lambda r: {"text": r.choice(WORDS), "model": room_model}),
        "find, below a floor": ("find", lambda r: {"text": r.choice(WORDS), "under": floor(r)}),
        "get_twin, 20": ("get_twin", lambda r: {"ids": [room(r) for _ in range(20)]}),
        "get_twin, of the past": ("get_twin", lambda r: {"ids": [room(r)], "as_of": before}),
        "neighbours, 1": ("neighbours", lambda r: {"id": room(r)}),
        "neighbours, 3": ("neighbours", lambda r: {"id": floor(r), "depth": 3, "limit": 100}),
        "query, by id": (
            "query",
            lambda r: {"q": f"SELECT * FROM DIGITALTWINS T WHERE T.$dtId = '{room(r)}'"},
        ),
        "query, by property": (
            "query",
            lambda r: {
                "q": f"SELECT T.$dtId, T.area FROM DIGITALTWINS T WHERE {of_rooms} AND T.area > $a",
                "parameters": {"a": r.randrange(20)},
            },
        ),
        "query, counted": (
            "query",
            lambda _r: {"q": f"SELECT COUNT() AS n FROM DIGITALTWINS T WHERE {of_rooms}"},
        ),
        "query, Cypher, two hops": (
            "query",
            lambda r: {
                "q": "MATCH (f {`$dtId`: $f})-[:hasPart]->(r)-[:hasSensor]->(s) "
                "WHERE s.value > 3 RETURN r.name AS room, s.`$dtId` AS sensor",
                "parameters": {"f": floor(r)},
            },
        ),
        "query, Cypher, groups": (
            "query",
            lambda r: {
                "q": "MATCH (f {`$dtId`: $f})-[:hasPart]->(r)-[:hasSensor]->(s) "
                "RETURN r.name AS room, avg(s.value) AS mean ORDER BY mean DESC LIMIT 10",
                "parameters": {"f": floor(r)},
            },
        ),
        "explain_query": (
            "explain_query",
            lambda r: {"q": f"MATCH (t:Room) WHERE t.area > {r.randrange(40)} RETURN t"},
        ),
        "history": ("history", lambda r: {"id": changed(r)}),
        "diff, ids": (
            "diff",
            lambda r: {"from": before, "ids": [changed(r) for _ in range(20)]},
        ),
        "diff, of all": ("diff", lambda _r: {"from": before}),
    }


def measure(speaker: Speaker, api: Api, twins: int) -> int:
    floors = max(1, twins // (ROOMS_OF_FLOOR * (SENSORS_OF_ROOM + 1) + 1))
    newest = speaker.got("query", q="SELECT * FROM DIGITALTWINS T WHERE T.$dtId = 'site'")["at"]
    before = f"change:{int(newest.partition('change=')[2]) - 5 * ROOMS_OF_FLOOR}"
    chance, slow = random.Random(7), 0
    print(f"{'tool':26}{'median ms':>10}{'slowest':>9}{'GET ms':>8}{'characters':>12}")
    for name, (tool, make) in calls(floors, before).items():
        took, gets, characters = [], [], 0
        for _ in range(CALLS):
            arguments = make(chance)
            began = time.perf_counter()
            found = speaker.call(tool, **arguments)
            took.append((time.perf_counter() - began) * 1_000)
            assert not found.is_error, (name, arguments, found.value)
            characters = max(characters, found.characters)
            began = time.perf_counter()
            api.twin(f"room-{chance.randrange(floors)}-1")
            gets.append((time.perf_counter() - began) * 1_000)
        over = median(took) > LIMIT_MILLISECONDS
        slow += over
        print(
            f"{name:26}{median(took):10.1f}{max(took):9.1f}{median(gets):8.1f}{characters:12,}"
            f"{'  over ' + str(LIMIT_MILLISECONDS) if over else ''}"
        )
    return slow


def trial() -> int:
    wrong, all_calls, all_characters = 0, 0, 0
    documents = Building()
    with (
        KastorServer(("--sample", "building", "--agents", "write")) as server,
        Api(server.url) as api,
    ):
        api.get(
            "/kastor/v1/search?q=room", headers={"kastor-read": "current-replica"}, version=None
        )
        speaker = Speaker(api)
        used = [0, 0]

        def got(tool: str, **arguments: Any) -> dict[str, Any]:
            found = speaker.call(tool, **arguments)
            used[0] += 1
            used[1] += found.characters
            if found.is_error:
                print(f"{tool}: {found.value['code']}: {found.value['message']}")
            return found.value

        print(f"{'':7}{'calls':>6}{'characters':>12}  question or change")
        for question in QUESTIONS:
            used[:] = [0, 0]
            is_right = question.played(got) == question.expected(documents)
            wrong += not is_right
            all_calls, all_characters = all_calls + used[0], all_characters + used[1]
            told = "right" if is_right else "WRONG"
            print(f"{told:7}{used[0]:6}{used[1]:12,}  {question.text}")
        right = len(QUESTIONS) - wrong
        print(
            f"{right} of {len(QUESTIONS)} right, {all_calls} calls, {all_characters:,} characters"
        )
        made = 0
        for change in CHANGES:
            used[:] = [0, 0]
            made_of = got("propose_change", operations=list(change.operations), reason=change.text)
            if made_of["needsApproval"]:
                api.post(f"/kastor/v1/proposals/{made_of['id']}/approve", version=None)
            got("apply_change", token=made_of["token"])
            spent, holds = tuple(used), change.holds(speaker.got)
            made += holds
            print(f"{'made' if holds else 'WRONG':7}{spent[0]:6}{spent[1]:12,}  {change.text}")
        print(f"{made} of {len(CHANGES)} changes made as they were shown")
    return wrong + len(CHANGES) - made


def main() -> int:
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}")
    if "--trial" in sys.argv:
        return trial()
    twins = next((int(each) for each in sys.argv[1:] if each.isdigit()), 100_000)
    with ExitStack() as stack:
        flags: tuple[str, ...] = ()
        if "--postgres" in sys.argv:
            from tests.postgres.cluster import Cluster

            flags = ("--db", stack.enter_context(Cluster()).create().start().dsn)
        server = stack.enter_context(KastorServer(flags))
        api = stack.enter_context(Api(server.url))
        print(f"{twins:,} twins on {'PostgreSQL' if flags else 'SQLite'}")
        fill(api, twins)
        slow = measure(Speaker(api), api, twins)
    print(f"load {os.getloadavg()[0]:.1f}")
    return slow


if __name__ == "__main__":
    sys.exit(main())
