"""SQLite's spellings, over JSONB documents.

The traps this avoids: `->>` gives 1 and 0 for true and false and text for arrays and objects, text
sorts after all numbers, and LIKE ignores case. So a number range is two-sided (``x > 5 AND
x < ''``), with a look at the type only where 0 or 1 or a bracket could be inside the range.
"""

from __future__ import annotations

import json
import operator
from typing import TYPE_CHECKING

from kastor.distances import packed
from kastor.query.sql import sqlite_made
from kastor.query.sql.paths import balanced, is_literal, json_path
from kastor.query.sql.sqlite_apart import SqliteApart
from kastor.query.sql.sqlite_calls import aggregate, call
from kastor.query.sql.sqlite_past import SqlitePastTables
from kastor.storage.limits import MAX_TEXT_WORK, REFUSAL
from kastor.storage.vectors import FUNCTION
from kastor.types import override

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kastor.query.plan import Scalar
    from kastor.query.sql.parameters import AtRun, Parameters
    from kastor.query.sql.tables import Tables
    from kastor.records import Since

_TYPES = {
    "null": ("null",),
    "boolean": ("true", "false"),
    "number": ("integer", "real"),
    "string": ("text",),
    "array": ("array",),
    "object": ("object",),
}
_ALL = len(_TYPES)
_HOLDS: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_SQL_OPERATORS = {"!=": "<>"}
_INLINE_LIST = 16
_LAST = 0x10FFFF


_MODELS = (
    "(SELECT m.key AS key, n.id AS id, jsonb_object('id', n.id, 'uploadTime',"
    " strftime('%Y-%m-%dT%H:%M:%S', m.uploaded / 10000000 - 62135596800, 'unixepoch')"
    " || printf('.%07dZ', m.uploaded % 10000000), 'decommissioned',"
    " json(CASE WHEN m.decommissioned IS NULL THEN 'false' ELSE 'true' END),"
    " 'model', jsonb(m.text)) AS doc"
    " FROM models m JOIN model_keys n ON n.key = m.key WHERE m.valid_to IS NULL)"
)
"""FROM MODELS: the stored models, as documents in the shape of the models' own API."""


class SqliteTables:
    """The stored tables of a file."""

    def of(self, name: str) -> str:
        """As `Tables` says."""
        return _MODELS if name == "models" else name

    def as_of(self, parameters: Parameters, since: Since) -> Tables:
        """As `Tables` says."""
        return SqlitePastTables(parameters, since, _MODELS)


class Sqlite(SqliteApart):
    """The dialect of SQLite 3.45 and newer."""

    name = "sqlite"
    explain = "EXPLAIN QUERY PLAN "
    join = " JOIN "
    names_members = False
    interrupts_queries_only = False
    repeats_inner_rows = True
    sorts_values = True
    sort_columns: tuple[tuple[str, str], ...] = (("r", ""), ("v", ""))
    apart_from = " LIMIT -1"
    join_in_order = "CROSS JOIN"

    def __init__(self, tables: Tables | None = None) -> None:
        self.tables: Tables = tables or SqliteTables()

    @override
    def mark(self, number: int) -> str:
        return f"?{number}"

    @override
    def reading(self, tables: Tables) -> Sqlite:
        return Sqlite(tables)

    @override
    def table(self, name: str) -> str:
        return self.tables.of(name)

    @property
    def _past(self) -> SqlitePastTables | None:
        return self.tables if isinstance(self.tables, SqlitePastTables) else None

    @override
    def searched(self, name: str) -> str:
        past = self._past
        return self.table(name) if past is None else past.searched(name)

    @override
    def keyed(self, name: str, keys: str) -> str:
        past = self._past
        return self.table(name) if past is None else past.keyed(name, keys)

    @override
    def ids(self) -> str:
        past = self._past
        return self.table("twins") if past is None else past.ids()

    @override
    def places(self, name: str) -> str:
        past = self._past
        return self.table(name) if past is None else past.places(name)

    @override
    def parts(self, name: str) -> list[str]:
        past = self._past
        return [self.table(name)] if past is None else past.parts(name)

    @override
    def source(self, text: str) -> str:
        past = self._past
        return text if past is None else past.bounded(text)

    @property
    @override
    def barrier(self) -> str:
        return " LIMIT -1" if self.by_key else ""

    @property
    @override
    def by_key(self) -> bool:
        past = self._past
        return past is not None and past.united

    @override
    def path(self, steps: tuple[str | int, ...], parameters: Parameters) -> str:
        text = json_path(steps)
        return f"'{text}'" if is_literal(steps) else parameters.add(text)

    @override
    def number(self, doc: str, path: str) -> str:
        return f"CASE WHEN {self._number_type(doc, path)} THEN {doc} ->> {path} END"

    @override
    def text(self, doc: str, path: str) -> str:
        return f"CASE WHEN json_type({doc}, {path}) = 'text' THEN {doc} ->> {path} END"

    @override
    def boolean(self, doc: str, path: str) -> str:
        return f"CASE json_type({doc}, {path}) WHEN 'true' THEN 1 WHEN 'false' THEN 0 END"

    @override
    def scalar(self, doc: str, path: str) -> str:
        return f"{doc} ->> {path}"

    @override
    def raw_text(self, doc: str, path: str) -> str:
        return f"({doc} ->> {path})"

    @override
    def json(self, doc: str, path: str) -> str:
        return f"({doc} -> {path})"

    @override
    def is_kind(self, doc: str, path: str, kinds: frozenset[str]) -> str:
        if len(kinds) == _ALL:
            return f"json_type({doc}, {path}) IS NOT NULL"
        types = [name for kind in sorted(kinds) for name in _TYPES[kind]]
        if len(types) == 1:
            return f"json_type({doc}, {path}) = '{types[0]}'"
        listed = ", ".join(f"'{name}'" for name in types)
        return f"json_type({doc}, {path}) IN ({listed})"

    def _number_type(self, doc: str, path: str) -> str:
        return f"json_type({doc}, {path}) IN ('integer', 'real')"

    @override
    def compare_number(self, doc: str, path: str, op: str, value: float, mark: str) -> str:
        holds = _HOLDS[op]
        parts = [f"{doc} ->> {path} {_SQL_OPERATORS.get(op, op)} {mark}"]
        if op in {">", ">="}:
            parts.append(f"{doc} ->> {path} < ''")
        if op == "!=" or holds(0, value) or holds(1, value):
            parts.append(self._number_type(doc, path))
        return " AND ".join(parts)

    @override
    def compare_text(self, doc: str, path: str, op: str, value: str, mark: str) -> str:
        parts = [f"{doc} ->> {path} {_SQL_OPERATORS.get(op, op)} {mark}"]
        if op in {"<", "<="}:
            parts.append(f"{doc} ->> {path} >= ''")
        if op != "=" or value[:1] in {"[", "{"}:
            parts.append(f"json_type({doc}, {path}) = 'text'")
        return " AND ".join(parts)

    @override
    def among(self, doc: str, path: str, values: list[float | str], parameters: Parameters) -> str:
        free: list[float | str] = []
        numbers: list[float | str] = []
        texts: list[float | str] = []
        for value in values:
            if isinstance(value, str):
                (texts if value[:1] in {"[", "{"} else free).append(value)
            else:
                (numbers if value in {0, 1} else free).append(value)
        item = f"{doc} ->> {path}"
        terms = []
        if free:
            terms.append(self._in(item, free, parameters))
        if numbers:
            inside = self._in(item, numbers, parameters)
            terms.append(f"({inside} AND {self._number_type(doc, path)})")
        if texts:
            inside = self._in(item, texts, parameters)
            terms.append(f"({inside} AND json_type({doc}, {path}) = 'text')")
        return f"({' OR '.join(terms)})" if len(terms) > 1 else terms[0]

    @override
    def in_texts(self, value: str, values: Sequence[str | AtRun], parameters: Parameters) -> str:
        # As expressions the values are out of the planner's sight. Ids need no statistics, and a
        # statement planned with a parameter's value is prepared again whenever that is bound.
        if len(values) <= _INLINE_LIST:
            marks = [f"{parameters.add(one)} || ''" for one in values]
            return (
                f"{value} = {marks[0]}" if len(marks) == 1 else f"{value} IN ({', '.join(marks)})"
            )
        return self._in(value, [one for one in values if isinstance(one, str)], parameters)

    def _in(self, item: str, values: list[float | str], parameters: Parameters) -> str:
        kept = [value for value in values if not (isinstance(value, str) and "\0" in value)]
        if len(kept) == 1:
            return f"{item} = {parameters.add(kept[0])}"
        if len(kept) <= _INLINE_LIST:
            return f"{item} IN ({', '.join(parameters.add(value) for value in kept)})"
        listed = parameters.add(json.dumps(kept, ensure_ascii=False))
        return f"{item} IN (SELECT value FROM json_each({listed}))"

    @override
    def keys(self, keys: tuple[int, ...], parameters: Parameters) -> str:
        listed = ",".join(map(str, keys))
        return f"json_each({parameters.add(f'[{listed}]')})"

    @override
    def starts(self, value: str, part: str) -> str:
        return f"substr({value}, 1, length({part})) = {part}"

    @override
    def ends(self, value: str, part: str) -> str:
        return f"substr({value}, length({value}) - length({part}) + 1) = {part}"

    @override
    def contains(self, value: str, part: str) -> str:
        return f"instr({value}, {part}) > 0"

    @override
    def like(self, value: str, pattern: str, parameters: Parameters) -> str:
        return f"{value} GLOB {parameters.add(_glob(pattern))}"

    @override
    def prefix(self, doc: str, path: str, part: str, parameters: Parameters) -> str:
        item = f"{doc} ->> {path}" if path else doc
        parts = [f"{item} >= {parameters.add(part)}"]
        after = _successor(part)
        if after is not None:
            parts.append(f"{item} < {parameters.add(after)}")
        if path and (after is None or part[:1] in {"[", "{"}):
            parts.append(f"json_type({doc}, {path}) = 'text'")
        return " AND ".join(parts)

    @override
    def elements(self, doc: str, path: str) -> tuple[str, str, str, str, str]:
        return (
            f"json_each({doc}, {path}) e",
            "CASE WHEN e.type IN ('integer', 'real') THEN e.atom END",
            "CASE WHEN e.type = 'text' THEN e.atom END",
            "CASE e.type WHEN 'true' THEN 1 WHEN 'false' THEN 0 END",
            "e.type = 'null'",
        )

    @override
    def same_json(self, first: tuple[str, str], second: tuple[str, str]) -> str:
        left = f"json_tree({first[0]}, {first[1]})"
        right = f"json_tree({second[0]}, {second[1]})"
        from_root = "substr({0}.fullkey, (SELECT length(fullkey) FROM {1} LIMIT 1) + 1)"
        same = (
            f"{from_root.format('y', right)} = {from_root.format('x', left)}"
            " AND y.atom IS x.atom AND (y.type = x.type OR"
            " x.type IN ('integer', 'real') AND y.type IN ('integer', 'real'))"
        )
        return (
            f"((SELECT count(*) FROM {left}) = (SELECT count(*) FROM {right})"
            f" AND NOT EXISTS (SELECT 1 FROM {left} x"
            f" WHERE NOT EXISTS (SELECT 1 FROM {right} y WHERE {same})))"
        )

    @override
    def document(self, alias: str) -> str:
        return f"""'{{"$etag":"W/\\"' || {alias}.etag || '\\"",' || substr(json({alias}.doc), 2)"""

    @override
    def quote_number(self, value: str) -> str:
        return f"nullif(json_quote({value}), 'null')"

    @override
    def quote_text(self, value: str) -> str:
        return f"nullif(json_quote({value}), 'null')"

    @override
    def call(self, name: str, args: list[str]) -> str:
        if name == "INDEX_OF":
            subject, part = args
            return self.bounded("(instr(a0, a1) - 1)", subject, part)
        return sqlite_made.call(name, args) if sqlite_made.is_made(name) else call(name, args)

    @override
    def named(self, json: str, name: str) -> str:
        return f"(SELECT {json} AS v) {name}"

    @override
    def joined(self, pieces: list[str]) -> str:
        return balanced(pieces, " || ")

    @override
    def items(self, doc: str, path: str) -> tuple[str, str]:
        return sqlite_made.items(doc, path)

    @override
    def filtered(self, source: str, item: str, test: str) -> str:
        return sqlite_made.filtered(source, item, test)

    @override
    def gathered(self, query: str, order: list[str]) -> str:
        return sqlite_made.gathered(query, order)

    @override
    def same(self, first: tuple[str, str], second: tuple[str, str]) -> str:
        return sqlite_made.same(first, second)

    @override
    def differ(self, first: tuple[str, str], second: tuple[str, str]) -> str:
        return sqlite_made.differ(first, second)

    @override
    def ranked_deep(self, doc: str, path: str) -> tuple[str, ...]:
        rank, value = self.ranked(doc, path)
        deep = sqlite_made.canonical(doc, path)
        return rank, f"CASE WHEN {rank} >= 5 THEN {deep} ELSE {value} END"

    @override
    def by_model(self, table: str, alias: str) -> str:
        return f"({table} -> CAST({alias}.model_key AS TEXT))"

    @override
    def numbered(self, raw: str, sizes: str, apart: dict[str, list[str]]) -> str:
        return sqlite_made.numbered(raw, sizes, apart)

    @override
    def collected(self, number: int, *, distinct: bool) -> list[str]:
        return sqlite_made.collected(number, distinct=distinct)

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
        """A function of the connection, which tells by itself what it gets."""
        del beside
        return f"{FUNCTION}('{kind}', {subject}, {parameters.add(packed(vector))})"

    @override
    def page(self, row: str, keys: list[str], source: str, order: str, *, plain: bool) -> str:
        """The connection bounds what values may have."""
        del order  # rows arrive in it
        joined = "',' || char(10)"
        if plain:
            position = f"concat_ws(' ', {', '.join(keys)})"
            positions = f"group_concat({position})"
        else:
            positions = f"group_concat(json_array({', '.join(keys)}), {joined})"
        return f"SELECT count(*), group_concat({row}, {joined}), {positions} FROM {source}"

    @override
    def row(self, text: str, members: list[str]) -> str:
        """Never called: the connection bounds every value."""
        raise AssertionError((text, len(members)))

    @override
    def steps(self, row: str, keys: list[str], source: str, order: str) -> str:
        del order
        return f"SELECT {', '.join([row, *keys])} FROM {source}"

    @override
    def bounded(self, test: str, subject: str, part: str) -> str:
        """The error is that of a wrong path, which repeats the path."""
        return (
            f"(SELECT CASE WHEN octet_length(a0) * octet_length(a1) > {MAX_TEXT_WORK}"
            f" THEN json_extract('{{}}', '{REFUSAL}max_text_work' || substr(a0, 1, 0))"
            f" ELSE {test} END FROM (SELECT {subject} AS a0, {part} AS a1))"
        )

    @override
    def comparable(self, doc: str, path: str) -> str:
        """Booleans become blobs."""
        return (
            f"CASE json_type({doc}, {path}) WHEN 'true' THEN x'01' WHEN 'false' THEN x'00'"
            f" WHEN 'text' THEN {doc} ->> {path} WHEN 'integer' THEN {doc} ->> {path}"
            f" WHEN 'real' THEN {doc} ->> {path} END"
        )

    @override
    def comparable_slot(self, *columns: str) -> str:
        rank, value = columns
        return (
            f"CASE {rank} WHEN 2 THEN CASE {value} WHEN 1 THEN x'01' ELSE x'00' END"
            f" WHEN 3 THEN {value} WHEN 4 THEN {value} END"
        )

    @override
    def ranked(self, doc: str, path: str) -> tuple[str, ...]:
        kind = f"json_type({doc}, {path})"
        rank = (
            f"CASE {kind} WHEN 'null' THEN 1 WHEN 'true' THEN 2 WHEN 'false' THEN 2"
            " WHEN 'integer' THEN 3 WHEN 'real' THEN 3 WHEN 'text' THEN 4"
            " WHEN 'array' THEN 5 WHEN 'object' THEN 6 ELSE 0 END"
        )
        return rank, f"coalesce({doc} ->> {path}, 0)"

    @override
    def ranked_as(self, rank: str, kind: str, value: str) -> tuple[str, ...]:
        del kind
        return rank, f"coalesce({value}, 0)"

    @override
    def least(self, text: str) -> str:
        return f"min({text})"

    @override
    def bound(self, value: Scalar) -> object:
        return value

    @override
    def constant(self, mark: str, kind: str) -> str:
        del kind
        return mark

    @override
    def aggregate(self, name: str, number: int, *, distinct: bool, whole: bool) -> list[str]:
        return aggregate(name, number, distinct=distinct, whole=whole)

    @override
    def walked_key(self, path: str) -> str:
        return path

    @override
    def walk(self, path: str) -> str:
        walked = f"json_each('[' || replace(trim({path}, '.'), '.', ',') || ']')"
        table = self.keyed("relationships", f"SELECT value FROM {walked}")
        return (
            "(SELECT '[' || group_concat(d, ',') || ']' FROM (SELECT "
            + self.document("x")
            + " AS d"
            f" FROM {walked} p"
            f" CROSS JOIN {table} x ON x.key = p.value ORDER BY p.key))"
        )

    @override
    def not_walked(self, path: str, key: str) -> str:
        return f"instr({path}, '.' || {key} || '.') = 0"


def _successor(part: str) -> str | None:
    """The least string above all that begin with `part`; None if there is none."""
    for end in range(len(part) - 1, -1, -1):
        code = ord(part[end])
        if code < _LAST:
            after = 0xE000 if code == 0xD7FF else code + 1  # noqa: PLR2004 - over the surrogates
            return part[:end] + chr(after)
    return None


def _glob(pattern: str) -> str:
    """A LIKE pattern in GLOB's notation; a backslash makes the next character plain."""
    parts = []
    escaped = False
    for character in pattern:
        if escaped or character not in "%_\\":
            parts.append(f"[{character}]" if character in "*?[" else character)
            escaped = False
        elif character == "\\":
            escaped = True
        else:
            parts.append("*" if character == "%" else "?")
    return "".join(parts)
