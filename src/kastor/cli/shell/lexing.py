"""A text that somebody is still typing, as tokens of the query language, and where it ends.

What has no closing quote yet, or holds a character of no token, is no fault here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from kastor.errors import QueryError
from kastor.lang import tokens
from kastor.lang.cypher import is_cypher
from kastor.lang.cypher import tokens as cypher_tokens
from kastor.lang.tokens import END

OPEN, BAD = "OPEN", "BAD"
"""Kinds of tokens beside those of the language: a string that is not closed, and what is none."""
_MOST_BAD = 50


class TypedToken(NamedTuple):
    """A token and where it starts.

    Attributes:
        kind: as in `kastor.lang.tokens`, or `OPEN` or `BAD`.
        key: a word in capitals, an operator as itself, else the kind.
    """

    kind: str
    key: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.start + len(self.text)


def lexed(text: str, *, cypher: bool = False) -> list[TypedToken]:
    """Return the tokens of statements; the last one may be an open string.

    Each statement is of the language that its first word tells.

    Args:
        text: of one statement or several.
        cypher: whether the first one is openCypher, whatever it begins with: a part of one.
    """
    found: list[TypedToken] = []
    begin = 0
    while begin < len(text):
        is_other = cypher or is_cypher(text[begin:])
        part = _lexed(text[begin:], cypher=is_other)
        ends = next((at for at, token in enumerate(part, 1) if token.key == ";"), len(part))
        found += [token._replace(start=begin + token.start) for token in part[:ends]]
        if ends == len(part):
            break
        begin, cypher = found[-1].end, False
    return found


def _lexed(text: str, *, cypher: bool) -> list[TypedToken]:
    """Return the tokens of a text in one language."""
    tokenize = cypher_tokens.tokenize if cypher else tokens.tokenize
    quotes = "'\"`" if cypher else "'\""
    found: list[TypedToken] = []
    begin = bad = 0
    while True:
        part = text[begin:]
        at = _first_fault(part, tokenize)
        read = tokenize(part if at is None else part[:at])
        for kind, key, word, start in zip(
            read.kinds, read.keys, read.texts, read.starts, strict=True
        ):
            if kind != END:
                found.append(TypedToken(kind, key, word, begin + start))
        if at is None:
            return found
        begin, bad = begin + at, bad + 1
        if text[begin] in quotes or bad > _MOST_BAD:
            kind = OPEN if text[begin] in quotes else BAD
            found.append(TypedToken(kind, kind, text[begin:], begin))
            return found
        found.append(TypedToken(BAD, BAD, text[begin], begin))
        begin += 1


def _first_fault(text: str, tokenize: Callable[[str], tokens.Tokens]) -> int | None:
    """Return where the first character stands that no token begins with."""
    try:
        tokenize(text)
    except QueryError as error:
        lines = text.split("\n")
        return sum(len(line) + 1 for line in lines[: error.line - 1]) + error.position
    return None


def statements(text: str) -> tuple[list[str], str]:
    """Return the statements that end with a semicolon, without it, and what comes after them."""
    found, begin = [], 0
    for token in lexed(text):
        if token.key == ";":
            found.append(text[begin : token.start].strip())
            begin = token.end
    return [each for each in found if each], text[begin:].strip()


def is_complete(text: str) -> bool:
    """Whether Enter at the end of a text runs it: a command, a `;` at its end, or an empty line.

    In a string that is still open neither of these two ends a query.
    """
    if text.lstrip().startswith("\\") or not text.strip() or text.strip().lower() in WORDS:
        return True
    tokens = lexed(text)
    if tokens and tokens[-1].kind == OPEN:
        return False
    ends_empty = "\n" in text and not text.rpartition("\n")[2].strip()
    return ends_empty or bool(tokens and tokens[-1].key == ";")


WORDS = {"help": "\\?", "quit": "\\q", "exit": "\\q"}
"""What people type to a shell that they do not know, and the command that they mean."""
