"""The files that the page gives to desktop clients, read from the page and done as they say."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from mcp import StdioServerParameters
from mcp.client import Client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

from kastor.auth.tokens import create_token
from kastor.testing import KastorServer
from tests.contract.client import Api

from .speaking import load_quiet_building
from .test_access import READING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "let-an-assistant-look.md").read_text()
FILES: list[dict[str, Any]] = [
    json.loads(each) for each in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
]
ADDRESS = "http://127.0.0.1:8080"


@pytest.fixture(scope="module")
def building_of_tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of a server that asks for tokens, and one that can only read, as the page says."""
    data = tmp_path_factory.mktemp("how-to") / "data"
    server = KastorServer(("--auth", "tokens", "--agents", "write"), data_dir=data)
    reader = create_token(data / "tokens", "reader", "assistant")
    owner = create_token(data / "tokens", "owner", "somebody")
    with server:
        with Api(server.url, token=owner) as api:
            load_quiet_building(api)
        yield server.url, reader


async def _look(client: Client) -> None:
    assert [each.name for each in (await client.list_tools()).tools] == READING
    found = await client.call_tool("find", {"text": "Hazel"})
    assert "room-2-14" in found.content[0].text  # type: ignore[union-attr]
    refused = await client.call_tool("apply_change", {"token": "x"})
    assert refused.is_error


def test_the_file_of_a_client_that_starts_programs(building_of_tokens: tuple[str, str]) -> None:
    url, token = building_of_tokens
    [told] = [each["mcpServers"]["building"] for each in FILES if "mcpServers" in each]
    command = str(Path(sys.executable).parent / told["command"])
    arguments = [each.replace(ADDRESS, url) for each in told["args"]]
    assert url in arguments
    environment = dict.fromkeys(told["env"], token)
    program = StdioServerParameters(command=command, args=arguments, env=environment)

    async def look() -> None:
        async with Client(stdio_client(program)) as client:
            await _look(client)

    asyncio.run(look())


def test_the_file_of_a_client_that_asks_over_http(building_of_tokens: tuple[str, str]) -> None:
    url, token = building_of_tokens
    [told] = [each["servers"]["building"] for each in FILES if "servers" in each]
    headers = {
        name: value.replace("${input:token}", token) for name, value in told["headers"].items()
    }
    assert told["type"] == "http"

    async def look() -> None:
        async with httpx2.AsyncClient(headers=headers) as http:
            address = told["url"].replace(ADDRESS, url)
            async with Client(streamable_http_client(address, http_client=http)) as client:
                await _look(client)

    asyncio.run(look())
