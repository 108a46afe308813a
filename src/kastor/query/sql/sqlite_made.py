"""Lists, maps and what openCypher's functions make of them, in SQLite.

Values that are made are JSON text, and NULL or ``null`` where they are missing. Arguments are named
a0, a1 .. in a one-row sub-select, and null is NULL there.
"""

from __future__ import annotations

from kastor.query.functions import argument_kinds
from kastor.query.sql.sort_keys import (
    BOOLEAN,
    DIGITS,
    END,
    EXPONENT,
    LIST,
    MANTISSA,
    NULL,
    NUMBER,
    RELATIONSHIP,
    REVERSED,
    SHIFT,
    TEXT,
    TWIN,
)
from kastor.storage.letters import LOWER, UPPER
from kastor.storage.limits import MAX_COLLECTED_BYTES, MAX_ITEMS, MAX_TEXT_WORK, REFUSAL

_ITEM = (
    "CASE e.type WHEN 'text' THEN json_quote(e.value) WHEN 'real' THEN json_quote(e.value)"
    " WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' WHEN 'null' THEN 'null' ELSE e.value END"
)
"""The JSON text of an element e; a path for each would be looked for from the beginning."""


def failure(limit: str, of: str = "a0") -> str:
    """An error that names a limit; `of` is some value that is there, so that nobody fails early."""
    return f"json_extract('{{}}', '{REFUSAL}{limit}' || substr({of}, 1, 0))"


_KINDS = failure("kinds")
_SEPARATOR = "char(1114111)"
_LISTED = "'[' || coalesce(group_concat({0}, ','), '') || ']'"
_SLICED = (
    f"(SELECT {_LISTED.format('x')} FROM (SELECT {_ITEM} AS x"
    " FROM (SELECT json_array_length(a0) AS size) s CROSS JOIN json_each(a0) e"
    " WHERE e.key >= CASE WHEN a1 < 0 THEN s.size + a1 ELSE a1 END"
    " AND e.key < CASE WHEN a2 < 0 THEN s.size + a2 ELSE a2 END ORDER BY e.key))"
)
"""The size is asked once: the array would be read again for each element."""
_NUMBERS = "('integer', 'real')"
_REVERSED = (
    "(WITH RECURSIVE r(n, x) AS (SELECT length({0}), '' UNION ALL"
    " SELECT n - 1, x || substr({0}, n, 1) FROM r WHERE n > 0) SELECT x FROM r WHERE n = 0)"
)
_TEXT = "(a0 ->> '$')"
_TOO_LONG = f"octet_length({{0}}) * octet_length({{0}}) > {MAX_TEXT_WORK}"
_WORK = f"octet_length(a0) * octet_length(a1) > {MAX_TEXT_WORK}"
_DIGITS = "CASE WHEN CAST(printf('%!.{0}g', a0) AS REAL) = a0 THEN printf('%!.{0}g', a0)"
_INF = "9e999"
_DECIMAL = (
    "({0} NOT GLOB '*[^0-9.eE+-]*' AND {0} GLOB '*[0-9]*' AND {0} NOT GLOB '*[eE]*[eE.]*'"
    " AND {0} NOT GLOB '*.*.*' AND {0} NOT GLOB '?*[^eE][+-]*' AND {0} NOT GLOB '*[eE+-]'"
    " AND {0} NOT GLOB '[eE]*' AND {0} NOT GLOB '[+-][eE]*' AND {0} NOT GLOB '*[0-9.][+-]*'"
    " AND {0} NOT GLOB '.[eE]*' AND {0} NOT GLOB '[+-].[eE]*')"
)
"""Whether a text is a decimal number as programs write them."""
_TRIMMED = "trim({0}, ' ' || char(9) || char(10) || char(13))"
_INTEGER = (
    f"CASE WHEN typeof({_TEXT}) = 'integer' THEN {_TEXT} WHEN abs({_TEXT}) < 9223372036854774784"
    f" THEN CAST({_TEXT} AS INTEGER) ELSE {failure('finite')} END"
)


def _finite(made: str) -> str:
    """A number that is no infinity and no NaN, or an error."""
    made = f"nullif(nullif({made}, {_INF}), -{_INF})"
    return f"CASE WHEN a0 IS NOT NULL THEN coalesce({made}, {failure('finite')}) END"


def _letters(function: str) -> str:
    """SQLite's own function knows the letters of ASCII, which most texts have alone."""
    other = {"lower": LOWER, "upper": UPPER}[function]
    return f"CASE WHEN octet_length(a0) = length(a0) THEN {function}(a0) ELSE {other}(a0) END"


def _append(count: int) -> str:
    """One list of all, each of which is a list or an element."""
    names = [f"a{index}" for index in range(count)]
    inside = [
        f"CASE json_type({name}) WHEN 'array'"
        f" THEN nullif(substr({name}, 2, length({name}) - 2), '') ELSE {name} END"
        for name in names
    ]
    missing = " OR ".join(f"{name} IS NULL" for name in names)
    joined = f"'[' || concat_ws(',', {', '.join(inside)}) || ']'"
    return f"CASE WHEN {missing} THEN NULL ELSE {joined} END"


def _sorted_number(number: str) -> str:
    """A number as a text of fixed width that sorts as it."""
    written = f"printf('%.16e', abs({number}))"
    digits = (
        f"printf('%04d', CAST(substr({written}, {EXPONENT}) AS INTEGER) + {SHIFT})"
        f" || substr({written}, 1, {MANTISSA})"
    )
    reverse = digits
    for digit, letter in zip(DIGITS, REVERSED, strict=True):
        reverse = f"replace({reverse}, '{digit}', '{letter}')"
    return (
        f"CASE WHEN {number} > 0 THEN '2' || {digits} WHEN {number} = 0 THEN '1'"
        f" ELSE '0' || {reverse} END"
    )


def _sort_key() -> str:
    """See `sort_keys`; a list with a twin could be a path, which sorts elsewhere."""
    entity = (
        f"CASE WHEN (v ->> '$.\"$dtId\"') IS NOT NULL AND p = ''"
        f" THEN '{TWIN}' || hex(v ->> '$.\"$dtId\"') || '{END}'"
        f" WHEN (v ->> '$.\"$sourceId\"') IS NOT NULL THEN '{RELATIONSHIP}' ||"
        f" hex((v ->> '$.\"$sourceId\"') || '/' || (v ->> '$.\"$relationshipId\"')) || '{END}'"
        f" ELSE {failure('order', 't')} END"
    )
    shown = (
        f"CASE t WHEN 'array' THEN '{LIST}' WHEN 'text' THEN '{TEXT}' || hex(v) || '{END}'"
        f" WHEN 'true' THEN '{BOOLEAN}1' WHEN 'false' THEN '{BOOLEAN}0'"
        f" WHEN 'null' THEN '{NULL}' WHEN 'object' THEN {entity}"
        f" ELSE '{NUMBER}' || {_sorted_number('v')} END"
    )
    first = (
        "SELECT '' AS p, json_type(a0) AS t,"
        " CASE WHEN json_type(a0) IN ('array', 'object') THEN a0 ELSE a0 ->> '$' END AS v"
    )
    below = (
        "SELECT w.p || printf('%07d', e.key), e.type, e.value FROM w,"
        " json_each(CASE WHEN w.t = 'array' THEN w.v ELSE '[]' END) e"
    )
    pieces = (
        f"SELECT p, {shown} AS c FROM w UNION ALL SELECT p || '~', '{END}' FROM w WHERE t = 'array'"
    )
    return (
        f"CASE WHEN a0 IS NOT NULL THEN (WITH RECURSIVE w(p, t, v) AS ({first} UNION ALL {below})"
        f" SELECT group_concat(c, '') FROM (SELECT c FROM ({pieces}) ORDER BY p)) END"
    )


def _ordered(kinds: tuple[str, str], atoms: tuple[str, str]) -> str:
    """-1, 0 or 1 of two scalars; NULL of two kinds, and of null."""
    broad = "CASE {0} WHEN 'real' THEN 'integer' WHEN 'false' THEN 'true' ELSE {0} END"
    first, second = (broad.format(kind) for kind in kinds)
    one, other = atoms
    return (
        f"CASE WHEN {first} <> {second} THEN NULL WHEN {one} < {other} THEN -1"
        f" WHEN {one} > {other} THEN 1 WHEN {one} = {other} THEN 0 END"
    )


def _compare() -> str:
    """The same of values that may be lists: the first elements that are not the same decide.

    Lists of lists and of maps have to be compared deeper, and lists with twins may be paths.
    """
    pair = _ordered(("x.type", "y.type"), ("x.atom", "y.atom"))
    deep = "x.type IN ('array', 'object') OR y.type IN ('array', 'object')"
    told = f"CASE WHEN {deep} THEN {failure('order', 'x.type')} ELSE {pair} END"
    first = (
        f"SELECT {told} AS told FROM json_each(a0) x JOIN json_each(a1) y ON y.key = x.key"
        f" WHERE ({pair} = 0) IS NOT TRUE ORDER BY x.key LIMIT 1"
    )
    lengths = "sign(json_array_length(a0) - json_array_length(a1))"
    whole = _ordered(("json_type(a0)", "json_type(a1)"), ("(a0 ->> '$')", "(a1 ->> '$')"))
    return (
        "CASE WHEN a0 IS NULL OR a1 IS NULL THEN NULL"
        " WHEN json_type(a0) = 'array' AND json_type(a1) = 'array' THEN CASE"
        " WHEN 'object' IN (json_type(a0, '$[0]'), json_type(a1, '$[0]'))"
        f" THEN {failure('order')} ELSE (SELECT CASE WHEN count(*) = 0 THEN {lengths}"
        f" ELSE max(told) END FROM ({first})) END"
        " WHEN json_type(a0) IN ('array', 'object') OR json_type(a1) IN ('array', 'object')"
        f" THEN NULL ELSE {whole} END"
    )


_BOTH = "a0 IS NULL OR a1 IS NULL"
_MADE = {
    "AT": f"CASE WHEN {_BOTH} THEN NULL"
    " WHEN json_type(a0) = 'array' AND json_type(a1) = 'integer' THEN a0 -> ('$[' || CASE WHEN"
    " (a1 ->> '$') < 0 THEN '#' ELSE '' END || (a1 ->> '$') || ']')"
    " WHEN json_type(a0) = 'object' AND json_type(a1) = 'text' THEN"
    f" (SELECT {_ITEM} FROM json_each(a0) e WHERE e.key = (a1 ->> '$')) ELSE {_KINDS} END",
    "SLICE": f"CASE WHEN {_BOTH} OR a2 IS NULL THEN NULL WHEN json_type(a0) = 'array'"
    f" THEN {_SLICED} ELSE {_KINDS} END",
    "ADD": f"CASE WHEN {_BOTH} THEN NULL WHEN 'array' IN (json_type(a0), json_type(a1))"
    f" THEN {_append(2)} WHEN json_type(a0) IN {_NUMBERS} AND json_type(a1) IN {_NUMBERS} THEN"
    " nullif(json_quote(nullif(nullif((a0 ->> '$') + (a1 ->> '$'), 9e999), -9e999)), 'null')"
    " WHEN json_type(a0) = 'text' AND json_type(a1) = 'text'"
    f" THEN json_quote((a0 ->> '$') || (a1 ->> '$')) ELSE {_KINDS} END",
    "SIZE": "CASE json_type(a0) WHEN 'array' THEN json_array_length(a0)"
    f" WHEN 'text' THEN length(a0 ->> '$') ELSE CASE WHEN a0 IS NOT NULL THEN {_KINDS} END END",
    "KEYS": "CASE WHEN json_type(a0) = 'object' THEN (SELECT "
    + _LISTED.format("json_quote(x)")
    + " FROM (SELECT e.key AS x FROM json_each(a0) e WHERE substr(e.key, 1, 1) <> '$'"
    f" ORDER BY e.key)) WHEN a0 IS NOT NULL THEN {_KINDS} END",
    "RANGE": f"CASE WHEN {_BOTH} OR a2 IS NULL THEN NULL"
    " WHEN a2 = 0 OR typeof(a0) || typeof(a1) || typeof(a2) <> 'integerintegerinteger'"
    f" THEN {failure('range')} WHEN (a1 * 1.0 - a0) / a2 >= {MAX_ITEMS}"
    f" THEN {failure('max_items')} ELSE (WITH RECURSIVE r(n) AS (SELECT a0 WHERE"
    " CASE WHEN a2 > 0 THEN a0 <= a1 ELSE a0 >= a1 END UNION ALL SELECT n + a2 FROM r"
    " WHERE CASE WHEN a2 > 0 THEN n + a2 <= a1 ELSE n + a2 >= a1 END)"
    f" SELECT {_LISTED.format('n')} FROM r) END",
    "SPLIT": f"CASE WHEN {_BOTH} THEN NULL WHEN a1 = '' OR instr(a0, {_SEPARATOR}) > 0"
    f" THEN {failure('split')} WHEN {_WORK} THEN {failure('max_text_work')} ELSE"
    f" '[' || replace(json_quote(replace(a0, a1, {_SEPARATOR})), {_SEPARATOR}, '\",\"') || ']' END",
    "REPLACE": f"CASE WHEN {_BOTH} OR a2 IS NULL THEN NULL WHEN a1 = '' THEN {failure('split')}"
    f" WHEN {_WORK} THEN {failure('max_text_work')} ELSE replace(a0, a1, a2) END",
    "REVERSE": "CASE json_type(a0) WHEN 'array' THEN (SELECT "
    + _LISTED.format("x")
    + f" FROM (SELECT {_ITEM} AS x FROM json_each(a0) e ORDER BY e.key DESC)) WHEN 'text' THEN"
    f" CASE WHEN {_TOO_LONG.format(_TEXT)} THEN {failure('max_text_work')}"
    f" ELSE json_quote({_REVERSED.format(_TEXT)}) END"
    f" ELSE CASE WHEN a0 IS NOT NULL THEN {_KINDS} END END",
    "LEFT": f"CASE WHEN {_BOTH} THEN NULL WHEN a1 < 0 THEN {failure('range')}"
    " ELSE substr(a0, 1, CAST(a1 AS INTEGER)) END",
    "RIGHT": f"CASE WHEN {_BOTH} THEN NULL WHEN a1 < 0 THEN {failure('range')} WHEN a1 = 0 THEN ''"
    " ELSE substr(a0, -CAST(min(a1, length(a0) + 1) AS INTEGER)) END",
    "MID": f"CASE WHEN {_BOTH} OR a2 IS NULL THEN NULL WHEN a1 < 0 OR a2 < 0"
    f" THEN {failure('range')} ELSE substr(a0, CAST(min(a1, length(a0)) AS INTEGER) + 1,"
    " CAST(a2 AS INTEGER)) END",
    "TRIMMED": _TRIMMED.format("a0"),
    "LTRIM": "l" + _TRIMMED.format("a0"),
    "RTRIM": "r" + _TRIMMED.format("a0"),
    "TOLOWER": _letters("lower"),
    "TOUPPER": _letters("upper"),
    "TOSTRING": "CASE json_type(a0) WHEN 'text' THEN a0 ->> '$' WHEN 'true' THEN 'true'"
    f" WHEN 'false' THEN 'false' ELSE CASE WHEN a0 IS NOT NULL THEN {_KINDS} END END",
    "INTEGER_TEXT": "CAST(CAST(a0 AS INTEGER) AS TEXT)",
    "REAL_TEXT": "CASE WHEN a0 = 0 THEN '0.0' WHEN abs(a0) >= 1e-3 AND abs(a0) < 1e7 THEN "
    f"{_DIGITS.format(15)} ELSE {_DIGITS.format(16)} ELSE printf('%!.17g', a0) END END"
    f" WHEN a0 IS NOT NULL THEN {failure('digits')} END",
    "TOINTEGER": f"CASE WHEN json_type(a0) IN {_NUMBERS} THEN {_INTEGER}"
    " WHEN json_type(a0) = 'text' THEN (SELECT CASE WHEN length(t) < 400 AND"
    f" {_DECIMAL.format('t')} THEN CASE WHEN t NOT GLOB '*[.eE]*' AND"
    " typeof(CAST(t AS NUMERIC)) = 'integer' THEN CAST(t AS INTEGER)"
    " WHEN abs(CAST(t AS REAL)) < 9223372036854774784"
    f" THEN CAST(CAST(t AS REAL) AS INTEGER) END END FROM (SELECT {_TRIMMED.format(_TEXT)} AS t))"
    " WHEN json_type(a0) = 'true' THEN 1 WHEN json_type(a0) = 'false' THEN 0"
    f" WHEN a0 IS NOT NULL THEN {_KINDS} END",
    "TOFLOAT": f"CASE WHEN json_type(a0) IN {_NUMBERS} THEN {_TEXT} * 1.0"
    " WHEN json_type(a0) = 'text' THEN (SELECT CASE WHEN length(t) < 400 AND"
    f" {_DECIMAL.format('t')} THEN nullif(nullif(CAST(t AS REAL), {_INF}), -{_INF}) END"
    f" FROM (SELECT {_TRIMMED.format(_TEXT)} AS t)) WHEN a0 IS NOT NULL THEN {_KINDS} END",
    "TOBOOLEAN": "CASE json_type(a0) WHEN 'true' THEN 'true' WHEN 'false' THEN 'false'"
    f" WHEN 'text' THEN CASE lower({_TRIMMED.format(_TEXT)}) WHEN 'true' THEN 'true'"
    " WHEN 'false' THEN 'false' END WHEN 'integer' THEN CASE a0 WHEN '0' THEN 'false' ELSE 'true'"
    f" END ELSE CASE WHEN a0 IS NOT NULL THEN {_KINDS} END END",
    "AS_STRING": f"CASE json_type(a0) WHEN 'text' THEN {_TEXT} ELSE CASE WHEN a0 IS NOT NULL"
    f" THEN {_KINDS} END END",
    "AS_NUMBER": f"CASE WHEN json_type(a0) IN {_NUMBERS} THEN {_TEXT} WHEN a0 IS NOT NULL"
    f" THEN {_KINDS} END",
    "AS_INTEGER": f"CASE WHEN json_type(a0) = 'integer' THEN {_TEXT} WHEN a0 IS NOT NULL"
    f" THEN {_KINDS} END",
    "AS_BOOLEAN": "CASE WHEN json_type(a0) IN ('true', 'false') THEN a0 WHEN a0 IS NOT NULL"
    f" THEN {_KINDS} END",
    "AS_LIST": f"CASE WHEN json_type(a0) = 'array' THEN a0 WHEN a0 IS NOT NULL THEN {_KINDS} END",
    "SCALAR": "CASE WHEN json_type(a0) IN ('array', 'object') THEN " + failure("order") + " ELSE a0"
    " END",
    "DIV": f"CASE WHEN {_BOTH} THEN NULL WHEN a1 = 0 THEN {failure('zero')}"
    " WHEN a1 = -1 THEN CASE WHEN a0 = -9223372036854775808 THEN "
    + failure("finite")
    + " ELSE -a0 END ELSE a0 / a1 END",
    "QUOTIENT": f"CASE WHEN {_BOTH} THEN NULL WHEN a1 = 0 THEN {failure('zero')}"
    f" ELSE nullif(nullif(a0 * 1.0 / a1, {_INF}), -{_INF}) END",
    "REMAINDER": f"CASE WHEN {_BOTH} THEN NULL WHEN a1 = 0 THEN {failure('zero')}"
    f" WHEN a0 <> floor(a0) OR a1 <> floor(a1) THEN {failure('remainder')} ELSE a0 % a1 END",
    "XOR": "CASE WHEN a0 <> a1 THEN 'true' WHEN a0 = a1 THEN 'false' END",
    "COMPARE": _compare(),
    "SORT_KEY": _sort_key(),
    "KEYED": f"({_sort_key()}) || '|' || a0",
    "AFTER_KEY": "substr(a0, instr(a0, '|') + 1)",
    "SIGN": "sign(a0)",
    "TO_POWER": _finite("pow(a0, a1)").replace("a0 IS NOT NULL", "a0 + a1 IS NOT NULL"),
    "ROUNDED": "CASE WHEN abs(a0) < 4503599627370496 THEN floor(a0 + 0.5) ELSE a0 END",
    **{
        name: _finite(f"{function}(a0)")
        for name, function in (
            *(("ROOT", "sqrt"), ("EXP", "exp"), ("LOG", "ln"), ("LOG10", "log10"), ("SIN", "sin")),
            *(("COS", "cos"), ("TAN", "tan"), ("ASIN", "asin"), ("ACOS", "acos"), ("ATAN", "atan")),
            *(("DEGREES", "degrees"), ("RADIANS", "radians")),
        )
    },
}


def is_made(name: str) -> bool:
    """Whether a call is one of these."""
    return name in _MADE or name == "APPEND"


def call(name: str, args: list[str]) -> str:
    """The SQL of one call."""
    kinds = argument_kinds(name, len(args))
    named = ", ".join(
        f"{f'nullif({arg}, {_NULL})' if kind == 'json' else arg} AS a{index}"
        for index, (arg, kind) in enumerate(zip(args, kinds, strict=True))
    )
    made = _append(len(args)) if name == "APPEND" else _MADE[name]
    return f"(SELECT {made} FROM (SELECT {named}))"


_NULL = "'null'"


def items(doc: str, path: str) -> tuple[str, str]:
    """A FROM item with the elements of an array, and the JSON text of one."""
    return f"json_each({doc}, {path}) e", f"({_ITEM})"


def filtered(source: str, item: str, test: str) -> str:
    """The array of these texts of elements, of those that pass the test.

    Elements come in their order, and sorting them would hold all texts before their end is known.
    """
    where = f" WHERE {test}" if test else ""
    return f"(SELECT {_LISTED.format('x')} FROM (SELECT {item} AS x FROM {source}{where}))"


def gathered(query: str, order: list[str]) -> str:
    """The array of the texts `x` of all rows."""
    return f"(SELECT {_LISTED.format('x')} FROM ({query} ORDER BY {', '.join(order)}))"


def canonical(doc: str, path: str) -> str:
    """A text that equal arrays and objects share, however their numbers are written."""
    number = (
        "CASE WHEN abs(x.atom) < 9e15"
        " AND x.atom = CAST(x.atom AS INTEGER) THEN CAST(x.atom AS INTEGER)"
        " ELSE printf('%!.17g', x.atom) END"
    )
    item = (
        "x.fullkey || ' ' || CASE x.type WHEN 'text' THEN json_quote(x.atom) WHEN 'integer'"
        f" THEN x.atom WHEN 'real' THEN {number} ELSE x.type END"
    )
    return (
        f"(SELECT group_concat(c, char(10)) FROM (SELECT {item} AS c"
        f" FROM json_tree({doc} -> {path}) x ORDER BY x.fullkey))"
    )


_NODES = (
    "SELECT fullkey, CASE type WHEN 'real' THEN 'integer' WHEN 'false' THEN 'true' ELSE type END"
    " AS kind, CASE type WHEN 'array' THEN json_array_length(value) WHEN 'object' THEN"
    " coalesce((SELECT group_concat(json_quote(key))"
    " FROM (SELECT key FROM json_each(x.value) ORDER BY key)), '')"
    " ELSE atom END AS shown FROM json_tree({0} -> {1}) x"
)
"""What is at each place: its kind, and its value, its length, or the names in it."""


def same(first: tuple[str, str], second: tuple[str, str]) -> str:
    """Whether two values are equal and hold no null."""
    return (
        f"({canonical(*first)} = {canonical(*second)} AND NOT EXISTS"
        f" (SELECT 1 FROM json_tree({first[0]} -> {first[1]}) x WHERE x.type = 'null'))"
    )


def differ(first: tuple[str, str], second: tuple[str, str]) -> str:
    """Whether two values are different whatever their nulls were.

    By places of both, since a join would look at each place of the one for each of the other.
    """
    both = f"{_NODES.format(*first)} UNION ALL {_NODES.format(*second)}"
    return (
        f"EXISTS (SELECT 1 FROM ({both}) GROUP BY fullkey HAVING count(*) = 2"
        " AND max(kind = 'null') = 0 AND (min(kind) <> max(kind) OR min(shown) <> max(shown)))"
    )


def numbered(raw: str, sizes: str, apart: dict[str, list[str]]) -> str:
    """Rows with their number, and the first of each kind; fails beyond what may be collected."""
    flags = [
        f", row_number() OVER (PARTITION BY {', '.join(by)} ORDER BY gn) = 1 AS {flag}"
        for flag, by in apart.items()
    ]
    size = f"sum({sizes}) OVER (ROWS UNBOUNDED PRECEDING)"
    numbered = f"SELECT q.*, row_number() OVER () AS gn, {size} AS gz FROM ({raw}) q"
    failed = failure("max_collected_bytes", "gz")
    return (
        f"SELECT q.*{''.join(flags)} FROM ({numbered}) q"
        f" WHERE CASE WHEN gz > {MAX_COLLECTED_BYTES} THEN {failed} ELSE 1 END"
    )


def collected(number: int, *, distinct: bool) -> list[str]:
    """The columns of an array of all that is there, in the order of the rows' numbers."""
    some = f"g{number}r > 0{f' AND g{number}f' if distinct else ''}"
    made = f"group_concat(g{number}j, ',' ORDER BY gn) FILTER (WHERE {some})"
    listed = f"'[' || coalesce({made}, '') || ']'"
    return [f"5 AS g{number}r", f"'' AS g{number}v", f"{listed} AS g{number}j"]
