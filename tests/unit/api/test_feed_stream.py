"""A stream of the feed whose store fails ends in words; its reader goes on where it was."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from kastor.api.own.feed import _stream
from kastor.errors import TooManyRequests, Unavailable
from kastor.records import SYSTEM

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize("error", [Unavailable("the store is away"), TooManyRequests("too many")])
async def test_what_ends_it_is_its_last_word(error: Exception) -> None:
    async def follow(*_: object) -> AsyncIterator[Any]:
        for never in list[Any]():
            yield never
        raise error

    left: list[bool] = []
    feed: Any = SimpleNamespace(follow=follow)
    share: Any = SimpleNamespace(leave=lambda: left.append(True))
    wants: Any = None
    chunks = [chunk async for chunk in _stream(feed, 7, wants, SYSTEM, share, models=True)]
    assert chunks[0].endswith(b"id: 7\n\n")
    assert chunks[-1] == b": " + str(error).encode() + b"\n\n"
    assert left == [True]
