"""Opens files below a folder without following links, so that none leads out of it.

What a path led to when it was checked says nothing about a moment later. Here each step is taken
from the folder that was opened before, and a link is an error.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from kastor.private import FILE_MODE

# Absent on Windows, which has neither such links nor pipes among its files.
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0)
_NO_WAITING = getattr(os, "O_NONBLOCK", 0)
_OURS_ALONE = getattr(os, "O_CLOEXEC", 0)


class NoPlainFileError(OSError):
    """What has the name is a link, a folder, a pipe or a device."""


def open_folder(root: Path, steps: tuple[str, ...]) -> int:
    """Return a handle of the folder that `steps` lead to from a root, links in the root aside.

    Raises:
        OSError: a step is missing, no folder, or a link.
    """
    folder = os.O_RDONLY | os.O_DIRECTORY | _OURS_ALONE
    handle = os.open(root, folder)
    for step in steps:
        try:
            following = os.open(step, folder | _NO_LINKS, dir_fd=handle)
        finally:
            os.close(handle)
        handle = following
    return handle


def open_file(
    name: str, flags: int, mode: int = FILE_MODE, folder: int | None = None, *, links: bool = False
) -> int:
    """Return a handle of a plain file.

    Args:
        name: of the file, in the folder.
        flags: as of `os.open`.
        mode: of a new file.
        folder: a handle; None: `name` is a path.
        links: whether the name may be a link.

    Raises:
        OSError: as of `os.open`; NoPlainFileError, and nothing was done to it.
    """
    # O_NONBLOCK: a pipe that nobody reads, and some devices, would hold up whoever opens them.
    flags |= _OURS_ALONE | _NO_WAITING | (0 if links else _NO_LINKS)
    handle = os.open(name, flags, mode, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise NoPlainFileError(errno.EINVAL, "Is no plain file", name)
    return handle
