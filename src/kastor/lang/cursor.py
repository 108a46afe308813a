"""A place in the token lists, and the few moves that every parsing function is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NoReturn

from kastor.lang import ast
from kastor.lang.characters import code_point, cure
from kastor.lang.errors import query_error
from kastor.lang.tokens import END, ESCAPED, NUMBER, STRING, WORD, Tokens, tokenize, unescape
from kastor.lang.words import RESERVED, SYSTEM_NAMES, is_plain

_GOES_ON = frozenset({"FROM", "WHERE", "AND", "OR", "IN", "BY", "AS", "SELECT", "ASC", "DESC"})
"""Reserved words that go on with a query: where a name should be, the name is what is missing."""


@dataclass(frozen=True, slots=True)
class ParseLimits:
    """What bounds the parser; the messages name the setting.

    Attributes:
        max_terms: AND and OR in the whole text.
        max_list: values of one IN list.
        max_nesting: parentheses, NOTs, calls and sub-queries inside each other.
        max_steps: steps of one path.
        max_operations: arithmetic operators and calls in one value of the superset.
        max_columns: columns of SELECT.
        max_keys: keys of ORDER BY, and of GROUP BY.
        max_subqueries: EXISTS and IN (SELECT ..) in the whole text.
        max_query_depth: of those inside each other.
    """

    max_terms: int = 1000
    max_list: int = 10_000
    max_nesting: int = 200
    max_steps: int = 100
    max_operations: int = 50
    max_columns: int = 500
    max_keys: int = 30
    max_subqueries: int = 50
    max_query_depth: int = 10


DEFAULT_LIMITS = ParseLimits()


class Cursor:
    """Reads tokens from left to right; every failure is a `QueryError` at a token."""

    LANGUAGE: ClassVar = "SQL"

    def __init__(self, text: str, limits: ParseLimits, tokens: Tokens | None = None) -> None:
        tokens = tokens or tokenize(text)
        self.text = text
        self.limits = limits
        self.kinds = tokens.kinds
        self.keys = tokens.keys
        self.texts = tokens.texts
        self.starts = tokens.starts
        self.at = 0
        self.terms = 0
        self.depth = 0
        self.operations = 0
        self.subqueries = 0
        self.query_depth = 0
        self.extensions: list[tuple[str, int]] = []
        self.synonyms: list[tuple[str, int]] = [
            (f"{code_point(text[at])} is no blank here{cure(text[at])}", at)
            for at in tokens.blanks[:1]
        ]

    def key(self, ahead: int = 0) -> str:
        """The key of a token; END beyond the last one."""
        index = self.at + ahead
        return self.keys[index] if index < len(self.keys) else END

    def count_operation(self, start: int) -> None:
        """Refuses one more operator or call in a value, before an engine's own limit does."""
        self.operations += 1
        most = self.limits.max_operations
        if self.operations > most:
            self.fail(f"more than {most} operators and calls in one value", start)

    def require_room(self, count: int, most: int, what: str) -> None:
        """Refuses more columns or keys than engines take."""
        if count > most:
            self.fail(f"more than {most} {what}")

    def take(self, key: str) -> bool:
        """Whether the next token is `key`; moves past it if so."""
        if self.keys[self.at] == key:
            self.at += 1
            return True
        return False

    def expect(self, key: str, expecting: str | None = None) -> int:
        """Moves past `key` and returns where it starts."""
        if self.keys[self.at] != key:
            self.mismatch(expecting or f"'{key}'")
        self.at += 1
        return self.starts[self.at - 1]

    def start(self) -> int:
        """Where the next token starts."""
        return self.starts[self.at]

    def span(self, start: int) -> ast.Span:
        """From `start` to the end of the token before this one."""
        last = self.at - 1
        return (start, self.starts[last] + len(self.texts[last]))

    def is_name(self, ahead: int = 0) -> bool:
        """Whether an identifier stands here; a reserved word is none."""
        index = self.at + ahead
        if index >= len(self.kinds):
            return False
        kind = self.kinds[index]
        return kind == ESCAPED or (kind == WORD and self.keys[index] not in RESERVED)

    def adjacent(self) -> bool:
        """Whether the next two tokens touch each other."""
        return self.starts[self.at] + len(self.texts[self.at]) == self.starts[self.at + 1]

    def name(self, what: str) -> ast.Name:
        """An identifier, which the message calls `what`."""
        if not self.is_name():
            if self.kinds[self.at] == WORD:
                self._reserved(what)
            self.mismatch(f"{what}{self._quoted()}")
        return self.any_name()

    def _reserved(self, what: str) -> NoReturn:
        """A reserved word where a name should be: one that goes on with the query, or a name."""
        word, key = self.texts[self.at], self.keys[self.at]
        if key in _GOES_ON or (key in {"ORDER", "GROUP"} and self.key(1) == "BY"):
            star = ", for example *" if what == "a column" else ""
            self.fail(f"'{word}' is a reserved word, and {what} is missing before it{star}")
        self.fail(f"'{word}' is a reserved word and cannot be {what}; write [[{word}]]")

    def _quoted(self) -> str:
        """What to write instead of a name in quotes."""
        if self.kinds[self.at] != STRING:
            return ""
        name = self.texts[self.at][1:-1]
        return f"; quotes make a string, a name stands plain or in brackets: [[{name[:60]}]]"

    def any_name(self) -> ast.Name:
        """The word or escaped identifier that is known to stand here, reserved or not."""
        index = self.at
        self.at += 1
        word, start = self.texts[index], self.starts[index]
        text = word[2:-2] if self.kinds[index] == ESCAPED else word
        return ast.Name(text, (start, start + len(word)))

    def path(self, what: str = "a property path") -> ast.Path:
        """``a.b.c``; words after a dot may be reserved ones."""
        first = self.name(what)
        steps: list[ast.Name | ast.Index] = [first]
        while True:
            if self.take("."):
                if self.kinds[self.at] not in (WORD, ESCAPED):
                    self.mismatch(f"a name after '.'{self._quoted()}")
                steps.append(self.any_name())
            elif self.keys[self.at] == "[":
                steps.append(self._index() if self.kinds[self.at + 1] != STRING else self._key())
            else:
                break
        if len(steps) > self.limits.max_steps:
            self.fail(f"a path may have {self.limits.max_steps} steps", first.span[0])
        return ast.Path(tuple(steps), (first.span[0], self.span(0)[1]))

    def _index(self) -> ast.Index:
        start = self.expect("[")
        self.extend("array index", start)
        value = self.unsigned("an array index")
        self.expect("]")
        return ast.Index(value, self.span(start))

    def _key(self) -> ast.Name:
        """``['name']``, which other languages have for ``.name``."""
        start = self.expect("[")
        text = self.string()
        self.expect("]")
        plain = text if is_plain(text) else f"[[{text[:60]}]]"
        can_be_plain = text and not {"[", "]"} & set(text)
        self.synonym("['..'] in a path", f"write .{plain}" if can_be_plain else "", start)
        if not text:
            self.fail("a name has at least one character", start)
        return ast.Name(text, self.span(start))

    def is_parameter(self, ahead: int = 0) -> bool:
        """Whether ``$name`` stands here, and it is none of the system's names."""
        index = self.at + ahead
        if index >= len(self.kinds) or self.kinds[index] != WORD:
            return False
        word = self.texts[index]
        return word[0] == "$" and len(word) > 1 and word not in SYSTEM_NAMES

    def parameter(self) -> ast.Parameter:
        """The parameter that is known to stand here, where nothing else can be spelt so."""
        self.extend("a parameter")
        return self.dollar()

    def dollar(self) -> ast.Parameter:
        """The parameter that is known to stand here, or an alias that is spelt like one."""
        index = self.at
        self.at += 1
        return ast.Parameter(self.texts[index][1:], self.span(self.starts[index]))

    def count(self, what: str) -> int | ast.Parameter:
        """A number without fraction, or a parameter for one."""
        return self.parameter() if self.is_parameter() else self.unsigned(what)

    def unsigned(self, what: str) -> int:
        """A number without fraction."""
        if self.kinds[self.at] != NUMBER:
            self.mismatch(what)
        text = self.texts[self.at]
        if not text.isdigit() or len(text) > 18:  # noqa: PLR2004 - keeps it within 64 bits
            self.fail(f"{text} cannot be {what}")
        self.at += 1
        return int(text)

    def string(self) -> str:
        """The value of the string that is known to stand here."""
        index = self.at
        self.at += 1
        literal, start = self.texts[index], self.starts[index]
        if "''" in literal and literal[0] == "'" and "''" in literal[1:-1]:
            doubled = start + 1 + literal[1:-1].index("''")
            self.synonym("'' inside a string", "write \\' for a quote", doubled)
        return unescape(self.text, literal, start)

    def is_string(self) -> bool:
        """Whether a string literal stands here."""
        return self.kinds[self.at] == STRING

    def extend(self, feature: str, start: int | None = None) -> None:
        """Notes that the text goes beyond the base language here."""
        self.extensions.append((feature, self.start() if start is None else start))

    def synonym(self, written: str, cure: str, start: int) -> None:
        """Notes that the text says in another spelling what the base language can say."""
        told = f"{written} is another language's spelling"
        self.synonyms.append((f"{told}; {cure}" if cure else told, start))

    def enter(self) -> None:
        """One level deeper; refuses what no person writes before Python's stack would."""
        self.depth += 1
        if self.depth > self.limits.max_nesting:
            self.fail(f"nested deeper than {self.limits.max_nesting} levels")

    def leave(self) -> None:
        """One level up."""
        self.depth -= 1

    def enter_query(self) -> None:
        """Into an EXISTS or a SELECT inside another query: engines plan each of them anew."""
        self.enter()
        self.subqueries += 1
        self.query_depth += 1
        most, deepest = self.limits.max_subqueries, self.limits.max_query_depth
        if self.subqueries > most:
            self.fail(f"more than {most} queries inside the query (limit max_subqueries)")
        if self.query_depth > deepest:
            self.fail(
                f"queries inside queries go deeper than {deepest} levels (limit max_query_depth)"
            )

    def leave_query(self) -> None:
        """Out of it."""
        self.query_depth -= 1
        self.leave()

    def shown(self) -> str:
        """The next token as messages show it."""
        return self.texts[self.at][:60] or "<EOF>"

    def mismatch(self, expecting: str) -> NoReturn:
        """The next token is not what the grammar wants here."""
        self.fail(f"mismatched input '{self.shown()}' expecting {expecting}")

    def fail(self, message: str, at: int | None = None) -> NoReturn:
        """Raises with `message` at the next token, or at offset `at`."""
        raise query_error(self.text, self.start() if at is None else at, message, self.LANGUAGE)
