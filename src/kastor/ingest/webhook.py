"""Bodies of webhook requests as messages: one, an array, lines of JSON, or CloudEvents. Pure."""

from __future__ import annotations

import base64
import binascii
from codecs import BOM_UTF8
from collections import ChainMap
from collections.abc import Mapping
from itertools import islice
from typing import Any, TypeVar

import orjson

from kastor.errors import InvalidArgument, LimitExceeded
from kastor.ingest.mapping import Message, Unreadable, require_depth

JSON = "application/json"
EVENT, EVENT_BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
LINES = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl"})
TEXT = "text/plain"
MEDIA_TYPES = frozenset({JSON, EVENT, EVENT_BATCH, TEXT, "", *LINES})

MAX_MESSAGES = 10_000
"""Of one request: each one costs work, however few bytes it has."""

T = TypeVar("T")
_REQUIRED = ("id", "source", "specversion", "type")
_PRIVATE = frozenset({"authorization", "proxy-authorization", "cookie"})


class NoEvent(Exception):
    """What should be a CloudEvent is none; the message holds what came instead."""

    def __init__(self, message: Message, reason: str) -> None:
        super().__init__(reason)
        self.message = message


def read_messages(
    content_type: str, headers: Mapping[str, str], body: bytes
) -> list[Message | NoEvent]:
    """Return the messages of a request.

    Args:
        content_type: without parameters, in lower case.
        headers: of the request, names in lower case.
        body: of the request.

    Raises:
        InvalidArgument: the body as a whole cannot be read.
        LimitExceeded: it has more than MAX_MESSAGES messages.
    """
    shown = {name: value for name, value in headers.items() if name not in _PRIVATE}
    if content_type != TEXT:
        body = body.removeprefix(BOM_UTF8)
    if content_type == EVENT:
        return [_event(shown, _decoded(body))]
    if content_type == EVENT_BATCH:
        return [_event(shown, each) for each in _few(_array(body))]
    if content_type in LINES:
        lines = (line.strip() for line in body.split(b"\n"))
        some = islice((line for line in lines if line), MAX_MESSAGES + 1)
        return [_plain(shown, line) for line in _few(list(some))]
    if content_type == TEXT or not body.lstrip().startswith(b"["):
        return [_plain(shown, body)]
    return [_plain(shown, orjson.dumps(each)) for each in _few(_array(body))]


def _few(messages: list[T]) -> list[T]:
    if len(messages) > MAX_MESSAGES:
        raise LimitExceeded(
            f"The request has too many messages; the limit is {MAX_MESSAGES}. "
            "Send them in several requests."
        )
    return messages


def _plain(headers: Mapping[str, str], payload: bytes) -> Message:
    identity = None
    if "ce-id" in headers and "ce-source" in headers:  # an event in binary mode
        identity = f"{headers['ce-source']} {headers['ce-id']}"
    return Message("", payload, headers, headers.get("traceparent"), identity)


def _event(headers: Mapping[str, str], event: Any) -> Message | NoEvent:
    whole = Message("", orjson.dumps(event), headers)
    if not isinstance(event, dict):
        return NoEvent(whole, "A CloudEvent is an object.")
    for name in _REQUIRED:
        if not isinstance(event.get(name), str) or not event[name]:
            return NoEvent(whole, f"The CloudEvent has no {name}.")
    if event["specversion"] != "1.0":
        return NoEvent(whole, "The CloudEvent is not of version 1.0.")
    attributes = {
        f"ce-{name}": value if isinstance(value, str) else orjson.dumps(value).decode()
        for name, value in event.items()
        if name not in ("data", "data_base64")
    }
    try:
        payload = _data(event)
    except (binascii.Error, ValueError, TypeError):
        return NoEvent(whole, "data_base64 of the CloudEvent is not base 64.")
    trace = attributes.get("ce-traceparent") or headers.get("traceparent")
    identity = f"{event['source']} {event['id']}"
    return Message("", payload, ChainMap(attributes, dict(headers)), trace, identity)


def _data(event: Mapping[str, Any]) -> bytes:
    if "data_base64" in event:
        return base64.b64decode(event["data_base64"], validate=True)
    data = event.get("data")
    kind = event.get("datacontenttype", JSON)
    if isinstance(data, str) and "json" not in str(kind):
        return data.encode()
    return orjson.dumps(data)


def _array(body: bytes) -> list[Any]:
    decoded = _decoded(body)
    if not isinstance(decoded, list):
        raise InvalidArgument("A batch of CloudEvents is a JSON array.")
    return decoded


def _decoded(body: bytes) -> Any:
    try:
        decoded = orjson.loads(body)
        require_depth(body, decoded)
    except orjson.JSONDecodeError as error:
        raise InvalidArgument(f"The body is not valid JSON: {error}.") from None
    except Unreadable as error:
        raise InvalidArgument(str(error)) from None
    return decoded
