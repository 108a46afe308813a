"""The cloud's rates (rest-api C.4), by a clock of the tests."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from kastor.api.http.operation import Operation
from kastor.api.http.rates import CHARGE_UNITS, WRITES_OF_A_TWIN, Rates
from kastor.api.http.request import Response
from kastor.api.operations import OPERATIONS
from kastor.errors import TooManyRequests


class Graph(NamedTuple):
    host_name: str


class Asked(NamedTuple):
    parameters: tuple[str, ...]


class Caller:
    """Calls operations whose handlers do nothing, at the time that is set."""

    def __init__(self, charge: float = 0.0) -> None:
        self.now = 1_000.0
        self.handled = 0
        self._charge = charge
        self._rates = Rates(lambda: self.now)
        self._guarded: dict[str, Operation] = {}

    async def _handler(self, _services: Any, _request: Any) -> Response:
        self.handled += 1
        return Response(200, headers=[(b"query-charge", f"{self._charge:.2f}".encode())])

    def call(self, name: str, twin: str = "t", graph: str = "one") -> None:
        if name not in self._guarded:
            operation = next(each for each in OPERATIONS if each.id == name)
            self._guarded[name] = self._rates.guard(replace(operation, handler=self._handler))
        services: Any = Graph(graph)
        request: Any = Asked((twin, "r"))
        asyncio.run(_awaited(self._guarded[name].handler(services, request)))

    def refused_after(self, name: str, count: int, *, twins: bool = False) -> TooManyRequests:
        """Call so often, and once more, which is refused."""
        for number in range(count):
            self.call(name, f"t{number}" if twins else "t")
        assert self.handled == count
        with pytest.raises(TooManyRequests) as caught:
            self.call(name, "another" if twins else "t")
        assert self.handled == count
        return caught.value


async def _awaited(answer: Any) -> Any:
    return await answer


RATES = [
    ("DigitalTwinModels_List", 100),
    ("DigitalTwinModels_Add", 100),
    ("DigitalTwins_GetById", 1_000),
    ("DigitalTwins_ListRelationships", 1_000),
    ("EventRoutes_List", 100),
    ("Query_QueryTwins", 500),
]


@pytest.mark.parametrize(("name", "count"), RATES)
def test_an_operation_has_its_rate(name: str, count: int) -> None:
    error = Caller().refused_after(name, count)
    assert error.code == ("QuotaReachedError" if name.startswith("Query") else "TooManyRequests")
    assert error.retry_after == 1
    assert "Your rate limit has been exceeded. See https://aka.ms/dtv2limits" in error.message
    assert f"{count} " in error.message
    assert "--adt-rates off" in error.message


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("DigitalTwins_Update", 1_000),
        ("DigitalTwins_UpdateRelationship", 1_000),
        ("DigitalTwins_Add", 500),
        ("DigitalTwins_AddRelationship", 500),
        ("DigitalTwins_Delete", 500),
    ],
)
def test_writes_have_the_rate_of_all_twins_and_that_of_each(name: str, count: int) -> None:
    Caller().refused_after(name, count, twins=True)
    error = Caller().refused_after(name, WRITES_OF_A_TWIN)
    assert "10 writes of the twin t and its relationships a second" in error.message


def test_writes_of_a_twin_and_its_relationships_count_together() -> None:
    caller = Caller()
    for name in ("DigitalTwins_Update", "DigitalTwins_AddRelationship"):
        for _ in range(5):
            caller.call(name)
    for name in ("DigitalTwins_Delete", "DigitalTwins_UpdateComponent"):
        with pytest.raises(TooManyRequests):
            caller.call(name)
    caller.call("DigitalTwins_GetById")
    caller.call("DigitalTwins_Update", "another")
    caller.call("DigitalTwins_Update", graph="two")


def test_after_the_seconds_that_are_said_it_works_again() -> None:
    caller = Caller()
    error = caller.refused_after("DigitalTwins_Update", WRITES_OF_A_TWIN)
    caller.now += error.retry_after
    for _ in range(WRITES_OF_A_TWIN):
        caller.call("DigitalTwins_Update")
    with pytest.raises(TooManyRequests):
        caller.call("DigitalTwins_Update")


def test_what_was_not_used_is_not_saved_up() -> None:
    caller = Caller()
    caller.now += 3_600
    caller.refused_after("DigitalTwins_Update", WRITES_OF_A_TWIN)


def test_query_units_are_counted_when_they_are_known() -> None:
    caller = Caller(charge=3 * CHARGE_UNITS)
    caller.call("Query_QueryTwins")
    with pytest.raises(TooManyRequests) as caught:
        caller.call("Query_QueryTwins")
    assert caught.value.code == "QuotaReachedError"
    assert caught.value.retry_after == 3
    caller.now += 3
    caller.call("Query_QueryTwins")


def test_twins_that_are_counted_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kastor.api.http.rate_buckets.KEPT", 20)
    caller = Caller()
    for number in range(100):
        caller.call("DigitalTwins_Update", f"t{number}")
    (rates,) = caller._rates._graphs.values()
    assert list(rates.twins) == [f"t{number}" for number in range(80, 100)]


def test_jobs_telemetry_and_what_is_ours_have_no_rate() -> None:
    rates = Rates()
    free = {each.id for each in OPERATIONS if rates.guard(each) is each}
    assert "DigitalTwins_SendTelemetry" in free
    assert not {name for name, _ in RATES} & free
    assert all(each.in_adt for each in OPERATIONS if each.id not in free)
    assert not {each.id for each in OPERATIONS if "jobs" in each.path} - free
