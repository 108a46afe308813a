"""Has a server followed by a collector of OpenTelemetry, where the settings name one."""

from __future__ import annotations

import os
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from kastor.errors import CannotStartError
from kastor.extras import install_extra
from kastor.waiting import in_own_thread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from kastor.config import Settings

MOST_HEADERS, MOST_HEADER_BYTES = 20, 65_536
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_VALUE = re.compile(r"[\x20-\x7e]{1,8192}")


class OtelError(CannotStartError):
    """Nothing can be sent to the collector under these settings."""


@asynccontextmanager
async def followed(settings: Settings, worker: int) -> AsyncIterator[None]:
    """Send traces and logs to a collector while a server runs, if the settings name one.

    Args:
        settings: of the server.
        worker: number of this process among those that serve one port.

    Raises:
        OtelError: the extra is not installed, or a file cannot be used.
    """
    if settings.otel_endpoint is None:
        yield
        return
    headers = read_headers(settings.otel_headers_file)
    _require_readable(settings.otel_ca_file)
    require_otel()
    from kastor.server.otel.sending import Sending  # noqa: PLC0415 - an extra

    sending = Sending(settings, settings.otel_endpoint, worker, headers)
    sending.begin()
    try:
        yield
    finally:
        sending.stop()
        await in_own_thread(sending.close)


def read_headers(file: Path | None) -> dict[str, str]:
    """Return the headers in a file; a line begins with `#`, or is `name: value`.

    Raises:
        OtelError: it cannot be read, or has another form; no message shows a value.
    """
    if file is None:
        return {}
    try:
        if file.stat().st_size > MOST_HEADER_BYTES:
            raise OtelError(f"otel_headers_file {file} is larger than {MOST_HEADER_BYTES} bytes.")
        lines = file.read_text(encoding="ascii").splitlines()
    except OSError as error:
        raise OtelError(f"otel_headers_file {file} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise OtelError(f"otel_headers_file {file} has characters that are not ASCII.") from None
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, value = (part.strip() for part in line.partition(":"))
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise OtelError(f"otel_headers_file {file}, line {number}: write it as name: value.")
        found[name] = value
    if len(found) > MOST_HEADERS:
        raise OtelError(f"otel_headers_file {file} has more than {MOST_HEADERS} headers.")
    return found


def _require_readable(file: Path | None) -> None:
    if file is not None and not os.access(file, os.R_OK):
        raise OtelError(f"otel_ca_file {file} cannot be read.")


def require_otel() -> None:
    """Raise OtelError where the extra is not installed."""
    try:
        import opentelemetry.exporter.otlp.proto.http  # noqa: PLC0415 - an extra
        import opentelemetry.sdk.trace  # noqa: F401, PLC0415
    except ImportError as error:
        raise OtelError(
            "otel_endpoint needs libraries of OpenTelemetry that are not installed: "
            f"{install_extra('otel')}; or leave the setting out."
        ) from error
