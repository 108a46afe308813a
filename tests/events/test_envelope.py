"""The envelope against the specification's table, and against the CloudEvents library."""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import unquote

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_binary_event, from_structured_event
from cloudevents.core.bindings.kafka import KafkaMessage
from cloudevents.core.bindings.kafka import from_binary_event as from_kafka
from hypothesis import given
from hypothesis import strategies as st

from kastor.events.envelope import (
    amqp_properties,
    batch,
    build_event,
    delivery_trace,
    event_grid,
    http_headers,
    is_json,
    kafka_headers,
    structured,
)
from kastor.records import ChangeKind

from .factory import HOST, MODEL, event, logged

TRACE = "00-2aa957558db348f387ef704b37631a1d-e66f14eb07b50d40-01"
UPDATE = b'{"modelId": "dtmi:example:Room;1", "patch": []}'
PLAIN_ID = st.text(
    st.characters(exclude_characters="/\\?#", exclude_categories=["C", "Z"]), min_size=1
)


@pytest.mark.parametrize("kind", [k for k in ChangeKind if k.startswith(("Twin", "Relationship"))])
def test_attributes_of_graph_events(kind: ChangeKind) -> None:
    subject = "a/relationships/b" if kind.startswith("Relationship") else "a"
    built = event(kind, subject=subject, data=UPDATE, event_id="1-2", traceparent=TRACE)
    assert json.loads(structured(built, TRACE)) == {
        "specversion": "1.0",
        "id": "1-2",
        "type": f"Microsoft.DigitalTwins.{kind}",
        "source": HOST,
        "subject": subject,
        "time": "2021-12-09T20:28:52.6512162Z",
        "datacontenttype": "application/json",
        "traceparent": TRACE,
        "data": json.loads(UPDATE),
    }
    assert built.key == "a"


@pytest.mark.parametrize("component", [None, "comp1", "comp1.comp2"])
def test_attributes_of_telemetry(component: str | None) -> None:
    built = event(ChangeKind.TELEMETRY, data=b"[1,2]", event_id="from-caller", component=component)
    form = json.loads(structured(built, TRACE))
    assert form == {
        "specversion": "1.0",
        "id": "from-caller",
        "type": "microsoft.iot.telemetry",
        "source": f"{HOST}/digitaltwins/room1",
        "dataschema": MODEL,
        "datacontenttype": "application/json",
        "traceparent": TRACE,
        "data": [1, 2],
    } | ({} if component is None else {"subject": component})


@pytest.mark.parametrize("kind", [k for k in ChangeKind if k.startswith("Model")])
def test_models_have_no_event(kind: ChangeKind) -> None:
    with pytest.raises(ValueError, match="no event"):
        build_event(logged(kind), HOST)


def test_the_body_is_embedded_byte_for_byte() -> None:
    odd = b'{ "a" : 1.0,"b":1E2, "a":12345678901234567890123 }'
    assert b'"data":' + odd in structured(event(data=odd), TRACE)


@pytest.mark.parametrize(
    ("media_type", "body", "embedded"),
    [
        ("application/json", b'{"a":1}', True),
        ("application/json; charset=utf-8", b"1", True),
        ("application/geo+json", b"null", True),
        ("application/json", b'{"a":', False),
        ("application/json; charset=latin-1", b"1", False),
        ("text/plain", b"hello", False),
        ("application/octet-stream", b"\x00\xff", False),
    ],
)
def test_bodies_that_are_no_json_travel_as_base64(
    media_type: str, body: bytes, embedded: bool
) -> None:
    built = event(ChangeKind.TELEMETRY, data=body, content_type=media_type)
    form = json.loads(structured(built, TRACE))
    assert form["datacontenttype"] == media_type
    if embedded:
        assert form["data"] == json.loads(body)
        assert "data_base64" not in form
    else:
        assert base64.b64decode(form["data_base64"]) == body
        assert "data" not in form


@given(subject=PLAIN_ID, telemetry=st.booleans())
def test_the_library_reads_the_structured_form(subject: str, telemetry: bool) -> None:
    kind = ChangeKind.TELEMETRY if telemetry else ChangeKind.TWIN_CREATE
    built = event(kind, subject=subject, data=b'{"x":[1,null]}', event_id="i")
    headers = {"content-type": "application/cloudevents+json"}
    read = from_structured_event(HTTPMessage(headers, structured(built, TRACE)))
    assert read.get_data() == {"x": [1, None]}
    _agrees(read, built)


@given(subject=PLAIN_ID)
def test_the_library_reads_the_binary_form(subject: str) -> None:
    built = event(
        ChangeKind.RELATIONSHIP_CREATE, subject=f"{subject}/relationships/é %", data=b"{}"
    )
    headers = http_headers(built, TRACE)
    assert all(value.isascii() and value.isprintable() for value in headers.values())
    read = from_binary_event(HTTPMessage(headers, built.data))
    _agrees(read, built)
    message = KafkaMessage(dict(kafka_headers(built, TRACE)), None, built.data)
    _agrees(from_kafka(message), built)


def _agrees(read: Any, built: object) -> None:
    for name in ("id", "type", "source", "subject", "dataschema", "datacontenttype"):
        found = getattr(read, f"get_{name}")()
        assert found == getattr(built, name), name
    assert read.get_specversion() == "1.0"
    assert read.get_extension("traceparent") == TRACE


def test_the_batch_form_is_an_array() -> None:
    first, second = event(event_id="1"), event(event_id="2")
    assert [each["id"] for each in json.loads(batch([(first, TRACE), (second, TRACE)]))] == [
        "1",
        "2",
    ]


def test_properties_of_amqp() -> None:
    found = amqp_properties(event(subject="é"), TRACE)
    assert set(found) == {
        f"cloudEvents:{name}"
        for name in ("id", "source", "specversion", "type", "time", "subject", "traceparent")
    }
    assert found["cloudEvents:subject"] == "é"


def test_the_source_of_telemetry_is_a_uri_reference() -> None:
    source = event(ChangeKind.TELEMETRY, subject="a b%é;(1)", data=b"1").source
    assert source == f"{HOST}/digitaltwins/a%20b%25%C3%A9;(1)"
    assert unquote(source).endswith("/a b%é;(1)")


def test_event_grid_schema() -> None:
    form = json.loads(event_grid(event(data=UPDATE, event_id="i"), TRACE, "floor"))
    assert form == {
        "id": "i",
        "subject": "room1",
        "data": {
            "data": json.loads(UPDATE),
            "contenttype": "application/json",
            "traceparent": TRACE,
        },
        "eventType": "Microsoft.DigitalTwins.Twin.Update",
        "dataVersion": "1.0",
        "metadataVersion": "1",
        "eventTime": "2021-12-09T20:28:52.6512162Z",
        "topic": "floor",
    }


def test_telemetry_in_event_grid_schema() -> None:
    built = event(ChangeKind.TELEMETRY, data=b"1", component="comp1")
    form = json.loads(event_grid(built, TRACE, "floor"))
    assert form["subject"] == "room1"
    assert form["eventTime"] == "0001-01-01T00:00:00Z"
    assert form["data"]["dataschema"] == MODEL


def test_deliveries_continue_the_trace_of_the_write() -> None:
    built = event(traceparent=TRACE)
    first, second = delivery_trace(built), delivery_trace(built)
    assert first != second
    for trace in (first, second):
        assert trace.split("-")[:2] == TRACE.split("-")[:2]
        assert trace.split("-")[2] != TRACE.split("-")[2]
        assert trace.endswith("-01")


@pytest.mark.parametrize(
    "given_trace", [None, "", "nonsense", f"00-{'0' * 32}-{'1' * 16}-01", TRACE.upper()]
)
def test_a_write_without_a_trace_gets_a_stable_one(given_trace: str | None) -> None:
    built = event(traceparent=given_trace)
    first, second = delivery_trace(built), delivery_trace(built)
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-01", first)
    assert first[:36] == second[:36]
    assert first != second
    assert delivery_trace(event(event_id="other"))[:36] != first[:36]


@pytest.mark.parametrize(
    ("media_type", "expected"),
    [
        ("application/json", True),
        ("Application/JSON ; Charset=UTF-8", True),
        ("text/json", True),
        ("application/vnd.x+json", True),
        ("application/jsonx", False),
        ("json", False),
        ("", False),
        ("application/json; charset=utf-16", False),
    ],
)
def test_media_types_of_json(media_type: str, expected: bool) -> None:
    assert is_json(media_type) is expected
