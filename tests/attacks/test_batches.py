"""Batches as large as they may be, of as much as fits: no memory and no wait without a bound."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator

import httpx2
import pytest

from kastor.testing import KastorServer

from .watch import watched

LIMIT = 33_554_432
MODEL_ID = "dtmi:attack:Small;1"
MODEL = {
    "@context": "dtmi:dtdl:context;3",
    "@id": MODEL_ID,
    "@type": "Interface",
    "contents": [{"@type": "Property", "name": "s", "schema": "string"}],
}
HEAD, TAIL, ATOMIC = b'{"operations":[', b"]}", b'],"atomic":true}'
TINY = b'{"op":"put","kind":"twin","id":"a"}'
BATCH, ARRAY = "/kastor/v1/batch", "/digitaltwins"


def full(part: bytes, before: bytes = HEAD, after: bytes = TAIL, limit: int = LIMIT) -> bytes:
    """As many equal parts as a body may have."""
    count = (limit - len(before) - len(after)) // (len(part) + 1)
    return before + b",".join([part] * count) + after


def operation(number: int, body: str) -> bytes:
    return f'{{"op":"put","kind":"twin","id":"t{number}","body":{body}}}'.encode()


def put(members: str) -> str:
    return f'{{"$metadata":{{"$model":"{MODEL_ID}"}}{members}}}'


def many(body: str, count: int, after: bytes = TAIL) -> bytes:
    """A batch of so many operations with that body."""
    text = HEAD + b",".join([operation(n % 500, body) for n in range(count)]) + after
    assert len(text) <= LIMIT
    return text


def objects(count: int) -> str:
    """A member that is a long array of nothing: 3 bytes of it become a hundred."""
    return put(',"s":[' + ",".join(["{}"] * count) + "]")


UNKNOWN = put("".join(f',"q{n}":1' for n in range(290)))
REFUSED = int(os.environ.get("KASTOR_BATCH_ERRORS", "800"))
BODIES: dict[str, tuple[str, Callable[[], bytes], int]] = {
    "tiny operations": (BATCH, lambda: full(TINY), 400),
    "numbers in place of operations": (BATCH, lambda: full(b"1"), 400),
    "empty objects in place of operations": (BATCH, lambda: full(b"{}"), 400),
    "one operation of everything": (
        BATCH,
        lambda: HEAD + b'{"op":"put","kind":"twin","id":"a","body":[' + b"{}," * 11_000_000,
        400,
    ),
    "arrays of nothing": (BATCH, lambda: many(objects(340_000), 31), 200),
    "arrays of nothing, all or none": (BATCH, lambda: many(objects(340_000), 31, ATOMIC), 400),
    "many errors for each": (BATCH, lambda: many(UNKNOWN, REFUSED), 200),
    "many errors for each, all or none": (BATCH, lambda: many(UNKNOWN, REFUSED, ATOMIC), 400),
    "numbers in an array of twins": (ARRAY, lambda: full(b"1", b"[", b"]", 8_388_608), 400),
    "objects in an array of twins": (ARRAY, lambda: full(b"{}", b"[", b"]", 8_388_608), 400),
}


@pytest.fixture(scope="module")
def server() -> Iterator[KastorServer]:
    with KastorServer() as made:
        httpx2.post(f"{made.url}/models", json=[MODEL]).raise_for_status()
        yield made


@pytest.mark.parametrize("name", BODIES)
def test_a_full_batch_costs_little_and_has_a_short_answer(server: KastorServer, name: str) -> None:
    path, make, status = BODIES[name]
    body = make()
    headers = {"Content-Type": "application/json"}
    with watched(server):
        answer = httpx2.post(f"{server.url}{path}", content=body, headers=headers, timeout=120)
    assert answer.status_code == status, answer.text[:500]
    assert len(answer.content) < 8_000_000
    if "results" in answer.text[:2_000_000]:
        assert json.loads(answer.content)["failed"] > 0


def test_a_large_batch_of_good_writes_lets_others_in(server: KastorServer) -> None:
    body = many(put(f',"s":"{"x" * 3_000}"'), 10_000)
    with watched(server):
        answer = httpx2.post(f"{server.url}{BATCH}", content=body, timeout=120)
    assert answer.json()["succeeded"] == 10_000
