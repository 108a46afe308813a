"""The superset's functions and aggregates in PostgreSQL, over guarded arguments."""

from __future__ import annotations

from kastor.errors import QueryError
from kastor.query.kinds import RANKS

_STAMP = '\'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"\''
_CALLS = {
    "+": "({0} + {1})",
    "-": "({0} - {1})",
    "*": "({0} * {1})",
    "/": "({0} / nullif({1}, 0))",
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
    """Rank, value and JSON text of an aggregate over ``g{number}r`` and ``g{number}v``."""
    rank, value = f"g{number}r", f"g{number}v"
    only = "DISTINCT " if distinct else ""
    numeric = f"CASE WHEN {rank} = {RANKS['number']} THEN ({value} #>> '{{}}')::numeric END"
    text = f"CASE WHEN {rank} = {RANKS['string']} THEN {value} #>> '{{}}' END"
    if name == "COUNT":
        item = f"CASE WHEN {rank} > 0 THEN ({rank}, {value}) END"
        made = "count(*)" if whole else f"count({only}{item})"
    elif name in {"SUM", "AVG"}:
        made = f"{name.lower()}({only}{numeric})"
    else:
        function = name.lower()
        made = f"coalesce(to_jsonb({function}({numeric})), to_jsonb({function}({text})))"
    kind = f"CASE WHEN {made} IS NULL THEN 0 ELSE {RANKS['number']} END"
    return [
        f"{kind} AS {rank}",
        f"coalesce(to_jsonb({made}), '0') AS {value}",
        f"to_jsonb({made})::text AS g{number}j",
    ]
