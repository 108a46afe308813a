"""Long answers in a pager, as psql does it: what fits on the screen is printed, more is paged."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from kastor.cli.screen import Screen, stdout_screen

VARIABLE = "KASTOR_PAGER"
"""Names the pager, before PAGER; empty, nothing is paged."""
_PROMPT_LINES = 2


@contextmanager
def paged() -> Iterator[Screen]:
    """Return a block with a screen; what is written there is paged from where it fills the screen.

    Whoever leaves the pager early ends the block there, with nothing to be told.
    """
    to = stdout_screen()
    command = pager_command()
    if command is None:
        yield to
        return
    lines = shutil.get_terminal_size().lines - _PROMPT_LINES
    stream = _PagedStream(command, to.width, max(1, lines))
    try:
        with contextlib.suppress(BrokenPipeError):
            yield replace(to, stream=stream)
    finally:
        stream.finish()


def pager_command() -> list[str] | None:
    """Return the pager that is wanted and there; None where there is none."""
    named = os.environ.get(VARIABLE, os.environ.get("PAGER", "less"))
    try:
        words = shlex.split(named)
    except ValueError:
        return None
    return words if words and shutil.which(words[0]) else None


class _PagedStream:
    """Keeps what is written until it is more than a screen, then gives it to a pager."""

    def __init__(self, command: list[str], width: int, lines: int) -> None:
        self._command, self._width, self._lines = command, width, lines
        self._kept: list[str] = []
        self._count = 0
        self._pager: subprocess.Popen[str] | None = None

    def write(self, text: str) -> int:
        """Write to the pager, where there is one already.

        Raises:
            BrokenPipeError: somebody has left it.
        """
        if self._pager is not None and self._pager.stdin is not None:
            self._pager.stdin.write(text)
            return len(text)
        self._kept.append(text)
        self._count += sum(1 + len(line) // (self._width + 1) for line in text.split("\n")) - 1
        if self._count > self._lines:
            self._start()
        return len(text)

    def _start(self) -> None:
        environment = {"LESS": "FRX", "LESSCHARSET": "utf-8", **os.environ}
        sys.stdout.flush()
        try:
            self._pager = subprocess.Popen(  # noqa: S603 - what the user has named
                self._command, stdin=subprocess.PIPE, text=True, encoding="utf-8", env=environment
            )
        except OSError:
            self._lines = sys.maxsize  # what is wanted cannot be run; all is printed at the end
            return
        kept, self._kept = "".join(self._kept), []
        self.write(kept)

    def flush(self) -> None:
        """Hand on what the pager waits for.

        Raises:
            BrokenPipeError: somebody has left it.
        """
        if self._pager is not None and self._pager.stdin is not None:
            self._pager.stdin.flush()

    def finish(self) -> None:
        """Print what was kept, or wait until somebody leaves the pager."""
        if self._pager is None:
            sys.stdout.write("".join(self._kept))
            sys.stdout.flush()
            return
        # Ctrl+C is the pager's as long as it is on the screen.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            with contextlib.suppress(BrokenPipeError):
                self._pager.communicate()
        finally:
            signal.signal(signal.SIGINT, before)
