"""The client of asyncio as if it waited, so that a test is written once for both."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from kastor.client import AsyncKastorClient, KastorClient

_GROUPS = "asynchronous"


class Blocking:
    """Hands everything on to something asynchronous, and waits for what comes back."""

    def __init__(self, inner: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._inner, self._loop = inner, loop

    def __getattr__(self, name: str) -> Any:
        return self._settled(getattr(self._inner, name))

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._settled(self._inner(*arguments, **named))

    def _settled(self, found: Any) -> Any:
        if inspect.isawaitable(found):
            return self._settled(self._loop.run_until_complete(found))
        ours = type(found).__module__.startswith(f"kastor.client.{_GROUPS}")
        if ours or inspect.ismethod(found) or inspect.isasyncgen(found) or _manages(found):
            return Blocking(found, self._loop)
        return found

    def __iter__(self) -> Iterator[Any]:
        items = aiter(self._inner)
        try:
            while True:
                try:
                    yield self._loop.run_until_complete(anext(items))
                except StopAsyncIteration:
                    return
        finally:
            self._loop.run_until_complete(items.aclose())

    def __enter__(self) -> Any:
        return self._settled(self._loop.run_until_complete(self._inner.__aenter__()))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.run_until_complete(self._inner.__aexit__(kind, error, trace))


def _manages(found: Any) -> bool:
    return hasattr(found, "__aenter__")


def blocking(url: str, loop: asyncio.AbstractEventLoop, **options: Any) -> KastorClient:
    """Return a client of asyncio that waits, as it is typed where it waits by itself."""
    made: Any = Blocking(AsyncKastorClient(url, **options), loop)
    return made  # type: ignore[no-any-return]
