"""Every other regular expression that reads a client's text takes time in proportion to it."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest

from kastor.api.http.identifiers import require_dtmi
from kastor.dtdl import DtdlError, parse
from kastor.dtdl.documents import text_depth_exceeded
from kastor.dtdl.rules import STRICT
from kastor.dtdl.values import primitive_test
from kastor.errors import KastorError
from kastor.events.filter import parse as parse_filter
from kastor.graph.conditions import read_if_match
from kastor.graph.metadata import source_time_fault
from kastor.lang.tokens import tokenize
from kastor.storage.postgres.documents import into_jsonb

SIZE = 300_000
"""Characters; what is quadratic takes minutes on so many."""

DIGITS = "1" * SIZE


@pytest.mark.parametrize(
    "read",
    [
        lambda: tokenize("-- " * SIZE),
        lambda: tokenize("[" * SIZE),
        lambda: tokenize("'\\" + "\\'" * SIZE),
        lambda: tokenize(DIGITS + "." + DIGITS + "e"),
        lambda: parse_filter("'" * SIZE),
        lambda: parse_filter("type = '" + "\\'" * 3_990),
        lambda: parse_filter("type = " + "1" * 7_900 + "x"),
        lambda: text_depth_exceeded('\\"' * SIZE),
        lambda: text_depth_exceeded('"\\' * SIZE),
        lambda: parse(["[" * 60 + '\\"' * SIZE]),
        lambda: parse(['{"@id":' * 1_500 + '\\"' * SIZE]),
        lambda: into_jsonb(b'{"a":1e1,"b":"' + b'\\"' * SIZE + b'"}'),
        lambda: source_time_fault("2024-01-01T00:00:00." + DIGITS, "x", ("x",)),
        lambda: require_dtmi("dtmi:" + "a" + "_" * SIZE),
        lambda: read_if_match('"a" ' + " " * SIZE + "x"),
        lambda: read_if_match('"a",' * SIZE),
        lambda: primitive_test("duration", STRICT)("P" + DIGITS),
        lambda: primitive_test("duration", STRICT)("PT" + DIGITS + "." + DIGITS + "x"),
        lambda: primitive_test("dateTime", STRICT)("2024-01-01T00:00:00." + DIGITS + "x"),
        lambda: primitive_test("decimal", STRICT)(DIGITS + "." + DIGITS + "x"),
        lambda: primitive_test("bytes", STRICT)("A" * SIZE + "!"),
    ],
)
def test_a_hostile_text_is_read_at_once(read: Any) -> None:
    began = time.perf_counter()
    with contextlib.suppress(KastorError, DtdlError):
        read()
    assert time.perf_counter() - began < 2
