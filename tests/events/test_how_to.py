"""The how-to pages of endpoints, followed as they are written, with real brokers.

Settings and `kastor` lines are the pages' own; only addresses and logins are the test's. What needs
a broker's own command-line tools is done with client libraries, but for mosquitto's.
"""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest

from kastor.testing import KastorServer
from tests.programs import need

from .brokers import BROKERS, PASSWORD, PASSWORD_VARIABLE, Broker, RabbitMq
from .receiver import receiver
from .test_documentation import page

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(180)]
MODEL = {"@id": "dtmi:howto:Room;1", "@type": "Interface", "@context": "dtmi:dtdl:context;3",
         "contents": [{"@type": "Property", "name": "t", "schema": "double"}]}  # fmt: skip
Count = Callable[[], Awaitable[int]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Reader:
    """Someone who follows a page in a folder of their own."""

    def __init__(self, kind: str, folder: Path, server: KastorServer) -> None:
        self.text = page(kind)
        self.folder = folder
        self.server = server
        program = folder / "kastor"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m kastor "$@"\n')
        program.chmod(0o755)

    def write_settings(self, change: dict[str, str]) -> None:
        """Write the files that the page shows, with other addresses."""
        for name, text in re.findall(r"`([\w.]+)`:\n\n```json\n(.*?)```", self.text, re.DOTALL):
            changed = text
            for old, new in change.items():
                assert old in text, f"the page's {name} has no {old}"
                changed = changed.replace(old, new)
            (self.folder / name).write_text(changed)

    def commands(self, program: str) -> list[str]:
        """The page's lines that run a program, until its settings are explained."""
        lines = self.text.partition("## Settings")[0].splitlines()
        return [line for line in lines if line.startswith(f"{program} ")]

    def run(self, command: str) -> str:
        environment = os.environ | {
            "PATH": f"{self.folder}:{os.environ['PATH']}",
            "KASTOR_URL": self.server.url,
        }
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=self.folder, env=environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def write_twins(self) -> None:
        """A twin that comes, and changes: one event of each kind that the pages' routes want."""
        version = {"api-version": "2023-10-31"}
        with httpx2.Client(base_url=self.server.url, params=version) as http:
            assert http.post("/models", json=[MODEL]).status_code == 201
            twin = {"$metadata": {"$model": MODEL["@id"]}}
            assert http.put("/digitaltwins/room1", json=twin).status_code == 200
            patch = [{"op": "add", "path": "/t", "value": 21.5}]
            assert http.patch("/digitaltwins/room1", json=patch).status_code == 204


async def follow(reader: Reader, count: Count) -> None:
    """Run the page's `kastor` lines, write, and see events arrive and the route content."""
    commands = reader.commands("kastor")
    assert [each.split()[1] for each in commands[:2]] == ["endpoint", "route"]
    status = [each for each in commands if " status " in each]
    for command in commands:
        if command not in status:
            await asyncio.to_thread(reader.run, command)
    await asyncio.to_thread(reader.write_twins)
    end = time.monotonic() + 20
    while await count() == 0:
        assert time.monotonic() < end, reader.server.output
        await asyncio.sleep(0.1)
    for command in status:
        said = await asyncio.to_thread(reader.run, command)
        assert "running" in said, said
        assert PASSWORD not in said


async def test_file(tmp_path: Path) -> None:
    with KastorServer(("--file-root", str(tmp_path))) as server:
        reader = Reader("file", tmp_path, server)
        reader.write_settings({"/var/lib/kastor/events": str(tmp_path)})

        async def count() -> int:
            (tail,) = reader.commands("tail")
            command = tail.replace("/var/lib/kastor/events", str(tmp_path))
            shown = reader.run(command.replace("tail -f", "tail"))
            return shown.count('"specversion"')

        await follow(reader, count)


async def test_webhook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KASTOR_SECRET_HOOK", PASSWORD)
    async with receiver() as hook:
        with KastorServer() as server:
            reader = Reader("webhook", tmp_path, server)
            reader.write_settings({"https://hooks.example.org/twins": hook.url})

            async def count() -> int:
                return len(hook.bodies)

            await follow(reader, count)
    assert "webhook-signature" in hook.headers[0]


ADDRESSES = {
    "nats": {"nats.example.org:4222": "127.0.0.1:{port}"},
    "mqtt": {'"broker.example.org"': '"127.0.0.1", "port": {port}'},
    "kafka": {
        "kafka1.example.org:9092": "127.0.0.1:{port}",
        ', "kafka2.example.org:9092"': "",
        '"twins"': '"{topic}"',
    },
    "amqp": {
        "amqps://rabbit.example.org/plant": "amqp://127.0.0.1:{port}/",
        "/var/lib/kastor/secrets/rabbit": "{data}/secrets/rabbit",
    },
}


@pytest.mark.parametrize("kind", sorted(ADDRESSES))
async def test_broker(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (PASSWORD_VARIABLE, "KASTOR_SECRET_NATS", "KASTOR_SECRET_MQTT"):
        monkeypatch.setenv(variable, PASSWORD)
    broker = BROKERS[kind](tmp_path / "broker")
    with ExitStack() as stack:
        stack.callback(broker.stop)
        await asyncio.to_thread(broker.start)
        await broker.prepare()
        server = stack.enter_context(KastorServer())
        reader, data = Reader(kind, tmp_path, server), server.data_dir
        (data / "secrets").mkdir()
        (data / "secrets" / "rabbit").write_text(PASSWORD)
        values = {"port": broker.port, "data": data, "topic": getattr(broker, "topic", "")}
        reader.write_settings({o: n.format(**values) for o, n in ADDRESSES[kind].items()})
        if kind == "amqp":
            await _lead_to_a_queue(broker)
        counter = _count_with_mosquitto(reader, broker, stack) if kind == "mqtt" else _count(broker)
        await follow(reader, counter)


def _count(broker: Broker) -> Count:
    async def count() -> int:
        return len(await broker.received(1))

    return count


async def _lead_to_a_queue(broker: Broker) -> None:
    """What the page's `rabbitmqadmin` lines do, which need a plugin; the test's queue is `twins`."""
    assert isinstance(broker, RabbitMq)
    connection = await broker._connect()
    channel = await connection.channel()
    exchange = await channel.declare_exchange("twins", "topic", durable=True)
    queue = await channel.get_queue("twins")
    await queue.bind(exchange, "Twin.Update.#")
    await connection.close()


def _count_with_mosquitto(reader: Reader, broker: Broker, stack: ExitStack) -> Count:
    """Subscribe with the page's own line."""
    program = need("mosquitto_sub")
    (broker.folder / "acl").write_text("user kastor\ntopic readwrite twins/#\n")
    broker.signal_all(1)
    (command,) = reader.commands("mosquitto_sub")
    command = command.replace("mosquitto_sub", shlex.quote(str(program)), 1)
    command = command.replace("broker.example.org", f"127.0.0.1 -p {broker.port}")
    command = command.replace("-P ...", f"-P '{PASSWORD}'")
    shown = reader.folder / "shown"
    process = subprocess.Popen(["sh", "-c", f"exec {command} > {shown}"], cwd=reader.folder)
    stack.callback(process.wait)
    stack.callback(process.terminate)
    time.sleep(1)

    async def count() -> int:
        return shown.read_text().count("twins/room1/Twin.Update ")

    return count
