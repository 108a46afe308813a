"""The lines of an export: the same for equal values, whatever form they were stored in."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kastor.jobs.exporting import lines
from kastor.jobs.exporting.dependencies import in_order

ETAG = "00000000-0000-4000-8000-000000000000"
names = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,8}", fullmatch=True)
values = st.recursive(
    st.one_of(
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(names, inner, max_size=4)),
    max_leaves=12,
)


def shuffled(value: object) -> object:
    """The same with the members of every object in the opposite order, as jsonb may have them."""
    if isinstance(value, dict):
        return {name: shuffled(value[name]) for name in reversed(value)}
    return [shuffled(each) for each in value] if isinstance(value, list) else value


@given(st.dictionaries(names, values, max_size=6))
def test_a_line_does_not_depend_on_how_the_document_is_written(members: dict[str, object]) -> None:
    document = {"$dtId": "t", "$metadata": {"$model": "m", "$lastUpdateTime": "x"}, **members}
    texts = (
        orjson.dumps(document),
        orjson.dumps(shuffled(document)),
        orjson.dumps(document, option=orjson.OPT_INDENT_2),
    )
    made = {lines.twin(text, ETAG, system=False) for text in texts}
    assert len(made) == 1
    line = made.pop()
    assert line.count(b"\n") == 1
    assert orjson.loads(line) == {**document, "$metadata": {"$model": "m"}}
    assert lines.twin(line, ETAG, system=False) == line, "exported again it is the same"


def test_only_what_people_said_stays_of_the_metadata() -> None:
    document = {
        "$dtId": "t",
        "a": 1,
        "map": {"$metadata": "a value, although nobody may name a key so", "k": 1},
        "part": {
            "$metadata": {
                "$lastUpdateTime": "t0",
                "x": {"lastUpdateTime": "t1", "sourceTime": "t2"},
                "y": {"lastUpdateTime": "t1"},
            },
            "x": 1,
        },
        "$metadata": {
            "$model": "dtmi:a;1",
            "$lastUpdateTime": "t0",
            "a": {"lastUpdateTime": "t1", "sourceTime": "t2"},
            "b": {"lastUpdateTime": "t1", "sourceTime": None},
        },
    }
    del document["map"]
    assert lines.twin(orjson.dumps(document), ETAG, system=False) == (
        b'{"$dtId":"t","$metadata":{"$model":"dtmi:a;1","a":{"sourceTime":"t2"}},"a":1,'
        b'"part":{"$metadata":{"x":{"sourceTime":"t2"}},"x":1}}\n'
    )
    told = orjson.loads(lines.twin(orjson.dumps(document), ETAG, system=True))
    assert told == {**document, "$etag": f'W/"{ETAG}"'}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b' { "a" : 1.0 ,\r\n\t"b" : [ 1e2 , 12345678901234567890123 ] } ',
         b'{"a":1.0,"b":[1e2,12345678901234567890123]}\n'),
        (b'{"a b":" x  \\" y ","\\\\":" \\\\"}', b'{"a b":" x  \\" y ","\\\\":" \\\\"}\n'),
        ('{"\u00e9": "\u2028 \U0001f600"}'.encode(), '{"\u00e9":"\u2028 \U0001f600"}\n'.encode()),
    ],
)  # fmt: skip
def test_a_model_keeps_its_tokens_and_loses_the_white_space(text: bytes, line: bytes) -> None:
    assert lines.model(text) == line
    assert lines.model(line) == line


def test_what_is_gone_is_named() -> None:
    assert lines.deleted("twin", ("t",)) == b'{"kind":"twin","id":"t"}\n'
    found = lines.deleted("relationship", ("s", "r"))
    assert found == b'{"kind":"relationship","id":"r","source":"s"}\n'


def model(*extends: str, part: str | None = None) -> bytes:
    contents = [{"@type": "Component", "name": "p", "schema": part}] if part else []
    return orjson.dumps({"@type": "Interface", "extends": list(extends), "contents": contents})


def test_models_come_after_what_they_need_and_else_in_order_of_id() -> None:
    texts = {
        "c": model(),
        "a": model("z", part="y"),
        "z": model(part="m"),
        "y": model(),
        "m": model(),
        "b": model("gone"),
    }
    assert in_order(texts) == ["b", "c", "m", "y", "z", "a"]
    assert in_order(dict(reversed(texts.items()))) == in_order(texts)


def test_a_long_chain_of_models_is_no_trouble() -> None:
    texts = {f"m{n:05}": model(f"m{n + 1:05}") for n in range(3_000)}
    assert in_order(texts) == sorted(texts, reverse=True)
