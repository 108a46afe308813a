"""Answers of servers that mean no good, or are none: each has a clear end."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from kastor.client import (
    BadRequestError,
    ClientError,
    NotFoundError,
    UnexpectedAnswerError,
    UnsendableError,
    writes,
)
from kastor.client import wire as client_wire
from kastor.client.errors import service_error
from kastor.client.lines import EventReader, LineSplitter, ServerEvent
from kastor.client.pages import warnings_of

from .conftest import Asking
from .misbehaving import Arrived, Behaviour, Peer, answer, misbehaving, raw


def get(client: Any) -> Any:
    return client.twins.get("a")


def rows(client: Any) -> Any:
    return client.query("SELECT * FROM DIGITALTWINS").collect()


@pytest.mark.parametrize(
    "body",
    [
        b"<html><body>It works!</body></html>",
        b"",
        b"\xff\xfe\x00",
        b"[]",
        b"null",
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b"9" * 10_000,
    ],
    ids=["page", "empty", "no text", "array", "null", "deep", "deep objects", "long number"],
)
def test_what_is_no_answer_is_told(ask: Asking, body: bytes) -> None:
    with misbehaving(answer(body=body)) as (_, url):
        for call in (get, rows):
            with pytest.raises(UnexpectedAnswerError):
                ask(url, call)


@pytest.mark.parametrize("value", [{"value": 1}, {"value": [1]}, {"value": {}}, {}])
def test_pages_that_are_none_are_told(ask: Asking, value: Any) -> None:
    with misbehaving(answer(body=value)) as (_, url):
        for call in (rows, lambda client: client.models.list().collect()):
            with pytest.raises(UnexpectedAnswerError, match="no page"):
                ask(url, call)


@pytest.mark.parametrize("is_packed", [False, True])
def test_no_answer_is_longer_than_it_may_be(
    ask: Asking, monkeypatch: pytest.MonkeyPatch, is_packed: bool
) -> None:
    from kastor.client.asynchronous import transport as asynchronous
    from kastor.client.synchronous import transport as synchronous

    for module in (asynchronous, synchronous):
        monkeypatch.setattr(module, "MOST_BYTES", 1_000_000)
    assert client_wire.MOST_BYTES > 100_000_000
    body = json.dumps({"a": "x" * 2_000_000}).encode()
    told = answer(body=gzip.compress(body), content_encoding="gzip")
    with (
        misbehaving(told if is_packed else answer(body=body)) as (_, url),
        pytest.raises(UnexpectedAnswerError, match="too long"),
    ):
        ask(url, get)
    with (
        misbehaving(answer(500, body)) as (_, url),
        pytest.raises(ClientError, match="answered 500"),
    ):
        ask(url, get)


def test_an_answer_that_comes_in_drops_has_an_end(
    ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in ("asynchronous", "synchronous"):
        monkeypatch.setattr(f"kastor.client.{kind}.transport.MOST_SECONDS", 0.05)

    def drip(peer: Peer) -> None:
        peer.socket.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        for _ in range(1_000):
            peer.socket.sendall(b" ")
            time.sleep(0.01)

    with misbehaving(drip) as (_, url), pytest.raises(UnexpectedAnswerError, match="too long"):
        ask(url, get)


def test_an_answer_that_is_packed_wrongly_is_told(ask: Asking) -> None:
    with (
        misbehaving(answer(body=b"no gzip", content_encoding="gzip")) as (_, url),
        pytest.raises(ClientError, match="connection ended before the answer"),
    ):
        ask(url, get)


@pytest.mark.parametrize(
    "data",
    [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n", b"\0" * 100],
)
def test_what_is_no_http_is_told(ask: Asking, data: bytes) -> None:
    with misbehaving(raw(data)) as (_, url), pytest.raises(ClientError, match="ended before"):
        ask(url, get)


class TestPages:
    def pages(self, *found: Any) -> list[Behaviour]:
        return [answer(body=page) for page in found]

    def test_a_link_leads_nowhere_else(self, ask: Asking) -> None:
        first = {
            "value": [{"id": "1"}],
            "nextLink": "https://elsewhere.example/models?api-version=2023-10-31&"
            "continuationToken=a%2Bb%3D&includeModelDefinition=True",
        }
        with misbehaving(*self.pages(first, {"value": [{"id": "2"}], "nextLink": None})) as (
            server,
            url,
        ):
            found = ask(url, lambda client: client.models.list().collect(), credential="secret")
        assert [each["id"] for each in found] == ["1", "2"]
        assert server.arrived[1].path.partition("?")[0] == "/models"
        assert "continuationToken=a%2Bb%3D" in server.arrived[1].path
        assert server.arrived[1].path.count("api-version") == 1

    @pytest.mark.parametrize("link", ["http://[", "nothing", "https://host/models", "?"])
    def test_a_link_without_a_page_is_told(self, ask: Asking, link: str) -> None:
        page = {"value": [], "nextLink": link}
        with (
            misbehaving(*self.pages(page)) as (server, url),
            pytest.raises(UnexpectedAnswerError, match="leads nowhere"),
        ):
            ask(url, lambda client: client.models.list().collect())
        assert len(server.arrived) == 1

    @pytest.mark.parametrize("length", [1, 2, 7])
    def test_tokens_that_go_round_in_circles_end(self, ask: Asking, length: int) -> None:
        turn = iter(range(1_000_000))

        def page(peer: Peer) -> None:
            number = next(turn)
            found = {"value": [{"n": number}], "continuationToken": f"t{number % length}"}
            answer(body=found)(peer)

        with (
            misbehaving(page) as (server, url),
            pytest.raises(UnexpectedAnswerError, match="they repeat"),
        ):
            ask(url, rows)
        assert len(server.arrived) < 8 * length + 4

    def test_pages_without_rows_end(self, ask: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("kastor.client.pages._MOST_EMPTY", 20)
        turn = iter(range(1_000_000))

        def page(peer: Peer) -> None:
            answer(body={"value": [], "continuationToken": f"t{next(turn)}"})(peer)

        with misbehaving(page) as (server, url), pytest.raises(UnexpectedAnswerError):
            ask(url, rows)
        assert len(server.arrived) == 21

    def test_pages_without_rows_are_no_end(self, ask: Asking) -> None:
        empty = {"value": [], "continuationToken": "t"}
        with misbehaving(*self.pages(empty, {"value": [{"a": 1}]})) as (_, url):
            assert ask(url, rows) == [{"a": 1}]

    @pytest.mark.parametrize("charge", ["", "many", "nan", "inf"])
    def test_a_charge_that_is_none_is_left_out(self, ask: Asking, charge: str) -> None:
        async def first(client: Any) -> Any:
            return await anext(aiter(client.query("q").pages()))

        def either(client: Any) -> Any:
            pages = client.query("q").pages()
            return first(client) if hasattr(pages, "__aiter__") else next(pages)

        with misbehaving(answer(body={"value": []}, query_charge=charge)) as (_, url):
            assert ask(url, either).charge is None


class TestRedirections:
    @pytest.mark.parametrize(
        ("location", "place"),
        [
            ("https://elsewhere.example/a", "https://elsewhere.example"),
            ("https://user:word@elsewhere.example/", "https://elsewhere.example"),
            ("//elsewhere.example/a", "://elsewhere.example"),
            ("http://127.0.0.1:1/digitaltwins/a", "http://127.0.0.1:1"),
            ("http://[", "an address that is none"),
            ("", "itself"),
        ],
    )
    @pytest.mark.parametrize("status", [301, 307])
    def test_none_leads_to_another_origin(
        self, ask: Asking, location: str, place: str, status: int
    ) -> None:
        with (
            misbehaving(answer(status, location=location)) as (server, url),
            pytest.raises(UnexpectedAnswerError) as raised,
        ):
            ask(url, get, credential="secret")
        assert f"on to {place}, and the token is not sent there" in str(raised.value)
        assert "word" not in str(raised.value)
        assert len(server.arrived) == 1

    def test_a_read_is_led_on_within_its_origin(self, ask: Asking) -> None:
        on = answer(308, location="/base/digitaltwins/a?api-version=2023-10-31")
        with misbehaving(on, answer(body={"$dtId": "a"})) as (server, url):
            assert ask(url, get, credential="secret") == {"$dtId": "a"}
        assert server.arrived[1].path == "/base/digitaltwins/a?api-version=2023-10-31"
        assert server.arrived[1].headers["authorization"] == "Bearer secret"

    def test_nothing_is_led_on_for_ever(self, ask: Asking) -> None:
        with (
            misbehaving(answer(302, location="/again")) as (server, url),
            pytest.raises(UnexpectedAnswerError, match="on to itself"),
        ):
            ask(url, get)
        assert len(server.arrived) == 6

    def test_a_write_is_not_led_on(self, ask: Asking) -> None:
        with (
            misbehaving(answer(307, location="/again")) as (server, url),
            pytest.raises(UnexpectedAnswerError, match="on to itself"),
        ):
            ask(url, lambda client: client.twins.put("a", {}))
        assert len(server.arrived) == 1


class TestErrors:
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"<html>",
            b"[" * 100_000,
            b'{"error": "text"}',
            b'{"error": {"code": {"a": 1}, "message": ["x"], "details": {"a": 1}}}',
            b'{"error": {"details": [1, null, "x"]}}',
        ],
    )
    def test_a_refusal_in_other_words_is_one(self, body: bytes) -> None:
        error = service_error(404, {"x-ms-error-code": "NotThere"}, body)
        assert isinstance(error, NotFoundError)
        assert (error.code, str(error)) == ("NotThere", "The server answered 404.")
        assert error.details == ()

    @pytest.mark.parametrize("status", [400, 404, 409, 412, 500])
    def test_a_batch_is_refused_whatever_the_status(self, status: int) -> None:
        body = b'{"error": {"code": "BatchRefused", "message": "No."}, "results": []}'
        error = service_error(status, {}, body)
        assert isinstance(error, BadRequestError)
        assert error.document["results"] == []


class TestUnsendable:
    @pytest.mark.parametrize("identifier", ["", ".", "..", "\ud800"])
    def test_ids_that_no_path_carries(self, ask: Asking, identifier: str) -> None:
        with misbehaving(answer()) as (server, url):
            for call in (
                lambda client: client.twins.get(identifier),
                lambda client: client.models.delete(identifier),
                lambda client: client.relationships.delete("a", identifier),
                lambda client: client.jobs.get("uploads", identifier),
            ):
                with pytest.raises(UnsendableError):
                    ask(url, call)
        assert (server.arrived, server.asked) == ([], 0)

    @pytest.mark.parametrize("value", [float("nan"), {1, 2}, object(), b"x"])
    def test_values_that_json_lacks(self, ask: Asking, value: Any) -> None:
        with misbehaving(answer()) as (server, url):
            for call in (
                lambda client: client.twins.put("a", {"x": value}),
                lambda client: client.batch([writes.put_twin("a", {"x": value})]),
            ):
                with pytest.raises(UnsendableError, match="cannot be sent as JSON"):
                    ask(url, call)
        assert (server.arrived, server.asked) == ([], 0)

    @pytest.mark.parametrize("value", ["é", "a\r\nX-Other: 1", "a\0"])
    def test_headers(self, ask: Asking, value: str) -> None:
        with misbehaving(answer()) as (server, url), pytest.raises(UnsendableError):
            ask(url, lambda client: client.twins.delete("a", if_match=value))
        assert server.arrived == []

    def test_an_id_that_is_too_long_for_an_address(self, ask: Asking) -> None:
        with misbehaving(answer()) as (server, url), pytest.raises(UnsendableError):
            ask(url, lambda client: client.twins.get("x" * 100_000))
        assert server.arrived == []

    def test_a_client_that_is_closed(self, ask: Asking) -> None:
        async def used_later(client: Any) -> Any:
            await client.close()
            return await client.twins.get("a")

        def either(client: Any) -> Any:
            if hasattr(client, "__aenter__"):
                return used_later(client)
            client.close()
            return client.twins.get("a")

        with misbehaving(answer()) as (_, url), pytest.raises(UnsendableError, match="closed"):
            ask(url, either)


class TestAddresses:
    @pytest.mark.parametrize(
        "address",
        [
            "",
            "ftp://host",
            "http://",
            "http://host:0",
            "http://ho st",
            "http://host/a?b",
            "http://[",
        ],
    )
    def test_what_is_none_is_refused(self, ask: Asking, address: str) -> None:
        with pytest.raises(ValueError, match="address"):
            ask(address, get)

    def test_a_password_in_it_is_not_shown(self, ask: Asking) -> None:
        with pytest.raises(ValueError, match="has a user in it") as raised:
            ask("http://user:word@host", get)
        assert "word" not in str(raised.value)

    def test_ids_arrive_as_they_are(self, ask: Asking) -> None:
        arrived: list[Arrived] = []

        def reading(wanted: str) -> Callable[[Any], Any]:
            return lambda client: client.twins.get(wanted)

        for identifier in ("a/b", "a?b#c", "%2e%2e", "ü;:@", "a b+c", "..a"):
            with misbehaving(answer(body={})) as (server, url):
                ask(f"{url}/base", reading(identifier))
                arrived += server.arrived
        paths = [each.path.partition("?")[0] for each in arrived]
        assert paths == [
            f"/base/digitaltwins/{quoted}"
            for quoted in (
                "a%2Fb", "a%3Fb%23c", "%252e%252e", "%C3%BC%3B%3A%40", "a%20b%2Bc", "..a"
            )
        ]  # fmt: skip


class TestLines:
    TEXT = b'{"a":"\xe2\x80\xa8\x0b\x0c\xc2\x85"}\r\n\nlast'

    @pytest.mark.parametrize("size", [1, 2, 3, 1_000])
    def test_lines_end_at_line_feeds_alone(self, size: int) -> None:
        splitter, found = LineSplitter(), []
        for start in range(0, len(self.TEXT), size):
            found += list(splitter.feed(self.TEXT[start : start + size]))
        assert [*found, splitter.rest()] == [self.TEXT[:-7], b"", b"last"]

    def test_a_line_has_an_end(self) -> None:
        splitter = LineSplitter(longest=10)
        assert list(splitter.feed(b"0123456789\n012345")) == [b"0123456789"]
        with pytest.raises(UnexpectedAnswerError):
            list(splitter.feed(b"67890"))

    def test_events_are_read_as_the_standard_says(self) -> None:
        lines = (
            b": hello",
            b"",
            b"id: 7",
            b"event:x",
            b"data: a",
            b"data:b",
            b"",
            b"",
            b"data",
            b"",
        )
        reader = EventReader()
        found = [event for line in lines if (event := reader.line(line)) is not None]
        assert found == [
            ServerEvent("", "", b"", "hello"),
            ServerEvent("7", "x", b"a\nb", ""),
            ServerEvent("7", "", b"", ""),
        ]

    def test_an_event_has_an_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("kastor.client.lines.LONGEST", 100)
        reader = EventReader()
        for _ in range(6):
            reader.line(b"data: 0123456789")
        with pytest.raises(UnexpectedAnswerError):
            reader.line(b"data: 0123456789")


@pytest.mark.parametrize(
    ("header", "wanted"),
    [('"a", "b, c"', ("a", "b, c")), ("", ()), ("no json", ()), ("1", ()), ("[" * 100_000, ())],
)
def test_warnings_are_read_from_their_header(header: str, wanted: tuple[str, ...]) -> None:
    assert warnings_of(header) == wanted
