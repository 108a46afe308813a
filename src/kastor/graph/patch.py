"""JSON Patch as the contract has it: add, replace and remove, in order, on a working copy.

Only the mechanics: which paths a twin or a relationship protects, and what a change means for
`$metadata`, is said elsewhere (rest-api C.2).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias, TypeVar

import orjson
from msgspec import Struct

from kastor.errors import JsonPatchInvalid
from kastor.nesting import MAX_DEPTH
from kastor.types import Document, Json

T = TypeVar("T")
Op: TypeAlias = Literal["add", "replace", "remove"]
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_SUPPORTED = ("add", "replace", "remove")
_KINDS = {str: "string", bool: "boolean", int: "number", float: "number"}
_DOTTED_MODEL, _MODEL = "/$metadata.$model", "/$metadata/$model"


class PatchOperation(Struct, frozen=True):
    """One step: `path` is the unescaped segments, never empty; `value` None for remove."""

    op: Op
    path: tuple[str, ...]
    pointer: str
    value: Json

    def as_event(self, prefix: str = "") -> Document:
        """Return the operation as update events carry it (events 1.3)."""
        path = f"{prefix}{self.pointer}"
        if self.op == "remove":
            return {"path": path, "op": self.op}
        return {"value": self.value, "path": path, "op": self.op}


def read_operations(
    operations: tuple[Document, ...], *, strict: bool = False
) -> list[PatchOperation]:
    """Return the operations of a patch, each with its path split.

    A path without a leading slash is as if it had one; `$metadata.$model`, as ADT's pages print
    it, is `/$metadata/$model` unless `strict` (decisions 1).

    Raises:
        JsonPatchInvalid: an op that is missing or not supported, a path that is none, a value
            that is missing.
    """
    return [_read(operation, index, strict) for index, operation in enumerate(operations)]


def operation_at(op: Op, path: tuple[str, ...], value: Json, index: int) -> PatchOperation:
    """Return the operation number `index` of a patch that the server makes.

    Raises:
        JsonPatchInvalid: the path is deeper than any value may be.
    """
    pointer = pointer_of(path)
    _require_shallow(pointer, index)
    return PatchOperation(op, path, pointer, value)


def pointer_of(path: tuple[str, ...]) -> str:
    """Return the JSON pointer of unescaped segments."""
    plain = "/".join(("", *path))
    if "~" not in plain and plain.count("/") == len(path):
        return plain
    return "".join(f"/{segment.replace('~', '~0').replace('/', '~1')}" for segment in path)


def apply_operation(document: Document, operation: PatchOperation) -> None:
    """Apply one operation to `document` in place; the operation itself stays as it is.

    Raises:
        JsonPatchInvalid: the path leads nowhere.
    """
    parent = _parent(document, operation)
    key, value = operation.path[-1], operation.value
    if isinstance(value, dict | list):
        value = orjson.loads(orjson.dumps(value))  # a later operation may reach into it
    match parent:
        case dict():
            if operation.op != "add" and key not in parent:
                raise _nowhere(operation, len(operation.path) - 1, parent)
            if operation.op == "remove":
                del parent[key]
            else:
                parent[key] = value
        case list():
            _apply_to_array(parent, operation, key, value)
        case _:
            raise _nowhere(operation, len(operation.path) - 1, parent)


def apply_all(
    operations: Sequence[PatchOperation], apply: Callable[[PatchOperation], T]
) -> list[T]:
    """Apply operations in order and return what each of them comes to.

    Raises:
        JsonPatchInvalid, ValidationFailed: one of them does not apply; it tells which.
    """
    done: list[T] = []
    try:
        for operation in operations:
            done.append(apply(operation))  # noqa: PERF401 - how far it came is told
    except JsonPatchInvalid as error:
        raise error.at(path=operations[len(done)].pointer, index=len(done)) from None
    return done


def _read(operation: Document, index: int, strict: bool) -> PatchOperation:
    op = operation.get("op")
    name = op.lower() if isinstance(op, str) else None
    if name not in _SUPPORTED:
        given = f"'{op}'" if isinstance(op, str) and op else "no operation"
        raise JsonPatchInvalid(
            f"Operation {index} of the patch: {given} is not supported. "
            "Supported operations are add, replace and remove."
        ).at(index=index)
    pointer = operation.get("path")
    if not isinstance(pointer, str) or not pointer:
        raise JsonPatchInvalid(
            f"Operation {index} of the patch has no path. Give one such as /Temperature."
        ).at(index=index)
    if name != "remove" and "value" not in operation:
        raise JsonPatchInvalid(
            f"Operation {index} of the patch ({name} {pointer}) has no value."
        ).at(index=index, path=pointer)
    pointer = pointer if pointer.startswith("/") else f"/{pointer}"
    if pointer == _DOTTED_MODEL:
        if strict:
            raise JsonPatchInvalid(
                f"Operation {index} of the patch: write the path {operation['path']} as {_MODEL}."
            ).at(index=index, path=_MODEL)
        pointer = _MODEL
    value = None if name == "remove" else operation["value"]
    return PatchOperation(name, _split(pointer, index), pointer, value)  # type: ignore[arg-type]


def _split(pointer: str, index: int) -> tuple[str, ...]:
    _require_shallow(pointer, index)
    if "~" not in pointer:
        segments = pointer.split("/")[1:]
    else:
        if re.search(r"~(?![01])", pointer):
            raise JsonPatchInvalid(
                f"Operation {index} of the patch: '~' in the path {pointer} must be written ~0."
            ).at(index=index, path=pointer)
        raw = pointer.split("/")[1:]
        segments = [segment.replace("~1", "/").replace("~0", "~") for segment in raw]
    if "" in segments:
        raise JsonPatchInvalid(
            f"Operation {index} of the patch: the path {pointer} has an empty segment."
        ).at(index=index, path=pointer)
    return tuple(segments)


def _require_shallow(pointer: str, index: int) -> None:
    if pointer.count("/") > MAX_DEPTH:
        raise JsonPatchInvalid(
            f"Operation {index} of the patch: the path {pointer[:80]}... has more than {MAX_DEPTH} "
            "segments, deeper than any value may be."
        ).at(index=index)


def _parent(document: Document, operation: PatchOperation) -> Any:
    node: Any = document
    for index, segment in enumerate(operation.path[:-1]):
        match node:
            case dict() if segment in node:
                node = node[segment]
            case list() if _INDEX.fullmatch(segment) and int(segment) < len(node):
                node = node[int(segment)]
            case _:
                raise _nowhere(operation, index, node)
    return node


def _apply_to_array(array: list[Any], operation: PatchOperation, key: str, value: Any) -> None:
    if key == "-" and operation.op == "add":
        array.append(value)
        return
    limit = len(array) + 1 if operation.op == "add" else len(array)
    if not _INDEX.fullmatch(key) or int(key) >= limit:
        raise _nowhere(operation, len(operation.path) - 1, array)
    if operation.op == "add":
        array.insert(int(key), value)
    elif operation.op == "replace":
        array[int(key)] = value
    else:
        del array[int(key)]


def _nowhere(operation: PatchOperation, index: int, parent: Any) -> JsonPatchInvalid:
    """Return the error for a segment of the path that `parent` does not lead on to."""
    segment = operation.path[index]
    return JsonPatchInvalid(
        f"The target location specified by path segment '{segment}' was not found "
        f"({operation.op} {operation.pointer}). {_hint(operation, index, parent)}".rstrip()
    )


def _hint(operation: PatchOperation, index: int, parent: Any) -> str:
    """Say what to do instead, after the operation and the place where it ended."""
    segment, holder = operation.path[index], "/".join(operation.path[:index])
    if isinstance(parent, list):
        last = len(parent) - 1
        there = f"has the positions 0 to {last}" if parent else "is empty"
        more = "; - appends" if operation.op == "add" else ""
        return f"The array {holder} {there}{more}."
    if not isinstance(parent, dict):
        what = _KINDS.get(type(parent), "value")
        return f"{holder} holds a {what}, which has nothing below it."
    if index + 1 < len(operation.path):
        if operation.op == "remove":
            return f"{segment} is not set."
        return f"{segment} is not set; add the whole object or array first."
    if operation.op == "remove":
        return f"{segment} is not set, so there is nothing to remove."
    return "Use add to set a value that is not there yet."
