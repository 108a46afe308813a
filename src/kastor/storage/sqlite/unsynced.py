"""Files that are written without waiting for the disk, and how a power cut is noticed afterwards.

A killed process loses nothing that it wrote: the system has it. Only where the system itself ends
in between, parts may be missing, whatever the file looks like. So a mark beside the file bears the
boot of the system that writes it, from before the first write until all is on the disk.
"""

from __future__ import annotations

import os
from pathlib import Path

from kastor.private import open_private, sync_folder

MARK_SUFFIX = "-boot"
BOOT_FILE = Path("/proc/sys/kernel/random/boot_id")
"""Another one after each start of the system; only Linux has it."""


class UnsyncedFile:
    """One file that may be written so, and its mark."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mark = path.with_name(path.name + MARK_SUFFIX)

    def may_be_torn(self) -> bool:
        """Return whether the system ended before all was on the disk."""
        try:
            return self._mark.read_bytes() != _boot()
        except FileNotFoundError:
            return False

    def begin(self) -> bool:
        """Mark the file; return False where it cannot be, so that writes have to wait."""
        boot = _boot()
        if not boot:
            return False
        try:
            with os.fdopen(open_private(self._mark, os.O_WRONLY | os.O_CREAT), "wb") as mark:
                mark.write(boot)
                mark.truncate()
                mark.flush()
                os.fsync(mark.fileno())
            sync_folder(self._mark.parent)
        except OSError:
            return False
        return True

    def end(self) -> None:
        """Bring the file, into which its log was folded, to the disk, and take the mark away."""
        if not self._mark.exists():
            return
        with self._path.open("rb") as file:
            os.fsync(file.fileno())
        self._mark.unlink()


def _boot() -> bytes:
    try:
        return BOOT_FILE.read_bytes()
    except OSError:
        return b""
