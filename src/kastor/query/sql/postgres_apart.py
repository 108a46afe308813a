"""PostgreSQL's spellings of what is matched for each row, and of walks."""

from __future__ import annotations

from kastor.query.sql import postgres_made
from kastor.query.sql.dialect import Dialect
from kastor.types import override


class PostgresApart(Dialect):
    """Joins with what belongs to each row, and walks."""

    @override
    def apart(
        self, text: str, names: list[str], alias: str, *, optional: bool, reads: bool
    ) -> tuple[str, list[str]]:
        del reads
        columns = [f"{alias}.{name}" for name in names]
        if optional:
            return f" LEFT JOIN LATERAL ({text}) {alias} ON true", columns
        return f" CROSS JOIN LATERAL ({text}) {alias}", columns

    @override
    def unwound(self, json: str, alias: str) -> str:
        array = "(CASE WHEN jsonb_typeof(a) = 'array' THEN a ELSE '[]' END)"
        ranked = self.ranked("e.value", "'{}'")
        letters = [letter for letter, _ in self.sort_columns]
        columns = [f"{sql} AS c0{at}" for at, sql in zip(letters, ranked, strict=True)]
        listed = ", ".join(["e.ordinality AS o0", *columns, "e.value::text AS c0j"])
        source = f"(SELECT ({json})::jsonb AS a OFFSET 0) s"
        return (
            f" CROSS JOIN LATERAL (SELECT {listed} FROM {source}"
            f" CROSS JOIN jsonb_array_elements({array}) WITH ORDINALITY e) {alias}"
        )

    @override
    def place_of_item(self, alias: str) -> str:
        return f"{alias}.o0"

    @override
    def item(self, alias: str) -> tuple[str, ...]:
        letters = [*(letter for letter, _ in self.sort_columns), "j"]
        return tuple(f"{alias}.c0{letter}" for letter in letters)

    @override
    def trail(self, path: str, start: str) -> str:
        array = f"string_to_array(trim({path}, '.'), '.')::bigint[]"
        far = "CASE WHEN r.source_key = z.n THEN r.target_key ELSE r.source_key END"
        documents = f"{self.document('x')} || ',' || {self.document('n')}"
        return (
            f"(WITH RECURSIVE z(i, x, n) AS (SELECT 0, 0::bigint, {start} UNION ALL"
            f" SELECT z.i + 1, r.key, {far} FROM z JOIN {self.places('relationships')} r"
            f" ON r.key = ({array})[z.i + 1])"
            f" SELECT string_agg({documents}, ',' ORDER BY z.i) FROM z"
            f" JOIN {self.table('relationships')} x ON x.key = z.x"
            f" JOIN {self.table('twins')} n ON n.key = z.n WHERE z.i > 0)"
        )

    @override
    def every_second(self, array: str, first: int) -> str:
        return (
            f"(SELECT CASE WHEN a IS NOT NULL THEN '[' || coalesce((SELECT"
            f" string_agg(e.value::text, ',' ORDER BY e.n) FROM jsonb_array_elements(a)"
            f" WITH ORDINALITY e(value, n) WHERE e.n % 2 = {1 - first}), '') || ']' END"
            f" FROM (SELECT ({array})::jsonb AS a OFFSET 0) s)"
        )

    @override
    def within(self, number: str, most: int, limit: str, condition: str) -> str:
        failed = postgres_made.failure(limit, "text", number)
        return f"CASE WHEN {number} > {most} THEN {failed} = '' ELSE {condition} END"

    @override
    def distances(self, query: str, name: str) -> str:
        """Never called: rows of a query are made once for each row around it."""
        raise AssertionError((query, name))

    @override
    def distance_of(self, distances: str, node: str) -> str:
        """Never called: rows of a query are made once for each row around it."""
        raise AssertionError((distances, node))

    @override
    def distance(self, distances: str, node: str, wanted: str) -> str:
        """Never called: rows of a query are made once for each row around it."""
        raise AssertionError((distances, node, wanted))

    @override
    def reaches(self, distances: str, most: int) -> str:
        """Never called: rows of a query are made once for each row around it."""
        raise AssertionError((distances, most))
