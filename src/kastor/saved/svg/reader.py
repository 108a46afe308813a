"""Reads a drawing as events, by a parser that resolves nothing and within bounds.

Whatever the document says of its encoding, it is read as UTF-8, so that nobody reads it otherwise
later. Document types are never followed, and one with declarations in it is refused: entities have
no use in a drawing, and every harm.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from typing import Protocol
from xml.parsers import expat

from kastor.saved.refusals import SceneFileRefused, refused

MOST_ELEMENTS = 100_000
MOST_PIECES = 500_000
"""Elements, pieces of text and instructions together."""
MOST_ATTRIBUTES = 200
"""Of one element."""
DEEPEST = 100
"""Elements within one another, the outermost included."""
LONGEST_TOKEN = 8_388_608
"""Bytes of a tag, a comment or an instruction; a picture inside is an attribute of a tag."""
_PIECE = 262_144
"""Bytes that are read at once: other threads have their turns in between, and a token that does not
end is noticed."""
_LONG, _MOST_EQUALS = 65_536, 10_000
"""A token that is longer than that is a picture, and no list of attributes."""
_SPACE = " "
_COMPRESSED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")
_INVALID_TOKEN = expat.errors.codes[expat.errors.XML_ERROR_INVALID_TOKEN]


class DrawingEvents(Protocol):
    """Is told of a drawing, in the order of its text; lines count from 1."""

    def start(self, space: str, name: str, attributes: Sequence[str], line: int) -> None:
        """An element begins; attributes are names (`namespace name` or `name`) and values."""

    def end(self) -> None:
        """The innermost element ends."""

    def text(self, text: str) -> None:
        """There is text in the innermost element."""

    def other(self, what: str, name: str, line: int) -> None:
        """There is something that is no element and no text."""


def read(document: bytes, events: DrawingEvents) -> None:
    """Tell of a drawing.

    Raises:
        SceneFileRefused: it is no XML, or none that is taken.
    """
    document = document.removeprefix(codecs.BOM_UTF8)
    if document.startswith(_COMPRESSED):
        raise refused("The SVG is compressed (svgz). Send it as plain text.")
    # Whatever is claimed elsewhere: UTF-16 shows itself by its first bytes, or by zeros.
    if b"\0" in document or document.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise refused("The SVG is not UTF-8. Save it as UTF-8.")
    _Reading(document, events).run()


class _Reading:
    def __init__(self, document: bytes, events: DrawingEvents) -> None:
        self._document = document
        self._events = events
        self._elements = self._depth = self._pieces = 0
        parser = self._parser = expat.ParserCreate("utf-8", _SPACE)
        parser.buffer_text = True
        parser.ordered_attributes = True
        parser.specified_attributes = True
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.ProcessingInstructionHandler = self._instruction
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._declaration
        parser.ExternalEntityRefHandler = self._entity
        parser.SkippedEntityHandler = self._entity

    def run(self) -> None:
        parser, document = self._parser, self._document
        try:
            for at in range(0, len(document), _PIECE):
                parser.Parse(document[at : at + _PIECE], False)
                self._require_short(min(at + _PIECE, len(document)))
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise _malformed(error) from None

    def _require_short(self, fed: int) -> None:
        """Refuse a token that goes on and on, before it is in memory as attributes."""
        begin = self._parser.CurrentByteIndex
        if fed - begin > LONGEST_TOKEN:
            raise self._refused(
                f"A tag or comment of the SVG has more than {LONGEST_TOKEN} bytes. Make the "
                "pictures in it smaller."
            )
        if fed - begin > _LONG and self._document.count(b"=", begin, fed) > _MOST_EQUALS:
            raise self._refused("A tag of the SVG has too many attributes.")

    def _start(self, name: str, attributes: list[str]) -> None:
        self._count()
        self._elements += 1
        self._depth += 1
        if self._elements > MOST_ELEMENTS:
            raise self._refused(f"The SVG has more than {MOST_ELEMENTS} elements. Simplify it.")
        if self._depth > DEEPEST:
            raise self._refused(f"The SVG is nested deeper than {DEEPEST} levels.")
        if len(attributes) > 2 * MOST_ATTRIBUTES:
            raise self._refused(f"An element has more than {MOST_ATTRIBUTES} attributes.")
        space, _, local = name.rpartition(_SPACE)
        self._events.start(space, local, attributes, self._parser.CurrentLineNumber)

    def _end(self, _name: str) -> None:
        self._depth -= 1
        self._events.end()

    def _text(self, text: str) -> None:
        self._count()
        self._events.text(text)

    def _count(self) -> None:
        self._pieces += 1
        if self._pieces > MOST_PIECES:
            raise self._refused(f"The SVG has more than {MOST_PIECES} parts. Simplify it.")

    def _instruction(self, target: str, _data: str) -> None:
        self._count()
        self._events.other("instruction", target, self._parser.CurrentLineNumber)

    def _doctype(self, name: str, _system: str | None, _public: str | None, internal: int) -> None:
        if internal:
            raise self._declared()
        self._events.other("doctype", name, self._parser.CurrentLineNumber)

    def _declaration(self, *_what: object) -> None:
        raise self._declared()

    def _entity(self, *_what: object) -> int:
        raise self._declared()

    def _declared(self) -> SceneFileRefused:
        return self._refused(
            "The SVG declares or uses entities in its document type, which is not taken. Take the "
            "part between [ and ] out of <!DOCTYPE ...>, or save it as plain SVG."
        )

    def _refused(self, message: str) -> SceneFileRefused:
        return refused(message, self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber)


def _malformed(error: expat.ExpatError) -> SceneFileRefused:
    said = expat.ErrorString(error.code)
    cure = " If it holds letters beyond ASCII, save it as UTF-8." * (error.code == _INVALID_TOKEN)
    message = f"The file is no well-formed XML: {said}, line {error.lineno}.{cure}"
    return refused(message, error.lineno, error.offset)
