"""When a call that failed is sent again, and after how long."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from kastor.client.calls import Repetition

_REFUSED_UNDONE = frozenset({429})
_REPEATABLE = frozenset({Repetition.ALWAYS, Repetition.RECOGNISED})
_MAY_PASS = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and how patiently a client tries again.

    Attributes:
        attempts: of one call, the first among them; 1 never tries again.
        first: seconds before the second attempt where the other side does not say; each further
            wait is twice as long, with up to a quarter of chance.
        longest: seconds beyond which no wait goes; a `Retry-After` beyond it ends the attempts.
    """

    attempts: int = 5
    first: float = 0.2
    longest: float = 60.0
    chance: random.Random = field(default_factory=random.Random, repr=False, compare=False)

    def after_answer(
        self, repeat: Repetition, attempt: int, status: int, asked: float | None
    ) -> float | None:
        """Return the seconds to wait before the next attempt, or None to give up.

        Args:
            repeat: when the call may be sent again.
            attempt: the number of those made, from 1.
            status: of the answer.
            asked: the seconds of `Retry-After`.
        """
        allowed = _MAY_PASS if repeat in _REPEATABLE else _REFUSED_UNDONE
        if status not in allowed or repeat is Repetition.NEVER:
            return None
        return self._wait(attempt, asked)

    def after_fault(self, repeat: Repetition, attempt: int, *, sent: bool) -> float | None:
        """The same after a connection failed; `sent` says whether any of it may have arrived."""
        if repeat is Repetition.NEVER or (sent and repeat not in _REPEATABLE):
            return None
        return self._wait(attempt, None)

    def _wait(self, attempt: int, asked: float | None) -> float | None:
        if attempt >= self.attempts:
            return None
        if asked is not None:
            return asked if asked <= self.longest else None
        grown: float = min(self.longest, self.first * 2 ** min(attempt - 1, 30))
        return grown * (1 + self.chance.random() / 4)
