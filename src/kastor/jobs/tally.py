"""What the jobs of one graph have done in this process, for `/metrics`."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KindTally:
    """Of one kind of job.

    Attributes:
        kind: its name.
        done: what was done since the process began, in the kind's unit.
        at_work: jobs that this process works on.
        seconds_since_progress: of the one that has waited longest; None while none is at work.
    """

    kind: str
    done: int
    at_work: int
    seconds_since_progress: float | None


class JobTally:
    """Counts by kind."""

    def __init__(self) -> None:
        self._done: Counter[str] = Counter()
        self._moved: dict[tuple[str, str], float] = {}

    def begin(self, kind: str, job_id: str) -> None:
        """Note that work on a job begins, or goes on."""
        self._moved[kind, job_id] = time.monotonic()

    def progress(self, kind: str, job_id: str, more: int) -> None:
        """Note that a job got on; it may be of any thread."""
        self._moved[kind, job_id] = time.monotonic()
        self._done[kind] += max(0, more)

    def end(self, kind: str, job_id: str) -> None:
        """Note that nobody works on it here any more."""
        self._moved.pop((kind, job_id), None)

    def kinds(self) -> list[KindTally]:
        """Return what was counted, by kind."""
        now, moved = time.monotonic(), list(self._moved.items())
        found = []
        for kind in sorted({*self._done, *(each for (each, _), _ in moved)}):
            waits = [now - at for (each, _), at in moved if each == kind]
            found.append(KindTally(kind, self._done[kind], len(waits), max(waits, default=None)))
        return found
