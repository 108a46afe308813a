"""Files to import, and an import of one by a real job of a graph."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from kastor.graph.service import GraphService
from kastor.jobs.importing.applying import PERMISSIONS, import_file
from kastor.jobs.importing.reading import ReadingLimits
from kastor.jobs.kinds import Run
from kastor.records import Context
from kastor.storage.jobs import JobRow
from tests.store.graphs import HALL_MODEL, ROOM_MODEL, THERMOSTAT_MODEL, Graph

from .service import ended, serving

Document = dict[str, Any]
Lines = Iterable[Document | bytes]

HEADER: tuple[Document, ...] = ({"Section": "Header"}, {"fileVersion": "1.0.0", "author": "ann"})
MODELS: Document = {"Section": "Models"}
TWINS: Document = {"Section": "Twins"}
RELATIONSHIPS: Document = {"Section": "Relationships"}
ALL_MODELS = (ROOM_MODEL, HALL_MODEL, THERMOSTAT_MODEL)
"""A room refers to a thermostat, which comes later."""
LIMITS = ReadingLimits(text_bytes=2**40, model_bytes=2**25, entries={"Models": 10_000})
EVERYTHING = tuple(PERMISSIONS.values())
ANN = Context("ann")


def text_of(*lines: Document | bytes) -> bytes:
    """Return a file; lines may be raw."""
    return b"".join(
        (each if isinstance(each, bytes) else orjson.dumps(each)) + b"\n" for each in lines
    )


def twin(twin_id: str, body: Document) -> Document:
    return {"$dtId": twin_id, **body}


def relationship(source: str, relationship_id: str, body: Document) -> Document:
    return {"$dtId": source, "$relationshipId": relationship_id, **body}


class FileKind:
    """A kind of job that imports a file that is given as bytes."""

    name = "imports"

    def __init__(
        self,
        graph: GraphService,
        data: bytes,
        limits: ReadingLimits = LIMITS,
        chunk: int = 65_536,
    ) -> None:
        self._graph, self.data, self._limits, self._chunk = graph, data, limits, chunk
        self.begun = 0

    async def run(self, run: Run) -> None:
        self.begun += 1
        await import_file(self._graph, run, self._chunks(), self._limits, len(self.data))

    async def _chunks(self) -> AsyncGenerator[bytes, None]:
        for at in range(0, len(self.data), self._chunk):
            yield self.data[at : at + self._chunk]


@dataclass
class Imported:
    """What became of an import."""

    row: JobRow
    log: list[Document]

    @property
    def status(self) -> str:
        return self.row.status.value

    @property
    def error(self) -> Document:
        found: Document = orjson.loads(self.row.error or b"{}")
        return found

    @property
    def progress(self) -> Document:
        found: Document = orjson.loads(self.row.progress)
        return found

    @property
    def counts(self) -> tuple[int, int, int, int, int]:
        """Models, twins, relationships, errors, warnings."""
        found = self.progress["counts"]
        names = ("models", "twins", "relationships", "errors", "warnings")
        return tuple(found[name] for name in names)

    def lines(self, kind: str = "Error") -> list[tuple[int, str, str]]:
        """Line, id and code of what the log tells of single lines and sections."""
        return [
            (details["line"], details.get("id", ""), details[kind.lower()]["code"])
            for details in (each["details"] for each in self.log if each["logType"] == kind)
            if "line" in details
        ]

    def reason(self, line: int) -> str:
        """The whole of what the log says about a line."""
        return next(
            orjson.dumps(each).decode() for each in self.log if each["details"].get("line") == line
        )


async def import_lines(
    graph: Graph,
    *lines: Document | bytes,
    permissions: Iterable[str] = EVERYTHING,
    limits: ReadingLimits = LIMITS,
    dry_run: bool = False,
    job_id: str = "one",
) -> Imported:
    """Import a file and return what became of it."""
    return await import_bytes(
        graph,
        text_of(*lines),
        permissions=permissions,
        limits=limits,
        dry_run=dry_run,
        job_id=job_id,
    )


async def import_bytes(
    graph: Graph,
    data: bytes,
    *,
    permissions: Iterable[str] = EVERYTHING,
    limits: ReadingLimits = LIMITS,
    dry_run: bool = False,
    job_id: str = "one",
) -> Imported:
    """Import a file that is given as it comes."""
    kind = FileKind(graph.service, data, limits)
    async with serving(graph.store, kind) as jobs:
        request = {"permissions": list(permissions), "dryRun": dry_run}
        await jobs.add(kind.name, job_id, request, ANN)
        row = await ended(jobs, job_id, kind.name)
        return Imported(row, await log_of(graph, job_id))


async def log_of(graph: Graph, job_id: str, kind: str = "imports") -> list[Document]:
    """Return a job's log."""
    rows = await graph.store.jobs.log_lines(kind, job_id, 0, 1_000_000)
    return [orjson.loads(line) for _, line in rows]


async def documents(graph: Graph, ids: Iterable[str]) -> dict[str, Document]:
    """Return the twins that are there, without their metadata's times."""
    found: dict[str, Document] = {}
    for twin_id in ids:
        row = await graph.store.twin(twin_id, ANN)
        if row is not None:
            found[twin_id] = without_times(orjson.loads(row.doc))
    return found


def without_times(document: Document) -> Document:
    """Return a document as it would be sent."""
    metadata = document.get("$metadata")
    plain = {name: value for name, value in document.items() if name != "$metadata"}
    for name, value in plain.items():
        if isinstance(value, dict) and "$metadata" in value:
            plain[name] = without_times(value)
    if metadata is not None:
        with contextlib.suppress(KeyError):
            plain["$metadata"] = {"$model": metadata["$model"]}
    return plain
