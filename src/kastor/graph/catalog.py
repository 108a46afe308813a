"""The model catalog: an immutable snapshot of the stored models, one per model epoch.

Documents are valid (they were checked at upload), so a snapshot is made without parsing them;
an interface is parsed and compiled when it is first used, with the models it needs and no
others. Compiled interfaces outlive the snapshot, since a stored model never changes.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

import orjson

from kastor.dtdl import (
    CompiledInterface,
    Definition,
    ValueRules,
    compile_interface,
    parse,
    schemas_of,
)
from kastor.dtdl.resolved import ResolvedInterface
from kastor.errors import SlowDecisionError
from kastor.graph.model_facts import ModelFacts, read_facts
from kastor.records import ModelRow
from kastor.types import Document, ModelId

if TYPE_CHECKING:
    from kastor.storage.protocol import BuildCatalog

# As long as a version of a model's id may be; queries name ids that nobody has checked.
_VERSION = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,6}))?")

SLOW_BYTES = 65_536
_MOST_SCHEMAS = 10_000
"""Names of which it is kept what their values are."""
"""Of a model's text with all it needs, from which on compiling it takes tens of milliseconds."""

MOST_RESOLVED = 64 * 2**20
"""Characters of what is kept resolved of a graph's models; the rest is resolved when asked for."""

Compiled: TypeAlias = dict[ModelId, CompiledInterface]


@dataclass(frozen=True, slots=True)
class StoredModel:
    """One stored model with what is asked of it often.

    Attributes:
        text: the document as uploaded.
        facts: what the document says, as far as it is asked often.
    """

    key: int
    id: ModelId
    text: bytes
    uploaded: int
    decommissioned: bool
    facts: ModelFacts

    @property
    def extends(self) -> tuple[ModelId, ...]:
        """The models that this one extends."""
        return self.facts.extends

    @property
    def needs(self) -> tuple[ModelId, ...]:
        """The models that this one cannot do without."""
        return self.facts.extends + self.facts.components

    def document(self) -> Document:
        """Return the document, decoded anew."""
        document: Document = orjson.loads(self.text)
        return document


@dataclass(slots=True)
class ModelCatalog:
    """A snapshot; treat as immutable (the caches aside).

    Attributes:
        epoch: number of the change of models that led here.
        models: stored models by id, oldest upload first.
        keys: key of every id ever stored, deleted ones included.
        resolved: what models say themselves, as far as somebody asked; replaced as a whole.
        digest: names this state of the models, once somebody asked.
    """

    epoch: int
    models: Mapping[ModelId, StoredModel]
    keys: Mapping[ModelId, int]
    rules: ValueRules
    _ids: dict[int, ModelId] = field(init=False)
    _compiled: Compiled = field(default_factory=dict)
    _supertypes: dict[ModelId, frozenset[ModelId]] = field(default_factory=dict)
    _matching: dict[tuple[ModelId, bool], frozenset[int]] = field(default_factory=dict)
    _names: tuple[frozenset[str], frozenset[str]] | None = None
    _schemas: dict[str, frozenset[str]] = field(default_factory=dict)
    _labels: Mapping[int, tuple[str, ...]] | None = None
    resolved: Mapping[ModelId, ResolvedInterface] = field(default_factory=dict)
    digest: str | None = None

    def __post_init__(self) -> None:
        self._ids = {key: model_id for model_id, key in self.keys.items()}

    def key_of(self, model_id: ModelId) -> int:
        """Return the key of an id that is or was stored; raises KeyError."""
        return self.keys[model_id]

    def id_of(self, key: int) -> ModelId:
        """Return the id of a key; raises KeyError."""
        return self._ids[key]

    def compiled(self, model_id: ModelId) -> CompiledInterface | None:
        """Return a model ready to validate with, or None if it or what it needs is missing.

        Raises:
            SlowDecisionError: it is large, not compiled yet, and asked for on the event loop.
        """
        interface = self._compiled.get(model_id)
        if interface is None and model_id in self.models:
            closure = self.closure((model_id,))
            if closure is None:
                return None
            size = sum(len(self.models[each].text) for each in closure)
            if size > SLOW_BYTES and _is_on_event_loop():
                raise SlowDecisionError(model_id)
            documents = [self.models[each].document() for each in closure]
            models = parse(
                documents, allow_undefined_extensions="always", tolerate_solecisms={"parse"}
            )
            interface = compile_interface(models, model_id, self.rules)
            self._compiled[model_id] = interface
        return interface

    def closure(self, model_ids: Iterable[ModelId]) -> list[ModelId] | None:
        """Return the models with all they need, each once; None if one is not stored."""
        found: dict[ModelId, None] = {}
        pending = list(model_ids)[::-1]
        while pending:
            model_id = pending.pop()
            if model_id in found:
                continue
            model = self.models.get(model_id)
            if model is None:
                return None
            found[model_id] = None
            pending += model.needs[::-1]
        return list(found)

    def dependents(self, model_id: ModelId) -> list[ModelId]:
        """Return the stored models that extend a model or have it as a component."""
        return [each.id for each in self.models.values() if model_id in each.needs]

    def supertypes(self, model_id: ModelId) -> frozenset[ModelId]:
        """Return a model's id with those of all it extends, directly or not."""
        known = self._supertypes.get(model_id)
        if known is None:
            found: set[ModelId] = set()
            pending = [model_id]
            while pending:
                each = pending.pop()
                if each in found:
                    continue
                found.add(each)
                model = self.models.get(each)
                pending += model.extends if model is not None else ()
            known = frozenset(found)
            if model_id in self.models:  # of others there are as many as people can write
                self._supertypes[model_id] = known
        return known

    def matching(self, model_id: ModelId, *, exact: bool) -> frozenset[int]:
        """Return the keys of the models for which IS_OF_MODEL holds (query-language 12)."""
        known = self._matching.get((model_id, exact))
        if known is None:
            if exact:
                ids: Iterable[ModelId] = [model_id] if model_id in self.keys else []
            else:
                ids = [each for each in self.keys if self._is_of(each, model_id)]
            known = frozenset(self.keys[each] for each in ids)
            if model_id in self.keys:
                self._matching[model_id, exact] = known
        return known

    def labels(self) -> Mapping[int, tuple[str, ...]]:
        """Return what openCypher calls the twins of each model; see `ModelIndex`."""
        if self._labels is None:
            self._labels = {key: self._labels_of(each) for each, key in self.keys.items()}
        return self._labels

    def _labels_of(self, model_id: ModelId) -> tuple[str, ...]:
        """Return the words of a model and its bases, one level of them after the other."""
        seen: set[ModelId] = set()
        words = ["Twin"]
        level = [model_id]
        while level:
            seen.update(level)
            words += [each.partition(";")[0].rpartition(":")[2] for each in level]
            models = [self.models[each] for each in level if each in self.models]
            above = dict.fromkeys(base for model in models for base in model.extends)
            level = [each for each in above if each not in seen]
        return tuple(dict.fromkeys(words))

    def defined_inside(self) -> dict[str, list[tuple[ModelId, Definition]]]:
        """Return the ids that models define inside themselves, each with the models that do."""
        found: dict[str, list[tuple[ModelId, Definition]]] = {}
        for model in self.models.values():
            for definition in model.facts.defines:
                found.setdefault(definition.id, []).append((model.id, definition))
        return found

    def with_interfaces_inside(self) -> list[ModelId]:
        """Return the models that hold interfaces; older servers took them, but none serves them."""
        return [
            model.id
            for model in self.models.values()
            if any(definition.interface for definition in model.facts.defines)
        ]

    def model_ids(self) -> Collection[ModelId]:
        """Return the ids of all stored models."""
        return self.models.keys()

    def property_names(self) -> frozenset[str]:
        """Return the names of all properties and components, of relationships' properties too."""
        return self._known_names()[0]

    def schemas_of(self, name: str) -> frozenset[str]:
        """Return what models call the values of members of this name; see `ModelIndex`."""
        known = self._schemas.get(name)
        if known is None:
            found: set[str] = set()
            for model in self.models.values():
                if name in model.facts.members:
                    found |= schemas_of(model.document(), name)
                elif model.facts.defines and name.encode() in model.text:
                    found.add("?")  # it may be in an interface that is written inside
            known = frozenset(found)
            if len(self._schemas) < _MOST_SCHEMAS:
                self._schemas[name] = known
        return known

    def relationship_names(self) -> frozenset[str]:
        """Return the names of all relationships."""
        return self._known_names()[1]

    def _known_names(self) -> tuple[frozenset[str], frozenset[str]]:
        if self._names is None:
            models = self.models.values()
            self._names = (
                frozenset().union(*(model.facts.members for model in models)),
                frozenset().union(*(model.facts.relationships for model in models)),
            )
        return self._names

    def changed(
        self,
        *,
        epoch: int,
        uploads: Sequence[ModelRow] = (),
        facts: Sequence[ModelFacts] = (),
        commission: Sequence[tuple[ModelId, bool]] = (),
        deletes: Sequence[ModelId] = (),
    ) -> ModelCatalog:
        """Return the snapshot after a change; what is compiled is taken along.

        Args:
            epoch: number of the new snapshot.
            uploads: models that come.
            facts: of each of them, where whoever checked them has read them; else they are read.
            commission: models that go out of service, or back.
            deletes: models that go.
        """
        gone = frozenset(deletes)
        models = {key: model for key, model in self.models.items() if key not in gone}
        for model_id, in_service in commission:
            models[model_id] = _commissioned(models[model_id], in_service)
        known: Sequence[ModelFacts | None] = facts or [None] * len(uploads)
        models |= {row.id: _stored(row, each) for row, each in zip(uploads, known, strict=True)}
        keys = {**self.keys, **{row.id: row.key for row in uploads}}
        catalog = ModelCatalog(epoch, models, keys, self.rules)
        catalog._compiled = {k: v for k, v in self._compiled.items() if k not in gone}
        catalog.resolved = {k: v for k, v in self.resolved.items() if k not in gone}
        return catalog

    def take_over(self, previous: ModelCatalog) -> None:
        """Keep what an earlier snapshot compiled of models that are still the same."""
        self._compiled = {
            model_id: compiled
            for model_id, compiled in previous._compiled.items()
            if self._has_as(previous, model_id)
        }
        self.resolved = {
            model_id: part
            for model_id, part in previous.resolved.items()
            if self._has_as(previous, model_id)
        }

    def _has_as(self, previous: ModelCatalog, model_id: ModelId) -> bool:
        return model_id in self.models and _same(self.models[model_id], previous.models[model_id])

    def _is_of(self, model_id: ModelId, asked: ModelId) -> bool:
        path, version = split_version(asked)
        for each in self.supertypes(model_id):
            if each == asked:
                return True
            own_path, own_version = split_version(each)
            if version and own_version and own_path == path and own_version >= version:
                return True
        return False


def _is_on_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def split_version(model_id: ModelId) -> tuple[str, tuple[int, int] | None]:
    """Return a DTMI's path and its version as (major, minor); None where it has none."""
    path, _, version = model_id.partition(";")
    match = _VERSION.fullmatch(version)
    if match is None:
        return path, None
    return path, (int(match[1]), int(match[2] or 0))


def catalog_builder(rules: ValueRules) -> BuildCatalog[ModelCatalog]:
    """Return the function that a store makes its snapshots with."""

    def build(
        rows: Sequence[ModelRow],
        keys: Sequence[tuple[int, ModelId]],
        epoch: int,
        previous: ModelCatalog | None = None,
    ) -> ModelCatalog:
        before = {} if previous is None else previous.models
        models: dict[ModelId, StoredModel] = {}
        for row in rows:
            known = before.get(row.id)
            if known is None or not _same(known, row):
                models[row.id] = _stored(row)
            else:
                models[row.id] = _commissioned(known, not row.decommissioned)
        catalog = ModelCatalog(epoch, models, {model_id: key for key, model_id in keys}, rules)
        if previous is not None:
            catalog.take_over(previous)
        return catalog

    return build


def _same(one: StoredModel, other: StoredModel | ModelRow) -> bool:
    # Clocks can be set back, so two uploads of an id may bear the same time.
    same_time = (one.key, one.uploaded) == (other.key, other.uploaded)
    return same_time and (not other.text or one.text == other.text)


def _stored(row: ModelRow, facts: ModelFacts | None = None) -> StoredModel:
    if facts is None:
        facts = read_facts(row.text, orjson.loads(row.text))
    return StoredModel(row.key, row.id, row.text, row.uploaded, row.decommissioned, facts)


def _commissioned(model: StoredModel, in_service: bool) -> StoredModel:
    return replace(model, decommissioned=not in_service)
