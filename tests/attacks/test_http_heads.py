"""Heads without end, and heads that two programs read in two ways; nobody has a token here."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from kastor.testing import KastorServer

from .raw import CHUNKED, HEALTH, HOST, connect, pour, read_all, talk
from .watch import watched

GET = b"GET /healthz HTTP/1.1\r\n" + HOST
POST = b"POST /query?api-version=2023-10-31 HTTP/1.1\r\n" + HOST
GOAL_BYTES = 100_000_000


@pytest.fixture(scope="module")
def server() -> Iterator[KastorServer]:
    with KastorServer(["--auth", "tokens"]) as started:
        yield started


ENDLESS = {
    "headers": (GET, b"X-Some: thing\r\n" * 4_000, b"431"),
    "different headers": (GET, b"".join(b"X-%d: y\r\n" % n for n in range(5_000)), b"431"),
    "one header": (GET + b"X-Long: ", b"a" * 60_000, b"431"),
    "the name of a header": (GET, b"a" * 60_000, b"431"),
    "an address": (b"GET /", b"a" * 60_000, b"414"),
    "a query string": (b"GET /models?api-version=2023-10-31&x=", b"a" * 60_000, b"414"),
    "empty lines": (b"", b"\r\n" * 30_000, b"431"),
    "a method": (b"", b"G" * 60_000, b"400"),
    "chunk extensions": (CHUNKED + b"1;", b"a" * 60_000, b"4"),
    "trailers": (CHUNKED + b"0\r\n", b"X-Some: thing\r\n" * 4_000, b"4"),
    "tiny chunks": (CHUNKED, b"1\r\n{\r\n" * 10_000, b"4"),
    "a chunk size": (CHUNKED, b"0" * 60_000, b"4"),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_what_has_no_end_is_ended(server: KastorServer, name: str) -> None:
    begin, piece, status = ENDLESS[name]
    with watched(server) as cost, connect(server) as connection:
        connection.sendall(begin)
        sent = pour(connection, piece, 300_000_000)
        answer = read_all(connection)
    print(f"{name}: {sent / 1e6:.1f} MB sent")
    assert answer[9:12].startswith(status), answer[:200]
    if status != b"4":  # else it is refused for want of a token, or for its chunks
        assert b'{"error":{"code":"' in answer
        assert b"connection: close" in answer
    assert sent < 200_000_000
    assert cost.bytes < GOAL_BYTES


def test_a_head_just_below_the_bounds_is_served(server: KastorServer) -> None:
    headers = b"".join(b"X-%d: %s\r\n" % (number, b"a" * 480) for number in range(125))
    assert talk(server, GET + headers + b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 200")
    long = b"GET /healthz?" + b"a" * 32_000 + b" HTTP/1.1\r\n" + HOST
    assert talk(server, long + b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("over", [1, 2_000])
def test_a_whole_head_beyond_the_bounds_is_refused(server: KastorServer, over: int) -> None:
    whole = GET + b"X: " + b"a" * (65_536 - len(GET) - 7 + over) + b"\r\n\r\n"
    assert talk(server, whole).startswith(b"HTTP/1.1 431")
    assert talk(server, GET + b"X: y\r\n" * 128 + b"\r\n").startswith(b"HTTP/1.1 431")
    long = b"GET /" + b"a" * (32_768 - 1 + over) + b" HTTP/1.1\r\n" + HOST + b"\r\n"
    assert talk(server, long).startswith(b"HTTP/1.1 414")


HIDDEN = b"GET /hidden HTTP/1.1\r\n" + HOST + b"\r\n"
AMBIGUOUS = {
    "two lengths": POST + b"Content-Length: 0\r\nContent-Length: 50\r\n\r\n",
    "two equal lengths": POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "a list of lengths": POST + b"Content-Length: 2, 2\r\n\r\n{}",
    "length and coding": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two codings": POST
    + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "another coding": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "an unknown coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a negative length": POST + b"Content-Length: -1\r\n\r\n",
    "a signed length": POST + b"Content-Length: +0\r\n\r\n",
    "a length without end": POST + b"Content-Length: 99999999999999999999999\r\n\r\n",
    "a chunk without end": CHUNKED + b"FFFFFFFFFFFFFFFFF\r\nx",
    "a folded header": GET + b"X-A: b\r\n c\r\n\r\n",
    "a blank before the colon": GET + b"X-A : b\r\n\r\n",
    "lines without CR": b"GET /healthz HTTP/1.1\nHost: localhost\n\n",
    "a bare CR": GET + b"X-A: b\rX-B: c\r\n\r\n",
    "a coding behind a tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "a coding and none": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "a coding with a blank": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a folded coding": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "a coding that is quoted": POST + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    "a length in hex": POST + b"Content-Length: 0x0\r\n\r\n",
    "a length with a blank": POST + b"Content-Length: 0 0\r\n\r\n",
    "no length at all": POST + b"Content-Length:\r\n\r\n",
    "a chunk in hex with 0x": CHUNKED + b"0x2\r\n{}\r\n0\r\n\r\n",
    "a negative chunk": CHUNKED + b"-1\r\n{}\r\n0\r\n\r\n",
    "a chunk longer than it says": CHUNKED + b"1\r\n{}\r\n0\r\n\r\n",
    "a line without a colon": GET + b"GET /models HTTP/1.1\r\n\r\n",
    "a header without a name": GET + b": b\r\n\r\n",
    "a blank before the first header": b"GET /healthz HTTP/1.1\r\n " + HOST + b"\r\n",
    "two targets": b"GET /healthz /models HTTP/1.1\r\n" + HOST + b"\r\n",
    "a NUL": GET + b"X-A: b\0c\r\n\r\n",
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "two hosts": GET + b"Host: other\r\n\r\n",
    "two tokens": GET + b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
    "a coding in HTTP/1.0": CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0") + b"0\r\n\r\n",
    "HTTP/2 by knowledge": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/2.0 by name": GET.replace(b"HTTP/1.1", b"HTTP/2.0") + b"\r\n",
    "a tunnel": b"CONNECT localhost:80 HTTP/1.1\r\n" + HOST + b"\r\n",
    "a star": b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
    "another scheme": b"GET ftp://localhost/healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "a user": b"GET http://me@localhost/healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "an unknown method": b"FOO /healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "bytes of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 500,
    "letters in the path": b"GET /h\xc3\xa4 HTTP/1.1\r\n" + HOST + b"\r\n",
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_what_could_mean_two_things_means_nothing(server: KastorServer, name: str) -> None:
    answer = talk(server, AMBIGUOUS[name] + HIDDEN)
    assert answer.startswith(b"HTTP/1.1 400"), answer[:200]
    assert b'{"error":{"code":"BadRequest"' in answer
    assert answer.count(b"HTTP/1.1 ") == 1, "what hides behind it must not be answered"


def test_what_is_refused_behind_a_request_does_not_take_its_answer(server: KastorServer) -> None:
    answer = talk(server, HEALTH + AMBIGUOUS["two hosts"] + HIDDEN)
    assert answer.count(b"HTTP/1.1 200") == 1
    assert answer.count(b"HTTP/1.1 400") == 1


def test_trailers_are_no_headers(server: KastorServer) -> None:
    token = server.credential.get_token().token.encode()
    trailer = b"Connection: close\r\nAuthorization: Bearer " + token + b"\r\n\r\n"
    answer = talk(server, CHUNKED + b"2\r\n{}\r\n0\r\n" + trailer + HEALTH)
    assert answer.startswith(b"HTTP/1.1 401")


def test_the_host_of_the_address_counts(server: KastorServer) -> None:
    with KastorServer() as strict:
        last = b"Connection: close\r\n\r\n"
        head = b"GET http://%b/healthz HTTP/1.1\r\nHost: %b\r\n" + last
        assert talk(strict, head % (b"localhost", b"evil.example")).startswith(b"HTTP/1.1 200")
        assert talk(strict, head % (b"evil.example", b"localhost")).startswith(b"HTTP/1.1 403")
    without_path = b"GET http://localhost HTTP/1.1\r\n" + HOST + last
    assert b'"name":"Kastor"' in talk(server, without_path)


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket"])
def test_nothing_is_upgraded_to(server: KastorServer, protocol: bytes) -> None:
    asked = GET + b"Connection: Upgrade\r\nUpgrade: " + protocol + b"\r\n\r\n"
    with_body = POST + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\n{}"
    last = GET + b"Connection: close\r\n\r\n"
    answer = talk(server, asked + with_body + last)
    assert answer.count(b"HTTP/1.1 200") == 2
    assert answer.count(b"HTTP/1.1 401") == 1
    assert "upgrade" not in server.output.lower(), "a line of the log for each is a flood"


def test_a_client_that_waits_to_be_asked_is_asked(server: KastorServer) -> None:
    token = server.credential.get_token().token.encode()
    head = POST + b"Authorization: Bearer " + token + b"\r\nConnection: close\r\n"
    head += b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    with connect(server) as connection:
        connection.sendall(head)
        assert connection.recv(1_000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"{}")
        assert read_all(connection).startswith(b"HTTP/1.1 400")


def test_answers_that_nobody_reads_are_not_made(server: KastorServer) -> None:
    """16 MB of pipelined requests were 947 MB of memory."""
    with watched(server) as cost, connect(server) as connection:
        sent = pour(connection, HEALTH * 1_000, 16_000_000)
    print(f"{sent / 1e6:.1f} MB sent")
    assert cost.bytes < GOAL_BYTES


def test_pipelined_requests_are_answered_in_order(server: KastorServer) -> None:
    token = b"Authorization: Bearer " + server.credential.get_token().token.encode() + b"\r\n"
    many, each = 500, b"GET /digitaltwins/t%d?api-version=2023-10-31 HTTP/1.1\r\n" + HOST + token
    body = b'{"query": "SELECT * FROM DIGITALTWINS"}'
    posts = POST + token + b"Content-Type: application/json\r\n"
    whole = posts + b"Content-Length: %d\r\n\r\n" % len(body) + body
    chunks = posts + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    asked = b"".join(each % n + b"\r\n" + whole + chunks for n in range(many))
    answer = talk(server, asked, GET + b"Connection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200") == 2 * many + 1
    assert answer.count(b"HTTP/1.1 404") == many
    missing = [int(each) for each in re.findall(rb"DigitalTwinNotFound\",[^}]*\bt(\d+)\b", answer)]
    assert missing == list(range(many))


def test_heads_in_pieces_are_heads(server: KastorServer) -> None:
    asked = (
        (HEALTH + POST + b"Content-Length: 2\r\n\r\n{}") * 3 + GET + b"Connection: close\r\n\r\n"
    )
    for size in (1, 7, 41):
        with connect(server) as connection:
            for start in range(0, len(asked), size):
                connection.sendall(asked[start : start + size])
            answer = read_all(connection)
        assert answer.count(b"HTTP/1.1 200") == 4
        assert answer.count(b"HTTP/1.1 401") == 3
