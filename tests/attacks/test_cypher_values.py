"""Lists, maps and texts of openCypher that would cost memory or time, if nothing bounded them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kastor.testing import KastorServer

from .test_queries import Answer, ask, fill, refused
from .watch import watched

ONE = "MATCH (t {`$dtId`: 't1'}) RETURN "
LARGE = {
    "collect of pairs": ("MATCH (a), (b) RETURN collect(a) AS x", "max_collected_bytes"),
    "collect of texts in a list": (
        "MATCH (a), (b) RETURN size(collect([a.text, b.text])) AS x",
        "max_collected_bytes",
    ),
    "collect of distinct pairs": (
        "MATCH (a), (b) RETURN collect(DISTINCT [a, b]) AS x",
        "max_collected_bytes",
    ),
    "collect of twins": ("MATCH (a) RETURN collect(a) AS x", "max_bytes"),
    "a list of twins": (f"{ONE}[{', '.join(['t'] * 60)}] AS x", "max_bytes"),
    "a map of texts": (
        f"{ONE}{{{', '.join(f'm{number}: [t.text]' for number in range(30))}}} AS x",
        "max_bytes",
    ),
    "lists in lists": (f"{ONE}{'[t, ' * 20}1{']' * 20} AS x", "max_bytes"),
    "joined texts": (f"{ONE}{' + '.join(['t.text'] * 20)} AS x", "max_bytes"),
    "joined lists": (f"{ONE}{' + '.join(['[t.text]'] * 20)} AS x", "max_bytes"),
    "replaced by more": (
        f"{ONE}size(replace(t.text, 'a', '{'b' * 40}')) AS x",
        "max_bytes",
    ),
    "replaced again and again": (
        f"{ONE}replace(replace(replace(t.text, 'a', 'aaa'), 'a', 'aaa'), 'a', 'aaa') AS x",
        "max_bytes",
    ),
    "many numbers": (f"{ONE}range(1, 1000000000) AS x", "max_items"),
    "many numbers backwards": (f"{ONE}size(range(0, -9000000000000000000, -1)) AS x", "max_items"),
    "a long text in a long text": (f"{ONE}replace(t.text, t.part + 'b', '') AS x", "max_text_work"),
    "split by a long text": (f"{ONE}split(t.text, t.part + 'b') AS x", "max_text_work"),
    "a long text backwards": (f"{ONE}reverse(t.text) AS x", "max_text_work"),
}
QUICK = {
    "split into very many": "size(split(t.text, 'a'))",
    "very many are equal": "split(t.text, 'a') = split(t.text, 'a')",
    "very many differ": "[null] + split(t.text, 'a') <> [1] + split(t.text, 'a')",
    "among very many": "'b' IN split(t.text, 'a')",
    "each a long text": "[x IN range(1, 90000) | t.text]",
    "something of very many": "any(x IN range(1, 100000) WHERE x = 99999)",
    "pairs of very many": "size([x IN range(1, 5000) | [y IN range(1, 5000) | x * y]])",
    "each against each": "all(x IN range(1, 90000) WHERE any(y IN range(1, 90000) WHERE x = y))",
    "apart from each other": "tail(reverse(range(1, 100000)))[5..-5] = range(1, 3)",
}


@pytest.fixture(scope="module")
def server() -> Iterator[KastorServer]:
    with KastorServer(args=("--query-timeout", "5")) as made:
        fill(made)
        yield made


@pytest.mark.parametrize("name", LARGE)
def test_what_grows_too_large_is_refused(server: KastorServer, name: str) -> None:
    text, limit = LARGE[name]
    with watched(server):
        answer = ask(server, text)
    refused(answer, limit)
    assert answer.seconds < 5


@pytest.mark.parametrize("name", QUICK)
def test_long_lists_end_in_time(server: KastorServer, name: str) -> None:
    with watched(server):
        answer: Answer = ask(server, f"{ONE}{QUICK[name]} AS x")
    assert answer.status in (200, 400), answer
    assert answer.seconds < 5 + 3


def test_what_nests_too_deep_is_refused(server: KastorServer) -> None:
    for text in (
        "[" * 500 + "]" * 500,
        "{a: " * 500 + "1" + "}" * 500,
        "CASE WHEN true THEN " * 500,
    ):
        answer = ask(server, f"{ONE}{text} AS x")
        assert answer.status == 400, answer
        assert answer.seconds < 1
