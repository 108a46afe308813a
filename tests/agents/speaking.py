"""Speaks the protocol by hand, byte for byte, so that what is measured is what is sent."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx2

    from tests.contract.client import Api

NEWEST, BEFORE = "2026-07-28", "2025-11-25"
REVISIONS = (NEWEST, BEFORE)
_NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_META = "io.modelcontextprotocol/"


def load_quiet_building(api: Api) -> None:
    """Load the sample building, in which nothing changes by itself."""
    asked = {"name": "building", "simulate": False}
    loaded = api.post("/kastor/v1/sample", asked, version=None)
    assert loaded.status_code == 200, loaded.text


@dataclass
class Result:
    """What a tool answered: its values, whether they tell of an error, characters of the result."""

    value: dict[str, Any]
    is_error: bool
    characters: int
    text: str


@dataclass
class Speaker:
    """Somebody who calls tools in one revision."""

    api: Api
    revision: str = NEWEST
    prefix: str = ""
    capabilities: dict[str, Any] = field(default_factory=dict)

    def send(
        self, method: str, params: dict[str, Any] | None = None, **headers: str
    ) -> httpx2.Response:
        params = dict(params or {})
        all_headers = {"Accept": "application/json, text/event-stream"}
        all_headers["MCP-Protocol-Version"] = self.revision
        if self.revision == NEWEST:
            params["_meta"] = {
                f"{_META}protocolVersion": self.revision,
                f"{_META}clientInfo": {"name": "by hand", "version": "1"},
                f"{_META}clientCapabilities": self.capabilities,
            }
            all_headers["Mcp-Method"] = method
            if (name := params.get(_NAMED.get(method, ""))) is not None:
                all_headers["Mcp-Name"] = name
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        path = f"{self.prefix}/mcp"
        return self.api.post(path, body, headers=all_headers | headers, version=None)

    def ask(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        response = self.send(method, params)
        assert response.status_code == 200, response.text
        result: dict[str, Any] = response.json()["result"]
        return result

    def call(self, tool: str, **arguments: Any) -> Result:
        """Call a tool; `from_` and `to_` are its `from` and `to`."""
        named = {name.rstrip("_"): value for name, value in arguments.items()}
        response = self.send("tools/call", {"name": tool, "arguments": named})
        assert response.status_code == 200, response.text
        _, _, sent = response.text.partition('"result":')
        result = response.json()["result"]
        [content] = result["content"]
        size = max(len(json.dumps(result)), len(sent))
        value = json.loads(content["text"])
        assert result.get("structuredContent", value) == value, "both say the same"
        return Result(value, result.get("isError", False), size, content["text"])

    def got(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """What a call answers that succeeds."""
        found = self.call(tool, **arguments)
        assert not found.is_error, found.value
        assert found.characters <= arguments.get("max_chars", 12_000)
        return found.value
