"""Brings a backup back: all of it is checked, then each graph is written where nobody sees it.

`into_files` and `into_schemas` give the graphs their places, when every one of them is whole.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from kastor.backup.manifest import BackupError, GraphEntry, Manifest
from kastor.backup.reading import GraphFileReader, damaged, require_as_said
from kastor.errors import KastorError
from kastor.query.indexes import IndexService
from kastor.storage.tables import COPIED
from kastor.storage.transfer import Active, GraphFile, Identification, digest

if TYPE_CHECKING:
    from kastor.backup.folder import Backup
    from kastor.query.sql.dialect import Dialect

Told: TypeAlias = Callable[[str, str, int, int], None]
"""Called with what is done, the graph, its rows done so far, and all of them."""


@dataclass(frozen=True, slots=True)
class Restoring:
    """How a backup is brought back.

    Attributes:
        replace: whether graphs of the same names give way.
        paused: whether routes and inputs are to wait.
    """

    backup: Backup
    replace: bool = False
    paused: bool = False
    told: Told | None = None

    @property
    def manifest(self) -> Manifest:
        """What is in the backup."""
        return self.backup.manifest

    async def verify(self) -> None:
        """Read all of the backup and compare it with its manifest; nothing is written.

        Raises:
            BackupError: it is damaged.
        """
        for entry in self.manifest.graphs:
            with self.backup.graph(entry) as file:
                reader = GraphFileReader(entry.name, file, entry)
                await self._rows("Verify", entry, reader, None)
            require_as_said(entry, reader.found())
        for each in self.manifest.private:
            self.private(each.file, each.size, each.sha256)

    def private(self, file: str, size: int, sha256: str) -> bytes:
        """Return one of the files that are not about graphs."""
        content = self.backup.read(file, size)
        if len(content) != size or hashlib.sha256(content).hexdigest() != sha256:
            raise damaged(f"{file} is not what the manifest says")
        return content

    async def write(self, entry: GraphEntry, target: GraphFile, dialect: Dialect) -> Active:
        """Write a graph and read it again; it is not to be opened for serving yet.

        Args:
            entry: of the graph.
            target: where it goes, empty.
            dialect: of the target's engine.

        Returns:
            What a server begins to work on that opens it.

        Raises:
            BackupError: what was written is not what the backup holds.
        """
        with self.backup.graph(entry) as file:
            reader = GraphFileReader(entry.name, file, entry)
            await self._rows("Restore", entry, reader, target)
        made = await target.identification()
        await target.identify(
            Identification(
                entry.host_name,
                entry.signing_key or made.signing_key,
                # A process that knew what was here before has to see that the models are others.
                max(entry.model_epoch, made.model_epoch),
                entry.last_tick,
                entry.position,
                entry.history_from,
                entry.history,
            )
        )
        indexes = IndexService(target.indexes, dialect, max(1, len(entry.indexes)))
        for path in entry.indexes:
            try:
                await indexes.create(path)
            except KastorError as error:
                raise damaged(f"an index of the graph {entry.name}: {error.message}") from error
        if await digest(target, COPIED) != entry.digests:
            raise BackupError(
                f"The graph {entry.name} is not the same once it was written. Nothing was changed; "
                "check the disk, and try again."
            )
        if self.paused:
            await target.pause()
        return await target.active()

    async def _rows(
        self, what: str, entry: GraphEntry, reader: GraphFileReader, target: GraphFile | None
    ) -> None:
        done, portions = 0, reader.portions()
        while True:
            found = await asyncio.to_thread(next, portions, None)
            if found is None:
                return
            table, rows = found
            if target is not None:
                await target.put(table, rows, fresh=True)
            done += len(rows)
            del found, rows  # else they would be there while the next ones are read
            if self.told is not None:
                self.told(what, entry.name, done, max(done, entry.rows))
