"""The HTTP server: serves until it is told to end, then lets go without losing a request.

The end has steps. At the first signal `/readyz` says no and every answer is the last one of its
connection. For `drain_seconds` new connections are still taken: load balancers need a while to
notice. Then nobody is accepted any more, streams end by themselves (without that time they do so at
the signal), and requests under way have `shutdown_seconds`. What is left is cut off, and told so.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import uvicorn

from kastor.edge.accept import Acceptor
from kastor.edge.protocol import EdgeProtocol
from kastor.edge.refusing import take_no_more
from kastor.edge.watch import Edge
from kastor.logs import flush, get_logger
from kastor.types import override

if TYPE_CHECKING:
    import ssl
    from types import FrameType

    from starlette.types import ASGIApp

    from kastor.api.http.lifecycle import Lifecycle
    from kastor.server.notify import Notifier

SETTLE_SECONDS = 0.5
"""So long an open connection without a request is kept for the one that is on its way."""
HANDSHAKE_SECONDS = 0.1
"""In which handshakes come to their end that began before the socket took no more."""
LOOK_SECONDS = 0.02
CUT_SECONDS = 1.0
"""In which what was cut off has to end."""

_log = get_logger("kastor.server")


@dataclass(slots=True)
class DrainTimes:
    """How long the end may take; seconds.

    Attributes:
        drain: in which requests are still taken.
        shutdown: that requests under way have after that.
    """

    drain: float
    shutdown: float


class Server(uvicorn.Server):
    """uvicorn behind our own edge, with an end of our own."""

    def __init__(
        self,
        config: uvicorn.Config,
        edge: Edge,
        lifecycle: Lifecycle,
        *,
        end_streams: Callable[[], None],
        times: DrainTimes,
        notifier: Notifier,
        is_one_of_several: bool = False,
    ) -> None:
        """Prepare.

        Args:
            config: of uvicorn.
            edge: what connections share.
            lifecycle: is told that the end has begun.
            end_streams: has streams end by themselves.
            times: how long the end may take; may be changed until then.
            notifier: is told that the end has begun.
            is_one_of_several: a supervisor passes signals on, which may come twice for that.
        """
        super().__init__(config)
        self.edge = edge
        self.times = times
        self._lifecycle = lifecycle
        self._end_streams = end_streams
        self._notifier = notifier
        self._is_one_of_several = is_one_of_several
        self._ending, self._cut = asyncio.Event(), asyncio.Event()
        self._is_over = self._drains = False
        self._acceptors: list[Acceptor] = []
        self._waiting: dict[EdgeProtocol, float] = {}

    # Signals

    def catch_signals(self) -> None:
        """End gracefully from now on; called before anybody is told that the server is there."""
        loop = asyncio.get_running_loop()
        quick = (signal.SIGQUIT,) if hasattr(signal, "SIGQUIT") else ()
        for number in (signal.SIGTERM, signal.SIGINT, *quick):
            try:
                loop.add_signal_handler(number, self.handle_exit, number, None)
            except NotImplementedError:  # Windows
                signal.signal(number, self.handle_exit)

    @override
    def handle_exit(self, sig: int, frame: FrameType | None = None) -> None:
        """Begin to end; a second signal cuts off what is left, and SIGQUIT does so at once."""
        quick = sig not in (signal.SIGTERM, signal.SIGINT)
        first = not self._ending.is_set()
        if first:
            self.begin_end()
        if not quick and (first or self._is_one_of_several):
            return
        if self._is_over or self._cut.is_set():
            # What was acknowledged is on disk, and somebody has no patience left.
            flush()
            os._exit(128 + sig)
        self._cut.set()

    def begin_end(self) -> None:
        """Say everywhere that the end is near."""
        self._lifecycle.draining = self.edge.leaving = True
        self._ending.set()
        for connection in self._connections():
            connection.leave()
        running = len(self.server_state.tasks)
        self._notifier.stopping(f"Ending; {running} requests under way")
        self._drains = running > 0 or self.times.drain > 0
        if self._drains:  # else it ends at once, and there is nothing to tell
            _log.info(
                "drain began",
                requests=running,
                connections=len(self.server_state.connections),
                drain_seconds=self.times.drain,
                shutdown_seconds=self.times.shutdown,
            )

    @contextlib.contextmanager
    @override
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to `catch_signals`."""
        yield

    # Serving

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections of the sockets."""
        connections: Any = self.server_state.connections

        def make() -> EdgeProtocol:
            return EdgeProtocol(self.config, self.server_state, self.edge)

        self._acceptors = [
            Acceptor(each, self.edge, make, connections, self.config.ssl) for each in sockets or ()
        ]
        self._watch = asyncio.get_running_loop().create_task(self.edge.watch(connections))
        self.started = True

    @override
    async def main_loop(self) -> None:
        """Serve until the end is near; the header Date moves once a second."""
        while not self._ending.is_set():
            await self.on_tick(0)
            await _wait(self._ending, 1.0)

    def use(self, app: ASGIApp) -> None:
        """Have another application answer from the next request on."""
        self.config.loaded_app = app
        for connection in self._connections():
            connection.app = app

    def use_certificate(self, context: ssl.SSLContext) -> None:
        """Show another certificate to those who connect from now on."""
        self.config.ssl = context
        for acceptor in self._acceptors:
            acceptor.tls = context

    # The end

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let go, step by step; see the module."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        if not self.times.drain:
            self._end_streams()  # they have nothing on its way that would be waited for
        had_clients = await self._settle()
        if not self._is_one_of_several:  # else the supervisor did so: the socket is everybody's
            for each in sockets or ():
                take_no_more(each)
            # Handshakes that had begun reach the queue a moment later; an idle server has none.
            await asyncio.sleep(HANDSHAKE_SECONDS if had_clients else 0)
        for acceptor in self._acceptors:
            await acceptor.stop()
        self.edge.draining = True
        self._end_streams()
        for connection in self._connections():
            if not connection.is_waiting:
                connection.shutdown()  # what was begun as one of several answers is the last one
        await self._let_finish(loop.time() + self.times.shutdown)
        cut = await self._cut_off()
        for acceptor in self._acceptors:
            acceptor.close()
        self._watch.cancel()
        self._is_over = True
        seconds = round(loop.time() - began, 2)
        if cut:
            _log.warning("drain ended", requests_cut=cut, seconds=seconds)
        elif self._drains:
            _log.info("drain ended", requests_cut=0, seconds=seconds)

    async def _settle(self) -> bool:
        """Take requests for as long as is wanted, at least those that are on their way.

        Returns:
            Whether there were clients meanwhile.
        """
        loop = asyncio.get_running_loop()
        began, had_clients = loop.time(), False
        while not self._cut.is_set():
            passed = loop.time() - began
            is_empty = not self.server_state.connections and not self._opening()
            had_clients = had_clients or not is_empty
            if self._is_one_of_several:  # after its supervisor has closed the queue
                wanted = self.times.drain + SETTLE_SECONDS
            else:
                wanted = max(self.times.drain, 0.0 if is_empty else SETTLE_SECONDS)
            if passed >= wanted:
                break
            await self.on_tick(0)
            self._look_who_waits()
            await _wait(self._cut, LOOK_SECONDS)
        return had_clients

    async def _let_finish(self, deadline: float) -> None:
        """Wait for what is under way; end connections that have had the time to begin something."""
        loop = asyncio.get_running_loop()
        patience = loop.time() + SETTLE_SECONDS
        while not self._cut.is_set() and loop.time() < deadline:
            if loop.time() >= patience:
                for acceptor in self._acceptors:
                    acceptor.close()  # handshakes that do not come to an end
            self._look_who_waits()
            for connection, since in self._waiting.items():
                if loop.time() - since >= SETTLE_SECONDS:
                    connection.shutdown()
            if not (self.server_state.connections or self.server_state.tasks or self._opening()):
                return
            await _wait(self._cut, LOOK_SECONDS)

    async def _cut_off(self) -> int:
        """End what is left; return how many requests that were."""
        for connection in self._connections():
            connection.cut()
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CUT_SECONDS)
        for connection in self._connections():
            connection.shutdown()
        return len(tasks)

    def _look_who_waits(self) -> None:
        now, before = asyncio.get_running_loop().time(), self._waiting
        self._waiting = {
            each: before.get(each, now) for each in self._connections() if each.is_waiting
        }

    def _connections(self) -> list[EdgeProtocol]:
        found: Any = self.server_state.connections
        return list(found)

    def _opening(self) -> int:
        return sum(each.opening for each in self._acceptors)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
