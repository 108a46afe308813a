"""Endpoints that can be put into every kind of trouble, and say afterwards what arrived.

A broker refuses by its own means: a stream of NATS that is full, a topic of mosquitto without the
right to write, an exchange of RabbitMQ without a queue. Kafka's mock cluster has no such means.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import signal
from abc import ABC, abstractmethod
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.ports import free_port

from .brokers import BROKERS, PASSWORD, PASSWORD_VARIABLE, Broker, Message, RabbitMq
from .receiver import Receiver, receiver

OUTAGES = ("slow", "refusing", "silent", "stopped")
"""Answers late; answers with errors; takes and does not answer; does not exist."""


class Target(ABC):
    """Where a route leads; `begin` and `end` an outage of it."""

    outages: tuple[str, ...] = OUTAGES

    @abstractmethod
    async def start(self) -> dict[str, Any]:
        """Start it; return the body of its endpoint."""

    @abstractmethod
    async def begin(self, outage: str) -> None: ...

    @abstractmethod
    async def end(self, outage: str) -> None: ...

    @abstractmethod
    async def received(self, count: int) -> list[Message]:
        """Return all that arrived, in order."""

    @abstractmethod
    async def close(self) -> None: ...


class BrokerTarget(Target):
    """A broker's process."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.broker: Broker = BROKERS[kind](folder)
        self._slowness: asyncio.Task[None] | None = None
        if kind == "kafka":
            self.outages = ("slow", "silent")  # it has no means to refuse, and forgets when stopped

    async def start(self) -> dict[str, Any]:
        await asyncio.to_thread(self.broker.start)
        await self.broker.prepare()
        settings = self.broker.settings() | {"timeout": 1}
        if self.broker.kind == "amqp":
            await self._bind(True)
            settings["exchange"] = "outages"
        return {"kind": self.broker.kind, "settings": settings}

    async def begin(self, outage: str) -> None:
        if outage == "slow":
            self._slowness = asyncio.create_task(self._be_slow())
        elif outage == "refusing":
            await getattr(self, f"_refuse_{self.broker.kind}")()
        elif outage == "silent":
            self.broker.freeze()
        else:
            how = signal.SIGTERM if self.broker.loses_memory_when_killed else signal.SIGKILL
            await asyncio.to_thread(self.broker.stop, how)

    async def end(self, outage: str) -> None:
        if self._slowness is not None:
            self._slowness.cancel()
            await asyncio.gather(self._slowness, return_exceptions=True)
            self._slowness = None
        if outage == "refusing":
            await getattr(self, f"_take_{self.broker.kind}")()
        elif outage == "stopped":
            await asyncio.to_thread(self.broker.start)
        else:
            self.broker.thaw()

    async def received(self, count: int) -> list[Message]:
        return await self.broker.received(count)

    async def close(self) -> None:
        await asyncio.to_thread(self.broker.stop, signal.SIGKILL)

    async def _be_slow(self) -> None:
        while True:
            self.broker.signal_all(signal.SIGSTOP)
            await asyncio.sleep(0.2)
            self.broker.signal_all(signal.SIGCONT)
            await asyncio.sleep(0.02)

    async def _refuse_nats(self) -> None:
        await self._limit_stream(full=True)

    async def _take_nats(self) -> None:
        await self._limit_stream(full=False)

    async def _limit_stream(self, *, full: bool) -> None:
        import nats
        from nats.js.api import DiscardPolicy

        address = f"nats://127.0.0.1:{self.broker.port}"
        client = await nats.connect(address, user="kastor", password=PASSWORD)
        stream = await client.jetstream().stream_info("TWINS")
        changed = stream.config.evolve(
            max_msgs=max(1, stream.state.messages) if full else -1, discard=DiscardPolicy.NEW
        )
        await client.jetstream().update_stream(changed)
        await client.close()

    async def _refuse_mqtt(self) -> None:
        self._permit("read")

    async def _take_mqtt(self) -> None:
        self._permit("readwrite")

    def _permit(self, right: str) -> None:
        (self.broker.folder / "acl").write_text(f"user kastor\ntopic {right} kastor/#\n")
        self.broker.signal_all(signal.SIGHUP)

    async def _refuse_amqp(self) -> None:
        await self._bind(False)

    async def _take_amqp(self) -> None:
        await self._bind(True)

    async def _bind(self, bound: bool) -> None:
        """Let the exchange lead to the queue, or nowhere.

        The queue stays: one that is deleted takes with it what was confirmed a moment before.
        """
        assert isinstance(self.broker, RabbitMq)
        connection = await self.broker._connect()
        channel = await connection.channel()
        exchange = await channel.declare_exchange("outages", "fanout", durable=True)
        queue = await channel.get_queue("twins")
        await (queue.bind(exchange) if bound else queue.unbind(exchange))
        await connection.close()


class HookTarget(Target):
    """A webhook's receiver that speaks TLS and checks signatures."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._stack = AsyncExitStack()
        self._receiver = Receiver()
        self._earlier: list[Message] = []

    async def start(self) -> dict[str, Any]:
        opened = receiver(self._folder / "tls", self._port)
        self._receiver = await self._stack.enter_async_context(opened)
        settings = {
            "url": self._receiver.url,
            "ca_file": self._receiver.ca_file,
            "secret": {"env": PASSWORD_VARIABLE},
            "timeout": 1,
        }
        return {"kind": "webhook", "settings": settings}

    async def begin(self, outage: str) -> None:
        if outage == "slow":
            self._receiver.answer = self._answer_late
        elif outage == "refusing":
            self._receiver.answers(503, "busy")
        elif outage == "silent":
            self._receiver.answer = self._keep_and_say_nothing
        else:
            await self._stack.aclose()
            self._earlier = self._messages()

    async def end(self, outage: str) -> None:
        if outage == "stopped":
            await self.start()
        self._receiver.answer = None

    async def received(self, _count: int) -> list[Message]:
        return self._messages()

    async def close(self) -> None:
        await self._stack.aclose()

    def _messages(self) -> list[Message]:
        pairs = zip(self._receiver.headers, self._receiver.bodies, strict=True)
        return self._earlier + [_from_hook(headers, body) for headers, body in pairs]

    async def _answer_late(self, _request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.3)
        return web.Response()

    async def _keep_and_say_nothing(self, request: web.Request) -> web.StreamResponse:
        self._receiver.bodies.append(await request.read())
        self._receiver.headers.append({k.lower(): v for k, v in request.headers.items()})
        await asyncio.sleep(60)
        return web.Response(status=500)


def _from_hook(headers: dict[str, str], body: bytes) -> Message:
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.digest(PASSWORD.encode(), signed, hashlib.sha256)
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    event = json.loads(body)
    return Message(event["id"], event["subject"], json.dumps(event["data"]).encode(), {}, None)
