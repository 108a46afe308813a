"""Any text is a tree that prints to itself, or a QueryError, soon; kinds of values from models."""

from __future__ import annotations

import contextlib
import time
from random import Random

import pytest
from cypher_generator import Texts
from hypothesis import given, settings
from hypothesis import strategies as st

from kastor.dtdl import schemas_of
from kastor.errors import QueryError
from kastor.lang.cypher import is_cypher, parse_cypher, print_cypher

_PIECES = """MATCH WHERE RETURN ORDER BY SKIP LIMIT AND OR XOR NOT IN IS NULL STARTS WITH CONTAINS EXISTS DISTINCT AS
 a b `x``y` $p $dtId 'it\\'s' "q" 1 -2.5 0x1F .5 1e3 ( ) [ ] { } : | , . .. ; < > <= <> = =~ - -- --> <-- + * / % ^
 /* */ // \n ` ' \\ \u00e9 \ud7ff""".split(" ")  # noqa: SIM905 - as it is typed


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(_PIECES), max_size=40).map(" ".join) | st.text(max_size=60))
def test_any_text_is_a_tree_or_an_error(text: str) -> None:
    is_cypher(text)
    for whole in (text, f"MATCH (a) WHERE {text} RETURN a", f"MATCH (a) RETURN {text}"):
        with contextlib.suppress(QueryError):
            query = parse_cypher(whole)
            assert parse_cypher(print_cypher(query)) == query


@settings(max_examples=200, deadline=None)
@given(st.randoms(use_true_random=False))
def test_what_is_printed_parses_to_the_same_tree(random: Random) -> None:
    query = parse_cypher(Texts(random).query())
    assert parse_cypher(print_cypher(query)) == query


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "/*",
            "/**/",
            "/*/",
            "//",
            "(",
            "((a)",
            "[",
            "{a:",
            "-",
            "NOT ",
            "a.b.",
            "'\\",
            "`",
            "``",
        ),
        *("$a ", "(a)-", "(a)-->", "<-", "1..", "a:b:", "CASE ", "x IN [", "EXISTS { ("),
    ],
)
def test_long_texts_end_soon(piece: str) -> None:
    text = piece * (60_000 // len(piece))
    begun = time.monotonic()
    is_cypher(text)
    for whole in (text, f"MATCH (a) WHERE {text}", f"MATCH {text}", f"MATCH (a) RETURN {text}"):
        with contextlib.suppress(QueryError):
            parse_cypher(whole)
    assert time.monotonic() - begun < 10


def test_models_say_what_values_are() -> None:
    def prop(name: str, schema: object, kind: object = "Property") -> dict[str, object]:
        return {"@type": kind, "name": name, "schema": schema}

    model = {
        "@id": "dtmi:x:A;1",
        "@type": "Interface",
        "contents": [
            prop("n", "integer"),
            prop("x", "dtmi:dtdl:instance:Schema:double;2", ["Property", "Temperature"]),
            prop("e", {"@type": "Enum", "valueSchema": "string", "enumValues": []}),
            prop("m", {"@type": "Map"}),
            prop("l", {"@type": "Array", "elementSchema": "string"}),
            prop("o", {"@type": "Object"}),
            prop("own", "dtmi:x:Own;1"),
            prop("c", "dtmi:x:B;1", "Component"),
            prop("t", "double", "Telemetry"),
            {"@type": "Relationship", "name": "r", "properties": [prop("n", "string")]},
        ],
    }
    told = {
        "n": {"integer", "string"},
        "x": {"double"},
        "e": {"string"},
        "m": {"object"},
        "l": {"array"},
        "o": {"object"},
        "own": {"?"},
        "c": {"object"},
        "t": set(),
        "r": set(),
    }
    assert {name: schemas_of(model, name) for name in told} == told
