"""The export: the file that its form says, of one state, whoever writes meanwhile."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx2
import orjson
import pytest

from kastor.testing import KastorServer

from .client import Api

EXPORT = "/kastor/v1/export"
CONTEXT = "dtmi:dtdl:context;2"


def interface(model_id: str, *contents: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {
        "@id": model_id,
        "@type": "Interface",
        "@context": CONTEXT,
        "contents": list(contents),
        **members,
    }


def prop(name: str, schema: Any) -> dict[str, Any]:
    return {"@type": "Property", "name": name, "schema": schema}


# Their ids are in the opposite order of what they need.
PART = interface("dtmi:x:Zpart;1", prop("unit", "string"))
BASE = interface("dtmi:x:Ybase;1", prop("size", "double"), prop("count", "long"))
THING = interface(
    "dtmi:x:Athing;1",
    prop("note", "string"),
    prop(
        "tags",
        {
            "@type": "Map",
            "mapKey": {"name": "k", "schema": "string"},
            "mapValue": {"name": "v", "schema": "double"},
        },
    ),
    {"@type": "Component", "name": "part", "schema": "dtmi:x:Zpart;1"},
    {"@type": "Relationship", "name": "next", "properties": [prop("weight", "double")]},
    extends="dtmi:x:Ybase;1",
)
NUMBERS = [0, -0.0, 1, 1.0, 1e22, 1.5e-9, -3.25, 123456789.125, 1e300, 5e-324]
TEXTS = [
    "",
    'quote " and \\',
    "line\nbreak\ttab",
    "n\u00e4\U0001f600",
    "\u2028",
    "</script>",
    "%2F",
]


def thing(**members: Any) -> dict[str, Any]:
    return {"$metadata": {"$model": "dtmi:x:Athing;1"}, "part": {"$metadata": {}}, **members}


@pytest.fixture
def http(api: Api, kastor: KastorServer) -> Iterator[httpx2.Client]:
    """A client of a server whose graph is empty."""
    with client(kastor) as found:
        yield found


def client(kastor: KastorServer) -> httpx2.Client:
    return httpx2.Client(base_url=kastor.url, params={"api-version": "2023-10-31"}, timeout=60)


def fill(http: httpx2.Client) -> None:
    """A graph of odd numbers and texts, in another order than that of its ids."""
    http.post("/models", json=[THING, PART, BASE]).raise_for_status()
    for number in reversed(range(len(NUMBERS))):
        body = thing(
            size=NUMBERS[number],
            note=TEXTS[number % len(TEXTS)],
            count=2**62 + number,
            tags={"b": 1e21, "a": NUMBERS[-number], "\u00e9": 0.1},
        )
        body["part"]["unit"] = "m"
        if number % 2:
            body["$metadata"]["size"] = {"sourceTime": "2026-01-02T03:04:05.1234567Z"}
            body["part"]["$metadata"] = {"unit": {"sourceTime": "2026-01-02T03:04:05Z"}}
        http.put(f"/digitaltwins/t{number}", json=body).raise_for_status()
    for number in (3, 1, 2):
        edge = {"$relationshipName": "next", "$targetId": "t0", "weight": NUMBERS[-number]}
        http.put(f"/digitaltwins/t{number}/relationships/b", json=edge).raise_for_status()
        http.put(f"/digitaltwins/t{number}/relationships/a", json=edge).raise_for_status()


def lines(body: bytes) -> list[Any]:
    assert body.endswith(b"\n")
    return [orjson.loads(each) for each in body.splitlines()]


def section(body: bytes, name: str) -> list[Any]:
    """The values of a section."""
    found, inside = [], False
    for each in lines(body):
        if each.keys() == {"Section"}:
            inside = each["Section"] == name
        elif inside:
            found.append(each)
    return found


def exported(http: httpx2.Client, **query: str) -> bytes:
    answer = http.get(EXPORT, params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return bytes(answer.content)


def test_the_file_has_the_form_that_decisions_say(http: httpx2.Client) -> None:
    fill(http)
    body = exported(http)
    text = body.decode().split("\n")
    assert text[:3] == [
        '{"Section":"Header"}',
        '{"fileVersion":"1.0.0","author":"Kastor"}',
        '{"Section":"Models"}',
    ]
    assert [each["@id"] for each in section(body, "Models")] == [
        *("dtmi:x:Ybase;1", "dtmi:x:Zpart;1", "dtmi:x:Athing;1")
    ]
    assert section(body, "Models")[2] == THING
    twins = text.index('{"Section":"Twins"}')
    assert text[twins + 2] == (
        '{"$dtId":"t1","$metadata":{"$model":"dtmi:x:Athing;1","size":{"sourceTime":'
        '"2026-01-02T03:04:05.1234567Z"}},"count":4611686018427387905,"note":"quote \\" and \\\\",'
        '"part":{"$metadata":{"unit":{"sourceTime":"2026-01-02T03:04:05Z"}},"unit":"m"},"size":0.0,'
        '"tags":{"a":5e-324,"b":1e+21,"\u00e9":0.1}}'
    )
    edges = text.index('{"Section":"Relationships"}')
    assert text[edges + 1] == (
        '{"$dtId":"t1","$relationshipId":"a","$relationshipName":"next","$targetId":"t0",'
        '"weight":5e-324}'
    )
    identities = [
        (each["$dtId"], each["$relationshipId"]) for each in section(body, "Relationships")
    ]
    assert identities == [(f"t{n}", each) for n in (1, 2, 3) for each in "ab"]
    assert [each["$dtId"] for each in section(body, "Twins")] == [f"t{n}" for n in range(10)]


def test_system_adds_the_times_and_etags_that_a_get_shows(http: httpx2.Client) -> None:
    fill(http)
    body = exported(http, system="true")
    twin = section(body, "Twins")[1]
    assert twin == http.get("/digitaltwins/t1").json()
    edge = section(body, "Relationships")[0]
    shown = http.get("/digitaltwins/t1/relationships/a").json()
    assert edge == {"$dtId": shown.pop("$sourceId"), **shown}
    assert list(edge)[:2] == ["$dtId", "$relationshipId"]


def test_compressed_it_is_the_same(http: httpx2.Client, kastor: KastorServer) -> None:
    fill(http)
    plain = {"accept-encoding": "identity"}
    with httpx2.stream("GET", kastor.url + EXPORT, headers={"accept-encoding": "gzip"}) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        packed = b"".join(answer.iter_raw())
    answer = httpx2.get(kastor.url + EXPORT, headers=plain)
    assert "content-encoding" not in answer.headers
    assert gzip.decompress(packed) == answer.content


def test_a_query_exports_its_rows_in_order_of_id(http: httpx2.Client) -> None:
    fill(http)
    whole = exported(http)
    body = exported(http, query="SELECT * FROM DIGITALTWINS T WHERE T.size > 0.5")
    wanted = [each for each in section(whole, "Twins") if each.get("size", 0) > 0.5]
    assert lines(body)[2:] == [{"Section": "Twins"}, *wanted]
    body = exported(http, query="SELECT * FROM RELATIONSHIPS WHERE $relationshipId = 'b'")
    wanted = [e for e in section(whole, "Relationships") if e["$relationshipId"] == "b"]
    assert lines(body)[2:] == [{"Section": "Relationships"}, *wanted]
    top = exported(http, query="SELECT TOP(2) * FROM DIGITALTWINS ORDER BY $dtId DESC")
    assert [each["$dtId"] for each in section(top, "Twins")] == ["t9", "t8"]


def test_a_query_of_many_pages_comes_whole(http: httpx2.Client) -> None:
    fill(http)
    operations = range(300)
    for n in operations:
        http.put(f"/digitaltwins/m{n}", json=thing(count=n))
    body = exported(http, query="SELECT * FROM DIGITALTWINS T WHERE T.count >= 0")
    ids = [each["$dtId"] for each in section(body, "Twins")]
    assert ids == sorted([f"m{n}" for n in operations] + [f"t{n}" for n in range(10)])


@pytest.mark.parametrize(
    "query",
    [
        "SELECT T.size FROM DIGITALTWINS T",
        "SELECT COUNT() FROM DIGITALTWINS",
        "SELECT T, C FROM DIGITALTWINS T JOIN C RELATED T.next WHERE T.$dtId = 't1'",
        "EXPLAIN SELECT * FROM DIGITALTWINS",
        "SELECT * FROM DIGITALTWINS LIMIT 3",
        "SELECT * FROM NOWHERE",
        "SELECT",
    ],
)
def test_other_queries_are_refused(http: httpx2.Client, query: str) -> None:
    answer = http.get(EXPORT, params={"query": query})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "SqlQueryError")


@pytest.mark.parametrize(
    "query",
    [
        {"since": "-1"},
        {"since": "x"},
        {"since": "9" * 30},
        {"since": "999999999"},
        {"system": "yes"},
        {"kastor": ""},
        {"query": " "},
        {"query": "SELECT * FROM DIGITALTWINS", "since": "0"},
        {"query": "SELECT * FROM DIGITALTWINS", "kastor": "true"},
    ],
)
def test_what_makes_no_sense_is_refused(http: httpx2.Client, query: dict[str, str]) -> None:
    answer = http.get(EXPORT, params=query)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidArgument")


def test_what_changed_since_an_export(http: httpx2.Client) -> None:
    fill(http)
    answer = http.get(EXPORT)
    instant = answer.headers["kastor-as-of"]
    since = instant.partition("change=")[2]
    nothing = exported(http, since=since)
    names = [each["Section"] for each in lines(nothing) if "Section" in each]
    assert names == ["Header", "Models", "Twins", "Relationships", "Kastor.Deleted"]
    assert len(lines(nothing)) == len(names) + 1
    http.put("/digitaltwins/new", json=thing())
    http.patch("/digitaltwins/t4", json=[{"op": "replace", "path": "/size", "value": 7}])
    http.delete("/digitaltwins/t9")
    http.delete("/digitaltwins/t1/relationships/a")
    http.post("/models", json=[interface("dtmi:x:Late;1")])
    changed = exported(http, since=since)
    assert [each["$dtId"] for each in section(changed, "Twins")] == ["new", "t4"]
    assert section(changed, "Relationships") == []
    assert [each["@id"] for each in section(changed, "Models")] == ["dtmi:x:Late;1"]
    assert b'{"kind":"relationship","id":"a","source":"t1"}\n{"kind":"twin","id":"t9"}\n' in changed


def test_an_export_of_an_instant_is_the_one_that_was_sent_then(http: httpx2.Client) -> None:
    fill(http)
    then = http.get(EXPORT)
    instant = then.headers["kastor-as-of"]
    http.patch("/digitaltwins/t4", json=[{"op": "replace", "path": "/size", "value": 7}])
    for twin in ("t1", "t2"):
        for own in "ab":
            http.delete(f"/digitaltwins/{twin}/relationships/{own}")
    http.delete("/digitaltwins/t9")
    http.post("/models", json=[interface("dtmi:x:Late;1")])
    assert exported(http) != then.content
    for named in (instant.partition(";")[0], instant.partition("; ")[2].replace("=", ":")):
        answer = http.get(EXPORT, params={"asOf": named})
        assert answer.content == then.content
        assert answer.headers.get_list("kastor-as-of") == [instant]
    since = int(instant.partition("change=")[2])
    later = http.get(EXPORT, params={"since": str(since - 2), "asOf": f"change:{since}"})
    assert 0 < len(section(later.content, "Relationships")) <= 2
    assert b"dtmi:x:Late;1" not in later.content
    query = "SELECT * FROM DIGITALTWINS T WHERE T.$dtId IN ['t4', 't9']"
    found = section(
        http.get(EXPORT, params={"query": query, "asOf": instant.partition(";")[0]}).content,
        "Twins",
    )
    assert found == [
        each for each in section(then.content, "Twins") if each["$dtId"] in ("t4", "t9")
    ]


def test_of_the_past_only_the_graph_is_known(http: httpx2.Client) -> None:
    fill(http)
    newest = int(http.get(EXPORT).headers["kastor-as-of"].partition("change=")[2])
    then = f"change:{newest - 2}"
    answer = http.get(EXPORT, params={"kastor": "true", "asOf": then})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidArgument")
    body = {"outputBlobUri": f"exchange/default/{uuid4()}", "kastor": True, "asOf": then}
    answer = http.post("/kastor/v1/jobs/exports", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidArgument")
    answer = http.get(EXPORT, params={"since": str(newest), "asOf": then})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidArgument")


def test_kastors_own_sections_come_if_they_are_asked_for(http: httpx2.Client) -> None:
    fill(http)
    hook = {"kind": "webhook", "settings": {"url": "https://example.com/hook"}}
    assert http.put("/kastor/v1/endpoints/hook", json=hook).is_success
    route = {"endpointName": "hook", "filter": "true"}
    assert http.put("/eventroutes/all", json=route).is_success
    rules = [{"twin": "{/a}", "patch": {"/size": "/b"}}]
    given = {"kind": "webhook", "settings": {"rules": rules}}
    assert http.put("/kastor/v1/inputs/readings", json=given).is_success
    assert http.put("/kastor/v1/indexes/size").is_success
    assert b"Kastor." not in exported(http)
    body = exported(http, kastor="true")
    assert section(body, "Kastor.Routes") == [
        {"endpointName": "hook", "filter": "true", "id": "all", "paused": False}
    ]
    assert section(body, "Kastor.Endpoints")[0]["settings"] == hook["settings"]
    inputs = section(body, "Kastor.Inputs")
    assert [(each["name"], each["kind"], each["paused"]) for each in inputs] == [
        ("readings", "webhook", False)
    ]
    assert section(body, "Kastor.Indexes") == [{"path": "size"}]


def test_there_is_none_under_the_profile_adt(adt: Api) -> None:
    assert adt.get(EXPORT).status_code == 404


def test_an_export_is_of_one_state_while_others_write(
    http: httpx2.Client, kastor: KastorServer
) -> None:
    """Two twins change one after the other, so the second is never ahead in any state."""
    fill(http)
    stop = threading.Event()
    for name in ("a", "b"):
        http.put(f"/digitaltwins/{name}", json=thing(count=0))

    def write() -> None:
        with client(kastor) as other:
            count = 0
            while not stop.is_set():
                count += 1
                for name in ("a", "b"):
                    patch = [{"op": "replace", "path": "/count", "value": count}]
                    other.patch(f"/digitaltwins/{name}", json=patch)

    writing = threading.Thread(target=write)
    writing.start()
    try:
        seen: list[tuple[int, int]] = []
        while len(seen) < 8 or seen[-1][1] < seen[0][1] + 5:
            answer = http.get(EXPORT)
            twins = {each["$dtId"]: each for each in section(bytes(answer.content), "Twins")}
            first, second = twins["a"]["count"], twins["b"]["count"]
            assert first - 1 <= second <= first
            seen.append((int(answer.headers["kastor-as-of"].partition("change=")[2]), first))
    finally:
        stop.set()
        writing.join()
    assert seen == sorted(seen)


def ended(http: httpx2.Client, where: str) -> dict[str, Any]:
    for _ in range(200):
        job: dict[str, Any] = http.get(where).json()
        if job["status"] in ("succeeded", "failed", "cancelled"):
            return job
        time.sleep(0.05)
    raise TimeoutError(job)


def begun(http: httpx2.Client, body: dict[str, Any]) -> str:
    answer = http.post("/kastor/v1/jobs/exports", json=body)
    assert answer.status_code == 202, answer.text
    return str(answer.headers["location"])


def test_a_job_writes_what_the_stream_sends(http: httpx2.Client, kastor: KastorServer) -> None:
    fill(http)
    folder = f"exchange/default/{uuid4()}"

    def job(name: str, **asked: Any) -> dict[str, Any]:
        return ended(http, begun(http, {"outputBlobUri": f"{folder}/{name}", **asked}))

    def written(name: str) -> bytes:
        return (kastor.data_dir / folder / name).read_bytes()

    body = exported(http)
    done = job("all")
    assert (done["status"], written("all")) == ("succeeded", body)
    assert done["outputBlobUri"] == f"{folder}/all"
    assert done["progress"] == {"done": body.count(b"\n"), "unit": "lines"}
    assert (done["counts"]["lines"], done["counts"]["bytes"]) == (body.count(b"\n"), len(body))
    query = "SELECT * FROM DIGITALTWINS T WHERE T.size > 0.5"
    assert job("some", query=query, system=True)["status"] == "succeeded"
    assert written("some") == exported(http, query=query, system="true")
    change = done["counts"]["change"]
    http.delete("/digitaltwins/t9")
    past = job("past", asOf=f"change:{change}")
    assert (past["status"], past["counts"]["change"], written("past")) == (
        "succeeded",
        change,
        body,
    )
    assert past["asOf"].endswith(f"; change={change}")
    since = done["counts"]["change"] - 3
    assert job("since", since=since)["status"] == "succeeded"
    assert written("since") == exported(http, since=str(since))
    # What is there already stays as it is, and nothing half-written is beside it.
    again = job("some")
    assert (again["status"], again["error"]["code"]) == ("failed", "UnableToWriteToOutputBlob")
    late = job("late", since=10**9)
    assert (late["status"], late["error"]["code"]) == ("failed", "InvalidArgument")
    assert {each.name for each in (kastor.data_dir / folder).iterdir()} == {
        *("all", "some", "past", "since")
    }


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"outputBlobUri": 1},
        {"outputBlobUri": "exchange/other/x"},
        {"outputBlobUri": "/etc/passwd"},
        {"outputBlobUri": "exchange/default/x", "since": -1},
        {"outputBlobUri": "exchange/default/x", "since": True},
        {"outputBlobUri": "exchange/default/x", "system": "yes"},
        {"outputBlobUri": "exchange/default/x", "what": 1},
        {"outputBlobUri": "exchange/default/x", "asOf": 3},
        {"outputBlobUri": "exchange/default/x", "asOf": "yesterday"},
        {"outputBlobUri": "exchange/default/x", "asOf": "change:999999999"},
        {"outputBlobUri": "exchange/default/x", "query": "SELECT COUNT() FROM DIGITALTWINS"},
        {"outputBlobUri": "exchange/default/x", "query": "SELECT * FROM RELATIONSHIPS", "since": 1},
    ],
)
def test_a_job_that_makes_no_sense_is_not_made(http: httpx2.Client, body: dict[str, Any]) -> None:
    answer = http.post("/kastor/v1/jobs/exports", json=body)
    assert answer.status_code == 400, answer.text
