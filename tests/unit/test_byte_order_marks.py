"""The mark that editors on Windows put before a text is skipped, once and at its beginning only."""

from __future__ import annotations

from codecs import BOM_UTF8

import pytest

from kastor.errors import InvalidArgument
from kastor.ingest.mapping import Message, Unreadable
from kastor.ingest.webhook import read_messages

EVENT = b'{"id": "1", "source": "s", "specversion": "1.0", "type": "t", "data": {"a": 1}}'


def bodies(content_type: str, body: bytes) -> list[object]:
    found = read_messages(content_type, {}, body)
    assert all(isinstance(each, Message) for each in found)
    return [each.body() for each in found if isinstance(each, Message)]


@pytest.mark.parametrize(
    ("content_type", "body", "values"),
    [
        ("application/x-ndjson", b'{"a":1}\n{"a":2}\n', [{"a": 1}, {"a": 2}]),
        ("application/json", b'{"a":1}', [{"a": 1}]),
        ("application/json", b'[{"a":1},{"a":2}]', [{"a": 1}, {"a": 2}]),
        ("application/cloudevents+json", EVENT, [{"a": 1}]),
        ("application/cloudevents-batch+json", b"[" + EVENT + b"]", [{"a": 1}]),
    ],
)
def test_before_messages(content_type: str, body: bytes, values: list[object]) -> None:
    assert bodies(content_type, BOM_UTF8 + body) == bodies(content_type, body) == values


def test_elsewhere_it_is_no_json() -> None:
    [first, second] = read_messages("application/x-ndjson", {}, b"{}\n" + BOM_UTF8 + b"{}")
    assert isinstance(first, Message)
    assert isinstance(second, Message)
    assert first.body() == {}
    with pytest.raises(Unreadable):
        second.body()
    with pytest.raises(InvalidArgument):
        read_messages("application/cloudevents-batch+json", {}, BOM_UTF8 * 2 + b"[]")


def test_a_text_is_kept_as_it_is() -> None:
    [message] = read_messages("text/plain", {}, BOM_UTF8 + b"x")
    assert isinstance(message, Message)
    assert message.payload == BOM_UTF8 + b"x"
