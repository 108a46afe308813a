"""What one client may have of the server: requests, queries at once, attempts without a token.

Each process counts for itself. A client is whoever its token names, or an address, see
`kastor.api.http.clients`. What is kept of clients is bounded, however many there are.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from kastor.api.http.rate_buckets import RateBuckets
from kastor.errors import TooManyRequests
from kastor.words import counted

BURST_SECONDS = 2.0
"""What may be asked at once where nothing else is set: what the rate gives in so long."""
RETRY_SECONDS = 1
"""Nobody knows when a query ends."""
_MINUTE = 60.0
_QUOTA = "QuotaReachedError"


@dataclass(frozen=True, slots=True)
class ClientBounds:
    """Limits of each client.

    Attributes:
        rate: requests in a second; 0: any number.
        burst: requests at once; 0: as many as the rate gives in BURST_SECONDS.
        queries: that are under way at once.
        failures: attempts of an address without a valid token, in a minute, that are told so; 0:
            all of them.
    """

    rate: float = 0.0
    burst: int = 0
    queries: int = 100
    failures: int = 1_000

    @property
    def at_once(self) -> float:
        """Requests at once: one at least."""
        return self.burst or max(1.0, math.floor(self.rate * BURST_SECONDS))


class ClientLimits:
    """Counts what the clients of one process do.

    Attributes:
        bounds: what each of them may have.
        queries: how many are under way.
        refused: requests that were refused, by the limit.
    """

    def __init__(
        self, bounds: ClientBounds | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self.use(bounds or ClientBounds())
        self.queries = 0
        self._queries: dict[str, int] = {}
        self.refused = {"rate": 0, "queries": 0, "access": 0}

    def use(self, bounds: ClientBounds) -> None:
        """Keep clients to other bounds from now on; what they asked before is forgotten."""
        self.bounds = bounds
        self._rates = RateBuckets(bounds.rate, bounds.at_once) if bounds.rate else None
        self._failures = RateBuckets(bounds.failures / _MINUTE, bounds.failures)

    @property
    def has_rate(self) -> bool:
        """Whether requests are counted at all."""
        return self._rates is not None

    @property
    def clients(self) -> int:
        """How many clients' requests are remembered."""
        return 0 if self._rates is None else len(self._rates)

    def take(self, client: str, *, is_query: bool = False) -> None:
        """Count a request.

        Raises:
            TooManyRequests: the client has made as many as it may.
        """
        if self._rates is None:
            return
        now = self._clock()
        bucket = self._rates.of(client, now)
        if bucket.gives(now):
            return
        bounds = self.bounds
        self.refused["rate"] += 1
        raise TooManyRequests(
            f"This client may make {bounds.rate:g} requests a second, {bounds.at_once:g} of them "
            "at once (settings rate_limit and rate_burst). Wait as long as Retry-After says, and "
            "ask for more in one request.",
            retry_after=math.ceil(bucket.turn(now)),
            code=_QUOTA if is_query else None,
        )

    def begin_query(self, client: str) -> None:
        """Count a query until `end_query` is called for the same client.

        Raises:
            TooManyRequests: the client has as many under way as it may.
        """
        most = self.bounds.queries
        running = self._queries.get(client, 0)
        if running >= most:
            self.refused["queries"] += 1
            raise TooManyRequests(
                "This client has as many queries under way as it may have at once: "
                f"{most} (setting max_queries_per_client). Wait for one of them to end.",
                retry_after=RETRY_SECONDS,
                code=_QUOTA,
            )
        self.queries += 1
        self._queries[client] = running + 1

    def end_query(self, client: str) -> None:
        """Count a query no longer."""
        self.queries -= 1
        running = self._queries.pop(client)
        if running > 1:
            self._queries[client] = running - 1

    def fail(self, address: str) -> TooManyRequests | None:
        """Count an attempt without a valid token; return what it is told instead of 401, if so."""
        most = self.bounds.failures
        if not most:
            return None
        now = self._clock()
        bucket = self._failures.of(address, now)
        if bucket.gives(now):
            return None
        self.refused["access"] += 1
        return TooManyRequests(
            f"From this address came more than {counted(most, 'request')} a minute without a valid "
            "token. Requests with a valid one are answered all the same.",
            retry_after=math.ceil(bucket.turn(now)),
        )
