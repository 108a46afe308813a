"""The texts that a command about models is given: files, folders and standard input."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

from kastor.cli.output import fail
from kastor.dtdl.documents import Malformed, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

STDIN = "-"
MOST_BYTES = 268_435_456
"""Of all files of a command together, which are in memory at once."""
USAGE = 2
SUFFIXES = (".json", ".jsonld", ".dtdl")
INCOMPLETE = (
    "The rules between models were not checked: these problems come first. Mend them and run again."
)
"""Beside problems that come before all rules are checked."""
_MARKS = ("@context", "@id", "@type")


class Sources:
    """The texts of some files, under the names that problems show.

    Attributes:
        names, texts: of what is read as models, side by side.
        skipped: names of the files of folders that are JSON, but hold no models.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self.names: list[str] = []
        self.texts: list[str | bytes] = []
        self.skipped: list[str] = []
        self._left = MOST_BYTES
        for path in paths:
            if path == STDIN:
                self._add("<stdin>", self._read(sys.stdin.buffer))
                continue
            in_folder = Path(path).is_dir()
            for file in _files(Path(path)):
                try:
                    with file.open("rb") as opened:
                        data = self._read(opened)
                except OSError as error:
                    fail(f"{file} cannot be read: {error.strerror}.", USAGE)
                if in_folder and not _may_hold_models(data):
                    self.skipped.append(file.as_posix())
                else:
                    self._add(file.as_posix(), data)
        if not self.names:
            fail(f"there are no models in {' or '.join(SUFFIXES)} files there", USAGE)

    def _read(self, file: IO[bytes]) -> bytes:
        data = file.read(self._left + 1)
        self._left -= len(data)
        if self._left < 0:
            fail(f"the models have more than {MOST_BYTES >> 20} MB together", USAGE)
        return data

    def _add(self, name: str, data: bytes) -> None:
        self.names.append(name)
        try:
            # Editors on Windows begin files with a mark that JSON does not know.
            self.texts.append(data.decode("utf-8-sig"))
        except UnicodeDecodeError:
            self.texts.append(data)

    @property
    def shown(self) -> list[str | None]:
        """The texts that can be shown."""
        return [text if isinstance(text, str) else None for text in self.texts]

    @property
    def notes(self) -> list[str]:
        """What a person should know of files that were left out."""
        return [
            f"{name} holds no model (nothing in it has @context, @id or @type); left out."
            for name in self.skipped
        ]


def _may_hold_models(data: bytes) -> bool:
    """Tell whether a file is to be read as models; broken JSON is, so that it is told of."""
    try:
        stack = [read_text(data.removeprefix(b"\xef\xbb\xbf"))]
    except Malformed:
        return True
    empty = stack == [[]]
    while stack:
        value = stack.pop()
        if isinstance(value, list):
            stack += value
        elif isinstance(value, dict) and any(mark in value for mark in _MARKS):
            return True
    return empty


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from sorted(
            file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file()
        )
    elif path.exists():
        yield path
    else:
        fail(f"There is no {path}.", USAGE)
