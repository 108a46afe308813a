"""Words and literals, as the kit writes them in its setups, parameters and cells."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from .values import Value

MAX_LENGTH = 200_000
MAX_DEPTH = 60
TOKEN = re.compile(
    r"""(?P<blank>\s+|//[^\n]*|/\*.*?\*/)
    |(?P<name>[^\W\d]\w*|`(?:[^`]|``)+`)
    |(?P<number>0x[0-9a-fA-F]+|0o[0-7]+|(?:\d+\.\d+|\.\d+|\d+)(?:[eE][+-]?\d+)?)
    |(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    |(?P<parameter>\$(?:\w+|`[^`]+`))
    |(?P<sign>-->|<--|->|<-|<=|>=|<>|=~|\+=|\.\.|[-+*/%^=<>()\[\]{},:;.|&!?@])""",
    re.VERBOSE | re.DOTALL,
)
ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
CONSTANTS: dict[str, Value] = {"null": None, "true": True, "false": False}
NOT_FINITE = {"nan": math.nan, "inf": math.inf, "infinity": math.inf}


class TextError(Exception):
    """A text that is not of the form asked for; the message shows where."""


@dataclass(frozen=True)
class Token:
    """A word of a text: its kind is a group of `TOKEN`, or `end`."""

    kind: str
    text: str
    at: int

    @property
    def word(self) -> str:
        """A bare name in capitals; empty for anything else."""
        return self.text.upper() if self.kind == "name" and self.text[0] != "`" else ""


def tokens(text: str) -> list[Token]:
    """Return the words of a text without blanks and comments, and an end.

    Raises:
        TextError: it is too long or has a character that starts no word.
    """
    if len(text) > MAX_LENGTH:
        raise TextError(f"longer than {MAX_LENGTH} characters")
    found, at = [], 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise TextError(f"no word begins at {text[at : at + 20]!r}")
        if match.lastgroup != "blank":
            found.append(Token(match.lastgroup, match[0], at))
        at = match.end()
    return [*found, Token("end", "", at)]


class Reader:
    """Reads tokens one after the other; literals first of all.

    Raises:
        TextError: from every method, for what does not fit.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._at = 0
        self._depth = 0

    @property
    def now(self) -> Token:
        """The token to be read next."""
        return self._tokens[self._at]

    @property
    def after(self) -> Token:
        """The token behind the next one; at the end, the end."""
        return self._tokens[min(self._at + 1, len(self._tokens) - 1)]

    def step(self) -> Token:
        """Return the next token and go on."""
        token = self.now
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def take(self, text: str) -> bool:
        """Go on if the next token is this sign or word; tell whether it was."""
        found = self.now.kind in ("sign", "name") and text in (self.now.text, self.now.word)
        if found:
            self.step()
        return found

    def need(self, text: str) -> None:
        """Go on behind this sign or word."""
        if not self.take(text):
            raise self.wrong(f"{text} is missing")

    def name(self) -> str:
        """Return a name without its backticks."""
        if self.now.kind != "name":
            raise self.wrong("a name is missing")
        text = self.step().text
        return text[1:-1].replace("``", "`") if text[0] == "`" else text

    def end(self) -> None:
        """Hold that nothing follows."""
        if self.now.kind != "end":
            raise self.wrong("nothing more is expected")

    def wrong(self, what: str) -> TextError:
        """Return an error that shows the place."""
        return TextError(f"{what} at {self._text[self.now.at : self.now.at + 30]!r}")

    def properties(self) -> dict[str, Value]:
        """Return a map in braces."""
        self.need("{")
        found: dict[str, Value] = {}
        while not self.take("}"):
            if found:
                self.need(",")
            key = self.name()
            self.need(":")
            found[key] = self.value()
        return found

    def value(self) -> Value:
        """Return a literal: a scalar, a list, a map."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self.wrong(f"more than {MAX_DEPTH} levels")
        try:
            return self._value()
        finally:
            self._depth -= 1

    def _value(self) -> Value:
        if self.now.text == "{":
            return self.properties()
        if self.take("["):
            return self.items()
        if self.now.kind == "text":
            return unquoted(self.step().text)
        return self._scalar()

    def items(self) -> list[Value]:
        """Return the items of a list whose bracket was read."""
        found: list[Value] = []
        while not self.take("]"):
            if found:
                self.need(",")
            found.append(self.value())
        return found

    def _scalar(self) -> Value:
        sign = -1 if self.take("-") else 1
        if self.now.kind == "number":
            return sign * number(self.step().text)
        word = self.now.word.lower()
        if word in NOT_FINITE:
            self.step()
            return sign * NOT_FINITE[word]
        if word in CONSTANTS and sign == 1:
            self.step()
            return CONSTANTS[word]
        raise self.wrong("a literal is missing")


def number(text: str) -> int | float:
    """Return the value of a number's text."""
    if text[:2] in ("0x", "0o"):
        return int(text, 0)
    return int(text) if text.isdigit() else float(text)


def unquoted(text: str) -> str:
    """Return what a literal in quotes holds."""
    return ESCAPE.sub(_unescaped, text[1:-1])


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    if len(code) > 1:
        return chr(int(code[1:], 16))
    return ESCAPES.get(code, code)
