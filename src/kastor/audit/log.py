"""Takes the lines of a server process and has a thread write them; nothing here raises.

As with the log, a full disk or a file that was taken away costs lines, which are counted and told,
and nothing else. Whoever answers an act waits until its line is on disk, but not for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from kastor.audit.file import AuditFile
from kastor.audit.floods import Floods
from kastor.audit.lines import line_of
from kastor.logs import get_logger

QUEUE_LINES, QUEUE_BYTES = 10_000, 8 * 2**20
"""What waits for a disk that is slow; lines beyond are lost and counted."""
BATCH_BYTES = 2**18
"""That are written at once, about."""
WAIT_SECONDS = 1.0
"""How long the answer to an act waits for its line."""
TELL_SECONDS = 5.0
"""Between two lines that say how many requests have none of their own."""
STUCK_SECONDS = 10.0

_log = get_logger("kastor.audit")


@dataclass(slots=True)
class AuditCounts:
    """Lines since the process began.

    Attributes:
        written: lines that are in the file.
        unwritten: lines lost because the file could not be written.
        overflowed: lines lost because the disk was too slow.
        suppressed: requests that were too many for a line of their own.
        late: acts that were answered before their line was on disk.
    """

    written: int = 0
    unwritten: int = 0
    overflowed: int = 0
    suppressed: int = 0
    late: int = 0


counts = AuditCounts()
"""Of this process; read by the metrics."""


class _Line(NamedTuple):
    text: bytes
    written: Callable[[bool], None] | None


class AuditLog:
    """The lines of one process, until `close`.

    Its thread starts with the first line, and again with a line when it has ended.
    """

    def __init__(self, file: AuditFile, floods: Floods | None = None) -> None:
        self.floods = floods or Floods()
        self._file = file
        self._lines: deque[_Line] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._missing = 0
        self._fault = ""
        self._writing_since: float | None = None
        self._told = time.monotonic()

    def note(self, event: str, /, **values: object) -> None:
        """Add a line, soon."""
        self._put(event, values, None)

    async def record(self, event: str, /, **values: object) -> bool:
        """Add a line and wait until it is on disk, WAIT_SECONDS at most; return whether it is."""
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[bool] = loop.create_future()

        def settle(done: bool) -> None:
            if not outcome.done():
                outcome.set_result(done)

        def tell(done: bool) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(settle, done)

        if not self._put(event, values, tell):
            return False
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                return await outcome
        except TimeoutError:
            counts.late += 1
            _log.warning("an act is answered before its line is in the audit log", **values)
            return False

    def trouble(self) -> str | None:
        """Return why lines are lost or late; None while all is well."""
        since = self._writing_since
        if since is not None and time.monotonic() - since > STUCK_SECONDS:
            return "the disk does not answer"
        return self._fault or None

    def close(self, seconds: float = WAIT_SECONDS) -> None:
        """Write what is queued and end the thread, but wait no longer than that."""
        with self._changed:
            self._closed = True
            thread = self._thread
            self._changed.notify_all()
        if thread is None:
            self._file.close()
        else:
            thread.join(seconds)

    def _put(
        self, event: str, values: dict[str, object], written: Callable[[bool], None] | None
    ) -> bool:
        try:
            line = _Line(line_of(event, values, time.time()), written)
            with self._changed:
                full = len(self._lines) >= QUEUE_LINES
                if self._closed or full or self._bytes + len(line.text) > QUEUE_BYTES:
                    counts.overflowed += 1
                    self._missing += 1
                    return False
                self._lines.append(line)
                self._bytes += len(line.text)
                if self._thread is None or not self._thread.is_alive():
                    self._thread = threading.Thread(
                        target=self._run, name="kastor-audit", daemon=True
                    )
                    self._thread.start()
                self._changed.notify_all()
        except Exception as error:  # noqa: BLE001 - no line is worth what its loss would stop
            _log.exception("a line of the audit log cannot be made", exc_info=error)
            counts.unwritten += 1
            return False
        return True

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._lines and not self._closed:
                    self._changed.wait(TELL_SECONDS)
                batch = self._take()
                ends = self._closed and not self._lines
            self._write(batch, last=ends)
            if ends:
                self._file.close()
                return

    def _take(self) -> list[_Line]:
        found: list[_Line] = []
        size = 0
        while self._lines and size < BATCH_BYTES:
            found.append(self._lines.popleft())
            size += len(found[-1].text)
        self._bytes -= size
        return found

    def _write(self, batch: list[_Line], *, last: bool) -> None:
        missing = self._missing
        about = line_of("missing", {"count": missing}, time.time()) if missing else b""
        text = b"".join((about, *(each.text for each in batch), *self._held_back(last=last)))
        if not text:
            return
        self._writing_since = time.monotonic()
        fault, taken = "", 0
        try:
            durable = any(each.written is not None for each in batch)
            done = self._file.append(text, durable=durable)
            taken = done.taken
            if done.fault is not None:
                fault = done.fault.strerror or str(done.fault)
        except Exception as error:  # noqa: BLE001 - the thread must not end
            fault = f"{type(error).__name__}: {error}"
        self._writing_since = None
        lost = _settle(batch, taken - len(about))
        with self._changed:
            self._missing += lost - (missing if taken >= len(about) else 0)
        self._tell(fault)

    def _held_back(self, *, last: bool) -> list[bytes]:
        """Return lines that say how many requests have none of their own, now and then."""
        now = time.monotonic()
        if not last and now - self._told < TELL_SECONDS:
            return []
        self._told = now
        found = []
        for status, count in self.floods.told().items():
            counts.suppressed += count
            found.append(line_of("suppressed", {"status": status, "count": count}, time.time()))
        return found

    def _tell(self, fault: str) -> None:
        if fault and not self._fault:
            _log.error(
                "the audit log cannot be written: lines are lost until it can",
                path=str(self._file.path),
                reason=fault,
            )
        elif self._fault and not fault:
            _log.info("the audit log can be written again", path=str(self._file.path))
        self._fault = fault


def _settle(lines: list[_Line], taken: int) -> int:
    """Tell of each line whether it is among the bytes that were taken; return how many are not."""
    end = lost = 0
    for each in lines:
        end += len(each.text)
        if end > taken:
            lost += 1
        if each.written is not None:
            each.written(end <= taken)
    counts.written += len(lines) - lost
    counts.unwritten += lost
    return lost
