"""Text to tokens: one compiled regular expression, parallel lists, no object per token.

Knows no grammar but the lexical one (query-language 5): every word is a WORD, reserved or not.
`keys` is what the parser compares: a word in capitals, an operator as itself, else a kind mark.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kastor.lang.characters import UNUSUAL_BLANKS, code_point, cure
from kastor.lang.errors import query_error

WORD, NUMBER, STRING, ESCAPED, OPERATOR, END = "WORD", "NUMBER", "STRING", "ESCAPED", "OP", "END"

_TOKEN = re.compile(
    r"""[ \t\r\n]*(?:--[^\n]*[ \t\r\n]*)*(?:
      (?P<WORD>(?:[^\W\d]|\$)[\w$]*)
    | (?P<OP>\.\.|<=|>=|<>|!=|==|[=<>()\],.*:|+\-/%{};!]|\[(?!\[[^\[\]]+\]\]))
    | (?P<STRING>'[^'\\]*(?:(?:\\.|'')[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*")
    | (?P<NUMBER>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
    | (?P<ESCAPED>\[\[[^\[\]]+\]\])
    | (?P<END>\Z)
    | (?P<BAD>.))""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))|'(')", re.DOTALL)
_BACKSLASH = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))()", re.DOTALL)
_SPELLINGS = {"==": "=", "<>": "!="}


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of one text, as parallel lists; the last one is END."""

    text: str
    kinds: list[str]
    keys: list[str]
    texts: list[str]
    starts: list[int]
    blanks: list[int]
    """Where unusual blanks stand; they separate words as plain ones do."""


def tokenize(text: str) -> Tokens:
    """All tokens of `text`.

    Raises:
        QueryError: a character that no token begins with, or a literal without an end.
    """
    kinds: list[str] = []
    keys: list[str] = []
    texts: list[str] = []
    starts: list[int] = []
    blanks: list[int] = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or END
        word = match[kind]
        kinds.append(kind)
        texts.append(word)
        starts.append(match.start(kind))
        if kind == WORD:
            keys.append(word.upper() if word.isascii() else word)
        elif kind == OPERATOR:
            keys.append(_SPELLINGS.get(word, word))
        elif kind == END:
            keys.append(END)
            break
        elif kind == "BAD":
            if word not in UNUSUAL_BLANKS:
                raise _bad(text, match.start(kind))
            blanks.append(starts.pop())
            del kinds[-1], texts[-1]
        else:
            keys.append(kind)
    return Tokens(text, kinds, keys, texts, starts, blanks)


def unescape(text: str, literal: str, start: int) -> str:
    """The value of the string `literal` (with its quotes), which stands at `start` of `text`.

    Raises:
        QueryError: an escape that makes a lone surrogate, which no stored text can hold.
    """
    body = literal[1:-1]
    if "\\" not in body and ("''" not in body or literal[0] != "'"):
        return body
    pattern = _ESCAPE if literal[0] == "'" else _BACKSLASH
    value = pattern.sub(_escaped, body)
    if not value.isascii():
        try:  # two \\u escapes may form one character beyond the first plane
            value = value.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            raise query_error(text, start, f"lone surrogate in {literal}") from None
    return value


def _escaped(match: re.Match[str]) -> str:
    return chr(int(match[1], 16)) if match[1] else match[2] or match[3]


def _bad(text: str, at: int) -> Exception:
    character = text[at]
    if character in "'\"":
        return query_error(text, at, f"the string that begins here has no closing {character}")
    shown = f"'{character}', " if character.isprintable() else ""
    return query_error(
        text, at, f"token recognition error at: {shown}{code_point(character)}{cure(character)}"
    )
