"""Clauses of openCypher that would make rows without end, if time and memory were not bounded."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kastor.testing import KastorServer

from .test_queries import ask, fill
from .watch import watched

MANY = "UNWIND range(1, 100000) AS"
SLOW = {
    "elements of elements": f"{MANY} x {MANY} y RETURN count(*) AS n",
    "elements in order": f"{MANY} x {MANY} y WITH x, y ORDER BY y LIMIT 1 RETURN x, y",
    "groups of elements": f"{MANY} x {MANY} y WITH y, count(*) AS n RETURN max(n) AS n",
    "distinct pairs": f"{MANY} x {MANY} y WITH DISTINCT x, y RETURN count(*) AS n",
    "products that may be missing": f"{MANY} x OPTIONAL MATCH (a), (b), (c) RETURN count(*) AS n",
    "products with conditions": (
        f"{MANY} x OPTIONAL MATCH (a), (b), (c) WHERE a.text = b.text + x RETURN count(c) AS n"
    ),
    "both of many": f"{MANY} x {MANY} y RETURN x UNION {MANY} x {MANY} y RETURN x",
}
LIMITED = {
    "many columns again and again": (
        "MATCH (a) "
        + " ".join(f"WITH *, a.text AS c{number} ORDER BY c{number}" for number in range(60))
        + " RETURN count(*) AS n"
    ),
    "names that double": (
        "WITH 1 AS x0 "
        + " ".join(f"WITH x{number} + x{number} AS x{number + 1}" for number in range(80))
        + " RETURN x80"
    ),
    "many blocks": "MATCH (a) " + "OPTIONAL MATCH (a)--()--() " * 90 + "RETURN count(*) AS n",
    "many clauses": "MATCH (a) " + "WITH a " * 200 + "RETURN a",
    "many queries": " UNION ".join(["MATCH (a)-->(b)-->(c) RETURN a, b, c"] * 500),
}


@pytest.fixture(scope="module")
def server() -> Iterator[KastorServer]:
    with KastorServer(args=("--query-timeout", "2")) as made:
        fill(made)
        yield made


@pytest.mark.parametrize("name", SLOW)
def test_rows_without_end_take_no_longer_than_a_query_may(server: KastorServer, name: str) -> None:
    with watched(server):
        answer = ask(server, SLOW[name])
    assert answer.status in {400, 503, 504}, answer
    assert answer.seconds < 8


@pytest.mark.parametrize("name", LIMITED)
def test_texts_that_grow_are_refused_or_answered_in_time(server: KastorServer, name: str) -> None:
    with watched(server):
        answer = ask(server, LIMITED[name])
    assert answer.status in {200, 400, 503, 504}, answer
    assert answer.seconds < 8
