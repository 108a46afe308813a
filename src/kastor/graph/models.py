"""Decides uploads, (de)commissioning and deletion of models (rest-api B.1).

Parsing is slow and happens before, outside the writer, against a snapshot; the decision only
checks that the snapshot is still the current one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

import orjson

from kastor.errors import Conflict, KastorError, NotFound
from kastor.graph.catalog import StoredModel
from kastor.graph.command import Command, Decided, State
from kastor.graph.model_facts import ModelFacts
from kastor.graph.uploads import named
from kastor.records import ChangeKind, ChangeModels, Decision, LogEntry, ModelRow, Needs
from kastor.types import ModelId, override

if TYPE_CHECKING:
    from kastor.clock import Stamp
    from kastor.graph.catalog import ModelCatalog


class UploadModels(Command[dict[ModelId, StoredModel]], frozen=True):
    """Store models that were parsed against the catalog of `epoch`.

    Attributes:
        documents: ids and texts.
        facts: of each of them; without any, the texts are decoded for them once more.
    """

    documents: tuple[tuple[ModelId, bytes], ...]
    epoch: int
    facts: tuple[ModelFacts, ...] = ()

    @override
    def needs(self) -> Needs:
        """Name nothing: models stand in the catalog."""
        return Needs()

    @override
    def decide(self, current: State, stamp: Stamp) -> Decided[dict[ModelId, StoredModel]]:
        """Decide as `decide_upload` says."""
        return decide_upload(self, current, stamp)


class CommissionModel(Command[None], frozen=True):
    """Take a model out of service, or back into it."""

    model_id: ModelId
    in_service: bool

    @override
    def needs(self) -> Needs:
        """Name nothing: models stand in the catalog."""
        return Needs()

    @override
    def decide(self, current: State, stamp: Stamp) -> Decided[None]:
        """Decide as `decide_commission` says."""
        return decide_commission(self, current, stamp)


class DeleteModel(Command[None], frozen=True):
    """Delete a model that no other stored model needs."""

    model_id: ModelId

    @override
    def needs(self) -> Needs:
        """Name nothing: models stand in the catalog."""
        return Needs()

    @override
    def decide(self, current: State, stamp: Stamp) -> Decided[None]:
        """Decide as `decide_delete` says."""
        return decide_delete(self, current, stamp)


class DeleteAllModels(Command[None], frozen=True):
    """Delete every stored model."""

    @override
    def needs(self) -> Needs:
        """Name nothing: models stand in the catalog."""
        return Needs()

    @override
    def decide(self, current: State, stamp: Stamp) -> Decided[None]:
        """Decide as `decide_delete_all` says."""
        return decide_delete_all(self, current, stamp)


class StaleCatalogError(KastorError):
    """Models changed between parsing and deciding; parse again."""

    default_code = "ServiceUnavailable"


def model_not_found(model_id: ModelId) -> NotFound:
    """Return the error for a model that is not stored."""
    return NotFound(
        f"There is no Model(s) available that matches the provided id(s) {model_id}.",
        code="ModelNotFound",
    )


def require_new(catalog: ModelCatalog, model_ids: list[ModelId]) -> None:
    """Raise Conflict if one of the ids is stored already."""
    present = [model_id for model_id in model_ids if model_id in catalog.models]
    if present:
        raise Conflict(
            f"Some of the model ids already exist: {named(present)}. "
            "Delete them first, or upload a new version under another id.",
            code="ModelIdAlreadyExists",
        ).at(index=(first := model_ids.index(present[0])), path=f"/{first}/@id")


def decide_upload(
    command: UploadModels, current: State, stamp: Stamp
) -> Decided[dict[ModelId, StoredModel]]:
    """Decide an upload of models that are valid against the catalog of `command.epoch`.

    The outcome is the models as they are stored, by id: known once the change is applied.

    Raises:
        StaleCatalogError: the catalog is another one by now.
        Conflict: an id is stored already.
    """
    catalog = current.catalog
    if catalog.epoch != command.epoch:
        raise StaleCatalogError("The models changed meanwhile.")
    require_new(catalog, [model_id for model_id, _ in command.documents])
    texts = dict(command.documents)
    stored: dict[ModelId, StoredModel] = {}

    def next_catalog(keys: Mapping[ModelId, int], epoch: int) -> ModelCatalog:
        rows = [ModelRow(keys[each], each, texts[each], stamp.now, False) for each in texts]
        following = catalog.changed(epoch=epoch, uploads=rows, facts=command.facts)
        stored.update((each, following.models[each]) for each in texts)
        return following

    logs = tuple(
        _log(ChangeKind.MODEL_UPLOAD, model_id, text, stamp) for model_id, text in texts.items()
    )
    return Decision(ChangeModels(command.documents, (), (), logs, next_catalog), stored)


def decide_commission(command: CommissionModel, current: State, stamp: Stamp) -> Decided[None]:
    """Decide to take a model out of service or back; repeating it is no error.

    Raises:
        NotFound: the model is not stored.
    """
    catalog = current.catalog
    if command.model_id not in catalog.models:
        raise model_not_found(command.model_id)
    commission = ((command.model_id, command.in_service),)
    data = orjson.dumps({"decommissioned": not command.in_service})
    logs = (_log(ChangeKind.MODEL_UPDATE, command.model_id, data, stamp),)

    def next_catalog(_keys: Mapping[ModelId, int], epoch: int) -> ModelCatalog:
        return catalog.changed(epoch=epoch, commission=commission)

    return Decision(ChangeModels((), commission, (), logs, next_catalog), None)


def decide_delete(command: DeleteModel, current: State, stamp: Stamp) -> Decided[None]:
    """Decide to delete a model; its twins stay, as orphans.

    Raises:
        NotFound: the model is not stored.
        Conflict: another model needs it.
    """
    catalog = current.catalog
    model = catalog.models.get(command.model_id)
    if model is None:
        raise model_not_found(command.model_id)
    dependents = [each for each in catalog.dependents(model.id) if each != model.id]
    if dependents:
        raise Conflict(
            f"This model is currently being referenced by {named(dependents)}. Delete those first.",
            code="ModelReferencesNotDeleted",
        )
    logs = (_log(ChangeKind.MODEL_DELETE, model.id, model.text, stamp),)

    def next_catalog(_keys: Mapping[ModelId, int], epoch: int) -> ModelCatalog:
        return catalog.changed(epoch=epoch, deletes=(model.id,))

    return Decision(ChangeModels((), (), (model.id,), logs, next_catalog), None)


def decide_delete_all(_command: DeleteAllModels, current: State, stamp: Stamp) -> Decided[None]:
    """Decide to delete all models; their twins stay, as orphans."""
    catalog = current.catalog
    ids = tuple(catalog.models)
    logs = tuple(
        _log(ChangeKind.MODEL_DELETE, model.id, model.text, stamp)
        for model in catalog.models.values()
    )

    def next_catalog(_keys: Mapping[ModelId, int], epoch: int) -> ModelCatalog:
        return catalog.changed(epoch=epoch, deletes=ids)

    return Decision(ChangeModels((), (), ids, logs, next_catalog), None)


def _log(kind: ChangeKind, model_id: ModelId, data: bytes, stamp: Stamp) -> LogEntry:
    event_id = str(uuid5(UUID(stamp.event_id), model_id))
    return LogEntry(kind, model_id, model_id, data, event_id, False, model_id)
