"""Reads the file of tokens, and replaces it as a whole, one process at a time.

Whoever reads it finds the tokens before a change or after it, also when the power goes: it is
never written in place.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from kastor.auth.tokens.lines import MOST_LINES, TokenFileError, TokenLine, read_lines
from kastor.private import lock_folder, make_folder, sync_folder

LARGEST_FILE = 4_194_304
"""Bytes; a backup takes no larger one."""
LOCK_SECONDS = 15.0
_LOCK_PAUSE_SECONDS = 0.01


def read_file(path: Path) -> list[TokenLine]:
    """Return the lines of the file; none where it is missing.

    Raises:
        TokenFileError: it cannot be read, is too large, or a line is none.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise TokenFileError(f"{path} cannot be read: {error.strerror}.") from error
    return read_content(content, path)


def read_content(content: bytes, path: Path) -> list[TokenLine]:
    """Return the lines of a content of the file; raises TokenFileError."""
    if len(content) > LARGEST_FILE:
        raise TokenFileError(
            f"{path} has more than {LARGEST_FILE:,} bytes. Revoke tokens that nobody uses."
        )
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise TokenFileError(f"{path} is not UTF-8: {error.reason}.") from error
    return read_lines(text, path)


@contextlib.contextmanager
def changing(path: Path) -> Iterator[Path]:
    """Keep other processes from changing the file meanwhile; yields it behind links.

    Raises:
        TokenFileError: its folder cannot be made or locked, or the file not written.
    """
    try:
        target = path.resolve()  # a link stays one
        make_folder(target.parent)
        deadline = time.monotonic() + LOCK_SECONDS
        while (lock := lock_folder(target.parent)) is None:
            if time.monotonic() > deadline:
                raise TokenFileError(
                    f"Another command is changing {path}, and does not end. Try again once it has."
                )
            time.sleep(_LOCK_PAUSE_SECONDS)
        try:
            yield target
        finally:
            lock.release()
    except OSError as error:
        raise TokenFileError(f"{path} cannot be written: {error.strerror}.") from error


def replace_file(target: Path, lines: Iterable[TokenLine]) -> None:
    """Put other lines in the file's place in one step; it keeps its mode and owner.

    Raises:
        OSError: it cannot be written; it is as before.
        TokenFileError: there are too many.
    """
    kept = list(lines)
    content = "".join(f"{each.text}\n" for each in kept).encode()
    if len(kept) > MOST_LINES or len(content) > LARGEST_FILE:
        raise TokenFileError(
            f"{target} holds {MOST_LINES:,} lines and {LARGEST_FILE:,} bytes at most. Revoke "
            "tokens that nobody uses."
        )
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f"{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            with contextlib.suppress(PermissionError, AttributeError):  # AttributeError: Windows
                found = target.stat()
                os.chown(name, found.st_uid, found.st_gid)
            shutil.copymode(target, name)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync_folder(target.parent)
