"""The harness of the openCypher kit: what is sent, and what is made of each kind of answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from kastor.testing import KastorServer

from .tck.answers import Answer, Broken, Refused
from .tck.scenarios import Ask, Rows
from .tck.servers import Result, ServerRunner

ASK = Ask("RETURN $p", {"p": 1}, Rows())
Reply = Callable[[httpx2.Request], httpx2.Response]


def asked(reply: Reply, page_size: int | None = 2) -> Result:
    server = KastorServer()
    server.url = "http://kastor.test"
    with httpx2.Client(transport=httpx2.MockTransport(reply)) as client:
        return ServerRunner("mock", server, client).ask(ASK, page_size)


def page(token: str | None, *rows: Any) -> httpx2.Response:
    return httpx2.Response(200, json={"value": list(rows), "continuationToken": token})


def error(status: int) -> httpx2.Response:
    return httpx2.Response(status, json={"error": {"code": "C", "message": "why", "details": []}})


def test_pages_are_gathered_by_their_tokens() -> None:
    sent: list[dict[str, Any]] = []

    def reply(request: httpx2.Request) -> httpx2.Response:
        sent.append(json.loads(request.content))
        assert request.headers["max-items-per-page"] == "2"
        assert request.url.path == "/query"
        return page("more", {"a": 1}, {"a": 2}) if len(sent) == 1 else page(None, {"a": 3})

    assert asked(reply) == Answer(({"a": 1}, {"a": 2}, {"a": 3}))
    first = {"query": "RETURN $p", "language": "cypher", "parameters": {"p": 1}}
    assert sent == [first, {**first, "continuationToken": "more"}]


def test_without_a_page_size_none_is_sent() -> None:
    def reply(request: httpx2.Request) -> httpx2.Response:
        assert "max-items-per-page" not in request.headers
        return page(None)

    assert asked(reply, None) == Answer(())


def test_a_refusal_behind_pages_is_late() -> None:
    answers = [error(400), page("more", {"a": 1})]
    assert asked(lambda _: answers.pop()) == Refused("why", late=True)
    assert asked(lambda _: error(400)) == Refused("why")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (error(500), "500: why"),
        (error(404), "404: why"),
        (httpx2.Response(503, text="busy"), "503: busy"),
        (httpx2.Response(200, text="{"), "no page of rows"),
        (httpx2.Response(200, json={"rows": []}), "no page of rows"),
    ],
)
def test_what_is_neither_answer_nor_refusal(answer: httpx2.Response, why: str) -> None:
    result = asked(lambda _: answer)
    assert isinstance(result, Broken)
    assert result.message.startswith(why)


def test_no_answer_and_pages_without_an_end_are_told() -> None:
    def silent(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadTimeout("late", request=request)

    assert asked(silent) == Broken("no answer: ReadTimeout")
    assert asked(lambda _: page("same")) == Broken("more than 10000 pages")
