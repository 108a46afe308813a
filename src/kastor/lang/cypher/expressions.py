"""Expressions by precedence climbing.

Loosest first: OR, XOR, AND, NOT, comparison, text tests with IN and IS NULL, ``+ -``, ``* / %``,
``^``, sign, access.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import ClassVar

from kastor.lang.cursor import Cursor, ParseLimits
from kastor.lang.cypher import tree
from kastor.lang.cypher.tokens import LANGUAGE, name_of, tokenize, unquote
from kastor.lang.cypher.words import RESERVED
from kastor.lang.tokens import ESCAPED, NUMBER, STRING, WORD
from kastor.types import override

_OR, _XOR, _AND, _NOT, _COMPARE, _TEST, _ADD, _TIMES, _POWER, _SIGN = range(1, 11)
_BINDING = {
    "OR": _OR,
    "XOR": _XOR,
    "AND": _AND,
    **dict.fromkeys(("=", "<>", "<", ">", "<=", ">="), _COMPARE),
    **dict.fromkeys(("STARTS", "ENDS", "CONTAINS", "IN", "IS", "=~"), _TEST),
    **dict.fromkeys(("+", "-"), _ADD),
    **dict.fromkeys(("*", "/", "%"), _TIMES),
    "^": _POWER,
}
_MOST_NESTING = 60
_INT64 = 2**63
_SYSTEM = "$"
_QUANTIFIERS = frozenset({"ANY", "ALL", "NONE", "SINGLE"})


class ExpressionReader(Cursor):
    """Reads values and conditions, which are one here."""

    LANGUAGE: ClassVar = LANGUAGE

    def __init__(self, text: str, limits: ParseLimits) -> None:
        super().__init__(text, limits, tokenize(text))

    @override
    def enter(self) -> None:
        """One level deeper; what is bound later takes more of Python's stack for each."""
        self.depth += 1
        if self.depth > _MOST_NESTING:
            self.fail(f"nested deeper than {_MOST_NESTING} levels")

    @override
    def is_name(self, ahead: int = 0) -> bool:
        """Whether an identifier stands here; a reserved word is none."""
        index = self.at + ahead
        if index >= len(self.kinds):
            return False
        kind = self.kinds[index]
        if kind == WORD:
            return self.keys[index] not in RESERVED and self.texts[index][0] != _SYSTEM
        return kind == ESCAPED

    def identifier(self, what: str) -> tree.Name:
        """A name, which the message calls `what`."""
        if not self.is_name():
            hint = ""
            if self.kinds[self.at] == WORD and self.keys[self.at] in RESERVED:
                hint = f"; a reserved word stands in backticks: `{self.texts[self.at]}`"
            self.mismatch(f"{what}{hint}")
        return self.any_word()

    def any_word(self) -> tree.Name:
        """The word or name in backticks that is known to stand here, reserved or not."""
        index = self.at
        self.at += 1
        word, start = self.texts[index], self.starts[index]
        name = name_of(self.kinds[index], word)
        if not name:
            self.fail("a name has at least one character", start)
        return tree.Name(name, (start, start + len(word)))

    def schema_name(self, what: str) -> tree.Name:
        """A label or a type: any word but one with a dollar sign, reserved or not."""
        plain = self.kinds[self.at] == WORD and self.texts[self.at][0] != _SYSTEM
        if not plain and self.kinds[self.at] != ESCAPED:
            self.mismatch(what)
        return self.any_word()

    def member_name(self) -> str:
        """The name of a property: any word, one with a dollar sign too."""
        if self.kinds[self.at] not in (WORD, ESCAPED):
            self.mismatch("the name of a property")
        return self.any_word().text

    def expression(self, least: int = _OR) -> tree.Expression:
        """An expression whose operators bind at least as tight as `least`."""
        start = self.start()
        left = self._prefix(least)
        while True:
            key = self.keys[self.at]
            binding = _BINDING.get(key, 0)
            if self.kinds[self.at] == ESCAPED or binding < max(least, 1):
                return left
            if binding in (_OR, _AND):
                left = self._joined(left, key, binding, start)
            elif binding == _COMPARE:
                left = self._compared(left, start)
            elif binding == _TEST:
                left = self._tested(left, key, start)
            else:
                self.count_operation(self.start())
                self.at += 1
                right = self.expression(binding + 1)
                span = self.span(start)
                if binding == _XOR:
                    left = tree.Xor(left, right, span)
                else:
                    left = tree.Arithmetic(key, left, right, span)

    def _joined(self, left: tree.Expression, key: str, binding: int, start: int) -> tree.Expression:
        """Terms with AND, or with OR, between them."""
        node = tree.And if key == "AND" else tree.Or
        terms = list(left.terms) if isinstance(left, node) else [left]
        while self.take(key):
            self.terms += 1
            if self.terms > self.limits.max_terms:
                self.fail(f"more than {self.limits.max_terms} AND and OR (limit max_terms)")
            self.operations = 0
            right = self.expression(binding + 1)
            terms += right.terms if isinstance(right, node) else [right]
        return node(tuple(terms), self.span(start))

    def _compared(self, left: tree.Expression, start: int) -> tree.Expression:
        """``a < b``, and ``a < b < c``, which is ``a < b AND b < c``."""
        found: list[tree.Expression] = []
        while _BINDING.get(self.keys[self.at]) == _COMPARE:
            op = self.keys[self.at]
            self.count_operation(self.start())
            self.at += 1
            right = self.expression(_TEST)
            found.append(tree.Comparison(op, left, right, self.span(start)))
            left = right
        return found[0] if len(found) == 1 else tree.And(tuple(found), self.span(start))

    def _tested(self, left: tree.Expression, key: str, start: int) -> tree.Expression:
        self.count_operation(self.start())
        self.at += 1
        if key == "=~":
            self.fail(
                "=~ is not in the subset: regular expressions cannot be bounded; use STARTS WITH,"
                " ENDS WITH or CONTAINS",
                self.starts[self.at - 1],
            )
        if key == "IS":
            negated = self.take("NOT")
            self.expect("NULL", "NULL or NOT NULL")
            return tree.NullTest(left, negated, self.span(start))
        if key == "IN":
            return tree.Membership(left, self.expression(_ADD), self.span(start))
        if key != "CONTAINS":
            self.expect("WITH")
            key = f"{key} WITH"
        return tree.TextTest(key, left, self.expression(_ADD), self.span(start))

    def _prefix(self, least: int) -> tree.Expression:
        start, key = self.start(), self.keys[self.at]
        if self.kinds[self.at] == WORD and key == "NOT":
            if least > _NOT:
                self.mismatch("a value")
            self.at += 1
            self.enter()
            inner = self.expression(_NOT)
            self.leave()
            return tree.Not(inner, self.span(start))
        if key in {"-", "+"}:
            self.at += 1
            if key == "-" and self.kinds[self.at] == NUMBER:
                return self._accessed(tree.Literal(self._number(-1), self.span(start)), start)
            self.count_operation(start)
            self.enter()
            inner = self.expression(_SIGN)
            self.leave()
            return inner if key == "+" else tree.Negative(inner, self.span(start))
        return self._accessed(self._atom(start, key), start)

    def _accessed(self, base: tree.Expression, start: int) -> tree.Expression:
        """``.name``, ``['name']``, ``[0]`` and ``[0..1]``, any number; labels behind a variable."""
        steps = 0
        while self.keys[self.at] in {".", "["}:
            steps += 1
            if steps > self.limits.max_steps:
                self.fail(f"a path may have {self.limits.max_steps} steps", start)
            if self.take("."):
                base = tree.MemberOf(base, self.member_name(), self.span(start))
                continue
            base = self._indexed(base, start)
        if self.keys[self.at] == ":" and isinstance(base, tree.Variable):
            labels = self.labels()
            return tree.Labelled(tree.Name(base.name, base.span), labels, self.span(start))
        return base

    def _indexed(self, base: tree.Expression, start: int) -> tree.Expression:
        """What stands in brackets behind a value."""
        self.expect("[")
        if self.kinds[self.at] == STRING and self.key(1) == "]":
            name = self.text_value()
            self.expect("]")
            return tree.MemberOf(base, name, self.span(start))
        self.enter()
        low = None if self.keys[self.at] == ".." else self.expression()
        if self.take(".."):
            high = None if self.keys[self.at] == "]" else self.expression()
            self.leave()
            self.expect("]")
            return tree.SliceOf(base, low, high, self.span(start))
        self.leave()
        self.expect("]", "']' or '..'")
        if low is None:
            raise AssertionError("neither an index nor a slice")
        return tree.ItemOf(base, low, self.span(start))

    def _case(self, start: int) -> tree.Case:
        """Both forms; what is tested of each branch is bounded like terms of AND and OR."""
        self.at += 1
        self.enter()
        subject = None if self.keys[self.at] == "WHEN" else self.expression()
        branches: list[tuple[tree.Expression, tree.Expression]] = []
        while self.take("WHEN"):
            self.terms += 1
            if self.terms > self.limits.max_terms:
                self.fail(f"more than {self.limits.max_terms} WHEN (limit max_terms)")
            test = self._item()
            self.expect("THEN")
            branches.append((test, self._item()))
        if not branches:
            self.mismatch("WHEN")
        otherwise = self._item() if self.take("ELSE") else None
        self.leave()
        self.expect("END", "WHEN, ELSE or END")
        return tree.Case(subject, tuple(branches), otherwise, self.span(start))

    def labels(self) -> tuple[tree.Name, ...]:
        """``:A:B``, none or more."""
        found: list[tree.Name] = []
        while self.take(":"):
            found.append(self.schema_name("a label"))
            self.require_room(len(found), self.limits.max_keys, "labels")
            if self.keys[self.at] in {"|", "&", "!", "%"}:
                self.fail("labels are joined by ':' alone, which means AND; use OR in WHERE")
        return tuple(found)

    def text_value(self) -> str:
        """The value of the string that is known to stand here."""
        index = self.at
        self.at += 1
        return unquote(self.text, self.texts[index], self.starts[index])

    def _atom(self, start: int, key: str) -> tree.Expression:
        kind = self.kinds[self.at]
        if kind == STRING:
            return tree.Literal(self.text_value(), self.span(start))
        if kind == NUMBER:
            return tree.Literal(self._number(1), self.span(start))
        if key == "[":
            return self._list()
        if key == "{":
            return self.map_of()
        if key == "(":
            return self._parenthesis()
        if kind == WORD:
            return self._word(start, key)
        if kind == ESCAPED:
            name = self.any_word()
            return tree.Variable(name.text, name.span)
        return self.mismatch("a value or a condition")

    def _word(self, start: int, key: str) -> tree.Expression:
        if self.texts[self.at][0] == _SYSTEM:
            return self.dollar_value()
        if key in {"TRUE", "FALSE"}:
            self.at += 1
            return tree.Literal(key == "TRUE", self.span(start))
        if self.take("NULL"):
            return tree.Literal(None, self.span(start))
        if key == "EXISTS" and self.key(1) == "{":
            return self.exists()
        if key == "CASE":
            return self._case(start)
        if key in _QUANTIFIERS and self.key(1) == "(" and self.key(3) == "IN":
            return self._quantifier(start)
        if key == "REDUCE" and self.key(1) == "(":
            self.fail("reduce is not in the subset")
        if key in {"COUNT", "COLLECT"} and self.key(1) == "{":
            self.fail(f"{key} {{ }} is not in the subset; EXISTS {{ }} is")
        if self.key(1) == "(" or (self.key(1) == "." and self._is_prefixed()):
            return self._call(start)
        name = self.identifier("a value or a condition")
        return tree.Variable(name.text, name.span)

    def dollar_value(self) -> tree.Parameter:
        """The parameter that is known to stand here."""
        index = self.at
        self.at += 1
        name = self.texts[index][1:]
        if not name:
            self.mismatch("the name of a parameter after $")
        return tree.Parameter(name, self.span(self.starts[index]))

    def _is_prefixed(self) -> bool:
        """Whether ``prefix.function(`` stands here, as clients of another server write."""
        return self.is_name() and self.kinds[self.at + 2] == WORD and self.key(3) == "("

    def _call(self, start: int) -> tree.Expression:
        name = self.any_word().text
        if self.take("."):
            name = f"{name}.{self.any_word().text}"
        self.expect("(")
        self.count_operation(start)
        if self.keys[self.at] == "*":
            self.at += 1
            self.expect(")")
            if name.lower() != "count":
                self.fail(f"only count takes *, not {name}", start)
            return tree.Call("count", (), whole=True, span=self.span(start))
        distinct = self.take("DISTINCT")
        args: list[tree.Expression] = []
        self.enter()
        if self.keys[self.at] != ")":
            args.append(self.expression())
            while self.take(","):
                args.append(self.expression())
        self.leave()
        self.expect(")", "',' or ')'")
        return tree.Call(name, tuple(args), distinct, span=self.span(start))

    def _list(self) -> tree.ListOf | tree.Comprehension | tree.Matches:
        start = self.expect("[")
        if self.is_pattern(2 if self.is_name() and self.key(1) == "=" else 0):
            return self.matches(start)
        if self.is_name() and self.key(1) == "IN":
            return self._comprehension(start)
        self.enter()
        items: list[tree.Expression] = []
        if self.keys[self.at] != "]":
            items.append(self._item())
            while self.take(","):
                items.append(self._item())
                if len(items) > self.limits.max_list:
                    self.fail(f"more than {self.limits.max_list} values in a list (limit max_list)")
        self.leave()
        self.expect("]", "',' or ']'")
        return tree.ListOf(tuple(items), self.span(start))

    def _comprehension(self, start: int) -> tree.Comprehension:
        self.enter()
        variable, values = self._each()
        where = self._item() if self.take("WHERE") else None
        item = self._item() if self.take("|") else None
        self.leave()
        self.expect("]", "WHERE, '|' or ']'")
        return tree.Comprehension(variable, values, where, item, self.span(start))

    def _each(self) -> tuple[tree.Name, tree.Expression]:
        """``variable IN values``."""
        variable = self.identifier("the name of an element")
        self.expect("IN")
        return variable, self._item()

    def _quantifier(self, start: int) -> tree.Quantifier:
        name = self.any_word().text.lower()
        self.expect("(")
        self.enter()
        variable, values = self._each()
        self.expect("WHERE")
        where = self._item()
        self.leave()
        self.expect(")")
        return tree.Quantifier(name, variable, values, where, self.span(start))

    def _item(self) -> tree.Expression:
        self.operations = 0
        return self.expression()

    def map_of(self) -> tree.MapOf:
        """``{name: value}``."""
        start = self.expect("{")
        self.enter()
        entries: list[tuple[str, tree.Expression]] = []
        while self.keys[self.at] != "}":
            if entries:
                self.expect(",", "',' or '}'")
            name = self.member_name()
            self.expect(":")
            entries.append((name, self._item()))
            self.require_room(len(entries), self.limits.max_columns, "members of a map")
        self.leave()
        self.expect("}")
        return tree.MapOf(tuple(entries), self.span(start))

    def _parenthesis(self) -> tree.Expression:
        if self.is_pattern():
            return self.pattern_condition()
        self.at += 1
        self.enter()
        found = self.expression()
        self.leave()
        self.expect(")")
        return found

    def _number(self, sign: int) -> int | float:
        """Integers of 64 bits are exact, larger ones are refused; every other is a double."""
        text = self.texts[self.at]
        self.at += 1
        value: int | float
        if text[:2].lower() in {"0x", "0o"}:
            value = sign * int(text, 0)
        elif text.isdigit():
            if len(text) > 40:  # noqa: PLR2004 - no integer of 64 bits, and int() is slow
                self.fail(f"the integer {text[:40]}.. is out of range", self.starts[self.at - 1])
            value = sign * int(text)
        else:
            value = sign * float(text) + 0.0  # -0.0 becomes 0.0
        at = self.starts[self.at - 1]
        if isinstance(value, int) and not -_INT64 <= value < _INT64:
            self.fail(f"the integer {text[:40]} is out of range", at)
        if math.isinf(value):
            self.fail(f"the number {text[:40]} is out of range", at)
        return value

    @abstractmethod
    def is_pattern(self, ahead: int = 0) -> bool:
        """Whether a pattern begins with a parenthesis that stands here, or so far ahead."""

    @abstractmethod
    def matches(self, start: int) -> tree.Matches:
        """``pattern WHERE test | item]`` behind the bracket."""

    @abstractmethod
    def pattern_condition(self) -> tree.Expression:
        """A pattern where a condition stands."""

    @abstractmethod
    def exists(self) -> tree.Expression:
        """``EXISTS { pattern }``."""
