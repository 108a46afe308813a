"""`kastor status`: what a running server holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.cli.connection import Connection
from kastor.cli.output import Output, OutputOption

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kastor.client.calls import Document, Json

_COUNTED = {
    "models": "models",
    "twins": "twins",
    "relationships": "relationships",
    "versions": "old versions",
    "changeLog": "changes",
}
_OLDEST = {"versions": "oldestVersion", "changeLog": "oldestLogEntry"}


def status(connection: Connection, output: OutputOption = Output.TABLE) -> None:
    """Say what a graph holds: version, engine, counts, sizes."""
    from kastor.cli.rows import show_document

    with connection.client() as client:
        found = client.status()
    if output is Output.JSON:
        show_document(found, output)
        return
    show_document(dict(_lines(found, connection.address)), output)


def _lines(found: Document, address: str) -> Iterator[tuple[str, Json]]:
    from rich.filesize import decimal

    counts, sizes = found.get("counts", {}), found.get("bytes", {})
    yield "graph", address
    yield "host name", found.get("hostName")
    yield "Kastor", found.get("kastor")
    yield "engine", found.get("engine")
    for name, count in counts.items():
        told = f"{count:,}"
        if name in sizes:
            told += f" ({decimal(sizes[name])})"
        if oldest := found.get(_OLDEST.get(name, "")):
            told += f" since {_time(oldest)}"
        yield _COUNTED.get(name, name), told
    for name, size in sizes.items():
        if name not in counts:
            yield f"size of the {name}", decimal(size)
    if (free := found.get("diskFree")) is not None:
        yield "room on the disk", decimal(free)
    yield from _load(found)
    if index := found.get("search"):
        lag, done = index.get("lag", 0), index.get("done", 0)
        behind = f"{lag:,} changes behind" if lag else "up to date"
        yield "search index", f"being made, {done:,} read" if index.get("building") else behind
        if holder := index.get("heldBy"):
            yield "held by", holder
    if sample := found.get("sample"):
        yield f"sample {sample['name']}", "simulated" if sample["simulated"] else "silent"


def _load(found: Document) -> Iterator[tuple[str, Json]]:
    """Yield what waits and what is in trouble; older servers tell neither."""
    if (waiting := found.get("writesWaiting")) is not None:
        yield "writes waiting", f"{waiting:,}"
    for pool in found.get("pools", ()):
        told = f"{pool['used']:,} of {pool['size']:,} at work"
        if pool["waiting"]:
            told += f", {pool['waiting']:,} waiting"
        yield f"pool {pool['name']}", told
    trouble = found.get("trouble")
    if trouble is not None and not trouble:
        yield "trouble", "none"
    for number, each in enumerate(trouble or (), 1):
        yield f"trouble {number}" if len(trouble or ()) > 1 else "trouble", _sentence(each)


def _sentence(trouble: Document) -> str:
    return f"{trouble['part']}: {trouble['message']}"


def _time(text: str) -> str:
    """Return an instant to the second."""
    return text.partition(".")[0].rstrip("Z").replace("T", " ") + " UTC"
