"""The superset's functions and aggregates in PostgreSQL, over guarded arguments."""

from __future__ import annotations

from kastor.query.kinds import RANKS
from kastor.storage.limits import MAX_BYTES, MAX_TEXT_WORK, REFUSAL

_SMALL = "abs({0}) <= 1099511627776 OR abs({0}) > 1e308"
_ROUNDED = "{0}::float8::text::numeric"
"""Large numbers go into a sum as doubles, as SQLite's do, so that both give the same sum."""
DOUBLE = (
    "(SELECT CASE WHEN abs(d.x) > 1.7976931348623157e308 THEN NULL WHEN abs(d.x) < 1e-300 THEN 0"
    " WHEN d.x BETWEEN -9223372036854775808 AND 9223372036854775807 AND scale(d.x) = 0 THEN d.x"
    " ELSE d.x::float8::text::numeric END FROM (SELECT ({0}) AS x OFFSET 0) d)"
)
"""Whole numbers of 64 bits stay exact, others become doubles: both engines see one value."""
_STAMP = '\'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"\''
_MILLISECONDS = "date_trunc('milliseconds', {0} + interval '0.5 milliseconds')"
_FIRST, _END = "timestamp '0001-01-01'", "timestamp '10000-01-01'"
_AS_TEXT = (
    f"(SELECT CASE WHEN d.t >= {_FIRST} AND d.t < {_END} THEN to_char(d.t, {_STAMP}) END"
    f" FROM (SELECT {_MILLISECONDS} AS t OFFSET 0) d)"
)
_PATTERN = (
    r"'^\d{{4}}-\d\d-\d\d([T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?"
    r"(Z|[+-](0\d|1[0-4]):[0-5]\d)?)?$'"
)
_DAYS = (
    "CASE substr({0}, 6, 2) WHEN '02' THEN CASE WHEN substr({0}, 1, 4)::int % 4 = 0"
    " AND (substr({0}, 1, 4)::int % 100 <> 0 OR substr({0}, 1, 4)::int % 400 = 0)"
    " THEN '29' ELSE '28' END WHEN '04' THEN '30' WHEN '06' THEN '30' WHEN '09' THEN '30'"
    " WHEN '11' THEN '30' ELSE '31' END"
)
_PARSED = (
    f"CASE WHEN {{0}} ~ {_PATTERN} THEN CASE WHEN substr({{0}}, 1, 4) > '0000'"
    " AND substr({0}, 6, 2) BETWEEN '01' AND '12' AND substr({0}, 9, 2) >= '01'"
    f" AND substr({{0}}, 9, 2) <= {_DAYS}"
    " THEN (regexp_replace({0}, '(\\.\\d{{6}})\\d+', '\\1')"
    " || CASE WHEN length({0}) = 10 THEN 'T00:00Z' WHEN substr({0}, 12) ~ '[Z+-]' THEN ''"
    " ELSE 'Z' END)::timestamptz AT TIME ZONE 'UTC' END END"
)
_INSTANT = (
    f"(SELECT least({_MILLISECONDS.format('i.t')},"
    " date_trunc('second', i.t) + interval '999 milliseconds')"
    f" FROM (SELECT {_PARSED} AS t OFFSET 0) i)"
)
"""A timestamp in UTC, to the millisecond without a carry into the next second; every cast stands
behind a look at its own text, since constants are cast when the statement is planned."""
_UNIT = "lower({0}) WHEN "
_SECONDS = "'day' THEN 86400 WHEN 'hour' THEN 3600 WHEN 'minute' THEN 60 WHEN 'second' THEN 1"
_LONGEST = "400000000000"
_PARTS = " WHEN ".join(
    f"'{part}' THEN extract({part} FROM {{1}})"
    for part in ("year", "month", "day", "hour", "minute", "second")
)
_NUMBER = "({0})::float8::text::numeric"
_POWER = (
    "CASE WHEN a0 = 0 THEN CASE WHEN a1 = 0 THEN 1 WHEN a1 > 0 THEN 0 END"
    " WHEN a0 < 0 AND a1 <> trunc(a1) THEN NULL"
    " WHEN a1 * ln(abs(a0)) > 709.78 THEN NULL WHEN a1 * ln(abs(a0)) < -744 THEN 0"
    " ELSE power(a0::float8, a1::float8)::text::numeric END"
)
_ROUND = (
    "CASE WHEN trunc(a1) BETWEEN 0 AND 15 AND abs(a0) < 1e290"
    " THEN (round((a0::float8 * (10 ^ trunc(a1))::float8)::text::numeric)::float8"
    " / (10 ^ trunc(a1))::float8)::text::numeric END"
)
_COORDINATE = (
    "CASE WHEN ({0})::jsonb ->> 'type' = 'Point'"
    " AND jsonb_typeof(({0})::jsonb #> '{{{{coordinates,{1}}}}}') = 'number'"
    " THEN radians((({0})::jsonb #>> '{{{{coordinates,{1}}}}}')::float8) END"
)
_DISTANCE = (
    "(SELECT (12742017.6 * asin(CASE WHEN h.x > 1 THEN 1 ELSE h.x END))::text::numeric FROM"
    " (SELECT sqrt(power(sin((y1 - y0) / 2), 2)"
    " + cos(y0) * cos(y1) * power(sin((x1 - x0) / 2), 2)) AS x) h)"
)
"""Haversine on a sphere of 6,371,008.8 m; x are longitudes, y latitudes, in radians."""
_STEP = 16
"""Members of a row that are made before it is looked how large they are."""
_RING = "(a1)::jsonb #> '{coordinates,0}'"
_ELEMENTS = f"jsonb_array_elements(CASE WHEN jsonb_typeof({_RING}) = 'array' THEN {_RING} END)"
_CORNER = (
    "CASE WHEN jsonb_typeof(e -> 0) = 'number' AND jsonb_typeof(e -> 1) = 'number'"
    " THEN '(' || (e ->> 0) || ',' || (e ->> 1) || ')' END"
)
_WITHIN = (
    "CASE WHEN (a0)::jsonb ->> 'type' = 'Point' AND (a1)::jsonb ->> 'type' = 'Polygon'"
    " AND jsonb_typeof((a0)::jsonb #> '{coordinates,0}') = 'number'"
    " AND jsonb_typeof((a0)::jsonb #> '{coordinates,1}') = 'number'"
    f" THEN (SELECT CASE WHEN count(*) > 3 AND count(*) = count({_CORNER})"
    f" AND {_RING} -> 0 = {_RING} -> -1"
    f" THEN (('(' || string_agg({_CORNER}, ',' ORDER BY n) || ')')::polygon"
    " @> point(((a0)::jsonb #>> '{coordinates,0}')::float8,"
    " ((a0)::jsonb #>> '{coordinates,1}')::float8))::int END"
    f" FROM {_ELEMENTS} WITH ORDINALITY t(e, n)) END"
)
_CALLS = {
    "+": DOUBLE.format("{0} + {1}"),
    "-": DOUBLE.format("{0} - {1}"),
    "*": DOUBLE.format("{0} * {1}"),
    "/": DOUBLE.format("{0} / nullif({1}, 0)"),
    "%": "mod({0}, nullif({1}, 0))",
    "ABS": "abs({0})",
    "CEILING": "ceil({0})",
    "FLOOR": "floor({0})",
    "ROUND": "round({0})",
    "LENGTH": "length({0})",
    "LOWER": 'lower({0} COLLATE "C")',
    "UPPER": 'upper({0} COLLATE "C")',
    "TRIM": "btrim({0}, E' \\t\\n\\r')",
    "NOW": f"to_char(now() AT TIME ZONE 'UTC', {_STAMP})",
}
_NAMED = {
    "ROUND": _ROUND,
    "SQRT": f"CASE WHEN a0 >= 0 THEN {_NUMBER.format('sqrt(a0::float8)')} END",
    "POWER": _POWER,
    "SUBSTRING": "CASE WHEN a1 >= 0 AND a2 >= 0 THEN substr(a0,"
    " least(trunc(a1), 1000000000)::int + 1, least(trunc(a2), 1000000000)::int) END",
    "ARRAY_LENGTH": "CASE WHEN jsonb_typeof((a0)::jsonb) = 'array'"
    " THEN jsonb_array_length((a0)::jsonb) END",
    "DATETIME": _AS_TEXT.format(_INSTANT.format("a0")),
    "DATETIME_ADD": _AS_TEXT.format(
        f"({_INSTANT.format('a2')}) + CASE WHEN lower(a0) IN ('year', 'month')"
        f" THEN CASE WHEN a1 = trunc(a1) AND abs(a1) < 120000 THEN make_interval(months =>"
        f" a1::int * CASE lower(a0) WHEN 'year' THEN 12 ELSE 1 END) END"
        f" ELSE CASE WHEN abs(a1) * CASE {_UNIT.format('a0')}{_SECONDS} END < {_LONGEST}"
        " THEN interval '1 second'"
        f" * round(round(a1, 6) * CASE {_UNIT.format('a0')}{_SECONDS} END, 3)::float8 END END"
    ),
    "DATETIME_DIFF": _NUMBER.format(
        f"extract(epoch FROM {_INSTANT.format('a2')} - {_INSTANT.format('a1')})"
        f" / CASE {_UNIT.format('a0')}{_SECONDS} END"
    ),
    "DATETIME_PART": f"(SELECT floor(CASE {_UNIT.format('a0')}{_PARTS.format('', 'd.t')} END)"
    f" FROM (SELECT {_INSTANT.format('a1')} AS t OFFSET 0) d)",
    "ST_WITHIN": _WITHIN,
}
"""Over arguments that are named, since they are needed twice; each is total: no value that a twin
can have makes it fail. OFFSET 0 keeps the planner from writing an argument out wherever its name
stands, which would double nested calls."""


def call(name: str, args: list[str]) -> str:
    """The SQL of one call."""
    if name == "CONCAT":
        return _concat(args)
    if name == "SUBSTRING" and len(args) == 2:  # noqa: PLR2004 - to the end
        args = [*args, "1000000000::numeric"]
    if name == "ST_DISTANCE":
        return _distance(args)
    if name in _NAMED and not (name == "ROUND" and len(args) == 1):
        named = ", ".join(f"{arg} AS a{index}" for index, arg in enumerate(args))
        return f"(SELECT {_NAMED[name]} FROM (SELECT {named} OFFSET 0) c)"
    return _CALLS[name].format(*args)


def bounded(test: str, subject: str, part: str, refused: str) -> str:
    """A test over the texts a0 and a1, or an error when their search would take too long.

    The error is that of a wrong number, which repeats the text.
    """
    work = "octet_length(a0)::bigint * octet_length(a1)"
    failure = f"('{REFUSAL}max_text_work' || left(a0, 0))::int"
    return (
        f"(SELECT CASE WHEN {work} > {MAX_TEXT_WORK} THEN {failure}{refused} ELSE {test} END"
        f" FROM (SELECT {subject} AS a0, {part} AS a1 OFFSET 0) c)"
    )


def row_of(text: str, members: list[str], first: int = 0, otherwise: str = "") -> str:
    """A row's text over its members from `first` on, or `otherwise` when it would be too large.

    A few members at a time are made, and the next ones only if those before leave room.
    """
    last = min(first + _STEP, len(members))
    names = [f"m{number}" for number in range(first, last)]
    named = ", ".join(f"{members[n]} AS m{n}" for n in range(first, last))
    size = " + ".join(f"coalesce(octet_length({name}), 0)::bigint" for name in names)
    if first:
        size = f"z{first} + {size}"
    if last < len(members):
        text = row_of(text, members, last, otherwise)
    return (
        f"(SELECT CASE WHEN z{last} <= {MAX_BYTES} THEN {text}{otherwise} END FROM"
        f" (SELECT {', '.join(names)}, {size} AS z{last} FROM (SELECT {named} OFFSET 0) m OFFSET 0)"
        f" c{last})"
    )


def _concat(args: list[str]) -> str:
    names = [f"a{index}" for index in range(len(args))]
    named = ", ".join(f"{arg} AS {name}" for arg, name in zip(args, names, strict=True))
    size = " + ".join(f"octet_length({name})::bigint" for name in names)
    failure = f"('{REFUSAL}max_bytes' || left(a0, 0))::int::text"
    return (
        f"(SELECT CASE WHEN {size} > {MAX_BYTES} THEN {failure} ELSE {' || '.join(names)} END"
        f" FROM (SELECT {named} OFFSET 0) c)"
    )


def _distance(args: list[str]) -> str:
    """Metres between two GeoJSON points, or a point and a longitude with a latitude."""
    ends = [_COORDINATE.format("a0", index).format() for index in (0, 1)]
    if len(args) == 2:  # noqa: PLR2004
        ends += [_COORDINATE.format("a1", index).format() for index in (0, 1)]
    else:
        ends += [
            f"CASE WHEN abs({name}) < 1e308 THEN radians({name}::float8) END"
            for name in ("a1", "a2")
        ]
    named = ", ".join(f"{arg} AS a{index}" for index, arg in enumerate(args))
    points = ", ".join(
        f"{end} AS {name}" for end, name in zip(ends, ("x0", "y0", "x1", "y1"), strict=True)
    )
    return f"(SELECT {_DISTANCE} FROM (SELECT {points} FROM (SELECT {named} OFFSET 0) c) d)"


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
