"""The floor of HTTP: a bare ASGI answer on the same server with the same settings."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import uvicorn
import uvloop

BODY = b"x" * 700
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"700")]


async def hello(scope: dict[str, Any], _receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})


def main() -> None:
    config = uvicorn.Config(
        hello,
        port=int(sys.argv[1]),
        lifespan="off",
        ws="none",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(uvicorn.Server(config).serve())


if __name__ == "__main__":
    main()
