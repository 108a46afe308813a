"""The official client against the server, in memory and over HTTP, in both revisions."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
from mcp.client import Client

from kastor.agents.caller import AgentCaller
from kastor.agents.calling import _late, call
from kastor.agents.protocol import make_server
from kastor.auth.roles import READER, Permission
from kastor.config import load_settings
from kastor.graph.catalog import catalog_builder
from kastor.hosting.assembly import graph_opener
from kastor.hosting.graphs import Graphs
from kastor.hosting.limits import value_rules
from kastor.hosting.open import open_sqlite
from kastor.records import SYSTEM
from kastor.server.reload import InForce
from kastor.storage.sqlite.placement import FilePlacement
from kastor.vital import Vitals

from .speaking import BEFORE, NEWEST, Speaker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.contract.client import Api

READ_TOOLS = [
    "describe_graph",
    "get_model",
    "find",
    "get_twin",
    "neighbours",
    "query",
    "explain_query",
    "history",
    "diff",
]
MOST_OF_DEFINITIONS = 9_000
Mode = Literal["auto", "legacy"]
MODES = pytest.mark.parametrize(("mode", "revision"), [("auto", NEWEST), ("legacy", BEFORE)])


async def _look(client: Client) -> list[str]:
    """Use everything that there is once; return the names of the tools."""
    tools = (await client.list_tools()).tools
    size = len(json.dumps([each.model_dump(by_alias=True, exclude_none=True) for each in tools]))
    assert size <= MOST_OF_DEFINITIONS
    assert all(each.annotations and each.annotations.read_only_hint for each in tools)
    called = await client.call_tool("describe_graph", {})
    assert not called.is_error
    assert [each.uri for each in (await client.list_resources()).resources] == ["kastor://graph"]
    [content] = (await client.read_resource("kastor://graph")).contents
    assert json.loads(content.text)["counts"] == json.loads(_text(called))["counts"]  # type: ignore[union-attr]
    templates = (await client.list_resource_templates()).resource_templates
    assert [each.uri_template for each in templates] == [
        "kastor://models/{dtmi}",
        "kastor://twins/{id}",
    ]
    prompts = {each.name for each in (await client.list_prompts()).prompts}
    assert prompts == {"explore", "investigate", "plan_change"}
    told = await client.get_prompt("investigate", {"id": "room-2-14"})
    assert '"room-2-14"' in told.messages[0].content.text  # type: ignore[union-attr]
    return [each.name for each in tools]


def _text(called: Any) -> str:
    text: str = called.content[0].text
    return text


@MODES
def test_the_official_client_over_http(building: Api, mode: Mode, revision: str) -> None:
    rows = building.query("SELECT T.$dtId FROM DIGITALTWINS T").json()["value"]
    twins = [each["$dtId"] for each in rows]

    async def look() -> None:
        async with Client(f"{building.url}/mcp", mode=mode) as client:
            assert client.protocol_version == revision
            assert await _look(client) == READ_TOOLS
            [content] = (await client.read_resource("kastor://twins/room-2-14")).contents
            assert json.loads(content.text)["twins"][0]["$dtId"] == "room-2-14"  # type: ignore[union-attr]
            from mcp_types import ResourceTemplateReference

            ref = ResourceTemplateReference(uri="kastor://twins/{id}")
            found = await client.complete(ref, {"name": "id", "value": "room-2-1"})
            rooms = {f"room-2-{n}" for n in range(10, 17)}
            assert set(found.completion.values) >= rooms & set(twins)
            ref = ResourceTemplateReference(uri="kastor://models/{dtmi}")
            found = await client.complete(ref, {"name": "dtmi", "value": "dtmi:kastor:sample:Ro"})
            assert found.completion.values == ["dtmi:kastor:sample:Room;1"]

    asyncio.run(look())


@asynccontextmanager
async def _graph(folder: Path) -> AsyncIterator[Any]:
    settings = load_settings({"data": folder})
    build, vitals = catalog_builder(value_rules(settings)), Vitals()
    (folder / "graphs").mkdir(mode=0o700)
    open_graph = graph_opener(
        settings,
        lambda _name, place: open_sqlite(settings, Path(place.address), build),
        vitals,
        InForce(settings),
    )
    graphs = Graphs(FilePlacement(folder / "graphs"), open_graph, vitals, 5)
    await graphs.start()
    try:
        yield graphs.default
    finally:
        await graphs.close()


@MODES
def test_the_official_client_in_memory(tmp_path: Path, mode: Mode, revision: str) -> None:
    async def look() -> None:
        async with _graph(tmp_path) as services:
            await services.sample.fill(SYSTEM)
            caller = AgentCaller("1", "anna", READER, "default", services)
            async with Client(make_server(caller), mode=mode) as client:
                assert client.protocol_version == revision
                assert await _look(client) == READ_TOOLS
            few = AgentCaller("1", "anna", frozenset({Permission.QUERY}), "default", services)
            async with Client(make_server(few), mode=mode) as client:
                names = [each.name for each in (await client.list_tools()).tools]
                assert names == ["find", "query", "explain_query"]
                refused = await client.call_tool("get_twin", {"ids": ["room-2-14"]})
                assert refused.is_error
                assert json.loads(_text(refused))["code"] == "Forbidden"

    asyncio.run(look())


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("query", {"q": "SELECT * FROM DIGITALTWINS T"}),
        ("diff", {"from": "change:0"}),
        ("neighbours", {"id": "room-2-14", "depth": 3}),
    ],
)
def test_a_call_ends_after_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: str, arguments: dict[str, Any]
) -> None:
    monkeypatch.setattr("kastor.agents.calling.SECONDS", 0.0)

    async def look() -> None:
        async with _graph(tmp_path) as services:
            caller = AgentCaller("1", "anna", READER, "default", services)
            called = await call(caller, tool, arguments)
            assert called.is_error
            assert json.loads(called.text)["code"] in ("TimeoutError", "DigitalTwinNotFound")

    asyncio.run(look())


def test_who_applies_too_slowly_is_told_to_repeat_it() -> None:
    told = _late("apply_change").told
    assert "Nobody knows" in told["message"]
    assert "again with the same arguments" in told["try"]
    assert "less" in _late("query").told["try"]


def test_a_call_without_a_handshake_is_answered_in_the_older_revision(building: Api) -> None:
    """Without sessions any process answers; nothing has to come before."""
    found = Speaker(building, BEFORE).send("tools/list")
    assert [each["name"] for each in found.json()["result"]["tools"]] == READ_TOOLS
    assert "mcp-session-id" not in found.headers


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_there_is_nothing_but_post(building: Api, method: str) -> None:
    found = building.send(method, "/mcp", version=None)
    assert found.status_code == 405
    assert found.headers["allow"] == "POST"
