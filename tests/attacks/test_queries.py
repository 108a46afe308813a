"""Queries that would cost the server its memory or its time, if nothing bounded them."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from kastor.testing import KastorServer

from .watch import watched

VERSION = "api-version=2023-10-31"
MODEL = {
    "@id": "dtmi:attack:Note;1",
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;3",
    "contents": [
        {"@type": "Property", "name": name, "schema": "string"} for name in ("text", "part")
    ]
    + [{"@type": "Relationship", "name": "by"}],
}
LARGE = "a" * 700_000
TWINS = 24
PATIENCE = 10 if os.environ.get("KASTOR_TEST_ENGINE") == "postgres" else 1
"""Seconds more: a connection whose server is busy is closed after five."""


@dataclass
class Answer:
    status: int
    body: Any
    seconds: float


def send(server: KastorServer, method: str, path: str, body: Any, timeout: float = 60) -> Answer:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=timeout)
    begun = time.monotonic()
    try:
        connection.request(
            method, f"{path}?{VERSION}", json.dumps(body), {"content-type": "application/json"}
        )
        response = connection.getresponse()
        text = response.read()
        return Answer(response.status, json.loads(text) if text else None, time.monotonic() - begun)
    finally:
        connection.close()


def ask(server: KastorServer, text: str, **more: Any) -> Answer:
    return send(server, "POST", "/query", {"query": text, **more})


def fill(server: KastorServer) -> None:
    assert send(server, "POST", "/models", [MODEL]).status == 201
    for number in range(TWINS):
        twin = {"$metadata": {"$model": MODEL["@id"]}, "text": LARGE, "part": "a" * 300_000}
        assert send(server, "PUT", f"/digitaltwins/t{number}", twin).status == 200
    for number in range(TWINS - 1):
        path = f"/digitaltwins/t{number}/relationships/r"
        related = {"$targetId": f"t{number + 1}", "$relationshipName": "by"}
        assert send(server, "PUT", path, related).status == 200


@pytest.fixture(scope="module")
def server() -> Iterator[KastorServer]:
    with KastorServer(args=("--query-timeout", "3")) as made:
        fill(made)
        yield made


def refused(answer: Answer, limit: str) -> None:
    assert answer.status == 400, answer
    assert answer.body["error"]["code"] == "SqlQueryError", answer
    assert f"limit {limit}" in answer.body["error"]["message"], answer


def nested(depth: int, at: int = 0) -> str:
    where = f" WHERE {nested(depth - 1, at + 1)}" if depth > 1 else ""
    return f"EXISTS {{ (x{at})-[]-(x{at + 1}){where} }}"


def listed(depth: int) -> str:
    where = f" WHERE {listed(depth - 1)}" if depth > 1 else ""
    return f"T.text IN (SELECT T.part FROM DIGITALTWINS T{where})"


def test_nested_queries_are_written_once_or_refused(server: KastorServer) -> None:
    with watched(server):
        answer = ask(server, f"SELECT x0.$dtId FROM DIGITALTWINS x0 WHERE {nested(24)}")
        refused(answer, "max_query_depth")
        assert answer.seconds < 1
        for text in (
            f"SELECT x0.$dtId FROM DIGITALTWINS x0 WHERE {nested(10)} AND x0.$dtId = 't0'",
            f"SELECT T.$dtId FROM DIGITALTWINS T WHERE {listed(10)} AND T.$dtId = 't0'",
        ):
            answer = ask(server, text)
            assert answer.status in (200, 400), answer
            assert answer.seconds < 5


WIDE = {
    "max_subqueries": "SELECT * FROM DIGITALTWINS T WHERE "
    + " OR ".join(["EXISTS { (T)-[]-() }"] * 60),
    "max_sources": "SELECT COUNT() FROM DIGITALTWINS MATCH "
    + ", ".join(f"(a{number})" for number in range(5000)),
    "max_sql": "SELECT a.$dtId FROM DIGITALTWINS MATCH (a)-[]-(b)-[]-(c)-[]-(d)-[:x]-(e) WHERE "
    + " OR ".join(["a.x = b.y"] * 900),
}


@pytest.mark.parametrize("limit", WIDE)
def test_wide_queries_are_refused(server: KastorServer, limit: str) -> None:
    with watched(server):
        answer = ask(server, WIDE[limit])
    refused(answer, limit)
    assert answer.seconds < 2


def test_explaining_many_unknown_names_is_quick(server: KastorServer) -> None:
    names = " OR ".join(f"texu{number} = 1" for number in range(900))
    with watched(server):
        answer = ask(server, f"EXPLAIN SELECT * FROM DIGITALTWINS WHERE $dtId = 'no' AND ({names})")
    assert answer.status == 200, answer
    assert answer.seconds < 5


LONG = {
    "LIKE": "text LIKE '%" + "a" * 10_000 + "b_'",
    "NOT LIKE": "text NOT LIKE '%" + "a_" * 5_000 + "b%'",
    "LIKE of CONCAT": "CONCAT(text, text, text) LIKE '%" + "a_" * 100 + "b%'",
    "CONTAINS": "CONTAINS(text, '" + "a" * 30_000 + "b')",
    "CONTAINS of a property": "CONTAINS(text, CONCAT(part, 'b'))",
    "CONTAINS without case": "CONTAINS(text, CONCAT(part, 'b'), true)",
    "INDEX_OF": "INDEX_OF(text, CONCAT(part, 'b')) = 1",
}


@pytest.mark.parametrize("name", LONG)
def test_long_searches_are_refused(server: KastorServer, name: str) -> None:
    with watched(server):
        answer = ask(server, f"SELECT $dtId FROM DIGITALTWINS WHERE {LONG[name]}")
    refused(answer, "max_text_work")
    assert answer.seconds < 3


SLOW = "SELECT COUNT() FROM DIGITALTWINS WHERE " + " AND ".join(
    f"NOT (text LIKE '%{'a' * (100 + number % 50)}_b')" for number in range(400)
)
"""Every test is quick enough for itself."""


def test_many_searches_end_at_the_deadline(server: KastorServer) -> None:
    answers: list[Answer] = []
    threads = [threading.Thread(target=lambda: answers.append(ask(server, SLOW))) for _ in "12345"]
    with watched(server):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [one.body["error"]["code"] for one in answers] == ["TimeoutError"] * 5, answers
    assert max(one.seconds for one in answers) < 3 + 3, answers


ONE = "SELECT {} FROM DIGITALTWINS T WHERE T.$dtId = 't1'"
NONE_AT_ONCE = {
    "many searches": ONE.format("T.$dtId")
    + "".join(f" AND NOT (T.text LIKE '%{'a' * (10 + number)}_b')" for number in range(40)),
    "a long search": ONE.format("T.$dtId") + f" AND CONTAINS(T.text, '{'a' * 250}b')",
    "a long text without case": ONE.format("T.$dtId") + " AND CONTAINS(T.text, 'ab', true)",
    "texts put together": ONE.format("LENGTH(CONCAT(T.text, T.text, T.text)) AS n"),
    "every other twin": ONE.format("T.$dtId")
    + " AND T.part IN (SELECT x.text FROM DIGITALTWINS x WHERE x.text != T.part)",
}
"""Of one twin by its id, and still no look-up."""
LOOKED_UP = [
    ONE.format("T"),
    ONE.format("T.text, T.part"),
    ONE.format(", ".join(f"T.missing{number}" for number in range(12))),
    ONE.format("T.$dtId") + " AND T.text != 'a' AND T.part > 'a' AND T.no != 'a' AND T.text < 'b'",
]


@pytest.mark.parametrize("name", NONE_AT_ONCE)
def test_one_twin_by_id_may_be_much_work_and_nobody_waits(server: KastorServer, name: str) -> None:
    answers = _ask_for_a_while(server, [NONE_AT_ONCE[name]])
    assert answers, name
    assert answers <= {200, 400, 408}, answers


def test_look_ups_in_large_documents_leave_the_server_responsive(server: KastorServer) -> None:
    assert _ask_for_a_while(server, LOOKED_UP) == {200}


def _ask_for_a_while(server: KastorServer, texts: list[str]) -> set[int]:
    """Several clients ask again and again; the statuses that they got."""
    statuses: set[int] = set()
    until = time.monotonic() + 2

    def follow() -> None:
        while time.monotonic() < until:
            statuses.update(ask(server, text).status for text in texts)

    threads = [threading.Thread(target=follow) for _ in "1234"]
    with watched(server) as cost:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    print(cost)
    return statuses


def leave(server: KastorServer, text: str) -> None:
    """Ask, and go away."""
    body = json.dumps({"query": text}).encode()
    host = urlsplit(server.url)
    with socket.create_connection((host.hostname, host.port)) as connection:
        head = f"POST /query?{VERSION} HTTP/1.1\r\nhost: {host.netloc}\r\n"
        head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        time.sleep(0.3)


def test_work_ends_when_its_client_goes_away() -> None:
    with KastorServer() as server:
        fill(server)
        for _ in range(8):
            leave(server, SLOW)
        begun = time.monotonic()
        assert ask(server, "SELECT COUNT() FROM DIGITALTWINS").status == 200
        assert time.monotonic() - begun < 3


def end(server: KastorServer) -> float:
    """Seconds that the server takes to end."""
    begun = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(30)
    seconds = time.monotonic() - begun
    print(f"ended after {seconds:.1f} s")
    return seconds


def test_the_server_does_not_wait_for_work_that_nobody_waits_for() -> None:
    with KastorServer() as server:
        fill(server)
        for _ in range(4):
            leave(server, SLOW)
        assert end(server) < 2 + PATIENCE


def test_work_ends_with_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KASTOR_SHUTDOWN_SECONDS", "1")
    with KastorServer() as server:
        fill(server)
        thread = threading.Thread(target=_ask_in_vain, args=(server,))
        thread.start()
        time.sleep(0.5)
        seconds = end(server)
        thread.join()
        assert seconds < 1 + 1 + PATIENCE


def _ask_in_vain(server: KastorServer) -> None:
    with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
        ask(server, SLOW)


def concatenated(depth: int) -> str:
    return "text" if depth == 0 else f"CONCAT({', '.join([concatenated(depth - 1)] * 6)})"


GROWING = {
    "SELECT": f"SELECT LENGTH({concatenated(2)}) AS n FROM DIGITALTWINS",
    "WHERE": f"SELECT $dtId FROM DIGITALTWINS WHERE {concatenated(2)} = 'a'",
    "ORDER BY": f"SELECT $dtId FROM DIGITALTWINS ORDER BY {concatenated(2)}",
    "GROUP BY": f"SELECT MAX({concatenated(2)}) FROM DIGITALTWINS",
    "a row": "SELECT "
    + ", ".join(f"text AS a{n}" for n in range(400))
    + " FROM DIGITALTWINS WHERE $dtId = 't1'",
}


@pytest.mark.parametrize("name", GROWING)
def test_values_and_rows_are_bounded(server: KastorServer, name: str) -> None:
    with watched(server):
        for _ in range(3):
            answer = ask(server, GROWING[name])
    refused(answer, "max_bytes")
    assert answer.seconds < 3


def test_pages_end_before_they_are_too_large(server: KastorServer) -> None:
    text = "SELECT T.$dtId, T.text FROM DIGITALTWINS T ORDER BY T.part, T.$dtId"
    seen: list[str] = []
    token = None
    with watched(server):
        while True:
            body = {"query": text} if token is None else {"continuationToken": token}
            answer = send(server, "POST", "/query", body)
            assert answer.status == 200, answer
            rows = answer.body["value"]
            assert 0 < len(rows) * len(LARGE) <= 8_388_608
            seen += [row["$dtId"] for row in rows]
            token = answer.body.get("continuationToken")
            if token is None:
                break
    assert seen == sorted(f"t{number}" for number in range(TWINS))


def test_a_page_ends_before_a_row_that_is_too_large(server: KastorServer) -> None:
    columns = "".join(f", T.text AS b{n}" for n in range(12))
    text = f"SELECT T.$dtId, T.text, T.part AS c{columns} FROM DIGITALTWINS T WHERE T.$dtId = 't1'"
    refused(ask(server, text), "max_bytes")


def test_large_pages_at_once(server: KastorServer) -> None:
    text = "SELECT * FROM DIGITALTWINS"
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(ask(server, text).status)) for _ in "1234"
    ]
    with watched(server):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert statuses == [200] * 4


SORTING = (
    "SELECT a.$dtId, b.$dtId AS o, c.$dtId AS i FROM DIGITALTWINS MATCH (a), (b), (c)"
    " ORDER BY a.text, b.text, c.part, a.part, b.part LIMIT 1000 OFFSET 100000"
)


def test_what_is_sorted_is_no_memory(server: KastorServer) -> None:
    with watched(server):
        answer = ask(server, SORTING)
    assert answer.status in (200, 400), answer
    assert answer.seconds < 3 + 3
