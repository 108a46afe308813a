"""The files of the built app: found by name in a table, in the coding that a client takes."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kastor.api.http.accepting import weights

if TYPE_CHECKING:
    from kastor.config import Settings

PAGE = "index.html"
HASHED_FOLDER = b"assets/"
_HASHED = re.compile(rb"assets/(?:[\w.-]+/)*[\w.-]+-[\w-]{8,}\.\w+")
"""As Vite names files: what is in one of that name never changes."""
_NAME = re.compile(r"(?:[A-Za-z0-9_@-][A-Za-z0-9_.@-]*/){0,4}[A-Za-z0-9_@-][A-Za-z0-9_.@-]*")
_MOST_FILES = 2_000
_LARGEST = 33_554_432
_KEPT_BYTES = 8_388_608
"""Of files that are kept in memory: what one build's pages load, as clients take it."""
_CODINGS = ((b"br", ".br"), (b"gzip", ".gz"))
"""Those that files lie beside in, the smallest first."""
_TYPES = {
    ".css": b"text/css; charset=utf-8",
    ".gif": b"image/gif",
    ".html": b"text/html; charset=utf-8",
    ".ico": b"image/x-icon",
    ".jpg": b"image/jpeg",
    ".js": b"text/javascript; charset=utf-8",
    ".json": b"application/json; charset=utf-8",
    ".mjs": b"text/javascript; charset=utf-8",
    ".png": b"image/png",
    ".svg": b"image/svg+xml",
    ".txt": b"text/plain; charset=utf-8",
    ".webmanifest": b"application/manifest+json",
    ".webp": b"image/webp",
    ".woff2": b"font/woff2",
}
_PACKAGE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class File:
    """One file of the app.

    Attributes:
        path: of the file as it is.
        content_type: what it is.
        is_hashed: whether its name says what is in it, so that it never changes.
        etag: of what is in it.
        coded: the same file in other codings.
    """

    path: Path
    content_type: bytes
    is_hashed: bool
    etag: bytes
    coded: Mapping[bytes, Path]

    def taken(self, accepted: bytes) -> tuple[bytes, Path]:
        """Return the coding for a client, empty for none, and the file that has it."""
        if self.coded and accepted:
            wanted = weights(accepted)
            for coding, path in self.coded.items():
                if wanted.get(coding, wanted.get(b"*", 0.0)) > 0:
                    return coding, path
        return b"", self.path


def folder_of(settings: Settings) -> Path:
    """Return where the built app is, or will be: beside the code, or in a clone."""
    if settings.explorer_files is not None:
        return settings.explorer_files
    packaged = _PACKAGE / "_explorer"
    return packaged if packaged.is_dir() else _PACKAGE.parents[1] / "explorer" / "dist"


class Files:
    """The files below a folder; looked for again when its page is another one."""

    def __init__(self, folder: Path) -> None:
        self._page = folder / PAGE
        self._folder = folder
        self._seen: tuple[int, ...] | None = None
        self._found: dict[bytes, File] = {}
        self._kept: dict[Path, bytes] = {}
        self._room = _KEPT_BYTES
        self.page = b""
        """The text of the page; empty where nothing is built."""

    def look(self) -> None:
        """Take notice of another build; a look at one file where there is none."""
        try:
            found = self._page.stat()
        except OSError:
            self._seen, self._found, self.page = None, {}, b""
            self._forget()
            return
        seen = found.st_mtime_ns, found.st_ino, found.st_size
        if seen != self._seen:
            self.page = self._page.read_bytes()
            self._found = {name.encode(): file for name, file in _files_below(self._folder)}
            self._seen = seen
            self._forget()

    def find(self, name: bytes) -> File | None:
        """Return the file of a name, such as `assets/index-Bx81kq2Z.js`, which is not decoded."""
        return self._found.get(name)

    async def read(self, path: Path) -> bytes:
        """Return what is in a file that was found; of a build what fits is kept in memory.

        Raises:
            OSError: another build has just taken its place.
        """
        kept = self._kept
        if path not in kept:
            body = await asyncio.to_thread(path.read_bytes)
            if len(body) > self._room or kept is not self._kept:
                return body
            self._room -= 0 if path in kept else len(body)
            kept[path] = body
        return kept[path]

    def _forget(self) -> None:
        self._kept, self._room = {}, _KEPT_BYTES


def _files_below(folder: Path) -> Iterator[tuple[str, File]]:
    there = dict(_regular_files(folder))
    for name, (path, status) in there.items():
        ending = path.suffix
        if name == PAGE or (ending in (".br", ".gz") and name.removesuffix(ending) in there):
            continue
        coded = {
            coding: there[name + end][0]
            for coding, end in _CODINGS
            if name + end in there and there[name + end][1].st_size < status.st_size
        }
        of = f"{name} {status.st_mtime_ns} {status.st_size}".encode()
        etag = b'W/"%s"' % hashlib.sha256(of).hexdigest()[:32].encode()
        kind = _TYPES.get(ending, b"application/octet-stream")
        is_hashed = _HASHED.fullmatch(name.encode()) is not None
        yield name, File(path, kind, is_hashed, etag, coded)


def _regular_files(folder: Path) -> Iterator[tuple[str, tuple[Path, os.stat_result]]]:
    """Yield the files that may be served: regular ones with plain names, no links."""
    count = 0
    for place, folders, names in os.walk(folder):
        folders.sort()
        for each in sorted(names):
            path = Path(place, each)
            name = path.relative_to(folder).as_posix()
            status = path.lstat()
            if (
                _NAME.fullmatch(name)
                and stat.S_ISREG(status.st_mode)
                and status.st_size <= _LARGEST
            ):
                count += 1
                if count > _MOST_FILES:
                    return
                yield name, (path, status)
