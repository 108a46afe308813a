"""The one place where log lines are made and written; nothing here raises or waits.

Who logs may be the last line of defence, or hold the lock that everybody waits for. So a line is
rendered where it is logged and written by a thread of its own: a full disk, a pipe that nobody
reads and a value that cannot be shown cost lines, which are counted, and nothing else. When the
target is back, lines go on, with the number of those that are missing.

Libraries' lines, warnings, and what threads and finalizers did not catch come the same way.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import re
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar, TextIO, TypeAlias

import orjson
import structlog

from kastor.types import override

QUEUE_LINES, QUEUE_BYTES = 10_000, 8 * 2**20
"""What waits for a target that is slow; lines beyond are lost and counted."""
LINE_BYTES = 65_536
"""A longer line keeps the beginnings of its values: one request must not fill the queue."""
SHORT = 1_000
FLUSH_SECONDS = 1.0
"""How long the end of the process waits for lines that are not written yet."""

_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")

Fields: TypeAlias = dict[str, Any]
Render: TypeAlias = Callable[[Fields], bytes]


@dataclass(slots=True)
class LogCounts:
    """Lines since the process began.

    Attributes:
        written: lines that the target took.
        unwritten: lines lost because it refused them.
        overflowed: lines lost because it was too slow.
        unrendered: lines of which only the event is there, since a value could not be shown.
    """

    written: int = 0
    unwritten: int = 0
    overflowed: int = 0
    unrendered: int = 0


counts = LogCounts()
"""Of this process; read by the metrics."""


class Logger:
    """Logs events with values; no method ever raises."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def info(self, event: str, /, **values: object) -> None:
        """Log what is good to know."""
        _log("info", self._name, event, values)

    def warning(self, event: str, /, **values: object) -> None:
        """Log trouble that passes."""
        _log("warning", self._name, event, values)

    def error(self, event: str, /, **values: object) -> None:
        """Log trouble that stays."""
        _log("error", self._name, event, values)

    def exception(self, event: str, /, **values: object) -> None:
        """Log a fault with its trace."""
        values.setdefault("exc_info", True)
        _log("error", self._name, event, values)


def get_logger(name: str) -> Logger:
    """Return the logger of that name, such as `kastor.storage`."""
    return Logger(name)


def library_logger(name: str) -> logging.Logger:
    """Return a logger of the standard library, for libraries that ask for one."""
    return logging.getLogger(name)


def configure(log_format: str, stream: TextIO | None = None) -> None:
    """Write to standard error from now on, libraries' lines too.

    Args:
        log_format: text, json, or auto: text on a terminal.
        stream: in place of standard error.
    """
    target = stream if stream is not None else sys.stderr
    terminal = target is not None and target.isatty()
    text = log_format == "text" or (log_format == "auto" and terminal)
    _Output.current.close()
    _Output.current = _Output(_as_text(colors=terminal) if text else _as_json(), target)
    _take_over_libraries()


def flush(seconds: float = FLUSH_SECONDS) -> None:
    """Wait until the target has the lines so far, but no longer than that."""
    _Output.current.flush(seconds)


class _Output:
    """A way to render, a bounded queue, and the thread that writes.

    The thread starts with the first line, so that whoever only imports this has none.
    """

    current: ClassVar[_Output]

    def __init__(self, render: Render, stream: TextIO | None) -> None:
        self.render = render
        self._stream = stream
        self._lines: deque[bytes] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._writing = self._closed = False
        self._thread: threading.Thread | None = None
        self._missing = 0
        self._torn = False

    def put(self, line: bytes) -> None:
        """Queue a line."""
        with self._changed:
            full = len(self._lines) >= QUEUE_LINES or self._bytes + len(line) > QUEUE_BYTES
            if self._closed or full:
                counts.overflowed += 1
                self._missing += 1
                return
            self._lines.append(line)
            self._bytes += len(line)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="kastor-log", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self, seconds: float) -> None:
        """Wait until nothing is queued."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while self._lines or self._writing:
                left = deadline - time.monotonic()
                if left <= 0:
                    return
                self._changed.wait(left)

    def close(self) -> None:
        """Write what is queued and end the thread."""
        self.flush(FLUSH_SECONDS)
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._lines:
                    if self._closed:
                        return
                    self._changed.wait()
                line = self._lines.popleft()
                self._bytes -= len(line)
                self._writing = True
                missing = self._missing
            written = self._write_line(line, missing)
            with self._changed:
                if written:
                    counts.written += 1
                    self._missing -= missing
                else:
                    counts.unwritten += 1
                    self._missing += 1
                self._writing = False
                self._changed.notify_all()

    def _write_line(self, line: bytes, missing: int) -> bool:
        try:
            if missing:
                fields = _fields("warning", "kastor.logs", "log lines are missing")
                self._write(self.render({**fields, "count": missing}))
            self._write(line)
        except Exception:  # noqa: BLE001 - there is nobody left to tell
            return False
        return True

    def _write(self, line: bytes) -> None:
        stream = self._stream if self._stream is not None else sys.stderr
        if stream is None:  # a program without a console
            raise OSError("no standard error")
        try:
            handle = stream.fileno()
        except (OSError, ValueError, AttributeError):  # a stream in memory
            stream.write(line.decode(errors="replace"))
            stream.flush()
            return
        # Half a line that a full disk took must not run into the next one.
        rest = memoryview(b"\n" + line if self._torn else line)
        while rest:
            rest = rest[os.write(handle, rest) :]
            self._torn = bool(rest)


def _log(level: str, name: str, event: str, values: Mapping[str, Any]) -> None:
    try:
        output = _Output.current
        output.put(_line(output.render, _fields(level, name, event), values))
    except Exception:  # noqa: BLE001 - no line is worth what its loss would stop
        counts.unrendered += 1


def _line(render: Render, fields: Fields, values: Mapping[str, Any]) -> bytes:
    try:
        line = render({**fields, **values})
    except Exception as error:  # noqa: BLE001 - a value that has no text
        counts.unrendered += 1
        return render({**fields, "unrendered": type(error).__name__})
    if len(line) <= LINE_BYTES:
        return line
    short = {key: repr(value)[:SHORT] for key, value in islice(values.items(), 20)}
    short["fault"] = short.pop("exc_info", "")
    return render({**fields, **short, "event": fields["event"][:SHORT], "cut": len(line)})


def _fields(level: str, name: str, event: str) -> Fields:
    return {"event": event, "level": level, "logger": name}


def _as_json() -> Render:
    to_text = structlog.processors.JSONRenderer(serializer=orjson.dumps)
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)

    def render(fields: Fields) -> bytes:
        fields = dict(structlog.processors.format_exc_info(None, "", stamp(None, "", fields)))
        text = to_text(None, "", fields)
        line = text if isinstance(text, bytes) else text.encode(errors="replace")
        if not line.isascii() or b"\x7f" in line:
            line = _seen(line.decode(errors="replace")).encode()
        return line + b"\n"

    return render


def _as_text(*, colors: bool) -> Render:
    to_text = structlog.dev.ConsoleRenderer(
        colors=colors, exception_formatter=structlog.dev.plain_traceback
    )
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)

    def render(fields: Fields) -> bytes:
        # With colors, escapes of a terminal are in the line, but never those of a value.
        shown = {
            name: _seen(each) if isinstance(each, str) else each for name, each in fields.items()
        }
        text = to_text(None, "", stamp(None, "", shown))
        return (text if colors else _seen(text)).encode(errors="replace") + b"\n"

    return render


def _seen(text: str) -> str:
    """Return a text whose control characters are escaped, as JSON has it.

    They would be a terminal's commands, ends of lines that nobody wrote, or turn what is read.
    """
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class _Bridge(logging.Handler):
    """Brings lines of libraries here."""

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Take a library's line."""
        try:
            values = {"exc_info": record.exc_info} if record.exc_info else {}
            level = "warning" if record.levelno < logging.ERROR else "error"
            _log(level, record.name, record.getMessage(), values)
        except Exception:  # noqa: BLE001 - such as a format that does not fit its arguments
            _log("warning", record.name, str(record.msg), {})


def _take_over_libraries() -> None:
    root = logging.getLogger()
    root.handlers[:] = [_Bridge()]
    root.setLevel(logging.WARNING)
    logging.raiseExceptions = False
    logging.captureWarnings(True)
    threading.excepthook = _thread_ended
    sys.unraisablehook = _not_raised


def _thread_ended(found: threading.ExceptHookArgs) -> None:
    if found.exc_value is not None:
        name = found.thread.name if found.thread is not None else "unknown"
        _log("error", "kastor.logs", "a thread ended", {"name": name, "exc_info": found.exc_value})


def _not_raised(found: sys.UnraisableHookArgs) -> None:
    values = {"where": found.err_msg or "in a finalizer", "exc_info": found.exc_value}
    _log("error", "kastor.logs", "an error that nobody could catch", values)


_Output.current = _Output(_as_text(colors=False), None)
with contextlib.suppress(Exception):
    atexit.register(flush)
