"""Checks of the machine: versions, clock, descriptors, the port."""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import sys
import time
from collections.abc import Iterator
from importlib import metadata
from importlib.util import find_spec
from typing import TYPE_CHECKING

import apsw

from kastor import __version__
from kastor.extras import install_extra
from kastor.server.doctor.findings import CheckFinding, bad, ok, warn

if TYPE_CHECKING:
    from kastor.config import Settings

EARLIEST = 1_767_225_600
"""The first second of 2026: no clock that is right shows less."""
SPARE_DESCRIPTORS = 200
_TIME_ERROR = 5
"""What `adjtimex` answers where nothing keeps the clock right."""
_TIMEX_BYTES = 512
"""More than a `struct timex` has on any machine; zeros ask and set nothing."""


def check_versions(settings: Settings) -> Iterator[CheckFinding]:
    """Tell versions, and libraries that the settings need and nobody installed."""
    python = ".".join(map(str, sys.version_info[:3]))
    yield ok(
        "versions", f"Kastor {__version__}, Python {python}, SQLite {apsw.sqlite_lib_version()}"
    )
    for module, extra, why in _wanted(settings):
        if not _is_there(module):
            cure = install_extra(extra)
            told = f"{why} needs libraries that are not installed"
            yield bad("versions", told, f"{cure[0].upper()}{cure[1:]}.")
    if not _is_there("numpy"):
        yield ok("versions", f"no search by vectors without numpy: {install_extra('vectors')}")
    missing = sorted(_missing())
    if missing:
        yield bad(
            "versions",
            f"libraries are missing: {', '.join(missing)}",
            "Install Kastor again: pip installs what it needs.",
        )


def _wanted(settings: Settings) -> Iterator[tuple[str, str, str]]:
    if settings.db is not None or settings.databases:
        yield "asyncpg", "postgres", "a database (--db)"
    if settings.otel_endpoint is not None:
        yield "opentelemetry.exporter.otlp.proto.http", "otel", "a collector (--otel-endpoint)"


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # not even what it is a part of
        return False


def _missing() -> Iterator[str]:
    """Yield the names of libraries that Kastor itself needs and that are not there."""
    try:
        needed = metadata.requires("kastor") or ()
    except metadata.PackageNotFoundError:  # it runs from a folder
        return
    for each in needed:
        if ";" in each:  # of an extra, or of another system
            continue
        name = each
        for end in " <>=!~[(":
            name = name.partition(end)[0]
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            yield name


def check_clock() -> Iterator[CheckFinding]:
    """Tell whether the clock is right, as far as this machine knows."""
    now = time.time()
    shown = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    if now < EARLIEST:
        yield bad("clock", f"it shows {shown}", "Set the clock; have NTP keep it right.")
    elif _is_kept() is False:
        yield warn(
            "clock",
            f"it shows {shown}, and nothing keeps it right",
            "Have NTP keep it right (chrony, systemd-timesyncd), here or on the machine around.",
        )
    else:
        yield ok("clock", f"it shows {shown}")


def _is_kept() -> bool | None:
    """Return whether the system says that its clock is kept right; None where it says nothing."""
    try:
        status: int = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return None
    return None if status < 0 else status != _TIME_ERROR


def check_descriptors(settings: Settings) -> Iterator[CheckFinding]:
    """Tell whether there are as many descriptors as connections may need."""
    try:
        import resource  # noqa: PLC0415 - absent on Windows
    except ImportError:
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = settings.max_connections + SPARE_DESCRIPTORS
    if most != resource.RLIM_INFINITY and most < wanted:
        yield warn(
            "descriptors",
            f"a process may open {most}, and max_connections is {settings.max_connections}",
            f"Raise the limit of open files to {wanted} (ulimit -n, LimitNOFILE), or set "
            "max_connections lower.",
        )
    else:
        yield ok("descriptors", "there are enough for max_connections")


def check_port(settings: Settings, *, serves: bool) -> Iterator[CheckFinding]:
    """Tell whether a server can listen.

    Args:
        settings: of the server.
        serves: whether one is serving on the data folder; it has the port then.
    """
    place = f"{settings.host}:{settings.port}"
    if settings.port == 0 or serves:
        yield ok(
            "port", "any free one" if settings.port == 0 else f"{place}, of the server running"
        )
        return
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            if os.name == "posix":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((settings.host, settings.port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            told, cure = "is in use", "End who listens there, or give another one with --port."
        else:
            told = f"cannot be listened on: {error.strerror or error}"
            cure = "Give an address of this machine with --host, and a port that this user may use."
        yield bad("port", f"{place} {told}", cure)
    else:
        yield ok("port", f"{place} is free")
