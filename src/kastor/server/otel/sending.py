"""Puts together what sends traces and logs, and ends it; needs the extra `otel`."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs.export import LogRecordExportResult
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from kastor import __version__, logs, tracing
from kastor.server.otel.lines import LineSender
from kastor.server.otel.outbox import Outbox
from kastor.server.otel.tracer import OtelTracer, SpanSender

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.trace import ReadableSpan

    from kastor.config import Settings

CLOSE_SECONDS = 2.0
"""In which what waits has to be sent at the end."""
SEND_SECONDS = 10.0
"""That a collector may take for a batch, all tries together."""
MOST_ATTRIBUTES, LONGEST_VALUE = 64, 1_000
"""Of a span; characters of one."""
_SILENCED = ("opentelemetry.exporter", "urllib3")
"""Loggers that tell of every try; `Outbox` tells of the first."""
_ABOVE_ALL = 100


class Sending:
    """What sends the spans and lines of a process."""

    def __init__(
        self, settings: Settings, endpoint: str, worker: int, headers: Mapping[str, str]
    ) -> None:
        """Prepare; nothing is sent yet.

        Args:
            settings: of the server.
            endpoint: what the addresses of the collector begin with.
            worker: number of this process among those that serve one port.
            headers: that the collector gets with everything.
        """
        self._resource = Resource.create(
            {
                "service.name": settings.otel_service_name,
                "service.version": __version__,
                "service.instance.id": str(uuid.uuid4()),
                "kastor.worker": worker,
            }
        )
        ca_file = None if settings.otel_ca_file is None else str(settings.otel_ca_file)
        sent, most = tracing.sent, settings.otel_queue
        self._spans: Outbox[ReadableSpan] | None = None
        self._lines: Outbox[ReadableLogRecord] | None = None
        if settings.otel_traces == "on":
            spans = OTLPSpanExporter(
                f"{endpoint}/v1/traces",
                certificate_file=ca_file,
                headers=headers,
                timeout=SEND_SECONDS,
                compression=Compression.Gzip,
            )

            def export_spans(batch: Sequence[ReadableSpan]) -> bool:
                return spans.export(batch) is SpanExportResult.SUCCESS

            self._spans = Outbox("spans", export_spans, most, sent["spans"], spans.shutdown)
            sampler = TraceIdRatioBased(settings.otel_sample)
            self._tracer = self._make_tracer(self._spans, sampler)
        if settings.otel_logs == "on":
            lines = OTLPLogExporter(
                f"{endpoint}/v1/logs",
                certificate_file=ca_file,
                headers=headers,
                timeout=SEND_SECONDS,
                compression=Compression.Gzip,
            )

            def export_lines(batch: Sequence[ReadableLogRecord]) -> bool:
                return lines.export(batch) is LogRecordExportResult.SUCCESS

            self._lines = Outbox("lines", export_lines, most, sent["lines"], lines.shutdown)

    def begin(self) -> None:
        """Follow work and the log from now on."""
        for name in _SILENCED:
            logs.library_logger(name).setLevel(_ABOVE_ALL)
        if self._spans is not None:
            tracing.install(self._tracer)
        if self._lines is not None:
            logs.tell_beside(LineSender(self._lines, self._resource))

    def stop(self) -> None:
        """Follow nothing any more."""
        tracing.install(None)
        logs.tell_beside(None)

    def close(self) -> None:
        """Send what waits, as far as that can be done soon; blocks."""
        boxes = [each for each in (self._spans, self._lines) if each is not None]
        for each in boxes:
            each.finish()
        for each in boxes:
            each.close(CLOSE_SECONDS / len(boxes))

    def _make_tracer(self, outbox: Outbox[ReadableSpan], sampler: TraceIdRatioBased) -> OtelTracer:
        provider = TracerProvider(
            sampler=ParentBased(sampler),
            resource=self._resource,
            shutdown_on_exit=False,
            span_limits=SpanLimits(
                max_span_attributes=MOST_ATTRIBUTES, max_span_attribute_length=LONGEST_VALUE
            ),
        )
        provider.add_span_processor(SpanSender(outbox))
        return OtelTracer(provider.get_tracer("kastor", __version__), sampler)
