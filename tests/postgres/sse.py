"""Reads the feed of events: as a stream, which goes on at another node, and as pages."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit

from .wire import Line


async def stream(url: str, last_id: str | None = None) -> AsyncIterator[tuple[str, Any]]:
    """Yield position and event, or position and None where the position alone is told.

    Ends when the connection does.
    """
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    resume = "" if last_id is None else f"Last-Event-ID: {last_id}\r\n"
    request = f"GET /kastor/v1/events HTTP/1.1\r\nHost: {address.netloc}\r\n{resume}\r\n"
    try:
        writer.write(request.encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        while size := int(await reader.readline(), 16):  # each event is a chunk of its own
            chunk = (await reader.readexactly(size + 2)).decode()
            lines = (line.split(": ", 1) for line in chunk.strip().splitlines())
            fields = {line[0]: line[1] for line in lines}
            if fields.get("event") == "models":
                continue  # of no position
            data = fields.get("data")
            yield fields["id"], None if data is None else json.loads(data)
    except (OSError, asyncio.IncompleteReadError, ValueError):
        return
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


class Follower:
    """A client that resumes at the next node when its own is gone.

    Attributes:
        seen: positions and events, in the order in which they came.
        breaks: how often the stream ended.
    """

    def __init__(self, urls: list[str]) -> None:
        self.seen: list[tuple[int, Any]] = []
        self.breaks = 0
        self._urls = urls
        self._last: str | None = None
        self._ready = asyncio.Event()
        self.task = asyncio.create_task(self._run())

    async def ready(self) -> None:
        await self._ready.wait()

    async def until(self, position: int) -> None:
        """Wait for the event at a position, then stop."""
        await self._wait(lambda: bool(self.seen) and self.seen[-1][0] >= position)

    async def until_seen(self, event_id: str) -> None:
        """Wait for the event of this id, then stop."""
        await self._wait(lambda: any(event["id"] == event_id for _, event in self.seen[-1000:]))

    async def count(self, number: int) -> None:
        """Wait for so many events, then stop."""
        await self._wait(lambda: len(self.seen) >= number)

    async def _wait(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not holds():
                assert not self.task.done(), self.task
                await asyncio.sleep(0.02)
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task

    async def _run(self) -> None:
        while True:
            try:
                async for position, event in stream(self._urls[0], self._last):
                    self._last = position
                    self._ready.set()
                    if event is not None:
                        self.seen.append((int(position), event))
            except ConnectionRefusedError:
                await asyncio.sleep(0.1)
            self.breaks += 1
            self._urls = [*self._urls[1:], self._urls[0]]


async def pages(url: str, after: int, size: int) -> list[str]:
    """The ids of all events after a position, read page by page."""
    found: list[str] = []
    address = urlsplit(url)
    position = str(after)
    while True:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(
            f"GET /kastor/v1/events?format=ndjson&after={position} HTTP/1.1\r\n"
            f"Host: {address.netloc}\r\nmax-items-per-page: {size}\r\nConnection: close\r\n\r\n".encode()
        )
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        lines = body.splitlines()
        if not lines:
            return found
        found += [json.loads(line)["id"] for line in lines]
        position = headers["kastor-next-position"]


async def value_at(line: Line, twin: str) -> int:
    status, _, body = await line.get(f"/digitaltwins/{twin}")
    assert status == 200, body
    return int(json.loads(body)["n"])
