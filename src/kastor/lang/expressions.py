"""Conditions and values: precedence climbing with bounded depth.

From tight to loose: unary minus, ``* / %``, ``+ -``, comparison and IN, NOT, AND, OR
(query-language 6). A condition is no operand of a comparison and a value is no condition.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import NoReturn

from kastor.lang import ast
from kastor.lang.cursor import Cursor
from kastor.lang.tokens import NUMBER, STRING, WORD
from kastor.lang.words import (
    AGGREGATES,
    CONDITIONS,
    FUNCTIONS,
    SCALARS,
    TEXT_TESTS,
    TYPE_TESTS,
    suggestion,
)

_OR, _AND, _NOT, _COMPARE, _ADD, _MULTIPLY, _UNARY = 1, 2, 3, 4, 5, 6, 7
_BINDING = {
    "OR": _OR,
    "AND": _AND,
    "=": _COMPARE,
    "!=": _COMPARE,
    "<": _COMPARE,
    ">": _COMPARE,
    "<=": _COMPARE,
    ">=": _COMPARE,
    "IN": _COMPARE,
    "NIN": _COMPARE,
    "NOT": _COMPARE,
    "LIKE": _COMPARE,
    "BETWEEN": _COMPARE,
    "IS": _COMPARE,
    "+": _ADD,
    "-": _ADD,
    "*": _MULTIPLY,
    "/": _MULTIPLY,
    "%": _MULTIPLY,
}
_SET_TESTS = frozenset({"NOT", "NIN", "IN", "LIKE", "BETWEEN", "IS"})
_INT64 = 2**63
_SHOWN = 60


class Expressions(Cursor, ABC):
    """Adds expressions to the cursor; patterns and queries inside them are of the layers above."""

    def condition(self) -> ast.Condition:
        """A whole condition."""
        start = self.start()
        found = self.expression(0)
        return self.as_condition(found, start)

    def scalar(self) -> ast.Scalar:
        """A value: path, literal, or in the superset arithmetic and calls."""
        start = self.start()
        return self.as_scalar(self.expression(_ADD), start)

    def expression(self, least: int) -> ast.Expression:
        """Everything that binds at least as tight as `least`.

        Few frames per level, because Python's own stack is what nesting must not exhaust.
        """
        start = self.start()
        left = self._prefix(least)
        while True:
            key = self.keys[self.at]
            binding = _BINDING.get(key, 0)
            if binding == 0 or binding < least:
                return left
            if binding <= _AND:
                terms = [self.as_condition(left, start)]
                while self.keys[self.at] == key:
                    self._count_term()
                    after = self.start()
                    terms.append(self.as_condition(self.expression(binding + 1), after))
                kind = ast.And if key == "AND" else ast.Or
                left = kind(tuple(terms), self.span(start))
            elif key in _SET_TESTS:
                if key == "NOT" and self.key(1) not in {"IN", "LIKE", "BETWEEN"}:
                    return left
                left = self._set_test(self.as_scalar(left, start), start)
            else:
                left = self._binary(key, binding, self.as_scalar(left, start), start)

    def _binary(self, key: str, binding: int, left: ast.Scalar, start: int) -> ast.Expression:
        """A comparison or an arithmetic operator, after its left side."""
        self.at += 1
        after = self.start()
        if binding == _COMPARE:
            if self.texts[self.at - 1] == "==":
                self.synonym("==", "write =", self.starts[self.at - 1])
            right = self.as_scalar(self.expression(_ADD), after)
            return ast.Comparison(key, left, right, self.span(start))
        self.extend("arithmetic", self.starts[self.at - 1])
        self.count_operation(self.starts[self.at - 1])
        right = self.as_scalar(self.expression(binding + 1), after)
        return ast.Arithmetic(key, left, right, self.span(start))

    def _count_term(self) -> None:
        """Moves past an AND or OR, if there may be one more."""
        self.terms += 1
        if self.terms > self.limits.max_terms:
            self.fail(f"more than {self.limits.max_terms} AND and OR (limit max_terms)")
        self.operations = 0
        self.at += 1

    def as_condition(self, found: ast.Expression, start: int) -> ast.Condition:
        """`found`, if it can be true or false."""
        if isinstance(found, ast.SCALAR_NODES):
            self.fail("a value is not a condition; compare it, for example with = true", start)
        return found

    def as_scalar(self, found: ast.Expression, start: int) -> ast.Scalar:
        """`found`, if it is a value."""
        if not isinstance(found, ast.SCALAR_NODES):
            self.fail("a condition cannot be used as a value here", start)
        return found

    def _prefix(self, least: int) -> ast.Expression:
        # Branches because NOT and parentheses are read here: in functions of their own each level
        # of nesting would take half as much again of Python's stack.
        start = self.start()
        key = self.keys[self.at]
        if key == "NOT":
            if least > _NOT:
                self.mismatch("a value")
            self.at += 1
            self.enter()
            after = self.start()
            inner = self.as_condition(self.expression(_NOT), after)
            self.depth -= 1
            return ast.Not(inner, self.span(start))
        if key == "(":
            self.at += 1
            self.enter()
            found = self.expression(0)
            self.depth -= 1
            self.expect(")")
            if isinstance(found, ast.SCALAR_NODES):
                self.extend("arithmetic", start)
            return found
        if self.kinds[self.at] == WORD and self.keys[self.at + 1] == "(":
            return self._call()
        if key == "EXISTS" and self.key(1) == "{":
            return self.exists()
        if key == "-":
            return self._negative()
        if key == "!":
            return self._exclamation()
        literal = self._literal()
        if literal is not None:
            return literal
        dollar = self.texts[self.at][:1] == "$"
        if dollar and self.is_parameter() and self.key(1) not in {".", "["}:
            return self.dollar()
        return self.path("a condition or a value")

    def _exclamation(self) -> ast.Condition:
        """``!`` before a test or a parenthesis, as other languages write NOT."""
        start = self.expect("!")
        self.synonym("!", "write NOT", start)
        if self.keys[self.at] not in {"(", "!", "EXISTS"} and self.key(1) != "(":
            self.mismatch("a test or '(' after '!'; write NOT before a comparison")
        self.enter()
        after = self.start()
        inner = self.as_condition(self.expression(_UNARY), after)
        self.leave()
        return ast.Not(inner, self.span(start))

    def _negative(self) -> ast.Scalar:
        start = self.expect("-")
        if self.kinds[self.at] == NUMBER:
            return ast.Literal(self._number(-1), self.span(start))
        self.extend("arithmetic", start)
        self.count_operation(start)
        self.enter()
        after = self.start()
        operand = self.as_scalar(self.expression(_UNARY), after)
        self.leave()
        return ast.Negative(operand, self.span(start))

    def _literal(self) -> ast.Literal | None:
        """The literal that stands here, if one does."""
        start = self.start()
        kind, key = self.kinds[self.at], self.keys[self.at]
        if kind == STRING:
            return ast.Literal(self.string(), self.span(start))
        if kind == NUMBER:
            return ast.Literal(self._number(1), self.span(start))
        if key in {"TRUE", "FALSE"}:
            self.at += 1
            return ast.Literal(key == "TRUE", self.span(start))
        if self.take("NULL"):
            return ast.Literal(None, self.span(start))
        return None

    def _number(self, sign: int) -> int | float:
        """Integers of 64 bits are exact; every other number is a double, as stored ones are."""
        text = self.texts[self.at]
        if text.isdigit() and len(text) < 20:  # noqa: PLR2004 - more digits never fit
            whole = sign * int(text)
            if -_INT64 <= whole < _INT64:
                self.at += 1
                return whole
        value = sign * float(text) + 0.0  # -0.0 becomes 0.0
        if math.isinf(value):
            self.fail(f"the number {text[:40]} is out of range")
        self.at += 1
        return value

    def _set_test(self, operand: ast.Scalar, start: int) -> ast.Condition:
        """``[NOT] IN``, ``NIN``, ``[NOT] LIKE`` and ``[NOT] BETWEEN`` after their operand."""
        if self.keys[self.at] == "IS":
            self._is_null(start)
        negated = self.take("NOT")
        if self.keys[self.at] == "BETWEEN":
            between = self._between(operand, start)
            return ast.Not(between, self.span(start)) if negated else between
        if self.take("LIKE"):
            return self._like(operand, start, negated)
        negated = self.take("NIN") or negated
        if not negated or self.keys[self.at] == "IN":
            self.expect("IN")
        if self.keys[self.at] == "(":
            self.extend("IN (SELECT ..)")
            query = self.subquery()
            return ast.InQuery(operand, query, negated, self.span(start))
        if self.is_parameter():
            return ast.Membership(operand, self.parameter(), negated, self.span(start))
        values = self._list()
        return ast.Membership(operand, values, negated, self.span(start))

    def _like(self, operand: ast.Scalar, start: int, negated: bool) -> ast.Condition:
        self.extend("LIKE", start)
        if self.is_parameter():
            return ast.Like(operand, self.parameter(), negated, self.span(start))
        if not self.is_string():
            self.mismatch("a string with % and _ as wild cards")
        return ast.Like(operand, self.string(), negated, self.span(start))

    def _list(self) -> tuple[ast.Literal | ast.Parameter, ...]:
        self.expect("[", "'[' and a list of literals")
        values = [self._value()]
        while self.take(","):
            values.append(self._value())
            if len(values) > self.limits.max_list:
                self.fail(f"more than {self.limits.max_list} values in a list (limit max_list)")
        self.expect("]", "',' or ']'")
        return tuple(values)

    def _between(self, operand: ast.Scalar, start: int) -> ast.Condition:
        """``BETWEEN low AND high``: both ends belong to it."""
        self.synonym("BETWEEN", "write x >= low AND x <= high", self.expect("BETWEEN"))
        after = self.start()
        low = self.as_scalar(self.expression(_ADD), after)
        if self.keys[self.at] != "AND":
            self.mismatch("AND and the upper end of BETWEEN")
        operations = self.operations
        self._count_term()
        self.operations = operations
        after = self.start()
        high = self.as_scalar(self.expression(_ADD), after)
        span = self.span(start)
        ends = ast.Comparison(">=", operand, low, span), ast.Comparison("<=", operand, high, span)
        return ast.And(ends, span)

    def _is_null(self, start: int) -> NoReturn:
        """``IS NULL`` has two meanings here, and none is more likely."""
        subject = self.text[start : self.starts[self.at - 1] + len(self.texts[self.at - 1])]
        negated = "NOT " if self.key(1) == "NOT" else ""
        shown = subject if len(subject) <= _SHOWN and "\n" not in subject else "x"
        defined = f"{'' if negated else 'NOT '}IS_DEFINED({shown})"
        self.fail(
            f"there is no IS {negated}NULL; write {defined} for what is {negated.lower()}missing,"
            f" {negated}IS_NULL({shown}) for {'any other value than ' if negated else 'a '}null"
        )

    def _value(self) -> ast.Literal | ast.Parameter:
        start = self.start()
        if self.take("-"):
            if self.kinds[self.at] != NUMBER:
                self.mismatch("a number after '-'")
            return ast.Literal(self._number(-1), self.span(start))
        literal = self._literal()
        if literal is None and self.is_parameter():
            return self.parameter()
        if literal is None:
            self.mismatch("a literal")
        return literal

    def _call(self) -> ast.Expression:
        key, start = self.keys[self.at], self.start()
        if key in TYPE_TESTS:
            self.at += 2
            operand = self.path()
            self.expect(")")
            return ast.TypeTest(key, operand, self.span(start))
        if key in TEXT_TESTS:
            return self._text_test(TEXT_TESTS[key])
        if key == "IS_OF_MODEL":
            return self._of_model()
        if key == "ARRAY_CONTAINS":
            self.at += 2
            array = self.path()
            self.expect(",")
            value = self.scalar()
            self.expect(")")
            return ast.ArrayContains(array, value, self.span(start))
        if key in AGGREGATES:
            return self.aggregate()
        if key in SCALARS:
            return self._scalar_call(key)
        if key in CONDITIONS:
            return self._within()
        if key == "EXISTS":
            self.fail(
                "EXISTS takes a pattern in braces, EXISTS { (T)-[:name]->(x) WHERE .. };"
                " for values of another query write x IN (SELECT ..)"
            )
        return self.fail(f"unknown function '{self.shown()}'.{suggestion(key, FUNCTIONS)}")

    def _text_test(self, name: str) -> ast.TextTest:
        start = self.start()
        self.at += 2
        self.enter()
        subject = self.scalar()
        self.expect(",")
        part = self.scalar()
        self.leave()
        ignore = False
        if self.take(","):
            self.extend("ignore-case argument")
            if self.keys[self.at] not in {"TRUE", "FALSE"}:
                self.mismatch("true or false (whether to ignore letter case)")
            ignore = self.take("TRUE") or not self.take("FALSE")
        self.expect(")")
        return ast.TextTest(name, subject, part, ignore, self.span(start))

    def _of_model(self) -> ast.OfModel:
        start = self.start()
        self.at += 2
        alias = None
        follows = self.key(1) == "," and (self.is_parameter(2) or self.key(2) == STRING)
        if not self.is_string() and (follows or not self.is_parameter()):
            alias = self.name("an alias or a model id in quotes")
            self.expect(",")
        if not self.is_string() and not self.is_parameter():
            self.mismatch("a model id in quotes")
        model = self.parameter() if self.is_parameter() else self.string()
        exact = False
        if self.take(","):
            self.expect("EXACT", "EXACT")
            exact = True
        self.expect(")")
        return ast.OfModel(alias, model, exact, self.span(start))

    def _scalar_call(self, name: str) -> ast.Call:
        start = self.start()
        self.extend(f"{name}()")
        self.count_operation(start)
        self.at += 2
        self.enter()
        args: list[ast.Scalar] = []
        if self.keys[self.at] != ")":
            args.append(self.scalar())
            while self.take(","):
                args.append(self.scalar())
        self.leave()
        self.expect(")", "',' or ')'")
        least, most = SCALARS[name]
        if not least <= len(args) <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            self.fail(f"{name} takes {wanted} arguments, not {len(args)}", start)
        return ast.Call(name, tuple(args), self.span(start))

    def aggregate(self) -> ast.Aggregate:
        """``COUNT()`` or in the superset any aggregate with an argument."""
        name, start = self.keys[self.at], self.start()
        self.at += 1
        self.expect("(")
        if name == "COUNT" and self.take(")"):
            return ast.Aggregate("COUNT", None, distinct=False, span=self.span(start))
        if name == "COUNT" and self.key() == "*" and self.key(1) == ")":
            self.synonym("COUNT(*)", "write COUNT()", start)
            self.at += 2
            return ast.Aggregate("COUNT", None, distinct=False, span=self.span(start))
        self.extend(f"{name}(x)", start)
        self.enter()
        distinct = self.key() == "DISTINCT" and self.is_name(1) and self.take("DISTINCT")
        argument = self.scalar()
        self.leave()
        self.expect(")")
        return ast.Aggregate(name, argument, distinct, self.span(start))

    def _within(self) -> ast.Within:
        start = self.start()
        self.extend("ST_WITHIN()")
        self.at += 2
        self.enter()
        point = self.scalar()
        self.expect(",")
        area = self.scalar()
        self.leave()
        self.expect(")")
        return ast.Within(point, area, self.span(start))

    @abstractmethod
    def exists(self) -> ast.Condition:
        """``EXISTS { pattern }``."""

    @abstractmethod
    def subquery(self) -> ast.Query:
        """``(SELECT ..)``."""
