"""Colours of a query while it is typed: by the tokens of the language, in what a terminal has."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from prompt_toolkit.formatted_text.utils import split_lines
from prompt_toolkit.lexers import Lexer
from prompt_toolkit.styles import Style

from kastor.cli.shell.lexing import TypedToken, lexed
from kastor.lang.cypher import is_cypher
from kastor.lang.cypher.words import RESERVED as CYPHER_RESERVED
from kastor.lang.cypher.words import WRITES
from kastor.lang.words import CONTEXTUAL, FUNCTIONS, RESERVED, SYSTEM_NAMES
from kastor.types import override

if TYPE_CHECKING:
    from prompt_toolkit.document import Document
    from prompt_toolkit.formatted_text import StyleAndTextTuples

STYLE = Style.from_dict(
    {
        "prompt": "bold",
        "word": "ansiblue bold",
        "function": "ansicyan",
        "string": "ansigreen",
        "number": "ansimagenta",
        "parameter": "ansiyellow",
        "comment": "ansibrightblack",
        "bad": "ansired",
        "command": "ansicyan bold",
    }
)


class QueryLexer(Lexer):
    """Colours of what is typed."""

    @override
    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        """Return what gives a line's parts with their styles."""
        lines = list(split_lines(fragments(document.text)))

        def line(number: int) -> StyleAndTextTuples:
            return lines[number] if number < len(lines) else []

        return line


def fragments(text: str) -> StyleAndTextTuples:
    """Return the parts of a text with their styles; together they are the text."""
    if text.lstrip().startswith("\\"):
        name, blank, rest = text.partition(" ")
        return [("class:command", name), ("", blank), *fragments(rest)] if name else [("", text)]
    found: StyleAndTextTuples = []
    at, cypher = 0, is_cypher(text)
    for token in lexed(text):
        if token.start > at:
            found += _between(text[at : token.start])
        found.append((_style(token, cypher=cypher), token.text))
        at = token.end
        if token.key == ";":
            cypher = is_cypher(text[at:])
    return [*found, *_between(text[at:])]


def _between(text: str) -> StyleAndTextTuples:
    """Return blanks and comments."""
    is_comment = any(sign in text for sign in ("--", "//", "/*"))
    return [("class:comment" if is_comment else "", text)] if text else []


def _style(token: TypedToken, *, cypher: bool) -> str:
    match token.kind:
        case "STRING" | "OPEN":
            return "class:string"
        case "NUMBER":
            return "class:number"
        case "BAD":
            return "class:bad"
        case "WORD":
            return _cypher_style(token) if cypher else _word_style(token)
        case _:
            return ""


def _word_style(token: TypedToken) -> str:
    if token.key in FUNCTIONS:
        return "class:function"
    if token.key in RESERVED | CONTEXTUAL:
        return "class:word"
    is_parameter = token.text.startswith("$") and token.text not in SYSTEM_NAMES
    return "class:parameter" if is_parameter and len(token.text) > 1 else ""


def _cypher_style(token: TypedToken) -> str:
    from kastor.cli.shell.cypher_completion import function_names

    if token.key in CYPHER_RESERVED or token.key in WRITES or token.key == "EXPLAIN":
        return "class:word"
    if token.key in {each.upper() for each in function_names()}:
        return "class:function"
    is_parameter = token.text.startswith("$") and token.text not in SYSTEM_NAMES
    return "class:parameter" if is_parameter and len(token.text) > 1 else ""
