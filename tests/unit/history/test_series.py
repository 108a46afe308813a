"""Pages of a series against all of it at once, whatever the bounds cut it into."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kastor.clock import TICKS_PER_SECOND as SECOND
from kastor.clock import twin_time
from kastor.errors import InvalidArgument, LimitExceeded, NotFound
from kastor.graph.instants import Named
from kastor.history import entries, series
from kastor.history.buckets import AGGREGATES, read_width, start_of
from kastor.history.entries import Tracked
from kastor.history.series import SeriesOf, read_series
from kastor.history.spans import Span, read_span
from kastor.history.values import read_path
from kastor.records import AsOf
from kastor.storage.history import TelemetryPoint, Version

START = 638_000_000_000_000_000
TWIN = Tracked("twin", ("t",))


class Past:
    """A store that knows one twin; it gives at most `most` at once."""

    def __init__(
        self, versions: Sequence[Version] = (), sent: Sequence[TelemetryPoint] = (), most: int = 99
    ) -> None:
        self.all, self.sent, self.most = versions, sent, most

    async def versions(
        self, kind: str, identity: tuple[str, ...], *, start: int, end: int, limit: int, **_: Any
    ) -> list[Version] | None:
        if identity != ("t",):
            return None
        return [each for each in self.all if start <= each.change <= end][: min(limit, self.most)]

    async def version_before(self, kind: str, identity: Any, version: int) -> Version | None:
        found = [each for each in self.all if each.version <= version]
        return found[-1] if found else None

    async def telemetry(
        self,
        twin: str,
        component: str | None,
        *,
        start: int,
        end: int,
        after: int,
        limit: int,
        **_: Any,
    ) -> list[TelemetryPoint]:
        found = [each for each in self.sent if each.change > after and start <= each.time < end]
        return found[: min(limit, self.most)]


def past(values: Sequence[tuple[int, Any]], first: int = 1, most: int = 99) -> Any:
    """Versions with these values, each so many tenths of a second after the one before."""
    versions, time = [], START
    for number, (tenths, value) in enumerate(values):
        time += tenths * SECOND // 10
        entry = {"lastUpdateTime": twin_time(time)}
        document = (
            {"v": value, "$metadata": {"v": entry}} if value is not None else {"$metadata": {}}
        )
        doc = orjson.dumps(document)
        change = 10 + 3 * number
        versions.append(Version(first + number, change, time, None, "me", "e", doc))
    return Past(versions, most=most)


async def all_pages(store: Any, wanted: SeriesOf, limit: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for _ in range(500):
        page = await read_series(store, TWIN, wanted, limit)
        rows += page.rows
        if page.following is None:
            return rows
        wanted = page.following
    raise AssertionError("the series does not end")


VALUES = st.lists(
    st.tuples(st.integers(1, 40), st.one_of(st.none(), st.integers(-3, 3), st.just("x"))),
    max_size=25,
)


@given(VALUES, st.integers(1, 5), st.integers(1, 6), st.integers(1, 6), st.integers(1, 8))
def test_pages_together_are_the_whole(
    values: list[Any], limit: int, portion: int, most: int, read: int
) -> None:
    store = past(values, most=most)
    with (
        patch.object(series, "PORTION", portion),
        patch.object(series, "MOST_READ", read),
        patch.object(entries, "PAGE_BYTES", 150),
    ):
        told = asyncio.run(all_pages(store, SeriesOf(("v",), Span()), limit))
        widths = [SECOND, 5 * SECOND]
        by_width = {
            width: asyncio.run(
                all_pages(
                    store, SeriesOf(("v",), Span(), width=width, aggregates=AGGREGATES), limit
                )
            )
            for width in widths
        }
    points = [
        (each.start, orjson.loads(each.doc or b"")["v"])
        for each in store.all
        if b'"v":' in (each.doc or b"")[:6]
    ]
    assert told == [{"time": twin_time(time), "value": value} for time, value in points]
    for width, buckets in by_width.items():
        grouped: dict[int, list[Any]] = {}
        for time, value in points:
            grouped.setdefault(start_of(time, width), []).append(value)
        assert [each["from"] for each in buckets] == [twin_time(start) for start in grouped]
        for bucket, inside in zip(buckets, grouped.values(), strict=True):
            numbers = [each for each in inside if isinstance(each, int)]
            assert (bucket["count"], bucket["last"]) == (len(inside), inside[-1])
            assert bucket["min"] == min(numbers, default=None)
            assert bucket["max"] == max(numbers, default=None)
            assert bucket["avg"] == (sum(numbers) / len(numbers) if numbers else None)


def test_what_stood_before_the_first_kept_version_is_not_taken_for_written_then() -> None:
    store = past([(1, 5), (1, 6)], first=8)
    kept = store.all[0]
    older = orjson.dumps({"v": 5, "$metadata": {"v": {"lastUpdateTime": twin_time(START - 1)}}})
    store.all[0] = Version(8, kept.change, kept.start, None, "me", "e", older)
    rows = asyncio.run(all_pages(store, SeriesOf(("v",), Span()), 10))
    assert [each["value"] for each in rows] == [6]


def test_where_a_clock_was_set_back_values_come_in_order_of_change() -> None:
    store = past([(50, 1), (-40, 2), (3, 3)])
    rows = asyncio.run(all_pages(store, SeriesOf(("v",), Span()), 2))
    assert [each["value"] for each in rows] == [1, 2, 3]
    wanted = SeriesOf(("v",), Span(), width=SECOND, aggregates=("last",))
    rows = asyncio.run(all_pages(store, wanted, 10))
    assert [each["last"] for each in rows] == [3, 1]  # 1.0 and 1.3 s; 5.0 s


def test_a_bucket_has_no_more_than_there_may_be() -> None:
    store = past([(1, 5)] * 30)
    wanted = SeriesOf(("v",), Span(), width=3600 * SECOND, aggregates=AGGREGATES)
    with patch.object(series, "PORTION", 4), patch.object(series, "MOST_OF_A_BUCKET", 20):
        with pytest.raises(LimitExceeded, match="in one bucket than 20"):
            asyncio.run(all_pages(store, wanted, 10))
        assert len(asyncio.run(all_pages(store, SeriesOf(("v",), Span()), 10))) == 30


@pytest.mark.parametrize("bound", ["MOST_SORTED", "MOST_SORTED_BYTES"])
def test_no_more_is_sorted_than_there_may_be(bound: str) -> None:
    store = past([(1, "x" * 50)] * 30)
    wanted = SeriesOf(("v",), Span(), by_source=True)
    with (
        patch.object(series, "PORTION", 4),
        patch.object(series, bound, 20),
        pytest.raises(LimitExceeded, match="shorter time"),
    ):
        asyncio.run(all_pages(store, wanted, 10))


def test_messages_that_are_no_json_have_no_value() -> None:
    data = [b'{"a":[1,{"b":2}]}', b"no json", b"3", b'{"a":[]}', b'{"a":[0,{"b":null}]}']
    sent = [
        TelemetryPoint(7 + number, START + number, None, None, text)
        for number, text in enumerate(data)
    ]
    store: Any = Past(past([(1, 1)]).all, sent, most=2)
    wanted = SeriesOf(read_path("a/1/b"), Span(), telemetry=True)
    rows = asyncio.run(all_pages(store, wanted, 1))
    assert [each["value"] for each in rows] == [2, None]


def test_what_is_not_known_is_not_found() -> None:
    with pytest.raises(NotFound):
        asyncio.run(read_series(past([]), Tracked("twin", ("other",)), SeriesOf(("v",), Span()), 1))


@pytest.mark.parametrize(
    "width", ["1", "h", "-1h", "1.5h", "01h", "1H", "1h ", "٣h", "40000000000s"]
)
def test_what_is_no_width_is_refused(width: str) -> None:
    with pytest.raises(InvalidArgument, match="ms, s, m, h or d"):
        read_width(width)


class Clock:
    """Resolves times to positions: one change each second from START on."""

    async def resolve(
        self, *, time: int | None = None, change: int | None = None, kept: bool = True
    ) -> AsOf:
        assert not kept
        newest = 100
        if change is not None:
            if change > newest:
                raise InvalidArgument("no such entry yet")
            return AsOf(change, START + change * SECOND)
        assert time is not None
        if time > START + newest * SECOND:
            raise InvalidArgument("future")
        return AsOf(max(0, (time - START) // SECOND), time)


def test_a_span_includes_both_ends() -> None:
    clock: Any = Clock()

    def span(first: Named | None, last: Named | None) -> Span:
        return asyncio.run(read_span(clock, first, last))

    at = [Named(time=START + second * SECOND) for second in range(200)]
    assert (span(at[3], at[5]).start, span(at[3], at[5]).end) == (3, 5)
    later = Named(time=START + 3 * SECOND + 1)
    assert span(later, None).start == 4
    assert span(None, at[150]) == Span(until=START + 150 * SECOND)
    assert span(Named(change=4), Named(change=4)).start == 4
    assert span(Named(time=0), None).start == 0
    with pytest.raises(InvalidArgument, match="future"):
        span(at[150], None)
    for first, last in (
        (at[5], at[3]),
        (Named(change=5), Named(change=3)),
        (Named(change=9), at[3]),
    ):
        with pytest.raises(InvalidArgument, match="exchange"):
            span(first, last)
