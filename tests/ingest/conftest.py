"""One broker and one server for the tests that leave them running."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.events.brokers import PASSWORD, PASSWORD_VARIABLE, Mosquitto
from tests.ingest.world import Graph, Publisher
from tests.system.program import serving

TWINS = [f"room-r{n}" for n in range(10)]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    broker = Mosquitto(tmp_path_factory.mktemp("broker"))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def publisher(broker: Mosquitto) -> Iterator[Publisher]:
    publisher = Publisher(broker.port)
    yield publisher
    publisher.close()


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    data = tmp_path_factory.mktemp("data")
    with serving(data, **{PASSWORD_VARIABLE: PASSWORD, "KASTOR_SECRET_WRONG": "w"}) as served:
        graph = Graph(served.url)
        graph.fill(TWINS)
        yield graph
