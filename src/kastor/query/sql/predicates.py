"""Conditions of a plan as SQL that is true exactly where the condition is.

False and NULL are the same here: the `negation` pass left no NOT above a leaf. Long AND and OR
chains are written as balanced trees, because engines bound the depth of an expression.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from kastor.query.kinds import RANKS, kind_of, kinds_of
from kastor.query.plan import (
    ALL_KINDS,
    Among,
    And,
    AnyOf,
    ArrayHas,
    Compare,
    Condition,
    Const,
    Doc,
    Exists,
    Field,
    In,
    InQuery,
    IsKind,
    Leaf,
    Not,
    OfModel,
    Or,
    Same,
    Scalar,
    Slot,
    TextTest,
    Truth,
    Value,
    Within,
)
from kastor.query.sql.paths import balanced
from kastor.query.sql.values import is_made
from kastor.storage.limits import MAX_BYTES, MAX_TEXT_WORK

if TYPE_CHECKING:
    from collections.abc import Callable

    from kastor.query.sql.values import Values

_STRUCTURES = frozenset({"array", "object"})
_SQL_OPERATORS = {"!=": "<>"}


class Predicates:
    """Writes conditions into one statement."""

    def __init__(
        self,
        values: Values,
        exists: Callable[[Exists], str],
        subquery: Callable[[InQuery], str],
    ) -> None:
        self.values = values
        self.dialect = values.dialect
        self._exists = exists
        self._subquery = subquery

    def sql(self, condition: Condition) -> str:
        """The condition, in parentheses where it needs them."""
        match condition:
            case And():
                return balanced([self.sql(term) for term in condition.terms], " AND ")
            case Or():
                return balanced([self.sql(term) for term in condition.terms], " OR ")
            case Truth():
                return "1 = 1" if condition.value else "1 = 0"
            case Not():
                raise AssertionError("the negation pass has not run")
            case _:
                return self.values.parameters.written(f"({self._leaf(condition)})")

    def _leaf(self, leaf: Leaf) -> str:
        # Branches because each kind of condition is written in its own way.
        match leaf:
            case Compare():
                return self._compare(leaf)
            case In():
                return self._in(leaf)
            case IsKind():
                return self._is_kind(leaf)
            case TextTest():
                return self._text_test(leaf)
            case ArrayHas():
                return self._array_has(leaf)
            case Same():
                return self._same(leaf)
            case Among():
                return self._among(leaf)
            case AnyOf():
                return self.values.over(leaf.array, lambda *array: self._any_of(leaf, array))
            case OfModel():
                keys = ", ".join(map(str, leaf.keys))
                return _negated(
                    f"{self.values.alias(leaf.source)}.model_key IN ({keys})", leaf.negated
                )
            case Within():
                both = [self.values.json(leaf.point), self.values.json(leaf.area)]
                test = f"{self.dialect.call('ST_WITHIN', both)} > 0"
                return f"NOT ({test})" if leaf.negated else test
            case Exists():
                return self._exists(leaf)
            case InQuery():
                return self._subquery(leaf)
            case _:
                assert_never(leaf)

    # Comparisons

    def _compare(self, leaf: Compare) -> str:
        if isinstance(leaf.right, Const):
            special = self._compare_constant(leaf.op, leaf.left, leaf.right)
            if special is not None:
                return special
        return self._compare_values(leaf.op, leaf.left, leaf.right)

    def _compare_constant(self, op: str, left: Value, const: Const) -> str | None:
        """May depend on the form of the value, see `kastor.query.forms`, and on no more."""
        value = const.value
        if isinstance(left, Field):
            return self._compare_field(op, left, const)
        if isinstance(left, Slot) and value is None:
            return f"{self.values.slot(left)[0]} = {RANKS['null']}"
        if not isinstance(left, Doc):
            return None
        doc, path = self.values.place(left)
        if value is None:
            return self.dialect.is_kind(doc, path, frozenset({"null"}))
        if isinstance(value, bool):
            return self._compare_boolean(op, self.dialect.boolean(doc, path), value)
        mark = self.values.compared(const)
        if isinstance(value, str):
            return self.dialect.compare_text(doc, path, op, value, mark)
        return self.dialect.compare_number(doc, path, op, value, mark)

    def _compare_field(self, op: str, field: Field, const: Const) -> str:
        if op == "=":
            text = self.values.text_of(const)
            by_key = self.values.key_match(field, [text])
            if by_key is not None:
                return by_key
            if field.name == "id":
                item = self.values.field(field)
                return self.dialect.in_texts(item, [text], self.values.parameters)
        mark = self.values.compared(const)
        return f"{self.values.field(field)} {_SQL_OPERATORS.get(op, op)} {mark}"

    def _compare_boolean(self, op: str, item: str, value: bool) -> str:
        return f"{item} {_SQL_OPERATORS.get(op, op)} {int(value)}"

    def _compare_values(self, op: str, left: Value, right: Value) -> str:
        """Two values whose kinds are known only row by row: one term per kind they share."""
        values, spelled = self.values, _SQL_OPERATORS.get(op, op)
        terms = []
        shared = kinds_of(left) & kinds_of(right)
        makes = (("number", values.number), ("string", values.text), ("boolean", values.boolean))
        for kind, make in makes:
            # Nothing is written for one side alone: engines refuse a parameter that is not used.
            first, second = (make(left), make(right)) if kind in shared else (None, None)
            if first is not None and second is not None:
                terms.append(f"({first} {spelled} {second})")
        if op in {"=", "!="} and isinstance(left, Doc) and isinstance(right, Doc):
            terms += self._compare_structures(op, values.place(left), values.place(right))
        elif op in {"=", "!="} and _STRUCTURES & shared and Slot in {type(left), type(right)}:
            terms.append(self._compare_grouped(op, left, right))
        return " OR ".join(terms) if terms else "1 = 0"

    def _compare_structures(
        self, op: str, left: tuple[str, str], right: tuple[str, str]
    ) -> list[str]:
        """Null, arrays and objects know only equality."""
        terms = []
        kinds = ("null", "array", "object") if op == "=" else ("array", "object")
        for kind in kinds:
            one = frozenset({kind})
            both = f"{self.dialect.is_kind(*left, one)} AND {self.dialect.is_kind(*right, one)}"
            if kind == "null":
                terms.append(f"({both})")
                continue
            same = self.dialect.same_json(left, right)
            terms.append(f"({both} AND {same if op == '=' else f'NOT {same}'})")
        return terms

    def _compare_grouped(self, op: str, left: Value, right: Value) -> str:
        """The same of arrays and objects above groups, where they are JSON texts."""
        tell = self.dialect.same if op == "=" else self.dialect.differ

        def told(first: tuple[str, str], second: tuple[str, str]) -> str:
            kinds = [
                " AND ".join(self.dialect.is_kind(*at, frozenset({kind})) for at in (first, second))
                for kind in sorted(_STRUCTURES)
            ]
            return f"(({kinds[0]}) OR ({kinds[1]})) AND {tell(first, second)}"

        return self.values.over(
            left, lambda *first: self.values.over(right, lambda *second: told(first, second))
        )

    def _same(self, leaf: Same) -> str:
        tell = self.dialect.differ if leaf.negated else self.dialect.same
        return self.values.over(
            leaf.left,
            lambda *left: self.values.over(leaf.right, lambda *right: tell(left, right)),
        )

    def _among(self, leaf: Among) -> str:
        """An element is the same; or all of them differ, of which null is sure only of none."""
        values = self.values

        def tell(array: tuple[str, str], value: tuple[str, str]) -> str:
            item, element = self.dialect.items(*array)
            if not leaf.negated:
                test = values.over_json(element, lambda *one: self.dialect.same(one, value))
                return f"EXISTS (SELECT 1 FROM {item} WHERE {test})"
            test = values.over_json(element, lambda *one: self.dialect.differ(one, value))
            kind = self.dialect.is_kind(*array, frozenset({"array"}))
            return f"{kind} AND NOT EXISTS (SELECT 1 FROM {item} WHERE ({test}) IS NOT TRUE)"

        return values.over(
            leaf.array, lambda *array: values.over(leaf.value, lambda *one: tell(array, one))
        )

    def _any_of(self, leaf: AnyOf, array: tuple[str, str]) -> str:
        item, one = self.dialect.items(*array)
        test = leaf.false if leaf.negated else leaf.true
        found = self.values.with_element(leaf.element, one, lambda: self.sql(test))
        if not leaf.negated:
            return f"EXISTS (SELECT 1 FROM {item} WHERE {found})"
        kind = self.dialect.is_kind(*array, frozenset({"array"}))
        return f"{kind} AND NOT EXISTS (SELECT 1 FROM {item} WHERE ({found}) IS NOT TRUE)"

    # Lists

    def _in(self, leaf: In) -> str:
        if isinstance(leaf.value, Field):
            return self._field_in(leaf.value, leaf)
        if isinstance(leaf.value, Doc):
            return self._in_place(*self.values.place(leaf.value), leaf)
        if is_made(leaf.value):
            return self.values.over(leaf.value, lambda doc, path: self._in_place(doc, path, leaf))
        terms = [self._compare(Compare("=", leaf.value, Const(value))) for value in leaf.values]
        found = balanced([f"({term})" for term in terms], " OR ")
        if not leaf.negated:
            return found
        return f"({self.defined(leaf.value)}) AND ({found}) IS NOT TRUE"

    def _in_place(self, doc: str, path: str, leaf: In) -> str:
        found = self._doc_in(doc, path, leaf.values)
        if not leaf.negated:
            return found
        defined = self.dialect.is_kind(doc, path, ALL_KINDS)
        return f"{defined} AND ({found}) IS NOT TRUE"

    def defined(self, value: Value) -> str:
        """Whether the value is there, of whatever kind."""
        match value:
            case Doc():
                return self.dialect.is_kind(*self.values.place(value), ALL_KINDS)
            case Const():
                return "1 = 1"
            case Slot():
                return f"{self.values.slot(value)[0]} > 0"
            case _ if is_made(value):
                return self.values.over(
                    value, lambda doc, path: self.dialect.is_kind(doc, path, ALL_KINDS)
                )
            case _:
                return (
                    " OR ".join(f"({sql}) IS NOT NULL" for sql in self._guarded(value)) or "1 = 0"
                )

    def _guarded(self, value: Value) -> list[str]:
        values = self.values
        made = (make(value) for make in (values.number, values.text, values.boolean))
        return [sql for sql in made if sql is not None]

    def _field_in(self, field: Field, leaf: In) -> str:
        texts = list(dict.fromkeys(v for v in leaf.values if isinstance(v, str) and "\0" not in v))
        item = self.values.field(field)
        if not texts:
            return f"{item} IS NOT NULL" if leaf.negated else "1 = 0"
        found = self.values.key_match(field, texts) if not leaf.negated else None
        found = found or self.dialect.in_texts(item, texts, self.values.parameters)
        return f"{item} IS NOT NULL AND NOT ({found})" if leaf.negated else found

    def _doc_in(self, doc: str, path: str, listed: tuple[Scalar, ...]) -> str:
        plain: list[float | str] = []
        booleans: set[bool] = set()
        terms = []
        for value in dict.fromkeys((kind_of(value), value) for value in listed):
            one = value[1]
            if isinstance(one, bool):
                booleans.add(one)
            elif one is None:
                terms.append(self.dialect.is_kind(doc, path, frozenset({"null"})))
            elif not (isinstance(one, str) and "\0" in one):
                plain.append(one)
        if plain:
            terms.append(self.dialect.among(doc, path, plain, self.values.parameters))
        item = self.dialect.boolean(doc, path)
        terms += [self._compare_boolean("=", item, value) for value in sorted(booleans)]
        return " OR ".join(terms) if terms else "1 = 0"

    # Tests

    def _is_kind(self, leaf: IsKind) -> str:
        if isinstance(leaf.value, Doc):
            doc, path = self.values.place(leaf.value)
            test = self.dialect.is_kind(doc, path, leaf.kinds)
        elif isinstance(leaf.value, Field):
            test = f"{self.values.field(leaf.value)} IS NOT NULL"
        elif isinstance(leaf.value, Slot):
            ranks = ", ".join(str(RANKS[kind]) for kind in sorted(leaf.kinds))
            test = f"{self.values.slot(leaf.value)[0]} IN ({ranks})"
        elif is_made(leaf.value):
            test = self.values.over(
                leaf.value, lambda doc, path: self.dialect.is_kind(doc, path, leaf.kinds)
            )
        else:
            terms = [f"({sql}) IS NOT NULL" for sql in self._guarded(leaf.value)]
            test = " OR ".join(terms) if terms else "1 = 1"
        return _negated(test, leaf.negated)

    def _text_test(self, leaf: TextTest) -> str:
        part = leaf.part.value if isinstance(leaf.part, Const) else None
        if leaf.name == "LIKE":
            return self._like(leaf, str(part))
        if isinstance(part, str) and not leaf.ignore_case and not leaf.negated:
            special = self._text_constant(leaf.name, leaf.subject, part)
            if special is not None:
                return special
        if "string" not in kinds_of(leaf.subject) & kinds_of(leaf.part):
            return "1 = 0"
        subject, second = self.values.text(leaf.subject), self.values.text(leaf.part)
        if subject is None or second is None:
            return "1 = 0"
        if leaf.ignore_case:
            subject = self.dialect.call("LOWER", [subject])
            second = self.dialect.call("LOWER", [second])
        size = len(part.encode()) if isinstance(part, str) else None
        test = self._searched(leaf.name, f"({subject})", f"({second})", size)
        return f"NOT ({test})" if leaf.negated else test

    def _like(self, leaf: TextTest, pattern: str) -> str:
        subject = self.values.text(leaf.subject)
        if subject is None:
            return "1 = 0"
        if "\0" in pattern:  # no stored text holds it, and the engines' patterns cannot
            return f"({subject}) IS NOT NULL" if leaf.negated else "1 = 0"
        parameters = self.values.parameters
        if _is_quick(len(pattern.encode())) and not self.dialect.interrupts_queries_only:
            test = self.dialect.like(f"({subject})", pattern, parameters)
        else:
            mark = self.values.text(Const(pattern)) or "NULL"
            like = self.dialect.like("a0", pattern, parameters)
            test = self.dialect.bounded(like, subject, mark)
        return f"NOT ({test})" if leaf.negated else test

    def _text_constant(self, name: str, subject: Value, part: str) -> str | None:
        """The forms that an index or a cheap test serves."""
        if isinstance(subject, Field):
            item = self.values.field(subject)
            if name == "STARTSWITH":
                return self.dialect.prefix(item, "", part, self.values.parameters)
            return self._searched(name, item, self.values.constant(part), len(part.encode()))
        if not isinstance(subject, Doc) or not subject.steps:
            return None
        doc, path = self.values.place(subject)
        if name == "STARTSWITH":
            return self.dialect.prefix(doc, path, part, self.values.parameters)
        text = self.dialect.raw_text(doc, path)
        if name == "CONTAINS" and not _is_quick(len(part.encode())):
            text = self.dialect.text(doc, path)
        test = self._searched(name, text, self.values.constant(part), len(part.encode()))
        return f"{test} AND {self.dialect.is_kind(doc, path, frozenset({'string'}))}"

    def _searched(self, name: str, subject: str, part: str, size: int | None) -> str:
        """The test; CONTAINS bounded unless it is known that its part has few bytes."""
        if name != "CONTAINS" or (size is not None and _is_quick(size)):
            return self._test(name, subject, part)
        return self.dialect.bounded(self.dialect.contains("a0", "a1"), subject, part)

    def _test(self, name: str, subject: str, part: str) -> str:
        if name == "STARTSWITH":
            return self.dialect.starts(subject, part)
        if name == "ENDSWITH":
            return self.dialect.ends(subject, part)
        return self.dialect.contains(subject, part)

    def _array_has(self, leaf: ArrayHas) -> str:
        return self.values.over(leaf.array, lambda *array: self._has(leaf, *array))

    def _has(self, leaf: ArrayHas, doc: str, path: str) -> str:
        item, number, text, boolean, null = self.dialect.elements(doc, path)
        terms = []
        for element, value in (
            (number, self.values.number(leaf.value)),
            (text, self.values.text(leaf.value)),
            (boolean, self.values.boolean(leaf.value)),
        ):
            if value is not None:
                terms.append(f"{element} = {value}")
        if "null" in kinds_of(leaf.value):
            terms.append(f"({null} AND {self._is_null(leaf.value)})")
        found = f"EXISTS (SELECT 1 FROM {item} WHERE {' OR '.join(terms) or '1 = 0'})"
        array = self.dialect.is_kind(doc, path, frozenset({"array"}))
        return f"{array} AND {'NOT ' if leaf.negated else ''}{found}"

    def _is_null(self, value: Value) -> str:
        if isinstance(value, Doc):
            return self.dialect.is_kind(*self.values.place(value), frozenset({"null"}))
        return self._is_kind(IsKind(value, frozenset({"null"})))


def _is_quick(size: int) -> bool:
    """Whether to look for that many bytes is quick in any text that there can be."""
    return size * MAX_BYTES <= MAX_TEXT_WORK


def _negated(test: str, negated: bool) -> str:
    # Not NOT: where a value is missing the test may be NULL, and so would be its negation.
    return f"({test}) IS NOT TRUE" if negated else test
