"""Reads the route filter language (events 2.2) into a tree.

::

    filter     = or
    or         = and { OR and }
    and        = term { AND term }
    term       = NOT term | "(" or ")" | "true" | "false" | comparison | call | changed
    comparison = operand ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) operand
    call       = ( STARTS_WITH | ENDS_WITH | CONTAINS ) "(" operand "," operand ")"
    changed    = CHANGED "(" ( name { "." name } | string that begins with "/" ) ")"
    operand    = name | "$" name | "$body" { "." name } | "$changed" "." name { "." name }
               | string | number | true | false | null

NOT, CHANGED and `$changed` go beyond ADT. Any bare word is an operand, as in ADT.
"""

from __future__ import annotations

from kastor.events import filter_tree as tree
from kastor.events.filter_tokens import (
    DOLLAR,
    END,
    NUMBER,
    STRING,
    WORD,
    FilterError,
    Token,
    error_at,
    string_value,
    tokenize,
    unexpected,
)
from kastor.events.patches import pointer_steps

MAX_NESTING = 50
SIGNS = frozenset({"=", "!=", "<", "<=", ">", ">="})
FUNCTIONS = frozenset({"STARTS_WITH", "ENDS_WITH", "CONTAINS"})

_RESERVED = frozenset({"AND", "OR", "NOT"})
_LITERALS: dict[str, bool | None] = {"TRUE": True, "FALSE": False, "NULL": None}


def parse_tree(text: str) -> tree.Condition:
    """Return the tree of a filter.

    Raises:
        FilterError: the text is no filter; it names line and position.
    """
    parser = _Parser(text)
    condition = parser.alternatives()
    if parser.token.kind != END:
        raise parser.unexpected()
    return condition


class _Parser:
    """Goes through the tokens from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokenize(text)
        self._at = 0
        self._depth = 0

    @property
    def token(self) -> Token:
        return self._tokens[self._at]

    def unexpected(self) -> FilterError:
        return unexpected(self._text, self.token.start, self.token.text)

    def alternatives(self) -> tree.Condition:
        terms = [self._conjunction()]
        while self._take("OR"):
            terms.append(self._conjunction())
        return terms[0] if len(terms) == 1 else tree.Or(tuple(terms))

    def _conjunction(self) -> tree.Condition:
        terms = [self._term()]
        while self._take("AND"):
            terms.append(self._term())
        return terms[0] if len(terms) == 1 else tree.And(tuple(terms))

    def _term(self) -> tree.Condition:
        key = self.token.key
        if key in ("NOT", "("):
            return self._nested(key)
        if self._tokens[min(self._at + 1, len(self._tokens) - 1)].key == "(":
            if key in FUNCTIONS:
                return self._call(key)
            if key == "CHANGED":
                return self._changed()
        return self._comparison()

    def _nested(self, key: str) -> tree.Condition:
        if self._depth == MAX_NESTING:
            raise error_at(self._text, self.token.start, f"Nested deeper than {MAX_NESTING} levels")
        self._depth += 1
        self._at += 1
        if key == "NOT":
            inner: tree.Condition = tree.Not(self._term())
        else:
            inner = self.alternatives()
            self._expect(")")
        self._depth -= 1
        return inner

    def _comparison(self) -> tree.Condition:
        left = self._operand()
        sign = self.token.key
        if sign in SIGNS:
            self._at += 1
            return tree.Comparison(sign, left, self._operand())
        if isinstance(left, tree.Literal) and isinstance(left.value, bool):
            return tree.Constant(left.value)
        raise self.unexpected()

    def _call(self, function: str) -> tree.Condition:
        self._at += 2
        text = self._operand()
        self._expect(",")
        part = self._operand()
        self._expect(")")
        return tree.Call(function, text, part)

    def _changed(self) -> tree.Condition:
        self._at += 2
        token = self.token
        if token.kind == STRING:
            pointer = string_value(token.text)
            if not pointer.startswith("/"):
                message = "CHANGED takes a property name or a string that begins with '/'"
                raise error_at(self._text, token.start, message)
            path = pointer_steps(pointer)
        elif token.kind in (WORD, DOLLAR):
            path = tuple(token.text.split("."))
        else:
            raise self.unexpected()
        self._at += 1
        self._expect(")")
        return tree.Changed(path)

    def _operand(self) -> tree.Operand:
        token = self.token
        operand: tree.Operand
        if token.kind == STRING:
            operand = tree.Literal(string_value(token.text))
        elif token.kind == NUMBER:
            operand = tree.Literal(_number(token.text))
        elif token.kind == DOLLAR:
            operand = self._dollar(token)
        elif token.kind != WORD or token.key in _RESERVED:
            raise self.unexpected()
        elif token.key in _LITERALS:
            operand = tree.Literal(_LITERALS[token.key])
        else:
            operand = tree.Attribute(self._undotted(token))
        self._at += 1
        return operand

    def _dollar(self, token: Token) -> tree.Operand:
        first, *path = token.text.split(".")
        if first == "$body":
            return tree.Body(tuple(path))
        if first == "$changed" and path:
            return tree.NewValue(tuple(path))
        return tree.Attribute(self._undotted(token))

    def _undotted(self, token: Token) -> str:
        # A path without `$body` would be undefined for ever: better an error, as in ADT's grammar.
        dot = token.text.find(".")
        if dot >= 0:
            raise unexpected(self._text, token.start + dot, token.text[dot:])
        return token.text

    def _take(self, key: str) -> bool:
        if self.token.key != key:
            return False
        self._at += 1
        return True

    def _expect(self, key: str) -> None:
        if not self._take(key):
            raise self.unexpected()


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)
