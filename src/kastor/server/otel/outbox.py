"""What waits to be sent to a collector: bounded, counted, and nobody ever waits for it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Generic, TypeAlias, TypeVar

from kastor.logs import get_logger
from kastor.tracing import SentCounts

BATCH = 512
LINGER_SECONDS = 1.0
"""So long things wait for others to be sent with."""
MOST_BYTES = 16_777_216
"""Of what waits, as it was estimated when it came."""
TELL_SECONDS = 300.0
"""After which it is said again that the collector takes nothing."""

T = TypeVar("T")
Export: TypeAlias = Callable[[Sequence[T]], bool]
"""Sends things and returns whether they were taken; may wait and raise."""

_log = get_logger("kastor.otel")


class Outbox(Generic[T]):
    """A queue and the thread that empties it, from the first thing that is put in until `close`."""

    def __init__(
        self,
        name: str,
        export: Export[T],
        most: int,
        counts: SentCounts,
        give_up: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare; nothing runs yet.

        Args:
            name: of the things, for people.
            export: sends them; called by one thread.
            most: things that wait at most.
            counts: where all is counted.
            give_up: ends an `export` that waits for another try.
        """
        self._name, self._export, self._most, self._counts = name, export, most, counts
        self._give_up = give_up
        self._things: deque[tuple[T, int]] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._sending = 0
        self._told = float("-inf")

    def put(self, thing: T, size: int) -> None:
        """Queue a thing; what there is no room for is counted and lost.

        Args:
            thing: to be sent.
            size: bytes that it takes, about.
        """
        with self._changed:
            full = len(self._things) >= self._most or self._bytes + size > MOST_BYTES
            if full or self._closing:
                self._counts.overflowed += 1
                return
            self._things.append((thing, size))
            self._bytes += size
            self._counts.waiting = len(self._things) + self._sending
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._run, name=f"kastor-otel-{self._name}", daemon=True
                )
                self._thread.start()
            elif len(self._things) in (1, BATCH):  # the first of a batch, or all of one
                self._changed.notify_all()

    def finish(self) -> None:
        """Take nothing more, and send what is queued at once."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    def close(self, seconds: float) -> None:
        """Wait so long for what is queued, then give it up."""
        self.finish()
        thread = self._thread
        if thread is not None:
            thread.join(seconds)
        with self._changed:
            self._counts.overflowed += len(self._things)
            self._things.clear()
            self._counts.waiting = self._sending
        self._give_up()

    def _run(self) -> None:
        while batch := self._take():
            try:
                taken, why = self._export([thing for thing, _ in batch]), "it refused them"
            except Exception as error:  # noqa: BLE001 - of a library, about somebody else's server
                taken, why = False, f"{type(error).__name__}: {error}"
            with self._changed:
                self._sending = 0
                self._counts.waiting = len(self._things)
                if taken:
                    self._counts.sent += len(batch)
                else:
                    self._counts.failed += len(batch)
            self._tell(taken=taken, why=why)

    def _take(self) -> list[tuple[T, int]]:
        """Wait for things; return a batch, empty at the end."""
        with self._changed:
            while not self._things and not self._closing:
                self._changed.wait()
            if len(self._things) < BATCH and not self._closing:
                self._changed.wait(LINGER_SECONDS)
            batch = list(islice(self._things, BATCH))
            for _ in batch:
                self._bytes -= self._things.popleft()[1]
            self._sending = len(batch)
            return batch

    def _tell(self, *, taken: bool, why: str) -> None:
        now = time.monotonic()
        if taken and self._told > 0:
            self._told = float("-inf")
            _log.info(f"the collector takes {self._name} again")
        elif not taken and now - self._told > TELL_SECONDS:
            self._told = now
            lost = self._counts.failed + self._counts.overflowed
            _log.warning(f"the collector does not take {self._name}", reason=why, lost=lost)
