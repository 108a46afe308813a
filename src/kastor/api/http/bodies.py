"""What the bodies of all requests under way may take: bytes, and how many large ones are decoded.

One body has a bound of its own; a thousand that do not end have a thousand times that. So the bytes
of all are counted until their requests are answered, of each client and in all. A decoded body is
many times as large as its text, so large ones have their turns.
"""

from __future__ import annotations

import asyncio
from collections import Counter

from kastor.errors import TooManyRequests

MOST_BYTES = 134_217_728
"""Of all bodies, unless the largest that is allowed is more than half of it."""
FREE_BYTES = 65_536
"""Of each body, which are not counted: small requests are never refused for others."""
DECODED_AT_ONCE = 3
"""Large bodies that are decoded, or of which the values are in memory."""
RETRY_SECONDS = 2


class BodyBudget:
    """Counts the bodies of one process.

    Attributes:
        size: bytes that are kept.
        turns: entered by whoever has a large body as values.
    """

    def __init__(self, largest: int = 0) -> None:
        """Prepare.

        Args:
            largest: bytes of the largest body that is allowed; a client may have one of them.
        """
        self.allow(largest)
        self.size = 0
        self.turns = asyncio.Semaphore(DECODED_AT_ONCE)
        self._sizes: Counter[str] = Counter()

    def allow(self, largest: int) -> None:
        """Have room for bodies of so many bytes; what is kept already stays."""
        self._most = max(MOST_BYTES, 2 * largest)

    def take(self, client: str, more: int) -> None:
        """Count bytes of a client's body; one client has at most half of all.

        Raises:
            TooManyRequests: there is no room for them.
        """
        if self._sizes[client] + more > self._most // 2 or self.size + more > self._most:
            raise TooManyRequests(
                "The bodies of requests under way take as much as they may. Send fewer large ones "
                "at once, and each of them quickly.",
                retry_after=RETRY_SECONDS,
            )
        self.size += more
        self._sizes[client] += more

    def give_back(self, client: str, size: int) -> None:
        """Count bytes no longer."""
        self.size -= size
        self._sizes[client] -= size
        if self._sizes[client] <= 0:
            del self._sizes[client]
