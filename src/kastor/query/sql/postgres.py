"""PostgreSQL's spellings, over jsonb documents in one schema per graph.

The traps this avoids: a cast of a value that is no number raises, so numbers are compared as jsonb,
where every string sorts below every number and every boolean above; and jsonb sorts strings by the
database's collation, so a comparison takes text by code point behind a look at the type.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

from kastor.query.sql import postgres_made
from kastor.query.sql.paths import balanced, is_literal
from kastor.query.sql.postgres_apart import PostgresApart
from kastor.query.sql.postgres_calls import aggregate, bounded, call, row_of
from kastor.query.sql.postgres_distances import distance
from kastor.query.sql.postgres_past import PostgresPastTables
from kastor.storage.limits import MAX_BYTES
from kastor.types import override

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.query.plan import Scalar
    from kastor.query.sql.parameters import AtRun, Parameters
    from kastor.query.sql.tables import Tables
    from kastor.records import Since

_TYPES = {kind: kind for kind in ("null", "boolean", "number", "string", "array", "object")}
_SQL_OPERATORS = {"!=": "<>"}


class PostgresTables:
    """The stored tables of a schema."""

    def __init__(self, schema: str) -> None:
        self._schema = schema

    def of(self, name: str) -> str:
        """As `Tables` says."""
        qualified = f'"{self._schema}".{name}'
        if name != "models":
            return qualified
        return (
            "(SELECT m.key AS key, n.id AS id, jsonb_build_object('id', n.id, 'decommissioned',"
            f" m.decommissioned IS NOT NULL, 'model', m.text::jsonb) AS doc FROM {qualified} m"
            f' JOIN "{self._schema}".model_keys n ON n.key = m.key WHERE m.valid_to IS NULL)'
        )

    def as_of(self, parameters: Parameters, since: Since) -> Tables:
        """As `Tables` says."""
        return PostgresPastTables(self._schema, parameters, since)


class Postgres(PostgresApart):
    """The dialect of PostgreSQL 15 and newer; `schema` comes from the placement, never a client."""

    name = "postgres"
    explain = "EXPLAIN "
    join = " CROSS JOIN "
    names_members = True
    interrupts_queries_only = True
    barrier = ""
    by_key = False
    repeats_inner_rows = False
    sorts_values = True
    sort_columns: tuple[tuple[str, str], ...] = (("r", ""), ("v", "numeric"), ("t", ""))
    apart_from = " OFFSET 0"
    join_in_order = "JOIN"

    def __init__(self, schema: str, tables: Tables | None = None) -> None:
        if not schema.isidentifier():
            raise ValueError(schema)
        self._schema = schema
        self.tables: Tables = tables or PostgresTables(schema)

    @override
    def mark(self, number: int) -> str:
        return f"${number}"

    @override
    def reading(self, tables: Tables) -> Postgres:
        return Postgres(self._schema, tables)

    @override
    def table(self, name: str) -> str:
        return self.tables.of(name)

    @property
    def _past(self) -> PostgresPastTables | None:
        return self.tables if isinstance(self.tables, PostgresPastTables) else None

    @override
    def searched(self, name: str) -> str:
        past = self._past
        return self.table(name) if past is None else past.searched(name)

    @override
    def keyed(self, name: str, keys: str) -> str:
        del keys
        return self.table(name)

    @override
    def ids(self) -> str:
        return self.places("twins")

    @override
    def places(self, name: str) -> str:
        past = self._past
        return self.table(name) if past is None else past.places(name)

    @override
    def parts(self, name: str) -> list[str]:
        return [self.places(name)]

    @override
    def source(self, text: str) -> str:
        return text

    @override
    def path(self, steps: tuple[str | int, ...], parameters: Parameters) -> str:
        if is_literal(steps):
            return "'{" + ",".join(map(str, steps)) + "}'"
        return f"{parameters.add(tuple(map(str, steps)))}::text[]"

    @override
    def number(self, doc: str, path: str) -> str:
        return f"CASE WHEN {self._kind(doc, path)} = 'number' THEN ({doc} #>> {path})::numeric END"

    @override
    def text(self, doc: str, path: str) -> str:
        return f"CASE WHEN {self._kind(doc, path)} = 'string' THEN {self.raw_text(doc, path)} END"

    @override
    def boolean(self, doc: str, path: str) -> str:
        return f"CASE {doc} #> {path} WHEN 'true'::jsonb THEN 1 WHEN 'false'::jsonb THEN 0 END"

    @override
    def scalar(self, doc: str, path: str) -> str:
        return f"({doc} #> {path})"

    @override
    def raw_text(self, doc: str, path: str) -> str:
        return f'(({doc} #>> {path}) COLLATE "C")'

    @override
    def json(self, doc: str, path: str) -> str:
        return f"({doc} #> {path})::text"

    @override
    def is_kind(self, doc: str, path: str, kinds: frozenset[str]) -> str:
        if len(kinds) == len(_TYPES):
            return f"({doc} #> {path}) IS NOT NULL"
        listed = ", ".join(f"'{kind}'" for kind in sorted(kinds))
        return f"{self._kind(doc, path)} IN ({listed})"

    def _kind(self, doc: str, path: str) -> str:
        return f"jsonb_typeof({doc} #> {path})"

    @override
    def compare_number(self, doc: str, path: str, op: str, value: float, mark: str) -> str:
        del value
        item = f"({doc} #> {path})"
        test = f"{item} {_SQL_OPERATORS.get(op, op)} to_jsonb({mark}::numeric)"
        if op in {">", ">="}:
            return f"{test} AND {item} < 'false'::jsonb"
        return test if op == "=" else f"{test} AND {self._kind(doc, path)} = 'number'"

    @override
    def compare_text(self, doc: str, path: str, op: str, value: str, mark: str) -> str:
        del value
        if op == "=":
            return f"({doc} #> {path}) = to_jsonb({mark}::text)"
        spelled = _SQL_OPERATORS.get(op, op)
        return f"{self._kind(doc, path)} = 'string' AND {self.raw_text(doc, path)} {spelled} {mark}"

    @override
    def among(self, doc: str, path: str, values: list[float | str], parameters: Parameters) -> str:
        possible = [value for value in values if not (isinstance(value, str) and "\0" in value)]
        listed = parameters.add(tuple(json.dumps(value, ensure_ascii=False) for value in possible))
        return f"({doc} #> {path}) = ANY({listed}::text[]::jsonb[])"

    @override
    def in_texts(self, value: str, values: Sequence[str | AtRun], parameters: Parameters) -> str:
        if len(values) == 1:
            return f"{value} = {parameters.add(values[0])}"
        return f"{value} = ANY({parameters.add(tuple(values))}::text[])"

    @override
    def keys(self, keys: tuple[int, ...], parameters: Parameters) -> str:
        return f"unnest({parameters.add(tuple(map(str, keys)))}::text[]::bigint[]) AS value"

    @override
    def starts(self, value: str, part: str) -> str:
        return f"starts_with({value}, {part})"

    @override
    def ends(self, value: str, part: str) -> str:
        return f"right({value}, length({part})) = {part}"

    @override
    def contains(self, value: str, part: str) -> str:
        return f"strpos({value}, {part}) > 0"

    @override
    def like(self, value: str, pattern: str, parameters: Parameters) -> str:
        escapes = len(pattern) - len(pattern.rstrip("\\"))
        if escapes % 2:  # one that escapes nothing says nothing, and is an error here
            pattern = pattern[:-1]
        return f"{value} LIKE {parameters.add(pattern)}"

    @override
    def prefix(self, doc: str, path: str, part: str, parameters: Parameters) -> str:
        mark = parameters.add(part)
        if not path:
            return f"starts_with({doc}, {mark})"
        text = self.raw_text(doc, path)
        return f"{self._kind(doc, path)} = 'string' AND starts_with({text}, {mark})"

    @override
    def elements(self, doc: str, path: str) -> tuple[str, str, str, str, str]:
        array = f"CASE WHEN {self._kind(doc, path)} = 'array' THEN {doc} #> {path} END"
        kind = "jsonb_typeof(e.value)"
        return (
            f"jsonb_array_elements({array}) e",
            f"CASE WHEN {kind} = 'number' THEN (e.value #>> '{{}}')::numeric END",
            f"CASE WHEN {kind} = 'string' THEN e.value #>> '{{}}' END",
            "CASE e.value WHEN 'true'::jsonb THEN 1 WHEN 'false'::jsonb THEN 0 END",
            f"{kind} = 'null'",
        )

    @override
    def same_json(self, first: tuple[str, str], second: tuple[str, str]) -> str:
        return f"(({first[0]} #> {first[1]}) = ({second[0]} #> {second[1]}))"

    @override
    def document(self, alias: str) -> str:
        etag = f"""'{{"$etag":"W/\\"' || {alias}.etag || '\\"",'"""
        return f"({etag} || substr({alias}.doc::text, 2))"

    @override
    def quote_number(self, value: str) -> str:
        return f"to_jsonb({value})::text"

    @override
    def quote_text(self, value: str) -> str:
        return f"to_jsonb({value})::text"

    @override
    def call(self, name: str, args: list[str]) -> str:
        if name == "INDEX_OF":
            subject, part = args
            return bounded("(strpos(a0, a1) - 1)", subject, part, "")
        return postgres_made.call(name, args) if postgres_made.is_made(name) else call(name, args)

    @override
    def named(self, json: str, name: str) -> str:
        return f"(SELECT ({json})::jsonb AS v OFFSET 0) {name}"

    @override
    def joined(self, pieces: list[str]) -> str:
        members = [f"({piece})::text" for piece in pieces]
        names = [f"m{number}" for number in range(len(members))]
        joined = balanced(names, " || ")
        failed = postgres_made.failure("max_bytes", "text", "m0")
        return row_of(joined, members, otherwise=f" ELSE {failed}")

    @override
    def items(self, doc: str, path: str) -> tuple[str, str]:
        return postgres_made.items(doc, path)

    @override
    def filtered(self, source: str, item: str, test: str) -> str:
        return postgres_made.filtered(source, item, test)

    @override
    def gathered(self, query: str, order: list[str]) -> str:
        return postgres_made.gathered(query, order)

    @override
    def same(self, first: tuple[str, str], second: tuple[str, str]) -> str:
        return postgres_made.same(first, second)

    @override
    def differ(self, first: tuple[str, str], second: tuple[str, str]) -> str:
        return postgres_made.differ(first, second)

    @override
    def ranked_deep(self, doc: str, path: str) -> tuple[str, ...]:
        rank, number, _ = self.ranked(doc, path)
        kind, deep = self._kind(doc, path), postgres_made.canonical(doc, path)
        text = (
            f"CASE WHEN {kind} = 'string' THEN {doc} #>> {path}"
            f" WHEN {kind} IN ('array', 'object') THEN {deep} ELSE '' END"
        )
        return rank, number, f'({text} COLLATE "C")'

    @override
    def by_model(self, table: str, alias: str) -> str:
        return f"((SELECT ({table})::jsonb) -> {alias}.model_key::text)::text"

    @override
    def numbered(self, raw: str, sizes: str, apart: dict[str, list[str]]) -> str:
        return postgres_made.numbered(raw, sizes, apart)

    @override
    def collected(self, number: int, *, distinct: bool) -> list[str]:
        return postgres_made.collected(number, distinct=distinct)

    @override
    def vector_distance(
        self,
        kind: str,
        subject: str,
        vector: tuple[float, ...],
        parameters: Parameters,
        *,
        beside: bool,
    ) -> str:
        return distance(kind, subject, vector, parameters, beside=beside)

    @override
    def page(self, row: str, keys: list[str], source: str, order: str, *, plain: bool) -> str:
        """The rows are joined only when it is known how much they are."""
        ordered = [f"k.o{index}" for index in range(len(keys))]
        joined = f"E',\\n' ORDER BY {order}"
        if plain:
            position = f"concat_ws(' ', {', '.join(keys)})"
            positions = f"string_agg(y, ',' ORDER BY {order})"
        else:
            position = f"json_build_array({', '.join(keys)})::text"
            positions = f"string_agg(y, {joined})"
        return (
            f"WITH k AS MATERIALIZED (SELECT {', '.join(ordered)}, {row} AS x, {position} AS y"
            f" FROM {source}), n AS MATERIALIZED (SELECT count(*) AS number,"
            f" sum(coalesce(octet_length(x), {MAX_BYTES + 1})) AS size FROM k)"
            f" SELECT (SELECT number FROM n), string_agg(x, {joined}), {positions} FROM k"
            f" WHERE (SELECT size FROM n) <= {MAX_BYTES}"
        )

    @override
    def row(self, text: str, members: list[str]) -> str:
        return row_of(text, members)

    @override
    def steps(self, row: str, keys: list[str], source: str, order: str) -> str:
        named = [f"{key} AS k{index}" for index, key in enumerate(keys)]
        shown = [f"k{index}" for index in range(len(keys))]
        return (
            f"SELECT {', '.join([f'CASE WHEN octet_length(x) <= {MAX_BYTES} THEN x END', *shown])}"
            f" FROM (SELECT {', '.join([f'{row} AS x', *named])} FROM {source}"
            f" ORDER BY {order} OFFSET 0) s"
        )

    @override
    def bounded(self, test: str, subject: str, part: str) -> str:
        return bounded(test, subject, part, " = 0")

    @override
    def comparable(self, doc: str, path: str) -> str:
        return (
            f"CASE WHEN {self._kind(doc, path)} IN ('number', 'string', 'boolean')"
            f" THEN {doc} #> {path} END"
        )

    @override
    def comparable_slot(self, *columns: str) -> str:
        rank, number, text = columns
        return (
            f"CASE {rank} WHEN 2 THEN to_jsonb({number} = 1) WHEN 3 THEN to_jsonb({number})"
            f" WHEN 4 THEN to_jsonb({text}) END"
        )

    @override
    def ranked(self, doc: str, path: str) -> tuple[str, ...]:
        kind, item = self._kind(doc, path), f"({doc} #>> {path})"
        rank = (
            f"CASE {kind} WHEN 'null' THEN 1 WHEN 'boolean' THEN 2 WHEN 'number' THEN 3"
            " WHEN 'string' THEN 4 WHEN 'array' THEN 5 WHEN 'object' THEN 6 ELSE 0 END"
        )
        number = (
            f"CASE {kind} WHEN 'number' THEN {item}::numeric"
            f" WHEN 'boolean' THEN {item}::boolean::int ELSE 0 END"
        )
        text = f"CASE WHEN {kind} IN ('string', 'array', 'object') THEN {item} ELSE '' END"
        return rank, number, f'({text} COLLATE "C")'

    @override
    def ranked_as(self, rank: str, kind: str, value: str) -> tuple[str, ...]:
        if kind == "string":
            return rank, "0::numeric", f"(coalesce({value}, '') COLLATE \"C\")"
        return rank, f"coalesce({value}, 0)::numeric", "(''::text COLLATE \"C\")"

    @override
    def least(self, text: str) -> str:
        return f'min({text} COLLATE "C")'

    @override
    def bound(self, value: Scalar) -> object:
        """0.1 in the binary of a double is another numeric than 0.1."""
        return Decimal(repr(value)) if isinstance(value, float) else value

    @override
    def constant(self, mark: str, kind: str) -> str:
        return f"{mark}::{'numeric' if kind == 'number' else 'text'}"

    @override
    def aggregate(self, name: str, number: int, *, distinct: bool, whole: bool) -> list[str]:
        return aggregate(name, number, distinct=distinct, whole=whole)

    @override
    def walked_key(self, path: str) -> str:
        return f'({path} COLLATE "C")'

    @override
    def walk(self, path: str) -> str:
        return (
            f"(SELECT '[' || string_agg({self.document('x')}, ',' ORDER BY p.ordinality) || ']'"
            f" FROM unnest(string_to_array(trim({path}, '.'), '.')::bigint[])"
            " WITH ORDINALITY p(key, ordinality)"
            f" CROSS JOIN {self.table('relationships')} x WHERE x.key = p.key)"
        )

    @override
    def not_walked(self, path: str, key: str) -> str:
        return f"strpos({path}, '.' || {key} || '.') = 0"
