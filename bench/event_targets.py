"""Where a bench's events go: a webhook's receiver and a NATS server, in processes of their own.

A target knows the settings of its endpoint, how many events it has and when the last one came; what
came can be sent again with the client library alone, which is the floor of the relay.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

import httpx2
import nats
from nats.aio.msg import Msg
from nats.js.client import JetStreamContext

from processes import free_port, wait_for

STREAM = "BENCH"
SPAWN = multiprocessing.get_context("spawn")
Send = Callable[[Any], Awaitable[None]]


class Target(Protocol):
    """Takes events.

    Attributes:
        kind: of the endpoint.
        settings: of the endpoint.
        concurrency: events under way at once, the endpoint's default.
    """

    kind: str
    settings: dict[str, Any]
    concurrency: int

    async def clear(self) -> None:
        """Forget what came, so that the same events are new again."""

    async def count(self) -> int:
        """Return how many events came since."""

    async def listen(self) -> None:
        """Note the arrivals from now on."""

    def arrival(self) -> tuple[int, float]:
        """Return how many came and when the last; `perf_counter` is the same in every process."""

    async def messages(self) -> list[Any]:
        """Return what came, in a form that `sender` takes."""

    def sender(self) -> contextlib.AbstractAsyncContextManager[Send]:
        """Return what sends one message and waits until it is confirmed."""


async def wait_for_count(target: Target, count: int) -> None:
    """Wait; looking oftener would take the processor from those who are measured."""
    while await target.count() < count:  # noqa: ASYNC110 - it counts in another process
        await asyncio.sleep(0.01)


async def send_all(send: Send, messages: Iterable[Any], concurrency: int) -> None:
    pending = iter(messages)

    async def work() -> None:
        for message in pending:
            await send(message)

    await asyncio.gather(*(work() for _ in range(concurrency)))


class Webhook:
    """An HTTP server that answers at once."""

    kind = "webhook"
    concurrency = 16

    def __init__(self, port: int, state: Any, bodies: Connection) -> None:
        self.settings: dict[str, Any] = {"url": f"http://127.0.0.1:{port}/"}
        self._state, self._bodies = state, bodies

    async def clear(self) -> None:
        self._bodies.send("clear")
        self._bodies.recv()

    async def count(self) -> int:
        return int(self._state[0])

    async def listen(self) -> None:
        return

    def arrival(self) -> tuple[int, float]:
        return int(self._state[0]), float(self._state[1])

    async def messages(self) -> list[Any]:
        self._bodies.send("bodies")
        return list(self._bodies.recv())

    @asynccontextmanager
    async def sender(self) -> AsyncIterator[Send]:
        limits = httpx2.Limits(max_connections=self.concurrency)
        async with httpx2.AsyncClient(limits=limits) as http:

            async def send(body: bytes) -> None:
                (await http.post(self.settings["url"], content=body)).raise_for_status()

            yield send


@asynccontextmanager
async def webhook() -> AsyncIterator[Webhook]:
    state = SPAWN.Array("d", 2, lock=False)
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=_receive, args=(state, theirs), daemon=True)
    process.start()
    try:
        yield Webhook(ours.recv(), state, ours)
    finally:
        process.terminate()
        process.join(10)


def _receive(state: Any, pipe: Connection) -> None:
    """The receiver's process: counts events, keeps bodies, tells what it is asked."""
    bodies: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
                bodies.append(await reader.readexactly(length))
                state[1] = time.perf_counter()
                # A batch is an array, and each event has its version once.
                state[0] += bodies[-1].count(b'"specversion"')
                writer.write(b"HTTP/1.1 204 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    def answer() -> None:
        if pipe.recv() == "bodies":
            pipe.send(bodies)
        else:
            bodies.clear()
            state[0] = 0
            pipe.send(None)

    async def main() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        asyncio.get_running_loop().add_reader(pipe.fileno(), answer)
        await server.serve_forever()

    asyncio.run(main())


class Nats:
    """A stream of JetStream in files."""

    kind = "nats"
    concurrency = 64

    def __init__(self, url: str, stream: JetStreamContext) -> None:
        self.settings: dict[str, Any] = {"servers": [url], "stream": STREAM}
        self._url, self._stream = url, stream
        self._heard, self._last = 0, 0.0
        self._ears: JetStreamContext.PushSubscription | None = None

    async def clear(self) -> None:
        if self._ears is not None:
            await self._ears.unsubscribe()
            self._ears = None
        # Purging would keep the ids, and the same events would not be stored again.
        with contextlib.suppress(nats.js.errors.NotFoundError):
            await self._stream.delete_stream(STREAM)
        await self._stream.add_stream(name=STREAM, subjects=["kastor.>"])

    async def count(self) -> int:
        return (await self._stream.stream_info(STREAM)).state.messages

    async def listen(self) -> None:
        async def note(_: Msg) -> None:
            self._last = time.perf_counter()
            self._heard += 1

        self._ears = await self._stream.subscribe(
            "kastor.>", stream=STREAM, cb=note, ordered_consumer=True
        )

    def arrival(self) -> tuple[int, float]:
        return self._heard, self._last

    async def messages(self) -> list[Any]:
        reader = await self._stream.subscribe("kastor.>", stream=STREAM, ordered_consumer=True)
        found = [await reader.next_msg() for _ in range(await self.count())]
        await reader.unsubscribe()
        return [(message.subject, message.data, message.headers) for message in found]

    @asynccontextmanager
    async def sender(self) -> AsyncIterator[Send]:
        client = await nats.connect(self._url)
        stream = client.jetstream()

        async def send(message: tuple[str, bytes, dict[str, str]]) -> None:
            subject, data, headers = message
            await stream.publish(subject, data, stream=STREAM, headers=dict(headers))

        try:
            yield send
        finally:
            await client.close()


@asynccontextmanager
async def nats_server() -> AsyncIterator[Nats]:
    port = free_port()
    program = str(Path(sys.executable).parent / "nats-server")
    with tempfile.TemporaryDirectory() as folder:
        options = ["-a", "127.0.0.1", "-p", str(port), "-js", "-sd", folder]
        process = subprocess.Popen(  # noqa: ASYNC220 - nothing else runs yet
            [program, *options], stderr=subprocess.DEVNULL
        )
        try:
            wait_for(port)
            client = await nats.connect(f"nats://127.0.0.1:{port}")
            target = Nats(f"nats://127.0.0.1:{port}", client.jetstream())
            await target.clear()
            yield target
            await client.close()
        finally:
            process.terminate()
            process.wait(20)
