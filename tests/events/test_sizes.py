"""What events take in memory, whatever a caller writes beside their bodies."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from kastor.events.feed import RING, RING_BYTES, STEP_BYTES, Feed, _few
from kastor.records import LONGEST_TRACE, ChangeKind, Context
from tests.events.factory import event

LONG = "x" * 60_000


@pytest.mark.parametrize(
    "beside",
    [
        {"event_id": LONG, "kind": ChangeKind.TELEMETRY},
        {"content_type": LONG, "kind": ChangeKind.TELEMETRY},
        {"traceparent": LONG},
        {"data": LONG.encode()},
    ],
    ids=["id", "type", "trace", "body"],
)
def test_the_feed_keeps_so_many_bytes_and_no_more(beside: dict[str, Any]) -> None:
    async def fill() -> Feed:
        feed = Feed(cast("Any", None), "twins.example.org")
        for seq in range(1, RING + 1):
            feed._keep(event(seq=seq, **beside))
        return feed

    feed = asyncio.run(fill())
    assert len(feed._ring) * len(LONG) <= RING_BYTES
    few, reached = _few(list(feed._ring), RING)
    assert 0 < len(few) * len(LONG) <= STEP_BYTES
    assert reached == few[-1].position


def test_a_trace_that_is_none_is_not_kept() -> None:
    trace = f"00-{'a' * 32}-{'b' * 16}-01"
    assert Context("me", trace).traceparent == trace
    assert Context("me", "0" * LONGEST_TRACE).traceparent is not None
    assert Context("me", "0" * (LONGEST_TRACE + 1)).traceparent is None
