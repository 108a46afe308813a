"""How often ADT lets its operations be called (rest-api C.4): 429 beyond, with Retry-After.

Only under the profile `adt`, and there only where `adt_rates` is on: no other request meets any of
this. Each process counts for itself.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from kastor.api.http.operation import Operation
from kastor.api.http.rate_buckets import RateBucket, RateBuckets
from kastor.auth.roles import Permission
from kastor.errors import TooManyRequests

if TYPE_CHECKING:
    from kastor.api.http.request import Request, Response, StreamResponse
    from kastor.hosting.services import Services

PER_SECOND: Mapping[str, float] = {
    "requests about models": 100,
    "reads of twins and relationships": 1_000,
    "patches": 1_000,
    "creations and deletions of twins and relationships": 500,
    "queries": 500,
    "requests about event routes": 100,
}
"""Of a graph, by what is counted together."""
WRITES_OF_A_TWIN = 10
"""In a second, of one twin and its relationships."""
CHARGE_UNITS = 4_000
"""Of queries, in a second."""
_CHARGE = b"query-charge"
_TEXT = (
    "Your rate limit has been exceeded. See https://aka.ms/dtv2limits for additional information."
)


class _GraphRates:
    """What was called of one graph lately."""

    def __init__(self, now: float) -> None:
        self.groups = {name: RateBucket(rate, now) for name, rate in PER_SECOND.items()}
        self.charge = RateBucket(CHARGE_UNITS, now)
        self.twins = RateBuckets(WRITES_OF_A_TWIN)


class Rates:
    """The rates of this process's graphs."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._graphs: dict[str, _GraphRates] = {}

    def guard(self, operation: Operation) -> Operation:
        """Return an operation whose handler keeps to its rate, or as it is if it has none."""
        group = _group_of(operation)
        if group is None:
            return operation
        handler, of_a_twin = operation.handler, _writes_a_twin(operation)

        async def rated(services: Services, request: Request) -> Response | StreamResponse:
            rates = self._of(services.host_name)
            self._take(rates, group, request.parameters[0] if of_a_twin else None)
            response = await handler(services, request)
            if operation.permission is Permission.QUERY:
                rates.charge.take(_charge_of(response))
            return response

        return replace(operation, handler=rated)

    def _of(self, graph: str) -> _GraphRates:
        found = self._graphs.get(graph)
        if found is None:
            found = self._graphs[graph] = _GraphRates(self._clock())
        return found

    def _take(self, rates: _GraphRates, group: str, twin_id: str | None) -> None:
        """Count a request, or raise TooManyRequests and count nothing."""
        now = self._clock()
        together = [(rates.groups[group], PER_SECOND[group], group)]
        if twin_id is not None:
            words = f"writes of the twin {twin_id} and its relationships"
            together.append((rates.twins.of(twin_id, now), WRITES_OF_A_TWIN, words))
        for bucket, rate, words in together:
            if wait := bucket.wait(now):
                raise _too_many(group, f"{rate:g} {words} a second", wait)
        if group == "queries" and (wait := rates.charge.wait(now)):
            raise _too_many(group, f"{CHARGE_UNITS} query units a second", wait)
        for bucket, _, _ in together:
            bucket.take()


def _group_of(operation: Operation) -> str | None:
    """Return what an operation is counted with; None where ADT has no rate, or it is ours."""
    if not operation.in_adt or not operation.versioned:
        return None
    permission, method = operation.permission, operation.method
    if permission in (Permission.MODELS_READ, Permission.MODELS_WRITE, Permission.MODELS_DELETE):
        return "requests about models"
    if permission in (Permission.ROUTES_READ, Permission.ROUTES_WRITE, Permission.ROUTES_DELETE):
        return "requests about event routes"
    if permission is Permission.QUERY:
        return "queries"
    if permission in (Permission.TWINS_READ, Permission.RELATIONSHIPS_READ):
        return "reads of twins and relationships"
    if _writes_a_twin(operation):
        return (
            "patches" if method == "PATCH" else "creations and deletions of twins and relationships"
        )
    return None


def _writes_a_twin(operation: Operation) -> bool:
    return operation.permission in (
        Permission.TWINS_WRITE,
        Permission.TWINS_DELETE,
        Permission.RELATIONSHIPS_WRITE,
        Permission.RELATIONSHIPS_DELETE,
    )


def _too_many(group: str, limit: str, wait: float) -> TooManyRequests:
    code = "QuotaReachedError" if group == "queries" else None
    text = f"{_TEXT} The limit here is {limit}; kastor serve --adt-rates off does without."
    return TooManyRequests(text, retry_after=math.ceil(wait), code=code)


def _charge_of(response: Response | StreamResponse) -> float:
    return next((float(value) for name, value in response.headers if name == _CHARGE), 0.0)
