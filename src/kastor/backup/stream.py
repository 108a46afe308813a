"""A backup as it is sent: graph after graph, each of one state, and the manifest."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Mapping

import msgspec

from kastor.backup import tar
from kastor.backup.manifest import (
    MANIFEST,
    GraphEntry,
    encode_manifest,
    file_of,
    new_manifest,
    part_of,
)
from kastor.backup.writing import GraphWriter, ShowGraph
from kastor.clock import now_ticks, twin_time

PART_BYTES = 4 * 2**20
"""Of a graph's file, which are in memory at once."""
SLICE_BYTES = 2**18
"""What is handed on at a time: a slow reader has to take one before it counts as stalled."""


async def tar_chunks(graphs: Mapping[str, ShowGraph], engine: str) -> AsyncGenerator[bytes]:
    """Yield a tar of all graphs, without secrets; the manifest comes last, when it is whole.

    Args:
        graphs: how each is opened.
        engine: that keeps them.
    """
    entries: list[GraphEntry] = []
    for name, show in graphs.items():
        async with contextlib.aclosing(_graph(name, show, entries)) as slices:
            async for each in slices:
                yield each
    manifest = new_manifest(engine, twin_time(now_ticks()), entries, [])
    for each in _member(MANIFEST, encode_manifest(manifest)):
        yield each
    yield tar.END


async def _graph(name: str, show: ShowGraph, entries: list[GraphEntry]) -> AsyncGenerator[bytes]:
    """Yield a graph's file in parts, and add its entry."""
    async with show() as shown:
        writer = GraphWriter(name, shown)
        parts, pending = 0, bytearray()
        async with contextlib.aclosing(writer.chunks()) as chunks:
            async for chunk in chunks:
                pending += chunk
                if len(pending) >= PART_BYTES:
                    parts += 1
                    for each in _member(part_of(file_of(name), parts), bytes(pending)):
                        yield each
                    pending.clear()
        for each in _member(part_of(file_of(name), parts + 1), bytes(pending)):
            yield each
        entry = await writer.entry(signing_key=False)
    entries.append(msgspec.structs.replace(entry, parts=parts + 1))


def _member(name: str, content: bytes) -> list[bytes]:
    whole = tar.header(name, len(content)) + content + tar.padding(len(content))
    return [whole[at : at + SLICE_BYTES] for at in range(0, len(whole), SLICE_BYTES)]
