"""Rows of data history in place of events: what a change becomes, at a server and at each kind.

The shapes are those of events 3: three tables, keys in lower camel case.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from aiohttp import web

from kastor.errors import InvalidArgument
from kastor.events.endpoints import make_sink, read_endpoint
from kastor.events.model import Delivered, Event
from kastor.events.shaping import HistoryShape, shape_of
from kastor.outside.bounds import EndpointPolicy
from kastor.records import ChangeKind
from kastor.storage.events import EndpointRow
from kastor.testing import KastorServer

from .factory import HOST, logged
from .factory import event as event_of
from .receiver import Receiver, receiver

pytestmark = pytest.mark.anyio
ROWS = {"format": "adt-history"}
VERSION = {"api-version": "2023-10-31"}
PATCH = {"Content-Type": "application/json-patch+json"}
THERMOSTAT = {
    "@id": "dtmi:rows:Thermostat;1",
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;3",
    "contents": [
        {"@type": "Property", "name": "setPoint", "schema": "double"},
        {"@type": "Property", "name": "mode", "schema": "string"},
    ],
}
POSE = {
    "@type": "Object",
    "fields": [{"name": "roll", "schema": "integer"}, {"name": "pitch", "schema": "integer"}],
}
TAGS = {
    "@type": "Map",
    "mapKey": {"name": "key", "schema": "string"},
    "mapValue": {"name": "value", "schema": "string"},
}
ROOM = {
    "@id": "dtmi:rows:Room;1",
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;3",
    "contents": [
        {"@type": "Property", "name": "temperature", "schema": "double"},
        {"@type": "Property", "name": "name", "schema": "string"},
        {"@type": "Property", "name": "pose", "schema": POSE},
        {"@type": "Property", "name": "tags", "schema": TAGS},
        {"@type": "Component", "name": "heater", "schema": "dtmi:rows:Thermostat;1"},
        {
            "@type": "Relationship",
            "name": "next",
            "properties": [{"@type": "Property", "name": "via", "schema": "string"}],
        },
    ],
}
SOURCE_TIME = "2026-01-05T07:00:00Z"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Site:
    """A server whose one route writes rows into a file."""

    def __init__(self, server: KastorServer) -> None:
        self.http = httpx2.Client(base_url=server.url, params=VERSION)
        self.server = server
        self.files = 0

    def begin(self, **settings: Any) -> None:
        self.server.reset()
        self.files += 1
        self.file = self.server.data_dir / f"rows-{self.files}.ndjson"
        body = {"kind": "file", "settings": {"path": str(self.file), **ROWS, **settings}}
        assert self.http.put("/kastor/v1/endpoints/rows", json=body).status_code < 300
        assert self.http.post("/models", json=[THERMOSTAT, ROOM]).status_code == 201
        route = {"endpointName": "rows", "filter": "true"}
        assert self.http.put("/eventroutes/r", json=route).status_code == 204

    def put(self, path: str, body: dict[str, Any]) -> None:
        answer = self.http.put(f"/digitaltwins/{path}", json=body)
        assert answer.status_code == 200, answer.text

    def room(self, twin: str, **values: Any) -> None:
        heater = {"$metadata": {}, "setPoint": 20.5}
        metadata = {"$model": ROOM["@id"], "temperature": {"sourceTime": SOURCE_TIME}}
        values = {"temperature": 20.0, **values}
        self.put(twin, {"$metadata": metadata, "heater": heater, **values})

    def patch(self, path: str, *operations: tuple[str, str, Any]) -> None:
        body = [
            {"op": op, "path": pointer} | ({} if op == "remove" else {"value": value})
            for op, pointer, value in operations
        ]
        answer = self.http.patch(f"/digitaltwins/{path}", content=json.dumps(body), headers=PATCH)
        assert answer.status_code == 204, answer.text

    def delete(self, path: str) -> None:
        assert self.http.delete(f"/digitaltwins/{path}").status_code == 204

    def rows(self, count: int) -> list[dict[str, Any]]:
        """Return the rows, once there are so many, and no more behind them."""
        deadline = time.monotonic() + 10
        while True:
            state = self.http.get("/kastor/v1/routes/r").json()
            text = self.file.read_text() if self.file.exists() else ""
            found = [json.loads(line) for line in text.splitlines()]
            if state["lag"] == 0 and len(found) >= count:
                return found
            assert time.monotonic() < deadline, (state, found)
            time.sleep(0.02)

    def keyed(self, count: int) -> list[tuple[str, Any]]:
        return [(row["key"], row["value"]) for row in self.rows(count) if "key" in row]


@pytest.fixture(scope="module")
def shared() -> Iterator[Site]:
    with KastorServer() as server:
        yield Site(server)


@pytest.fixture
def site(shared: Site) -> Site:
    shared.begin()
    return shared


def test_a_new_twin_is_a_lifecycle_row_and_a_row_for_each_initial_value(site: Site) -> None:
    site.room("a", pose={"roll": 20, "pitch": 15})
    created, *properties = site.rows(4)
    stamp, service = created["timeStamp"], created["serviceId"]
    assert created == {
        "twinId": "a",
        "action": "Create",
        "timeStamp": stamp,
        "serviceId": service,
        "modelId": ROOM["@id"],
    }
    assert len(stamp) == 28
    shared = {
        "timeStamp": stamp,
        "serviceId": service,
        "id": "a",
        "modelId": ROOM["@id"],
        "relationshipTarget": "",
        "relationshipId": "",
    }
    assert sorted(properties, key=lambda row: str(row["key"])) == [
        shared | {"key": "heater_setPoint", "value": 20.5, "sourceTimeStamp": None},
        shared | {"key": "pose", "value": {"roll": 20, "pitch": 15}, "sourceTimeStamp": None},
        shared | {"key": "temperature", "value": 20.0, "sourceTimeStamp": SOURCE_TIME},
    ]


def test_a_patch_is_a_row_for_each_property_that_it_changed(site: Site) -> None:
    site.room("a", pose={"roll": 20, "pitch": 15}, tags={"floor": "1", "side": "east"})
    site.rows(5)
    site.patch(
        "a",
        ("replace", "/temperature", 21),
        ("add", "/name", "Mill"),
        ("replace", "/$metadata/temperature/sourceTime", "2026-01-05T08:00:00Z"),
        ("replace", "/pose/roll", 21),
        ("add", "/tags/door", "left"),
        ("remove", "/tags/floor", None),
        ("replace", "/heater/setPoint", 22),
        ("replace", "/temperature", 23),
    )
    site.patch("a/components/heater", ("add", "/mode", "eco"))
    rows = site.rows(11)[5:]
    assert [(row["key"], row["value"]) for row in rows] == [
        ("temperature", 23),
        ("name", "Mill"),
        ("pose", {"roll": 21, "pitch": 15}),
        ("tags", {"side": "east", "door": "left"}),
        ("heater_setPoint", 22),
        ("heater_mode", "eco"),
    ]
    assert rows[0]["sourceTimeStamp"] == "2026-01-05T08:00:00Z"
    assert rows[1]["sourceTimeStamp"] is None
    assert {row["modelId"] for row in rows} == {ROOM["@id"]}
    assert all("action" not in row for row in rows)


def test_values_are_those_of_the_change_not_those_of_now(site: Site) -> None:
    site.room("a", pose={"roll": 0, "pitch": 0})
    site.rows(4)
    assert site.http.post("/kastor/v1/routes/r/pause").status_code == 204
    for roll in range(1, 6):
        site.patch("a", ("replace", "/pose/roll", roll))
    site.delete("a")
    site.http.post("/kastor/v1/routes/r/resume")
    rows = site.rows(10)[4:]
    assert [row["value"]["roll"] for row in rows[:5]] == [1, 2, 3, 4, 5]
    assert rows[5] | {"action": "Delete", "twinId": "a", "modelId": ROOM["@id"]} == rows[5]


def test_removals_are_rows_only_where_they_are_asked_for(site: Site) -> None:
    site.room("a", name="Mill")
    site.rows(4)
    site.patch("a", ("remove", "/name", None))
    site.patch("a", ("replace", "/temperature", 1))
    assert site.keyed(5)[3:] == [("temperature", 1)]


def test_removals_take_map_entries_and_what_a_replaced_component_had(shared: Site) -> None:
    site = shared
    site.begin(removals=True)
    site.room("a", name="Mill", tags={"floor": "1", "side": "east"})
    site.rows(5)
    site.patch("a", ("remove", "/name", None), ("remove", "/tags/floor", None))
    site.patch("a", ("replace", "/heater", {"$metadata": {}, "mode": "eco"}))
    rows = site.rows(10)
    told = [(row["key"], row["value"], row["action"]) for row in rows if "key" in row]
    assert {action for _, _, action in told[:4]} == {"Update"}
    assert told[4:] == [
        ("tags", {"side": "east"}, "Update"),
        ("name", None, "Delete"),
        ("tags_floor", None, "Delete"),
        ("heater_mode", "eco", "Update"),
        ("heater_setPoint", None, "Delete"),
    ]


def test_a_relationship_has_rows_of_both_kinds(site: Site) -> None:
    site.room("a")
    site.room("b")
    site.rows(6)
    site.put("a/relationships/r", {"$relationshipName": "next", "$targetId": "b", "via": "door"})
    site.patch("a/relationships/r", ("replace", "/via", "wall"))
    site.delete("a/relationships/r")
    created, first, second, deleted = site.rows(10)[6:]
    assert created == {
        "relationshipId": "r",
        "name": "next",
        "action": "Create",
        "timeStamp": first["timeStamp"],
        "serviceId": first["serviceId"],
        "source": "a",
        "target": "b",
    }
    for row, value in ((first, "door"), (second, "wall")):
        named = (row["id"], row["modelId"], row["relationshipTarget"], row["relationshipId"])
        assert named == ("a", ROOM["@id"], "b", "r")
        assert (row["key"], row["value"]) == ("via", value)
    assert deleted == created | {"action": "Delete", "timeStamp": deleted["timeStamp"]}


def test_telemetry_and_models_have_no_rows(site: Site) -> None:
    site.room("a")
    site.http.post("/digitaltwins/a/telemetry", json={"x": 1}, headers={"Message-Id": "1"})
    site.patch("a", ("replace", "/temperature", 1))
    assert len(site.rows(4)) == 4


def test_a_filter_judges_the_event_and_tables_can_be_left_out(shared: Site) -> None:
    site = shared
    site.begin(tables={"properties": None, "relationships": None})
    site.http.put("/eventroutes/r", json={"endpointName": "rows", "filter": "subject != 'b'"})
    site.room("a")
    site.room("b")
    site.patch("a", ("replace", "/temperature", 1))
    site.delete("a")
    assert [row["action"] for row in site.rows(2)] == ["Create", "Delete"]


def created(seq: int = 1, **values: Any) -> tuple[Any, Event]:
    body = {"$dtId": f"t{seq}", "$etag": "x", **values, "$metadata": {"$model": "dtmi:a:M;1"}}
    members: dict[str, Any] = {
        "subject": f"t{seq}",
        "data": json.dumps(body).encode(),
        "seq": seq,
        "event_id": f"created-{seq}",
    }
    return logged(ChangeKind.TWIN_CREATE, **members), event_of(ChangeKind.TWIN_CREATE, **members)


async def rows_of(*pairs: tuple[Any, Event], **settings: Any) -> list[Event]:
    shape = HistoryShape(read_endpoint("stdout", {**ROWS, **settings}), None)
    return [row for entry, event in pairs for row in await shape(entry, event)]


async def test_the_same_entry_gives_the_same_rows_with_the_same_ids() -> None:
    first = await rows_of(created(1, x=1, y=2), created(2, x=1))
    assert await rows_of(created(1, x=1, y=2), created(2, x=1)) == first
    assert len({row.id for row in first}) == len(first) == 5
    assert [row.type for row in first[:2]] == ["AdtTwinLifecycleEvents", "AdtPropertyEvents"]


async def test_a_version_that_is_not_kept_leaves_the_operations_as_they_are() -> None:
    body = {"modelId": "m", "patch": [{"op": "replace", "path": "/pose/roll", "value": 3}]}
    members: dict[str, Any] = {"data": json.dumps(body).encode()}
    rows = await rows_of((logged(**members), event_of(**members)))
    assert [json.loads(row.data)["key"] for row in rows] == ["pose_roll"]


@pytest.fixture
async def target(anyio_backend: str) -> AsyncIterator[Receiver]:
    async with receiver() as made:
        yield made


LOCAL = EndpointPolicy(private_addresses=True)


async def test_a_webhook_gets_bare_rows_in_one_request_or_many(target: Receiver) -> None:
    rows = await rows_of(created(1, x=1, y=2), created(2, x=3))
    bodies = [json.loads(row.data) for row in rows]
    for batch in (1, 50):
        target.bodies.clear()
        target.headers.clear()
        settings = {"url": target.url, "batch": batch, "concurrency": 1, **ROWS}
        sink = make_sink("w", read_endpoint("webhook", settings), LOCAL)
        assert await sink.deliver(rows) == Delivered(5)
        await sink.close()
        assert target.events == (bodies if batch == 1 else [bodies])
        assert {each["content-type"] for each in target.headers} == {"application/json"}
        if batch == 1:
            assert [each["ce-id"] for each in target.headers] == [row.id for row in rows]
            assert target.headers[0]["ce-type"] == "AdtTwinLifecycleEvents"
            assert target.headers[0]["ce-source"] == HOST


async def test_a_row_that_fails_holds_up_none_of_its_entry_for_good(target: Receiver) -> None:
    """Rows of one entry share its position; what was confirmed ahead is told by more than that."""
    refused = 0

    async def answer(request: web.Request) -> web.Response:
        nonlocal refused
        if b'"key":"x"' in await request.read() and not refused:
            refused += 1
            return web.Response(status=503)
        return web.Response()

    target.answer = answer
    rows = await rows_of(created(1, w=0, x=1, y=2), created(2, x=3))
    settings = {"url": target.url, "concurrency": 8, **ROWS}
    sink = make_sink("w", read_endpoint("webhook", settings), LOCAL)
    report = await sink.deliver(rows)
    assert report.confirmed < len(rows)
    assert await sink.deliver(rows[report.confirmed :]) == Delivered(len(rows) - report.confirmed)
    await sink.close()
    assert sorted(target.bodies) == sorted(row.data for row in rows)


async def test_standard_output_and_files_have_a_row_a_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rows = await rows_of(created(1, x=1))
    file = tmp_path / "rows"
    for kind, settings in (("stdout", {}), ("file", {"path": str(file)})):
        sink = make_sink("s", read_endpoint(kind, {**ROWS, **settings}))
        assert await sink.deliver(rows) == Delivered(2)
        await sink.close()
    expected = "".join(f"{row.data.decode()}\n" for row in rows)
    assert capfd.readouterr().out == file.read_text() == expected


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"format": "adx"}, "format"),
        ({"removals": True}, "removals"),
        ({"tables": {"twins": None}}, "tables"),
        ({**ROWS, "tables": {"twins": "a/b"}}, "tables.twins"),
        ({**ROWS, "tables": {"twins": "a\n"}}, "tables.twins"),
        ({**ROWS, "tables": {"others": "x"}}, "others"),
        ({**ROWS, "tables": dict.fromkeys(("properties", "twins", "relationships"))}, "tables"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidArgument, match=why):
        read_endpoint("stdout", settings)


def test_rows_have_no_event_grid_form() -> None:
    settings = {"url": "https://example.com/", "mode": "eventgrid", **ROWS}
    with pytest.raises(InvalidArgument, match="mode"):
        read_endpoint("webhook", settings)


def test_an_endpoint_that_is_not_understood_leaves_events_as_they_are() -> None:
    assert shape_of(EndpointRow("e", "stdout", b'{"format":"later"}', 0), None) is None
