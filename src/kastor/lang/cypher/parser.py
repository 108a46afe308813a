"""The clauses of a query, around expressions and patterns; `parse_cypher` is the way in."""

from __future__ import annotations

from kastor.lang.cursor import DEFAULT_LIMITS, ParseLimits
from kastor.lang.cypher import tree
from kastor.lang.cypher.patterns import PatternReader
from kastor.lang.cypher.words import LEFT_OUT, WRITES
from kastor.lang.tokens import END, WORD
from kastor.lang.words import suggestion

_CLAUSES = frozenset({"MATCH", "WHERE", "RETURN", "ORDER", "SKIP", "LIMIT"})


def parse_cypher(text: str, limits: ParseLimits = DEFAULT_LIMITS) -> tree.Query:
    """The tree of `text`.

    Raises:
        QueryError: with line, position and excerpt; for words that change a graph with the call
            that does it, for what the subset leaves out with its name.
    """
    return QueryReader(text, limits).whole()


class QueryReader(PatternReader):
    """Adds the clauses."""

    def whole(self) -> tree.Query:
        """The whole text: one query, perhaps a semicolon, then the end."""
        start = self.start()
        explain = self.take("EXPLAIN")
        matches: list[tree.Match] = []
        while self._begins("MATCH"):
            matches.append(self._match())
            self.require_room(len(matches), self.limits.max_keys, "MATCH")
        if not self._begins("RETURN"):
            expected = "MATCH or RETURN" if matches else "MATCH"
            self.mismatch(f"{expected}.{suggestion(self.keys[self.at], _CLAUSES)}")
        self.at += 1
        distinct = self.take("DISTINCT")
        star, columns = self._columns()
        order = self._order()
        skip = self._count("SKIP", "OFFSET")
        limit = self._count("LIMIT")
        self._refuse_clause()
        self.take(";")
        if self.kinds[self.at] != END:
            hint = suggestion(self.keys[self.at], _CLAUSES)
            self.fail(f"extraneous input '{self.shown()}' expecting <EOF>.{hint}")
        return tree.Query(
            *(tuple(matches), columns, star, distinct, order, skip, limit, explain),
            span=self.span(start),
        )

    def _begins(self, word: str) -> bool:
        """Whether the clause stands here; refuses every other that the whole language has."""
        self._refuse_clause()
        return self.kinds[self.at] == WORD and self.keys[self.at] == word

    def _refuse_clause(self) -> None:
        if self.kinds[self.at] != WORD:
            return
        key = self.keys[self.at]
        if key in WRITES:
            self.fail(f"{key} changes the graph; queries are read-only. Use {WRITES[key]}.")
        if key in LEFT_OUT:
            self.fail(
                f"{LEFT_OUT[key]} is not in the subset of openCypher here, which has MATCH, WHERE"
                " and RETURN with ORDER BY, SKIP and LIMIT"
            )

    def _match(self) -> tree.Match:
        start = self.expect("MATCH")
        patterns = self.patterns()
        where = None
        if self.take("WHERE"):
            self.operations = 0
            where = self.expression()
        return tree.Match(patterns, where, self.span(start))

    def _columns(self) -> tuple[bool, tuple[tree.Column, ...]]:
        star = self.take("*")
        columns: list[tree.Column] = []
        if star and not self.take(","):
            return star, ()
        columns.append(self._column())
        while self.take(","):
            columns.append(self._column())
            self.require_room(len(columns), self.limits.max_columns, "columns")
        return star, tuple(columns)

    def _column(self) -> tree.Column:
        start = self.start()
        self.operations = 0
        value = self.expression()
        text = self.text[slice(*self.span(start))]
        alias = None
        if self.take("AS"):
            if not self.is_name() and self.kinds[self.at] != WORD:
                self.mismatch("the name of a column")
            alias = self.any_word()  # reserved words are names here, as the clients of peers use
        return tree.Column(value, alias, text, self.span(start))

    def _order(self) -> tuple[tree.OrderTerm, ...]:
        if not self.take("ORDER"):
            return ()
        self.expect("BY")
        terms = [self._order_term()]
        while self.take(","):
            terms.append(self._order_term())
            self.require_room(len(terms), self.limits.max_keys, "keys of ORDER BY")
        return tuple(terms)

    def _order_term(self) -> tree.OrderTerm:
        start = self.start()
        self.operations = 0
        value = self.expression()
        descending = self.take("DESC") or self.take("DESCENDING")
        if not descending and not self.take("ASC"):
            self.take("ASCENDING")
        return tree.OrderTerm(value, descending, self.span(start))

    def _count(self, *words: str) -> int | tree.Parameter | None:
        if not any(self.take(word) for word in words):
            return None
        if self.texts[self.at][:1] == "$" and self.kinds[self.at] == WORD:
            return self.dollar_value()
        return self.unsigned("a number of rows, or a parameter for one")
