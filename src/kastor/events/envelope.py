"""From a row of the change log to a CloudEvent 1.0, and the event's forms on the wire.

Which attribute an event has, and which it must not have, is events 1.2; events 1.4 has
the forms. `data` is the log's, byte for byte: nothing here parses and prints it again.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from typing import Any
from urllib.parse import quote

import orjson

from kastor.clock import twin_time
from kastor.events.model import Event
from kastor.records import ChangeKind
from kastor.storage.events import LoggedChange
from kastor.tracing import delivering

SPEC_VERSION = "1.0"
TELEMETRY = "microsoft.iot.telemetry"
STRUCTURED_TYPE = "application/cloudevents+json"
BATCH_TYPE = "application/cloudevents-batch+json"
JSON_TYPE = "application/json"

_PREFIX = "Microsoft.DigitalTwins."
_NO_TIME = "0001-01-01T00:00:00Z"
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})(?:-.*)?")
_NO_TRACE = "0" * 32
_JSON_TYPE = re.compile(r"\s*[^/;\s]+/(?:json|[^/;\s]+\+json)\s*(?:;(.*))?", re.IGNORECASE)
_OTHER_CHARSET = re.compile(r"charset\s*=\s*\"?(?!utf-?8\b|us-ascii\b)", re.IGNORECASE)

# What stands in a URI as it is; `%` itself is encoded, so that the source can be decoded.
_URI_SAFE = "!$&'()*+,;=:@-._~"
# CloudEvents HTTP binding 3.1.3.2: printable ASCII stays, but for blank, quote and percent.
_HEADER_SAFE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')
# Most values need no encoding, and `quote` is slow at finding that out.
_HEADER_UNSAFE = re.compile(r"[^\x21\x23\x24\x26-\x7e]")


def build_event(entry: LoggedChange, host_name: str) -> Event:
    """Return the event of a change.

    Raises:
        ValueError: the change is one of models, for which no event exists.
    """
    if entry.kind is ChangeKind.TELEMETRY:
        return _telemetry(entry, host_name)
    if entry.kind.startswith("Model."):
        raise ValueError(f"{entry.kind} has no event")
    return Event(
        id=entry.event_id,
        type=_PREFIX + entry.kind,
        source=host_name,
        subject=entry.subject,
        time=twin_time(entry.time),
        datacontenttype=JSON_TYPE,
        dataschema=None,
        traceparent=entry.traceparent,
        data=entry.data,
        key=_owner(entry),
        position=entry.seq,
    )


def _owner(entry: LoggedChange) -> str:
    """The twin's id, a relationship's source twin's; no id contains a slash."""
    return entry.subject.partition("/")[0]


def _telemetry(entry: LoggedChange, host_name: str) -> Event:
    return Event(
        id=entry.event_id,
        type=TELEMETRY,
        source=f"{host_name}/digitaltwins/{quote(_owner(entry), safe=_URI_SAFE)}",
        subject=entry.component,
        time=None,
        datacontenttype=entry.content_type or JSON_TYPE,
        dataschema=entry.model_id,
        traceparent=entry.traceparent,
        data=entry.data,
        key=_owner(entry),
        position=entry.seq,
    )


def delivery_trace(event: Event) -> str:
    """Return the `traceparent` of one delivery: the event's trace, a new span.

    An event whose write belonged to no trace gets one made from its id, so that all its deliveries
    show the same one without anything being stored.
    """
    match = _TRACEPARENT.fullmatch(event.traceparent or "")
    if match and match[1] != _NO_TRACE and not match[0].startswith("ff"):
        trace, flags, parent = match[1], match[2], match[0]
    else:
        identity = f"{event.source}\n{event.id}".encode()
        trace, flags, parent = hashlib.sha256(identity).hexdigest()[:32], "01", None
    spans = delivering.get()
    if spans is not None and (followed := spans.begin(event.mark, trace, parent)) is not None:
        return followed
    return f"00-{trace}-{secrets.token_hex(8)}-{flags}"


def is_json(media_type: str) -> bool:
    """Whether a media type says that the content is JSON in UTF-8."""
    match = _JSON_TYPE.fullmatch(media_type)
    return match is not None and not _OTHER_CHARSET.search(match[1] or "")


def attributes(event: Event, traceparent: str) -> dict[str, str]:
    """Return the context attributes that the event has, but for `datacontenttype`."""
    found = {
        "specversion": SPEC_VERSION,
        "id": event.id,
        "type": event.type,
        "source": event.source,
    }
    if event.subject is not None:
        found["subject"] = event.subject
    if event.time is not None:
        found["time"] = event.time
    if event.dataschema is not None:
        found["dataschema"] = event.dataschema
    found["traceparent"] = traceparent
    return found


def structured(event: Event, traceparent: str) -> bytes:
    """Return the structured JSON form: one object with the data inside."""
    return orjson.dumps(_structured(event, traceparent))


def as_line(event: Event) -> bytes:
    """Return a delivery as a line of JSON: the structured form, or a bare body."""
    body = event.data if event.bare else structured(event, delivery_trace(event))
    return body + b"\n"


def batch(events: list[tuple[Event, str]]) -> bytes:
    """Return the batch form: an array of structured events, each with its traceparent."""
    return orjson.dumps([_structured(event, traceparent) for event, traceparent in events])


def _structured(event: Event, traceparent: str) -> dict[str, Any]:
    form: dict[str, Any] = attributes(event, traceparent)
    form["datacontenttype"] = event.datacontenttype
    if _embeds(event):
        form["data"] = orjson.Fragment(event.data)
    else:
        form["data_base64"] = base64.b64encode(event.data).decode()
    return form


def _embeds(event: Event) -> bool:
    if not is_json(event.datacontenttype):
        return False
    # A telemetry body is the caller's: one that only claims to be JSON must not break the envelope.
    return event.type != TELEMETRY or _is_valid(event.data)


def _is_valid(data: bytes) -> bool:
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:
        return False
    return True


def http_headers(event: Event, traceparent: str) -> dict[str, str]:
    """Return the headers of the binary form over HTTP and NATS: `ce-` and the content type."""
    found = {
        f"ce-{name}": quote(value, safe=_HEADER_SAFE) if _HEADER_UNSAFE.search(value) else value
        for name, value in attributes(event, traceparent).items()
    }
    found["content-type"] = header_text(event.datacontenttype)
    return found


def header_text(value: str) -> str:
    """Return a caller's text as it may stand in a header: no control or non-ASCII characters."""
    if value.isascii() and value.isprintable():
        return value
    return "".join(char if " " <= char <= "~" else "?" for char in value)


def amqp_properties(event: Event, traceparent: str) -> dict[str, str]:
    """Return the application properties of the binary form over AMQP."""
    return {f"cloudEvents:{name}": value for name, value in attributes(event, traceparent).items()}


def kafka_headers(event: Event, traceparent: str) -> list[tuple[str, bytes]]:
    """Return the headers of the binary form over Kafka: `ce_` and the content type."""
    found = [
        (f"ce_{name}", value.encode()) for name, value in attributes(event, traceparent).items()
    ]
    found.append(("content-type", event.datacontenttype.encode()))
    return found


def event_grid(event: Event, traceparent: str, topic: str) -> bytes:
    """Return the form of Event Grid's own schema: the body one level deeper, no source."""
    inner: dict[str, Any] = {"data": _event_grid_data(event), "contenttype": event.datacontenttype}
    if event.dataschema is not None:
        inner["dataschema"] = event.dataschema
    inner["traceparent"] = traceparent
    return orjson.dumps(
        {
            "id": event.id,
            "subject": _event_grid_subject(event),
            "data": inner,
            "eventType": event.type,
            "dataVersion": "1.0",
            "metadataVersion": "1",
            "eventTime": event.time or _NO_TIME,
            "topic": topic,
        }
    )


def _event_grid_subject(event: Event) -> str:
    # This schema requires a subject; for telemetry it is the twin, whatever component sent it.
    return event.key if event.type == TELEMETRY or event.subject is None else event.subject


def _event_grid_data(event: Event) -> Any:
    if _embeds(event):
        return orjson.Fragment(event.data)
    return base64.b64encode(event.data).decode()
