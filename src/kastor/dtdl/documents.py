"""From what a caller hands in to Python objects that keep what JSON readers usually lose.

Texts are read with their repeated members kept; objects pass as they are. Whatever breaks the
JSON-LD form is found here, before anything is understood (dtdl 2): the first such fault of a
text ends its parse. What depends on where an object stands, such as what its `@id` may be, is
judged when the object is read as what it is there. Nothing here recurses, so nesting costs no
stack.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from kastor.nesting import MAX_DEPTH

if TYPE_CHECKING:
    from collections.abc import Iterator

# A string or a bracket: enough to measure the nesting of a text. A string may lack its end, so
# that no text is read again from each of its quotes.
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[\[{\]}]', re.DOTALL)
_LONE_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class DocumentFault(Exception):
    """A fault that ends the parse of a text: problem id, path to it, value."""

    def __init__(self, identifier: str, path: object = None, value: str | None = None) -> None:
        super().__init__(identifier)
        self.identifier, self.path, self.value = identifier, path, value


class Malformed(Exception):
    """The text is no JSON; carries the offset where that shows and what is wrong."""

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(reason)
        self.reason, self.offset = reason, offset


class RepeatingObject(dict[str, Any]):
    """A JSON object with repeated members: a dict of the last ones that knows all."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else RepeatingObject(pairs)


def _constant(name: str) -> None:
    raise Malformed(f"{name} is no JSON number", -1)


def text_depth_exceeded(text: str) -> int | None:
    """Return the offset at which a text is nested too deep, or None."""
    depth = 0
    for token in _TOKEN.finditer(text):
        first = text[token.start()]
        if first in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                return token.start()
        elif first in "]}":
            depth -= 1
    return None


def read_text(text: str | bytes | bytearray) -> object:
    """Return the JSON value of a text, objects with repeated members as `RepeatingObject`.

    Raises:
        Malformed: no JSON, nested deeper than 64, or with an unpaired surrogate (dtdl 2).
    """
    if not isinstance(text, str):
        try:
            text = bytes(text).decode("utf-8")
        except UnicodeDecodeError as error:
            raise Malformed("the bytes are no UTF-8", error.start) from None
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except json.JSONDecodeError as error:
        raise Malformed(error.msg, error.pos) from None
    except Malformed as error:
        raise Malformed(error.reason, 0) from None
    except RecursionError:
        raise Malformed(f"nested deeper than {MAX_DEPTH}", text_depth_exceeded(text) or 0) from None
    except ValueError as error:  # integers of more digits than Python converts
        raise Malformed(str(error).split(";", 1)[0], 0) from None
    if "\\u" in text and _LONE_SURROGATE.search(text):
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise Malformed("a string has an unpaired surrogate", 0) from None
    return value


def form_fault(value: object) -> DocumentFault | None:
    """Return the first fault of form in a document, in the order of the text, or None."""
    if not _suspicious(value):
        return None
    for fault in _form_faults(value):
        return fault
    return None


def _suspicious(value: object) -> bool:
    """Tell whether any object may have a fault of form; quick, because most have none."""
    level: list[Any] = [value]
    while level:
        inner: list[Any] = []
        for entry in level:
            if type(entry) is dict:
                context = entry.get("@context", "")
                if type(context) is not str and not _only_strings(context):
                    return True
                if "" in entry or "@graph" in entry:
                    return True
                inner += entry.values()
            elif type(entry) is list:
                inner += entry
            elif isinstance(entry, RepeatingObject):
                return True
        level = inner
    return False


def _only_strings(value: object) -> bool:
    return type(value) is list and all(type(entry) is str for entry in value)


_REPEATED = {
    "@context": "repeatedContextProperty",
    "@id": "repeatedIdProperty",
    "@type": "repeatedTypeProperty",
    "@graph": "repeatedGraphProperty",
    "@language": "repeatedLanguageProperty",
    "@value": "repeatedValueProperty",
}


def _form_faults(value: object) -> Iterator[DocumentFault]:
    """Walk a document in the order of its text, with a stack of our own.

    Of keywords only these two hold objects; what stands in others has no form.
    """
    stack: list[tuple[object, object]] = [(value, None)]
    while stack:
        entry, path = stack.pop()
        if isinstance(entry, list):
            stack += [(e, (path, i)) for i, e in reversed(list(enumerate(entry)))]
        elif isinstance(entry, dict):
            members = entry.pairs if isinstance(entry, RepeatingObject) else list(entry.items())
            yield from _object_faults(members, path)
            stack += [
                (v, (path, k))
                for k, v in reversed(members)
                if k[:1] != "@" or k in ("@graph", "@value")
            ]


def _object_faults(members: list[tuple[str, Any]], path: object) -> Iterator[DocumentFault]:
    seen: set[str] = set()
    for key, value in members:
        where = (path, key)
        if key.startswith("@") and key in seen:
            yield DocumentFault(_REPEATED.get(key, "repeatedKeyword"), where)
        seen.add(key)
        if key == "":
            yield DocumentFault("emptyMemberName", where)
        elif key == "@context":
            yield from _context_faults(value, where)
        elif key == "@graph":
            entries = value if isinstance(value, list) else [value]
            if not all(isinstance(entry, dict) for entry in entries):
                yield DocumentFault("graphNotObject", where)


def _context_faults(value: object, path: object) -> Iterator[DocumentFault]:
    for entry in value if isinstance(value, list) else [value]:
        if isinstance(entry, dict):
            pairs = entry.pairs if isinstance(entry, RepeatingObject) else list(entry.items())
            if isinstance(entry, RepeatingObject):
                yield DocumentFault("duplicateTermInContextObject", path)
            for _, term in pairs:
                if isinstance(term, dict):
                    if "@id" not in term:
                        yield DocumentFault("termDefinitionMissingIdProperty", path)
                    elif not isinstance(term["@id"], str):
                        yield DocumentFault("termDefinitionIdPropertyNotString", path)
                elif term is not None and not isinstance(term, str):
                    yield DocumentFault("termDefinitionNotStringOrObject", path)
        elif not isinstance(entry, str):
            yield DocumentFault("invalidContext", path)
