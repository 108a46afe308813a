"""A keep-alive HTTP client that is cheap enough to have five hundred of, and goes on after a loss."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any, Self
from urllib.parse import urlsplit

PATCH = "application/json-patch+json"
Answer = tuple[int, dict[str, str], bytes]


class Line:
    """One connection to a server."""

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url)
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        if self._writer is not None:
            writer, self._writer = self._writer, None
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def put(self, path: str, body: Any, headers: dict[str, str] | None = None) -> Answer:
        return await self.send("PUT", path, body, headers)

    async def patch(self, path: str, *operations: dict[str, Any]) -> Answer:
        return await self.send("PATCH", path, operations)

    async def get(self, path: str) -> Answer:
        return await self.send("GET", path)

    async def query(self, text: str) -> list[Any]:
        status, _, body = await self.send("POST", "/query", {"query": text})
        assert status == 200, body
        rows: list[Any] = json.loads(body)["value"]
        return rows

    async def send(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        if self._writer is None:
            host, port = self._address.hostname, self._address.port
            self._reader, self._writer = await asyncio.open_connection(host, port)
        content = b"" if body is None else json.dumps(body).encode()
        kind = PATCH if method == "PATCH" else "application/json"
        lines = [
            f"{method} {path}?api-version=2023-10-31 HTTP/1.1",
            f"Host: {self._address.netloc}",
            f"Content-Type: {kind}",
            f"Content-Length: {len(content)}",
            *(f"{name}: {value}" for name, value in (headers or {}).items()),
        ]
        self._writer.write("\r\n".join([*lines, "", ""]).encode() + content)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        received = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head[1:] if line)
        }
        length = int(received.get("content-length", "0"))
        return int(head[0].split()[1]), received, await self._reader.readexactly(length)


def twin(path: str) -> str:
    return f"/digitaltwins/{path}"


def model(model_id: str, *properties: str) -> dict[str, Any]:
    contents = [{"@type": "Property", "name": name, "schema": "integer"} for name in properties]
    return {
        "@context": "dtmi:dtdl:context;2",
        "@id": model_id,
        "@type": "Interface",
        "contents": contents,
    }


def counter(model_id: str, **values: int) -> dict[str, Any]:
    return {"$metadata": {"$model": model_id}, **values}


def set_to(name: str, value: int) -> dict[str, Any]:
    return {"op": "add", "path": f"/{name}", "value": value}
