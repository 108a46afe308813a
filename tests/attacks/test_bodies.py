"""Bodies as large as they may be, of as many members as fit: no answer and no wait without a bound."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial

import httpx2
import pytest

from kastor.api.http.problem import MOST_DETAILS
from kastor.testing import KastorServer

from .watch import watched

VERSION = {"api-version": "2023-10-31"}
LIMIT = 1_048_576
MODEL_ID = "dtmi:attack:Wide;1"
INTEGERS = {"@type": "Array", "elementSchema": "integer"}
MAP = {
    "@type": "Map",
    "mapKey": {"name": "k", "schema": "string"},
    "mapValue": {"name": "v", "schema": "integer"},
}
MODEL = {
    "@context": "dtmi:dtdl:context;3",
    "@id": MODEL_ID,
    "@type": "Interface",
    "contents": [
        {"@type": "Property", "name": "m", "schema": MAP},
        {"@type": "Property", "name": "a", "schema": INTEGERS},
        {"@type": "Property", "name": "s", "schema": "string"},
    ],
}
HEAD = b'{"$metadata":{"$model":"%b"},' % MODEL_ID.encode()
TWIN = "/digitaltwins/t"


def same(part: bytes, _: int) -> bytes:
    return part


def full(before: bytes, part: Callable[[int], bytes], after: bytes) -> bytes:
    """As many parts as a body may have."""
    parts: list[bytes] = []
    size, number = len(before) + len(after), 0
    while True:
        one = part(number)
        size += len(one) + 1
        if size > LIMIT:
            return before + b",".join(parts) + after
        parts.append(one)
        number += 1


def operation(op: str, path: str, value: str | None) -> bytes:
    tail = "" if value is None else f',"value":{value}'
    return f'{{"op":"{op}","path":"{path}"{tail}}}'.encode()


@pytest.fixture(scope="module")
def server() -> Iterator[KastorServer]:
    with KastorServer() as made:
        with httpx2.Client(base_url=made.url, params=VERSION) as client:
            assert client.post("/models", json=[MODEL]).status_code == 201
            body = {"$metadata": {"$model": MODEL_ID}, "m": {}, "a": [], "s": ""}
            assert client.put(TWIN, json=body).status_code == 200
        yield made


BODIES: dict[str, tuple[str, str, Callable[[], bytes], int]] = {
    "a map": ("PUT", TWIN, lambda: full(HEAD + b'"m":{', lambda n: b'"%d":1' % n, b"}}"), 200),
    "bad values": (
        "PUT",
        TWIN,
        lambda: full(HEAD + b'"m":{', lambda n: b'"%d":""' % n, b"}}"),
        400,
    ),
    "bad items": ("PUT", TWIN, lambda: full(HEAD + b'"a":[', lambda _: b"{}", b"]}"), 400),
    "unknown properties": ("PUT", TWIN, lambda: full(HEAD, lambda n: b'"q%d":1' % n, b"}"), 400),
    "unknown components": (
        *("PUT", TWIN),
        lambda: full(HEAD, lambda n: b'"q%d":{"$metadata":{}}' % n, b"}"),
        400,
    ),
    "additions to a map": (
        *("PATCH", TWIN),
        lambda: full(b"[", lambda n: operation("add", f"/m/{n}", "1"), b"]"),
        204,
    ),
    "insertions into an array": (
        *("PATCH", TWIN),
        lambda: full(
            b"[" + operation("add", "/a", "[]") + b",",
            lambda _: operation("add", "/a/0", "1"),
            b"]",
        ),
        204,
    ),
    "additions of what is not declared": (
        *("PATCH", TWIN),
        lambda: full(b"[", lambda n: operation("add", f"/q{n}", "1"), b"]"),
        400,
    ),
    "a long path": (
        *("PATCH", TWIN),
        lambda: b"[" + operation("add", "/a" * 500_000, "1") + b"]",
        400,
    ),
    "operations that are none": ("PATCH", TWIN, lambda: full(b"[", lambda _: b"{}", b"]"), 400),
    "telemetry": ("POST", f"{TWIN}/telemetry", lambda: full(b"[", lambda _: b"{}", b"]"), 204),
    "a deep body": ("PUT", TWIN, lambda: b"[" * 1_000_000, 400),
    "endpoint headers": (
        *("PUT", "/kastor/v1/endpoints/hook"),
        lambda: full(
            b'{"kind":"webhook","settings":{"url":"http://a.example","headers":{',
            lambda n: b'"h%d":"v"' % n,
            b"}}}",
        ),
        400,
    ),
    "endpoint brokers": (
        *("PUT", "/kastor/v1/endpoints/hook"),
        lambda: full(
            b'{"kind":"kafka","settings":{"topic":"t","brokers":[', lambda _: b'"b"', b"]}}"
        ),
        400,
    ),
    "a rule with many properties": (
        *("PUT", "/kastor/v1/inputs/hook"),
        lambda: full(
            b'{"kind":"webhook","settings":{"rules":[{"twin":"t","patch":{',
            lambda n: b'"/p%d":"/s"' % n,
            b"}}]}}",
        ),
        400,
    ),
    "rules as many as there may be": (
        *("PUT", "/kastor/v1/inputs/hook"),
        lambda: full(
            b'{"kind":"webhook","settings":{"rules":[',
            lambda n: (
                json.dumps({"twin": "t", "patch": {f"/p{i}": "/s" for i in range(9)}}).encode()
                + b" " * (80 if n else 800)
            ),
            b"]}}",
        ),
        400,
    ),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_full_body_costs_little_and_has_a_short_answer(server: KastorServer, name: str) -> None:
    method, path, make, status = BODIES[name]
    body = make()
    assert len(body) <= LIMIT
    headers = {"Content-Type": "application/json"}
    with watched(server):
        answer = httpx2.request(
            method,
            f"{server.url}{path}",
            params=VERSION,
            content=body,
            headers=headers,
            timeout=60,
        )
    assert answer.status_code == status, answer.text[:500]
    if status == 400:
        assert len(answer.content) < 120_000
        assert len(answer.json()["error"].get("details", ())) <= MOST_DETAILS + 1


def test_problems_that_are_left_out_are_counted(server: KastorServer) -> None:
    body = {"$metadata": {"$model": MODEL_ID}, **{f"q{n}": 1 for n in range(MOST_DETAILS + 50)}}
    answer = httpx2.put(f"{server.url}{TWIN}", params=VERSION, json=body)
    details = answer.json()["error"]["details"]
    assert len(details) == MOST_DETAILS + 1
    assert details[0]["message"] == "q0 does not appear on the DTDL for Twin."
    assert details[-1]["message"] == "There are 50 more problems that are not listed."


def test_a_document_that_patches_let_grow_ends_before_no_query_can_read_it() -> None:
    """One that is too large for a query would make every scan that meets it fail."""
    text = "x" * 900_000
    texts = {"@type": "Map", "mapKey": MAP["mapKey"], "mapValue": {"name": "v", "schema": "string"}}
    held = {"@type": "Property", "name": "held", "schema": texts}
    link = {"@type": "Relationship", "name": "link", "properties": [held]}
    model = {**MODEL, "@id": "dtmi:attack:Growing;1", "contents": [held, link]}
    body = {"$metadata": {"$model": model["@id"]}, "held": {}}
    with (
        KastorServer() as server,
        httpx2.Client(base_url=server.url, params=VERSION, timeout=60) as client,
    ):
        client.post("/models", json=[model]).raise_for_status()
        for name in ("t", "u"):
            client.put(f"/digitaltwins/{name}", json=body).raise_for_status()
        related = {"$relationshipName": "link", "$targetId": "u", "held": {}}
        path = "/digitaltwins/t/relationships/r"
        client.put(path, json=related).raise_for_status()
        for where, what in (("/digitaltwins/t", "twin t"), (path, "relationship r")):
            for number in range(12):
                patch = [{"op": "add", "path": f"/held/k{number}", "value": text}]
                answer = client.patch(where, json=patch)
                if answer.status_code != 204:
                    break
            error = answer.json()["error"]
            assert (answer.status_code, error["code"]) == (400, "LimitExceeded"), answer.text
            assert f"The {what} would have " in error["message"]
            assert "max_document_bytes" in error["message"]
            shrink = [{"op": "remove", "path": "/held/k0"}]
            assert client.patch(where, json=shrink).status_code == 204
        for query, count in (
            ("SELECT COUNT() FROM DIGITALTWINS T WHERE T.held.k1 = 'y'", 0),
            ("SELECT COUNT() FROM RELATIONSHIPS R WHERE R.held.k1 = 'y'", 0),
        ):
            answer = client.post("/query", json={"query": query})
            assert answer.json()["value"] == [{"COUNT": count}]
        assert (
            client.post("/query", json={"query": "SELECT * FROM DIGITALTWINS"}).status_code == 200
        )


def test_a_listing_of_relationships_ends_before_it_has_too_many_bytes() -> None:
    """A thousand relationships may be asked for at once, and each may have megabytes."""
    text = {"@type": "Property", "name": "text", "schema": "string"}
    link = {"@type": "Relationship", "name": "link", "properties": [text]}
    model = {**MODEL, "@id": "dtmi:attack:Linked;1", "contents": [link]}
    count = 60
    with (
        KastorServer() as server,
        httpx2.Client(base_url=server.url, params=VERSION, timeout=60) as client,
    ):
        client.post("/models", json=[model]).raise_for_status()
        for name in ("t", "u"):
            body = {"$metadata": {"$model": model["@id"]}}
            client.put(f"/digitaltwins/{name}", json=body).raise_for_status()
        for number in range(count):
            related = {"$relationshipName": "link", "$targetId": "u"}
            related["text"] = "long" * 200_000 if number < 40 else "short"
            path = f"/digitaltwins/t/relationships/r{number:02}"
            client.put(path, json=related).raise_for_status()
        headers = {"max-items-per-page": "1000"}
        for wanted in ("", "&relationshipName=link"):
            query = f"api-version={VERSION['api-version']}{wanted}"
            address: str | None = f"{server.url}/digitaltwins/t/relationships?{query}"
            found: list[str] = []
            sizes: list[int] = []
            with watched(server):
                while address is not None:
                    answer = httpx2.get(address, headers=headers, timeout=60)
                    page = answer.json()
                    found += [each["$relationshipId"] for each in page["value"]]
                    sizes.append(len(answer.content))
                    address = page["nextLink"]
            assert found == [f"r{number:02}" for number in range(count)]
            assert 4_000_000 < max(sizes) < 4_194_304 + 1_048_576, sizes
            assert len(sizes) < count // 4


def test_numbers_with_large_exponents_count_with_their_digits() -> None:
    """An engine that writes numbers out would make fifty bytes of each that came."""
    doubles = {"@type": "Array", "elementSchema": "double"}
    contents = [{"@type": "Property", "name": "a", "schema": doubles}]
    model = {**MODEL, "@id": "dtmi:attack:Doubles;1", "contents": contents}
    head = b'{"$metadata":{"$model":"dtmi:attack:Doubles;1"},"a":['
    with (
        KastorServer() as server,
        httpx2.Client(base_url=server.url, params=VERSION, timeout=60) as client,
    ):
        client.post("/models", json=[model]).raise_for_status()
        with watched(server):
            for number in (b"1e308", b"1e-300"):
                answer = client.put(TWIN, content=full(head, partial(same, number), b"]}"))
                assert answer.status_code == 400, answer.text[:200]
                assert answer.json()["error"]["code"] == "LimitExceeded"
            body = head + b"1.5e-9," * 60_000 + b"1]}"
            assert client.put(TWIN, content=body).status_code == 200
            assert client.get(TWIN).json()["a"][0] == 1.5e-9
