"""What tests of locations share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kastor.jobs.locations import Location, Locations, read_allowed

LOG_LINE = (
    b'{"timestamp":"2026-01-01T00:00:00Z","jobId":"a","jobType":"Import","logType":"Info",'
    b'"details":{"status":"Started"}}\n'
)


def locations(data: Path, *allowed: str | dict[str, Any], graph: str = "default") -> Locations:
    return Locations(read_allowed(allowed, data), data, graph)


async def content(location: Location) -> bytes:
    return b"".join([chunk async for chunk in location.read()])


async def write_log(location: Location, *parts: bytes) -> None:
    log = location.log()
    await log.begin()
    for part in parts:
        await log.extend(part)
    await log.finish()


async def write_output(location: Location, *parts: bytes, again: bool = False) -> None:
    output = await location.write(again=again)
    for part in parts:
        await output.write(part)
    await output.finish()
