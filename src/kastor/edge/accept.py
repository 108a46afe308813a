"""Takes connections in: never more than there may be, handshakes of TLS included."""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
import ssl
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from kastor.logs import get_logger

if TYPE_CHECKING:
    from kastor.edge.places import AddressPlace
    from kastor.edge.protocol import EdgeProtocol
    from kastor.edge.watch import Edge

HANDSHAKE_SECONDS = 10.0
TLS_CLOSE_SECONDS = 1.0
"""How long a client may take to confirm the end of TLS; nothing depends on its answer."""
_RETRY_SECONDS, _SOON_SECONDS = 0.05, 0.002
_TELL_SECONDS = 10.0
_BURST = 16

_log = get_logger("kastor.edge")


class Acceptor:
    """Accepts connections of one listening socket; what uvicorn sees as a server of asyncio."""

    def __init__(
        self,
        listener: socket.socket,
        edge: Edge,
        make: Callable[[], EdgeProtocol],
        connections: set[EdgeProtocol],
        tls: ssl.SSLContext | None,
    ) -> None:
        """Begin to accept.

        Args:
            listener: the socket.
            edge: what connections share.
            make: makes the protocol of a connection.
            connections: those that are open.
            tls: certificate and key, where connections begin with a handshake; replaced by the
                attribute of that name, for connections that come then.
        """
        listener.setblocking(False)
        self._listener = listener
        self._edge = edge
        self._make = make
        self._connections = connections
        self.tls = tls
        self._told = self._told_of = -math.inf
        self._opening: dict[asyncio.Task[None], socket.socket] = {}
        self._loop = asyncio.get_running_loop()
        self._accepting = self._loop.create_task(self._accept())

    @property
    def opening(self) -> int:
        """How many connections are in their handshake."""
        return len(self._opening)

    async def stop(self) -> None:
        """Accept no more than what the system has taken in already, and let go of the socket.

        Whoever is in its queue was told that there is a connection, and would find it reset.
        """
        self._accepting.cancel()
        await asyncio.wait((self._accepting,))
        with contextlib.suppress(OSError):  # BlockingIOError: the queue is empty
            while True:
                connection, peer = self._listener.accept()
                self._take(connection, peer[0] if peer else "")
        self._listener.close()

    def close(self) -> None:
        """Accept no more, and end handshakes."""
        self._accepting.cancel()
        for task in list(self._opening):
            task.cancel()

    async def wait_closed(self) -> None:
        """Wait until nothing is accepted any more."""
        await asyncio.wait((self._accepting, *self._opening))

    async def _accept(self) -> None:
        accepted = 0
        while True:
            try:
                connection, peer = await self._loop.sock_accept(self._listener)
                self._take(connection, peer[0] if peer else "")
            except Exception as error:  # noqa: BLE001 - without this nobody is ever served again
                await self._recover(error)
            accepted += 1
            if accepted % _BURST == 0:  # accepting does not wait while clients queue up
                await asyncio.sleep(0)

    async def _recover(self, error: Exception) -> None:
        """Make room where descriptors or memory are missing."""
        if isinstance(error, ConnectionError):  # the client was gone already
            return
        if self._edge.now - self._told > _TELL_SECONDS:
            self._told = self._edge.now
            _log.warning("no connection accepted", reason=str(error))
        evicted = self._edge.evict(self._connections)
        await asyncio.sleep(_SOON_SECONDS if evicted else _RETRY_SECONDS)

    def _take(self, connection: socket.socket, address: str) -> None:
        place = self._edge.places.enter(address)
        if place is None:
            self._tell_of(address)
            self._end(connection, "address")
            return
        if not self._make_room():
            place.leave()
            self._end(connection, "full")
            return
        task = self._loop.create_task(self._open(connection, place))
        self._opening[task] = connection
        task.add_done_callback(partial(self._forget, place))

    def _forget(self, place: AddressPlace, task: asyncio.Task[None]) -> None:
        self._opening.pop(task, None)
        if task.cancelled():  # before it began
            place.leave()

    def _end(self, connection: socket.socket, reason: str) -> None:
        self._edge.meter.ended[reason] += 1
        connection.close()

    def _tell_of(self, address: str) -> None:
        """Say who is refused; clients that are ended at once are not told why."""
        if self._edge.now - self._told_of > _TELL_SECONDS:
            self._told_of = self._edge.now
            limit = self._edge.limits.connections_each
            _log.warning(
                "an address has as many connections as it may (max_connections_per_address)",
                address=address,
                limit=limit,
            )

    def _make_room(self) -> bool:
        limits = self._edge.limits
        taken = len(self._connections) + len(self._opening)
        if taken < limits.connections:
            return True
        if len(self._opening) > limits.connections // 2:  # handshakes that do not come to an end
            next(iter(self._opening)).cancel()
        else:
            self._edge.evict(self._connections)
        return taken < limits.connections + limits.spare

    def _make_counted(self, place: AddressPlace) -> EdgeProtocol:
        """Make a protocol that, once it is open, is no longer counted as opening."""
        protocol, task = self._make(), asyncio.current_task()
        protocol.place = place
        protocol.opened = lambda: self._opening.pop(task, None) if task else None
        return protocol

    async def _open(self, connection: socket.socket, place: AddressPlace) -> None:
        try:
            connection.setblocking(False)
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            tls = self.tls
            await self._loop.connect_accepted_socket(
                partial(self._make_counted, place),
                connection,
                ssl=tls,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if tls else None,
                ssl_shutdown_timeout=TLS_CLOSE_SECONDS if tls else None,
            )
        except (OSError, asyncio.CancelledError):  # SSLError and TimeoutError are OSErrors
            place.leave()
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        except Exception as error:  # noqa: BLE001 - a task that nobody waits for
            place.leave()
            _log.warning("a connection could not be opened", exc_info=error)
