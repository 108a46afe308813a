"""Words and signs of the route filter language, each with its place, and the one shape of errors.

Keywords may be written in any case: ADT documents them in capitals and accepts `or`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from kastor.errors import Detail, InvalidArgument
from kastor.events.filter_cures import hint

MAX_LENGTH = 8_000

STRING, NUMBER, DOLLAR, WORD, SIGN, END = "string", "number", "dollar", "word", "sign", "end"

_SHOWN = 60
_TOKEN = re.compile(
    r"""
    (?P<blank>\s+)
  | (?P<string>'(?:[^'\\]|\\.|'')*')
  | (?P<number>-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.$]))
  | (?P<dollar>\$[A-Za-z_]\w*(?:\.[\w$-]+)*)
  | (?P<word>[A-Za-z_]\w*(?:\.[\w$-]+)*)
  | (?P<sign><=|>=|!=|[=<>(),])
    """,
    re.VERBOSE | re.DOTALL,
)
_UNREADABLE = re.compile(r"[^\s()',=<>!]+|.", re.DOTALL)
_ESCAPE = re.compile(r"\\([\\'\"])|''")


class FilterError(InvalidArgument):
    """The filter text is wrong.

    Attributes:
        line: 1-based line of the offending input.
        position: 1-based column of it.
    """

    default_code: ClassVar[str] = "EventRouteFilterInvalid"

    def __init__(self, message: str, *, line: int = 1, position: int = 1, length: int = 0) -> None:
        place = {"line": line, "column": position - 1, "length": length}
        super().__init__(
            f"The provided filter is invalid. Parsing error, Line={line}, Position={position}, "
            f"Message={message}. See event route documentation for supported values and structure "
            "(https://aka.ms/ADTv2Routes).",
            details=(Detail(self.default_code, message, place),),
        )
        self.line = line
        self.position = position


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text; `key` is its kind, for words and signs what they are in capitals."""

    kind: str
    key: str
    text: str
    start: int


def tokenize(text: str) -> list[Token]:
    """Return the tokens, closed by one of kind END.

    Raises:
        FilterError: the text is too long, or something in it is no token.
    """
    if len(text) > MAX_LENGTH:
        raise FilterError(f"A filter may have {MAX_LENGTH} characters, this one has {len(text)}")
    if "\0" in text:
        raise error_at(text, text.index("\0"), "A filter has no character U+0000")
    tokens, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _unreadable(text, at)
        kind, piece = str(match.lastgroup), match[0]
        if kind != "blank":
            key = piece.upper() if kind in (WORD, SIGN) else kind
            tokens.append(Token(kind, key, piece, at))
        at = match.end()
    tokens.append(Token(END, END, "", len(text)))
    return tokens


def string_value(literal: str) -> str:
    r"""Return what a string literal stands for: ``''`` and ``\'`` are a quote, ``\\`` a backslash.

    A backslash before anything else is a backslash.
    """
    return _ESCAPE.sub(lambda match: match[1] or "'", literal[1:-1])


def error_at(text: str, at: int, message: str, *, length: int = 0) -> FilterError:
    """Return the error for `length` characters from offset `at` of `text`."""
    start = text.rfind("\n", 0, at) + 1
    line = text.count("\n", 0, at) + 1
    return FilterError(message, line=line, position=at - start + 1, length=length)


def unexpected(text: str, at: int, piece: str) -> FilterError:
    """Return the error for input that the grammar does not want at `at`; none is the end."""
    shown = piece[:_SHOWN]
    if not shown:
        return error_at(text, at, "Unexpected end of input")
    told = f"Unexpected input '{shown}'{hint(text, at, piece)}"
    return error_at(text, at, told, length=len(piece))


def _unreadable(text: str, at: int) -> FilterError:
    if text[at] == "'":
        return error_at(text, at, "The string has no closing quote")
    match = _UNREADABLE.match(text, at)
    return unexpected(text, at, match[0] if match else text[at])
