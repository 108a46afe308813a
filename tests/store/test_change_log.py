"""The change log: a row for every version, with the event's body as the contract has it."""

from __future__ import annotations

import zlib
from uuid import UUID

import orjson
import pytest

from kastor.graph import commands as c
from kastor.records import SYSTEM

from .engines import LogRow
from .graphs import (
    HALL,
    HALL_MODEL,
    ROOM,
    THERMOSTAT,
    Graph,
    add,
    edge,
    hall,
    interface,
    remove,
    replace,
    room,
)

pytestmark = pytest.mark.anyio
BUCKETS = 64
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def last(graph: Graph) -> LogRow:
    return graph.history.log()[-1]


def bucket_of(twin_id: str) -> int:
    """The same everywhere and for ever, since other nodes and later versions rely on it."""
    return zlib.crc32(twin_id.encode()) % BUCKETS


def etag(document: dict) -> str:
    return document["$etag"].removeprefix('W/"').removesuffix('"')


@pytest.fixture
async def pair(graph: Graph) -> Graph:
    """Two rooms, and a relationship between them."""
    await graph.put("a", room())
    await graph.put("b", room())
    await graph.relate("a", "e", edge("b", door="oak"))
    return graph


async def test_a_created_twin_is_logged_as_get_returns_it(graph: Graph) -> None:
    written = await graph.put("r", room(temperature=1.5, name="one"))
    row = last(graph)
    body = orjson.loads(row.data)
    assert (row.kind, row.subject, row.notify, row.version) == ("Twin.Create", "r", True, 1)
    assert etag(body) == written.etag
    assert {k: v for k, v in body.items() if k != "$etag"} == await graph.document("r")
    assert row.model_id == ROOM
    assert row.component is None
    assert row.content_type is None


async def test_a_patch_is_logged_operation_by_operation_as_it_was_sent(graph: Graph) -> None:
    await graph.put("r", room(temperature=1, name="one"))
    await graph.patch(
        "r",
        replace("/temperature", 2),
        add("/labels", {"a": "x"}),
        replace("/labels/a", "y"),
        remove("/name"),
        replace("/temperature", 2),
        add("/$metadata/temperature/sourceTime", "2026-01-02T03:04:05Z"),
        {"op": "Replace", "path": "temperature", "value": 3},
    )
    row = last(graph)
    assert (row.kind, row.notify, row.version) == ("Twin.Update", True, 2)
    assert orjson.loads(row.data) == {
        "modelId": ROOM,
        "patch": [
            {"op": "replace", "path": "/temperature", "value": 2},
            {"op": "add", "path": "/labels", "value": {"a": "x"}},
            {"op": "replace", "path": "/labels/a", "value": "y"},
            {"op": "remove", "path": "/name"},
            {"op": "replace", "path": "/temperature", "value": 2},
            {
                "op": "add",
                "path": "/$metadata/temperature/sourceTime",
                "value": "2026-01-02T03:04:05Z",
            },
            {"op": "replace", "path": "/temperature", "value": 3},
        ],
    }
    assert row.data.startswith(b'{"modelId":"dtmi:s:Room;1","patch":[{"value":2,"path":')


async def test_a_patch_of_a_component_is_logged_with_paths_from_the_twin(graph: Graph) -> None:
    await graph.put("r", room())
    await graph.patch("r", add("/setPoint", 21), component="thermostat")
    row = last(graph)
    assert (row.kind, row.subject, row.model_id) == ("Twin.Update", "r", ROOM)
    expected = [{"op": "add", "path": "/thermostat/setPoint", "value": 21}]
    assert orjson.loads(row.data)["patch"] == expected


async def test_a_change_of_model_is_logged_with_the_new_model(graph: Graph) -> None:
    await graph.put("h", hall(temperature=1))
    other = interface("dtmi:s:Other;1", *HALL_MODEL["contents"])
    await graph.upload(other)
    await graph.patch("h", replace("/$metadata/$model", "dtmi:s:Other;1"))
    row = last(graph)
    assert row.model_id == "dtmi:s:Other;1"
    assert orjson.loads(row.data) == {
        "modelId": "dtmi:s:Other;1",
        "patch": [{"value": "dtmi:s:Other;1", "path": "/$metadata/$model", "op": "replace"}],
    }


async def test_an_empty_patch_is_a_version_that_fires_no_event(pair: Graph) -> None:
    await pair.patch("a")
    row = last(pair)
    assert (row.kind, row.subject, row.version, row.notify) == ("Twin.Update", "a", 2, False)
    await pair.execute(c.PatchRelationship("a", "e", ()))
    row = last(pair)
    assert (row.kind, row.version, row.notify) == ("Relationship.Update", 2, False)


async def test_a_put_on_a_twin_is_logged_as_the_difference(graph: Graph) -> None:
    await graph.put("r", room(temperature=1, name="one", labels={"a": "x"}))
    await graph.put(
        "r",
        room(
            temperature=1.0,
            labels={"a": "x"},
            thermostat={"$metadata": {}, "mode": "auto"},
        ),
    )
    row = last(graph)
    assert (row.kind, row.notify, row.version) == ("Twin.Update", True, 2)
    body = orjson.loads(row.data)
    assert body["modelId"] == ROOM
    patch = {each["path"]: each for each in body["patch"]}
    assert set(patch) == {"/temperature", "/name", "/thermostat"}
    assert patch["/temperature"]["op"] == "replace"
    assert isinstance(patch["/temperature"]["value"], float)
    assert patch["/name"] == {"path": "/name", "op": "remove"}
    assert patch["/thermostat"]["op"] == "replace"
    assert patch["/thermostat"]["value"]["mode"] == "auto"


async def test_a_put_that_changes_no_value_fires_no_event(pair: Graph) -> None:
    await pair.put("a", room())
    row = last(pair)
    assert (row.kind, row.version, row.notify) == ("Twin.Update", 2, False)
    assert orjson.loads(row.data)["patch"] == []
    await pair.relate("a", "e", edge("b", door="oak"))
    row = last(pair)
    assert (row.kind, row.version, row.notify) == ("Relationship.Update", 2, False)


async def test_a_put_with_another_model_is_logged_with_the_model(graph: Graph) -> None:
    await graph.put("x", hall(temperature=1, seats=4))
    await graph.put("x", room(temperature=1))
    body = orjson.loads(last(graph).data)
    assert body["modelId"] == ROOM
    patch = {each["path"]: each for each in body["patch"]}
    assert set(patch) == {"/seats", "/thermostat", "/$metadata/$model"}
    assert patch["/$metadata/$model"] == {
        "op": "replace",
        "path": "/$metadata/$model",
        "value": ROOM,
    }


async def test_a_deleted_twin_is_logged_with_its_last_state(graph: Graph) -> None:
    await graph.put("h", hall(seats=1))
    written = await graph.patch("h", replace("/seats", 2))
    await graph.delete("h")
    row = last(graph)
    assert (row.kind, row.subject, row.notify, row.version) == ("Twin.Delete", "h", True, 3)
    body = orjson.loads(row.data)
    assert body["seats"] == 2
    assert etag(body) == written.etag
    assert body["$dtId"] == "h"


async def test_a_created_relationship_is_logged_as_get_returns_it(pair: Graph) -> None:
    row = last(pair)
    assert (row.kind, row.subject) == ("Relationship.Create", "a/relationships/e")
    assert (row.notify, row.version, row.model_id) == (True, 1, ROOM)
    body = orjson.loads(row.data)
    assert etag(body) == (await pair.service.relationship("a", "e", SYSTEM)).etag
    assert {key: value for key, value in body.items() if key != "$etag"} == {
        "$relationshipId": "e",
        "$sourceId": "a",
        "$relationshipName": "nextTo",
        "$targetId": "b",
        "door": "oak",
    }


async def test_a_patched_relationship_is_logged_with_its_source_twins_model(pair: Graph) -> None:
    await pair.execute(c.PatchRelationship("a", "e", (replace("/door", "pine"),)))
    row = last(pair)
    assert (row.kind, row.subject, row.version) == (
        "Relationship.Update",
        "a/relationships/e",
        2,
    )
    assert orjson.loads(row.data) == {
        "modelId": ROOM,
        "patch": [{"value": "pine", "path": "/door", "op": "replace"}],
    }


async def test_a_put_on_a_relationship_is_logged_as_the_difference(pair: Graph) -> None:
    await pair.put("c", room())
    await pair.relate("a", "e", edge("c", "above"))
    row = last(pair)
    assert (row.kind, row.notify, row.version) == ("Relationship.Update", True, 2)
    patch = {each["path"]: each for each in orjson.loads(row.data)["patch"]}
    assert patch == {
        "/$relationshipName": {"value": "above", "path": "/$relationshipName", "op": "replace"},
        "/$targetId": {"value": "c", "path": "/$targetId", "op": "replace"},
        "/door": {"path": "/door", "op": "remove"},
    }


async def test_a_deleted_relationship_is_logged_with_its_last_state(pair: Graph) -> None:
    await pair.unrelate("a", "e")
    row = last(pair)
    assert (row.kind, row.subject) == ("Relationship.Delete", "a/relationships/e")
    assert (row.notify, row.version) == (True, 2)
    body = orjson.loads(row.data)
    assert (body["$sourceId"], body["$targetId"], body["door"]) == ("a", "b", "oak")


async def test_telemetry_is_logged_untouched_under_the_callers_message_id(graph: Graph) -> None:
    await graph.put("r", room())
    text = b'{ "temp" : 1.50,\n "temp": 2, "free": [null] }'
    await graph.execute(
        c.SendTelemetry("r", text, "application/json; charset=utf-8", "message 1"), trace=TRACE
    )
    row = last(graph)
    assert (row.kind, row.subject, row.version) == ("Telemetry", "r", None)
    assert (row.data, row.event_id, row.notify) == (text, "message 1", True)
    assert row.content_type == "application/json; charset=utf-8"
    assert (row.model_id, row.component, row.traceparent) == (ROOM, None, TRACE)
    assert row.twin_key == (await graph.service.twin("r", SYSTEM)).key
    assert len(graph.history.twin_versions("r")) == 1


async def test_telemetry_of_a_component_is_logged_with_its_name_and_model(graph: Graph) -> None:
    await graph.put("r", room())
    command = c.SendTelemetry("r", b"{}", "application/json", component="thermostat")
    await graph.execute(command)
    row = last(graph)
    assert (row.component, row.model_id) == ("thermostat", THERMOSTAT)
    assert UUID(row.event_id)


async def test_one_message_id_may_be_sent_twice(graph: Graph) -> None:
    await graph.put("h", hall())
    for _ in range(2):
        await graph.execute(c.SendTelemetry("h", b"1", "application/json", "same"))
    assert [row.event_id for row in graph.history.log()[-2:]] == ["same", "same"]


async def test_changes_of_models_are_logged_and_fire_no_event(graph: Graph) -> None:
    await graph.execute(c.CommissionModel(HALL, False))
    await graph.execute(c.CommissionModel(HALL, True))
    await graph.execute(c.DeleteModel(HALL))
    rows = [row for row in graph.history.log() if row.model_id == HALL]
    assert [(row.kind, row.notify, row.version, row.twin_key) for row in rows] == [
        ("Model.Upload", False, None, None),
        ("Model.Update", False, None, None),
        ("Model.Update", False, None, None),
        ("Model.Delete", False, None, None),
    ]
    assert [orjson.loads(row.data) for row in rows] == [
        HALL_MODEL,
        {"decommissioned": True},
        {"decommissioned": False},
        HALL_MODEL,
    ]


async def test_every_row_has_its_time_actor_trace_bucket_and_a_fresh_id(graph: Graph) -> None:
    await graph.execute(c.PutTwin("h", hall()), "ann", TRACE)
    await graph.execute(c.PatchTwin("h", (replace("/$metadata/$model", HALL),)), "ben")
    created, patched = graph.history.log()[-2:]
    assert [(row.actor, row.traceparent) for row in (created, patched)] == [
        ("ann", TRACE),
        ("ben", None),
    ]
    versions = graph.history.twin_versions("h")
    assert [row.time for row in (created, patched)] == [each.valid_from for each in versions]
    log = graph.history.log()
    assert len({UUID(row.event_id) for row in log}) == len(log)
    assert [row.bucket for row in log] == [bucket_of(row.subject.partition("/")[0]) for row in log]


async def test_all_that_happens_to_a_twin_and_its_relationships_is_in_one_bucket(
    pair: Graph,
) -> None:
    await pair.execute(c.SendTelemetry("a", b"1", "application/json"))
    await pair.unrelate("a", "e")
    rows = [row for row in pair.history.log() if row.subject.partition("/")[0] == "a"]
    assert {row.bucket for row in rows} == {bucket_of("a")}
    assert len(rows) == 4
    key = (await pair.service.twin("a", SYSTEM)).key
    assert {row.twin_key for row in rows} == {key}


async def test_positions_follow_the_order_of_writing_without_a_gap(pair: Graph) -> None:
    rows = pair.history.log()
    assert [row.seq for row in rows] == list(range(rows[0].seq, rows[0].seq + len(rows)))
    assert [row.pos for row in rows] == [row.seq for row in rows]
    assert [row.time for row in rows] == sorted(row.time for row in rows)


async def test_every_version_has_its_row_and_every_row_its_version(pair: Graph) -> None:
    await pair.patch("a", add("/name", "x"))
    await pair.unrelate("a", "e")
    await pair.delete("b")
    await pair.put("b", room())
    await pair.relate("a", "e", edge("b"))
    log = {(row.subject, row.version): row for row in pair.history.log() if row.version}
    versions = [
        *((each.id, each) for name in "ab" for each in pair.history.twin_versions(name)),
        *(("a/relationships/e", each) for each in pair.history.relationship_versions("e")),
    ]
    for subject, each in versions:
        assert log.pop((subject, each.version)).time == each.valid_from
    assert [row.kind for row in log.values()] == ["Relationship.Delete", "Twin.Delete"]
