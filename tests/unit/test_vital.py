"""What must not die is started again, told, and never ends for another's cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from kastor import vital
from kastor.errors import Unavailable
from kastor.vital import PartState, Vitals, attempt, stop_all

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vital, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(vital, "SETTLED_SECONDS", 0.05)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.005)


async def _cancelled() -> None:
    future = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


async def _wrong() -> None:
    raise ValueError("wrong")


async def _return() -> None:
    pass


@pytest.mark.parametrize("end", [_cancelled, _wrong, _return])
async def test_a_part_that_ends_is_started_again(end: Callable[[], Awaitable[None]]) -> None:
    vitals = Vitals()
    starts = 0

    async def work() -> None:
        nonlocal starts
        starts += 1
        if starts < 3:
            await end()
            return
        await asyncio.Event().wait()

    part = vitals.of("g").keep("relay", work, critical=True)
    await until(lambda: starts == 1)
    await asyncio.sleep(0)
    await until(lambda: starts == 3)
    assert [each.name for each in vitals.failing()] == ["relay"]  # not yet for long enough
    await until(lambda: not vitals.failing())
    assert vitals.states() == [PartState("relay", "g", True, 2, None)]
    await part.stop()
    assert part.ended
    assert vitals.states() == []


async def test_a_part_that_ends_at_once_each_time_is_down_and_not_started_too_often() -> None:
    vitals = Vitals()
    starts = 0

    async def work() -> None:
        nonlocal starts
        starts += 1
        raise ValueError("always")

    part = vitals.keep("upkeep", work, critical=True)
    await asyncio.sleep(0.3)
    assert 3 <= starts <= 6
    assert part.failures >= 3
    (state,) = vitals.failing()
    assert (state.name, state.trouble, state.restarts) == ("upkeep", "ValueError", starts)
    await part.stop()


async def test_a_part_that_may_end_is_gone_then() -> None:
    vitals = Vitals()
    part = vitals.keep("live", _return, may_end=True)
    await until(lambda: part.ended)
    await asyncio.sleep(0)
    assert vitals.states() == []


async def test_a_step_that_takes_too_long_is_stuck() -> None:
    vitals = Vitals()
    go_on = asyncio.Event()

    async def step() -> None:
        await go_on.wait()

    part = vitals.repeat("upkeep", step, 0.01, critical=True, patience=0.05)
    assert not vitals.failing()
    await until(lambda: bool(vitals.failing()))
    assert "no progress" in (vitals.failing()[0].trouble or "")
    go_on.set()
    await until(lambda: not vitals.failing())
    await part.stop()


async def test_steps_go_on_whatever_happens_in_one() -> None:
    vitals = Vitals()
    faults: list[Exception | None] = [Unavailable("down"), ValueError("wrong"), None, None]

    async def step() -> None:
        if faults and (fault := faults.pop(0)) is not None:
            raise fault

    part = vitals.repeat("leases", step, 0.001)
    await until(lambda: not faults)
    assert vitals.states() == [PartState("leases", "", False, 0, None)]
    await stop_all([part])
    assert part.ended


async def test_what_a_step_raises_goes_no_further_but_its_callers_end_does() -> None:
    assert await attempt("one", _return)
    assert not await attempt("one", _wrong)
    assert not await attempt("one", _cancelled)
    task = asyncio.create_task(attempt("one", asyncio.Event().wait))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_watched_part_that_cannot_tell_is_in_trouble() -> None:
    vitals = Vitals()
    fault: str | None = None

    def trouble() -> str | None:
        return fault

    part = vitals.of("a").watch("writer", trouble, critical=True)
    other = vitals.of("a").watch("writer", lambda: str(1 / 0), critical=True)
    assert "ZeroDivisionError" in (vitals.failing()[0].trouble or "")
    other.close()
    assert vitals.failing() == []
    fault = "dead"
    assert vitals.failing() == [PartState("writer", "a", True, 0, "dead")]
    part.close()
    assert vitals.states() == []
