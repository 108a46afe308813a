"""Lines of the log as OTLP has them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import TraceFlags

from kastor.logs import SHORT, Fields, text_of

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource

    from kastor.server.otel.outbox import Outbox

MOST_VALUES = 30
LONGEST_FAULT = 16_384
"""Characters of a fault with its trace."""
_SEVERITIES = {
    "info": SeverityNumber.INFO,
    "warning": SeverityNumber.WARN,
    "error": SeverityNumber.ERROR,
}
_OWN = ("event", "level", "logger", "trace_id", "span_id")
_SILENT = ("kastor.otel", "opentelemetry", "urllib3", "requests")
"""Loggers of what sends lines: theirs would be sent because lines are sent."""
_OVERHEAD = 500


class LineSender:
    """Takes each line of the log, for `kastor.logs.tell_beside`."""

    def __init__(self, outbox: Outbox[ReadableLogRecord], resource: Resource) -> None:
        self._outbox = outbox
        self._resource = resource
        self._scope = InstrumentationScope("kastor")

    def __call__(self, fields: Fields, values: Mapping[str, Any]) -> None:
        """Queue a line; its values are made texts now, since they may change."""
        if fields["logger"].startswith(_SILENT):
            return
        attributes, size = _attributes(fields, values)
        now = time.time_ns()
        trace, span = fields.get("trace_id"), fields.get("span_id")
        record = LogRecord(
            timestamp=now,
            observed_timestamp=now,
            trace_id=int(trace, 16) if trace else 0,
            span_id=int(span, 16) if span else 0,
            trace_flags=TraceFlags(TraceFlags.SAMPLED if trace else TraceFlags.DEFAULT),
            severity_text=fields["level"].upper(),
            severity_number=_SEVERITIES.get(fields["level"], SeverityNumber.INFO),
            body=text_of(fields["event"])[:SHORT],
            attributes=attributes,
        )
        self._outbox.put(ReadableLogRecord(record, self._resource, self._scope), size)


def _attributes(
    fields: Fields, values: Mapping[str, Any]
) -> tuple[dict[str, str | int | float | bool], int]:
    """Return the attributes of a line, and the bytes that it takes with them, about."""
    found: dict[str, str | int | float | bool] = {"kastor.logger": fields["logger"]}
    size = _OVERHEAD + len(str(fields["event"]))
    if "request" in fields:
        found["kastor.request"] = fields["request"]
    for key, value in islice(values.items(), MOST_VALUES):
        if key == "exc_info":
            _add_fault(found, value)
        elif isinstance(value, bool | int | float):
            found[key] = value
        elif value is not None:
            found[key] = text_of(value)[:SHORT]
        size += len(key) + len(str(found.get(key, "")))
    return found, size + len(str(found.get("exception.stacktrace", "")))


def _add_fault(found: dict[str, str | int | float | bool], fault: object) -> None:
    if isinstance(fault, tuple):  # of a library
        fault = fault[1]
    if isinstance(fault, BaseException):
        found["exception.type"] = type(fault).__name__
        found["exception.message"] = text_of(str(fault))[:SHORT]
        found["exception.stacktrace"] = text_of(fault)[-LONGEST_FAULT:]
