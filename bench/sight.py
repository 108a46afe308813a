"""What being watched costs a request: `python bench/sight.py [ROUNDS]`.

The application itself is called, without sockets: a GET of a twin that is not there. Ways
take turns in short rounds, and a difference is the median over rounds that stand beside each other,
so that a busy machine moves both.

- bare: the request's tag, its operation, the tracer's absence and the count are taken out.
- metrics: requests are counted, and nothing else of it.
- off: as a server without a collector runs.
- on: every request is followed; spans go to a queue that nobody reads, and are thrown away.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from kastor import tracing
from kastor.api.app import Application
from kastor.api.http.addressing import Addressing
from kastor.api.http.meter import RequestMeter
from kastor.api.http.server_state import ServerState
from kastor.config import load_settings
from kastor.graph.catalog import catalog_builder
from kastor.hosting.assembly import graph_opener
from kastor.hosting.graphs import Graphs
from kastor.hosting.limits import value_rules
from kastor.hosting.open import open_sqlite
from kastor.storage.sqlite.folder import DataFolder
from kastor.storage.sqlite.placement import FilePlacement
from kastor.vital import Vitals

REQUESTS = 2_000
LIMITS = {"metrics": 5.0, "off": 1.0}
"""Microseconds."""
SCOPE: dict[str, Any] = {
    "type": "http",
    "http_version": "1.1",
    "method": "GET",
    "scheme": "http",
    "path": "/digitaltwins/none",
    "raw_path": b"/digitaltwins/none",
    "query_string": b"api-version=2023-10-31",
    "headers": [(b"host", b"127.0.0.1:8080")],
    "client": ("127.0.0.1", 1),
    "server": ("127.0.0.1", 8080),
}


async def receive() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


async def send(_: Any) -> None:
    pass


@contextlib.contextmanager
def bare() -> Iterator[None]:
    async def call(self: Application, scope: Any, receive: Any, send: Any) -> None:
        await self._serve(scope, receive, send)

    def note(*_: Any) -> None:
        pass

    with (
        mock.patch.object(Application, "__call__", call),
        mock.patch.object(Application, "_note", note),
    ):
        yield


@contextlib.contextmanager
def metrics() -> Iterator[None]:
    async def call(self: Application, scope: Any, receive: Any, send: Any) -> None:
        await self._serve(scope, receive, send)

    def note(self: Application, name: str, scope: Any, status: int, seconds: float) -> None:
        self._server.meter.note(name, scope["method"], status, seconds)

    with (
        mock.patch.object(Application, "__call__", call),
        mock.patch.object(Application, "_note", note),
    ):
        yield


@contextlib.contextmanager
def off() -> Iterator[None]:
    yield


@contextlib.contextmanager
def on() -> Iterator[None]:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON

    from kastor.server.otel.tracer import OtelTracer

    provider = TracerProvider(shutdown_on_exit=False)
    tracing.install(OtelTracer(provider.get_tracer("bench"), ALWAYS_ON))
    yield
    tracing.install(None)


WAYS: dict[str, Callable[[], contextlib.AbstractContextManager[None]]] = {
    "bare": bare,
    "metrics": metrics,
    "off": off,
    "on": on,
}


async def one_round(app: Callable[[Any, Any, Any], Awaitable[None]]) -> float:
    """Microseconds of a request."""
    began = time.process_time()
    for _ in range(REQUESTS):
        await app(dict(SCOPE), receive, send)
    return (time.process_time() - began) / REQUESTS * 1e6


@contextlib.asynccontextmanager
async def application() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings({"data": Path(folder)})
        vitals = Vitals()
        data = DataFolder(settings.data)
        data.acquire()
        build = catalog_builder(value_rules(settings))
        opener = graph_opener(
            settings, lambda _, place: open_sqlite(settings, Path(place.address), build), vitals
        )
        graphs = Graphs(FilePlacement(data.graph_file.parent), opener, vitals, 10)
        await graphs.start()
        try:
            state = ServerState(graphs, meter=RequestMeter())
            yield Application(state, Addressing(None))
        finally:
            await graphs.close()
            data.release()


async def main(rounds: int) -> int:
    found: dict[str, list[float]] = {name: [] for name in WAYS}
    async with application() as app:
        gc.disable()
        for _ in range(3):
            await one_round(app)
        for number in range(rounds):
            names = list(WAYS) if number % 2 else list(reversed(WAYS))
            for name in names:
                with WAYS[name]():
                    # A class's method is what is called, so that a patch of it counts.
                    found[name].append(await one_round(lambda *a: type(app).__call__(app, *a)))
                gc.collect()
    floor = {"metrics": "bare", "off": "metrics", "on": "off"}
    worst = 0
    for name, times in found.items():
        line = f"{name:8} {statistics.median(times):7.2f} us a request"
        if name in floor:
            pairs = list(zip(times, found[floor[name]], strict=True))
            more = statistics.median(mine - theirs for mine, theirs in pairs)
            ratio = statistics.median(mine / theirs for mine, theirs in pairs)
            line += f"; {more:+.2f} us beside {floor[name]}, {ratio:.3f} times"
            if name in LIMITS:
                line += f" (limit {LIMITS[name]:.0f} us)"
                worst |= more > LIMITS[name]
        print(line)
    return int(worst)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)))
