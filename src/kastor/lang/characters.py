"""Characters that people meet without seeing them, or that an editor put there: named, with a cure.

They come from word processors, web pages and chats; a message that only repeats them says nothing.
"""

from __future__ import annotations

import unicodedata

UNUSUAL_BLANKS = frozenset(
    "\x0b\x0c\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000\u200b\ufeff"
    + "".join(map(chr, range(0x2000, 0x200B)))
)
"""Unicode's White_Space without blank, tab, CR, LF; and U+200B and U+FEFF, which show nothing."""

_NAMES = {"\x0b": "LINE TABULATION", "\x0c": "FORM FEED", "\x85": "NEXT LINE"}
_QUOTES = frozenset("\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2039\u203a\xab\xbb\xb4`")
_SIGNS = {
    "\u2260": "!=",
    "\u2264": "<=",
    "\u2265": ">=",
    "\u2013": "-",
    "\u2014": "-",
    "\u2212": "-",
    "\u2192": "->",
    "\u2190": "<-",
    "\u2026": "..",
    "\uff0c": ",",
    "\uff08": "(",
    "\uff09": ")",
}


def code_point(character: str) -> str:
    """``U+201C LEFT DOUBLE QUOTATION MARK``; the number alone where there is no name."""
    name = _NAMES.get(character) or unicodedata.name(character, "")
    return f"U+{ord(character):04X} {name}".rstrip()


def cure(character: str) -> str:
    """What to write instead, as the end of a message; nothing where that is not known."""
    if character in _QUOTES:
        return "; strings stand in plain quotes: 'text'"
    if character in _SIGNS:
        return f"; write {_SIGNS[character]}"
    return "; write a plain blank" if character in UNUSUAL_BLANKS else ""
