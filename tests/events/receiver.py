"""A webhook receiver: an HTTP server that keeps what it got and answers as it is told."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from kastor.server.certificate import ensure_development_certificate

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Receiver:
    """What arrived, in order; `answer` decides what the sender hears."""

    port: int = 0
    secure: bool = False
    ca_file: str = ""
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0
    answer: Answer | None = None
    ended: bool = False

    @property
    def url(self) -> str:
        return f"{'https' if self.secure else 'http'}://localhost:{self.port}/events"

    @property
    def events(self) -> list[Any]:
        return [json.loads(body) for body in self.bodies]

    def answers(self, status: int, text: str = "", **headers: str) -> None:
        async def answer(_request: web.Request) -> web.Response:
            return web.Response(status=status, text=text, headers=headers)

        self.answer = answer

    async def take(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if self.ended:
            # A connection whose handshake was under way at the end is served for as long as it
            # lives, and what it brings would be confirmed when nobody looks any more.
            gone = web.Response(status=503)
            gone.force_close()
            return gone
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            response = web.Response() if self.answer is None else await self.answer(request)
            if response.status < 300:
                self.bodies.append(body)
                self.headers.append({k.lower(): v for k, v in request.headers.items()})
            return response
        finally:
            self.under_way -= 1


@asynccontextmanager
async def receiver(tls: Path | None = None, port: int = 0) -> AsyncIterator[Receiver]:
    """A running receiver; with a folder for its certificate it speaks TLS."""
    made = Receiver(secure=tls is not None)
    context = None
    if tls is not None:
        files = ensure_development_certificate(tls, "localhost")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(files.certificate, files.key)
        made.ca_file = str(files.authority)
    application = web.Application()
    application.router.add_post("/{path:.*}", made.take)
    runner = web.AppRunner(application, shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, ssl_context=context)
    await site.start()
    made.port = runner.addresses[0][1]
    try:
        yield made
    finally:
        made.ended = True
        await asyncio.wait_for(runner.cleanup(), 5)
