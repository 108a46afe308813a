"""Decides writes of twins and components: pure functions from state to change.

The order of checks is that of rest-api A.7: existence, precondition, patch, content.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson

from kastor.clock import Stamp, twin_time
from kastor.errors import Detail, KastorError, NotFound, PreconditionFailed
from kastor.graph.catalog import ModelCatalog
from kastor.graph.command import Command, Decided, IfMatch, State, Written
from kastor.graph.documents import decode, encode, with_etag
from kastor.graph.metadata import (
    fresh_component,
    fresh_entry,
    is_component,
    source_time_faults,
)
from kastor.graph.patch import PatchOperation, apply_all, read_operations
from kastor.graph.twin_patch import Touch, apply_to_twin, renew_touched, within_component
from kastor.graph.violations import TWIN, all_broken, fault, refuse, unknown_member
from kastor.records import (
    ChangeKind,
    Decision,
    EraseTwin,
    LogEntry,
    Needs,
    TwinRow,
    WriteTwin,
)
from kastor.types import Document, TwinId, override

if TYPE_CHECKING:
    from kastor.dtdl import CompiledInterface

_IGNORED_ON_PUT = frozenset({"$dtId", "$etag", "$metadata", "$relationships"})


class PutTwin(Command[Written], frozen=True):
    """Create or replace a twin.

    Attributes:
        add_components: what becomes of components that the body lacks: added empty, refused with
            a word about the server's setting, or (None) refused.
        restores: whether it is brought back to what it was, so that it is no new twin of its model,
            which may be out of service.
    """

    twin_id: TwinId
    body: Document
    only_if_absent: bool = False
    add_components: bool | None = None
    restores: bool = False

    @override
    def needs(self) -> Needs:
        """Name the twin."""
        return Needs(self.twin_id)

    @override
    def decide(self, current: State, stamp: Stamp) -> Decided[Written]:
        """Decide as `decide_put` says."""
        return decide_put(self, current, stamp)


class PatchTwin(Command[Written], frozen=True):
    """Apply a JSON Patch to a twin, or to one component of it; `strict` as under adt."""

    twin_id: TwinId
    operations: tuple[Document, ...]
    if_match: IfMatch | None = None
    component: str | None = None
    strict: bool = False

    @override
    def needs(self) -> Needs:
        """Name the twin."""
        return Needs(self.twin_id)

    @override
    def decide(self, current: State, stamp: Stamp) -> Decided[Written]:
        """Decide as `decide_patch` says."""
        return decide_patch(self, current, stamp)


class DeleteTwin(Command[None], frozen=True):
    """Delete a twin that has no relationships."""

    twin_id: TwinId
    if_match: IfMatch | None = None

    @override
    def needs(self) -> Needs:
        """Name the twin, and ask whether it has relationships."""
        return Needs(self.twin_id, relationships_of_twin=True)

    @override
    def decide(self, current: State, stamp: Stamp) -> Decided[None]:
        """Decide as `decide_delete` says."""
        return decide_delete(self, current, stamp)


def twin_not_found(twin_id: str) -> NotFound:
    """Return the error for a twin that is not there."""
    return NotFound(
        f"There is no digital twin instance that exists with the ID {twin_id}. "
        "Please verify that the twin id is valid and ensure that the twin is not deleted.",
        code="DigitalTwinNotFound",
    )


def component_not_found(twin_id: str, component: str) -> NotFound:
    """Return the error for a component that the twin's model does not have."""
    return NotFound(f"{twin_id} does not have component {component}.", code="ComponentNotFound")


def require_match(if_match: IfMatch | None, etag: str, what: str) -> None:
    """Raise PreconditionFailed unless the condition is met."""
    if if_match is not None and not if_match.allows(etag):
        raise PreconditionFailed(
            f"The If-Match header does not match the current etag of {what}: it was changed "
            "since it was read. Read it again and repeat the change on what you get."
        )


def decide_put(command: PutTwin, current: State, stamp: Stamp) -> Decided[Written]:
    """Decide a PUT of a twin.

    Raises:
        PreconditionFailed: `only_if_absent`, and the twin is there.
        ValidationFailed: the body breaks its model; all violations together.
    """
    before = current.twin
    if command.only_if_absent and before is not None:
        raise PreconditionFailed(
            "If-None-Match: * header was specified but a twin with the id "
            f"{command.twin_id} was found. Please specify a different twin id."
        )
    catalog = current.catalog
    model_id = _model_of(command.body)
    interface = _require_interface(catalog, model_id)
    if not command.restores:
        _require_in_service(catalog, model_id, before)
    document = _fresh_twin(command, interface, model_id, twin_time(stamp.now))
    doc = encode(document)
    shown = None
    if before is None:
        data = shown = with_etag(doc, stamp.etag)
        kind, notify = ChangeKind.TWIN_CREATE, True
    else:
        difference = _difference(decode(before.doc), document)
        kind, notify = ChangeKind.TWIN_UPDATE, bool(difference)
        data = orjson.dumps({"modelId": model_id, "patch": difference})
    log = LogEntry(kind, command.twin_id, command.twin_id, data, stamp.event_id, notify, model_id)
    key = catalog.key_of(model_id)
    change = WriteTwin(before, command.twin_id, key, stamp.etag, doc, log)
    return Decision(change, Written(stamp.etag, doc, shown, same=not notify))


def decide_patch(command: PatchTwin, current: State, stamp: Stamp) -> Decided[Written]:
    """Decide a PATCH of a twin, or of one component.

    Raises:
        NotFound, PreconditionFailed: the twin is not there or has another etag.
        JsonPatchInvalid: the patch does not apply.
        ValidationFailed: the result breaks the model.
    """
    before = current.twin
    if before is None:
        raise twin_not_found(command.twin_id)
    require_match(command.if_match, before.etag, f"the twin {command.twin_id}")
    operations = read_operations(command.operations, strict=command.strict)
    document = decode(before.doc)
    if command.component is not None:
        operations = within_component(command.twin_id, command.component, operations, document)
    change = patched(before, document, operations, current, stamp)
    return Decision(change, Written(change.etag, change.doc))


def patched(
    before: TwinRow,
    document: Document,
    operations: Sequence[PatchOperation],
    current: State,
    stamp: Stamp,
) -> WriteTwin:
    """Return the change that operations make of a twin.

    Args:
        before: the twin.
        document: its document, which is worked on.
        operations: with paths from the twin's root.
        current: what the decision is made on.
        stamp: of the decision.

    Raises:
        JsonPatchInvalid: the patch does not apply.
        ValidationFailed: the result breaks the model.
    """
    # Worded before the operations are applied: a later one may reach into an earlier value.
    patch = orjson.dumps([operation.as_event() for operation in operations])
    touched = apply_all(operations, partial(apply_to_twin, document))
    model_id = _finish_patch(document, touched, current, before, stamp)
    doc = encode(document)
    log = LogEntry(
        ChangeKind.TWIN_UPDATE,
        before.id,
        before.id,
        b'{"modelId":' + orjson.dumps(model_id) + b',"patch":' + patch + b"}",
        stamp.event_id,
        bool(operations),
        model_id,
    )
    key = current.catalog.key_of(model_id)
    return WriteTwin(before, before.id, key, stamp.etag, doc, log)


def decide_delete(command: DeleteTwin, current: State, stamp: Stamp) -> Decided[None]:
    """Decide a DELETE of a twin.

    Raises:
        NotFound, PreconditionFailed: the twin is not there or has another etag.
        KastorError: `RelationshipsNotDeleted`.
    """
    before = current.twin
    if before is None:
        raise twin_not_found(command.twin_id)
    require_match(command.if_match, before.etag, f"the twin {command.twin_id}")
    if current.has_relationships:
        raise RelationshipsLeft(
            f"Twin {command.twin_id} has active relationships (incoming or outgoing). "
            "Delete them first.",
        )
    data = with_etag(before.doc, before.etag)
    log = LogEntry(ChangeKind.TWIN_DELETE, command.twin_id, command.twin_id, data, stamp.event_id)
    return Decision(EraseTwin(before, log), None)


class RelationshipsLeft(KastorError):
    """The twin still has relationships."""

    default_code = "RelationshipsNotDeleted"


def _model_of(body: Document) -> str:
    metadata = body.get("$metadata")
    model_id = metadata.get("$model") if isinstance(metadata, dict) else None
    if not isinstance(model_id, str):
        text = "Twin is missing $metadata with $model, the id of its model (a string)."
        raise refuse([fault(text, "missing_model", "$metadata", "$model")])
    return model_id


def _require_interface(catalog: ModelCatalog, model_id: str, orphan: str = "") -> CompiledInterface:
    """Return the twin's model; `orphan` is the twin's id if it has that model already."""
    interface = catalog.compiled(model_id)
    if interface is None:
        if orphan:
            raise refuse(orphan_faults(orphan, model_id))
        raise refuse([_unknown_model(model_id)])
    return interface


def orphan_faults(twin_id: str, model_id: str) -> list[Detail]:
    """Return what is wrong with a twin whose model was deleted, and what helps."""
    text = (
        f"The twin {twin_id} was left without its model: upload {model_id} again, or give the "
        "twin another one by a patch of /$metadata/$model."
    )
    return [_unknown_model(model_id), fault(text, "orphan", "$metadata", "$model")]


def _unknown_model(model_id: str) -> Detail:
    text = f"{model_id} or one of its dependencies does not exist."
    return fault(text, "unknown_model", "$metadata", "$model")


def _require_in_service(catalog: ModelCatalog, model_id: str, before: TwinRow | None) -> None:
    model = catalog.models.get(model_id)
    if model is None or not model.decommissioned:
        return
    if before is not None and before.model_key == model.key:
        return
    raise Decommissioned(
        f"The model {model_id} is decommissioned: no new twin may use it. "
        "Choose another model, or put it back into service."
    ).at(path="/$metadata/$model", kind="decommissioned")


class Decommissioned(KastorError):
    """A new twin of a model that is out of service."""

    default_code = "ModelDecommissioned"


def _fresh_twin(
    command: PutTwin, interface: CompiledInterface, model_id: str, now: str
) -> Document:
    body = command.body
    if command.add_components:
        missing: Document = {each: {"$metadata": {}} for each in interface.components}
        body = {**missing, **body}
    given = body["$metadata"]
    faults = [
        unknown_member(name, TWIN)
        for name in body
        if name.startswith("$") and name not in _IGNORED_ON_PUT
    ]
    faults += _content_faults(interface, body)
    if command.add_components is False:
        faults = [_with_switch(each) for each in faults]
    faults += source_time_faults(body, given)
    document: Document = {"$dtId": command.twin_id}
    metadata: Document = {"$model": model_id, "$lastUpdateTime": now}
    for name, value in body.items():
        if name.startswith("$"):
            continue
        if name not in interface.components:
            document[name] = value
            metadata[name] = fresh_entry(given.get(name), now)
        elif isinstance(value, dict) and isinstance(value.get("$metadata"), dict):
            faults += source_time_faults(value, value["$metadata"], name)
            document[name] = fresh_component(value, now)
    if faults:
        raise refuse(faults)
    document["$metadata"] = metadata
    return document


def _with_switch(found: Detail) -> Detail:
    """Name the setting that adds missing components, as data of other servers need it."""
    if found.place.get("kind") != "missing_component":
        return found
    text = 'Give it, if empty as {"$metadata": {}}, or start Kastor with --absent-components empty.'
    return Detail(found.code, f"{found.message} {text}", found.place)


def _finish_patch(
    document: Document,
    touched: list[Touch],
    current: State,
    before: TwinRow,
    stamp: Stamp,
) -> str:
    """Validate the patched twin, bring its metadata up to date, return its model's id."""
    now = twin_time(stamp.now)
    catalog = current.catalog
    metadata = document["$metadata"]
    model_id: str = metadata["$model"]
    metadata["$lastUpdateTime"] = now
    if not touched:
        return model_id
    same = catalog.keys.get(model_id) == before.model_key
    interface = _require_interface(catalog, model_id, before.id if same else "")
    _require_in_service(catalog, model_id, before)
    faults = [
        unknown_member(name, TWIN)
        for name in document
        if name[:1] == "$" and name not in ("$dtId", "$metadata")
    ]
    faults += _content_faults(interface, document)
    if faults:
        raise refuse(faults)
    renew_touched(document, touched, interface, now)
    document["$metadata"] = document.pop("$metadata")  # what was added came behind it
    return model_id


def _content_faults(interface: CompiledInterface, document: Document) -> list[Detail]:
    violations = interface.violations(document)
    components = interface.components
    if not (violations or components):
        return []
    faults = all_broken(violations, document, TWIN, components)
    for name in components:
        value = document.get(name)
        if not isinstance(value, dict):
            continue
        if not isinstance(value.get("$metadata"), dict):
            text = f'Twin is missing $metadata in the component {name}; give "$metadata": {{}}.'
            faults.append(fault(text, "missing_metadata", name, "$metadata"))
        faults += [
            unknown_member(member, name, name)
            for member in value
            if member.startswith("$") and member not in _IGNORED_ON_PUT
        ]
    return faults


def _difference(old: Document, new: Document) -> list[Document]:
    """Return the patch that turns one twin's values into another's, member by member."""
    patch: list[Document] = []
    old_values, new_values = _values(old), _values(new)
    for name, value in new_values.items():
        if name not in old_values:
            patch.append({"value": new[name], "path": f"/{name}", "op": "add"})
        elif orjson.dumps(old_values[name]) != orjson.dumps(value):
            patch.append({"value": new[name], "path": f"/{name}", "op": "replace"})
    patch += [{"path": f"/{name}", "op": "remove"} for name in old_values if name not in new_values]
    models = old["$metadata"]["$model"], new["$metadata"]["$model"]
    if models[0] != models[1]:
        patch.append({"value": models[1], "path": "/$metadata/$model", "op": "replace"})
    return patch


def _values(document: Document) -> dict[str, Any]:
    return {
        name: {k: v for k, v in value.items() if k != "$metadata"} if is_component(value) else value
        for name, value in document.items()
        if not name.startswith("$")
    }
