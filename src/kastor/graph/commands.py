"""One frozen class per write; nothing here knows HTTP.

Bodies are decoded JSON that has the right outer shape already; what stands in them is judged
by the deciding functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from kastor.graph.documents import with_etag
from kastor.graph.model_facts import ModelFacts
from kastor.types import Document, Etag, ModelId, RelationshipId, TwinId


@dataclass(frozen=True, slots=True)
class IfMatch:
    """The condition of an If-Match header: any present version, or one of these etags."""

    etags: frozenset[Etag]
    any: bool = False

    def allows(self, etag: Etag) -> bool:
        """Return whether a resource with this etag meets the condition (weak comparison)."""
        return self.any or etag in self.etags


@dataclass(frozen=True, slots=True)
class PutTwin:
    """Create or replace a twin.

    Attributes:
        add_components: what becomes of components that the body lacks: added empty, refused with
            a word about the server's setting, or (None) refused.
    """

    twin_id: TwinId
    body: Document
    only_if_absent: bool = False
    add_components: bool | None = None


@dataclass(frozen=True, slots=True)
class PatchTwin:
    """Apply a JSON Patch to a twin, or to one component of it; `strict` as under adt."""

    twin_id: TwinId
    operations: tuple[Document, ...]
    if_match: IfMatch | None = None
    component: str | None = None
    strict: bool = False


@dataclass(frozen=True, slots=True)
class DeleteTwin:
    """Delete a twin that has no relationships."""

    twin_id: TwinId
    if_match: IfMatch | None = None


@dataclass(frozen=True, slots=True)
class PutRelationship:
    """Create or replace a relationship."""

    source_id: TwinId
    relationship_id: RelationshipId
    body: Document
    only_if_absent: bool = False


@dataclass(frozen=True, slots=True)
class PatchRelationship:
    """Apply a JSON Patch to a relationship's properties."""

    source_id: TwinId
    relationship_id: RelationshipId
    operations: tuple[Document, ...]
    if_match: IfMatch | None = None


@dataclass(frozen=True, slots=True)
class DeleteRelationship:
    """Delete a relationship."""

    source_id: TwinId
    relationship_id: RelationshipId
    if_match: IfMatch | None = None


@dataclass(frozen=True, slots=True)
class SendTelemetry:
    """Publish telemetry of a twin or of one of its components; `body` is the raw JSON text."""

    twin_id: TwinId
    body: bytes
    content_type: str
    message_id: str | None = None
    component: str | None = None


@dataclass(frozen=True, slots=True)
class UploadModels:
    """Store models that were parsed against the catalog of `epoch`.

    Attributes:
        documents: ids and texts.
        facts: of each of them; without any, the texts are decoded for them once more.
    """

    documents: tuple[tuple[ModelId, bytes], ...]
    epoch: int
    facts: tuple[ModelFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class CommissionModel:
    """Take a model out of service, or back into it."""

    model_id: ModelId
    in_service: bool


@dataclass(frozen=True, slots=True)
class DeleteModel:
    """Delete a model that no other stored model needs."""

    model_id: ModelId


@dataclass(frozen=True, slots=True)
class DeleteAllModels:
    """Delete every stored model."""


Command: TypeAlias = (
    PutTwin
    | PatchTwin
    | DeleteTwin
    | PutRelationship
    | PatchRelationship
    | DeleteRelationship
    | SendTelemetry
    | UploadModels
    | CommissionModel
    | DeleteModel
    | DeleteAllModels
)


@dataclass(frozen=True, slots=True)
class Written:
    """The outcome of a write that leaves a resource: its new etag and text.

    Attributes:
        shown: the text with `$etag`, where the event of a creation has it already.
    """

    etag: Etag
    doc: bytes
    shown: bytes | None = None

    @property
    def answer(self) -> bytes:
        """The text as it goes out, with `$etag`."""
        return with_etag(self.doc, self.etag) if self.shown is None else self.shown


Outcome: TypeAlias = Any
