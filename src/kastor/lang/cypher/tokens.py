"""Text to tokens, into the same parallel lists as the other language's.

A word may begin with a dollar sign: whether it is a parameter or a name tells its place.
"""

from __future__ import annotations

import re

from kastor.lang.characters import code_point, cure
from kastor.lang.errors import query_error
from kastor.lang.tokens import END, ESCAPED, NUMBER, OPERATOR, WORD, Tokens

LANGUAGE = "Cypher"

_TOKEN = re.compile(
    r"""(?:\s|\ufeff|//[^\n]*+|/\*(?:[^*]|\*(?!/))*+\*/)*+(?:
      (?P<OPEN>/\*(?:[^*]|\*(?!/))*+\Z)
    | (?P<WORD>(?:[^\W\d]|\$)[\w$]*)
    | (?P<NUMBER>0[xX][0-9a-fA-F]+|0[oO][0-7]+
        |(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    | (?P<OP>\.\.|<=|>=|<>|=~|\+=|[=<>()\[\]{},.*:|+\-/%^;!&])
    | (?P<STRING>'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*")
    | (?P<ESCAPED>`[^`]*(?:``[^`]*)*`)
    | (?P<END>\Z)
    | (?P<BAD>.))""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_ESCAPES = dict(zip("\\'\"bfnrt", "\\'\"\b\f\n\r\t", strict=True))
_LAST_CODE_POINT = 0x10FFFF


def tokenize(text: str) -> Tokens:
    """All tokens of `text`.

    Raises:
        QueryError: a character that no token begins with, or a literal without an end.
    """
    tokens = Tokens(text, [], [], [], [], [])
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or END
        word, start = match[kind], match.start(kind)
        if kind == "BAD":
            raise _bad(text, start)
        if kind == "OPEN":
            raise query_error(text, start, "the comment that begins here has no */", LANGUAGE)
        if kind == NUMBER and text[match.end() : match.end() + 1].isidentifier():
            raise query_error(text, start, f"a number ends where {word} goes on", LANGUAGE)
        tokens.kinds.append(kind)
        tokens.texts.append(word)
        tokens.starts.append(start)
        tokens.keys.append(_key(kind, word))
        if kind == END:
            break
    return tokens


def _key(kind: str, word: str) -> str:
    if kind == END:
        return "<EOF>"  # END is a word of CASE
    if kind == WORD:
        return word.upper() if word.isascii() else word
    return word if kind == OPERATOR else kind


def unquote(text: str, literal: str, start: int) -> str:
    """The value of the string `literal` (with its quotes), which stands at `start` of `text`.

    Raises:
        QueryError: an unknown escape, or one that makes no character.
    """

    def escaped(match: re.Match[str]) -> str:
        code = match[1] or match[2]
        if code is not None:
            if int(code, 16) > _LAST_CODE_POINT:
                raise query_error(text, start, f"no character is \\U{code}", LANGUAGE)
            return chr(int(code, 16))
        if match[3] not in _ESCAPES:
            message = f"unknown escape \\{match[3]}; a backslash itself is \\\\"
            raise query_error(text, start, message, LANGUAGE)
        return _ESCAPES[match[3]]

    value = _ESCAPE.sub(escaped, literal[1:-1]) if "\\" in literal else literal[1:-1]
    if not value.isascii():
        try:  # two \\u escapes may form one character beyond the first plane
            value = value.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            raise query_error(text, start, "lone surrogate in a string", LANGUAGE) from None
    return value


def name_of(kind: str, word: str) -> str:
    """The name that a word or a name in backticks stands for."""
    return word[1:-1].replace("``", "`") if kind == ESCAPED else word


def _bad(text: str, at: int) -> Exception:
    character = text[at]
    if character in "'\"`":
        what = "name" if character == "`" else "string"
        message = f"the {what} that begins here has no closing {character}"
        return query_error(text, at, message, LANGUAGE)
    message = f"token recognition error at: {code_point(character)}{cure(character)}"
    return query_error(text, at, message, LANGUAGE)
