"""Client libraries that cancel whoever waits for them, when a connection breaks."""

from __future__ import annotations

import asyncio

import pytest

from kastor.events.model import Delivered, DeliveryFault, Event
from kastor.events.sinks.connected import ConnectedSink

from .factory import updates

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Cancelling(ConnectedSink):
    """Waits, where it is told to, for something that is cancelled."""

    def __init__(self, *places: str) -> None:
        super().__init__("broker:1", 4, 5.0)
        self.places = set(places)
        self.connected = False

    def _is_connected(self) -> bool:
        return self.connected

    async def _connect(self) -> None:
        await self.wait("connect")
        self.connected = True

    async def _disconnect(self) -> None:
        self.connected = False
        await self.wait("disconnect")

    async def _send(self, event: Event) -> DeliveryFault | None:
        await self.wait("send")
        return None

    async def wait(self, place: str) -> None:
        if place in self.places:
            broken = asyncio.get_running_loop().create_future()
            broken.cancel()
            await broken


@pytest.mark.parametrize("place", ["connect", "send"])
async def test_a_cancelled_wait_is_a_fault_and_not_the_end_of_the_route(place: str) -> None:
    sink = Cancelling(place, "disconnect")
    await sink.open()
    expected = DeliveryFault("unavailable", "broker:1: the connection broke")
    assert await sink.deliver(updates(3)) == Delivered(0, expected)
    sink.places.clear()
    assert await sink.deliver(updates(3)) == Delivered(3)
    await sink.close()


async def test_a_route_that_is_stopped_ends_while_it_connects() -> None:
    class Slow(Cancelling):
        async def _connect(self) -> None:
            await asyncio.sleep(60)

    work = asyncio.create_task(Slow().deliver(updates(3)))
    await asyncio.sleep(0)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
