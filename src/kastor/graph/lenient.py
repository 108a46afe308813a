"""Decides a relationship of an import, whose properties may be others than its model's.

The contract's own sample of an import file gives properties in another case than its model declares
them, and the service imports it (jobs 4.2). What is stored stays valid all the same: a property
that differs in case alone gets its declared name, one that is not declared is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.errors import ValidationFailed
from kastor.graph.command import Command, Decided, State, Written
from kastor.graph.relationship import PutRelationship, decide_put, read_ends
from kastor.records import Decision, Needs
from kastor.types import override

if TYPE_CHECKING:
    from kastor.clock import Stamp
    from kastor.dtdl import CompiledRelationship
    from kastor.types import Document, RelationshipId, TwinId

MOST_NAMED = 10
"""Properties that one warning names."""


class Fitted(Written, frozen=True):
    """The outcome of an import's relationship.

    Attributes:
        warning: what was done so that it fits its model; empty where nothing was.
    """

    warning: str = ""


class ImportRelationship(Command[Fitted], frozen=True):
    """Create or replace a relationship, without the properties that its model does not declare."""

    source_id: TwinId
    relationship_id: RelationshipId
    body: Document

    @override
    def needs(self) -> Needs:
        """Name the relationship and both its ends; raises InvalidArgument."""
        return Needs(self.source_id, self.relationship_id, read_ends(self.body)[1])

    @override
    def decide(self, current: State, stamp: Stamp) -> Decided[Fitted]:
        """Decide as `decide_import` says."""
        return decide_import(self, current, stamp)


def decide_import(command: ImportRelationship, current: State, stamp: Stamp) -> Decided[Fitted]:
    """Decide as a PUT, and where that breaks the model, without what is not declared.

    Raises:
        NotFound, NotAllowed, InvalidRelationship, ValidationFailed: as `relationship.decide_put`.
    """
    warning = ""
    try:
        decision = _decide(command, command.body, current, stamp)
    except ValidationFailed:
        fitting, warning = _fit(command.body, _declared(command.body, current))
        if not warning:
            raise
        decision = _decide(command, fitting, current, stamp)
    outcome = decision.outcome
    fitted = Fitted(outcome.etag, outcome.doc, outcome.shown, outcome.same, warning)
    return Decision(decision.change, fitted)


def _decide(
    command: ImportRelationship, body: Document, current: State, stamp: Stamp
) -> Decided[Written]:
    put = PutRelationship(command.source_id, command.relationship_id, body)
    return decide_put(put, current, stamp)


def _declared(body: Document, current: State) -> CompiledRelationship | None:
    if current.twin is None:
        return None
    catalog = current.catalog
    interface = catalog.compiled(catalog.id_of(current.twin.model_key))
    name, _ = read_ends(body)
    return None if interface is None else interface.relationships.get(name)


def _fit(body: Document, declared: CompiledRelationship | None) -> tuple[Document, str]:
    """Return a body that has declared properties alone, and what was done for that."""
    if declared is None:
        return body, ""
    alike = {name.lower(): name for name in declared.properties}
    fitting: Document = {}
    renamed: list[str] = []
    left_out: list[str] = []
    for name, value in body.items():
        if name.startswith("$") or name in declared.properties:
            fitting[name] = value
            continue
        meant = alike.get(name.lower())
        if meant is None or meant in body or meant in fitting:
            left_out.append(name[:128])
        else:
            fitting[meant] = value
            renamed.append(f"{name} as {meant}")
    parts = []
    if renamed:
        parts.append(f"properties taken in the model's case: {_named(renamed)}")
    if left_out:
        parts.append(f"properties left out, since the model has none such: {_named(left_out)}")
    return fitting, f"The relationship {declared.name}: {'; '.join(parts)}." if parts else ""


def _named(names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    shown = ", ".join(names[:MOST_NAMED])
    return shown if more <= 0 else f"{shown} and {more} more"
