"""The lines of the file of tokens: what is written is read, and what is no line is told."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kastor.auth.roles import ROLES
from kastor.auth.tokens.file import LARGEST_FILE, read_file
from kastor.auth.tokens.lines import (
    LONGEST_NAME,
    LONGEST_ROLE,
    MOST_GRAPHS,
    MOST_LINES,
    StaticToken,
    TokenFileError,
    hash_of,
    is_legal_name,
    line_of,
    read_lines,
)

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = hash_of("kst_x")
printable = st.text(
    st.characters(exclude_categories=("C", "Z")) | st.sampled_from(' ={}#"\\'), min_size=1
)
names = printable.map(lambda text: text.strip()[:LONGEST_NAME].strip()).filter(is_legal_name)
START = datetime(2026, 1, 1, tzinfo=UTC)
instants = st.none() | st.integers(-(10**12), 10**15).map(
    lambda number: START + timedelta(microseconds=number)
)
graphs = st.lists(
    st.text("az09*-", min_size=1, max_size=63).filter(lambda each: "**" not in each),
    min_size=1,
    max_size=5,
)
static_tokens = st.builds(
    StaticToken,
    sha256=st.binary(min_size=32, max_size=32).map(bytes.hex),
    role=printable.map(lambda text: text[:LONGEST_ROLE]),
    name=names,
    graphs=graphs.map(tuple),
    created=instants,
    expires=instants,
    rotated=instants,
)


def read(text: str) -> list[StaticToken]:
    return [each.token for each in read_lines(text, "tokens") if each.token is not None]


@settings(max_examples=50)
@given(st.lists(static_tokens, max_size=3))
def test_what_is_written_is_read(tokens: list[StaticToken]) -> None:
    assert read("".join(f"{line_of(each).text}\n" for each in tokens)) == tokens


@given(name=names, role=st.sampled_from(sorted(ROLES)))
@example(name="expires=2027-01-31T00:00:00Z graphs=team-* a", role="owner")
@example(name='{"sha256": 1}', role="reader")
@example(name="# no comment", role="none")
@example(name="reader b", role="owner")
def test_a_line_of_an_earlier_version_says_what_it_said(name: str, role: str) -> None:
    (found,) = read(f"{DIGEST} {role} {name}\n")
    assert found == StaticToken(DIGEST, role, name)
    assert (found.graphs, found.expires, found.created) == (("*",), None, None)


def test_both_forms_stand_in_one_file() -> None:
    old, new = f"{DIGEST} reader old", line_of(StaticToken(hash_of("b"), "owner", "new")).text
    assert [each.name for each in read(f"# mine\n{old}\r\n\n{new}\n")] == ["old", "new"]


def test_the_form_is_the_documented_one() -> None:
    made = datetime(2026, 11, 30, 8, tzinfo=UTC)
    token = StaticToken(
        DIGEST, "reader", "a", ("team-*", "x"), made, made + timedelta(days=1), made
    )
    assert json.loads(line_of(token).text) == {
        "sha256": DIGEST,
        "role": "reader",
        "name": "a",
        "graphs": ["team-*", "x"],
        "created": "2026-11-30T08:00:00Z",
        "expires": "2026-12-01T08:00:00Z",
        "rotated": "2026-11-30T08:00:00Z",
    }
    plain = StaticToken(DIGEST, "reader", "a")
    assert json.loads(line_of(plain).text).keys() == {"sha256", "role", "name"}


def _with(**members: object) -> str:
    return json.dumps({"sha256": DIGEST, "role": "owner", "name": "a", **members})


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (_with(addresses=["10.0.0.0/8"]), "addresses are not known to this version: a newer"),
        (_with(sha256="abc"), "sha256"),
        (_with(sha256=DIGEST.upper()), "sha256"),
        (_with(role=""), "role"),
        (_with(role=7), "role"),
        (_with(role="a\u2028b"), "not printable"),
        (_with(name=""), "name"),
        (_with(name="a" * (LONGEST_NAME + 1)), "name"),
        (_with(name="a\nb"), "not printable"),
        (_with(name=" a"), "not printable"),
        (_with(name="a\u202eb"), "not printable"),
        (_with(graphs=[]), "graphs"),
        (_with(graphs=["A"]), "graphs"),
        (_with(graphs=["a**"]), "graphs"),
        (_with(graphs=["a"] * (MOST_GRAPHS + 1)), "graphs"),
        (_with(expires="2027-01-31"), "expires"),
        (_with(expires="2027-01-31T00:00:00"), "expires"),
        (_with(expires=1_800_000_000), "expires"),
        ("{", "no object of JSON"),
        ("{" * 5_000, "no object of JSON"),
        ('{"name":' + "[" * 100_000, "no object of JSON"),
        ("v2 anything", "neither an object of JSON"),
    ],
)  # fmt: skip
def test_a_line_that_is_none_is_told_with_what_to_do(line: str, words: str) -> None:
    with pytest.raises(TokenFileError) as caught:
        read(f"# first\n{line}\n")
    assert str(caught.value).startswith("tokens, line 2: ")
    assert words in str(caught.value)
    assert any(each in str(caught.value) for each in ("emove the line", "remove it"))
    assert len(str(caught.value)) < 600


@settings(max_examples=50)
@given(st.text(max_size=30), st.binary(max_size=30))
def test_no_text_raises_anything_else(text: str, content: bytes) -> None:
    for each in (text, "{" + text, "{" + content.decode("latin-1")):
        try:
            read(each)
        except TokenFileError:
            continue


def test_a_file_has_bounds(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    path.write_text("#\n" * MOST_LINES)
    assert len(read_file(path)) == MOST_LINES
    path.write_text("#\n" * (MOST_LINES + 1))
    with pytest.raises(TokenFileError, match="10,000 lines"):
        read_file(path)
    path.write_bytes(b"#" * (LARGEST_FILE + 1))
    with pytest.raises(TokenFileError, match="4,194,304 bytes"):
        read_file(path)
