"""What a command tells of items that were not taken: the first for people, all in a log."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Self

from kastor.cli.output import Exit, fail, say
from kastor.cli.screen import shown
from kastor.words import counted

if TYPE_CHECKING:
    from kastor.moving.items import ItemFault

FIRST = 20


class FaultLog:
    """Keeps what was refused: the first lines for the end, and each in a file if one is named."""

    def __init__(self, path: Path | None) -> None:
        """Open the file; the command ends where that cannot be done."""
        self._path = path
        self._file: IO[str] | None = None
        self._first: list[str] = []
        self._count = 0
        if path is not None:
            with told_of_disk(path):
                self._file = path.open("w", encoding="utf-8")

    def add(self, fault: ItemFault, file: str) -> None:
        """Take a fault of one of the files."""
        from kastor.moving.items import name_of

        name = "" if fault.item is None else name_of(fault.item)
        self.note(file, fault.where, name, fault.code, fault.message)

    def note(self, file: str, where: str, name: str, code: str, message: str) -> None:
        """Take what was refused."""
        if self._file is not None and self._path is not None:
            told = {"file": file, "where": where, "item": name, "code": code, "message": message}
            with told_of_disk(self._path):
                self._file.write(json.dumps(told, ensure_ascii=False) + "\n")
        self._count += 1
        if len(self._first) < FIRST:
            places = ", ".join(each for each in (file, where, name) if each)
            self._first.append(f"{places}: {message} ({code})" if code else f"{places}: {message}")

    def tell(self, count: int | None = None) -> None:
        """Print the first of them, and where the others are.

        Args:
            count: how many there were, if not all of them were told here.
        """
        for line in self._first:
            say(f"kastor: {shown(line)}", file=sys.stderr)
        if (left := (count or self._count) - len(self._first)) > 0:
            where = f"{self._path} has all" if self._path else "--log FILE keeps all"
            say(f"kastor: ... and {counted(left, 'more fault')}; {where}.", file=sys.stderr)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()


@contextmanager
def told_of_disk(path: Path | str) -> Iterator[None]:
    """Return a block that ends the command in words where a file cannot be read or written."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        named = error.filename if isinstance(error.filename, str) else path
        fail(f"{named}: {error.strerror or error}.", Exit.FAULT)
