"""Real brokers for the tests: started on loopback, stopped, frozen, and read to see what arrived.

NATS comes with the test dependencies, Kafka's protocol from librdkafka's own mock cluster, mosquitto
and RabbitMQ from Debian's packages: where one is missing, its tests are skipped and say so.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.ports import free_port
from tests.programs import need

PASSWORD = "correct horse"
PASSWORD_VARIABLE = "KASTOR_SECRET_BROKER"
START_SECONDS = 60.0


@dataclass(frozen=True)
class Message:
    """What a broker handed out."""

    id: str
    key: str
    data: bytes
    attributes: dict[str, str]
    content_type: str | None


def _group_states(leader: int) -> set[str]:
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, group = stat.read_text().rpartition(")")[2].split()[:3]
            if int(group) == leader:
                found.add(state)
    return found


class Broker(ABC):
    """A broker process."""

    kind: str
    loses_memory_when_killed = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    @abstractmethod
    def command(self) -> list[str]: ...

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Settings of an endpoint that works."""

    @abstractmethod
    async def prepare(self) -> None:
        """Make what events go to: a stream, a queue, a subscription."""

    @abstractmethod
    async def received(self, count: int) -> list[Message]:
        """All that arrived, in order; waits a while for `count`."""

    def wrong_login(self) -> dict[str, Any]:
        return {"username": "kastor", "password": {"env": "KASTOR_SECRET_WRONG"}}

    def environment(self) -> dict[str, str]:
        return {}

    def start(self) -> None:
        log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(
            self.command(),
            stdout=log,
            stderr=subprocess.STDOUT,
            env=os.environ | self.environment(),
            start_new_session=True,
        )
        log.close()
        wait_until(self.answers, START_SECONDS)

    def answers(self) -> bool:
        if self.process is not None and self.process.poll() is not None:
            raise RuntimeError((self.folder / "log").read_text()[-2000:])
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.2):
            return True
        return False

    def stop(self, how: int = signal.SIGTERM) -> None:
        """End the broker's processes, which are a group of their own."""
        process, self.process = self.process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGCONT)
            os.killpg(process.pid, how)
        process.wait(30)
        # A launching script goes at once; the broker behind it may be writing to its folder yet.
        wait_until(lambda: _group_states(process.pid) <= {"Z"}, 30)

    def freeze(self) -> None:
        self.signal_all(signal.SIGSTOP)
        wait_until(lambda: self.states() <= {"T", "Z"}, 10)

    def thaw(self) -> None:
        self.signal_all(signal.SIGCONT)

    def states(self) -> set[str]:
        """States of the broker's processes, all of its group."""
        assert self.process is not None
        return _group_states(self.process.pid)

    def signal_all(self, number: int) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, number)


class Nats(Broker):
    kind = "nats"

    def command(self) -> list[str]:
        program = need("nats-server")
        config = self.folder / "nats.conf"
        config.write_text(
            f'listen: "127.0.0.1:{self.port}"\nmax_payload: 65536\n'
            f'jetstream {{ store_dir: "{self.folder}/store" }}\n'
            f'authorization {{ user: kastor, password: "{PASSWORD}" }}\n'
        )
        return [str(program), "-c", str(config)]

    def settings(self) -> dict[str, Any]:
        return {
            "servers": [f"nats://127.0.0.1:{self.port}"],
            "stream": "TWINS",
            "username": "kastor",
            "password": {"env": PASSWORD_VARIABLE},
        }

    async def prepare(self) -> None:
        client = await self._client()
        stream = client.jetstream()
        with contextlib.suppress(Exception):
            await stream.delete_stream("TWINS")
        await stream.add_stream(name="TWINS", subjects=["kastor.>"])
        await client.close()

    async def received(self, count: int) -> list[Message]:
        client = await self._client()
        stream = client.jetstream()
        state = (await stream.stream_info("TWINS")).state
        found = []
        # An empty stream may say that it begins at 0, where no message can be.
        for sequence in range(max(state.first_seq, 1), state.last_seq + 1):
            message = await stream.get_msg("TWINS", sequence)
            headers: dict[str, str] = dict(message.headers or {})
            attributes = {k[3:]: v for k, v in headers.items() if k.startswith("ce-")}
            found.append(
                Message(
                    attributes.get("id", headers["Nats-Msg-Id"]),
                    str(message.subject).split(".")[1],
                    message.data or b"",
                    attributes,
                    headers.get("content-type"),
                )
            )
        await client.close()
        return found

    async def _client(self) -> Any:
        import nats

        return await nats.connect(f"nats://127.0.0.1:{self.port}", user="kastor", password=PASSWORD)


class Mosquitto(Broker):
    kind = "mqtt"
    loses_memory_when_killed = True

    def command(self) -> list[str]:
        program, hasher = need("mosquitto"), need("mosquitto_passwd")
        passwords = self.folder / "passwords"
        passwords.write_text(f"kastor:{PASSWORD}\n")
        passwords.chmod(0o600)
        subprocess.run([hasher, "-U", str(passwords)], check=True)
        config = self.folder / "mosquitto.conf"
        config.write_text(
            f"listener {self.port} 127.0.0.1\npassword_file {passwords}\nallow_anonymous false\n"
            f"persistence true\npersistence_location {self.folder}/\nmax_queued_messages 0\n"
            "max_inflight_messages 0\nmax_packet_size 65536\nuser root\n"
            f"acl_file {self._acl()}\n"
        )
        return [str(program), "-c", str(config)]

    def _acl(self) -> Path:
        acl = self.folder / "acl"
        acl.write_text("user kastor\ntopic readwrite kastor/#\n")
        acl.chmod(0o600)
        return acl

    def settings(self) -> dict[str, Any]:
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "username": "kastor",
            "password": {"env": PASSWORD_VARIABLE},
        }

    session = ""

    async def prepare(self) -> None:
        self.session = f"reader{time.monotonic_ns()}"
        await asyncio.to_thread(self._listen, 0, 0.0)

    async def received(self, count: int) -> list[Message]:
        return await asyncio.to_thread(self._listen, count, 10.0)

    def _listen(self, count: int, seconds: float) -> list[Message]:
        """Take what the broker holds for a session that outlives its connections."""
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.properties import Properties

        found: list[Message] = []
        subscribed = threading.Event()
        client = Client(
            CallbackAPIVersion.VERSION2, self.session, protocol=MQTTProtocolVersion.MQTTv5
        )
        client.username_pw_set("kastor", PASSWORD)
        client.on_connect = lambda c, *_: c.subscribe("kastor/#", qos=1)
        client.on_subscribe = lambda *_: subscribed.set()
        client.on_message = lambda _c, _u, message: found.append(_from_mqtt(message))
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 3_600
        client.connect("127.0.0.1", self.port, clean_start=False, properties=properties)
        client.loop_start()
        assert subscribed.wait(10)
        wait_quietly(lambda: len({each.id for each in found}) >= count, seconds)
        time.sleep(0.2)
        client.disconnect()
        client.loop_stop()
        return found


def _from_mqtt(message: Any) -> Message:
    attributes = dict(getattr(message.properties, "UserProperty", []))
    return Message(
        attributes.get("id", ""),
        message.topic.split("/")[1],
        message.payload,
        attributes,
        getattr(message.properties, "ContentType", None),
    )


class RabbitMq(Broker):
    kind = "amqp"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.epmd_port, self.node_port = free_port(), free_port()
        self._knows_queue = False

    def command(self) -> list[str]:
        program = need("rabbitmq-server")
        config = self.folder / "rabbitmq.conf"
        config.write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\ndefault_user = kastor\n"
            f"default_pass = {PASSWORD}\n"
        )
        plugins = self.folder / "enabled_plugins"
        plugins.write_text("[].\n")
        return [str(program)]

    def environment(self) -> dict[str, str]:
        folder = str(self.folder)
        return {
            "HOME": folder,
            "RABBITMQ_NODENAME": f"kastor{self.port}@localhost",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/enabled_plugins",
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia",
            "RABBITMQ_LOG_BASE": folder,
            "RABBITMQ_PID_FILE": f"{folder}/pid",
            "RABBITMQ_DIST_PORT": str(self.node_port),
            "ERL_EPMD_PORT": str(self.epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2"
            ),
        }

    def answers(self) -> bool:
        # The port opens before the broker takes logins.
        return super().answers() and b"Server startup complete" in self._new_log()

    def start(self) -> None:
        log = self.folder / "log"
        self._seen = log.stat().st_size if log.exists() else 0
        super().start()

    def _new_log(self) -> bytes:
        lines = b"".join(path.read_bytes() for path in self.folder.glob("kastor*@localhost.log"))
        return lines[self._log_start :]

    _log_start = 0

    def stop(self, how: int = signal.SIGTERM) -> None:
        if self.process is None:
            return
        super().stop(how)
        self._log_start = sum(
            path.stat().st_size for path in self.folder.glob("kastor*@localhost.log")
        )
        # epmd stays behind as a daemon, and only goes once it has noticed that its node is gone.
        wait_quietly(self._end_epmd, 5)

    def _end_epmd(self) -> bool:
        kill = [str(need("epmd")), "-port", str(self.epmd_port), "-kill"]
        answer = subprocess.run(kill, check=False, capture_output=True)
        return b"not allowed" not in answer.stdout + answer.stderr

    def settings(self) -> dict[str, Any]:
        return {
            "url": f"amqp://127.0.0.1:{self.port}/",
            "routing_key": "twins",
            "username": "kastor",
            "password": {"env": PASSWORD_VARIABLE},
        }

    async def prepare(self) -> None:
        connection = await self._connect()
        channel = await connection.channel()
        queue = await channel.declare_queue("twins", durable=True)
        await queue.purge()
        await connection.close()
        if not self._knows_queue:
            # A declared queue is on disk a while after it was confirmed; a kill would forget it.
            await asyncio.to_thread(self._write_down)
            self._knows_queue = True

    def _write_down(self) -> None:
        command = [str(need("rabbitmqctl")), "-q", "eval", "mnesia:dump_log()."]
        environment = os.environ | self.environment()
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        assert b"dumped" in done.stdout, done.stdout + done.stderr

    async def received(self, count: int) -> list[Message]:
        connection = await self._connect()
        channel = await connection.channel()
        queue = await channel.get_queue("twins")
        found = []
        while (message := await queue.get(fail=False, no_ack=True)) is not None:
            attributes = {
                k.removeprefix("cloudEvents:"): str(v) for k, v in message.headers.items()
            }
            key = attributes.get("subject", "").split("/")[0]
            found.append(
                Message(
                    message.message_id or "", key, message.body, attributes, message.content_type
                )
            )
        await connection.close()
        return found

    async def _connect(self) -> Any:
        import aio_pika

        return await aio_pika.connect(
            host="127.0.0.1", port=self.port, login="kastor", password=PASSWORD
        )


class KafkaMock(Broker):
    """librdkafka's mock cluster in a process of its own; it speaks the protocol, in memory."""

    kind = "kafka"
    loses_memory_when_killed = True

    def command(self) -> list[str]:
        return [sys.executable, "-m", "tests.events.kafka_mock", str(self.folder / "address")]

    def start(self) -> None:
        (self.folder / "address").unlink(missing_ok=True)
        super().start()
        self.port = int((self.folder / "address").read_text().rpartition(":")[2])

    def answers(self) -> bool:
        address = self.folder / "address"
        return address.exists() and address.read_text().endswith("\n")

    def settings(self) -> dict[str, Any]:
        return {"brokers": [f"127.0.0.1:{self.port}"], "topic": self.topic}

    topic = "twins"

    async def prepare(self) -> None:
        KafkaMock.topic = f"twins{time.monotonic_ns()}"

    async def received(self, count: int) -> list[Message]:
        return await asyncio.to_thread(self._consume, count)

    def _consume(self, count: int) -> list[Message]:
        from confluent_kafka import Consumer, TopicPartition

        consumer = Consumer(
            {
                "bootstrap.servers": f"127.0.0.1:{self.port}",
                "group.id": f"g{time.monotonic_ns()}",
                "auto.offset.reset": "earliest",
            }
        )
        partitions = consumer.list_topics(self.topic, timeout=10).topics[self.topic].partitions
        consumer.assign([TopicPartition(self.topic, each, 0) for each in partitions])
        found: list[Message] = []
        quiet_since = time.monotonic()
        enough = False
        while time.monotonic() - quiet_since < (0.5 if enough else 15):
            message = consumer.poll(0.1)
            if message is None or message.error():
                continue
            found.append(_from_kafka(message))
            quiet_since = time.monotonic()
            enough = len({each.id for each in found}) >= count
        consumer.close()
        return found


def _from_kafka(message: Any) -> Message:
    headers = {name: value.decode() for name, value in message.headers() or []}
    attributes = {k.removeprefix("ce_"): v for k, v in headers.items() if k.startswith("ce_")}
    return Message(
        attributes.get("id", ""),
        message.key().decode(),
        message.value(),
        attributes,
        headers.get("content-type"),
    )


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    assert wait_quietly(condition, seconds), "waited in vain"


def wait_quietly(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


BROKERS: dict[str, type[Broker]] = {
    each.kind: each for each in (Nats, Mosquitto, RabbitMq, KafkaMock)
}
