"""Both clients, by one way to call them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

import pytest

from kastor.client import AsyncKastorClient, KastorClient, Retries

QUICK = Retries(attempts=4, first=0.005, longest=5.0)


class Asking(Protocol):
    """Returns what a call of a client returns."""

    def __call__(self, url: str, work: Callable[[Any], Any], **options: Any) -> Any: ...


def ask_waiting(url: str, work: Callable[[Any], Any], **options: Any) -> Any:
    with KastorClient(url, **{"retries": QUICK, **options}) as client:
        return work(client)


def ask_asynchronous(url: str, work: Callable[[Any], Any], **options: Any) -> Any:
    async def run() -> Any:
        async with AsyncKastorClient(url, **{"retries": QUICK, **options}) as client:
            return await work(client)

    return asyncio.run(run())


@pytest.fixture(params=[ask_waiting, ask_asynchronous], ids=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Asking:
    """Call the client that waits, then that of asyncio."""
    chosen: Asking = request.param
    return chosen
