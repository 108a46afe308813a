"""Implements `kastor.tracing.Tracer` with the SDK of OpenTelemetry; nothing here raises or waits.

What is a part of what is held in `tracing.within` and handed to the SDK: its own way to know that
would cost every task that was begun for a request.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from kastor.errors import KastorError, Unavailable
from kastor.tracing import RequestSpan, delivering, tag, within
from kastor.types import override

if TYPE_CHECKING:
    from opentelemetry.context import Context as SdkContext
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.sampling import Sampler
    from opentelemetry.trace import Span, Tracer

    from kastor.server.otel.outbox import Outbox
    from kastor.tracing import Attribute, Attributes, EventSpans, FollowedWork

MOST_EVENT_SPANS = 256
"""Of one delivery; a route hands over so many at most."""
LONGEST_PATH = 500
FIRST_SERVER_FAULT = 500
_SPAN_BYTES, _ATTRIBUTE_BYTES = 600, 80

_PROPAGATOR = TraceContextTextMapPropagator()


class SpanSender(SpanProcessor):
    """Queues spans that are over."""

    def __init__(self, outbox: Outbox[ReadableSpan]) -> None:
        self._outbox = outbox

    @override
    def on_end(self, span: ReadableSpan) -> None:
        """Queue a span."""
        if span.context is not None and span.context.trace_flags.sampled:
            self._outbox.put(span, _SPAN_BYTES + _ATTRIBUTE_BYTES * len(span.attributes or ()))


class _Followed:
    """A span in progress."""

    __slots__ = ("_span",)

    def __init__(self, span: Span) -> None:
        self._span = span

    @property
    def traceparent(self) -> str | None:
        """See `FollowedWork`."""
        return traceparent_of(self._span) if self._span.is_recording() else None

    def set(self, name: str, value: Attribute) -> None:
        """See `FollowedWork`."""
        self._span.set_attribute(name, value)

    def fail(self, why: str) -> None:
        """See `FollowedWork`."""
        self._span.set_attribute("error.type", why[:200])
        self._span.set_status(StatusCode.ERROR)


class OtelTracer:
    """Follows work in spans; see `kastor.tracing.Tracer`."""

    def __init__(self, tracer: Tracer, sampler: Sampler) -> None:
        """Follow.

        Args:
            tracer: of the SDK.
            sampler: which of the traces begun here are followed, by their ids.
        """
        self._tracer = tracer
        self._sampler = sampler

    @contextmanager
    def span(self, name: str, attributes: Attributes) -> Iterator[FollowedWork]:
        """See `Tracer`."""
        with self._block(name, attributes, _context()) as followed:
            yield followed

    @contextmanager
    def rooted(self, name: str, attributes: Attributes) -> Iterator[FollowedWork]:
        """See `Tracer`."""
        with self._block(name, attributes, set_span_in_context(trace.INVALID_SPAN)) as followed:
            yield followed

    def note(self, name: str, begun: int, ended: int, attributes: Attributes) -> None:
        """See `Tracer`."""
        if within.get() is None:
            return
        made = self._tracer.start_span(
            name, _context(), attributes=dict(attributes), start_time=begun
        )
        made.end(ended)

    @contextmanager
    def request(
        self, method: str, path: str, headers: Sequence[tuple[bytes, bytes]]
    ) -> Iterator[RequestSpan]:
        """See `Tracer`."""
        parent = _PROPAGATOR.extract(_carrier(headers), set_span_in_context(trace.INVALID_SPAN))
        attributes: Attributes = {
            "http.request.method": method[:50],
            "url.path": path[:LONGEST_PATH],
        }
        made = self._tracer.start_span(
            method[:50], parent, kind=SpanKind.SERVER, attributes=dict(attributes)
        )
        request = _Request(made)
        before = within.set(made if made.is_recording() else None)
        about = tag.get()
        if about is not None and made.is_recording():
            about.trace = request.ids
            made.set_attribute("kastor.request", about.id)
        try:
            yield request
        except BaseException as error:
            request.broken(error)
            raise
        finally:
            within.reset(before)
            request.end()

    @contextmanager
    def events(self, name: str, attributes: Attributes) -> Iterator[EventSpans]:
        """See `Tracer`."""
        events = _Events(self._tracer, self._sampler, name, attributes)
        before = delivering.set(events)
        try:
            yield events
        finally:
            delivering.reset(before)
            events.end()

    @contextmanager
    def _block(
        self, name: str, attributes: Attributes, parent: SdkContext
    ) -> Iterator[FollowedWork]:
        made = self._tracer.start_span(name, parent, attributes=dict(attributes))
        before = within.set(made if made.is_recording() else None)
        followed = _Followed(made)
        try:
            yield followed
        except BaseException as error:
            made.set_attribute("error.type", _kind_of(error))
            if not _is_answer(error):
                made.set_status(StatusCode.ERROR)
            raise
        finally:
            within.reset(before)
            made.end()


class _Request(RequestSpan):
    """See `RequestSpan`."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self._ended = False
        context = span.get_span_context()
        self.ids = f"{context.trace_id:032x}", f"{context.span_id:016x}"
        self.traceparent = traceparent_of(span) if span.is_recording() else None

    @override
    def answer(self, operation: str | None, status: int) -> None:
        """See `RequestSpan`."""
        if self._ended:
            return
        span = self._span
        if operation is not None:
            span.update_name(operation)
            span.set_attribute("kastor.operation", operation)
        span.set_attribute("http.response.status_code", status)
        if status >= FIRST_SERVER_FAULT:
            span.set_attribute("error.type", str(status))
            span.set_status(StatusCode.ERROR)
        self.end()

    def end(self) -> None:
        """End it, once: the SDK logs whoever does it again."""
        if not self._ended:
            self._ended = True
            self._span.end()

    def broken(self, error: BaseException) -> None:
        """End it without an answer, if there was none."""
        if not self._ended:
            self._span.set_attribute("error.type", type(error).__name__)
            self._span.set_status(StatusCode.ERROR)


class _Events:
    """The events of one delivery; see `EventSpans`. Its sink may call from another thread."""

    def __init__(self, tracer: Tracer, sampler: Sampler, name: str, attributes: Attributes) -> None:
        self._tracer, self._sampler = tracer, sampler
        self._name, self._attributes = name, dict(attributes)
        self._spans: dict[tuple[int, str], tuple[Span, str]] = {}
        self._why: str | None = None

    def begin(self, mark: tuple[int, str], trace: str, parent: str | None) -> str | None:
        """See `EventSpans`."""
        known = self._spans.get(mark)
        if known is not None:
            return known[1]
        if len(self._spans) >= MOST_EVENT_SPANS:
            return None
        context = self._parent(trace, parent)
        if context is None:
            return None
        made = self._tracer.start_span(
            self._name,
            set_span_in_context(NonRecordingSpan(context)),
            kind=SpanKind.PRODUCER,
            attributes=self._attributes | {"messaging.message.id": mark[1][:200]},
        )
        if not made.is_recording():
            return None
        told = traceparent_of(made)
        self._spans[mark] = made, told
        return told

    def _parent(self, trace: str, parent: str | None) -> SpanContext | None:
        trace_id = int(trace, 16)
        if parent is None:
            # All deliveries of the event are in one trace, so its id decides and not the moment.
            found = self._sampler.should_sample(None, trace_id, self._name)
            if found.decision is not Decision.RECORD_AND_SAMPLE:
                return None
            span, flags = int(secrets.token_hex(8), 16), TraceFlags.SAMPLED
        else:
            span, flags = int(parent[36:52], 16), int(parent[53:55], 16)
        return SpanContext(trace_id, span, True, TraceFlags(flags), TraceState())

    def confirm(self, marks: Sequence[tuple[int, str]], why: str | None) -> None:
        """See `EventSpans`."""
        self._why = why
        for mark in marks:
            known = self._spans.pop(mark, None)
            if known is not None:
                known[0].end()

    def end(self) -> None:
        """End the spans of those that are not confirmed."""
        for made, _ in self._spans.values():
            made.set_attribute("error.type", (self._why or "it was not tried")[:200])
            made.set_status(StatusCode.ERROR)
            made.end()


def traceparent_of(span: Span) -> str:
    """Return a span's context in the W3C's form."""
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def _context() -> SdkContext:
    current = within.get()
    return set_span_in_context(current if isinstance(current, SdkSpan) else trace.INVALID_SPAN)


def _carrier(headers: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return what the headers say of a trace; several `traceparent` say nothing (W3C 3.2.2)."""
    parents = [value for name, value in headers if name == b"traceparent"]
    if len(parents) != 1:
        return {}
    states = [value for name, value in headers if name == b"tracestate"]
    carrier = {"traceparent": parents[0].decode("latin-1")}
    if states:
        carrier["tracestate"] = b",".join(states).decode("latin-1")
    return carrier


def _kind_of(error: BaseException) -> str:
    return error.code if isinstance(error, KastorError) else type(error).__name__


def _is_answer(error: BaseException) -> bool:
    """Whether it tells the client what it did wrong, and is no fault of the server's."""
    return isinstance(error, KastorError) and not isinstance(error, Unavailable)
