"""A disk that can lose power: what was not synced since the last write of it may be gone.

Everything is kept in memory, as two images of each file: what the program sees, and what is
durable; between them lie the operations that no sync has covered. Nothing has to stop for a
power cut: `snapshot` writes to a folder what a disk could hold if the power failed now.
Locks and the shared memory of the log's index stay those of the real file system.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Literal

import apsw

Loss = Literal["all", "suffix", "subset", "torn", "nothing"]
LOSSES: tuple[Loss, ...] = ("all", "suffix", "subset", "torn", "nothing")
_NUMBERS = count()


@dataclass(frozen=True)
class _Operation:
    """A write, or a truncation where there is no data."""

    number: int
    offset: int
    data: bytes | None

    def apply(self, image: bytearray, length: int | None = None) -> None:
        if self.data is None:
            del image[self.offset :]
            image.extend(bytes(self.offset - len(image)))
            return
        data = self.data[:length]
        image.extend(bytes(max(0, self.offset + len(data) - len(image))))
        image[self.offset : self.offset + len(data)] = data


@dataclass
class _Image:
    """A file; `entered` once its name in the folder is durable too."""

    path: str
    seen: bytearray
    durable: bytearray
    pending: list[_Operation] = field(default_factory=list)
    entered: bool = False


class PowerDisk(apsw.VFS):
    """The disk; `on_operation` is called before each change of it, with the lock held."""

    def __init__(self, on_operation: Callable[[], None] = lambda: None) -> None:
        self.name = f"power-{next(_NUMBERS)}"
        super().__init__(self.name, "")
        self.on_operation = on_operation
        self.lock = threading.RLock()
        self.images: dict[str, _Image] = {}
        self._ghosts: dict[str, bytes] = {}
        self._operations = count()

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:
        if name is None:
            return apsw.VFSFile("", name, flags)
        path = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        with self.lock:
            if path not in self.images:
                found = Path(path)
                content = found.read_bytes() if found.exists() else b""
                image = _Image(path, bytearray(content), bytearray(content), entered=found.exists())
            else:
                image = self.images[path]
            opened = _File(self, image, name, flags)
            self.images[path] = image
            return opened

    def xDelete(self, path: str, sync_folder: bool) -> None:
        with self.lock:
            self.on_operation()
            image = self.images.pop(path, None)
            super().xDelete(path, sync_folder)
            if sync_folder:
                self._ghosts.pop(path, None)
            elif image is not None and image.entered:
                self._ghosts[path] = bytes(image.durable)

    def change(self, image: _Image, offset: int, data: bytes | None) -> None:
        with self.lock:
            self.on_operation()
            operation = _Operation(next(self._operations), offset, data)
            operation.apply(image.seen)
            image.pending.append(operation)

    def sync(self, image: _Image) -> None:
        with self.lock:
            self.on_operation()
            for operation in image.pending:
                operation.apply(image.durable)
            image.pending.clear()
            if image.path.endswith(("-journal", "-wal")) and not image.entered:
                # SQLite syncs the folder with a new journal or log: what was made or deleted in
                # it until now is durable.
                self._ghosts.clear()
                for each in self.images.values():
                    each.entered = True

    def snapshot(self, folder: Path, loss: Loss, rng: random.Random) -> None:
        """Write what is left after a power cut now."""
        with self.lock:
            numbers = [each.number for image in self.images.values() for each in image.pending]
            end = rng.choice(numbers) if numbers and loss in ("suffix", "torn") else -1
            for path, image in self.images.items():
                content = bytearray(image.durable)
                for operation in image.pending:
                    match loss:
                        case "nothing":
                            operation.apply(content)
                        case "subset" if rng.random() < 0.5:
                            operation.apply(content)
                        case "suffix" | "torn" if operation.number < end:
                            operation.apply(content)
                        case "torn" if operation.number == end:
                            operation.apply(content, rng.randrange(len(operation.data or b"x")))
                if image.entered or loss == "nothing" or rng.random() < 0.5:
                    (folder / Path(path).name).write_bytes(content)
            for path, ghost in self._ghosts.items():
                if path not in self.images and loss != "nothing" and rng.random() < 0.5:
                    (folder / Path(path).name).write_bytes(ghost)


class _File(apsw.VFSFile):
    """Reads and writes the image; the real file, empty or old, carries locks and shared memory."""

    def __init__(self, disk: PowerDisk, image: _Image, name: Any, flags: list[int]) -> None:
        super().__init__("", name, flags)
        self._disk = disk
        self._image = image

    def xRead(self, amount: int, offset: int) -> bytes:
        with self._disk.lock:
            return bytes(self._image.seen[offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:
        self._disk.change(self._image, offset, bytes(data))

    def xTruncate(self, size: int) -> None:
        self._disk.change(self._image, size, None)

    def xSync(self, flags: int) -> None:
        self._disk.sync(self._image)

    def xFileSize(self) -> int:
        with self._disk.lock:
            return len(self._image.seen)
