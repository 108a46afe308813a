"""Applies a patch to a twin's document: what its paths mean, and which times they move.

rest-api C.2.3 and C.2.4. Values are judged later, once, on the final document.
"""

from __future__ import annotations

from enum import Enum, auto
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from kastor.errors import JsonPatchInvalid
from kastor.graph.metadata import (
    Touched,
    fresh_component,
    is_component,
    renew,
    source_time_faults,
)
from kastor.graph.patch import PatchOperation, apply_all, apply_operation
from kastor.graph.violations import fault, refuse

if TYPE_CHECKING:
    from kastor.dtdl import CompiledInterface
    from kastor.types import Document


class TwinPart(Enum):
    """What of a twin, or of one of its components, an operation touches."""

    PROPERTY = auto()
    COMPONENT = auto()
    """The component as a whole."""
    MODEL = auto()
    SOURCE_TIME = auto()


class Touch(Struct, frozen=True):
    """What one operation touched.

    Attributes:
        component: in which it is; None at the root.
        part: what it is.
        name: the property, or the one whose source time it is; else empty.
        operation: that touched it.
    """

    component: str | None
    part: TwinPart
    name: str
    operation: PatchOperation


def within_component(
    twin_id: str, name: str, operations: list[PatchOperation], document: Document
) -> list[PatchOperation]:
    """Return the operations of a component's patch with paths from the twin's root.

    Raises:
        JsonPatchInvalid: the twin has no such component (rest-api B.2.6).
    """
    if not is_component(document.get(name)):
        pointer = f"/{name}{operations[0].pointer}" if operations else f"/{name}"
        raise JsonPatchInvalid(
            f"The target location specified by path segment '{name}' was not found ({pointer}): "
            f"the twin {twin_id} has no component {name}."
        ).at(path=pointer)
    return apply_all(operations, partial(_inside, name))


def _inside(component: str, operation: PatchOperation) -> PatchOperation:
    if operation.path[0] in ("$dtId", "$etag", "$model"):
        raise _protected(operation)
    return PatchOperation(
        operation.op,
        (component, *operation.path),
        f"/{component}{operation.pointer}",
        operation.value,
    )


def _protected(operation: PatchOperation) -> JsonPatchInvalid:
    return JsonPatchInvalid(
        f"The path {operation.pointer} cannot be patched: it is kept by the server."
    )


def apply_to_twin(document: Document, operation: PatchOperation) -> Touch:
    """Apply one operation to a twin's document and say what it touched.

    Raises:
        JsonPatchInvalid: the path leads nowhere, or to what the server keeps.
        ValidationFailed: a `$model` that is not a string.
    """
    path = operation.path
    if path[0] == "$metadata":
        return _apply_metadata(document, operation, None)
    if path[0] in ("$dtId", "$etag"):
        raise _protected(operation)
    holder: Any = document.get(path[0])
    if not is_component(holder):
        apply_operation(document, operation)
        return Touch(None, TwinPart.PROPERTY, path[0], operation)
    if len(path) == 1:
        apply_operation(document, operation)
        return Touch(path[0], TwinPart.COMPONENT, "", operation)
    if path[1] == "$metadata":
        return _apply_metadata(holder, operation, path[0])
    if path[1] in ("$dtId", "$etag", "$model"):
        raise _protected(operation)
    apply_operation(document, operation)
    return Touch(path[0], TwinPart.PROPERTY, path[1], operation)


def _apply_metadata(holder: Document, operation: PatchOperation, component: str | None) -> Touch:
    rest = operation.path[1 if component is None else 2 :]
    if component is None and rest == ("$model",) and operation.op != "remove":
        if not isinstance(operation.value, str):
            text = "The value of $metadata/$model must be the id of a model (a string)."
            raise refuse([fault(text, "wrong_type", "$metadata", "$model")])
        holder["$metadata"]["$model"] = operation.value
        return Touch(None, TwinPart.MODEL, "", operation)
    if len(rest) == 2 and rest[1] == "sourceTime" and not rest[0].startswith("$"):  # noqa: PLR2004
        return Touch(component, TwinPart.SOURCE_TIME, rest[0], operation)
    raise _protected(operation)


def renew_touched(
    document: Document, touched: list[Touch], interface: CompiledInterface, now: str
) -> None:
    """Bring every `$metadata` of a patched and valid twin up to date.

    Raises:
        ValidationFailed, JsonPatchInvalid: see `metadata.renew`.
    """
    by_holder: dict[str | None, Touched] = {}
    whole: set[str] = set()
    for touch in touched:
        component, part, name = touch.component, touch.part, touch.name
        if component is not None and component not in interface.components:
            # A property in the model that the patch chose.
            name, component, part = component, None, TwinPart.PROPERTY
        elif component is None and part is TwinPart.PROPERTY and name in interface.components:
            document["$metadata"].pop(name, None)
            component, part = name, TwinPart.COMPONENT  # one that the patch added
        if component is not None and part is TwinPart.COMPONENT:
            whole.add(component)
            by_holder[component] = Touched()  # whatever was touched before is gone
        else:
            depth = 1 if component is None else 2
            holder = by_holder.setdefault(component, Touched())
            _note(holder, part, name, touch.operation, depth)
    for component, changes in by_holder.items():
        if component is None:
            renew(document, changes, now)
        elif component in document:
            _renew_component(document, component, changes, now, whole=component in whole)


def _note(
    holder: Touched, part: TwinPart, name: str, operation: PatchOperation, depth: int
) -> None:
    """Note what an operation touched in a twin or a component whose values lie at `depth`."""
    if part is TwinPart.SOURCE_TIME:
        holder.source_times.append((name, operation))
        holder.value_written = True
    elif part is TwinPart.PROPERTY:
        holder.properties.add(name)
        if operation.op == "remove" and len(operation.path) == depth:
            holder.removed.add(name)
        else:
            # Within a component a plain removal leaves the component's time (rest-api C.1.1).
            holder.value_written = True


def _renew_component(
    document: Document, component: str, changes: Touched, now: str, *, whole: bool
) -> None:
    if whole:
        faults = source_time_faults(
            document[component], document[component]["$metadata"], component
        )
        if faults:
            raise refuse(faults)
        document[component] = fresh_component(document[component], now)
    holder = document[component]
    renew(holder, changes, now)
    if changes.value_written:
        holder["$metadata"]["$lastUpdateTime"] = now
    holder["$metadata"] = holder.pop("$metadata")
