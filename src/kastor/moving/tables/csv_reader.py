"""CSV files as tables: streamed, in any of the encodings and separators that programs write."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kastor.moving.tables.faults import TableError, shown
from kastor.moving.tables.guarding import unguarded
from kastor.moving.tables.rows import MAX_CELL, MAX_ROW, Sheet, TableRow

if TYPE_CHECKING:
    from typing import BinaryIO

SEPARATORS = (",", ";", "\t", "|")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 65_536
_SAMPLE_ROWS = 20
_DECLARED = "sep="
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


@dataclass(frozen=True, slots=True)
class CsvReader:
    """A CSV file; an empty cell is None.

    Attributes:
        separator: None is that of a line ``sep=;``, or else is found out.
        encoding: None is that of the byte order mark, or else UTF-8.
    """

    path: Path
    separator: str | None = None
    encoding: str | None = None

    def sheets(self) -> Iterator[Sheet]:
        """Yield the file as its only sheet.

        Raises:
            TableError: it cannot be opened, is no text, or its separator is not clear.
        """
        try:
            with self.path.open("rb") as file:
                yield Sheet(self.path.stem, self._rows(file))
        except OSError as error:
            raise TableError(f"{self.path} cannot be read: {error.strerror}.") from error

    def _rows(self, file: BinaryIO) -> Iterator[TableRow]:
        encoding = self._encoding(file)
        try:
            sample = self._sample(file, encoding)
            separator = self.separator or self._found(sample)
            text = io.TextIOWrapper(file, encoding=encoding, newline="")
            skipped = sample.startswith(_DECLARED)
            if skipped:
                text.readline()
            yield from self._parsed(text, separator, int(skipped))
            text.detach()
        except UnicodeError as error:
            raise TableError(
                f"{self.path} is not {encoding}: say in which encoding it is, such as cp1252 or "
                "utf-16, with --encoding or `encoding` in the mapping."
            ) from error

    def _encoding(self, file: BinaryIO) -> str:
        if self.encoding is not None:
            try:
                name = codecs.lookup(self.encoding).name
            except LookupError as error:
                raise TableError(f"There is no encoding {shown(self.encoding)}.") from error
            return "utf-8-sig" if name == "utf-8" else name
        start = file.read(4)
        file.seek(0)
        return next((name for mark, name in _MARKS if start.startswith(mark)), "utf-8")

    def _sample(self, file: BinaryIO, encoding: str) -> str:
        """Return the first lines; the last may be cut off."""
        decoder = codecs.getincrementaldecoder(encoding)()
        sample = decoder.decode(file.read(_SAMPLE))
        file.seek(0)
        if "\0" in sample:
            raise TableError(f"{self.path} is no text file: it holds zero bytes.")
        return sample

    def _found(self, sample: str) -> str:
        """Return the separator that a line names, or the one that makes a table of the sample."""
        first = sample.partition("\n")[0].strip("\r")
        if first.startswith(_DECLARED) and len(first) == len(_DECLARED) + 1:
            return first[-1]
        widths = {each: _widths(sample, each) for each in SEPARATORS}
        likely = [each for each, found in widths.items() if found and found[0] > 1]
        even = [each for each in likely if len(set(widths[each])) == 1]
        fitting = even or likely
        if len(fitting) > 1:
            named = " and ".join(_NAMES[each] for each in fitting)
            raise TableError(
                f"{self.path} can be read with {named} between the columns: say which it is with "
                "--separator or `separator` in the mapping."
            )
        return fitting[0] if fitting else ","

    def _parsed(self, text: io.TextIOWrapper, separator: str, skipped: int) -> Iterator[TableRow]:
        lines = _Lines(text, self.path)
        try:
            reader = csv.reader(lines, delimiter=separator, strict=True)
            for number, cells in enumerate(reader, start=skipped + 1):
                lines.begin()
                line = reader.line_num + skipped
                yield TableRow(number, tuple(map(_cell, cells)), None if line == number else line)
        except csv.Error as error:
            raise TableError(
                f"{self.path}, line {lines.count + skipped}: {_explained(str(error))}"
            ) from error
        except TypeError as error:
            raise TableError(
                f"{shown(separator)} is no separator: give one character, such as ; or a tab."
            ) from error


def _cell(text: str) -> str | None:
    return unguarded(text) if text and not text.isspace() else None


def _explained(error: str) -> str:
    if "larger than field limit" in error:
        return (
            f"a cell has more than {min(MAX_CELL, csv.field_size_limit()):,} characters. "
            "Is a quotation mark missing?"
        )
    if "unexpected end of data" in error:
        return "the file ends within quotation marks; one of them is missing before it."
    return f"{error}. A quotation mark within a cell is written twice."


def _widths(sample: str, separator: str) -> list[int]:
    """Return how many cells the first rows have, remarks left out."""
    rows = list[int]()
    complete = sample[: sample.rfind("\n") + 1] or sample
    try:
        for cells in csv.reader(complete.removeprefix("\ufeff").splitlines(), delimiter=separator):
            if cells and not cells[0].startswith("#"):
                rows.append(len(cells))
            if len(rows) >= _SAMPLE_ROWS:
                break
    except csv.Error:
        return rows
    return rows


class _Lines:
    """The lines of a text, of bounded length, and of bounded length between two rows."""

    def __init__(self, text: io.TextIOWrapper, path: Path) -> None:
        self._text = text
        self._path = path
        self._size = 0
        self.count = 0

    def begin(self) -> None:
        """A row is complete."""
        self._size = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._text.readline(MAX_ROW + 1)
        if not line:
            raise StopIteration
        self.count += 1
        self._size += len(line)
        if self._size > MAX_ROW:
            raise TableError(
                f"{self._path}, line {self.count}: a row of more than {MAX_ROW:,} characters. "
                "Is a quotation mark missing?"
            )
        if "\0" in line:
            raise TableError(f"{self._path}, line {self.count} holds a zero byte: no text file.")
        return line
