"""What a request's log lines share, and the seam at which somebody may follow its work.

No library is needed here. Where nobody traces, `span` gives the same empty block each time; who
does installs a `Tracer` (`kastor.server.otel`), and everything below goes through it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol, TypeAlias

Attribute: TypeAlias = str | int | float | bool
Attributes: TypeAlias = Mapping[str, Attribute]


class RequestTag:
    """One request, for whatever it leads to.

    Attributes:
        operation: id of the operation that it is for, once it is known; never a path.
        trace: ids of trace and span in hexadecimal digits; None while it is not traced.
    """

    # Values of the class, since every request makes one, and few give it values of its own.
    _id: str | None = None
    operation: str | None = None
    trace: tuple[str, str] | None = None

    @property
    def id(self) -> str:
        """A name of the request for log lines, made when the first one needs it."""
        if self._id is None:
            self._id = secrets.token_hex(8)
        return self._id


tag: ContextVar[RequestTag | None] = ContextVar("tag", default=None)
"""The request for which work is done; None for work of the server's own."""


class FollowedWork(Protocol):
    """A piece of work that is followed."""

    @property
    def traceparent(self) -> str | None:
        """For what it leads to; None where it is not followed."""

    def set(self, name: str, value: Attribute) -> None:
        """Say more about it."""

    def fail(self, why: str) -> None:
        """Say that it did not do what it was for."""


class EventSpans(Protocol):
    """The events of one delivery, each in the trace of the write that it is about."""

    def begin(self, mark: tuple[int, str], trace: str, parent: str | None) -> str | None:
        """Begin the span of one event, unless it has one.

        Args:
            mark: what tells it from all others.
            trace: id that its trace has, in hexadecimal digits.
            parent: the `traceparent` of its write; None where that belonged to no trace.

        Returns:
            The `traceparent` that its receiver gets; None where this trace is not followed.
        """

    def confirm(self, marks: Sequence[tuple[int, str]], why: str | None) -> None:
        """Say which ones the endpoint has, and why it has no more; the others failed."""


class RequestSpan(Protocol):
    """The span of a request.

    Attributes:
        traceparent: for what the request leads to; None where its own header says what there is.
        ids: of trace and span in hexadecimal digits.
    """

    traceparent: str | None
    ids: tuple[str, str]

    def answer(self, operation: str | None, status: int) -> None:
        """End it: the answer is ready."""


class Tracer(Protocol):
    """Follows work; no method raises or waits."""

    def span(self, name: str, attributes: Attributes) -> AbstractContextManager[FollowedWork]:
        """Return a block that is followed as a part of the work around it."""

    def rooted(self, name: str, attributes: Attributes) -> AbstractContextManager[FollowedWork]:
        """Return a block that is followed by itself, whatever began it."""

    def note(self, name: str, begun: int, ended: int, attributes: Attributes) -> None:
        """Tell of work that is over, a part of the work around; times in Unix nanoseconds."""

    def request(
        self, method: str, path: str, headers: Sequence[tuple[bytes, bytes]]
    ) -> AbstractContextManager[RequestSpan]:
        """Return a block that serves a request, in the trace that its headers name.

        Args:
            method: as the client sent it.
            path: that it asks for.
            headers: names in small letters.
        """

    def events(self, name: str, attributes: Attributes) -> AbstractContextManager[EventSpans]:
        """Return a block in which events are delivered."""


@dataclass(slots=True)
class SentCounts:
    """What a collector was sent since the process began, and what it was not.

    Attributes:
        sent: it took.
        overflowed: lost because it, or the way to it, was too slow.
        failed: lost because it did not answer, or refused them.
        waiting: still here.
    """

    sent: int = 0
    overflowed: int = 0
    failed: int = 0
    waiting: int = 0


sent: dict[str, SentCounts] = {"spans": SentCounts(), "lines": SentCounts()}
"""By what was sent; read by the metrics."""


class _Unfollowed:
    """A piece of work that nobody follows."""

    __slots__ = ()
    traceparent: str | None = None

    def set(self, name: str, value: Attribute) -> None:
        """Say nothing."""

    def fail(self, why: str) -> None:
        """Say nothing."""


class _Installed:
    """The tracer of this process.

    Attributes:
        tracer: who follows work now; None: nobody.
    """

    __slots__ = ("tracer",)

    def __init__(self) -> None:
        self.tracer: Tracer | None = None


installed = _Installed()
"""Read where a call would cost too much; everybody else asks `current`."""
_NOTHING: AbstractContextManager[FollowedWork] = nullcontext(_Unfollowed())


def install(tracer: Tracer | None) -> None:
    """Have work followed from now on; None: no longer."""
    installed.tracer = tracer


def current() -> Tracer | None:
    """Return who follows work now."""
    return installed.tracer


def detach() -> None:
    """Belong to no request any more: work without an end may have been begun for one."""
    tag.set(None)
    within.set(None)


def span(name: str, **attributes: Attribute) -> AbstractContextManager[FollowedWork]:
    """Return a block that is followed, if what it is a part of is."""
    tracer = installed.tracer
    if tracer is None or within.get() is None:
        return _NOTHING
    return tracer.span(name, attributes)


def root_span(name: str, **attributes: Attribute) -> AbstractContextManager[FollowedWork]:
    """Return a block of work that belongs to no request: a job, a step of upkeep."""
    tracer = installed.tracer
    return _NOTHING if tracer is None else tracer.rooted(name, attributes)


within: ContextVar[object | None] = ContextVar("within", default=None)
"""The span that work is a part of, as the tracer has it; None: whatever is done is not followed."""
delivering: ContextVar[EventSpans | None] = ContextVar("delivering", default=None)
"""The delivery in which events get their `traceparent`; None where nobody traces."""
