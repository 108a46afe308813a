"""Commands as people run them, in a terminal, and as scripts do, in a pipe.

The fixture `cli` runs them:

    done = cli.pipe("graph", "list", KASTOR_URL=url)            # .status, .out, .err
    seen = cli.shown("graph", "list", KASTOR_URL=url)           # .status, .lines as on the screen
    with cli.terminal("query", columns=120, KASTOR_URL=url) as terminal:
        terminal.wait_for("kastor>")
        terminal.send("SELECT * FROM DIGITALTWINS\\r")
        terminal.interrupt()                                    # Ctrl+C
        assert terminal.end() == 130
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

import pyte

from . import forker

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 30.0
ESCAPE = "\x1b"


@dataclass(frozen=True, slots=True)
class Piped:
    """What a command did in a pipe; a negative status is the signal that ended it."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Shown:
    """What a command did in a terminal.

    Attributes:
        raw: all that it wrote, control sequences included.
    """

    status: int
    raw: str
    columns: int

    @cached_property
    def lines(self) -> list[str]:
        """What a person sees at the end, scrolled back to the beginning."""
        screen = pyte.Screen(self.columns, self.raw.count("\n") + len(self.raw) // self.columns + 2)
        cast("Any", pyte.Stream(screen)).feed(self.raw)
        return _lines(screen)

    @property
    def text(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines)


class Cli:
    """Runs commands, each in a process of its own, forked from one that has them imported."""

    def __init__(self) -> None:
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        root = Path(__file__).resolve().parents[2]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.cli.forker", str(theirs.fileno())],
            pass_fds=(theirs.fileno(),),
            cwd=root,
        )
        theirs.close()

    def close(self) -> None:
        """End the process that forks."""
        self._requests.close()
        self._process.wait(SECONDS)

    def pipe(
        self, *words: object, stdin: str = "", folder: Path | None = None, **variables: str
    ) -> Piped:
        """Run a command to its end, with files in the place of its streams as of any pipe."""
        with contextlib.ExitStack() as stack:
            given = stack.enter_context(tempfile.TemporaryFile())
            given.write(stdin.encode())
            given.seek(0)
            pipes = [os.pipe(), os.pipe()]
            streams = [given.fileno(), pipes[0][1], pipes[1][1]]
            running = self.start(words, streams, folder, variables)
            for _, end in pipes:
                os.close(end)
            texts = [bytearray(), bytearray()]
            threads = [
                threading.Thread(target=_drain, args=(end, text))
                for (end, _), text in zip(pipes, texts, strict=True)
            ]
            for each in threads:
                each.start()
            status = running.end()
            for each in threads:
                each.join()
        return Piped(status, texts[0].decode(), texts[1].decode())

    def terminal(
        self,
        *words: object,
        columns: int = 80,
        rows: int = 24,
        folder: Path | None = None,
        stdout: int | None = None,
        stdin: int | None = None,
        **variables: str,
    ) -> Terminal:
        """Start a command in a terminal; what it writes goes there, unless `stdout` is a file."""
        return Terminal(self, words, (columns, rows), folder, (stdin, stdout), variables)

    def shown(self, *words: object, columns: int = 80, **options: Any) -> Shown:
        """Run a command in a terminal to its end."""
        with self.terminal(*words, columns=columns, **options) as terminal:
            terminal.is_watched = False
            status = terminal.end()
            return Shown(status, terminal.raw, columns)

    def start(
        self,
        words: tuple[object, ...],
        streams: list[int],
        folder: Path | None,
        variables: dict[str, str],
        *,
        terminal: bool = False,
    ) -> Running:
        """Start a command with three descriptors."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("KASTOR_", "PYTEST_", "XDG_")) and name not in _NOT_KEPT
        }
        request = {
            "arguments": [*map(str, words)],
            "environment": {**kept, "TERM": "xterm-256color", **variables},
            "folder": str(folder or Path.cwd()),
            "terminal": terminal,
        }
        ours, theirs = socket.socketpair()
        with theirs:
            message = json.dumps(request).encode()
            assert len(message) < forker.MOST_BYTES
            socket.send_fds(self._requests, [message], [*streams, theirs.fileno()])
        return Running(ours)


_NOT_KEPT = {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TERM", "CI", "GITHUB_ACTIONS"}
"""They change what programs print."""


class Running:
    """A command that runs."""

    def __init__(self, answers: socket.socket) -> None:
        self._answers = answers.makefile("r")
        answers.settimeout(SECONDS)
        answers.close()
        self.process = int(self._answers.readline())
        self._status: int | None = None

    def end(self) -> int:
        """Wait for its end and return its exit status."""
        if self._status is None:
            try:
                self._status = int(self._answers.readline())
            except TimeoutError:
                os.kill(self.process, signal.SIGKILL)
                raise
            finally:
                self._answers.close()
        return self._status

    def kill(self) -> None:
        """End it where it has not."""
        if self._status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process, signal.SIGKILL)
            self.end()


class _Screen(pyte.Screen):
    """A screen that answers, such as where its cursor is."""

    def __init__(self, columns: int, rows: int, answer: Callable[[str], None]) -> None:
        super().__init__(columns, rows)
        self._answer = answer

    def write_process_input(self, data: str) -> None:
        self._answer(data)


class Terminal:
    """A command and the screen that it writes to.

    Attributes:
        screen: what is on it now.
        is_watched: whether the screen follows what is written; that takes its time.
    """

    is_watched = True

    def __init__(
        self,
        cli: Cli,
        words: tuple[object, ...],
        size: tuple[int, int],
        folder: Path | None,
        others: tuple[int | None, int | None],
        variables: dict[str, str],
    ) -> None:
        self._ours, theirs = pty.openpty()
        columns, rows = size
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen = _Screen(columns, rows, self.send)
        self._stream = pyte.ByteStream(self.screen)
        self._bytes = bytearray()
        stdin, stdout = others
        streams = [
            theirs if stdin is None else stdin, theirs if stdout is None else stdout, theirs
        ]  # fmt: skip
        try:
            self._running = cli.start(words, streams, folder, variables, terminal=stdin is None)
        finally:
            os.close(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._running.kill()
        os.close(self._ours)

    @property
    def raw(self) -> str:
        """All that was written so far."""
        return self._bytes.decode()

    @property
    def lines(self) -> list[str]:
        """What is on the screen, without the blanks at the ends of lines and of all of it."""
        return _lines(self.screen)

    def send(self, text: str) -> None:
        """Type something; Return is `\\r`."""
        os.write(self._ours, text.encode())

    def interrupt(self) -> None:
        """Type Ctrl+C."""
        self.send("\x03")

    def wait_for(self, wanted: str | Callable[[list[str]], bool], seconds: float = SECONDS) -> None:
        """Wait until a text is on the screen, or until its lines are as wished."""
        deadline = time.monotonic() + seconds
        while not self._is_there(wanted):
            left = deadline - time.monotonic()
            assert left > 0, f"{wanted!r} did not come: {self.lines}"
            assert self._read(left), f"It ended before {wanted!r} came: {self.lines}"

    def end(self) -> int:
        """Read to the end and return the exit status."""
        while self._read(SECONDS):
            pass
        return self._running.end()

    def _is_there(self, wanted: str | Callable[[list[str]], bool]) -> bool:
        return wanted in "\n".join(self.lines) if isinstance(wanted, str) else wanted(self.lines)

    def _read(self, seconds: float) -> bool:
        if not select.select([self._ours], [], [], seconds)[0]:
            raise TimeoutError(f"Nothing came for {seconds:.0f} s: {self.lines}")
        try:
            data = os.read(self._ours, 65536)
        except OSError:  # the last who had the terminal open has closed it
            return False
        self._bytes += data
        if self.is_watched:
            cast("Any", self._stream).feed(data)
        return bool(data)


def _lines(screen: pyte.Screen) -> list[str]:
    return "\n".join(each.rstrip() for each in screen.display).rstrip().split("\n")


def _drain(end: int, text: bytearray) -> None:
    with open(end, "rb", buffering=0) as stream:
        while data := stream.read(65536):
            text += data
