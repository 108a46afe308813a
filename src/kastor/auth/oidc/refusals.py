"""Tells the operator why tokens are refused: the one who shows a token only hears that it is.

Strangers decide how often that happens, so each reason is told once in a while.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from kastor.logs import get_logger

QUIET_SECONDS = 60.0
_MOST_KEPT = 1_000

_log = get_logger("kastor.auth")


class RefusalLog:
    """Logs each reason, for each issuer, at most once in `QUIET_SECONDS`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: dict[tuple[str, str], float] = {}

    def note(self, issuer: str, reason: str, **values: str) -> None:
        """Tell of a token that was refused.

        Args:
            issuer: one that is set; empty where it is none of them.
            reason: one of a few.
            values: more that helps.
        """
        now, key = self._clock(), (issuer, reason)
        told = self._told.get(key)
        if told is not None and now - told < QUIET_SECONDS:
            return
        if len(self._told) >= _MOST_KEPT:
            self._told.clear()
        self._told[key] = now
        _log.warning("a token was refused", issuer=issuer or "-", reason=reason, **values)
