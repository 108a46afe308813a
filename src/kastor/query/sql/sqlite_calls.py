"""The superset's functions and aggregates in SQLite, over guarded arguments (NULL = undefined).

Arguments that are needed twice are named in a one-row sub-select, so that nested calls do not
double their text. Results that are no finite number are undefined.
"""

from __future__ import annotations

from kastor.query.kinds import RANKS

_SIMPLE = {
    "CEILING": "ceil({0})",
    "FLOOR": "floor({0})",
    "ROUND": "round({0})",
    "SQRT": "sqrt({0})",
    "LENGTH": "length({0})",
    "LOWER": "lower({0})",
    "UPPER": "upper({0})",
    "TRIM": "trim({0}, ' ' || char(9) || char(10) || char(13))",
    "ARRAY_LENGTH": "json_array_length({0})",
    "NOW": "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')",
}
_ARITHMETIC = {
    "+": "({0} + {1})",
    "-": "({0} - {1})",
    "*": "({0} * {1})",
    "/": "({0} * 1.0 / {1})",
    "POWER": "pow({0}, {1})",
}
_NAMED = {
    "%": "CASE WHEN typeof(a0) = 'integer' AND typeof(a1) = 'integer' THEN a0 % a1"
    " ELSE mod(a0, a1) END",
    "ABS": "CASE WHEN a0 = -9223372036854775808 THEN 9223372036854775808.0 ELSE abs(a0) END",
    "ROUND": "CASE WHEN a1 > -1 AND a1 < 16 AND abs(a0) < 1e290"
    " THEN round(a0 * pow(10, CAST(a1 AS INTEGER))) / pow(10, CAST(a1 AS INTEGER)) END",
    "SUBSTRING": "CASE WHEN a1 >= 0 AND a2 >= 0"
    " THEN substr(a0, CAST(a1 AS INTEGER) + 1, CAST(a2 AS INTEGER)) END",
    "ARRAY_LENGTH": "CASE WHEN json_type(a0) = 'array' THEN json_array_length(a0) END",
    "DATETIME": "CASE WHEN {date0} THEN {valid} strftime({stamp}, a0, '+0 seconds') {end} END",
    "DATETIME_ADD": "CASE WHEN {date2} THEN CASE WHEN lower(a0) IN ('year', 'month')"
    " THEN CASE WHEN a1 = CAST(a1 AS INTEGER) AND abs(a1) < 120000 THEN"
    " {valid} strftime({stamp}, a2, printf('%+d %ss', a1, lower(a0)), 'floor') {end} END"
    " WHEN lower(a0) IN ('day', 'hour', 'minute', 'second') THEN"
    " {valid} strftime({stamp}, a2, printf('%+.6f %ss', a1, lower(a0))) {end} END END",
    "DATETIME_DIFF": "CASE WHEN {date1} AND {date2} THEN round(unixepoch(a2, '+0 seconds',"
    " 'subsec') - unixepoch(a1, '+0 seconds', 'subsec'), 3) / CASE {length0} END END",
    "DATETIME_PART": "CASE WHEN {date1} THEN"
    " CAST(strftime(CASE {part0} END, a1, '+0 seconds') AS INTEGER) END",
}
_DATE = (
    "(length(a{0}) = 10 OR substr(a{0}, 11, 1) IN ('T', ' ')) AND substr(a{0}, 1, 4) > '0000'"
    " AND date(substr(a{0}, 1, 10)) = substr(a{0}, 1, 10)"
    " AND (length(a{0}) = 10 OR strftime('%H:%M', substr(a{0}, 12, 5)) = substr(a{0}, 12, 5))"
    " AND substr(a{0}, 12) NOT GLOB '*[^0-9:.+Z-]*' AND date(a{0}) IS NOT NULL"
)
"""An ISO date that exists, with or without a time that exists; the same texts as on PostgreSQL."""
_STAMP = "'%Y-%m-%dT%H:%M:%fZ'"
_VALID, _END = "nullif(max('0001', ", "), '0001')"
"""Around a time as text: undefined before the year 1."""
_LENGTHS = "lower(a0) WHEN 'day' THEN 86400.0 WHEN 'hour' THEN 3600.0 WHEN 'minute' THEN 60.0"
_LENGTHS += " WHEN 'second' THEN 1.0"
_PARTS = "lower(a0) WHEN 'year' THEN '%Y' WHEN 'month' THEN '%m' WHEN 'day' THEN '%d'"
_PARTS += " WHEN 'hour' THEN '%H' WHEN 'minute' THEN '%M' WHEN 'second' THEN '%S'"
_INF = "9e999"
_COORDINATE = "CASE WHEN json_type({0}, '$.type') = 'text' AND {0} ->> '$.type' = 'Point'"
_COORDINATE += " THEN radians({0} ->> '$.coordinates[{1}]') END"
_DISTANCE = (
    "12742017.6 * asin(sqrt(pow(sin((y1 - y0) / 2), 2)"
    " + cos(y0) * cos(y1) * pow(sin((x1 - x0) / 2), 2)))"
)
"""Haversine on a sphere of 6,371,008.8 m; x are longitudes, y latitudes, in radians."""


def call(name: str, args: list[str]) -> str:
    """The SQL of one call."""
    arithmetic = _ARITHMETIC.get(name)
    if arithmetic is not None:
        return f"nullif(nullif({arithmetic.format(*args)}, {_INF}), -{_INF})"
    if name == "CONCAT":
        return f"({' || '.join(args)})"
    if name == "SUBSTRING" and len(args) == 2:  # noqa: PLR2004 - to the end
        args = [*args, "2147483647"]
    if name == "ST_DISTANCE":
        return _distance(args)
    if name == "ST_WITHIN":
        point, area = args
        inside = "geopoly_contains_point(b -> '$.coordinates[0]',"
        inside += " a ->> '$.coordinates[0]', a ->> '$.coordinates[1]')"
        numbers = " AND ".join(
            f"json_type(a, '$.coordinates[{index}]') IN ('integer', 'real')" for index in (0, 1)
        )
        inside = f"b ->> '$.type' = 'Polygon' AND {numbers} THEN {inside}"
        inside = f"CASE WHEN a ->> '$.type' = 'Point' AND {inside}"
        return f"(SELECT {inside} END FROM (SELECT {point} AS a, {area} AS b))"
    if name in _NAMED and not (name == "ROUND" and len(args) == 1):
        named = ", ".join(f"{arg} AS a{index}" for index, arg in enumerate(args))
        body = _NAMED[name]
        for index in range(3):
            body = body.replace(f"{{date{index}}}", _DATE.format(index))
        body = body.replace("{stamp}", _STAMP).replace("{length0}", _LENGTHS)
        body = body.replace("{valid}", _VALID).replace("{end}", _END)
        return f"(SELECT {body.replace('{part0}', _PARTS)} FROM (SELECT {named}))"
    return _SIMPLE[name].format(*args)


def _distance(args: list[str]) -> str:
    """Metres between two GeoJSON points, or a point and a longitude with a latitude."""
    ends = [_COORDINATE.format("a0", index) for index in (0, 1)]
    if len(args) == 2:  # noqa: PLR2004
        ends += [_COORDINATE.format("a1", index) for index in (0, 1)]
    else:
        ends += ["radians(a1)", "radians(a2)"]
    named = ", ".join(f"{arg} AS a{index}" for index, arg in enumerate(args))
    points = ", ".join(
        f"{end} AS {name}" for end, name in zip(ends, ("x0", "y0", "x1", "y1"), strict=True)
    )
    return f"(SELECT {_DISTANCE} FROM (SELECT {points} FROM (SELECT {named})))"


def aggregate(name: str, number: int, *, distinct: bool, whole: bool) -> list[str]:
    """Rank, value and JSON text of an aggregate over ``g{number}r`` and ``g{number}v``."""
    rank, value = f"g{number}r", f"g{number}v"
    only = "DISTINCT " if distinct else ""
    numeric = f"CASE WHEN {rank} = {RANKS['number']} THEN {value} END"
    kind = str(RANKS["number"])
    if name == "COUNT":
        tagged = f"CASE WHEN {rank} > 0 THEN {rank} || ':' || {value} END"
        made = "count(*)" if whole else f"count({only}{tagged})"
    elif name == "SUM":
        # Large integers go in as doubles: SQLite's sum() fails when integers overflow.
        safe = f"CASE WHEN {numeric} BETWEEN -1099511627776 AND 1099511627776"
        made = f"sum({only}{safe} THEN {value} ELSE ({numeric}) * 1.0 END)"
    elif name == "AVG":
        made = f"avg({only}{numeric})"
    else:
        function = name.lower()
        text = f"CASE WHEN {rank} = {RANKS['string']} THEN {value} END"
        made = f"coalesce({function}({numeric}), {function}({text}))"
        kind = f"CASE typeof({made}) WHEN 'text' THEN {RANKS['string']} ELSE {kind} END"
    return [
        f"CASE WHEN {made} IS NULL THEN 0 ELSE {kind} END AS {rank}",
        f"coalesce({made}, 0) AS {value}",
        f"nullif(json_quote({made}), 'null') AS g{number}j",
    ]
