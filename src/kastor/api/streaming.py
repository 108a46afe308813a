"""Sends answers without an end: each step also waits for whatever is to end them.

The HTTP server does not tell a running response that its client has gone or that it is to stop;
without this every restart would wait for its time limit, and a client that never reads would hold a
task for ever. Nor would a revoked token end what it began.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from kastor.api.request import Receive, Send, StreamResponse

T = TypeVar("T")


class StreamEndedError(Exception):
    """The client went away, the server stops, or the token was revoked."""


async def send_stream(
    response: StreamResponse, receive: Receive, send: Send, draining: asyncio.Event
) -> None:
    """Send a stream until its end, its client's or the server's, or until its access ends."""
    headers = [
        (b"content-type", response.content_type),
        (b"cache-control", b"no-store"),
        (b"x-accel-buffering", b"no"),
        *response.headers,
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    enders: tuple[asyncio.Future[Any], ...] = (
        asyncio.ensure_future(_until_gone(receive)),
        asyncio.ensure_future(draining.wait()),
    )
    if response.access_lost is not None:
        enders += (asyncio.ensure_future(response.access_lost()),)
    try:
        while True:
            chunk = await _unless_ended(anext(response.chunks), enders)
            body = {"type": "http.response.body", "body": chunk, "more_body": True}
            await _unless_ended(send(body), enders)
    except (StopAsyncIteration, StreamEndedError):
        pass
    finally:
        for ender in enders:
            ender.cancel()
        with contextlib.suppress(RuntimeError):  # a step of it was cancelled just now
            await response.chunks.aclose()  # type: ignore[attr-defined]
    if not enders[0].done():
        last = {"type": "http.response.body", "body": b"", "more_body": False}
        with contextlib.suppress(TimeoutError):  # the client may never read again
            await asyncio.wait_for(send(last), 0.1)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _unless_ended(work: Awaitable[T], enders: tuple[asyncio.Future[Any], ...]) -> T:
    task = asyncio.ensure_future(work)
    await asyncio.wait((task, *enders), return_when=asyncio.FIRST_COMPLETED)
    if not task.done():
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
            await task
        raise StreamEndedError
    return task.result()
