"""The superset's functions and aggregates in PostgreSQL, over guarded arguments."""

from __future__ import annotations

from kastor.errors import QueryError
from kastor.query.kinds import RANKS

_SMALL = "abs({0}) <= 1099511627776 OR abs({0}) > 1e308"
_ROUNDED = "{0}::float8::text::numeric"
"""Large numbers go into a sum as doubles, as SQLite's do, so that both give the same sum."""
_DOUBLE = (
    "(SELECT CASE WHEN abs(d.x) > 1.7976931348623157e308 THEN NULL WHEN abs(d.x) < 1e-300 THEN 0"
    " WHEN d.x BETWEEN -9223372036854775808 AND 9223372036854775807 AND scale(d.x) = 0 THEN d.x"
    " ELSE d.x::float8::text::numeric END FROM (SELECT ({0}) AS x) d)"
)
"""Whole numbers of 64 bits stay exact, others become doubles: both engines see one value."""
_STAMP = '\'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"\''
_CALLS = {
    "+": _DOUBLE.format("{0} + {1}"),
    "-": _DOUBLE.format("{0} - {1}"),
    "*": _DOUBLE.format("{0} * {1}"),
    "/": _DOUBLE.format("{0} / nullif({1}, 0)"),
    "%": "mod({0}, nullif({1}, 0))",
    "ABS": "abs({0})",
    "CEILING": "ceil({0})",
    "FLOOR": "floor({0})",
    "ROUND": "round({0})",
    "SQRT": "CASE WHEN {0} >= 0 THEN sqrt({0}) END",
    "POWER": "power({0}, {1})",
    "LENGTH": "length({0})",
    "LOWER": 'lower({0} COLLATE "C")',
    "UPPER": 'upper({0} COLLATE "C")',
    "TRIM": "btrim({0}, E' \\t\\n\\r')",
    "INDEX_OF": "(strpos({0}, {1}) - 1)",
    "ARRAY_LENGTH": "CASE WHEN jsonb_typeof(({0})::jsonb) = 'array'"
    " THEN jsonb_array_length(({0})::jsonb) END",
    "NOW": f"to_char(now() AT TIME ZONE 'UTC', {_STAMP})",
    "DATETIME": f"to_char(({{0}})::timestamptz AT TIME ZONE 'UTC', {_STAMP})",
    "DATETIME_ADD": f"to_char((({{2}})::timestamptz + ({{1}} || ' ' || {{0}})::interval)"
    f" AT TIME ZONE 'UTC', {_STAMP})",
    "DATETIME_DIFF": "(extract(epoch FROM ({2})::timestamptz - ({1})::timestamptz)"
    " / extract(epoch FROM ('1 ' || {0})::interval))",
    "DATETIME_PART": "extract({0} FROM ({1})::timestamptz AT TIME ZONE 'UTC')",
}


def call(name: str, args: list[str]) -> str:
    """The SQL of one call."""
    if name == "CONCAT":
        return f"({' || '.join(args)})"
    if name == "SUBSTRING":
        rest = f", ({args[2]})::int" if len(args) > 2 else ""  # noqa: PLR2004
        return f"substr({args[0]}, ({args[1]})::int + 1{rest})"
    if name == "ROUND" and len(args) > 1:
        return f"round({args[0]}, ({args[1]})::int)"
    if name not in _CALLS:
        message = f"{name} is not available on PostgreSQL"
        raise QueryError(message)
    return _CALLS[name].format(*args)


def aggregate(name: str, number: int, *, distinct: bool, whole: bool) -> list[str]:
    """Rank, number, text and JSON text of an aggregate over columns of the same names."""
    rank, value, text = (f"g{number}{letter}" for letter in "rvt")
    only = "DISTINCT " if distinct else ""
    if name in {"MIN", "MAX"}:
        return _extreme(name.lower(), number)
    if name == "COUNT":
        made = f"count(DISTINCT ({rank}, {value}, {text}))" if distinct else "count(*)"
        if not whole:
            made += f" FILTER (WHERE {rank} > 0)"
        made = f"({made})::numeric"
    else:
        item = f"CASE WHEN {_SMALL.format(value)} THEN {value} ELSE {_ROUNDED.format(value)} END"
        if name == "AVG":
            item = value
        made = f"{name.lower()}({only}{item}) FILTER (WHERE {rank} = {RANKS['number']})"
        made = f"trim_scale({made})" if name == "AVG" else made
    return [
        f"CASE WHEN {made} IS NULL THEN 0 ELSE {RANKS['number']} END AS {rank}",
        f"coalesce({made}, 0) AS {value}",
        f"(''::text COLLATE \"C\") AS {text}",
        f"to_jsonb({made})::text AS g{number}j",
    ]


def _extreme(function: str, number: int) -> list[str]:
    """MIN or MAX: of the numbers if there are any, else of the strings."""
    rank, value, text = (f"g{number}{letter}" for letter in "rvt")
    least = f"{function}({value}) FILTER (WHERE {rank} = {RANKS['number']})"
    first = f"{function}({text}) FILTER (WHERE {rank} = {RANKS['string']})"
    shown = f"CASE WHEN {least} IS NULL THEN coalesce({first}, '') ELSE '' END"
    kind = f"CASE WHEN {least} IS NOT NULL THEN {RANKS['number']}"
    return [
        f"{kind} WHEN {first} IS NOT NULL THEN {RANKS['string']} ELSE 0 END AS {rank}",
        f"coalesce({least}, 0) AS {value}",
        f'({shown} COLLATE "C") AS {text}',
        f"coalesce(to_jsonb({least}), to_jsonb({first}))::text AS g{number}j",
    ]
