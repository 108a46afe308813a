"""How long a load goes on with a server that is busy, or away for a moment."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from kastor.client import ServerFailedError, TooManyRequestsError, UnreachableError

T = TypeVar("T")
SECONDS = 300.0
_FIRST, _LONGEST = 0.1, 5.0


class Patience:
    """Makes calls that may be repeated, until they pass or nothing has passed for long.

    All calls of a load share one: while one of them is told to wait, none is begun.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        """Prepare.

        Args:
            seconds: without anything that passed, after which the last error is raised.
        """
        self._seconds = seconds
        self._passed = self._until = time.monotonic()
        self._chance = random.Random()  # noqa: S311 - it spreads waits

    async def call(self, make: Callable[[], Awaitable[T]]) -> T:
        """Return what a call returns that is certain not to have been applied when it fails.

        Raises:
            ClientError: of the last attempt.
        """
        attempt = 0
        while True:
            await self._turn()
            try:
                result = await make()
            except (TooManyRequestsError, UnreachableError, ServerFailedError) as error:
                attempt += 1
                self._wait(error, attempt)
            else:
                self._passed = time.monotonic()
                return result

    async def _turn(self) -> None:
        """Return when calls may be made; those that waited do not all begin at once."""
        # Asked again: another call may have been told to wait longer meanwhile.
        while (left := self._until - time.monotonic()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(left * (1 + self._chance.random() / 4))

    def _wait(
        self, error: TooManyRequestsError | UnreachableError | ServerFailedError, attempt: int
    ) -> None:
        now = time.monotonic()
        asked = None if isinstance(error, UnreachableError) else error.retry_after
        wait = min(_LONGEST, _FIRST * 2 ** min(attempt, 10)) if asked is None else asked
        if now + wait > self._passed + self._seconds:
            raise error
        self._until = max(self._until, now + wait)
