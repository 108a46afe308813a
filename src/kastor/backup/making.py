"""Makes a backup of graphs in a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import TypeAlias

from kastor.backup.folder import NewBackup
from kastor.backup.manifest import GraphEntry, Manifest, PrivateEntry, file_of, new_manifest
from kastor.backup.writing import GraphWriter, ShowGraph
from kastor.clock import now_ticks, twin_time
from kastor.storage.transfer import Progress

ProgressOf: TypeAlias = Callable[[str], Progress]
"""Returns what is told of a graph's tables."""


async def make_backup(
    graphs: Mapping[str, ShowGraph],
    engine: str,
    path: Path,
    private: Iterable[tuple[PrivateEntry, bytes]] | None = None,
    progress: ProgressOf | None = None,
) -> Manifest:
    """Write all graphs into a folder, one after the other.

    Args:
        graphs: how each is opened.
        engine: that keeps them.
        path: the folder, empty or not there.
        private: files that only a backup with secrets holds; then it has the graphs' keys as well.
        progress: told of each graph.

    Raises:
        BackupError: it cannot be made; nothing is left that looks whole.
    """
    new = NewBackup(path)
    try:
        entries: list[GraphEntry] = []
        for name, show in graphs.items():
            told = progress(name) if progress else None
            entries.append(await _write(name, show, new, told, secrets=private is not None))
        others: list[PrivateEntry] = []
        for entry, content in private or ():
            with new.file(entry.file) as file:
                file.write(content)
            others.append(entry)
        manifest = new_manifest(engine, twin_time(now_ticks()), entries, others)
        new.finish(manifest)
    except BaseException:
        new.abandon()
        raise
    return manifest


async def _write(
    name: str, show: ShowGraph, new: NewBackup, progress: Progress | None, *, secrets: bool
) -> GraphEntry:
    async with show() as shown:
        writer = GraphWriter(name, shown, progress)
        with new.file(file_of(name)) as file:
            async with aclosing(writer.chunks()) as chunks:
                async for chunk in chunks:
                    file.write(chunk)
        return await writer.entry(signing_key=secrets)
