"""What a client is told: rows read from a statement's text, compared, numbered."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from kastor.live.diff import Difference, Row, Shown, numbered, read_row

IDS = st.sampled_from([("a",), ("b",), ("c",), ("a", "b"), ()])
RESULTS = st.dictionaries(IDS, st.sampled_from(["{}", '{"x":1}', '{"x":2}']))


def rows(result: dict[tuple[str, ...], str]) -> list[Row]:
    return [Row(identity, text) for identity, text in result.items()]


def apply(told: Difference, to: dict[tuple[str, ...], str]) -> None:
    for identity in told.removed:
        del to[identity]
    for row in told.changed:
        assert to[row.id] != row.text
        to[row.id] = row.text
    for row in told.added:
        assert row.id not in to
        to[row.id] = row.text


@given(st.lists(RESULTS, max_size=6))
def test_a_client_that_applies_the_differences_has_the_result(
    results: list[dict[tuple[str, ...], str]],
) -> None:
    shown, client = Shown(), dict[tuple[str, ...], str]()
    for result in results:
        apply(shown.replace(rows(result)), client)
        assert client == result
        assert len(shown) == len(result)
        assert shown.replace(rows(result)) == Difference()


@given(RESULTS, RESULTS, st.sets(IDS))
def test_a_part_can_be_looked_at_alone(
    before: dict[tuple[str, ...], str],
    after: dict[tuple[str, ...], str],
    affected: set[tuple[str, ...]],
) -> None:
    """What is not affected stays as it is; rows found twice count once."""
    shown, client = Shown(), dict[tuple[str, ...], str]()
    apply(shown.replace(rows(before)), client)
    found = {identity: text for identity, text in after.items() if identity in affected}
    apply(shown.amend(rows(found) * 2, affected), client)
    rest = {identity: text for identity, text in before.items() if identity not in affected}
    assert client == rest | found


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@given(
    st.lists(st.none() | TEXTS, max_size=4),
    st.dictionaries(TEXTS.filter(lambda key: not key.startswith("]")), VALUES, max_size=4),
)
def test_identity_and_row_are_parted(ids: list[str | None], row: dict[str, object]) -> None:
    members: dict[str, object] = {
        f"]{number}": value for number, value in enumerate(ids) if value is not None
    }
    text = json.dumps(members | row, separators=(",", ":"))
    found = read_row(text, len(ids), grouped=False)
    assert found.id == tuple(value or "" for value in ids)
    assert json.loads(found.text) == row


@given(TEXTS, st.dictionaries(TEXTS, VALUES, max_size=4))
def test_a_bare_document_is_taken_out_whole(identity: str, document: dict[str, object]) -> None:
    text = json.dumps({"]0": identity, "]": document}, separators=(",", ":"))
    found = read_row(text, 1, grouped=False)
    assert found.id == (identity,)
    assert json.loads(found.text) == document


@given(VALUES, VALUES)
def test_groups_of_different_values_have_different_ids(first: object, second: object) -> None:
    def of(value: object) -> Row:
        return read_row(json.dumps({"]0": value}, separators=(",", ":")), 1, grouped=True)

    assert (json.dumps(first) == json.dumps(second)) == (of(first).id == of(second).id)
    assert of(first).text == "{}"


def test_rows_of_one_identity_are_numbered_whatever_their_order() -> None:
    twice = [Row(("a",), "2"), Row(("b",), "x"), Row(("a",), "1"), Row(("a",), "1")]
    told = {row.id: row.text for row in numbered(twice)}
    assert told == {("b",): "x", ("a",): "1", ("a", "#2"): "1", ("a", "#3"): "2"}
    assert {row.id: row.text for row in numbered(reversed(twice))} == told
