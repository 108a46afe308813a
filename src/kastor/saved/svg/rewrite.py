"""Writes a drawing anew from what may be kept of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from string import ascii_letters

from kastor.saved.refusals import refused
from kastor.saved.svg import rules
from kastor.saved.svg.images import read_picture
from kastor.saved.svg.notes import DropNotes, Dropped
from kastor.saved.svg.reader import read
from kastor.saved.svg.references import DrawnElement, References
from kastor.saved.svg.styles import MOST_BYTES as MOST_STYLE_BYTES
from kastor.saved.svg.styles import StyleRules, read_declarations

MOST_BYTES = 20_971_520
"""Of what is written, which rules of style sheets may have made longer."""

_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}
_TEXT_ESCAPES = str.maketrans({**_ESCAPES, "\r": "&#13;"})
_VALUE_ESCAPES = str.maketrans({**_ESCAPES, "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"})
_JOINED = 1_000
_COUNTED = re.compile(r"[0-9]+")
_WITH_TEXT = rules.TEXTS | rules.NAMING


@dataclass(frozen=True, slots=True)
class Sanitised:
    """A drawing as it is stored, and what was taken out of it."""

    text: bytes
    dropped: Sequence[Dropped]


def sanitise(document: bytes) -> Sanitised:
    """Return a drawing that holds nothing but what `rules` allows.

    Takes time in proportion to its size; for a thread.

    Raises:
        SceneFileRefused: it is no SVG, or more than is taken.
    """
    notes = DropNotes()
    sheet = StyleRules(notes)
    if b"style" in document:
        found = _StyleSheets()
        read(document, found)
        for texts, line in found.sheets:
            sheet.add("".join(texts), line)
    writer = _Writer(sheet, notes)
    read(document, writer)
    return Sanitised(writer.finish(), notes.dropped())


class _StyleSheets:
    """Collects the texts of the style sheets, with the lines where they begin."""

    def __init__(self) -> None:
        self.sheets: list[tuple[list[str], int]] = []
        self._size = 0
        self._depth = 0
        self._inside = 0

    def start(self, space: str, name: str, _attributes: Sequence[str], line: int) -> None:
        self._depth += 1
        if not self._inside and name == "style" and space in (rules.SVG, ""):
            self._inside = self._depth
            self.sheets.append(([], line))

    def end(self) -> None:
        if self._depth == self._inside:
            self._inside = 0
        self._depth -= 1

    def text(self, text: str) -> None:
        if not self._inside:
            return
        self._size += len(text)
        if self._size > MOST_STYLE_BYTES:
            raise refused(f"The style sheets of the SVG have more than {MOST_STYLE_BYTES} bytes.")
        self.sheets[-1][0].append(text)

    def other(self, what: str, name: str, line: int) -> None:
        pass


@dataclass(slots=True)
class _Open:
    """An element that was begun: its name as it is written, and the id under which it counts."""

    name: str
    node: str
    is_empty: bool = True


class _Writer:
    """Writes what it is told of, as far as it is kept."""

    def __init__(self, sheet: StyleRules, notes: DropNotes) -> None:
        self._sheet = sheet
        self._notes = notes
        self._out: list[str] = []
        self._pieces: list[str] = []
        self._size = 0
        self._open: list[_Open] = []
        self._skipped = 0
        self._references = References()
        self._pointers: list[tuple[int, str, str, int]] = []
        """Places in `_out`, targets, names and lines of attributes that name an element."""
        self._space = rules.SVG

    def start(self, space: str, name: str, attributes: Sequence[str], line: int) -> None:
        if not self._open and not self._skipped:
            self._begin(space, name)
        if self._skipped or space != self._space or not (own := self._name_of(name)):
            if not self._skipped and name != "style":
                self._notes.add("element", name, line)
            self._skipped += 1
            return
        self._close_tag()
        parent = self._open[-1].node if self._open else ""
        pairs = zip(attributes[::2], attributes[1::2], strict=True)
        values = self._kept(name, own, pairs, line)
        node = values.get("id", parent)
        if node != parent:
            self._references.nodes[parent].hold(node)
            self._references.nodes[node] = DrawnElement()
        self._references.nodes[node].own += 1
        self._open.append(_Open(own, node))
        self._write(f"<{own}")
        if len(self._open) == 1:
            self._write(f' xmlns="{rules.SVG}"')
        for each, value in values.items():
            self._attribute(node, (each, value), values, line)

    def end(self) -> None:
        if self._skipped:
            self._skipped -= 1
            return
        done = self._open.pop()
        self._write("/>" if done.is_empty else f"</{done.name}>")

    def text(self, text: str) -> None:
        if self._skipped or not self._open:
            return
        if self._open[-1].name in _WITH_TEXT:
            self._close_tag()
            self._write(text.translate(_TEXT_ESCAPES))

    def other(self, what: str, name: str, line: int) -> None:
        self._notes.add(what, name, line)

    def finish(self) -> bytes:
        """Return the drawing, once all was told; raises SceneFileRefused for what it comes to."""
        self._join()
        self._references.require_bounded()
        for place, target, name, line in self._pointers:
            if target not in self._references.nodes:
                self._out[place] = ""
                self._notes.add("value", name, line)
        return "".join(self._out).encode()

    def _begin(self, space: str, name: str) -> None:
        if name != "svg" or space not in (rules.SVG, ""):
            raise refused(f"The outermost element is {name[:80]}, and not svg: it is no drawing.")
        self._space = space

    def _name_of(self, name: str) -> str | None:
        """Return what an element is written as; None where it is not kept."""
        inside = self._open[-1].name if self._open else ""
        if inside in rules.NAMING:
            return None
        if name in rules.GROUPS:
            return "tspan" if inside in rules.TEXTS else "g"
        return name if name in rules.ELEMENTS else None

    def _kept(
        self, name: str, own: str, pairs: Iterable[tuple[str, str]], line: int
    ) -> dict[str, str]:
        """Return the attributes that are kept, by the names that they are written with."""
        values: dict[str, str] = {}
        classes = style = ""
        for full, value in pairs:
            space, _, local = full.rpartition(" ")
            if not space and local == "class":
                classes = value
            elif not space and local == "style":
                style = value
            else:
                self._take(values, own, (space, local), value, line)
        values |= self._sheet.of(name, classes, values.get("id", ""))
        if style:
            values |= read_declarations(style, self._notes, line)
        return values

    def _take(
        self, values: dict[str, str], own: str, name: tuple[str, str], value: str, line: int
    ) -> None:
        # Branches because each of the few attributes with a meaning of its own has its rule.
        match name:
            case "", "id":
                if rules.is_name(value) and value not in self._references.nodes:
                    values["id"] = value
                    return
            case (("" | rules.XLINK), "href"):
                if kept := _reference(own, value):
                    values["href"] = kept
                    return
            case rules.INKSCAPE, "label":
                if rules.is_kept("data-name", value):
                    values.setdefault("data-name", value)
                    return
            case rules.XML, "space":
                if value in ("preserve", "default"):
                    values["xml:space"] = value
                    return
            case "", local if local in rules.FORMS or local in rules.POINTING:
                if rules.is_kept(local, value):
                    values[local] = value
                    return
            case _, local:
                self._notes.add("attribute", local, line)
                return
        self._notes.add("value", name[1], line)

    def _attribute(
        self, node: str, attribute: tuple[str, str], values: dict[str, str], line: int
    ) -> None:
        (name, value), target = attribute, None
        if name == "href" and value.startswith("#"):
            target = value[1:]
        elif name in rules.POINTING and (target := rules.target_of(value)) is not None:
            value = f"url(#{target})"
        if target is not None:
            self._join()
            self._pointers.append((len(self._out), target, name, line))
            times = _corners(values) if name in rules.MARKERS else 1
            self._references.nodes[node].refer(target, times)
        self._write(f' {name}="{value.translate(_VALUE_ESCAPES)}"')
        if target is not None:
            self._join()

    def _close_tag(self) -> None:
        if self._open and self._open[-1].is_empty:
            self._open[-1].is_empty = False
            self._write(">")

    def _write(self, text: str) -> None:
        self._size += len(text)
        if self._size > MOST_BYTES:
            raise refused(
                f"The SVG has more than {MOST_BYTES} bytes once its style sheets are part of its "
                "elements. Simplify it."
            )
        self._pieces.append(text)
        if len(self._pieces) == _JOINED:
            self._join()

    def _join(self) -> None:
        """Make one text of many small ones, which would take several times as much memory."""
        if self._pieces:
            self._out.append("".join(self._pieces))
            self._pieces = []


def _reference(own: str, value: str) -> str | None:
    """Return where an `href` leads as it is written; None where it leads out of the drawing."""
    value = value.strip()
    if own in rules.REFERRING:
        return value if value.startswith("#") and rules.is_name(value[1:]) else None
    return read_picture(value) if own == "image" else None


def _corners(values: dict[str, str]) -> int:
    """Return about how many corners a line has, each of which has a marker."""
    text = values.get("d", "") + values.get("points", "")
    # A letter may have no number and be a corner all the same: `z` closes, `h` goes on alone.
    letters = sum(text.count(letter) for letter in ascii_letters)
    return 1 + letters + sum(1 for _ in _COUNTED.finditer(text)) // 2
