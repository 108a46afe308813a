"""Sources, templates, patterns, values and times: pure."""

from __future__ import annotations

import contextlib
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kastor.clock import UNIX_EPOCH_TICKS, from_datetime, job_time
from kastor.graph.patch import pointer_of
from kastor.ingest.mapping import (
    Absent,
    Message,
    Pattern,
    Template,
    Unreadable,
    check_source,
    convert,
    follow,
    read_time,
    scaled,
    split_pointer,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
WORDS = st.text(st.characters(exclude_characters="/{}+#", exclude_categories=["Cs"]), min_size=1)
TIMES = st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1))  # noqa: DTZ001 - UTC below


def message(body: Any = None, topic: str = "a/b", **headers: str) -> Message:
    return Message(topic, orjson.dumps(body), {k.replace("_", "-"): v for k, v in headers.items()})


def everything_in(value: Any, at: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    found = [(at, value)]
    inner: Any = enumerate(value) if isinstance(value, list) else ()
    for key, each in value.items() if isinstance(value, dict) else inner:
        found += everything_in(each, (*at, str(key)))
    return found


@given(JSON)
def test_a_pointer_leads_to_every_place(body: Any) -> None:
    for path, value in everything_in(body):
        pointer = pointer_of(path)
        assert split_pointer(pointer) == path
        assert follow(body, pointer) is value


@given(JSON, st.lists(st.text(), max_size=3).map(tuple))
def test_a_pointer_to_nowhere_is_absent(body: Any, path: tuple[str, ...]) -> None:
    known = dict(everything_in(body))
    if path in known:
        return
    with pytest.raises(Absent):
        follow(body, pointer_of(path))


@given(st.lists(WORDS, min_size=1, max_size=5), st.data())
def test_what_a_pattern_captures_fills_the_same_template(words: list[str], data: Any) -> None:
    fields = [data.draw(st.booleans()) for _ in words]
    text = "/".join(f"{{f{n}}}" if fields[n] else word for n, word in enumerate(words))
    topic = "/".join(words)
    captured = Pattern(text).match(topic)
    assert captured == {f"f{n}": word for n, word in enumerate(words) if fields[n]}
    assert Template(text).render(message(topic=topic), captured) == topic
    assert Pattern(text).match(topic + "/more") is None


@pytest.mark.parametrize(
    ("pattern", "topic", "captured"),
    [
        ("building/{room}/temperature", "building/r1/temperature", {"room": "r1"}),
        ("building/{room}/temperature", "building/r1/x/temperature", None),
        ("building/{room}/temperature", "building//temperature", None),
        ("s-{n}.json", "s-7.json", {"n": "7"}),
        ("s-{n}.json", "s-7xjson", None),
        ("+/{b}/#", "a/b", {"b": "b"}),
        ("+/{b}/#", "a/b/c/d", {"b": "b"}),
        ("#", "anything/at all", {}),
        ("{a}-{b}", "x-y-z", {"a": "x-y", "b": "z"}),
    ],
)
def test_patterns(pattern: str, topic: str, captured: dict[str, str] | None) -> None:
    assert Pattern(pattern).match(topic) == captured


@given(
    st.lists(st.sampled_from(["{a}", "{b}", "{c}", "-", "--", "x", "x-"]), min_size=1, unique=True),
    st.text("-xy", max_size=12),
)
def test_a_level_matches_as_a_regular_expression_would(parts: list[str], text: str) -> None:
    regex = "".join(f"(?P<{p[1]}>.+)" if p[0] == "{" else re.escape(p) for p in parts)
    found = re.fullmatch(regex, text)
    assert Pattern("".join(parts)).match(text) == (found and found.groupdict())


@pytest.mark.parametrize(
    "hostile",
    [
        lambda: convert("1" * 1_000_000 + "x", "number"),
        lambda: convert("1" * 1_000 + "x", "number"),
        lambda: convert("1e" + "1" * 1_000_000, "number"),
        lambda: read_time("1" * 1_000_000 + "x"),
        lambda: read_time("2024-01-01T00:00:00." + "1" * 1_000_000 + "x"),
        lambda: read_time(" " * 1_000_000 + "x"),
        lambda: Pattern("{a}-{b}-{c}-{d}").match("-" * 1_000_000 + "/"),
        lambda: Pattern("{a}-{b}-{c}-{d}x").match("-" * 1_000_000),
    ],
)
def test_a_megabyte_that_a_sender_made_to_be_slow_is_not(hostile: Any) -> None:
    began = time.perf_counter()
    with contextlib.suppress(Unreadable):
        assert hostile() is None
    assert time.perf_counter() - began < 2


def test_a_number_beyond_a_double_is_none() -> None:
    for text in ("1e400", "9" * 400, "9" * 5_000):
        with pytest.raises(Unreadable, match="is no number"):
            convert(text, "number")


def test_a_patterns_filter_is_for_a_broker() -> None:
    assert Pattern("a/{b}/c-{d}/#").filter == "a/+/+/#"


@pytest.mark.parametrize("text", ["", "a/{b", "a}", "{}", "{a b}", "{a}/{a}", "a/#/b", "a+", "x#"])
def test_patterns_that_are_none(text: str) -> None:
    with pytest.raises(ValueError):
        Pattern(text)


@pytest.mark.parametrize("text", ["{", "}", "{a", "{}", "{no source}", "{/~2}", "{{a}}"])
def test_templates_that_are_none(text: str) -> None:
    with pytest.raises(ValueError):
        Template(text)


@pytest.mark.parametrize("source", ["", "/a", "/", "payload", "topic", "header:x"])
def test_sources(source: str) -> None:
    check_source(source)


@pytest.mark.parametrize("source", ["a", "header", "header:", "/~", "Payload"])
def test_sources_that_are_none(source: str) -> None:
    with pytest.raises(ValueError):
        check_source(source)


def test_a_message_is_read_by_source() -> None:
    one = message({"a": [1, {"b": None}]}, topic="t/u", ce_type="x")
    assert one.read("") == {"a": [1, {"b": None}]}
    assert one.read("/a/1/b") is None
    assert one.read("topic") == "t/u"
    assert one.read("header:CE-Type") == "x"
    assert one.read("payload") == '{"a":[1,{"b":null}]}'
    for absent in ("/b", "/a/2", "/a/01", "/a/-", "/a/0/x", "header:y"):
        with pytest.raises(Absent):
            one.read(absent)


@pytest.mark.parametrize("payload", [b"", b"{", b"\xff", b"NaN", b"[" * 70 + b"]" * 70])
def test_what_cannot_be_read_says_so(payload: bytes) -> None:
    with pytest.raises(Unreadable):
        Message("t", payload).read("/a")


def test_a_template_takes_texts_and_whole_numbers_only() -> None:
    template = Template("{/a}-{x}")
    assert template.render(message({"a": 7}), {"x": "y"}) == "7-y"
    wrongs: tuple[Any, ...] = (True, 1.5, None, {}, [])
    for wrong in wrongs:
        with pytest.raises(Unreadable):
            template.render(message({"a": wrong}), {"x": "y"})


@given(st.integers(-(10**17), 10**17) | st.floats(allow_nan=False, allow_infinity=False))
def test_a_numbers_text_is_the_number(number: float) -> None:
    assert convert(repr(number), "number") == number
    assert convert(f" {number!r}\n", "number") == number
    assert convert(number, "number") == number


@given(st.text(), st.sampled_from(["number", "boolean", "text"]))
def test_conversion_converts_or_says_why(text: str, form: Any) -> None:
    converted = None
    with contextlib.suppress(Unreadable):
        converted = convert(text, form)
    kinds = {"number": int | float, "boolean": bool, "text": str}
    assert converted is None or isinstance(converted, kinds[form])
    assert form != "text" or converted == text


@pytest.mark.parametrize(
    ("value", "form", "converted"),
    [
        ("ON", "boolean", True),
        ("0", "boolean", False),
        (0, "boolean", False),
        (True, "number", 1),
        (1.5, "text", "1.5"),
        (False, "text", "false"),
        ("1e3", "number", 1000.0),
    ],
)
def test_conversions(value: Any, form: Any, converted: Any) -> None:
    result = convert(value, form)
    assert (result, type(result)) == (converted, type(converted))


@pytest.mark.parametrize("value", ["", "nan", "inf", "1,5", "0x10", "\u0661", None, [], {}])
def test_no_numbers(value: Any) -> None:
    with pytest.raises(Unreadable):
        convert(value, "number")


def test_scale_offset_and_round() -> None:
    assert scaled(217, 0.1, -20, 1) == 1.7
    assert scaled(3, 1, 0, None) == 3
    whole = scaled(21.4, 1, 0, 0)
    assert (whole, type(whole)) == (21, int)
    for wrong in (True, "1", None):
        with pytest.raises(Unreadable):
            scaled(wrong, 2, 0, None)
    for scale in (1e308, float("inf")):
        with pytest.raises(Unreadable):
            scaled(1e10, scale, 0, 0)


@given(TIMES, st.integers(-14 * 60, 14 * 60), st.integers(0, 9))
def test_a_times_text_is_the_time(instant: datetime, minutes: int, digits: int) -> None:
    zone = timedelta(minutes=minutes)
    sign = "-" if minutes < 0 else "+"
    offset = f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    local = instant + zone
    fraction = f"{instant.microsecond:06}000"[:digits]
    text = f"{local:%Y-%m-%dT%H:%M:%S}{'.' + fraction if fraction else ''}{offset}"
    expected = from_datetime(instant.replace(microsecond=0, tzinfo=UTC))
    expected += int(fraction.ljust(7, "0")[:7] or 0)
    assert read_time(text) == expected


@given(TIMES)
def test_epochs_are_told_apart_by_their_size(instant: datetime) -> None:
    aware = instant.replace(microsecond=instant.microsecond // 1000 * 1000, tzinfo=UTC)
    ticks = from_datetime(aware)
    micros = (ticks - UNIX_EPOCH_TICKS) // 10
    if micros < 10**14:
        return  # before March 1973 milliseconds look like seconds
    assert read_time(micros) == read_time(micros * 1000) == read_time(micros // 1000) == ticks
    assert read_time(str(micros // 1000)) == ticks
    assert abs(read_time(micros / 10**6) - ticks) < 100
    assert read_time(micros // 10**6) == ticks // 10**7 * 10**7


@given(TIMES)
def test_a_written_time_is_read_as_the_same(instant: datetime) -> None:
    ticks = from_datetime(instant.replace(tzinfo=UTC)) + 7
    assert read_time(job_time(ticks)) == ticks


@pytest.mark.parametrize(
    "value",
    ["", "now", "2024-13-01T00:00:00Z", "2024-01-01", True, None, [], 1e300, -1e30, "24:00"],
)
def test_no_times(value: Any) -> None:
    with pytest.raises(Unreadable):
        read_time(value)


@given(JSON)
def test_nothing_but_unreadable_comes_out_of_a_time(value: Any) -> None:
    with contextlib.suppress(Unreadable):
        assert read_time(value) >= 0
