"""The one place where log lines are made and written; nothing here raises or waits.

Who logs may be the last line of defence, or hold the lock that everybody waits for. So a line is
rendered where it is logged and written by a thread of its own: a full disk, a pipe that nobody
reads and a value that cannot be shown cost lines, which are counted, and nothing else. When the
target is back, lines go on, with the number of those that are missing.

Libraries' lines, warnings, and what threads and finalizers did not catch come the same way. A line
that something is logged for a request has that request's id. What others sent cannot look like a
line of its own, or speak to a terminal: characters that are not printed stand as escapes, and lines
of a trace are set in.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar, TextIO, TypeAlias

import orjson
import structlog

from kastor.tracing import tag
from kastor.types import override

QUEUE_LINES, QUEUE_BYTES = 10_000, 8 * 2**20
"""What waits for a target that is slow; lines beyond are lost and counted."""
LINE_BYTES = 65_536
"""A longer line keeps the beginnings of its values: one request must not fill the queue."""
SHORT = 1_000
FLUSH_SECONDS = 1.0
"""How long the end of the process waits for lines that are not written yet."""

_LEVELS = ((logging.ERROR, "error"), (logging.WARNING, "warning"))
_BIDI = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_UNPRINTED = (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, 0xFEFF, *_BIDI)
"""Characters that end a line, speak to a terminal, or turn the order of what stands beside them."""
_TEXT_ESCAPES = {code: repr(chr(code))[1:-1] for code in _UNPRINTED}
_QUOTED = frozenset(" \t=\r\n\"'")
"""With one of them in it the renderer quotes a value, and escapes what is not printed itself."""
_IN_TRACES = {code: text for code, text in _TEXT_ESCAPES.items() if code != ord("\t")}
_JSON_ESCAPES = {code: f"\\u{code:04x}" for code in _UNPRINTED if code > ord("~")}

Fields: TypeAlias = dict[str, Any]
Render: TypeAlias = Callable[[Fields], bytes]
Beside: TypeAlias = Callable[[Fields, Mapping[str, Any]], None]
"""Takes a line's event, level, logger and ids, and its other values; may neither raise nor wait."""


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

    @property
    def waiting(self) -> int:
        """Lines that are not written yet."""
        return _Output.current.waiting


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


def tell_beside(take: Beside | None) -> None:
    """Give every line to somebody else as well from now on; None: no longer."""
    _Output.beside = take


def text_of(value: object) -> str:
    """Return the text of a value of a line, without what is not printed."""
    if isinstance(value, BaseException):
        return "".join(traceback.format_exception(value))
    return _printable(value if isinstance(value, str) else repr(value))


def flush(seconds: float = FLUSH_SECONDS) -> None:
    """Wait until the target has the lines so far, but no longer than that."""
    _Output.current.flush(seconds)


class _Output:
    """A way to render, a bounded queue, and the thread that writes.

    The thread starts with the first line, so that whoever only imports this has none.
    """

    current: ClassVar[_Output]
    beside: ClassVar[Beside | None] = None

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

    @property
    def waiting(self) -> int:
        """Lines in the queue."""
        return len(self._lines)

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
        output, fields = _Output.current, _fields(level, name, event)
        output.put(_line(output.render, fields, values))
        if _Output.beside is not None:
            _Output.beside(fields, values)
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
    fields = {"event": event, "level": level, "logger": name}
    about = tag.get()
    if about is not None:
        fields["request"] = about.id
        if about.trace is not None:
            fields["trace_id"], fields["span_id"] = about.trace
    return fields


def _printable(text: str) -> str:
    """Return a text in which nothing ends a line or speaks to a terminal."""
    return text if text.isprintable() else text.translate(_TEXT_ESCAPES)


def _readable(value: object) -> object:
    if isinstance(value, str):
        return value if _QUOTED.intersection(value) else _printable(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    return _Shown(_printable(repr(value)))


class _Shown:
    """A text that the renderer does not quote."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    @override
    def __repr__(self) -> str:
        return self._text


def _as_json() -> Render:
    to_text = structlog.processors.JSONRenderer(serializer=orjson.dumps)
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)

    def render(fields: Fields) -> bytes:
        fields = dict(structlog.processors.format_exc_info(None, "", stamp(None, "", fields)))
        found = to_text(None, "", fields)
        line = found if isinstance(found, bytes) else found.encode(errors="replace")
        if not line.isascii() or b"\x7f" in line:  # which escapes all before the blank itself
            line = line.decode(errors="replace").translate(_JSON_ESCAPES).encode()
        return line + b"\n"

    return render


def _as_text(*, colors: bool) -> Render:
    to_text = structlog.dev.ConsoleRenderer(
        colors=colors, exception_formatter=structlog.dev.plain_traceback
    )
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)

    def render(fields: Fields) -> bytes:
        trace = {key: fields[key] for key in ("exc_info", "stack_info") if key in fields}
        shown = {key: _readable(value) for key, value in fields.items() if key not in trace}
        shown["event"] = _printable(str(fields["event"]))
        text = to_text(None, "", stamp(None, "", shown | trace))
        lines = text.rstrip("\n").split("\n")  # a trace has many, of which a message may be part
        set_in = [lines[0], *(f"    {_plain(line)}" for line in lines[1:])]
        return "\n".join(set_in).encode(errors="replace") + b"\n"

    return render


def _plain(line: str) -> str:
    return line.translate(_IN_TRACES)


class _Bridge(logging.Handler):
    """Brings lines of libraries here."""

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Take a library's line."""
        try:
            values = {"exc_info": record.exc_info} if record.exc_info else {}
            level = next((name for least, name in _LEVELS if record.levelno >= least), "info")
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
