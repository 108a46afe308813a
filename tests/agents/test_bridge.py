"""`kastor mcp`: the official client over stdin and stdout, and what is no message."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from mcp import StdioServerParameters
from mcp.client import Client
from mcp.client.stdio import stdio_client

from .speaking import BEFORE, NEWEST

if TYPE_CHECKING:
    from kastor.testing import KastorServer

COMMAND = (sys.executable, "-m", "kastor", "mcp")


@pytest.mark.parametrize(("mode", "revision"), [("auto", NEWEST), ("legacy", BEFORE)])
def test_the_official_client_uses_the_tools_over_stdio(
    building_server: KastorServer, mode: Any, revision: str
) -> None:
    async def look() -> None:
        url = {"KASTOR_URL": building_server.url}
        program = StdioServerParameters(command=COMMAND[0], args=[*COMMAND[1:]], env=url)
        async with Client(stdio_client(program), mode=mode) as client:
            assert client.protocol_version == revision
            assert len((await client.list_tools()).tools) == 9
            asked = {"ids": ["room-2-14"], "fields": ["name"]}
            found = await client.call_tool("get_twin", asked)
            assert "Meeting room Hazel" in found.content[0].text  # type: ignore[union-attr]
            [content] = (await client.read_resource("kastor://graph")).contents
            assert json.loads(content.text)["counts"]["twins"] == 342  # type: ignore[union-attr]

    asyncio.run(look())


def _said(url: str, *lines: bytes) -> list[dict[str, Any]]:
    done = subprocess.run(
        [*COMMAND, "--url", url],
        input=b"\n".join(lines) + b"\n",
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(each) for each in done.stdout.splitlines()]


def test_what_is_no_message_is_refused_and_the_next_is_answered(
    building_server: KastorServer,
) -> None:
    ping = b'{"jsonrpc":"2.0","id":7,"method":"ping"}'
    answers = _said(building_server.url, b"{", b"[]", b'{"jsonrpc":"2.0","method":"x"}', ping)
    assert {each["error"]["code"] for each in answers if "error" in each} == {-32700, -32600}
    assert [each["id"] for each in answers if "result" in each] == [7]


def test_a_message_that_does_not_end_is_bounded(building_server: KastorServer) -> None:
    [answer] = _said(building_server.url, b"x" * 1_100_000)
    assert "at most 1048576 bytes" in answer["error"]["message"]


def test_a_server_that_is_not_there_is_told(tmp_path: Any) -> None:
    [answer] = _said("http://127.0.0.1:9", b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}')
    assert answer["id"] == 1
    assert "127.0.0.1:9" in answer["error"]["message"]
