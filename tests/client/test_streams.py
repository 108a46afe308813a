"""Answers that are read as they come: whole, resumed, or with a clear end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest

from kastor.client import (
    BadRequestError,
    ServerFailedError,
    StreamRefusedError,
    UnexpectedAnswerError,
    UnreachableError,
)

from .conftest import Asking
from .misbehaving import Behaviour, Peer, answer, misbehaving, raw

OPEN = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n"
    b"kastor-as-of: 2026-01-01T00:00:00Z; change=41\r\n\r\n"
)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def told(position: int, event: str = "x", **data: Any) -> bytes:
    text = json.dumps({"n": position, **data}).encode()
    return chunk(b"id: %d\nevent: %b\ndata: %b\n\n" % (position, event.encode(), text))


BEGIN = chunk(b"retry: 2000\nid: 10\n\n")
ALIVE = chunk(b": nothing new\nid: 19\n\n")
END = b"0\r\n\r\n"


def first(wanted: int, make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Take so many of what a client follows, with either client."""

    def work(client: Any) -> Any:
        found = make(client)

        async def run() -> list[Any]:
            taken: list[Any] = []
            async for each in found:
                taken.append(each)
                if len(taken) == wanted:
                    break
            return taken

        if hasattr(found, "__aiter__"):
            return run()
        return list(islice(found, wanted))

    return work


def positions(server: Any) -> list[str]:
    return [each.path.partition("after=")[2].partition("&")[0] for each in server.arrived]


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("asynchronous", "synchronous"):
        monkeypatch.setattr(f"kastor.client.{kind}.following._FIRST", 0.001)


class TestEvents:
    @pytest.mark.parametrize(
        "cut", [b"", END, b"40\r\nid: 13\ndata: {"], ids=["broken", "ended", "half"]
    )
    def test_a_feed_goes_on_where_it_was(self, ask: Asking, cut: bytes) -> None:
        one = raw(OPEN + BEGIN + told(11) + told(12) + cut)
        two = raw(OPEN + chunk(b"id: 12\n\n") + told(13) + ALIVE + cut)
        three = raw(OPEN + chunk(b"id: 19\n\n") + told(20) + cut)
        with misbehaving(one, two, three) as (server, url):
            found = ask(url, first(4, lambda client: client.events()))
        assert [(each.position, each.event["n"]) for each in found] == [
            (11, 11), (12, 12), (13, 13), (20, 20)
        ]  # fmt: skip
        assert positions(server) == ["", "12", "19"]

    @pytest.mark.parametrize("away", [answer(503), answer(429), raw(b"")])
    def test_a_server_that_starts_again_is_waited_for(self, ask: Asking, away: Behaviour) -> None:
        one, two = raw(OPEN + BEGIN + told(11)), raw(OPEN + told(12))
        with misbehaving(one, *[away] * 9, two) as (_, url):
            found = ask(url, first(2, lambda client: client.events()))
        assert [each.position for each in found] == [11, 12]

    def test_one_that_stays_away_is_not_waited_for_for_ever(self, ask: Asking) -> None:
        with (
            misbehaving(raw(OPEN + BEGIN + told(11)), answer(503)) as (_, url),
            pytest.raises(ServerFailedError),
        ):
            ask(url, first(2, lambda client: client.events(patience=0.05)))

    def test_one_that_never_was_there_is_told_at_once(self, ask: Asking) -> None:
        with misbehaving(raw(b"")) as (server, url), pytest.raises(UnreachableError):
            ask(url, first(1, lambda client: client.events()))
        assert len(server.arrived) == 4

    def test_a_refusal_ends_it(self, ask: Asking) -> None:
        told_why = {"error": {"code": "EventRouteFilterInvalid", "message": "No filter."}}
        with (
            misbehaving(raw(OPEN + BEGIN + told(11)), answer(400, told_why)) as (_, url),
            pytest.raises(BadRequestError, match="No filter"),
        ):
            ask(url, first(2, lambda client: client.events(condition="wrong")))

    @pytest.mark.parametrize("event", [b"id: x\ndata: {}\n\n", b"id: 1\ndata: [\n\n"])
    def test_what_is_no_event_ends_it(self, ask: Asking, event: bytes) -> None:
        with (
            misbehaving(raw(OPEN + chunk(event))) as (_, url),
            pytest.raises(UnexpectedAnswerError),
        ):
            ask(url, first(1, lambda client: client.events()))

    def test_pages_end_where_the_feed_does(self, ask: Asking) -> None:
        pages = [
            answer(body=b'{"n":1}\n{"n":2}\n', kastor_next_position="2"),
            answer(body=b"", kastor_next_position="9"),  # nothing that the filter lets pass
            answer(body=b'{"n":10}\n', kastor_next_position="10"),
            answer(body=b"", kastor_next_position="10"),
        ]
        with misbehaving(*pages) as (server, url):
            found = ask(url, first(99, lambda client: client.events().pages()))
        assert [[each["n"] for each in page.events] for page in found] == [[1, 2], [], [10]]
        assert positions(server) == ["0", "2", "9", "10"]


class TestLiveQueries:
    ADDED = told(1, "added", rows=[{"id": ["a"], "row": {"t": 1}}])
    READY = told(1, "ready", mode="rerun", why="because")
    GONE = told(2, "removed", rows=[{"id": ["a"]}])

    def test_updates_come_as_they_are(self, ask: Asking) -> None:
        with misbehaving(raw(OPEN + self.ADDED + self.READY + ALIVE + self.GONE)) as (_, url):
            found = ask(url, first(3, lambda client: client.live("q")))
        assert [(each.kind, each.position) for each in found] == [
            ("added", 1), ("ready", 1), ("removed", 2)
        ]  # fmt: skip
        assert found[0].rows[0].key == found[2].rows[0].key
        assert (found[0].rows[0].row, found[2].rows[0].row) == ({"t": 1}, {})
        assert found[1].details["mode"] == "rerun"

    @pytest.mark.parametrize("cut", [b"", END], ids=["broken", "ended"])
    def test_a_line_that_is_lost_is_told_and_not_made_up_for(self, ask: Asking, cut: bytes) -> None:
        with (
            misbehaving(raw(OPEN + self.ADDED + cut)) as (server, url),
            pytest.raises(UnreachableError),
        ):
            ask(url, first(9, lambda client: client.live("q")))
        assert len(server.arrived) == 1

    def test_the_server_says_why_it_ends(self, ask: Asking) -> None:
        error = {"code": "LimitExceeded", "message": "Too many rows."}
        with (
            misbehaving(raw(OPEN + self.READY + told(2, "error", error=error) + END)) as (_, url),
            pytest.raises(StreamRefusedError, match="Too many rows") as raised,
        ):
            ask(url, first(9, lambda client: client.live("q")))
        assert raised.value.code == "LimitExceeded"

    @pytest.mark.parametrize("rows", [None, 3, [3]])
    def test_what_tells_of_no_rows_ends_it(self, ask: Asking, rows: Any) -> None:
        with (
            misbehaving(raw(OPEN + told(1, "added", rows=rows))) as (_, url),
            pytest.raises(UnexpectedAnswerError),
        ):
            ask(url, first(9, lambda client: client.live("q")))


def exported(client: Any) -> Any:
    """Lines of an export, and the change that it is of."""

    async def run() -> Any:
        async with client.export() as export:
            return [line async for line in export.lines()], export.change

    if hasattr(client, "__aenter__"):
        return run()
    with client.export() as export:
        return list(export.lines()), export.change


def test_an_export_is_read_by_lines(ask: Asking) -> None:
    parts = chunk(b'{"a":1}\n{"b') + chunk(b'":"\xe2\x80\xa8"}') + chunk(b"\n") + END
    with misbehaving(raw(OPEN + parts)) as (_, url):
        lines, change = ask(url, exported)
    assert (lines, change) == ([b'{"a":1}', '{"b":"\u2028"}'.encode()], 41)


@pytest.mark.parametrize("fault", [answer(503), raw(b"")])
def test_an_export_that_does_not_begin_is_asked_for_again(ask: Asking, fault: Behaviour) -> None:
    with misbehaving(fault, raw(OPEN + chunk(b"{}\n") + END)) as (server, url):
        assert ask(url, exported)[0] == [b"{}"]
    assert len(server.arrived) == 2


def test_an_export_that_is_cut_off_is_no_whole_one(ask: Asking) -> None:
    with (
        misbehaving(raw(OPEN + chunk(b"{}\n"))) as (server, url),
        pytest.raises(UnreachableError, match="ended before it was whole"),
    ):
        ask(url, exported)
    assert len(server.arrived) == 1


def test_leaving_a_stream_closes_its_connection(ask: Asking) -> None:
    ended: list[bytes] = []

    def endless(peer: Peer) -> None:
        peer.socket.sendall(OPEN + BEGIN + told(11))
        ended.append(peer.socket.recv(1))

    with misbehaving(endless) as (_, url):
        ask(url, first(1, lambda client: client.events()))
        for _ in range(200):
            if ended:
                break
            time.sleep(0.01)
    assert ended == [b""]
