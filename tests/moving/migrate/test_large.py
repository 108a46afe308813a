"""A migration that is killed twice while somebody writes, and the way back.

`python3 dev test --slow` sets KASTOR_MIGRATE_TWINS to 50,000, with 70,000 relationships.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kastor.client import KastorClient
from kastor.testing import KastorServer

from .graphs import Traffic, documents, fill, link, room
from .program import run, start, wait_until

TWINS = int(os.environ.get("KASTOR_MIGRATE_TWINS", "1500"))
RELATIONSHIPS = TWINS * 7 // 5
INTO_THROTTLED = TWINS if TWINS > 1_500 else 220
SECONDS = 120 + TWINS / 25
THROTTLED = ("--profile", "adt", "--adt-rates", "on")
pytestmark = pytest.mark.timeout(3 * SECONDS)


@contextmanager
def traffic(url: str, twins: int, every: float = 0.02) -> Iterator[Traffic]:
    """Somebody writes meanwhile."""
    made, stop = Traffic(url, twins, seed=14), threading.Event()
    faults: list[BaseException] = []

    def go() -> None:
        try:
            while not stop.is_set():
                made.one()
                time.sleep(every)
        except BaseException as error:  # noqa: BLE001 - told by the test
            faults.append(error)

    thread = threading.Thread(target=go)
    thread.start()
    try:
        yield made
    finally:
        stop.set()
        thread.join()
        made.close()
    assert not faults, faults


def count(url: str) -> int:
    with KastorClient(url) as client:
        return sum(
            next(iter(client.query(f"SELECT COUNT() FROM {kind}")))["COUNT"]
            for kind in ("digitaltwins", "relationships")
        )


def killed_twice(home: Path, source: str, target: str, total: int) -> None:
    """Begin a migration two times, each of which ends without a warning."""
    with KastorClient(target) as client:
        for part in (0.2, 0.6):
            with start(home, "--from", source, "--to", target, "--follow") as process:
                wait_until(
                    lambda: (
                        process.poll() is not None or sum(_counts(client)) > part * total  # noqa: B023 - asked at once
                    ),
                    SECONDS,
                )
                assert process.poll() is None, process.communicate()
                process.kill()


def _counts(client: KastorClient) -> list[int]:
    return [
        next(iter(next(iter(client.query(f"SELECT COUNT() FROM {kind}"))).values()))
        for kind in ("digitaltwins", "relationships")
    ]


@pytest.fixture
def throttled(tmp_path: Path) -> Iterator[KastorServer]:
    """A server as narrow as the cloud, with a graph."""
    folder = tmp_path / "throttled"
    folder.mkdir()
    with KastorServer(data_dir=folder) as server:
        fill(server.url, TWINS, RELATIONSHIPS)
    with KastorServer(THROTTLED, data_dir=folder) as server:
        yield server


def test_from_a_throttled_server_and_back(
    throttled: KastorServer, kastor: KastorServer, tmp_path: Path
) -> None:
    kastor.reset()
    source, target = throttled.url, kastor.url
    with traffic(source, TWINS) as writer:
        killed_twice(tmp_path, source, target, TWINS + RELATIONSHIPS)
        last = start(tmp_path, "--from", source, "--to", target, "--until-equal", "--every", 0.2)
        with last as process:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(2)]
            assert all(each.startswith("Round ") for each in lines), process.communicate()
            writes = writer.writes
            wait_until(lambda: writer.writes > writes + 5 or process.poll() is not None)
            assert process.poll() is None, "it ended while somebody wrote"
            _stop(writer)
            out, err = process.communicate(timeout=SECONDS)
    print("".join(lines) + out)
    assert process.returncode == 0, (out, err)
    assert "Source and target are equal" in out
    assert documents(source) == documents(target)
    _change(target)
    back = run(tmp_path, "--from", target, "--to", source, seconds=SECONDS)
    print(back.stdout)
    assert back.returncode == 0, back
    assert "2 created, 2 changed" in back.stdout
    assert documents(source) == documents(target)


def _stop(writer: Traffic) -> None:
    """The source is stopped: nobody writes to it any more."""
    writer.one = lambda: time.sleep(0.01)  # type: ignore[method-assign]


def _change(url: str) -> None:
    """What people do at the new server before they go back."""
    with KastorClient(url) as client:
        client.twins.put("later", room(70))
        client.relationships.put("later", "up", link("t1"))
        client.twins.patch("t2", [{"op": "remove", "path": "/label"}])
        client.relationships.put("t1", "r1", link("t1500" if TWINS > 1_500 else "t9"))
        for each in client.relationships.list("t3").collect():
            client.relationships.delete("t3", each["$relationshipId"])
        for each in client.relationships.incoming("t3").collect():
            client.relationships.delete(each["$sourceId"], each["$relationshipId"])
        client.twins.delete("t3")


def test_into_a_throttled_server(kastor: KastorServer, tmp_path: Path) -> None:
    kastor.reset()
    fill(kastor.url, INTO_THROTTLED, INTO_THROTTLED * 7 // 5)
    with KastorServer(THROTTLED) as target:
        total = INTO_THROTTLED * 12 // 5
        with traffic(kastor.url, INTO_THROTTLED):
            killed_twice(tmp_path, kastor.url, target.url, total)
        last = run(
            *(tmp_path, "--from", kastor.url, "--to", target.url, "--until-equal"),
            *("--every", 0.2),
            seconds=SECONDS,
        )
        print(last.stdout)
        assert last.returncode == 0, last
        assert documents(kastor.url) == documents(target.url)
