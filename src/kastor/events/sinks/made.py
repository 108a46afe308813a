"""Tells files of events that Kastor made from files that others made, which are never cut.

A file that Kastor makes gets a mark, an extended attribute of its own; half a line at its end is
what a crash left, was never confirmed, and is cut. Where there is no mark, since the file is older,
somebody else's, or the file system has no marks, a new line begins after half a line.
"""

from __future__ import annotations

import contextlib
import os

MARK = "user.kastor.events"
BEGINNING = b'{"specversion":"1.0",'
"""What every line of a file begins with (`events.envelope.structured`)."""

_BLOCK_BYTES = 65_536
_LINE_BYTES = 67_108_864
"""Longer than the line of any event; what is longer was not written by Kastor."""


def mark(handle: int) -> None:
    """Mark a file that was made just now, where the file system can."""
    with contextlib.suppress(OSError, AttributeError):  # AttributeError: not on Linux
        os.setxattr(handle, MARK, b"1")


def is_marked(handle: int) -> bool:
    """Whether Kastor made the file, and it is known for certain."""
    try:
        return os.getxattr(handle, MARK) == b"1"
    except (OSError, AttributeError):
        return False


def is_ours(handle: int) -> bool:
    """Whether Kastor made the file: it is marked, or begins as only a file of events does."""
    return is_marked(handle) or os.pread(handle, len(BEGINNING), 0) == BEGINNING


def end_of_lines(handle: int) -> tuple[int, bool]:
    """Cut what a crash left behind the last line end, if Kastor made the file.

    Returns:
        The size, and whether the last line still has no end.
    """
    size = os.fstat(handle).st_size
    if size == 0 or os.pread(handle, 1, size - 1) == b"\n":
        return size, False
    end = _after_last_line(handle, size) if is_marked(handle) else None
    if end is None or not _is_half_line(os.pread(handle, len(BEGINNING), end)):
        return size, True
    os.ftruncate(handle, end)
    return end, False


def _after_last_line(handle: int, size: int) -> int | None:
    end, least = size, max(0, size - _LINE_BYTES)
    while end > least:
        start = max(least, end - _BLOCK_BYTES)
        found = os.pread(handle, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0 if least == 0 else None


def _is_half_line(beginning: bytes) -> bool:
    """Whether it begins like a line, as far as it goes; a power cut may leave zeros."""
    return BEGINNING.startswith(beginning.rstrip(b"\0"))
