"""Where an answer goes: a terminal or a pipe, how wide it is, and what may stand there."""

from __future__ import annotations

import os
import re
import shutil
import sys
from dataclasses import dataclass
from typing import Protocol

PIPE_WIDTH = 80
_UNSHOWN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Controls, marks that turn the direction of text, and halves of characters."""
_SPELT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


class TextSink(Protocol):
    """What text is written to."""

    def write(self, text: str, /) -> int:
        """Write a text."""

    def flush(self) -> None:
        """Hand on what was written."""


@dataclass(frozen=True, slots=True)
class Screen:
    """A place to write rows to.

    Attributes:
        stream: what is written to.
        is_terminal: whether a person looks at it; a pager's pipe counts as one.
        width: of a line, in cells.
        colour: whether it may have colours.
    """

    stream: TextSink
    is_terminal: bool
    width: int
    colour: bool

    def write(self, text: str) -> None:
        """Write a text and a line break."""
        self.stream.write(f"{text}\n")


def stdout_screen() -> Screen:
    """Return the place that the answers of commands go to."""
    is_terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if is_terminal else PIPE_WIDTH
    plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return Screen(sys.stdout, is_terminal, max(20, width), is_terminal and not plain)


def shown(text: str) -> str:
    """Return a text as one line that does nothing to a terminal, whoever wrote it."""
    return _UNSHOWN.sub(_spelt, text)


def harmless(text: str) -> str:
    """Return a text of several lines that does nothing else to a terminal."""
    return _UNSHOWN.sub(_spelt_in_line, text)


def shown_json(text: str) -> str:
    """Return JSON with the same escaped; there they stand in strings only, line breaks aside."""
    return _UNSHOWN.sub(_escaped, text)


def _spelt(match: re.Match[str]) -> str:
    return _SPELT.get(match[0]) or _code(match[0])


def _spelt_in_line(match: re.Match[str]) -> str:
    return match[0] if match[0] in "\n\t" else _code(match[0])


def _escaped(match: re.Match[str]) -> str:
    return "\n" if match[0] == "\n" else _code(match[0])


def _code(character: str) -> str:
    return f"\\u{ord(character):04x}"
