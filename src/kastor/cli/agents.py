"""`kastor mcp`: the agents' server for programs that speak over stdin and stdout.

A message is a line. Each is sent on as it is, with the headers that HTTP wants beside it; what is
answered is written as it comes. So the bridge knows no tools and needs no library of the protocol.
"""

from __future__ import annotations

import asyncio
import base64
import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO

from kastor.cli.connection import Connection
from kastor.cli.output import Exit, fail
from kastor.waiting import in_own_thread

if TYPE_CHECKING:
    from kastor.client import AsyncKastorClient

MOST_BYTES = 1_048_576
"""Of a message; the server takes no more."""
AT_ONCE = 8
"""Messages that are under way."""
_VERSION = "io.modelcontextprotocol/protocolVersion"
_NAMES = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_PLAIN = re.compile(r"(?! )[\x20-\x7e]*(?<! )")
_PARSE, _INVALID, _FAILED = -32_700, -32_600, -32_000


def mcp(connection: Connection) -> None:
    """Let an assistant on this machine use the tools of a server, over stdin and stdout.

    For desktop clients that start programs: they are told `kastor mcp --url URL`, and the token in
    the variable KASTOR_TOKEN. It ends with its input.
    """
    if sys.stdin.isatty():
        fail(
            "This is for programs, which write messages to it. How to tell an assistant: "
            "`kastor docs how-to/let-an-assistant-look`.",
            Exit.USAGE,
        )
    connection.run(lambda client: Bridge(client, _write).serve(sys.stdin.buffer))


def _write(line: bytes) -> None:
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


class Bridge:
    """Sends messages on, and writes what is answered.

    Args:
        client: of the graph.
        write: takes a line without its end.
    """

    def __init__(self, client: AsyncKastorClient, write: Callable[[bytes], None]) -> None:
        self._client, self._write = client, write
        self._room = asyncio.Semaphore(AT_ONCE)
        self._version: str | None = None

    async def serve(self, source: BinaryIO) -> None:
        """Read messages to the end of the input, and answer them all."""
        async with asyncio.TaskGroup() as group:
            while line := await in_own_thread(source.readline, MOST_BYTES + 2):
                if len(line) > MOST_BYTES and not line.endswith(b"\n"):
                    self._refuse(None, _INVALID, f"A message has at most {MOST_BYTES} bytes.")
                    return  # what follows is its rest
                if line.strip():
                    await self._room.acquire()
                    group.create_task(self._pass_on(line.strip()))

    async def _pass_on(self, line: bytes) -> None:
        import orjson

        try:
            try:
                message = orjson.loads(line)
            except orjson.JSONDecodeError:
                self._refuse(None, _PARSE, "This is no JSON.")
                return
            if not isinstance(message, dict) or not isinstance(message.get("method"), str):
                self._refuse(None, _INVALID, "This is no request and no notification.")
                return
            await self._answer(message, line)
        finally:
            self._room.release()

    async def _answer(self, message: dict[str, Any], line: bytes) -> None:
        import orjson

        from kastor.client import ClientError, ServiceError
        from kastor.client.calls import HttpAnswer, HttpCall

        def body_of(answer: HttpAnswer) -> bytes:
            return answer.body

        headers = self._headers(message)
        call = HttpCall("POST", "/mcp", body_of, headers=headers, content=line)
        try:
            body = await self._client.send(call)
        except ServiceError as error:
            if "jsonrpc" in error.document:
                body = orjson.dumps(error.document)
            else:
                self._refuse(message, _FAILED, f"{error.status}: {error.message}")
                return
        except ClientError as error:
            self._refuse(message, _FAILED, str(error))
            return
        if "id" not in message or not body:
            return
        if message["method"] == "initialize":
            answered = orjson.loads(body).get("result") or {}
            version = answered.get("protocolVersion")
            self._version = version if isinstance(version, str) else None
        self._write(body.replace(b"\n", b" "))

    def _headers(self, message: dict[str, Any]) -> dict[str, str | None]:
        """Return the headers that say again what stands in a message."""
        params = message.get("params")
        params = params if isinstance(params, dict) else {}
        meta = params.get("_meta")
        said = meta.get(_VERSION) if isinstance(meta, dict) else None
        name = params.get(_NAMES.get(message["method"], ""))
        return {
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": said if isinstance(said, str) else self._version,
            "Mcp-Method": _encoded(message["method"]),
            "Mcp-Name": _encoded(name) if isinstance(name, str) else None,
        }

    def _refuse(self, message: dict[str, Any] | None, code: int, why: str) -> None:
        import orjson

        if message is not None and "id" not in message:
            return
        told = {
            "jsonrpc": "2.0",
            "id": None if message is None else message["id"],
            "error": {"code": code, "message": why},
        }
        self._write(orjson.dumps(told))


def _encoded(text: str) -> str:
    """Return a text as a header may carry it."""
    if _PLAIN.fullmatch(text) and not text.startswith("=?base64?"):
        return text
    return f"=?base64?{base64.b64encode(text.encode('utf-8', 'replace')).decode()}?="
