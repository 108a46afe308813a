"""The description that the documentation page reads, which knows OpenAPI 3.0 only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kastor.api.description.docs import for_older_readers
from kastor.api.description.openapi import build_openapi


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from nodes(item)
    elif isinstance(value, list):
        for item in value:
            yield from nodes(item)


def test_nothing_is_left_that_only_newer_readers_know() -> None:
    newer = build_openapi("http://localhost")
    assert any(isinstance(node.get("type"), list) for node in nodes(newer))
    older = for_older_readers(newer)
    assert not [node for node in nodes(older) if isinstance(node.get("type"), list)]
    assert not [node for node in nodes(older) if "const" in node]


def test_a_value_that_may_be_null_says_so_in_the_older_words() -> None:
    assert for_older_readers({"type": ["string", "null"], "format": "uri"}) == {
        "type": "string",
        "nullable": True,
        "format": "uri",
    }
    assert for_older_readers([{"const": 401}]) == [{"enum": [401]}]
