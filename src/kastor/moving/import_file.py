"""Reads the contract's import file (jobs 4.2), for servers that do not."""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import AsyncIterator, Callable
from typing import IO, NamedTuple

import orjson

from kastor.errors import CannotStartError
from kastor.moving.items import Item, ItemFault, ModelItem, Placed, RelationshipItem, TwinItem
from kastor.moving.packed import opened, unpacking
from kastor.nesting import MAX_DEPTH, is_too_deep, may_be_too_deep
from kastor.types import Document

FILE_VERSION = "1.0.0"
MOST_LINE_BYTES = 1_048_576
"""Of one line, without its end."""
_PORTION_BYTES = 262_144
"""That are read at once, in a thread."""
_HEADER, _MODELS, _TWINS, _RELATIONSHIPS = "Header", "Models", "Twins", "Relationships"
_ORDER = (_HEADER, _MODELS, _TWINS, _RELATIONSHIPS)


class ImportHeaderError(CannotStartError):
    """A file that does not begin as an import file does; nothing of it is imported."""


class _Line(NamedTuple):
    number: int
    text: bytes | None
    """Without its end; None where it is too long."""


class ImportFile:
    """An import file, packed or not, as a source of items in the order of its sections."""

    def __init__(self, file: IO[bytes], on_note: Callable[[str], None] | None = None) -> None:
        """Prepare.

        Args:
            file: at its beginning; the caller closes it.
            on_note: is called with what is passed over without a fault.
        """
        self._file = opened(file)
        self._on_note = on_note or (lambda _note: None)
        self._section = ""
        self._skips = False
        self._number = 0

    async def items(self) -> AsyncIterator[Placed | ItemFault]:
        """Yield the items of the file, and a fault for each line that is none.

        Raises:
            ImportHeaderError: it does not begin as such a file.
            UnpackableError: it cannot be unpacked.
            OSError: it cannot be read.
        """
        has_header = False
        while portion := await asyncio.to_thread(self._portion):
            for line in portion:
                where = f"line {line.number}"
                document = _decoded(line, where)
                if not has_header:
                    has_header = self._begin(document)
                    continue
                if isinstance(document, ItemFault):
                    if not self._skips:
                        yield document
                    continue
                made = self._item(document, where)
                if made is not None:
                    yield made
        if not has_header:
            raise _no_header()

    def _portion(self) -> list[_Line]:
        """Read some lines, blank ones left out; none at the end."""
        found: list[_Line] = []
        size = 0
        with unpacking():
            while size < _PORTION_BYTES:
                text = self._file.readline(MOST_LINE_BYTES + 2)
                if not text:
                    break
                size += len(text)
                self._number += 1
                if self._number == 1:
                    text = text.removeprefix(codecs.BOM_UTF8)
                if not text.endswith(b"\n") and len(text) > MOST_LINE_BYTES:
                    self._pass_over()
                    found.append(_Line(self._number, None))
                elif text.strip():
                    found.append(_Line(self._number, text))
        return found

    def _pass_over(self) -> None:
        """Read to the end of a line that is too long."""
        while (part := self._file.readline(_PORTION_BYTES)) and not part.endswith(b"\n"):
            pass

    def _begin(self, document: Document | ItemFault) -> bool:
        """Take one of the first two lines; tell whether the header is complete."""
        if isinstance(document, ItemFault):
            raise _no_header()
        if self._section == "":
            if document != {"Section": _HEADER}:
                raise _no_header()
            self._section = _HEADER
            return False
        if document.get("fileVersion") != FILE_VERSION:
            raise ImportHeaderError(
                f"The header must say the fileVersion {FILE_VERSION}. Nothing was imported."
            )
        return True

    def _item(self, document: Document, where: str) -> Placed | ItemFault | None:
        name = document.get("Section")
        if isinstance(name, str) and len(document) == 1:
            return self._enter(name, where)
        if self._skips:
            return None
        if self._section == _HEADER:
            return ItemFault(where, "InvalidArgument", "The line belongs to no section.")
        try:
            return Placed(ITEM_OF_SECTION[self._section](document), where)
        except ValueError as error:
            return ItemFault(where, "InvalidArgument", str(error))

    def _enter(self, name: str, where: str) -> ItemFault | None:
        """Begin a section; its lines are passed over where it cannot be one."""
        self._skips = name not in _ORDER or _ORDER.index(name) <= _ORDER.index(self._section)
        if not self._skips:
            self._section = name
            return None
        if name.startswith("Kastor."):
            self._on_note(f"{where}: the section {name} is passed over.")
            return None
        what = "comes twice or out of order" if name in _ORDER else "is none that is known"
        message = f"The section {name[:80]} {what}; its lines are passed over."
        return ItemFault(where, "SectionSkipped", message)


def model_item(document: Document) -> Item:
    """Return the model that a line is."""
    return ModelItem(document)


def twin_item(document: Document) -> Item:
    """Return the twin of a line; raises ValueError where it has no id."""
    return TwinItem(_text(document, "$dtId"), _without(document, "$dtId"))


def relationship_item(document: Document) -> Item:
    """Return the relationship of a line: its source is `$dtId` or `$sourceId`.

    Raises:
        ValueError: it has no ids, or two sources.
    """
    names = [name for name in ("$dtId", "$sourceId") if document.get(name) is not None]
    if len({str(document[name]) for name in names}) > 1:
        raise ValueError("$dtId and $sourceId name different twins; leave one out.")
    source = _text(document, names[0] if names else "$dtId")
    body = _without(document, "$dtId", "$sourceId", "$relationshipId")
    return RelationshipItem(source, _text(document, "$relationshipId"), body)


ITEM_OF_SECTION = {_MODELS: model_item, _TWINS: twin_item, _RELATIONSHIPS: relationship_item}


def _decoded(line: _Line, where: str) -> Document | ItemFault:
    if line.text is None:
        message = f"The line is longer than {MOST_LINE_BYTES} bytes."
        return ItemFault(where, "InvalidArgument", message)
    try:
        value = orjson.loads(line.text)
    except orjson.JSONDecodeError as error:
        message = f"The line is not valid JSON: {error.msg} (column {error.pos})."
        return ItemFault(where, "InvalidArgument", message)
    if not isinstance(value, dict):
        return ItemFault(where, "InvalidArgument", "The line must be a JSON object.")
    if may_be_too_deep(line.text) and is_too_deep(value):
        message = f"The line is nested deeper than the limit of {MAX_DEPTH} levels."
        return ItemFault(where, "InvalidArgument", message)
    return value


def _text(document: Document, name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"The line needs {name}, a string.")
    return value


def _without(document: Document, *names: str) -> Document:
    return {name: value for name, value in document.items() if name not in names}


def _no_header() -> ImportHeaderError:
    return ImportHeaderError(
        'This is no import file: it has to begin with {"Section": "Header"} and a line with the '
        "fileVersion. Nothing was imported."
    )
