"""Series of one property or of kept telemetry: values over time, or what buckets hold of them.

By the time of the change they are read in order of change, a page from where the one before ended.
By the time of the source values come late and out of order, so each page reads all of the span and
sorts it; how much that may be is bounded.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, TypeVar

import orjson
from msgspec import Struct, structs

from kastor.clock import TICKS_PER_SECOND
from kastor.errors import LimitExceeded
from kastor.history.buckets import AggregateName, Bucket, rows_of, start_of
from kastor.history.entries import Tracked, read_versions
from kastor.history.spans import LAST_CHANGE, Span
from kastor.history.values import Point, sent_in, set_in
from kastor.wire_forms import learn

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Sequence
    from typing import Any

    from kastor.storage.history import HistoryStore
    from kastor.types import Document, Ticks

PORTION = 1_000
"""Versions or messages that are read at once."""
MOST_READ = 20_000
"""Of them, that one page reads, unless a single bucket has more."""
MOST_OF_A_BUCKET = 1_000_000
MOST_SORTED, MOST_SORTED_BYTES = 200_000, 67_108_864
"""What is read, and kept of it, where the time of the source counts."""
AHEAD: Ticks = 86_400 * TICKS_PER_SECOND
"""How far a source's clock may be ahead of the server's."""

T = TypeVar("T")


class SeriesOf(Struct, frozen=True, array_like=True):
    """What a series is of, and what is told of it.

    Attributes:
        path: JSON Pointer of a property, or into a message.
        span: between which instants.
        by_source: whether they, and the times that are told, are the source's.
        telemetry: whether it is of kept telemetry and not of a property.
        component: that sent the telemetry; None: the twin itself.
        width: of a bucket; None: values are told as they are.
        aggregates: what is told of a bucket.
        after: where the time of the source counts, (time, change) of the last value of the page
            before, or the start of its last bucket and 0.
    """

    path: tuple[str, ...]
    span: Span
    by_source: bool = False
    telemetry: bool = False
    component: str | None = None
    width: int | None = None
    aggregates: tuple[AggregateName, ...] = ()
    after: tuple[int, int] | None = None


learn(SeriesOf)  # tokens carry it


class SeriesPage(Struct, frozen=True):
    """Some values or buckets.

    Attributes:
        rows: as answers have them.
        following: what the next page is of; None on the last one.
    """

    rows: list[Document]
    following: SeriesOf | None


async def read_series(
    history: HistoryStore[Any],  # any: no catalog is read
    thing: Tracked,
    wanted: SeriesOf,
    limit: int,
) -> SeriesPage:
    """Return up to `limit` values or buckets; a page may have fewer and not be the last.

    Raises:
        NotFound: nothing of such an identity is known.
        LimitExceeded: there is too much in a bucket, or to be sorted.
    """
    if (
        await history.versions(
            *(thing.kind, thing.identity), start=0, end=LAST_CHANGE, limit=1, descending=False
        )
        is None
    ):
        raise thing.missing()
    if wanted.by_source:
        return await _sorted_page(history, thing, wanted, limit)
    if wanted.width is None:
        return await _values_page(history, thing, wanted, limit)
    return await _buckets_page(history, thing, wanted, wanted.width, limit)


class _Portion(Struct, frozen=True):
    """Some of what is read: its values, how much it was, where the next one begins."""

    points: list[Point]
    read: int
    following: int | None


async def _values_page(
    history: HistoryStore[Any],  # any: no catalog is read
    thing: Tracked,
    wanted: SeriesOf,
    limit: int,
) -> SeriesPage:
    points: list[Point] = []
    read = 0
    following: int | None = None
    async with aclosing(_portions(history, thing, wanted)) as portions:
        async for portion in portions:
            points += portion.points
            read += portion.read
            following = portion.following
            if len(points) > limit or read >= MOST_READ:
                break
    if len(points) > limit:
        points, following = points[:limit], points[limit].change
    return SeriesPage(rows_of(points), _from(wanted, following))


async def _buckets_page(
    history: HistoryStore[Any],  # any: no catalog is read
    thing: Tracked,
    wanted: SeriesOf,
    width: Ticks,
    limit: int,
) -> SeriesPage:
    buckets: dict[Ticks, Bucket] = {}
    read = 0
    following: int | None = None
    async with aclosing(_portions(history, thing, wanted)) as portions:
        async for portion in portions:
            stopped = _fill(buckets, portion.points, width, limit)
            following = portion.following if stopped is None else stopped
            read += portion.read
            if stopped is not None:
                break
            if read >= MOST_READ and following is not None and len(buckets) > 1:
                # The last one may go on: the next page begins with it.
                following = buckets.popitem()[1].first_change
                break
            if read >= MOST_OF_A_BUCKET:
                raise _too_much("in one bucket", MOST_OF_A_BUCKET, "Ask for shorter buckets.")
    told = [buckets[start].told(width, wanted.aggregates) for start in sorted(buckets)]
    return SeriesPage(told, _from(wanted, following))


def _fill(
    buckets: dict[Ticks, Bucket], points: Sequence[Point], width: Ticks, limit: int
) -> int | None:
    """Put values into buckets; return the position of the first that would need one too many."""
    for point in points:
        start = start_of(point.time, width)
        bucket = buckets.get(start)
        if bucket is None:
            if len(buckets) == limit:
                return point.change
            bucket = buckets[start] = Bucket(start, point.change)
        bucket.take(point)
    return None


async def _sorted_page(
    history: HistoryStore[Any],  # any: no catalog is read
    thing: Tracked,
    wanted: SeriesOf,
    limit: int,
) -> SeriesPage:
    points = await _all_points(history, thing, wanted)
    return await asyncio.to_thread(_page_of, points, wanted, limit)


def _page_of(points: list[Point], wanted: SeriesOf, limit: int) -> SeriesPage:
    points.sort(key=_key)
    if wanted.width is None:
        rest = [each for each in points if wanted.after is None or _key(each) > wanted.after]
        page = rest[:limit]
        rows = rows_of(page)
        after = _key(page[-1]) if len(rest) > limit else None
    else:
        buckets: dict[Ticks, Bucket] = {}
        begun = -1 if wanted.after is None else wanted.after[0]
        later = [each for each in points if start_of(each.time, wanted.width) > begun]
        more = _fill(buckets, later, wanted.width, limit)
        rows = [each.told(wanted.width, wanted.aggregates) for each in buckets.values()]
        after = None if more is None else (max(buckets), 0)
    following = None if after is None else structs.replace(wanted, after=after)
    return SeriesPage(rows, following)


async def _all_points(
    history: HistoryStore[Any],  # any: no catalog is read
    thing: Tracked,
    wanted: SeriesOf,
) -> list[Point]:
    span, found, read, size = wanted.span, list[Point](), 0, 0
    async with aclosing(_portions(history, thing, wanted)) as portions:
        async for portion in portions:
            inside = [each for each in portion.points if span.since <= each.time <= span.until]
            found += inside
            read += portion.read
            size += await asyncio.to_thread(_size, inside)
            if read > MOST_SORTED:
                raise _too_much("to be sorted by source time", MOST_SORTED, _NARROWER)
            if size > MOST_SORTED_BYTES:
                raise _too_much("to be sorted, in bytes,", MOST_SORTED_BYTES, _NARROWER)
    return found


_NARROWER = "Ask for a shorter time, or for time=change."


def _too_much(where: str, most: int, cure: str) -> LimitExceeded:
    return LimitExceeded(f"There is more {where} than {most}. {cure}")


def _size(points: Iterable[Point]) -> int:
    return sum(
        len(orjson.dumps(each.value))
        for each in points
        if isinstance(each.value, str | dict | list)
    )


def _key(point: Point) -> tuple[int, int]:
    return point.time, point.change


def _from(wanted: SeriesOf, following: int | None) -> SeriesOf | None:
    if following is None:
        return None
    return structs.replace(wanted, span=structs.replace(wanted.span, start=following))


async def _portions(
    history: HistoryStore[Any],  # any: no catalog is read
    thing: Tracked,
    wanted: SeriesOf,
) -> AsyncGenerator[_Portion, None]:
    portions = _messages if wanted.telemetry else _versions
    async with aclosing(portions(history, thing, wanted)) as found:
        async for portion in found:
            yield portion


async def _versions(
    history: HistoryStore[Any],  # any: no catalog is read
    thing: Tracked,
    wanted: SeriesOf,
) -> AsyncGenerator[_Portion, None]:
    span: Span | None = wanted.span
    before = None
    while span is not None:
        versions, following = await read_versions(history, thing, span, PORTION)
        if versions and before is None and versions[0].version > 1:
            number = versions[0].version - 1
            before = await history.version_before(thing.kind, thing.identity, number)
        points = await asyncio.to_thread(
            set_in, versions, before, wanted.path, by_source=wanted.by_source
        )
        yield _Portion(points, len(versions), following)
        before = versions[-1] if versions else before
        span = None if following is None else structs.replace(span, start=following)


async def _messages(
    history: HistoryStore[Any],  # any: no catalog is read
    thing: Tracked,
    wanted: SeriesOf,
) -> AsyncGenerator[_Portion, None]:
    span, after = wanted.span, max(0, wanted.span.start - 1)
    while True:
        messages = await history.telemetry(
            thing.identity[0],
            wanted.component,
            start=span.since,
            end=span.until + 1,
            after=after,
            limit=PORTION,
            by_source_time=wanted.by_source,
        )
        if not messages:
            return
        points = await asyncio.to_thread(sent_in, messages, wanted.path, by_source=wanted.by_source)
        after = messages[-1].change
        yield _Portion(points, len(messages), after + 1)
