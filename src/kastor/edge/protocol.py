"""HTTP/1.1 of one connection: uvicorn's protocol, with bounds before anything is kept.

The parser is fed one request at a time and in pieces: what follows the request under way waits as
bytes, unread by us and soon unsent by the client. So a client that reads no answers has one request
and one read's worth of bytes here, however many it sends.

A connection is in one phase. `kastor.edge.watch` looks at phase and times twice a second; requests
pay no timers for that.
"""

from __future__ import annotations

import asyncio
from contextvars import Context
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from kastor.api.http.problem import answer
from kastor.edge.answers import HEALTH, full, last_answer, too_many
from kastor.edge.exchange import Exchange
from kastor.edge.heads import (
    absolute_target,
    body_parser,
    is_too_large,
    require_coding,
    require_single,
    require_version,
    too_large,
)
from kastor.edge.phase import ANSWER, BODY, FRESH, HEAD, IDLE, LINGER, UNREAD, Phase
from kastor.edge.transport import EdgeFlow, EdgeTransport
from kastor.errors import BadRequest, HeadersTooLarge, KastorError, RequestTimedOut
from kastor.types import override

if TYPE_CHECKING:
    from collections.abc import Callable

    from uvicorn import Config
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
    from uvicorn.server import ServerState

    from kastor.edge.places import AddressPlace
    from kastor.edge.watch import Edge

_HEAD_END = b"\r\n\r\n"
_HEAD_PIECE, _BODY_PIECE, _CHUNKED_PIECE = 16_384, 65_536, 1_024
_SPARE_SECONDS = 2.0
_TLS_REST = 16_384
"""Bytes that every client takes while TLS is closing."""
_LAST_SECONDS = 1.0
"""Without a byte being taken, when the server ends."""


class EdgeProtocol(HttpToolsProtocol):
    """One connection.

    Attributes:
        phase: where it is, since the time `since`.
        seen: when bytes came the last time.
        spare: whether it is one beyond the limit, which only learns the server's health.
        opened: called once, when the connection is open.
        place: of its address; given back when it ends.
    """

    flow: EdgeFlow

    def __init__(self, config: Config, server_state: ServerState, edge: Edge) -> None:
        super().__init__(config, server_state, {}, asyncio.get_running_loop())
        self.edge = edge
        self.phase: Phase = FRESH
        self.since = self.seen = edge.now
        self.url = b""
        self.spare = False
        self.opened: Callable[[], object] | None = None
        self.place: AddressPlace | None = None
        self._refusal: KastorError | None = None
        self._last = False
        self._waiting = b""
        self._fed = 0
        self._received = 0
        self._in_body = False
        self._chunked = False
        self._left = 0
        self._upgrades = False
        self._drains = False
        self._unsent: tuple[int, float] | None = None

    # The connection

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin."""
        if self.opened is not None:
            self.opened()
            self.opened = None
        self.edge.meter.open += 1
        self.spare = len(self.connections) >= self.edge.limits.connections
        self._wire = EdgeTransport(transport, self._end)
        ours: Any = self._wire
        super().connection_made(ours)
        self.flow = EdgeFlow(ours)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Forget everything."""
        self.edge.meter.open -= 1
        if self.place is not None:
            self.place.leave()
        self._release(0)
        self._waiting = b""
        self.pipeline.clear()
        super().connection_lost(exc)

    @property
    def is_waiting(self) -> bool:
        """Whether nothing is under way: no request, no part of one, no answer."""
        return self.phase in (FRESH, IDLE) and not self._is_busy()

    def leave(self) -> None:
        """Have the answer under way say that it is the last one, if nothing of it was said yet."""
        cycle = self.cycle
        if isinstance(cycle, Exchange) and not cycle.begun:
            cycle.keep_alive = False

    @override
    def shutdown(self) -> None:
        """End after the request under way, if there is one; called when the server stops."""
        self._last = True
        super().shutdown()

    def cut(self) -> None:
        """Break off what is under way; where nothing was answered yet, say why."""
        if isinstance(self.cycle, Exchange):
            self.cycle.cut_off()

    def _end(self) -> None:
        """Close; where bytes are still to come, read them first, so that the answer arrives."""
        transport = self._wire
        if self._in_body or self._waiting:
            self._linger()
        elif self.scheme == "https" and transport.unsent() > _TLS_REST:
            self._drains = True  # once TLS is closing, what is left has no time
            self._linger()
        else:
            transport.real.close()

    def _linger(self) -> None:
        if self.phase is LINGER:
            return
        self._release(0)
        self._waiting = b""
        self.phase, self.since, self._received = LINGER, self.edge.now, 0
        self._wire.ended = True
        if self._is_busy():
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        real = self._wire.real
        if real.can_write_eof():
            real.write_eof()
        self.flow.held = False
        self.flow.resume_reading()

    # Bytes that come in

    @override
    def data_received(self, data: bytes) -> None:
        """Take bytes of the client."""
        self.seen = self.edge.now
        size = len(data)
        if self.phase is IDLE and size <= _HEAD_PIECE and data.find(_HEAD_END) == size - 4:
            self._parse(data)  # one head and nothing else, as most often
            return
        self._received += size
        if self._is_thrown_away():
            if self._received > self.edge.limits.linger_bytes:
                self._wire.real.close()
        elif self._waiting:
            self._hold(self._waiting + data)
        else:
            self._feed(data)

    def _is_thrown_away(self) -> bool:
        if self._refusal is not None or self.phase is LINGER:
            return True
        return self.phase is UNREAD and self._received > self.edge.limits.linger_bytes

    def _feed(self, data: bytes) -> None:
        """Give the parser what belongs to one request, piece by piece."""
        start, size = 0, len(data)
        while start < size and self._refusal is None:
            if not self._in_body and self._is_busy():
                self._hold(data[start:])
                return
            end = self._end_of_piece(data, start, size)
            start += self._parse(data if end - start == size else data[start:end])

    def _parse(self, piece: bytes) -> int:
        """Give a piece to the parser; return how much of it was taken."""
        taken = len(piece)
        self._fed += taken
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            # Nothing is upgraded to; the parser knows no way on from here, a new one does.
            self.parser = body_parser(self, self._left) if self._in_body else _parser(self)
            taken = upgrade.args[0]
        except httptools.HttpParserError as error:
            self._refusal = self._refusal or _malformed(error)
        if self._upgrades and not self._in_body:
            self._upgrades, self.parser = False, _parser(self)
        if self._fed:
            self._check_bounds()
        if self._refusal is not None:
            self._refuse(self._refusal)
        return taken

    def _end_of_piece(self, data: bytes, start: int, size: int) -> int:
        if not self._in_body:
            found = data.find(_HEAD_END, start)
            end = size if found < 0 else found + len(_HEAD_END)
            return min(end, start + _HEAD_PIECE)
        if self._chunked:
            return min(size, start + _CHUNKED_PIECE)
        return min(size, start + min(self._left, _BODY_PIECE))

    def _check_bounds(self) -> None:
        limits = self.edge.limits
        if self._in_body:
            if self._chunked and self._fed > limits.framing_bytes:
                text = "The chunks of the body are too small, or their extensions or trailers long."
                self._refusal = self._refusal or BadRequest(f"{text} Send larger chunks.")
        elif self._refusal is not None:
            return
        elif self._fed > limits.target_bytes and is_too_large(self._fed, self.url, limits):
            self._refusal = too_large(self.url, limits)
        elif self.phase is not HEAD:
            if self.phase is not FRESH:
                self.since = self.edge.now
            self.phase = HEAD

    def _is_busy(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _hold(self, data: bytes) -> None:
        """Keep bytes until it is their turn; the client is not read until then."""
        self._release(len(data))
        self._waiting = data
        if self.edge.held > self.edge.limits.held_bytes:
            self._release(0)
            self._waiting, self._last = b"", True
        self.flow.held = True
        self.flow.pause_reading()

    def _release(self, held: int) -> None:
        self.edge.held += held - len(self._waiting)

    # What the parser finds

    @override
    def on_message_begin(self) -> None:
        """Begin a head."""
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; trailers are none, whoever sends them."""
        if not self._in_body:
            self.headers.append((name.lower(), value))

    @override
    def on_headers_complete(self) -> None:
        """Begin to answer, if the head is sound."""
        if self._refusal is not None:
            return
        try:
            self._require_sound_head()
        except KastorError as error:
            self._refusal = error
            return
        if self._chunked or self._left:
            self._in_body = True
            self._upgrades = self.parser.should_upgrade()
            self.phase, self.since, self._received = BODY, self.seen, 0
        self._fed = 0
        self._begin_exchange()

    def _begin_exchange(self) -> None:
        parser, before = self.parser, self.cycle
        parsed = httptools.parse_url(self.url)
        path = parsed.path.decode("ascii")
        version = parser.get_http_version()
        self.cycle = cycle = Exchange(
            self,
            {
                "type": "http",
                "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
                "http_version": version,
                "server": self.server,
                "client": self.client,
                "scheme": self.scheme,
                "method": parser.get_method().decode("ascii"),
                "root_path": "",
                "path": unquote(path) if "%" in path else path,
                "raw_path": parsed.path,
                "query_string": parsed.query or b"",
                "headers": self.headers,
                "state": {},
            },
            keep_alive=version != "1.0" and parser.should_keep_alive() and not self.edge.leaving,
        )
        if before is None or before.response_complete:
            self._start_asgi_task(cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))

    def _require_sound_head(self) -> None:
        headers, limits = self.headers, self.edge.limits
        found = dict(headers)
        if self._fed > limits.target_bytes and is_too_large(self._fed, self.url, limits):
            raise too_large(self.url, limits)
        if len(headers) > limits.headers:
            raise HeadersTooLarge(f"The request has more than {limits.headers} headers.")
        if len(found) < len(headers):
            require_single(headers)
        if b"host" not in found or self.parser.get_http_version() != "1.1":
            require_version(self.parser.get_http_version(), found)
        self._left = int(found[b"content-length"]) if b"content-length" in found else 0
        self._chunked = b"transfer-encoding" in found
        if self._chunked:
            require_coding(found[b"transfer-encoding"], upgrades=self.parser.should_upgrade())
        if b"expect" in found:
            self.expect_100_continue = found[b"expect"].lower() == b"100-continue"
        if self.url[:1] != b"/":
            host, self.url = absolute_target(self.url)
            headers[:] = [(b"host", host), *(each for each in headers if each[0] != b"host")]

    @override
    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        if self._refusal is None:
            self._left -= len(body)
            self._fed = max(0, self._fed - 2 * len(body))
            super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        """End the request; it is answered, or will be."""
        if self._refusal is not None or (self._upgrades and self._left):
            return
        self._in_body = False
        self._fed = 0
        cycle = self.cycle
        if cycle.response_complete:
            self._rest()
            return
        self.phase = ANSWER
        cycle.more_body = False
        cycle.message_event.set()

    @override
    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        # Of a context of its own: this may be called by the end of another request, in its context.
        if self.spare:
            cycle.keep_alive = False
            if cycle.scope["path"] not in HEALTH:
                app = full
        task = self.loop.create_task(cycle.run_asgi(app), context=Context())
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    # What goes out

    @override
    def on_response_complete(self) -> None:
        """Go on to the next request, or wait for it."""
        self.server_state.total_requests += 1
        transport = self._wire
        if transport.ended or transport.real.is_closing():
            return
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        elif self._last:
            self._linger()
        elif not (self._in_body or self._waiting or self.flow.read_paused):
            self.phase, self.since = IDLE, self.edge.now
        elif self._in_body:  # the rest is thrown away
            self.phase, self.since, self._received = UNREAD, self.edge.now, 0
            self.flow.resume_reading()
        else:
            self._rest()

    def _rest(self) -> None:
        self.phase, self.since = IDLE, self.edge.now
        flow = self.flow
        if self._waiting:
            self._release(0)
            data, self._waiting = self._waiting, b""
            flow.held = False
            self._feed(data)
        if flow.read_paused and not self._waiting:
            flow.resume_reading()

    def _refuse(self, error: KastorError) -> None:
        """Answer that a request cannot be taken, after those before it; then close."""
        self._refusal, cycle = error, self.cycle
        if self._is_busy() and (not self._in_body or self.pipeline):
            self._release(0)
            self._waiting, self._last = b"", True
            return
        if self.phase is not UNREAD and not (self._is_busy() and cycle.response_started):
            response = answer(error)
            self.edge.note(response.status)
            self.transport.write(last_answer(response, self.server_state.default_headers))
        self._linger()

    # Time

    def check(self, now: float, passed: float) -> None:
        """End what takes too long.

        Args:
            now: the edge's time.
            passed: since the last look.
        """
        sending = self._check_sending(now)
        phase = self.phase
        if phase is ANSWER or (sending and phase is IDLE):
            return
        waited = now - self.since
        if phase is BODY:
            self._check_body(now, passed)
        elif phase is HEAD:
            if self._is_late(waited):
                self._refuse(_late("The head"))
        elif self._is_over(waited):
            self._wire.real.close()

    def _is_late(self, waited: float) -> bool:
        """Whether a request has not come in the time that a connection has for it."""
        spare = self.spare and waited > _SPARE_SECONDS
        return spare or waited > self.edge.limits.head_seconds

    def _is_over(self, waited: float) -> bool:
        """Whether a connection without a request under way has had its time."""
        if self.phase is IDLE:
            return waited > self.edge.limits.keep_alive_seconds
        if self.phase is FRESH:
            return self._is_late(waited)
        if self._drains:
            return self._wire.unsent() <= _TLS_REST
        return self.edge.draining or waited > self._lingering()

    def _lingering(self) -> float:
        limits = self.edge.limits
        return limits.body_seconds if self.phase is UNREAD else limits.linger_seconds

    def _check_body(self, now: float, passed: float) -> None:
        if self.flow.read_paused:  # it is we who do not read
            self.since += passed
            self.seen = now
            return
        limits = self.edge.limits
        late = now - self.since - limits.body_seconds
        if now - self.seen > limits.body_seconds or self._received < late * limits.body_rate:
            self._refuse(_late("The body"))

    def _check_sending(self, now: float) -> bool:
        """End a connection whose client takes nothing; return whether there is something for it."""
        if not (self._drains or self._wire.real.get_write_buffer_size()):
            self._unsent = None
            return False
        unsent = self._wire.unsent()
        if self._unsent is None or self._unsent[0] != unsent:
            self._unsent = (unsent, now)
        elif now - self._unsent[1] > self._patience():
            self._wire.real.abort()
        return True

    def _patience(self) -> float:
        limits = self.edge.limits
        if self.edge.draining:
            return _LAST_SECONDS
        return limits.linger_seconds if self.phase is LINGER else limits.send_seconds

    def evict(self) -> None:
        """Give the place to another connection, at once."""
        self.connections.discard(self)
        real = self._wire.real
        if real.get_write_buffer_size():  # it does not take what it has got
            real.abort()
            return
        if self.phase is HEAD:
            response = answer(too_many())
            self.edge.note(response.status)
            real.write(last_answer(response, self.server_state.default_headers))
        real.close()


def _late(what: str) -> RequestTimedOut:
    return RequestTimedOut(f"{what} of the request did not come to its end in time.")


_parser = httptools.HttpRequestParser


def _malformed(error: httptools.HttpParserError) -> BadRequest:
    if isinstance(error, httptools.HttpParserCallbackError):
        return BadRequest("The target of the request is no address.")
    return BadRequest(f"The request is not valid HTTP/1.1: {error}.")
