"""What the tests over sockets share: a graph that changes, and all that a client sees of it."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.contract.client import Api, op
from tests.store.graphs import (
    HALL,
    HALL_MODEL,
    ROOM,
    ROOM_MODEL,
    THERMOSTAT_MODEL,
    hall,
    interface,
    prop,
    room,
)

if TYPE_CHECKING:
    import httpx2

AS_OF = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z); change=(\d+)")
LINKED_INSTANT = re.compile("&asOf=change:[0-9]+")
SUITE = "dtmi:s:Suite;1"
SUITE_MODEL = interface(SUITE, prop("beds", "integer"), extends=ROOM)
PATHS = (
    "/digitaltwins/a",
    "/digitaltwins/b",
    "/digitaltwins/c.d",
    "/digitaltwins/gone",
    "/digitaltwins/a/components/thermostat",
    "/digitaltwins/a/relationships/r1",
    "/digitaltwins/a/relationships/r2",
    "/digitaltwins/a/relationships",
    "/digitaltwins/a/relationships?relationshipName=nextTo",
    "/digitaltwins/b/incomingrelationships",
    "/digitaltwins/gone/incomingrelationships",
    "/models",
    "/models?includeModelDefinition=true",
    f"/models?dependenciesFor={SUITE}&includeModelDefinition=true",
    f"/models/{HALL}",
    f"/models/{SUITE}?includeBaseModelContents=true",
)
QUERIES = (
    "SELECT * FROM digitaltwins",
    "SELECT COUNT() FROM relationships",
    f"SELECT T.$dtId FROM digitaltwins T WHERE IS_OF_MODEL(T, '{ROOM}')",
    (
        "SELECT A.$dtId AS a, B.$dtId AS b FROM digitaltwins A JOIN B RELATED A.nextTo"
        " WHERE A.$dtId = 'a'"
    ),
    (
        "SELECT a.$dtId AS a, b.$dtId AS b FROM digitaltwins"
        " MATCH (a)-[:nextTo|above*1..3]->(b) WHERE a.$dtId = 'a'"
    ),
    (
        "SELECT T.$metadata.$model AS m, COUNT() AS n FROM digitaltwins T GROUP BY T.$metadata.$model"
        " ORDER BY n, T.$metadata.$model"
    ),
)


class Seen(NamedTuple):
    """All that a client saw at a moment, and the position of that state."""

    change: int
    answers: dict[str, Any]


def newest(api: Api) -> int:
    """The position of the newest entry of the change log."""
    return instant_of(api.get("/kastor/v1/export"))[1]


def instant_of(response: httpx2.Response) -> tuple[str, int]:
    """What the answer's header says: time and position."""
    assert response.status_code == 200, response.text
    match = AS_OF.fullmatch(response.headers["kastor-as-of"])
    assert match, response.headers["kastor-as-of"]
    return match[1], int(match[2])


def answers(api: Api, change: int | None = None, *, by_header: bool = True) -> dict[str, Any]:
    """What each read says; of the present, or of the state after a change."""
    found: dict[str, Any] = {}
    headers = {} if change is None or not by_header else {"kastor-as-of": f"change:{change}"}

    def path_of(path: str) -> str:
        if change is None or by_header:
            return path
        return f"{path}{'&' if '?' in path else '?'}asOf=change:{change}"

    def note(name: str, response: httpx2.Response) -> None:
        if change is not None and response.status_code == 200:
            assert instant_of(response)[1] == change
        elif change is None:
            assert "kastor-as-of" not in response.headers
        body = json.loads(response.content)
        value = json.loads(LINKED_INSTANT.sub("", json.dumps(body.get("value", body))))
        found[name] = (response.status_code, response.headers.get("etag"), value)

    for path in PATHS:
        note(path, api.get(path_of(path), headers=headers))
    for text in QUERIES:
        note(text, api.send("POST", path_of("/query"), {"query": text}, headers=headers))
    export = api.get(path_of("/kastor/v1/export?system=true"), headers=headers)
    assert export.status_code == 200, export.text
    found["export"] = export.text
    return found


def patch(api: Api, path: str, *operations: dict[str, Any]) -> None:
    response = api.patch(path, list(operations))
    assert response.status_code == 204, response.text


def remove(api: Api, path: str) -> None:
    response = api.delete(path)
    assert response.status_code == 204, response.text


def lived(api: Api) -> list[Seen]:
    """A graph with some history, and what was seen at its moments."""
    seen: list[Seen] = []

    def look() -> None:
        seen.append(Seen(newest(api), answers(api)))

    api.add_models(THERMOSTAT_MODEL, ROOM_MODEL, HALL_MODEL)
    look()
    api.add_twin("a", room(temperature=20.5, name="first"))
    api.add_twin("b", hall(seats=3))
    api.add_twin("c.d", room(name="slash"))
    api.add_twin("gone", hall(seats=9))
    api.relate("a", "r1", "b", "nextTo", door="open")
    api.relate("a", "r2", "c.d", "above")
    look()
    patch(api, "/digitaltwins/a", op("replace", "/temperature", 21.5), op("remove", "/name"))
    patch(api, "/digitaltwins/a/components/thermostat", op("add", "/setPoint", 5))
    patch(api, "/digitaltwins/a/relationships/r1", op("replace", "/door", "shut"))
    remove(api, "/digitaltwins/gone")
    api.add_models(SUITE_MODEL)
    look()
    patch(api, "/digitaltwins/c.d", op("replace", "/$metadata/$model", SUITE))
    api.add_twin("gone", room(temperature=1))
    remove(api, "/digitaltwins/a/relationships/r2")
    patch(api, f"/models/{HALL}", op("replace", "/decommissioned", True))
    look()
    remove(api, f"/models/{HALL}")
    api.add_models(interface(HALL, prop("stage", "string"), extends=ROOM))
    operations = [
        {"op": "patch", "kind": "twin", "id": "a", "body": [op("add", "/temperature", n)]}
        for n in (30, 31)
    ]
    response = api.post("/kastor/v1/batch", {"atomic": True, "operations": operations})
    assert response.status_code == 200, response.text
    remove(api, "/digitaltwins/a/relationships/r1")
    remove(api, "/digitaltwins/b")
    look()
    return seen


def until_ended(api: Api, location: str) -> dict[str, Any]:
    """A job once it has ended."""
    end = time.monotonic() + 30
    while True:
        response = api.send("GET", location.removeprefix(api.url), version=None)
        assert response.status_code == 200, response.text
        job: dict[str, Any] = response.json()
        if job["status"] in ("succeeded", "failed", "cancelled"):
            return job
        assert time.monotonic() < end, job
        time.sleep(0.02)


def apply_patch(document: Any, operations: list[dict[str, Any]]) -> Any:
    """RFC 6902 as it is written, as far as patches of ours go; slowly and literally."""
    document = json.loads(json.dumps(document))
    for each in operations:
        steps = [s.replace("~1", "/").replace("~0", "~") for s in each["path"].split("/")[1:]]
        if not steps:
            assert each["op"] in ("add", "replace")
            document = each["value"]
            continue
        holder = document
        for step in steps[:-1]:
            holder = holder[int(step)] if isinstance(holder, list) else holder[step]
        last = steps[-1]
        if isinstance(holder, list):
            index = len(holder) if last == "-" else int(last)
            if each["op"] == "add":
                holder.insert(index, each["value"])
            elif each["op"] == "replace":
                holder[index] = each["value"]
            else:
                del holder[index]
            continue
        if each["op"] in ("replace", "remove"):
            assert last in holder, f"{each} of what is not there"
        if each["op"] == "remove":
            del holder[last]
        else:
            assert each["op"] in ("add", "replace"), each
            holder[last] = each["value"]
    return document
