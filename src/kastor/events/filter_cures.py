"""What to write instead of what people bring along from other languages; the end of a message."""

from __future__ import annotations

import re

from kastor.lang.characters import UNUSUAL_BLANKS, code_point, cure

_BEFORE = re.compile(r"\$?[A-Za-z_]\w*\s*\Z")
_FUNCTIONS = {
    "STARTSWITH": "STARTS_WITH",
    "ENDSWITH": "ENDS_WITH",
    "LIKE": "CONTAINS",
    "CHANGES": "CHANGED",
}
_WORDS = {
    "IN": "compare with each value: x = 'a' OR x = 'b'",
    "LIKE": "write CONTAINS(x, 'text'), STARTS_WITH(x, 'text') or ENDS_WITH(x, 'text')",
    "BETWEEN": "write x >= low AND x <= high",
    "&&": "write AND",
    "||": "write OR",
    "!": "write NOT",
}
_WHERE_IS_NULL = re.compile(r"IS\s+(NOT\s+)?NULL\b", re.IGNORECASE)


def hint(text: str, at: int, piece: str) -> str:
    """The cure for input at `at` that the grammar does not want there; nothing if none is known."""
    found = _of_signs(text, at, piece) or _of_words(text, at, piece)
    return f"; {found}" if found else _of_characters(piece)


def _of_signs(text: str, at: int, piece: str) -> str:
    before = text[at - 1 : at]
    if piece == "=" and before == "=":
        return "write = for equal"
    if piece == ">" and before == "<":
        return "write != for not equal"
    if piece[:1] == '"':
        return f"strings stand in single quotes: '{piece[1:].partition(chr(34))[0][:60]}'"
    if piece[:1] == "[":
        if text[:at].endswith("$body.patch"):
            return "CHANGED(property) asks whether an update touches a property"
        return "values inside arrays are out of reach"
    return ""


def _of_words(text: str, at: int, piece: str) -> str:
    word = _BEFORE.search(text[max(0, at - 100) : at])
    before = word[0].strip() if word is not None else ""
    if piece == "(" and before:
        name = _FUNCTIONS.get(before.upper())
        known = "functions are STARTS_WITH, ENDS_WITH, CONTAINS and CHANGED"
        return f"write {name}" if name else known
    if piece[:1] == "." and before:
        of_body = before.upper().lstrip("$") == "BODY"
        return f"write $body{piece[:60] if of_body else f'.{before}{piece[:60]}'}"
    null = _WHERE_IS_NULL.match(text, at)
    if null is not None:
        return f"write {'!=' if null[1] else '='} null"
    return _WORDS.get(piece.upper(), _WORDS.get(piece[:2], _WORDS.get(piece[:1], "")))


def _of_characters(piece: str) -> str:
    """What cannot be told by its looks, by name."""
    for character in piece:
        if not character.isascii():
            told = cure(character)
            if told or character in UNUSUAL_BLANKS or not character.isalnum():
                return f", {code_point(character)}{told}"
    return ""
