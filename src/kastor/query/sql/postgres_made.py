"""Lists, maps and what openCypher's functions make of them, in PostgreSQL.

Values that are made are JSON text between statements' parts, and jsonb inside of one: arguments are
named a0, a1 .. in a one-row sub-select, and null is NULL there. OFFSET 0 as in `postgres_calls`.
"""

from __future__ import annotations

import json
from functools import cache

from kastor.letters import changed, lower, upper
from kastor.query.functions import argument_kinds, result_kind
from kastor.query.sql.postgres_calls import DOUBLE
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
from kastor.storage.limits import MAX_BYTES, MAX_COLLECTED_BYTES, MAX_ITEMS, MAX_TEXT_WORK, REFUSAL


def failure(limit: str, kind: str, of: str = "a0") -> str:
    """An error that names a limit, where a value of this SQL type stands."""
    failed = f"('{REFUSAL}{limit}' || left(({of})::text, 0))::int"
    return f"to_jsonb({failed})" if kind == "jsonb" else f"({failed})::{kind}"


_KINDS = failure("kinds", "jsonb")
_TEXT = "(a0 #>> '{}')"
_NUMBER = "({0} #>> '{{}}')::numeric"
_BOTH = "a0 IS NULL OR a1 IS NULL"
_KIND = "jsonb_typeof({0})"
_ELEMENTS = "jsonb_array_elements(a0) WITH ORDINALITY e(value, n)"
_INDEX = f"least(greatest({_NUMBER.format('a1')}, -2000000000), 2000000000)"
_WIDE = f"octet_length(a0::text)::bigint + octet_length(a1::text) > {MAX_BYTES}"


def _append(count: int) -> str:
    """One list of all, each of which is a list or an element."""
    names = [f"a{index}" for index in range(count)]
    lists = [
        f"CASE jsonb_typeof({one}) WHEN 'array' THEN {one} ELSE jsonb_build_array({one}) END"
        for one in names
    ]
    missing = " OR ".join(f"{name} IS NULL" for name in names)
    size = " + ".join(f"octet_length({name}::text)::bigint" for name in names)
    return (
        f"CASE WHEN {missing} THEN NULL WHEN {size} > {MAX_BYTES}"
        f" THEN {failure('max_bytes', 'jsonb')} ELSE {' || '.join(lists)} END"
    )


_WORK = f"octet_length(a0)::bigint * octet_length(a1) > {MAX_TEXT_WORK}"
_FOUND = "((length(a0) - length(replace(a0, a1, ''))) / length(a1))::bigint"
_BLANKS = "E' \\t\\n\\r'"
_DECIMAL = r"'^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$'"
_FITS = "trunc({0}) BETWEEN -9223372036854775808 AND 9223372036854775807"
_FLOAT = "({0})::float8::text::numeric"


def _finite(made: str) -> str:
    """A number, or an error where there is none; the engine itself fails beyond a double."""
    return f"CASE WHEN a0 IS NOT NULL THEN coalesce({made}, {failure('finite', 'numeric')}) END"


def _parsed(made: str) -> str:
    """`made` of a text `t.t` that is a decimal number."""
    return (
        f"(SELECT CASE WHEN length(t.t) < 400 AND t.t ~ {_DECIMAL} THEN {made} END"
        f" FROM (SELECT btrim({_TEXT}, {_BLANKS}) AS t OFFSET 0) t)"
    )


@cache
def _letters(function: str) -> str:
    """ASCII by PostgreSQL, others letter by letter: what its collations know is its platform's."""
    changes = changed({"lower": lower, "upper": upper}[function])
    table = json.dumps(changes, ensure_ascii=False).replace("'", "''")
    return (
        f'CASE WHEN octet_length(a0) = length(a0) THEN {function}(a0 COLLATE "C")'
        f" ELSE (SELECT string_agg(coalesce('{table}'::jsonb ->> c, c), '' ORDER BY n)"
        " FROM string_to_table(a0, NULL) WITH ORDINALITY t(c, n)) END"
    )


def _sorted_number(number: str) -> str:
    """A number as a text of fixed width that sorts as it."""
    written = f"btrim(to_char(abs({number}), '9.9999999999999999EEEE'))"
    digits = (
        f"lpad((substr({written}, {EXPONENT})::int + {SHIFT})::text, 4, '0')"
        f" || left({written}, {MANTISSA})"
    )
    return (
        f"CASE WHEN {number} > 0 THEN '2' || {digits} WHEN {number} = 0 THEN '1'"
        f" ELSE '0' || translate({digits}, '{DIGITS}', '{REVERSED}') END"
    )


def _sort_key() -> str:
    """See `sort_keys`; a list with a twin could be a path, which sorts elsewhere."""

    def digits(text: str) -> str:
        return f"encode(convert_to({text}, 'UTF8'), 'hex') || '{END}'"

    twin, text = "w.v ->> '$dtId'", "w.v #>> '{}'"
    related = "(w.v ->> '$sourceId') || '/' || (w.v ->> '$relationshipId')"
    entity = (
        f"CASE WHEN w.v ? '$dtId' AND w.p = '' THEN '{TWIN}' || {digits(twin)}"
        f" WHEN w.v ? '$sourceId' THEN '{RELATIONSHIP}' || {digits(related)}"
        f" ELSE {failure('order', 'text', 'w.v')} END"
    )
    shown = (
        f"CASE jsonb_typeof(w.v) WHEN 'array' THEN '{LIST}'"
        f" WHEN 'string' THEN '{TEXT}' || {digits(text)}"
        f" WHEN 'boolean' THEN CASE WHEN w.v = 'true'::jsonb THEN '{BOOLEAN}1'"
        f" ELSE '{BOOLEAN}0' END WHEN 'null' THEN '{NULL}' WHEN 'object' THEN {entity}"
        f" ELSE '{NUMBER}' || {_sorted_number(_NUMBER.format('w.v'))} END"
    )
    below = (
        "SELECT w.p || lpad(e.n::text, 7, '0'), e.value FROM w CROSS JOIN LATERAL"
        " jsonb_array_elements(CASE WHEN jsonb_typeof(w.v) = 'array' THEN w.v ELSE '[]' END)"
        " WITH ORDINALITY e(value, n)"
    )
    pieces = (
        f"SELECT w.p, {shown} AS c FROM w UNION ALL"
        f" SELECT w.p || '~', '{END}' FROM w WHERE jsonb_typeof(w.v) = 'array'"
    )
    return (
        "CASE WHEN a0 IS NOT NULL THEN (WITH RECURSIVE w(p, v) AS (SELECT ''::text, a0"
        f" UNION ALL {below}) SELECT string_agg(q.c, '' ORDER BY q.p COLLATE \"C\")"
        f" FROM ({pieces}) q) END"
    )


def _ordered(first: str, second: str) -> str:
    """-1, 0 or 1 of two scalars; NULL of two kinds, and of null."""
    one, other = (f"({value} #>> '{{}}') COLLATE \"C\"" for value in (first, second))
    numbers = f"{_NUMBER.format(first)} - {_NUMBER.format(second)}"
    return (
        f"CASE WHEN jsonb_typeof({first}) <> jsonb_typeof({second}) THEN NULL"
        f" WHEN jsonb_typeof({first}) = 'number' THEN sign({numbers})"
        f" WHEN jsonb_typeof({first}) IN ('string', 'boolean') THEN CASE WHEN {one} < {other}"
        f" THEN -1 WHEN {one} > {other} THEN 1 ELSE 0 END END"
    )


def _compare() -> str:
    """The same of values that may be lists: the first elements that are not the same decide.

    Lists of lists and of maps have to be compared deeper, and lists with twins may be paths.
    """
    pair = _ordered("x.value", "y.value")
    deep = " OR ".join(f"jsonb_typeof({one}.value) IN ('array', 'object')" for one in "xy")
    told = f"CASE WHEN {deep} THEN {failure('order', 'numeric', 'x.value')} ELSE {pair} END"
    first = (
        f"SELECT {told} AS told FROM jsonb_array_elements(a0) WITH ORDINALITY x(value, n)"
        " JOIN jsonb_array_elements(a1) WITH ORDINALITY y(value, n) ON y.n = x.n"
        f" WHERE ({pair} = 0) IS NOT TRUE ORDER BY x.n LIMIT 1"
    )
    lengths = "sign((jsonb_array_length(a0) - jsonb_array_length(a1))::numeric)"
    objects = " OR ".join(f"coalesce(jsonb_typeof({one} -> 0), '') = 'object'" for one in _TWO)
    return (
        f"CASE WHEN {_BOTH} THEN NULL"
        " WHEN jsonb_typeof(a0) = 'array' AND jsonb_typeof(a1) = 'array' THEN CASE"
        f" WHEN {objects} THEN {failure('order', 'numeric')} ELSE (SELECT CASE WHEN count(*) = 0"
        f" THEN {lengths} ELSE max(q.told) END FROM ({first}) q) END"
        " WHEN jsonb_typeof(a0) IN ('array', 'object') OR jsonb_typeof(a1) IN ('array', 'object')"
        f" THEN NULL ELSE {_ordered(*_TWO)} END"
    )


_TWO = ("a0", "a1")
_MADE = {
    "AT": f"CASE WHEN {_BOTH} THEN NULL"
    f" WHEN {_KIND.format('a0')} = 'array' AND {_KIND.format('a1')} = 'number'"
    f" THEN CASE WHEN {_NUMBER.format('a1')} = trunc({_NUMBER.format('a1')})"
    f" THEN a0 -> ({_INDEX})::int ELSE {_KINDS} END"
    f" WHEN {_KIND.format('a0')} = 'object' AND {_KIND.format('a1')} = 'string'"
    f" THEN a0 -> (a1 #>> '{{}}') ELSE {_KINDS} END",
    "SLICE": f"CASE WHEN {_BOTH} OR a2 IS NULL THEN NULL WHEN {_KIND.format('a0')} = 'array'"
    f" THEN (SELECT coalesce(jsonb_agg(e.value ORDER BY e.n), '[]') FROM {_ELEMENTS}"
    " WHERE e.n > CASE WHEN a1 < 0 THEN jsonb_array_length(a0) + a1 ELSE a1 END"
    " AND e.n <= CASE WHEN a2 < 0 THEN jsonb_array_length(a0) + a2 ELSE a2 END)"
    f" ELSE {_KINDS} END",
    "ADD": f"CASE WHEN {_BOTH} THEN NULL WHEN 'array' IN (jsonb_typeof(a0), jsonb_typeof(a1))"
    f" THEN {_append(2)} WHEN jsonb_typeof(a0) = 'number' AND jsonb_typeof(a1) = 'number' THEN"
    f" to_jsonb({DOUBLE.format(_NUMBER.format('a0') + ' + ' + _NUMBER.format('a1'))})"
    " WHEN jsonb_typeof(a0) = 'string' AND jsonb_typeof(a1) = 'string' THEN"
    f" CASE WHEN {_WIDE} THEN {failure('max_bytes', 'jsonb')}"
    f" ELSE to_jsonb((a0 #>> '{{}}') || (a1 #>> '{{}}')) END ELSE {_KINDS} END",
    "SIZE": "CASE jsonb_typeof(a0) WHEN 'array' THEN jsonb_array_length(a0)::numeric"
    f" WHEN 'string' THEN length({_TEXT})::numeric"
    f" ELSE CASE WHEN a0 IS NOT NULL THEN {failure('kinds', 'numeric')} END END",
    "KEYS": "CASE WHEN jsonb_typeof(a0) = 'object' THEN (SELECT coalesce(jsonb_agg(k ORDER BY"
    " k COLLATE \"C\"), '[]') FROM jsonb_object_keys(a0) k WHERE left(k, 1) <> '$')"
    f" WHEN a0 IS NOT NULL THEN {_KINDS} END",
    "RANGE": f"CASE WHEN {_BOTH} OR a2 IS NULL THEN NULL WHEN a2 = 0 OR a0 <> trunc(a0)"
    f" OR a1 <> trunc(a1) OR a2 <> trunc(a2) THEN {failure('range', 'jsonb')}"
    f" WHEN (a1 - a0) / a2 >= {MAX_ITEMS} THEN {failure('max_items', 'jsonb')} ELSE"
    " (SELECT coalesce(jsonb_agg(n), '[]') FROM"
    " generate_series(trunc(a0), trunc(a1), trunc(a2)) n) END",
    "SPLIT": f"CASE WHEN {_BOTH} THEN NULL WHEN a1 = '' OR strpos(a0, chr(1114111)) > 0"
    f" THEN {failure('split', 'jsonb')} WHEN {_WORK} THEN {failure('max_text_work', 'jsonb')}"
    f" WHEN octet_length(a0) + 3 * {_FOUND} > {MAX_BYTES} THEN {failure('max_bytes', 'jsonb')}"
    " WHEN a0 = '' THEN '[\"\"]'::jsonb ELSE to_jsonb(string_to_array(a0, a1)) END",
    "REPLACE": f"CASE WHEN {_BOTH} OR a2 IS NULL THEN NULL WHEN a1 = ''"
    f" THEN {failure('split', 'text')} WHEN {_WORK} THEN {failure('max_text_work', 'text')}"
    f" WHEN octet_length(a0) + {_FOUND} * octet_length(a2) > {MAX_BYTES}"
    f" THEN {failure('max_bytes', 'text')} ELSE replace(a0, a1, a2) END",
    "REVERSE": "CASE jsonb_typeof(a0) WHEN 'array' THEN (SELECT coalesce(jsonb_agg(e.value"
    f" ORDER BY e.n DESC), '[]') FROM {_ELEMENTS}) WHEN 'string' THEN CASE WHEN"
    f" octet_length({_TEXT})::bigint * octet_length({_TEXT}) > {MAX_TEXT_WORK}"
    f" THEN {failure('max_text_work', 'jsonb')} ELSE to_jsonb(reverse({_TEXT})) END"
    f" ELSE CASE WHEN a0 IS NOT NULL THEN {_KINDS} END END",
    "LEFT": f"CASE WHEN {_BOTH} THEN NULL WHEN a1 < 0 THEN {failure('range', 'text')}"
    " ELSE left(a0, least(a1, 1000000000)::int) END",
    "RIGHT": f"CASE WHEN {_BOTH} THEN NULL WHEN a1 < 0 THEN {failure('range', 'text')}"
    " ELSE right(a0, least(a1, 1000000000)::int) END",
    "MID": f"CASE WHEN {_BOTH} OR a2 IS NULL THEN NULL WHEN a1 < 0 OR a2 < 0"
    f" THEN {failure('range', 'text')} ELSE substr(a0, least(a1, 1000000000)::int + 1,"
    " least(a2, 1000000000)::int) END",
    "TRIMMED": f"btrim(a0, {_BLANKS})",
    "LTRIM": f"ltrim(a0, {_BLANKS})",
    "RTRIM": f"rtrim(a0, {_BLANKS})",
    "TOSTRING": f"CASE jsonb_typeof(a0) WHEN 'string' THEN {_TEXT} WHEN 'boolean' THEN {_TEXT}"
    f" ELSE CASE WHEN a0 IS NOT NULL THEN {failure('kinds', 'text')} END END",
    "INTEGER_TEXT": "trunc(a0)::text",
    "REAL_TEXT": "CASE WHEN a0 = 0 THEN '0.0' WHEN abs(a0) >= 0.001 AND abs(a0) < 10000000 THEN"
    " (SELECT CASE WHEN strpos(t, '.') > 0 THEN t ELSE t || '.0' END FROM"
    " (SELECT (a0::float8)::text AS t OFFSET 0) t)"
    f" WHEN a0 IS NOT NULL THEN {failure('digits', 'text')} END",
    "TOINTEGER": f"CASE jsonb_typeof(a0) WHEN 'number' THEN CASE WHEN"
    f" {_FITS.format(_NUMBER.format('a0'))} THEN trunc({_NUMBER.format('a0')})"
    f" ELSE {failure('finite', 'numeric')} END WHEN 'string' THEN "
    + _parsed(f"CASE WHEN {_FITS.format('t.t::numeric')} THEN trunc(t.t::numeric) END")
    + " WHEN 'boolean' THEN CASE WHEN a0 = 'true'::jsonb THEN 1 ELSE 0 END"
    f" ELSE CASE WHEN a0 IS NOT NULL THEN {failure('kinds', 'numeric')} END END",
    "TOFLOAT": f"CASE jsonb_typeof(a0) WHEN 'number' THEN {_NUMBER.format('a0')}"
    " WHEN 'string' THEN "
    + _parsed(
        "CASE WHEN abs(t.t::numeric) < 1e-300 THEN 0 WHEN abs(t.t::numeric)"
        f" <= 1.7976931348623157e308 THEN {_FLOAT.format('t.t::numeric')} END"
    )
    + f" ELSE CASE WHEN a0 IS NOT NULL THEN {failure('kinds', 'numeric')} END END",
    "TOBOOLEAN": "CASE jsonb_typeof(a0) WHEN 'boolean' THEN a0 WHEN 'string' THEN"
    f" CASE lower(btrim({_TEXT}, {_BLANKS}) COLLATE \"C\") WHEN 'true' THEN 'true'::jsonb"
    " WHEN 'false' THEN 'false'::jsonb END WHEN 'number' THEN CASE WHEN"
    f" scale({_NUMBER.format('a0')}) > 0 THEN {_KINDS} WHEN {_NUMBER.format('a0')} = 0"
    " THEN 'false'::jsonb ELSE 'true'::jsonb END"
    f" ELSE CASE WHEN a0 IS NOT NULL THEN {_KINDS} END END",
    "AS_STRING": f"CASE jsonb_typeof(a0) WHEN 'string' THEN {_TEXT} ELSE CASE WHEN a0 IS NOT NULL"
    f" THEN {failure('kinds', 'text')} END END",
    "AS_NUMBER": f"CASE jsonb_typeof(a0) WHEN 'number' THEN {_NUMBER.format('a0')} ELSE"
    f" CASE WHEN a0 IS NOT NULL THEN {failure('kinds', 'numeric')} END END",
    "AS_INTEGER": f"CASE WHEN jsonb_typeof(a0) = 'number' THEN CASE WHEN"
    f" scale({_NUMBER.format('a0')}) = 0 THEN {_NUMBER.format('a0')} ELSE"
    f" {failure('kinds', 'numeric')} END WHEN a0 IS NOT NULL THEN {failure('kinds', 'numeric')}"
    " END",
    "AS_BOOLEAN": f"CASE WHEN jsonb_typeof(a0) = 'boolean' THEN a0 WHEN a0 IS NOT NULL"
    f" THEN {_KINDS} END",
    "AS_LIST": "CASE WHEN jsonb_typeof(a0) = 'array' THEN a0 WHEN a0 IS NOT NULL"
    f" THEN {_KINDS} END",
    "SCALAR": "CASE WHEN jsonb_typeof(a0) IN ('array', 'object') THEN"
    f" {failure('order', 'jsonb')} ELSE a0 END",
    "DIV": f"CASE WHEN {_BOTH} THEN NULL WHEN a1 = 0 THEN {failure('zero', 'numeric')}"
    f" WHEN {_FITS.format('div(a0, a1)')} THEN div(a0, a1) ELSE {failure('finite', 'numeric')} END",
    "QUOTIENT": f"CASE WHEN {_BOTH} THEN NULL WHEN a1 = 0 THEN {failure('zero', 'numeric')}"
    f" ELSE {DOUBLE.format('a0 / a1')} END",
    "REMAINDER": f"CASE WHEN {_BOTH} THEN NULL WHEN a1 = 0 THEN {failure('zero', 'numeric')}"
    f" WHEN a0 <> trunc(a0) OR a1 <> trunc(a1) THEN {failure('remainder', 'numeric')}"
    " ELSE mod(a0, a1) END",
    "XOR": "to_jsonb(a0 <> a1)",
    "COMPARE": _compare(),
    "SORT_KEY": _sort_key(),
    "KEYED": f"({_sort_key()}) || '|' || a0::text",
    "AFTER_KEY": "substr(a0, strpos(a0, '|') + 1)::jsonb",
    "SIGN": "sign(a0)",
    "TO_POWER": "CASE WHEN a0 IS NOT NULL AND a1 IS NOT NULL THEN coalesce(CASE WHEN a0 = 0 THEN"
    " CASE WHEN a1 = 0 THEN 1 WHEN a1 > 0 THEN 0 END WHEN a0 < 0 AND a1 <> trunc(a1) THEN NULL"
    " WHEN a1 * ln(abs(a0)) > 709.78 THEN NULL WHEN a1 * ln(abs(a0)) < -744 THEN 0"
    " ELSE power(a0::float8, a1::float8)::text::numeric END, "
    + failure("finite", "numeric")
    + ") END",
    "ROUNDED": "CASE WHEN abs(a0) < 4503599627370496 THEN floor(a0 + 0.5) ELSE a0 END",
    "ROOT": _finite(f"CASE WHEN a0 >= 0 THEN {_FLOAT.format('sqrt(a0::float8)')} END"),
    "EXP": _finite(
        f"CASE WHEN a0 < -744 THEN 0 WHEN a0 < 709.78 THEN {_FLOAT.format('exp(a0::float8)')} END"
    ),
    "LOG": _finite(f"CASE WHEN a0 > 0 THEN {_FLOAT.format('ln(a0::float8)')} END"),
    "LOG10": _finite(f"CASE WHEN a0 > 0 THEN {_FLOAT.format('log(a0::float8)')} END"),
    **{
        name.upper(): _finite(_FLOAT.format(f"{name}(a0::float8)"))
        for name in ("sin", "cos", "tan", "atan", "degrees", "radians")
    },
    **{
        name.upper(): _finite(
            f"CASE WHEN abs(a0) <= 1 THEN {_FLOAT.format(f'{name}(a0::float8)')} END"
        )
        for name in ("asin", "acos")
    },
}


def is_made(name: str) -> bool:
    """Whether a call is one of these."""
    return name in _MADE or name in _LETTERS or name == "APPEND"


def call(name: str, args: list[str]) -> str:
    """The SQL of one call."""
    kinds = argument_kinds(name, len(args))
    named = ", ".join(
        f"{f'nullif(({arg})::jsonb, {_NULL})' if kind == 'json' else arg} AS a{index}"
        for index, (arg, kind) in enumerate(zip(args, kinds, strict=True))
    )
    made = _written(name, len(args))
    if result_kind(name) == "json":
        made = f"({made})::text"
    return f"(SELECT {made} FROM (SELECT {named} OFFSET 0) c)"


def _written(name: str, count: int) -> str:
    if name in _LETTERS:
        return _letters(_LETTERS[name])
    return _append(count) if name == "APPEND" else _MADE[name]


_LETTERS = {"TOLOWER": "lower", "TOUPPER": "upper"}
_NULL = "'null'::jsonb"


def items(doc: str, path: str) -> tuple[str, str]:
    """A FROM item with the elements of an array, and the JSON text of one."""
    array = f"CASE WHEN jsonb_typeof({doc} #> {path}) = 'array' THEN {doc} #> {path} END"
    return f"jsonb_array_elements({array}) WITH ORDINALITY e(value, n)", "e.value::text"


def filtered(source: str, item: str, test: str) -> str:
    """The array of these texts of elements, of those that pass the test; bounded as it is made."""
    where = f" WHERE {test}" if test else ""
    return _listed(f"SELECT {item} AS x, e.n FROM {source}{where}")


def gathered(query: str, order: list[str]) -> str:
    """The array of the texts `x` of all rows, bounded as it is made."""
    placed = f"row_number() OVER (ORDER BY {', '.join(order)}) AS n"
    return _listed(f"SELECT g.x, {placed} FROM ({query}) g")


def _listed(found: str) -> str:
    """The array of texts `x` in order of `n`."""
    sized = f"SELECT p.x, p.n, sum(octet_length(p.x)) OVER (ORDER BY p.n) AS z FROM ({found}) p"
    failed = failure("max_bytes", "text", "q.z")
    return (
        f"(SELECT '[' || coalesce(string_agg(q.x, ',' ORDER BY q.n), '') || ']' FROM ({sized}) q"
        f" WHERE CASE WHEN q.z > {MAX_BYTES} THEN {failed} = '' ELSE true END)"
    )


_EACH = (
    "SELECT w.p || '/' || x.n, x.value FROM jsonb_array_elements("
    "CASE WHEN jsonb_typeof(w.v) = 'array' THEN w.v ELSE '[]' END) WITH ORDINALITY x(value, n)"
)


def canonical(doc: str, path: str) -> str:
    """A text that equal arrays and objects share, however their numbers are written."""
    return (
        f"(WITH RECURSIVE w(p, v) AS (SELECT ''::text, {doc} #> {path} UNION ALL SELECT c.p, c.v"
        f" FROM w CROSS JOIN LATERAL ({_EACH} UNION ALL"
        " SELECT w.p || '/' || to_jsonb(x.key)::text, x.value FROM jsonb_each(CASE WHEN"
        " jsonb_typeof(w.v) = 'object' THEN w.v ELSE '{}' END) x(key, value)) c(p, v))"
        " SELECT string_agg(w.p || ' ' || CASE jsonb_typeof(w.v) WHEN 'number'"
        " THEN trim_scale((w.v #>> '{}')::numeric)::text WHEN 'array' THEN 'a' WHEN 'object'"
        " THEN 'o' ELSE w.v::text END, E'\\n' ORDER BY w.p COLLATE \"C\") FROM w)"
    )


def same(first: tuple[str, str], second: tuple[str, str]) -> str:
    """Whether two values are equal and hold no null."""
    left, right = (f"({doc} #> {path})" for doc, path in (first, second))
    return f"({left} = {right} AND NOT jsonb_path_exists({left}, '$.** ? (@ == null)'))"


_BOTH_ARE = (
    "CASE WHEN jsonb_typeof(w.a) = '{0}' AND jsonb_typeof(w.b) = '{0}' THEN w.{1} ELSE '{2}' END"
)
_MEMBERS = '(SELECT array_agg(k ORDER BY k COLLATE "C") FROM jsonb_object_keys(w.{0}) k)'


def differ(first: tuple[str, str], second: tuple[str, str]) -> str:
    """Whether two values are different whatever their nulls were."""
    left, right = (f"{doc} #> {path}" for doc, path in (first, second))
    arrays = [f"jsonb_array_elements({_BOTH_ARE.format('array', one, '[]')})" for one in "ab"]
    objects = [f"jsonb_each({_BOTH_ARE.format('object', one, '{}')})" for one in "ab"]
    below = (
        f"SELECT x.value, y.value FROM {arrays[0]} WITH ORDINALITY x(value, n)"
        f" JOIN {arrays[1]} WITH ORDINALITY y(value, n) ON x.n = y.n UNION ALL"
        f" SELECT x.value, y.value FROM {objects[0]} x(key, value)"
        f" JOIN {objects[1]} y(key, value) ON x.key = y.key"
    )
    unlike = (
        "CASE WHEN jsonb_typeof(w.a) <> jsonb_typeof(w.b) THEN true"
        " WHEN jsonb_typeof(w.a) = 'array' THEN"
        " jsonb_array_length(w.a) <> jsonb_array_length(w.b) WHEN jsonb_typeof(w.a) = 'object'"
        f" THEN {_MEMBERS.format('a')} IS DISTINCT FROM {_MEMBERS.format('b')}"
        " ELSE w.a <> w.b END"
    )
    return (
        f"EXISTS (WITH RECURSIVE w(a, b) AS (SELECT {left}, {right} UNION ALL SELECT c.a, c.b"
        f" FROM w CROSS JOIN LATERAL ({below}) c(a, b)) SELECT 1 FROM w"
        f" WHERE w.a <> 'null' AND w.b <> 'null' AND {unlike})"
    )


def numbered(raw: str, sizes: str, apart: dict[str, list[str]]) -> str:
    """Rows with their number, and the first of each kind; fails beyond what may be collected."""
    flags = [
        f", row_number() OVER (PARTITION BY {', '.join(by)} ORDER BY gn) = 1 AS {flag}"
        for flag, by in apart.items()
    ]
    size = f"sum({sizes}) OVER (ROWS UNBOUNDED PRECEDING)"
    numbered = f"SELECT q.*, row_number() OVER () AS gn, {size} AS gz FROM ({raw}) q"
    failed = failure("max_collected_bytes", "text", "gz")
    return (
        f"SELECT q.*{''.join(flags)} FROM ({numbered}) q"
        f" WHERE CASE WHEN gz > {MAX_COLLECTED_BYTES} THEN {failed} = '' ELSE true END"
    )


def collected(number: int, *, distinct: bool) -> list[str]:
    """The columns of an array of all that is there, in the order of the rows' numbers."""
    some = f"g{number}r > 0{f' AND g{number}f' if distinct else ''}"
    made = f"string_agg(g{number}j, ',' ORDER BY gn) FILTER (WHERE {some})"
    listed = f"'[' || coalesce({made}, '') || ']'"
    empty = f"(''::text COLLATE \"C\") AS g{number}t"
    return [f"5 AS g{number}r", f"0::numeric AS g{number}v", empty, f"{listed} AS g{number}j"]
