"""Texts that spreadsheets would take as formulas, made harmless in what we write, and read back.

A spreadsheet that opens a CSV file runs a cell that begins with one of a few characters; after an
apostrophe it is a text. An apostrophe alone stands for the empty text, and one before
blanks for those: a cell with nothing else is an empty one.
"""

from __future__ import annotations

import re

_RISKY = re.compile(r"'*(?:[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]|\s*\Z)")


_BLANK = re.compile(r"'*\s*\Z")


def guarded(text: str) -> str:
    """Return a text with an apostrophe before it where it needs one."""
    return f"'{text}" if _RISKY.match(text) else text


def unguarded(text: str) -> str:
    """Return what `guarded` was given; other texts stay as they are."""
    return text[1:] if text[:1] == "'" and _RISKY.match(text) else text


def blank_marked(text: str) -> str:
    """Return a text for a cell that is never run: with an apostrophe where it has blanks alone."""
    return f"'{text}" if _BLANK.match(text) else text


def blank_unmarked(text: str) -> str:
    """Return what `blank_marked` was given; other texts stay as they are."""
    return text[1:] if text[:1] == "'" and _BLANK.match(text) else text
