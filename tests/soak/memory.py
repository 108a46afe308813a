"""How much memory a server uses, its helping processes included."""

from __future__ import annotations

import contextlib
from pathlib import Path


def resident_bytes(pid: int) -> int:
    """Return the private and shared memory of a process and all below it, in bytes.

    What several of them share counts in parts, so that the sum is what the machine gives.
    """
    total = 0
    for each in family(pid):
        with contextlib.suppress(OSError, StopIteration):
            lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
            kilobytes = next(line.split()[1] for line in lines if line.startswith("Pss:"))
            total += int(kilobytes) * 1024
    return total


def family(pid: int) -> list[int]:
    """Return a process and all below it."""
    found = [pid]
    for each in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{each}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
    return found
