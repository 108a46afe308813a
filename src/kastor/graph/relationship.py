"""Decides writes of relationships: pure functions from state to change (rest-api B.3)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import orjson

from kastor.errors import (
    InvalidArgument,
    JsonPatchInvalid,
    KastorError,
    NotAllowed,
    NotFound,
    PreconditionFailed,
)
from kastor.graph.command import Command, Decided, IfMatch, State, Written
from kastor.graph.documents import decode, encode, with_etag
from kastor.graph.patch import PatchOperation, apply_all, apply_operation, read_operations
from kastor.graph.twin import orphan_faults, require_match, twin_not_found
from kastor.graph.violations import all_broken, pointer, refuse
from kastor.records import (
    ChangeKind,
    Decision,
    EraseRelationship,
    LogEntry,
    Needs,
    RelationshipRow,
    TwinRow,
    WriteRelationship,
)
from kastor.types import override

if TYPE_CHECKING:
    from kastor.clock import Stamp
    from kastor.dtdl import CompiledRelationship
    from kastor.graph.catalog import ModelCatalog
    from kastor.types import Document, RelationshipId, TwinId

_IGNORED_ON_PUT = frozenset({"$relationshipId", "$sourceId", "$etag", "$dtId"})
_NAME, _TARGET = "/$relationshipName", "/$targetId"
_KNOWN_ON_PUT = _IGNORED_ON_PUT | {"$relationshipName", "$targetId"}


class PutRelationship(Command[Written], frozen=True):
    """Create or replace a relationship."""

    source_id: TwinId
    relationship_id: RelationshipId
    body: Document
    only_if_absent: bool = False

    @override
    def needs(self) -> Needs:
        """Name the relationship and both its ends; raises InvalidArgument."""
        return Needs(self.source_id, self.relationship_id, read_ends(self.body)[1])

    @override
    def decide(self, current: State, stamp: Stamp) -> Decided[Written]:
        """Decide as `decide_put` says."""
        return decide_put(self, current, stamp)


class PatchRelationship(Command[Written], frozen=True):
    """Apply a JSON Patch to a relationship's properties."""

    source_id: TwinId
    relationship_id: RelationshipId
    operations: tuple[Document, ...]
    if_match: IfMatch | None = None

    @override
    def needs(self) -> Needs:
        """Name the relationship and its source."""
        return Needs(self.source_id, self.relationship_id)

    @override
    def decide(self, current: State, stamp: Stamp) -> Decided[Written]:
        """Decide as `decide_patch` says."""
        return decide_patch(self, current, stamp)


class DeleteRelationship(Command[None], frozen=True):
    """Delete a relationship."""

    source_id: TwinId
    relationship_id: RelationshipId
    if_match: IfMatch | None = None

    @override
    def needs(self) -> Needs:
        """Name the relationship and its source."""
        return Needs(self.source_id, self.relationship_id)

    @override
    def decide(self, current: State, stamp: Stamp) -> Decided[None]:
        """Decide as `decide_delete` says."""
        return decide_delete(self, current, stamp)


class InvalidRelationship(KastorError):
    """The relationship does not fit the models of its ends."""

    default_code = "InvalidRelationship"


def relationship_not_found(relationship_id: str, twin_id: str) -> NotFound:
    """Return the error for a relationship that is not there."""
    return NotFound(
        f"Relationship {relationship_id} not found on twin {twin_id}. "
        "Please verify that the relationship id is valid and that it is not deleted.",
        code="RelationshipNotFound",
    )


def read_ends(body: Document) -> tuple[str, str]:
    """Return (name, target id) of a PUT body.

    Raises:
        InvalidArgument: a member is missing, not a string, or not known.
    """
    name, target = body.get("$relationshipName"), body.get("$targetId")
    if not isinstance(name, str) or not isinstance(target, str) or not name or not target:
        raise InvalidArgument(
            "A relationship needs $relationshipName and $targetId, both non-empty strings."
        ).at(path=_TARGET if isinstance(name, str) and name else _NAME)
    if "/" in target:
        raise InvalidArgument(
            f"$targetId {target[:128]} is invalid: an id cannot hold a slash."
        ).at(path=_TARGET)
    for member in body:
        if member.startswith("$") and member not in _KNOWN_ON_PUT:
            raise InvalidArgument(f"{member} is not a member of a relationship.").at(
                path=pointer((member,)), kind="unknown"
            )
    return name, target


def decide_put(command: PutRelationship, current: State, stamp: Stamp) -> Decided[Written]:
    """Decide a PUT of a relationship, in the order of rest-api B.3.2.

    Raises:
        NotFound, PreconditionFailed, NotAllowed, InvalidRelationship, ValidationFailed: in turn.
    """
    source, before = current.twin, current.relationship
    if source is None:
        raise twin_not_found(command.source_id)
    if command.only_if_absent and before is not None:
        raise PreconditionFailed(
            "If-None-Match: * header was specified but a relationship with the id "
            f"{command.relationship_id} was found on twin {command.source_id}. "
            "Please specify a different relationship id."
        )
    name, target_id = read_ends(command.body)
    target = current.target
    if target is None:
        raise NotFound(
            f"The target digital twin is invalid or does not exist: {target_id}.",
            code="TargetDigitalTwinNotFound",
        ).at(path=_TARGET, kind="missing_target")
    if target.key == source.key:
        raise NotAllowed("A relationship cannot lead from a twin to itself.").at(path=_TARGET)
    catalog = current.catalog
    declared = _require_declared(catalog, source, name)
    _require_target(catalog, declared, target)
    properties = {key: value for key, value in command.body.items() if not key.startswith("$")}
    _require_valid(declared, name, properties)
    document = {
        "$relationshipId": command.relationship_id,
        "$sourceId": command.source_id,
        "$relationshipName": name,
        "$targetId": target_id,
        **properties,
    }
    doc = encode(document)
    log = _put_log(current, document, doc, stamp)
    change = WriteRelationship(
        before, source, command.relationship_id, name, target.key, stamp.etag, doc, log
    )
    shown = log.data if before is None else None
    return Decision(change, Written(stamp.etag, doc, shown, same=not log.notify))


def decide_patch(command: PatchRelationship, current: State, stamp: Stamp) -> Decided[Written]:
    """Decide a PATCH of a relationship.

    Raises:
        NotFound, PreconditionFailed, JsonPatchInvalid, ValidationFailed: in turn.
    """
    source, before = _require_present(current, command.source_id, command.relationship_id)
    require_match(command.if_match, before.etag, f"the relationship {before.id}")
    operations = read_operations(command.operations)
    document = decode(before.doc)
    patch = orjson.dumps([operation.as_event() for operation in operations])
    apply_all(operations, partial(_apply, document))
    catalog = current.catalog
    if operations:
        declared = _require_declared(catalog, source, before.name)
        values = {key: value for key, value in document.items() if not key.startswith("$")}
        _require_valid(declared, before.name, values)
    doc = encode(document)
    model_id = catalog.id_of(source.model_key)
    log = LogEntry(
        ChangeKind.RELATIONSHIP_UPDATE,
        _subject(command.source_id, before.id),
        command.source_id,
        b'{"modelId":' + orjson.dumps(model_id) + b',"patch":' + patch + b"}",
        stamp.event_id,
        bool(operations),
        model_id,
    )
    change = WriteRelationship(
        before, source, before.id, before.name, before.target_key, stamp.etag, doc, log
    )
    return Decision(change, Written(stamp.etag, doc))


def decide_delete(command: DeleteRelationship, current: State, stamp: Stamp) -> Decided[None]:
    """Decide a DELETE of a relationship.

    Raises:
        NotFound, PreconditionFailed: it is not there or has another etag.
    """
    _, before = _require_present(current, command.source_id, command.relationship_id)
    require_match(command.if_match, before.etag, f"the relationship {before.id}")
    log = LogEntry(
        ChangeKind.RELATIONSHIP_DELETE,
        _subject(command.source_id, before.id),
        command.source_id,
        with_etag(before.doc, before.etag),
        stamp.event_id,
    )
    return Decision(EraseRelationship(before, log), None)


def _apply(document: Document, operation: PatchOperation) -> None:
    if operation.path[0].startswith("$"):
        raise JsonPatchInvalid(
            f"The path {operation.pointer} cannot be patched. To change a relationship's "
            "name or ends, delete it and create another."
        )
    apply_operation(document, operation)


def _require_present(
    current: State, source_id: str, relationship_id: str
) -> tuple[TwinRow, RelationshipRow]:
    if current.twin is None:
        raise twin_not_found(source_id)
    if current.relationship is None:
        raise relationship_not_found(relationship_id, source_id)
    return current.twin, current.relationship


def _require_declared(catalog: ModelCatalog, source: TwinRow, name: str) -> CompiledRelationship:
    model_id = catalog.id_of(source.model_key)
    interface = catalog.compiled(model_id)
    if interface is None:
        raise refuse(orphan_faults(source.id, model_id))
    declared = interface.relationships.get(name)
    if declared is None:
        known = ", ".join(sorted(interface.relationships)) or "none"
        raise InvalidRelationship(
            f"The relationship {name} does not align with the model {model_id} of its source "
            f"twin, which declares these relationships: {known}."
        ).at(path=_NAME, kind="unknown")
    return declared


def _require_target(catalog: ModelCatalog, declared: CompiledRelationship, target: TwinRow) -> None:
    if declared.target is None:
        return
    model_id = catalog.id_of(target.model_key)
    if declared.target not in catalog.supertypes(model_id):
        raise InvalidRelationship(
            f"The relationship {declared.name} does not align with its model: its target must "
            f"be a {declared.target} or derive from it, but {target.id} is a {model_id}."
        ).at(path=_TARGET, kind="wrong_target")


def _require_valid(declared: CompiledRelationship, name: str, properties: Document) -> None:
    violations = declared.violations(properties)
    if violations:
        raise refuse(
            all_broken(violations, properties, name),
            "Invalid relationship specified",
        )


def _put_log(current: State, document: Document, doc: bytes, stamp: Stamp) -> LogEntry:
    source_id, before = document["$sourceId"], current.relationship
    subject = _subject(source_id, document["$relationshipId"])
    assert current.twin is not None  # noqa: S101 - decided before this is called
    model_id = current.catalog.id_of(current.twin.model_key)
    if before is None:
        data = with_etag(doc, stamp.etag)
        kind = ChangeKind.RELATIONSHIP_CREATE
        return LogEntry(kind, subject, source_id, data, stamp.event_id, True, model_id)
    patch = _difference(decode(before.doc), document)
    data = orjson.dumps({"modelId": model_id, "patch": patch})
    kind = ChangeKind.RELATIONSHIP_UPDATE
    return LogEntry(kind, subject, source_id, data, stamp.event_id, bool(patch), model_id)


def _difference(old: Document, new: Document) -> list[Document]:
    patch: list[Document] = []
    for name, value in new.items():
        if name not in old:
            patch.append({"value": value, "path": f"/{name}", "op": "add"})
        elif orjson.dumps(old[name]) != orjson.dumps(value):
            patch.append({"value": value, "path": f"/{name}", "op": "replace"})
    return patch + [{"path": f"/{name}", "op": "remove"} for name in old if name not in new]


def _subject(source_id: str, relationship_id: str) -> str:
    return f"{source_id}/relationships/{relationship_id}"
