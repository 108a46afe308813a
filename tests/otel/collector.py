"""A collector of OpenTelemetry over a real socket: decodes what it is sent, or is unkind to it."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status


@dataclass
class Span:
    name: str
    trace: str
    id: str
    parent: str
    kind: int
    attributes: dict[str, Any]
    failed: bool
    begun: int
    ended: int
    resource: dict[str, Any]


@dataclass
class Line:
    body: str
    level: str
    trace: str
    span: str
    attributes: dict[str, Any]


@dataclass
class Collector:
    """Attributes: `status` it answers with; `pause` seconds before it does."""

    status: int = 200
    pause: float = 0.0
    port: int = 0
    spans: list[Span] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def __enter__(self) -> Self:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if collector.pause:
                    time.sleep(collector.pause)
                if collector.status == 200:
                    collector.headers.append(dict(self.headers))
                    assert self.headers["content-type"] == "application/x-protobuf"
                    if self.headers.get("content-encoding") == "gzip":
                        body = gzip.decompress(body)
                    collector.take(self.path, body)
                self.send_response(collector.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:  # a client that was killed
                pass

        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def take(self, path: str, body: bytes) -> None:
        if path == "/v1/traces":
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                about = _attributes(resource.resource.attributes)
                for scope in resource.scope_spans:
                    self.spans += [_span(each, about) for each in scope.spans]
        elif path == "/v1/logs":
            for lines in ExportLogsServiceRequest.FromString(body).resource_logs:
                for each in lines.scope_logs:
                    self.lines += [_line(record) for record in each.log_records]
        else:
            raise AssertionError(path)

    def until(self, wanted: Callable[[Collector], Any], seconds: float = 15.0) -> Any:
        """Whatever is wanted, once it is true."""
        end = time.monotonic() + seconds
        while not (found := wanted(self)):
            assert time.monotonic() < end, (self.spans, self.lines)
            time.sleep(0.05)
        return found

    def of(self, name: str, **attributes: Any) -> list[Span]:
        """Spans of that name with these attributes, `_` for `.`."""
        wanted = {key.replace("_", "."): value for key, value in attributes.items()}
        return [
            each
            for each in list(self.spans)
            if each.name == name and wanted.items() <= each.attributes.items()
        ]

    def in_trace(self, trace: str) -> list[Span]:
        return [each for each in list(self.spans) if each.trace == trace]


def _attributes(found: Any) -> dict[str, Any]:
    return {
        each.key: getattr(each.value, each.value.WhichOneof("value") or "string_value")
        for each in found
    }


def _span(span: Any, resource: dict[str, Any]) -> Span:
    return Span(
        span.name,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.kind,
        _attributes(span.attributes),
        span.status.code == Status.STATUS_CODE_ERROR,
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        resource,
    )


def _line(record: Any) -> Line:
    return Line(
        record.body.string_value,
        record.severity_text,
        record.trace_id.hex(),
        record.span_id.hex(),
        _attributes(record.attributes),
    )
