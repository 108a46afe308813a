"""Bodies: their media type, size, depth and text; query parameters; headers."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import kastor.api
from kastor.api.contract.query import read_members
from kastor.api.http import request as request_module
from kastor.api.http.bodies import DECODED_AT_ONCE, FREE_BYTES, MOST_BYTES, BodyBudget
from kastor.api.http.request import (
    LARGE_BYTES,
    MAX_PARAMETERS,
    ClientGone,
    Request,
    _kept_query,
    etag_header,
    parse_query,
)
from kastor.auth.actors import ANONYMOUS
from kastor.errors import (
    BadRequest,
    InvalidArgument,
    JsonPatchInvalid,
    KastorError,
    MediaTypeError,
    PayloadTooLarge,
    TooManyRequests,
    ValidationFailed,
)
from kastor.graph.bodies import parse_json
from kastor.nesting import MAX_DEPTH
from kastor.records import Context, ReadFrom

from .wire import Receiver, a_server, request_of, scope_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class TestBody:
    @pytest.mark.parametrize(
        "declared",
        [
            "application/json",
            "application/json; charset=utf-8",
            "Application/JSON;charset=UTF-8",
            "application/json-patch+json",
            " application/json ",
        ],
    )
    async def test_json_is_taken_however_it_is_declared(self, declared: str) -> None:
        request = request_of(b"{}", headers={"Content-Type": declared})
        assert await request.body(10) == b"{}"

    async def test_a_body_without_a_declared_type_is_taken(self) -> None:
        assert await request_of(b"{}").body(10) == b"{}"

    @pytest.mark.parametrize(
        "declared", ["text/plain", "application/xml", "application/jsonx", "json", "*/*"]
    )
    async def test_another_media_type_is_refused(self, declared: str) -> None:
        with pytest.raises(MediaTypeError, match="send application/json"):
            await request_of(b"{}", headers={"Content-Type": declared}).body(10)

    async def test_parts_are_put_together(self) -> None:
        assert await request_of(b"[1", b",2", b"]").body(10) == b"[1,2]"

    async def test_a_body_of_the_limits_size_is_taken_and_one_byte_more_is_not(self) -> None:
        assert await request_of(b"12345").body(5) == b"12345"
        with pytest.raises(PayloadTooLarge, match="limit of 5 bytes"):
            await request_of(b"123456").body(5)

    async def test_a_body_that_declares_too_much_is_not_read(self) -> None:
        request = request_of(b"1", headers={"Content-Length": "6"})
        receiver = Receiver(b"1")
        request._receive = receiver
        with pytest.raises(PayloadTooLarge):
            await request.body(5)
        assert receiver.taken == 0

    async def test_a_body_in_parts_is_dropped_as_soon_as_it_is_too_large(self) -> None:
        request = request_of()
        receiver = Receiver(b"123", b"456", b"789")
        request._receive = receiver
        with pytest.raises(PayloadTooLarge):
            await request.body(5)
        assert receiver.taken == 2

    async def test_a_body_that_breaks_off_is_not_taken_for_whole(self) -> None:
        with pytest.raises(ClientGone):
            await request_of(b"12", whole=False).body(10)


class TestShapes:
    async def test_a_document_is_an_object(self) -> None:
        assert await request_of(b'{"a":1}').document(10) == {"a": 1}
        for body in (b"[]", b"[{}]", b"1", b"null", b'"x"'):
            with pytest.raises(InvalidArgument) as caught:
                await request_of(body).document(10)
            assert caught.value.code == "InvalidArgument"

    async def test_a_patch_is_an_array_of_objects(self) -> None:
        assert await request_of(b'[{"op":1}]').patch(20) == ({"op": 1},)
        assert await request_of(b"[]").patch(20) == ()
        for body in (b"{}", b'["x"]', b"[[]]", b"[{},1]", b"null"):
            with pytest.raises(JsonPatchInvalid):
                await request_of(body).patch(20)

    @pytest.mark.parametrize("body", [b"", b" ", b"\r\n\t"])
    async def test_no_body_is_told_apart_from_a_wrong_one(self, body: bytes) -> None:
        for read in (request_of(body).document, request_of(body).patch):
            with pytest.raises(BadRequest) as caught:
                await read(10)
            assert caught.value.code == "BadRequest"


class TestText:
    @pytest.mark.parametrize(
        "body",
        [
            b"{",
            b"nonsense",
            b"{'a':1}",
            b'{"a":NaN}',
            b'{"a":Infinity}',
            b'{"a":-Infinity}',
            b'{"a":01}',
            b'{"a":1,}',
            b'{"a":"\xff"}',
            b'{"a":"\xed\xa0\x80"}',
            b'{"a":"\\ud800"}',
            '{"a":1}'.encode("utf-16"),
            b'{"a":"\n"}',
            b"{} {}",
        ],
    )
    async def test_what_is_no_json_is_refused(self, body: bytes) -> None:
        with pytest.raises(InvalidArgument, match="not valid JSON") as caught:
            parse_json(body)
        assert caught.value.code == "InvalidArgument"

    async def test_a_byte_order_mark_is_skipped_once(self) -> None:
        mark = b"\xef\xbb\xbf"
        assert await request_of(mark + b"{}").document(10) == {}
        with pytest.raises(InvalidArgument, match="not valid JSON"):
            await request_of(mark + mark + b"{}").document(10)

    @pytest.mark.parametrize("number", [b"1e400", b"-1e400", b"9" * 400])
    async def test_a_number_beyond_a_double_breaks_the_content(self, number: bytes) -> None:
        with pytest.raises(ValidationFailed, match="range of a double"):
            parse_json(b'{"a":' + number + b"}")

    async def test_of_two_members_of_one_name_the_last_wins(self) -> None:
        assert parse_json(b'{"a":1,"a":2}') == {"a": 2}


class TestDepth:
    @pytest.mark.parametrize("opening", [b"[", b'{"a":'])
    async def test_the_limit_itself_is_allowed(self, opening: bytes) -> None:
        closing = b"]" if opening == b"[" else b"}"
        parse_json(opening * MAX_DEPTH + b"1" + closing * MAX_DEPTH)
        with pytest.raises(InvalidArgument, match=f"limit of {MAX_DEPTH} levels"):
            parse_json(opening * (MAX_DEPTH + 1) + b"1" + closing * (MAX_DEPTH + 1))

    async def test_brackets_in_strings_do_not_count(self) -> None:
        text = "[" * 1000 + '"\\' + "{" * 1000
        assert parse_json(json.dumps([text]).encode()) == [text]

    async def test_many_brackets_side_by_side_are_not_deep(self) -> None:
        assert parse_json(b"[" + b",".join([b"[]"] * 5000) + b"]") == [[]] * 5000

    async def test_a_hundred_thousand_levels_are_refused_and_break_nothing(self) -> None:
        for body in (b"[" * 100_000, b'{"a":' * 100_000, b'"' + b"[" * 100_000):
            with pytest.raises(InvalidArgument):
                parse_json(body)
        with pytest.raises(InvalidArgument, match=f"limit of {MAX_DEPTH} levels"):
            parse_json(b"[" * 5_000 + b"]" * 5_000)

    @pytest.mark.parametrize("rest", [b'\\"', b'"', b'"\\', b'[""', b"\\"])
    async def test_a_megabyte_of_quotes_is_refused_at_once(self, rest: bytes) -> None:
        body = b"[" * (MAX_DEPTH + 1) + rest * (1_000_000 // len(rest))
        began = time.perf_counter()
        with pytest.raises(InvalidArgument):
            parse_json(body)
        # It took minutes where every quote was a new beginning.
        assert time.perf_counter() - began < 2


_JSON = st.recursive(
    st.none() | st.text('[]{}"\\a', max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('[{"', max_size=2), inner),
    max_leaves=10,
)


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0


@given(_JSON, st.integers(0, MAX_DEPTH + 3))
@settings(max_examples=150, deadline=None)
def test_depth_is_counted_as_in_the_decoded_value(value: Any, levels: int) -> None:
    for _ in range(levels):
        value = [value]
    try:
        parse_json(json.dumps(value).encode())
    except InvalidArgument:
        assert _depth(value) > MAX_DEPTH
    else:
        assert _depth(value) <= MAX_DEPTH


@given(st.binary(max_size=60))
@example(b'"\\')
@example(b'{"a":"\\u00')
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_json_or_an_error_of_ours(body: bytes) -> None:
    try:
        value = parse_json(body)
    except KastorError:
        return
    assert json.loads(body) == value


class TestParameters:
    async def test_values_are_decoded_and_kept_in_order(self) -> None:
        assert parse_query(b"a=1&b=%3B+x&a=2&c=&d") == {
            "a": ("1", "2"),
            "b": ("; x",),
            "c": ("",),
            "d": ("",),
        }

    async def test_the_first_of_several_counts(self) -> None:
        request = request_of(query="a=1&a=2")
        assert request.first("a") == "1"
        assert request.first("b") is None

    async def test_bytes_that_are_no_text_do_no_harm(self) -> None:
        assert parse_query(b"a=%FF&%ff=1&=&&") == {"a": ("�",), "�": ("1",), "": ("",)}


async def test_conditions_are_read_from_their_headers() -> None:
    plain = request_of()
    assert (plain.if_match, plain.only_if_absent) == (None, False)
    request = request_of(headers={"If-Match": 'W/"a"', "If-None-Match": "*"})
    assert request.if_match is not None
    assert request.if_match.etags == {"a"}
    assert request.only_if_absent


async def test_an_etag_header_is_a_weak_tag() -> None:
    assert etag_header("x-y") == (b"etag", b'W/"x-y"')


class TestBoundsOfQueries:
    def test_more_parameters_than_anybody_needs_are_refused(self) -> None:
        most = "&".join(f"dependenciesFor=m{n}" for n in range(MAX_PARAMETERS))
        assert len(request_of(query=most).query["dependenciesfor"]) == MAX_PARAMETERS
        with pytest.raises(InvalidArgument, match="query parameters"):
            _ = request_of(query=f"{most}&x").query

    def test_what_is_kept_has_a_bound_in_bytes(self) -> None:
        _kept_query.cache_clear()
        for number in range(2_000):
            parse_query(b"x=%d" % number + b"y" * 200)
        assert _kept_query.cache_info().currsize == 0
        for number in range(2_000):
            parse_query(b"x=%d" % number)
        assert _kept_query.cache_info().currsize <= 256


def test_no_handler_decodes_a_large_body_on_the_event_loop() -> None:
    """`Request.decoded` does it in a thread; who calls `parse_json` by itself holds everybody up."""
    folder = Path(kastor.api.__file__).parent
    callers = [each.name for each in folder.rglob("*.py") if "parse_json" in each.read_text()]
    assert callers == ["request.py"]


@pytest.mark.parametrize("size", [10, LARGE_BYTES + 1])
def test_large_query_bodies_are_decoded_in_a_thread(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []

    def noting(body: bytes) -> Any:
        threads.append(threading.current_thread())
        return parse_json(body)

    monkeypatch.setattr(request_module, "parse_json", noting)
    body = json.dumps({"query": "x" * size}).encode()
    found = asyncio.run(read_members(request_of(body), len(body), ("query",)))
    assert found == {"query": "x" * size}
    assert (threads == [threading.current_thread()]) == (size < LARGE_BYTES)


def own(bodies: BodyBudget, *chunks: bytes, peer: str = "10.0.0.1") -> Request:
    scope = scope_of(client=(peer, 1))
    request = Request(scope, dict(scope["headers"]), Receiver(*chunks), (), a_server(), bodies)
    request.let_in(ANONYMOUS, "default")
    return request


async def test_bodies_of_all_requests_have_a_bound() -> None:
    bodies, body = BodyBudget(), b"x" * (1_000_000 + FREE_BYTES)
    held = [own(bodies, body) for _ in range(MOST_BYTES // 2 // 1_000_000)]
    for each in held:
        await each.body(len(body))
    with pytest.raises(TooManyRequests):
        await own(bodies, body).body(len(body))
    small = b"x" * FREE_BYTES
    assert await own(bodies, small).body(len(small)) == small
    other = own(bodies, body, peer="10.0.0.2")
    assert await other.body(len(body)) == body
    for each in [*held, *held, other]:
        each.let_go()
    assert bodies.size == 0
    assert await own(bodies, body).body(len(body)) == body


async def test_a_body_that_is_allowed_always_has_room() -> None:
    body = b"x" * (2 * MOST_BYTES)
    request = own(BodyBudget(len(body)), body)
    assert len(await request.body(len(body))) == len(body)


async def test_large_bodies_have_their_turns() -> None:
    bodies, body = BodyBudget(), json.dumps(["x" * LARGE_BYTES]).encode()
    having = [own(bodies) for _ in range(DECODED_AT_ONCE)]
    for each in having:
        await each.decoded(body)
    waiting = asyncio.ensure_future(own(bodies).decoded(body))
    assert await own(bodies).decoded(b"[1]") == [1]
    await asyncio.sleep(0.05)
    assert not waiting.done()
    having[0].let_go()
    having[0].let_go()
    assert await waiting == ["x" * LARGE_BYTES]


class TestContext:
    def test_it_says_who_asks_and_in_which_trace(self) -> None:
        request = request_of(headers={"traceparent": "00-a-b-01"})
        request.let_in(ANONYMOUS, "default")
        assert request.context == Context(ANONYMOUS.name, "00-a-b-01")
        assert request.context is request.context

    @pytest.mark.parametrize("source", ReadFrom)
    def test_it_reads_where_the_header_says(self, source: ReadFrom) -> None:
        request = request_of(headers={"kastor-read": f" {source.value.upper()} "})
        request.let_in(ANONYMOUS, "default")
        request.choose_source()
        assert request.context.source is source

    def test_it_reads_from_the_primary_where_nobody_looks_at_the_header(self) -> None:
        request = request_of(headers={"kastor-read": "replica"})
        request.let_in(ANONYMOUS, "default")
        assert request.context.source is ReadFrom.PRIMARY

    def test_there_is_no_other_source(self) -> None:
        with pytest.raises(InvalidArgument, match="takes one of: primary, current-replica"):
            request_of(headers={"kastor-read": "moon"}).choose_source()

    async def test_one_made_before_the_body_was_read_is_made_again(self) -> None:
        request = request_of(b"[1, 2]", headers={"content-type": "application/json"})
        request.let_in(ANONYMOUS, "default")
        assert request.context.size == 0
        await request.body(100)
        assert request.context.size == 6
