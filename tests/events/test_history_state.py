"""The state of a twin can be rebuilt from its rows: the last one for each key (events 3)."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from kastor.errors import JsonPatchInvalid
from kastor.events.history_rows import Origin, changed_by, leaves
from kastor.events.model import Event
from kastor.graph.patch import apply_operation, read_operations

from .factory import event

COMPONENT: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"$metadata": st.just({})}, optional={"x": st.integers(0, 3), "y": st.integers(0, 3)}
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "/a": st.integers(0, 3),
    "/b": st.fixed_dictionaries({}, optional={"u": st.integers(0, 3)}),
    "/b/u": st.integers(0, 3),
    "/b/v": st.integers(0, 3),
    "/c": COMPONENT,
    "/c/x": st.integers(0, 3),
    "/c/y": st.integers(0, 3),
}
OPERATION = st.sampled_from(sorted(VALUES)).flatmap(
    lambda path: st.one_of(
        st.just({"op": "remove", "path": path}),
        st.builds(
            lambda op, value: {"op": op, "path": path, "value": value},
            st.sampled_from(["add", "replace"]),
            VALUES[path],
        ),
    )
)
TWIN = st.fixed_dictionaries({}, optional={"a": VALUES["/a"], "b": VALUES["/b"], "c": COMPONENT})


def patched(document: dict[str, Any], patch: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The document with a patch, or None where a server would refuse it."""
    after = copy.deepcopy(document)
    try:
        for operation in read_operations(tuple(patch), strict=False):
            apply_operation(after, operation)
    except JsonPatchInvalid:
        return None
    return after


def state_of(document: dict[str, Any]) -> dict[str, Any]:
    return {"_".join(steps): value for steps, value, _ in leaves(document)}


def replayed(state: dict[str, Any], rows: list[Event]) -> None:
    for row in rows:
        told = json.loads(row.data)
        if told["action"] == "Update":
            state[told["key"]] = told["value"]
        else:
            assert told["value"] is None
            state.pop(told["key"], None)


@example(
    {"c": {"$metadata": {}, "x": 0}},
    [[{"op": "remove", "path": "/c/x"}, {"op": "remove", "path": "/c"}]],
)
@given(TWIN, st.lists(st.lists(OPERATION, min_size=1, max_size=4), max_size=6))
def test_the_last_row_of_each_key_is_the_state(
    document: dict[str, Any], patches: list[list[dict[str, Any]]]
) -> None:
    origin = Origin(event(), "dtmi:a:M;1", removals=True)
    state = state_of(document)
    for patch in patches:
        after = patched(document, patch)
        if after is None:
            continue
        rows = list(changed_by(patch, after, document).rows(origin, "T"))
        assert len({row.id for row in rows}) == len(rows)
        replayed(state, rows)
        document = after
        assert state == state_of(document)
