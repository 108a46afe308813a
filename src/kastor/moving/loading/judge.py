"""Judges single twins and relationships by their models, as a server of the contract would."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kastor.client import NotFoundError
from kastor.dtdl import CompiledInterface, Violation, compile_interface
from kastor.identifiers import ID_RULE, is_id
from kastor.moving.items import RelationshipItem, TwinItem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.client import AsyncKastorClient
    from kastor.moving.loading.known_models import KnownModels
    from kastor.moving.loading.patience import Patience
    from kastor.types import Json

MOST_TWINS = 4_000_000
"""Of a stream whose ids are kept for its relationships; some 150 bytes each."""
_MOST_ASKED = 200_000
"""Twins of the server of which it is kept what they are."""
_SHOWN = 3


class Refusal(NamedTuple):
    """Why something would not be taken."""

    code: str
    message: str


class Judge:
    """Judges twins, and then relationships between them and those of the server."""

    def __init__(self, client: AsyncKastorClient, patience: Patience, known: KnownModels) -> None:
        self._client, self._patience, self._known = client, patience, known
        self._models: dict[str, int] = {}
        self._names: list[str] = []
        self._twins: dict[str, int] = {}
        self._asked: dict[str, str | None] = {}

    def twin(self, item: TwinItem) -> Refusal | None:
        """Return why a twin would be refused; None where it would not."""
        if not is_id(item.id):
            return Refusal("InvalidArgument", f"$dtId {item.id[:128]} is invalid: {ID_RULE}.")
        model = _model_of(item.body)
        if model is None:
            return Refusal("ValidationFailed", "The twin needs $metadata with its $model.")
        compiled = self._compiled(model)
        if compiled is None:
            return Refusal("ValidationFailed", f"There is no model {model}; load it first.")
        found = compiled.violations(item.body)
        if found:
            return Refusal("ValidationFailed", _told(found))
        if len(self._twins) < MOST_TWINS:
            self._twins[item.id] = self._number(model)
        return None

    async def relationship(self, item: RelationshipItem) -> Refusal | None:
        """Return why a relationship would be refused, once all twins were judged.

        Raises:
            ClientError: the server cannot be asked for a twin.
        """
        if not is_id(item.id):
            return Refusal("InvalidArgument", f"The id {item.id[:128]} is invalid: {ID_RULE}.")
        name, target = item.body.get("$relationshipName"), item.body.get("$targetId")
        if not isinstance(name, str) or not isinstance(target, str) or not name or not target:
            message = "A relationship needs $relationshipName and $targetId, both non-empty."
            return Refusal("InvalidArgument", message)
        if item.source == target:
            message = "A relationship cannot lead from a twin to itself."
            return Refusal("OperationNotAllowed", message)
        ends = [await self._model(item.source), await self._model(target)]
        for end, model in zip((item.source, target), ends, strict=True):
            if model is None:
                return Refusal("DigitalTwinNotFound", f"There is no twin {end}, here or there.")
        return self._between(item, name, str(ends[0]), str(ends[1]))

    def _between(
        self, item: RelationshipItem, name: str, source: str, target: str
    ) -> Refusal | None:
        compiled = self._compiled(source)
        declared = None if compiled is None else compiled.relationships.get(name)
        if declared is None:
            message = f"The model {source} has no relationship {name}."
            return Refusal("ValidationFailed", message)
        if not self._may_lead(declared.target, target):
            message = f"{name} leads to twins of {declared.target}, and not of {target}."
            return Refusal("ValidationFailed", message)
        found = declared.violations(item.body)
        return Refusal("ValidationFailed", _told(found)) if found else None

    def _may_lead(self, wanted: str | None, model: str) -> bool:
        models = self._known.set
        if wanted is None or models is None or model not in models.interfaces:
            return True
        return wanted in models.supertypes(model)

    async def _model(self, twin: str) -> str | None:
        """Return the model of a twin of the stream or of the server; None where there is none."""
        number = self._twins.get(twin)
        if number is not None:
            return self._names[number]
        if twin not in self._asked:
            if len(self._asked) >= _MOST_ASKED:
                self._asked.clear()
            self._asked[twin] = await self._patience.call(lambda: self._stored_model(twin))
        return self._asked[twin]

    async def _stored_model(self, twin: str) -> str | None:
        try:
            return _model_of(await self._client.twins.get(twin))
        except (NotFoundError, ValueError):  # an id that no path can carry is none
            return None

    def _compiled(self, model: str) -> CompiledInterface | None:
        models = self._known.set
        if models is None or model not in models.interfaces:
            return None
        return compile_interface(models, model)

    def _number(self, model: str) -> int:
        if model not in self._models:
            self._models[model] = len(self._names)
            self._names.append(model)
        return self._models[model]


def _model_of(body: Json) -> str | None:
    metadata = body.get("$metadata")
    model = metadata.get("$model") if isinstance(metadata, dict) else None
    return model if isinstance(model, str) else None


def _told(violations: Sequence[Violation]) -> str:
    shown = [f"{'/'.join(map(str, each.path))}: {each.detail}" for each in violations[:_SHOWN]]
    more = len(violations) - _SHOWN
    return "; ".join(shown) + (f"; and {more} more." if more > 0 else ".")
