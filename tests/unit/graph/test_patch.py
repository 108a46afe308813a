"""JSON Patch by itself, held against the `jsonpatch` library where both do the same."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonpatch
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kastor.errors import JsonPatchInvalid
from kastor.graph.patch import apply_operation, read_operations

# Names with everything that RFC 6901 escapes, and some that look like indexes.
NAMES = st.sampled_from(["a", "b", "a/b", "m~n", "~1", "~01", "0", "1", "7", "é", "x y", "-"])
LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "text", "0"])
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=4)
REFUSED = "refused"


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


@st.composite
def _pointers(draw: st.DrawFn, document: Any) -> str:
    """A pointer that mostly leads somewhere in the document."""
    node, segments = document, []
    while True:
        known: list[str] = []
        if isinstance(node, dict):
            known = list(node)
        elif isinstance(node, list):
            known = [*map(str, range(len(node) + 2)), "-"]
        is_known = bool(known) and draw(st.integers(0, 4)) > 0
        segment = draw(st.sampled_from(known) if is_known else NAMES)
        segments.append(segment)
        if isinstance(node, dict) and segment in node:
            node = node[segment]
        elif isinstance(node, list) and segment.isdecimal() and int(segment) < len(node):
            node = node[int(segment)]
        else:
            node = None
        if draw(st.booleans()) or len(segments) > 3:
            return "".join(f"/{_escaped(each)}" for each in segments)


@st.composite
def _cases(draw: st.DrawFn) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    document = draw(DOCUMENTS)
    operations: list[dict[str, Any]] = []
    now: Any = document
    for _ in range(draw(st.integers(0, 6))):
        op = draw(st.sampled_from(["add", "add", "replace", "remove"]))
        operation = {"op": op, "path": draw(_pointers(now))}
        operations.append(operation if op == "remove" else {**operation, "value": draw(VALUES)})
        after = _oracle(now, operations[-1:])
        now = now if after == REFUSED else after
    return document, operations


def _ours(document: dict[str, Any], operations: list[dict[str, Any]]) -> Any:
    working = copy.deepcopy(document)
    try:
        for operation in read_operations(tuple(operations)):
            apply_operation(working, operation)
    except JsonPatchInvalid:
        return REFUSED
    return working


def _oracle(document: dict[str, Any], operations: list[dict[str, Any]]) -> Any:
    try:
        return jsonpatch.apply_patch(document, copy.deepcopy(operations))
    except Exception:  # noqa: BLE001 - it refuses with errors of several families
        return REFUSED


@given(_cases())
@example(({"a": [1]}, [{"op": "add", "path": "/a/1", "value": 2}]))
@example(({"a": [1]}, [{"op": "add", "path": "/a/2", "value": 2}]))
@example(({"a": "text"}, [{"op": "remove", "path": "/a/0"}]))
@settings(max_examples=400, deadline=None)
def test_a_patch_does_what_the_jsonpatch_library_does(
    case: tuple[dict[str, Any], list[dict[str, Any]]],
) -> None:
    document, operations = case
    ours, oracle = _ours(document, operations), _oracle(document, operations)
    assert json.dumps(ours, sort_keys=True) == json.dumps(oracle, sort_keys=True)


@given(_cases())
@settings(max_examples=200, deadline=None)
def test_applying_a_patch_leaves_the_patch_itself_as_it_was(
    case: tuple[dict[str, Any], list[dict[str, Any]]],
) -> None:
    document, operations = case
    before = copy.deepcopy(operations)
    first = _ours(document, operations)
    assert operations == before
    assert _ours(document, operations) == first


def test_a_value_that_a_later_step_changes_is_a_copy() -> None:
    operations = (
        {"op": "add", "path": "/row", "value": []},
        {"op": "add", "path": "/row/-", "value": 1},
    )
    assert _ours({}, list(operations)) == {"row": [1]}
    assert _ours({}, list(operations)) == {"row": [1]}


@pytest.mark.parametrize(
    ("pointer", "path"),
    [
        ("/a", ("a",)),
        ("/a~1b", ("a/b",)),
        ("/m~0n", ("m~n",)),
        ("/~01", ("~1",)),
        ("/~10", ("/0",)),
        ("/a.b", ("a.b",)),
        ("/ a /b ", (" a ", "b ")),
        ("/%2F", ("%2F",)),
        ("a/b", ("a", "b")),  # tolerated without its slash
    ],
)
def test_a_pointer_is_split_and_unescaped(pointer: str, path: tuple[str, ...]) -> None:
    (operation,) = read_operations(({"op": "remove", "path": pointer},))
    assert operation.path == path
    assert operation.pointer == (pointer if pointer.startswith("/") else f"/{pointer}")


@pytest.mark.parametrize("pointer", ["", "/", "//", "/a/", "/a//b", "/~", "/a~2", "/~a", 5, None])
def test_a_pointer_that_is_none_is_refused(pointer: Any) -> None:
    with pytest.raises(JsonPatchInvalid):
        read_operations(({"op": "remove", "path": pointer},))


def test_an_operation_without_a_path_is_refused() -> None:
    with pytest.raises(JsonPatchInvalid, match="no path"):
        read_operations(({"op": "remove"},))


@pytest.mark.parametrize("op", ["move", "copy", "test", "", "Delete", None, 1, ["add"]])
def test_an_op_beyond_the_three_is_refused(op: Any) -> None:
    with pytest.raises(JsonPatchInvalid, match="Supported operations are add, replace and remove"):
        read_operations(({"op": op, "path": "/a", "value": 1},))


def test_an_operation_without_an_op_is_refused() -> None:
    with pytest.raises(JsonPatchInvalid, match=r"Operation 1 .*no operation"):
        read_operations(({"op": "remove", "path": "/a"}, {}))


@pytest.mark.parametrize("op", ["add", "replace"])
def test_add_and_replace_need_a_value(op: str) -> None:
    with pytest.raises(JsonPatchInvalid, match="has no value"):
        read_operations(({"op": op, "path": "/a"},))


def test_null_is_a_value() -> None:
    (operation,) = read_operations(({"op": "add", "path": "/a", "value": None},))
    document: dict[str, Any] = {}
    apply_operation(document, operation)
    assert document == {"a": None}


def test_the_names_of_operations_are_read_in_any_letter_case() -> None:
    operations = read_operations(({"op": "REPLACE", "path": "/a", "value": 1},))
    assert [each.op for each in operations] == ["replace"]


def test_members_beyond_op_path_and_value_are_ignored() -> None:
    (operation,) = read_operations(({"op": "remove", "path": "/a", "from": "/b", "value": 4},))
    assert operation.value is None
    assert operation.as_event() == {"path": "/a", "op": "remove"}


@pytest.mark.parametrize("index", ["01", "-1", "+1", "1.0", "٣", "1_0", " 1", "9" * 30])
def test_an_index_is_plain_decimal_without_leading_zeros(index: str) -> None:
    (operation,) = read_operations(({"op": "replace", "path": f"/row/{index}", "value": 9},))
    with pytest.raises(JsonPatchInvalid, match="was not found"):
        apply_operation({"row": [1, 2, 3, 4]}, operation)


@pytest.mark.parametrize("op", ["replace", "remove"])
def test_the_dash_stands_for_the_end_in_add_alone(op: str) -> None:
    (operation,) = read_operations(({"op": op, "path": "/row/-", "value": 9},))
    with pytest.raises(JsonPatchInvalid):
        apply_operation({"row": [1]}, operation)


@pytest.mark.parametrize(
    ("op", "path", "segment", "help_"),
    [
        ("replace", "/a/b", "b", "Use add to set a value that is not there yet."),
        ("remove", "/a/b", "b", "b is not set, so there is nothing to remove."),
        ("add", "/a/b/c", "b", "b is not set; add the whole object or array first."),
        ("replace", "/a/b/c", "b", "b is not set; add the whole object or array first."),
        ("remove", "/a/b/c", "b", "b is not set."),
        ("add", "/name/x", "x", "name holds a string, which has nothing below it."),
        ("add", "/name/x/y", "x", "name holds a string, which has nothing below it."),
        ("replace", "/none/x", "x", "none holds a value, which has nothing below it."),
        ("add", "/row/5", "5", "The array row has the positions 0 to 1; - appends."),
        ("replace", "/row/2", "2", "The array row has the positions 0 to 1."),
        ("remove", "/row/x", "x", "The array row has the positions 0 to 1."),
        ("replace", "/empty/0", "0", "The array empty is empty."),
    ],
)
def test_the_refusal_names_the_segment_that_is_missing_and_what_helps(
    op: str, path: str, segment: str, help_: str
) -> None:
    (operation,) = read_operations(({"op": op, "path": path, "value": 1},))
    with pytest.raises(JsonPatchInvalid) as caught:
        apply_operation({"a": {}, "name": "n", "none": None, "row": [1, 2], "empty": []}, operation)
    assert f"path segment '{segment}' was not found" in caught.value.message
    assert path in caught.value.message
    assert caught.value.message.endswith(help_)


def test_the_model_may_be_written_as_adts_pages_print_it() -> None:
    dotted = {"op": "replace", "path": "$metadata.$model", "value": "dtmi:a;1"}
    (operation,) = read_operations((dotted,))
    assert (operation.path, operation.pointer) == (("$metadata", "$model"), "/$metadata/$model")
    with pytest.raises(JsonPatchInvalid, match=r"as /[$]metadata/[$]model"):
        read_operations((dotted,), strict=True)


def test_an_event_carries_value_path_and_op() -> None:
    (operation,) = read_operations(({"op": "add", "path": "/a", "value": [1]},))
    assert operation.as_event("/part") == {"value": [1], "path": "/part/a", "op": "add"}
