"""Lines of the audit log: whatever clients send, a line stays one and shows no secret."""

from __future__ import annotations

import orjson
import pytest

from kastor.audit.lines import MOST_ITEMS, MOST_TEXT, line_of

NOW = 1_796_000_000.1239


def _line(**values: object) -> dict[str, object]:
    line = line_of("act", values, NOW)
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    assert all(each.isprintable() for each in line.decode().rstrip("\n"))
    found: dict[str, object] = orjson.loads(line)
    return found


def test_time_and_event_come_first_and_what_is_not_known_is_absent() -> None:
    found = _line(status=201, name=None, auth=["tokens"], sure=True)
    assert list(found.items()) == [
        ("time", "2026-11-30T00:53:20.123Z"),
        ("event", "act"),
        ("status", 201),
        ("auth", ["tokens"]),
        ("sure", True),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a\nb\r\x1b[2J\x00", "a\\u000ab\\u000d\\u001b[2J\\u0000"),
        ("a\u2028b\u202ec\x85\x7f", "a\\u2028b\\u202ec\\u0085\\u007f"),
        ('"}\n{"event":"act"', '"}\\u000a{"event":"act"'),
        ("\ud800", "\\ud800"),
        ("Jörg Ü", "Jörg Ü"),
        ("x" * MOST_TEXT, "x" * MOST_TEXT),
        ("x" * 1_000_000, "x" * MOST_TEXT + "..."),
        ("/kst_" + "a" * 43 + "/x", "/***/x"),
        ("/a/eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln/b", "/a/***/b"),
        ("x" * (MOST_TEXT - 8) + "kst_" + "a" * 43, "x" * (MOST_TEXT - 8) + "***"),
    ],
)
def test_texts_are_harmless_and_bounded(text: str, told: str) -> None:
    assert _line(name=text) == {**_line(), "name": told}
    assert _line(names=[text])["names"] == [told]


def test_lists_and_numbers_are_bounded() -> None:
    found = _line(many=range(0), names=["a"] * (MOST_ITEMS + 5), number=10**400)
    assert found["names"] == ["a"] * MOST_ITEMS + ["and 5 more"]
    assert str(found["number"]).startswith("1000")
    assert len(line_of("act", {str(n): "x" * 10**6 for n in range(20)}, NOW)) < 20_000
