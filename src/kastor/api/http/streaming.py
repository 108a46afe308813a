"""Sends answers without an end: each step also waits for whatever is to end them.

The HTTP server does not tell a running response that its client has gone or that it is to stop;
without this every restart would wait for its time limit, and a client that never reads would hold a
task for ever. Nor would a revoked token end what it began. A client that does not read for a while
loses its stream, and with it what was kept for it; when it reads again it is told so.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from kastor.errors import KastorError, TooManyRequests
from kastor.logs import get_logger
from kastor.words import counted

if TYPE_CHECKING:
    from kastor.api.http.request import Receive, Send, StreamResponse
    from kastor.budget import StreamShare

STALL_SECONDS = 30.0
FAREWELL_SECONDS = 300.0
"""How long a client whose stream has ended may take to begin to read again and be told."""

T = TypeVar("T")

_log = get_logger("kastor.http")


class StreamEndedError(Exception):
    """The client went away, the server stops, or the token was revoked."""


class StalledError(Exception):
    """The client does not read."""


class Chunks(Protocol):
    """What is sent, part by part, and closed at the end."""

    async def __anext__(self) -> bytes:
        """Return the next part."""

    async def aclose(self) -> None:
        """Let go of what it is read from."""


class Shared:
    """Chunks that have their place among the streams for as long as they are read."""

    def __init__(self, found: Chunks, share: StreamShare) -> None:
        self._found, self._share = found, share

    def __aiter__(self) -> Shared:
        """Return itself."""
        return self

    async def __anext__(self) -> bytes:
        """Return the next part."""
        return await self._found.__anext__()

    async def aclose(self) -> None:
        """Give the place back."""
        self._share.leave()
        await self._found.aclose()


async def send_stream(
    response: StreamResponse,
    receive: Receive,
    send: Send,
    draining: asyncio.Event,
    stall_seconds: float = STALL_SECONDS,
) -> None:
    """Send a stream until its end, its client's or the server's, or until its access ends.

    Args:
        response: the stream.
        receive: of the connection.
        send: of the connection.
        draining: set when the server stops.
        stall_seconds: for which a client may leave what is sent unread.
    """
    headers = [
        (b"content-type", response.content_type),
        (b"x-accel-buffering", b"no"),
        *response.headers,
    ]
    if all(name != b"cache-control" for name, _ in response.headers):
        headers.append((b"cache-control", b"no-store"))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    enders: tuple[asyncio.Future[Any], ...] = (
        asyncio.ensure_future(_until_gone(receive)),
        asyncio.ensure_future(draining.wait()),
    )
    if response.access_lost is not None:
        enders += (asyncio.ensure_future(response.access_lost()),)
    try:
        whole = await _send_chunks(response, send, enders, stall_seconds)
    finally:
        for ender in enders:
            ender.cancel()
    if whole and not enders[0].done():
        last = {"type": "http.response.body", "body": b"", "more_body": False}
        with contextlib.suppress(TimeoutError):  # the client may never read again
            await asyncio.wait_for(send(last), 0.1)


async def _send_chunks(
    response: StreamResponse,
    send: Send,
    enders: tuple[asyncio.Future[Any], ...],
    stall_seconds: float,
) -> bool:
    """Send what there is; return whether the answer may be ended as one that is whole."""
    try:
        try:
            while True:
                if any(each.done() for each in enders):  # also where nothing is waited for
                    raise StreamEndedError
                chunk = await _unless_ended(anext(response.chunks), enders)
                await _unless_ended(send(_part(chunk)), enders, stall_seconds)
        finally:
            with contextlib.suppress(RuntimeError):  # a step of it was cancelled just now
                await response.chunks.aclose()  # type: ignore[attr-defined]
    except StopAsyncIteration:
        return True
    except StreamEndedError:
        pass
    except KastorError as error:
        if not response.ends:
            raise
        _log.warning("an answer was cut off", code=error.code, reason=error.message)
    except StalledError:
        if response.farewell is not None:
            last_chunk = _part(response.farewell(_not_read(stall_seconds)))
            with contextlib.suppress(StalledError, StreamEndedError):
                await _unless_ended(send(last_chunk), enders, FAREWELL_SECONDS)
    return not response.ends


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _part(chunk: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": chunk, "more_body": True}


def _not_read(seconds: float) -> KastorError:
    return TooManyRequests(
        f"The stream was not read for {counted(seconds, 'second')} (setting "
        "stream_stall_seconds), so it has ended. Begin again, and read what comes as it comes."
    )


async def _unless_ended(
    work: Awaitable[T], enders: tuple[asyncio.Future[Any], ...], seconds: float | None = None
) -> T:
    task = asyncio.ensure_future(work)
    done, _ = await asyncio.wait(
        (task, *enders), timeout=seconds, return_when=asyncio.FIRST_COMPLETED
    )
    if not task.done():
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
            await task
        raise StreamEndedError if done else StalledError
    return task.result()
