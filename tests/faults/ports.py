"""The two ways by which the load reaches a graph: HTTP to a process, or the service itself."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import orjson

from kastor.graph import commands as c
from kastor.graph.service import GraphService
from kastor.records import Context

from .ledger import Message, Sent, Step, Upload
from .load import BASE, PLACE, LostError, models_of, patch_body, relationship_body, twin_body

_CONTEXT = Context("load")
_VERSION = "?api-version=2023-10-31"


def _models(upload: Upload) -> list[dict[str, Any]]:
    return [PLACE] if upload.ids == (BASE,) else models_of(upload)


class ServicePort:
    """Commands to the graph service of this process."""

    def __init__(self, service: GraphService) -> None:
        self._service = service

    async def send(self, sent: Sent) -> str:
        if isinstance(sent, Upload):
            documents = [(model, orjson.dumps(model)) for model in _models(sent)]
            text = b"[" + b",".join(item for _, item in documents) + b"]"
            await self._service.upload(text, documents, _CONTEXT)
            return ""
        outcome = await self._service.execute(_command(sent), _CONTEXT)
        return "" if outcome is None else outcome.etag


def _command(sent: Step | Message) -> c.Command[Any]:
    if isinstance(sent, Message):
        return c.SendTelemetry(sent.twin, b"{}", "application/json", sent.id)
    thing = sent.thing
    if not thing.source:
        of_twin: dict[str, Callable[[], c.Command[Any]]] = {
            "put": lambda: c.PutTwin(thing.id, twin_body(sent)),
            "patch": lambda: c.PatchTwin(thing.id, tuple(patch_body(sent))),
            "delete": lambda: c.DeleteTwin(thing.id),
        }
        return of_twin[sent.kind]()
    ends = thing.source, thing.id
    of_relationship: dict[str, Callable[[], c.Command[Any]]] = {
        "put": lambda: c.PutRelationship(*ends, relationship_body(sent)),
        "patch": lambda: c.PatchRelationship(*ends, tuple(patch_body(sent))),
        "delete": lambda: c.DeleteRelationship(*ends),
    }
    return of_relationship[sent.kind]()


class RefusedError(Exception):
    """The server answered with an error that this load should never cause."""


class HttpPort:
    """One connection to a server; lost once it breaks."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def send(self, sent: Sent) -> str:
        method, path, body, headers = _request(sent)
        try:
            status, answer, text = await self._exchange(method, path, body, headers)
        except (OSError, asyncio.IncompleteReadError) as error:
            raise LostError from error
        if not 200 <= status < 300:
            raise RefusedError(f"{method} {path}: {status} {text!r}")
        return answer.get("etag", "").removeprefix('W/"').removesuffix('"')

    async def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()

    async def _exchange(
        self, method: str, path: str, body: Any, headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(
                self._url.hostname, self._url.port
            )
        text = b"" if body is None else json.dumps(body).encode()
        head = (
            f"{method} {path}{_VERSION} HTTP/1.1\r\nHost: localhost\r\n{headers}"
            f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
        )
        self._writer.write(head.encode() + text)
        lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (line.split(":", 1) for line in lines[1:] if line)
        answer = {name.strip().lower(): value.strip() for name, value in pairs}
        content = await self._reader.readexactly(int(answer.get("content-length", "0")))
        return int(lines[0].split()[1]), answer, content


def _request(sent: Sent) -> tuple[str, str, Any, str]:
    if isinstance(sent, Upload):
        return "POST", "/models", _models(sent), ""
    if isinstance(sent, Message):
        return "POST", f"/digitaltwins/{sent.twin}/telemetry", {}, f"Message-Id: {sent.id}\r\n"
    thing = sent.thing
    path = f"/digitaltwins/{thing.source or thing.id}"
    if thing.source:
        path += f"/relationships/{thing.id}"
    match sent.kind:
        case "put":
            body: Any = relationship_body(sent) if thing.source else twin_body(sent)
            return "PUT", path, body, ""
        case "patch":
            return "PATCH", path, patch_body(sent), ""
        case _:
            return "DELETE", path, None, "If-Match: *\r\n"
