"""The clauses of a query, around expressions and patterns; `parse_cypher` is the way in."""

from __future__ import annotations

from kastor.lang.cursor import DEFAULT_LIMITS, ParseLimits
from kastor.lang.cypher import tree
from kastor.lang.cypher.patterns import PatternReader
from kastor.lang.cypher.words import LEFT_OUT, WRITES
from kastor.lang.tokens import END, WORD
from kastor.lang.words import suggestion

_CLAUSES = frozenset(
    ["MATCH", "OPTIONAL", "WITH", "UNWIND", "WHERE", "RETURN", "ORDER", "SKIP", "LIMIT", "UNION"]
)
_MOST_CLAUSES = 100


def parse_cypher(text: str, limits: ParseLimits = DEFAULT_LIMITS) -> tree.Statement:
    """The tree of `text`.

    Raises:
        QueryError: with line, position and excerpt; for words that change a graph with the call
            that does it, for what the subset leaves out with its name.
    """
    return QueryReader(text, limits).whole()


class QueryReader(PatternReader):
    """Adds the clauses."""

    clauses = 0

    def whole(self) -> tree.Statement:
        """The whole text: one query or several, perhaps a semicolon, then the end."""
        start = self.start()
        explain = self.take("EXPLAIN")
        queries = [self._query(explain=explain)]
        kinds = set()
        while self._begins("UNION"):
            at = self.start()
            self.at += 1
            kinds.add(self.take("ALL"))
            if len(kinds) > 1:
                self.fail("UNION and UNION ALL do not stand in one query", at)
            queries.append(self._query(explain=False))
        self.take(";")
        if self.kinds[self.at] != END:
            hint = suggestion(self.keys[self.at], _CLAUSES)
            self.fail(f"extraneous input '{self.shown()}' expecting <EOF>.{hint}")
        if len(queries) == 1:
            return queries[0]
        whole = kinds == {True}
        return tree.Union(tuple(queries), whole, explain, span=self.span(start))

    def _query(self, *, explain: bool) -> tree.Query:
        """Clauses up to RETURN, and that."""
        start = self.start()
        clauses: list[tree.Clause] = []
        while not self._begins("RETURN"):
            clauses.append(self._clause(clauses))
            self.clauses += 1
            if self.clauses > _MOST_CLAUSES:
                self.fail(f"more than {_MOST_CLAUSES} clauses")
        self.at += 1
        result = self._projection()
        self._refuse_clause()
        return tree.Query(tuple(clauses), result, explain, span=self.span(start))

    def _clause(self, before: list[tree.Clause]) -> tree.Clause:
        start = self.start()
        if self._begins("MATCH") or self._begins("OPTIONAL"):
            return self._match(start)
        if self.take("WITH"):
            projection = self._projection()
            return tree.With(projection, self._where(), self.span(start))
        if self.take("UNWIND"):
            self.operations = 0
            value = self.expression()
            self.expect("AS")
            name = self.identifier("the name of an element")
            return tree.Unwind(value, name, self.span(start))
        what = "a clause or RETURN" if before else "MATCH or another clause"
        return self.mismatch(f"{what}.{suggestion(self.keys[self.at], _CLAUSES)}")

    def _projection(self) -> tree.Projection:
        start = self.start()
        distinct = self.take("DISTINCT")
        star, columns = self._columns()
        order = self._order()
        skip = self._count("SKIP", "OFFSET")
        limit = self._count("LIMIT")
        return tree.Projection(columns, star, distinct, order, skip, limit, span=self.span(start))

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
                f"{LEFT_OUT[key]} is not in the subset of openCypher here, which has MATCH,"
                " OPTIONAL MATCH, WITH, UNWIND, UNION and RETURN"
            )

    def _match(self, start: int) -> tree.Match:
        optional = self.take("OPTIONAL")
        self.expect("MATCH")
        patterns = self.patterns()
        return tree.Match(patterns, self._where(), optional, self.span(start))

    def _where(self) -> tree.Expression | None:
        if not self.take("WHERE"):
            return None
        self.operations = 0
        return self.expression()

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

    def _count(self, *words: str) -> tree.Expression | None:
        """A number of rows: an expression without variables."""
        if not any(self.take(word) for word in words):
            return None
        self.operations = 0
        return self.expression()
