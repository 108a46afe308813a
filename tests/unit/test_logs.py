"""Logging never raises and never waits, whatever becomes of the target and of the values."""

from __future__ import annotations

import ast
import io
import logging
import os
import resource
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from kastor import logs
from kastor.logs import LogCounts, configure, flush, get_logger
from kastor.tracing import RequestTag, tag

SOURCE = Path(__file__).parents[2] / "src" / "kastor"
log = get_logger("kastor.tests")


@pytest.fixture(autouse=True)
def as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave logging as it was, for the other tests."""
    root = logging.getLogger()
    handlers, level, output = root.handlers[:], root.level, logs._Output.current
    hooks = threading.excepthook, sys.unraisablehook
    monkeypatch.setattr(logs, "counts", LogCounts())
    monkeypatch.setattr(output, "close", lambda: None)
    yield
    monkeypatch.undo()
    logs._Output.current.close()
    logs._Output.current = output
    root.handlers[:], root.level = handlers, level
    threading.excepthook, sys.unraisablehook = hooks
    logging.captureWarnings(False)
    logging.raiseExceptions = True


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "log"
    with path.open("a") as stream:
        configure("json", stream)
        yield path


def lines(path: Path) -> list[dict[str, Any]]:
    flush(5)
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


class Unspeakable:
    def __repr__(self) -> str:
        raise ValueError("no text")

    __str__ = __repr__


def test_a_line_has_event_level_logger_time_and_values(target: Path) -> None:
    log.warning("it happened", number=1, text="ü")
    (line,) = lines(target)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "it happened",
        "level": "warning",
        "logger": "kastor.tests",
        "number": 1,
        "text": "ü",
    }


def test_a_fault_comes_with_its_trace(target: Path) -> None:
    try:
        int("wrong")
    except ValueError as error:
        log.exception("handed over", exc_info=error)
        log.exception("the present one")
    for line in lines(target):
        assert "ValueError: invalid literal" in line["exception"]
        assert line["level"] == "error"


@pytest.mark.parametrize(
    "value",
    [
        Unspeakable(),
        "\ud800",
        2**100,
        {1: 2},
        {Unspeakable(): 1},
        {"a": {"b": Unspeakable()}},
        b"\xff",
    ],
    ids=["no repr", "lone surrogate", "huge", "number as key", "no repr as key", "deep", "bytes"],
)
@pytest.mark.parametrize("form", ["json", "text"])
def test_no_value_raises_and_the_event_is_there(tmp_path: Path, value: object, form: str) -> None:
    with (tmp_path / "log").open("a") as stream:
        configure(form, stream)
        log.error("it happened", value=value, exc_info=ValueError(value))
        log.info("later")
        flush(5)
    text = (tmp_path / "log").read_text()
    assert "it happened" in text
    assert "later" in text


def test_a_value_that_refers_to_itself_does_not_raise(target: Path) -> None:
    loop: list[Any] = []
    loop.append(loop)
    log.error("it happened", loop=loop)
    assert [line["event"] for line in lines(target)] == ["it happened"]
    assert logs.counts.unrendered == 1


def test_a_line_that_is_too_long_keeps_the_beginnings(target: Path) -> None:
    log.error("long", text="x" * 1_000_000, other=1, exc_info=ValueError("y" * 1_000_000))
    (line,) = lines(target)
    assert target.stat().st_size < logs.LINE_BYTES
    assert line["event"] == "long"
    assert line["text"].startswith("'xxx")
    assert "ValueError" in line["fault"]


def test_a_pipe_without_a_reader_costs_lines_and_nothing_else() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        configure("json", stream)
        for n in range(100):
            log.error("lost", n=n)
        flush(5)
        assert logs.counts == LogCounts(unwritten=100)


def test_lines_go_on_when_a_full_disk_has_room_again_and_none_is_torn(target: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    log.info("before")
    flush(5)
    try:
        # Half of the next line still goes in.
        resource.setrlimit(resource.RLIMIT_FSIZE, (target.stat().st_size + 40, hard))
        for n in range(50):
            log.error("lost", n=n, text="x" * 100)
        flush(5)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert logs.counts.unwritten == 50
    log.info("after")
    flush(5)
    events = []
    for line in target.read_bytes().splitlines():
        try:
            events.append(orjson.loads(line))
        except orjson.JSONDecodeError:
            events.append({"event": "torn"})
    assert [line["event"] for line in events] == [
        "before",
        "torn",
        "log lines are missing",
        "after",
    ]
    assert events[2]["count"] == 50


def test_a_reader_that_stops_reading_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "QUEUE_LINES", 1_000)
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as reader, os.fdopen(writing, "w") as stream:
        configure("json", stream)
        started = time.monotonic()
        for n in range(5_000):
            log.error("slow", n=n, text="x" * 100)
        assert time.monotonic() - started < 5
        assert logs.counts.overflowed > 1_000
        threading.Thread(
            target=lambda: [None for _ in iter(lambda: reader.read(4096), b"")]
        ).start()
        flush(5)
        log.error("again")
        flush(5)
        written = logs.counts.written
        logs._Output.current.close()
        stream.close()
    assert written + logs.counts.overflowed == 5_001
    assert logs.counts.unwritten == 0


def test_a_stream_in_memory_and_none_at_all_do(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    configure("json", stream)
    log.info("here")
    flush(5)
    assert orjson.loads(stream.getvalue())["event"] == "here"
    monkeypatch.setattr(sys, "stderr", None)
    configure("auto")
    log.info("nowhere")
    flush(5)
    assert logs.counts.unwritten == 1


def test_a_thread_that_wrote_is_started_again_if_it_has_ended(target: Path) -> None:
    log.info("one")
    flush(5)
    logs._Output.current._thread = threading.Thread(target=int)
    log.info("two")
    assert [line["event"] for line in lines(target)] == ["one", "two"]


def test_libraries_warnings_and_threads_come_the_same_way(target: Path) -> None:
    logging.getLogger("uvicorn.error").warning("Invalid %s", "request")
    logging.getLogger("asyncio").error("not good", exc_info=ValueError("wrong"))
    logging.getLogger("library").warning("%d", "no number")
    logging.getLogger("library").info("not wanted")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    thread = threading.Thread(target=lambda: 1 / 0, name="broken")
    thread.start()
    thread.join()

    class Broken:
        def __del__(self) -> None:
            raise ValueError("in the end")

    Broken()
    found = {(line["logger"], line["level"], line["event"]) for line in lines(target)}
    assert ("uvicorn.error", "warning", "Invalid request") in found
    assert ("asyncio", "error", "not good") in found
    assert ("library", "warning", "%d") in found
    assert ("kastor.logs", "error", "a thread ended") in found
    assert ("kastor.logs", "error", "an error that nobody could catch") in found
    assert any(logger == "py.warnings" and "old" in event for logger, _, event in found)
    assert not any(event == "not wanted" for _, _, event in found)


def test_what_is_logged_last_is_written() -> None:
    text = (
        "from kastor.logs import configure, get_logger; configure('json')\n"
        "for n in range(100): get_logger('x').info('line', n=n)"
    )
    ended = subprocess.run([sys.executable, "-c", text], capture_output=True, check=True)
    assert [orjson.loads(line)["n"] for line in ended.stderr.splitlines()] == list(range(100))


TAKE_THEM = {SOURCE / "logs.py", SOURCE / "moving/tables/excel_reader.py"}
"""The one that writes them, and one that keeps those of a library to itself."""


def test_nobody_takes_a_logger_from_elsewhere() -> None:
    for path in SOURCE.rglob("*.py"):
        if path in TAKE_THEM:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {"structlog", "logging", "warnings"} & set(names), path


HOSTILE = "a\n2026-01-01T00:00:00Z [error] forged\r\x1b[2J\x9b1m\u2028\u202e\x7f\x00\u2066"


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_others_sent_is_no_line_of_its_own_and_says_nothing_to_a_terminal(form: str) -> None:
    class Shown:
        def __repr__(self) -> str:
            return HOSTILE

    stream = io.StringIO()
    configure(form, stream)
    log.warning(HOSTILE, text=HOSTILE, one=HOSTILE.replace(" ", "_"), inside=[HOSTILE])
    if form == "text":
        log.warning("shown", it=Shown())
    logging.getLogger("library").critical("%s", HOSTILE)
    flush(5)
    found = stream.getvalue()
    count = 3 if form == "text" else 2
    assert len(found.splitlines()) == found.count("\n") == count, found
    assert all(line.isprintable() for line in found.split("\n")), found
    assert found.count("forged") >= 5


def test_lines_of_a_trace_are_set_in() -> None:
    def broken() -> None:
        raise ValueError(HOSTILE)

    stream = io.StringIO()
    configure("text", stream)
    try:
        broken()
    except ValueError as error:
        log.exception("it broke", exc_info=error)
    flush(5)
    first, *rest = stream.getvalue().rstrip("\n").split("\n")
    assert "it broke" in first
    assert len(rest) > 3
    assert all(line.startswith("    ") for line in rest)
    assert "\x1b" not in stream.getvalue()
    assert "\x9b" not in stream.getvalue()


def test_libraries_lines_have_their_levels(target: Path) -> None:
    library = logging.getLogger("some.library")
    library.warning("w")
    library.error("e")
    library.critical("c")
    library.info("i")
    assert [(each["event"], each["level"]) for each in lines(target)] == [
        ("w", "warning"),
        ("e", "error"),
        ("c", "error"),
    ]


def test_a_line_for_a_request_has_its_id(target: Path) -> None:
    about = RequestTag()
    before = tag.set(about)
    try:
        log.info("one")
        about.trace = ("a" * 32, "b" * 16)
        log.info("two")
    finally:
        tag.reset(before)
    log.info("three")
    one, two, three = lines(target)
    assert one["request"] == two["request"] == about.id
    assert "trace_id" not in one
    assert (two["trace_id"], two["span_id"]) == ("a" * 32, "b" * 16)
    assert "request" not in three


def test_who_takes_lines_beside_cannot_stop_them(target: Path) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError

    logs.tell_beside(broken)
    try:
        log.info("it is there")
    finally:
        logs.tell_beside(None)
    assert [each["event"] for each in lines(target)] == ["it is there"]
