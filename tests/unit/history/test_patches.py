"""The patch between two documents: applied by a library of others it gives the second one."""

from __future__ import annotations

import json
from typing import Any

import jsonpatch
import orjson
from hypothesis import given
from hypothesis import strategies as st

from kastor.history.patches import patch_between

NAMES = st.sampled_from(["a", "b", "a/b", "m~n", "~1", "$metadata", "", "0"])
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.sampled_from([0, 1, 1.5, -3, "", "x"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=5)


def _text(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


@given(DOCUMENTS, DOCUMENTS)
def test_it_makes_the_second_of_the_first(before: Any, after: Any) -> None:
    patch = patch_between(before, after)
    made = jsonpatch.apply_patch(json.loads(_text(before)), patch)
    assert _text(made) == _text(after)
    assert bool(patch) == (_text(before) != _text(after))


@given(DOCUMENTS)
def test_nothing_is_between_a_document_and_itself(document: Any) -> None:
    assert patch_between(document, json.loads(_text(document))) == []


def test_objects_are_entered_and_true_is_not_one() -> None:
    before = {"a": {"b": 1, "c": [1]}, "d": True}
    after = {"a": {"b": 2, "c": [1]}, "d": 1}
    assert patch_between(before, after) == [
        {"op": "replace", "path": "/a/b", "value": 2},
        {"op": "replace", "path": "/d", "value": 1},
    ]
