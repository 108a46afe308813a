"""The table of what stored values come back as; it holds for every engine.

A number is compared by its text, anything else by its value: how a string is escaped and in
which order members stand is no promise.
"""

from __future__ import annotations

from dataclasses import dataclass

from .graphs import CONTEXT, Document, map_of, prop

VALUES, LARGE = "dtmi:s:Values;1", "dtmi:s:Large;1"
V4 = "dtmi:dtdl:context;4"

VALUES_MODEL: Document = {
    "@context": CONTEXT,
    "@id": VALUES,
    "@type": "Interface",
    "contents": [
        prop("double", "double"),
        prop("long", "long"),
        prop("string", "string"),
        prop("boolean", "boolean"),
        prop("doubles", map_of("double")),
        prop("strings", map_of("string")),
    ],
}
LARGE_MODEL: Document = {
    "@context": V4,
    "@id": LARGE,
    "@type": "Interface",
    "contents": [prop("unsignedLong", "unsignedLong")],
}

NOT_JSON, NOT_VALID = "InvalidArgument", "ValidationFailed"


@dataclass(frozen=True)
class Case:
    """A value as sent for a property, and what is read afterwards: JSON text, or an error."""

    what: str
    member: str
    sent: str
    returned: str = ""
    refused: str = ""


CASES = (
    # Integers
    Case("zero", "long", "0", "0"),
    Case("minus zero without a fraction is zero", "long", "-0", "0"),
    Case("the largest signed 64-bit integer, exact", "long", "9223372036854775807", "9223372036854775807"),
    Case("the one below it, exact", "long", "9223372036854775806", "9223372036854775806"),
    Case("the smallest signed 64-bit integer, exact", "long", "-9223372036854775808", "-9223372036854775808"),
    Case("beyond 2^53, where doubles have gaps", "long", "9007199254740993", "9007199254740993"),
    Case("too large for a long", "long", "9223372036854775808", refused=NOT_VALID),
    Case("too small for a long", "long", "-9223372036854775809", refused=NOT_VALID),
    Case("a fraction is no integer", "long", "1.0", refused=NOT_VALID),
    Case("the largest unsigned 64-bit integer, exact", "unsignedLong", "18446744073709551615", "18446744073709551615"),
    Case("2^63 as an unsigned integer, exact", "unsignedLong", "9223372036854775808", "9223372036854775808"),
    Case("too large for an unsigned long", "unsignedLong", "18446744073709551616", refused=NOT_VALID),
    # Doubles
    Case("an integer in a double stays one", "double", "1", "1"),
    Case("a double stays one", "double", "1.0", "1.0"),
    Case("-0.0 becomes 0.0", "double", "-0.0", "0.0"),
    Case("an underflow becomes 0.0", "double", "1e-400", "0.0"),
    Case("a negative underflow becomes 0.0", "double", "-1e-400", "0.0"),
    Case("shortest form", "double", "0.1000", "0.1"),
    Case("shortest form of many digits", "double", "0.1000000000000000055511151231257827", "0.1"),
    Case("all digits that are needed", "double", "0.30000000000000004", "0.30000000000000004"),
    Case("an exponent that is not needed", "double", "1E5", "100000.0"),
    Case("an exponent that is needed", "double", "1e22", "1e+22"),
    Case("a small exponent", "double", "1e-7", "1e-7"),
    Case("the largest double", "double", "1.7976931348623157e308", "1.7976931348623157e+308"),
    Case("the smallest double", "double", "5e-324", "5e-324"),
    Case("2^63 in a double, exact", "double", "9223372036854775808", "9223372036854775808"),
    Case("2^64 - 1 in a double, exact", "double", "18446744073709551615", "18446744073709551615"),
    Case("2^64 is a double", "double", "18446744073709551616", "1.8446744073709552e+19"),
    Case("below the smallest signed integer is a double", "double", "-9223372036854775809", "-9.223372036854776e+18"),
    Case("an integer of many digits is a double", "double", "123456789012345678901234567890", "1.2345678901234568e+29"),
    Case("out of range", "double", "1e400", refused=NOT_VALID),
    Case("out of range downwards", "double", "-1e400", refused=NOT_VALID),
    Case("an integer out of range", "double", "1" + "0" * 400, refused=NOT_VALID),
    Case("not a number", "double", "NaN", refused=NOT_JSON),
    Case("infinity", "double", "Infinity", refused=NOT_JSON),
    Case("a truth value is no number", "double", "true", refused=NOT_VALID),
    Case("a truth value", "boolean", "true", "true"),
    # Strings
    Case("an empty string", "string", '""', '""'),
    Case("letters of every script", "string", '"ünï 漢字 שלום"', '"ünï 漢字 שלום"'),
    Case("an escape is the character that it stands for", "string", r'"\u00e9\/\t"', '"é/\\t"'),
    Case("no normalisation", "string", r'"e\u0301"', '"e\u0301"'),
    Case("a surrogate pair is one character", "string", r'"\ud83d\ude00"', '"😀"'),
    Case("beyond the basic plane", "string", '"😀"', '"😀"'),
    Case("noncharacters are characters", "string", r'"\uffff\ufdd0"', '"\uffff\ufdd0"'),
    Case("control characters but U+0000", "string", r'"\u0001\u001f\u007f"', '"\\u0001\\u001f\u007f"'),
    Case("quotes and backslashes", "string", r'"\"\\"', r'"\"\\"'),
    Case("text that looks like an escape", "string", r'"\\u0000"', r'"\\u0000"'),
    Case("text that looks like a number", "string", '"-0.0"', '"-0.0"'),
    Case("U+0000", "string", r'"a\u0000b"', refused=NOT_VALID),
    Case("a lone high surrogate", "string", r'"\ud83d"', refused=NOT_JSON),
    Case("a lone low surrogate", "string", r'"\ude00"', refused=NOT_JSON),
    Case("surrogates in the wrong order", "string", r'"\ude00\ud83d"', refused=NOT_JSON),
    # Objects
    Case("numbers inside an object", "doubles", '{"a": 1, "b": 1.0, "c": -0.0}', '{"a": 1, "b": 1.0, "c": 0.0}'),
    Case("of members with one name the last counts", "doubles", '{"a": 1, "b": 2, "a": 3}', '{"a": 3, "b": 2}'),
    Case("order of members is no promise", "doubles", '{"b": 1, "a": 2}', '{"a": 2, "b": 1}'),
    Case("keys of every script", "strings", '{"漢": "x", "😀": "y"}', '{"漢": "x", "😀": "y"}'),
    Case("keys that differ in case only", "strings", '{"a": "x", "A": "y"}', '{"a": "x", "A": "y"}'),
    Case("an empty object", "strings", "{}", "{}"),
    Case("U+0000 in a key", "strings", r'{"a\u0000": "x"}', refused=NOT_VALID),
    Case("U+0000 in a value", "strings", r'{"a": "\u0000"}', refused=NOT_VALID),
    Case("a lone surrogate in a key", "strings", r'{"\ud83d": "x"}', refused=NOT_JSON),
)  # fmt: skip


def markdown() -> str:
    """Return the table as it stands in docs/reference/fidelity.md."""
    lines = ["| case | property | sent | answered |", "| --- | --- | --- | --- |"]
    for case in CASES:
        answer = f"400 `{case.refused}`" if case.refused else _code(case.returned)
        lines.append(f"| {case.what} | {_KINDS[case.member]} | {_code(case.sent)} | {answer} |")
    return "\n".join(lines) + "\n"


_KINDS = {
    "doubles": "map of double",
    "strings": "map of string",
    **{name: name for name in ("long", "unsignedLong", "double", "string", "boolean")},
}


def _code(text: str) -> str:
    if len(text) > 60:
        text = f"{text[:8]}...{text[-4:]}"
    return f"`{_visible(text)}`"


def _visible(text: str) -> str:
    # What a page cannot show as itself is written as JSON would escape it.
    return "".join(
        each if each.isprintable() and each != "\u0301" else f"\\u{ord(each):04x}" for each in text
    )
