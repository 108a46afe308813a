"""The clauses of a query, around expressions and patterns; `parse` is the way in.

The base grammar is query-language 6. Words of the superset are recognised only where the base
grammar cannot go on, so that a query of the base language never changes its meaning.
"""

from __future__ import annotations

from dataclasses import replace

from kastor.lang import ast
from kastor.lang.cursor import DEFAULT_LIMITS, ParseLimits
from kastor.lang.patterns import Patterns
from kastor.lang.tokens import END, NUMBER, WORD
from kastor.lang.words import RESERVED, suggestion
from kastor.types import override

_COLLECTIONS = frozenset({"DIGITALTWINS", "RELATIONSHIPS", "MODELS"})


def parse(text: str, limits: ParseLimits = DEFAULT_LIMITS) -> ast.Query:
    """The tree of `text`.

    Raises:
        QueryError: with line, position and excerpt (query-language 4).
    """
    return Parser(text, limits).whole()


class Parser(Patterns):
    """Adds the clauses."""

    def whole(self) -> ast.Query:
        """The whole text: one query, perhaps a semicolon, then the end."""
        explain = self.key() == "EXPLAIN" and self.key(1) == "SELECT"
        if explain:
            self.extend("EXPLAIN")
            self.at += 1
        elif self.key() == "EXPLAIN" and self.key(1) == "ANALYZE":
            self.fail("EXPLAIN always runs the first page and tells its time; leave out ANALYZE")
        query = self._query()
        self.take(";")
        if self.keys[self.at] != END:
            self._stray()
        if not (explain or self.extensions or self.synonyms):
            return query
        return replace(
            query,
            explain=explain,
            extensions=tuple(self.extensions),
            synonyms=tuple(self.synonyms),
        )

    def _stray(self) -> None:
        """Something stands behind a complete query."""
        words = frozenset({"WHERE", "JOIN", "MATCH", "ORDER", "GROUP", "LIMIT", "OFFSET", "AND"})
        hint = suggestion(self.keys[self.at], words) if self.kinds[self.at] == WORD else ""
        self.fail(f"extraneous input '{self.shown()}' expecting <EOF>.{hint}")

    def _query(self) -> ast.Query:
        start = self.start()
        if not self.take("SELECT"):
            self.fail(f"missing SELECT at '{self.shown()}'")
        top = self._top()
        distinct = self._distinct()
        columns = self._columns(top)
        source = self._from()
        self.operations = 0
        where = self.condition() if self.take("WHERE") else None
        group = self._group()
        having = None
        if group and self.key() == "HAVING":
            self.at += 1
            self.operations = 0
            having = self.condition()
        order = self._order()
        limit, offset = self._window()
        return ast.Query(
            columns, source, where, top, distinct, group, having, order, limit, offset,
            span=self.span(start),
        )  # fmt: skip

    def _top(self) -> int | ast.Parameter | None:
        if not self.take("TOP"):
            return None
        if self.kinds[self.at] == NUMBER or self.is_parameter():
            return self.count("the number of rows")
        self.expect("(", "'(' and a number of rows")
        top = self.count("the number of rows")
        self.expect(")")
        return top

    def _distinct(self) -> bool:
        """DISTINCT is a property's name unless a column follows."""
        if self.key() != "DISTINCT" or not (self.is_name(1) or self.key(1) == "*"):
            return False
        self.extend("DISTINCT")
        self.at += 1
        return True

    def _columns(self, top: int | ast.Parameter | None) -> tuple[ast.Column, ...] | None:
        if self.take("*"):
            return None
        if self.keys[self.at] == "FROM" and top is not None:
            return None
        columns = [self._column()]
        while self.take(","):
            columns.append(self._column())
            self.require_room(len(columns), self.limits.max_columns, "columns")
        return tuple(columns)

    def _column(self) -> ast.Column:
        start = self.start()
        self.operations = 0
        value: ast.Expression
        plain = self.is_name() and self.key(1) in {",", "FROM", "AS", "."}
        if plain and self.texts[self.at][0] == "$" and self.key(1) != ".":
            plain = not self.is_parameter()
        before = self.at
        value = self.path() if plain else self._value_of_column(start)
        if plain and self.key() not in {",", "FROM", "AS"}:
            self.at = before
            value = self._value_of_column(start)
        alias = None
        if self.take("AS"):
            alias = self.name("the name of a column")
        return ast.Column(value, alias, self.span(start))

    def _value_of_column(self, start: int) -> ast.Expression:
        """A column that is more than a path."""
        if not self.is_name() and self.kinds[self.at] == WORD and self.key(1) != "(":
            if self.keys[self.at] in RESERVED - {"TRUE", "FALSE", "NULL", "NOT"}:
                self.name("a column")
        elif self.keys[self.at] in {END, ","}:
            self.mismatch("a column, '*', TOP or COUNT()")
        value = self.expression(0)
        counts = isinstance(value, ast.Aggregate) and value.argument is None
        if not counts and not isinstance(value, ast.Path | ast.Parameter):
            self.extend("expression in SELECT", start)
        return value

    def _from(self) -> ast.From:
        start = self.expect("FROM")
        collection = self.keys[self.at]
        if collection not in _COLLECTIONS:
            hint = suggestion(self.texts[self.at], _COLLECTIONS)
            self.fail(
                f"mismatched input '{self.shown()}' expecting DIGITALTWINS or RELATIONSHIPS.{hint}"
            )
        if collection == "MODELS":
            self.extend("FROM MODELS")
        self.at += 1
        alias = self._alias()
        joins: list[ast.Join] = []
        patterns: list[ast.Pattern] = []
        while True:
            if self._is_join():
                joins.append(self._join())
            elif self.key() == "MATCH" and self.key(1) == "(":
                patterns += self._match(bool(patterns))
            else:
                break
        return ast.From(collection, alias, tuple(joins), tuple(patterns), self.span(start))

    def _alias(self) -> ast.Name | None:
        """The alias of a collection or of a join's relationship, if there is one."""
        if self.keys[self.at] == "AS":
            self.synonym("AS before an alias", "leave out AS", self.start())
            self.at += 1
            return self.name("an alias")
        return self.any_name() if self._is_alias() else None

    def _is_alias(self) -> bool:
        """Whether the next word is an alias and no clause; JOIN and MATCH may be aliases too."""
        if not self.is_name() or self._is_join():
            return False
        key = self.key()
        if key == "MATCH":
            return self.key(1) != "("
        return not self._is_window()

    def _is_window(self) -> bool:
        """Whether LIMIT or OFFSET stands here, and not a name that is spelt so."""
        if self.key() not in {"LIMIT", "OFFSET"}:
            return False
        return self.key(1) == NUMBER or self.is_parameter(1)

    def _is_join(self) -> bool:
        ahead = 1 if self.key() == "LEFT" else 0
        return (
            self.key(ahead) == "JOIN"
            and self.is_name(ahead + 1)
            and self.key(ahead + 2) == "RELATED"
        )

    def _join(self) -> ast.Join:
        start = self.start()
        left = self.take("LEFT")
        if left:
            self.extend("LEFT JOIN", start)
        self.at += 1
        target = self.name("an alias")
        self.at += 1
        source = self.name("an alias")
        self.expect(".")
        if self.kinds[self.at] != WORD and not self.is_name():
            self.mismatch("a relationship name")
        relationship = self.any_name()
        alias = self._alias()
        return ast.Join(target, source, relationship, alias, left, self.span(start))

    def _match(self, again: bool) -> list[ast.Pattern]:
        if again:
            self.extend("several MATCH patterns")
        self.at += 1
        patterns = [self.pattern()]
        while self.key() == ",":
            self.extend("several MATCH patterns")
            self.at += 1
            patterns.append(self.pattern())
        return patterns

    def _group(self) -> tuple[ast.Path, ...]:
        if self.key() != "GROUP":
            return ()
        self.extend("GROUP BY")
        self.at += 1
        self.expect("BY")
        paths = [self.path()]
        while self.take(","):
            paths.append(self.path())
            self.require_room(len(paths), self.limits.max_keys, "keys of GROUP BY")
        return tuple(paths)

    def _order(self) -> tuple[ast.OrderTerm, ...]:
        if self.key() != "ORDER":
            return ()
        self.extend("ORDER BY")
        self.at += 1
        self.expect("BY")
        terms = [self._order_term()]
        while self.take(","):
            terms.append(self._order_term())
            self.require_room(len(terms), self.limits.max_keys, "keys of ORDER BY")
        return tuple(terms)

    def _order_term(self) -> ast.OrderTerm:
        start = self.start()
        self.operations = 0
        value = self.scalar()
        descending = self.take("DESC")
        if not descending:
            self.take("ASC")
        return ast.OrderTerm(value, descending, self.span(start))

    def _window(self) -> tuple[int | ast.Parameter | None, int | ast.Parameter | None]:
        """LIMIT and OFFSET, in either order."""
        found: dict[str, int | ast.Parameter] = {}
        while self._is_window():
            key = self.key()
            if key in found:
                self.fail(f"{key} stands twice")
            self.extend(key)
            self.at += 1
            found[key] = self.count("a number of rows")
        return found.get("LIMIT"), found.get("OFFSET")

    @override
    def subquery(self) -> ast.Query:
        """``(SELECT ..)``."""
        self.expect("(")
        self.enter_query()
        query = self._query()
        self.leave_query()
        self.expect(")")
        return query
