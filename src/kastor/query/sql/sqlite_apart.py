"""SQLite's spellings of what is matched for each row, and of walks."""

from __future__ import annotations

from kastor.query.sql import sqlite_made
from kastor.query.sql.dialect import Dialect
from kastor.types import override


class SqliteApart(Dialect):
    """Joins with what belongs to each row, and walks."""

    @override
    def apart(
        self, text: str, names: list[str], alias: str, *, optional: bool, reads: bool
    ) -> tuple[str, list[str]]:
        """SQLite has no LATERAL, but functions that make rows may read what stands before them."""
        if not reads:
            joined = (
                f"LEFT JOIN ({text}) {alias} ON 1 = 1"
                if optional
                else f"CROSS JOIN ({text}) {alias}"
            )
            return f" {joined}", [f"{alias}.{name}" for name in names]
        listed = f"SELECT json_group_array(json_array({', '.join(names)})) FROM ({text})"
        word = "LEFT JOIN" if optional else "CROSS JOIN"
        columns = [f"({alias}.value ->> {place})" for place in range(len(names))]
        return f" {word} json_each(({listed})) {alias}", columns

    @override
    def unwound(self, json: str, alias: str) -> str:
        array = "CASE WHEN json_type(a) = 'array' THEN a END"
        return f" CROSS JOIN json_each((SELECT {array} FROM (SELECT {json} AS a))) {alias}"

    @override
    def place_of_item(self, alias: str) -> str:
        return f"{alias}.key"

    @override
    def item(self, alias: str) -> tuple[str, ...]:
        """Numbers with a fraction are read where they stand: written anew they are rounded."""
        kind = f"{alias}.type"
        rank = (
            f"CASE {kind} WHEN 'true' THEN 2 WHEN 'false' THEN 2 WHEN 'integer' THEN 3"
            f" WHEN 'real' THEN 3 WHEN 'text' THEN 4 WHEN 'array' THEN 5 WHEN 'object' THEN 6"
            " ELSE 1 END"
        )
        json = (
            f"CASE {kind} WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' WHEN 'null' THEN 'null'"
            f" WHEN 'real' THEN {alias}.json -> {alias}.fullkey"
            f" WHEN 'array' THEN {alias}.value WHEN 'object' THEN {alias}.value"
            f" ELSE json_quote({alias}.atom) END"
        )
        return rank, f"coalesce({alias}.value, 0)", f"({json})"

    @override
    def trail(self, path: str, start: str) -> str:
        array = f"('[' || replace(trim({path}, '.'), '.', ',') || ']')"
        far = "CASE WHEN r.source_key = z.n THEN r.target_key ELSE r.source_key END"
        documents = f"{self.document('x')} || ',' || {self.document('n')}"
        return (
            f"(WITH RECURSIVE z(i, x, n) AS (SELECT 0, 0, {start} UNION ALL"
            f" SELECT z.i + 1, r.key, {far} FROM z CROSS JOIN {self.places('relationships')} r"
            f" ON r.key = ({array} ->> ('$[' || z.i || ']')))"
            f" SELECT group_concat(d, ',') FROM (SELECT {documents} AS d FROM z"
            f" CROSS JOIN {self.table('relationships')} x ON x.key = z.x"
            f" CROSS JOIN {self.table('twins')} n ON n.key = z.n WHERE z.i > 0 ORDER BY z.i))"
        )

    @override
    def every_second(self, array: str, first: int) -> str:
        return (
            f"(SELECT CASE WHEN a IS NOT NULL THEN '[' || coalesce((SELECT group_concat(v, ',')"
            f" FROM (SELECT e.value AS v FROM json_each(a) e WHERE e.key % 2 = {first}"
            f" ORDER BY e.key)), '') || ']' END FROM (SELECT {array} AS a))"
        )

    @override
    def within(self, number: str, most: int, limit: str, condition: str) -> str:
        failed = sqlite_made.failure(limit, number)
        return f"CASE WHEN {number} > {most} THEN {failed} ELSE {condition} END"

    @override
    def distances(self, query: str, name: str) -> str:
        return (
            f"({query} SELECT jsonb_group_object(CAST(node AS text), d) FROM"
            f" (SELECT node, min(depth) AS d FROM {name} GROUP BY node))"
        )

    @override
    def distance_of(self, distances: str, node: str) -> str:
        return f"({distances} ->> ('$.\"' || {node} || '\"'))"

    @override
    def distance(self, distances: str, node: str, wanted: str) -> str:
        return f"{self.distance_of(distances, node)} = {wanted}"

    @override
    def reaches(self, distances: str, most: int) -> str:
        return f"EXISTS (SELECT 1 FROM json_each({distances}) WHERE atom > {most})"
