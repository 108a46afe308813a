"""Stored models with all that they inherit, for clients that know no DTDL.

What a model says itself is resolved once, is kept with the catalog, and joined with what its bases
say; so a page costs a parse of what is new in it, and many models that share a base keep it once.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import orjson

from kastor import __version__
from kastor.clock import upload_time
from kastor.dtdl import DtdlError, parse
from kastor.dtdl.order import in_order
from kastor.dtdl.resolved import ModelResolver, ResolvedInterface
from kastor.graph.catalog import MOST_RESOLVED
from kastor.graph.lineage import Lineage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kastor.graph.catalog import ModelCatalog, StoredModel
    from kastor.types import ModelId

PAGE_BYTES = 4 * 2**20
"""Characters of models on one page; it ends with the model that reaches them."""
MOST_OF_A_MODEL = 8 * 2**20
"""Characters of one model's contents, inherited ones included; what is more is left out."""
PARSED_TOGETHER = 262_144
"""Bytes of models that are parsed at once, the last one and its bases aside."""
MOST_PARSED = 32 * 2**20
"""Bytes of a model and what it needs, from which on it is not resolved."""
_UNRESOLVED = ResolvedInterface("", "")


@dataclass(frozen=True, slots=True)
class ResolvedPage:
    """A part of the models.

    Attributes:
        text: JSON array of them.
        count: how many they are.
        more: whether others come after them.
    """

    text: bytes
    count: int
    more: bool


def state_of(catalog: ModelCatalog) -> str:
    """Return what names the models of a catalog; equal names are of equal models."""
    known = catalog.digest
    if known is None:
        found = hashlib.sha256(__version__.encode())
        for model in catalog.models.values():
            found.update(f"\n{model.id} {model.uploaded} {model.decommissioned:d}".encode())
        known = catalog.digest = str(UUID(bytes=found.digest()[:16]))
    return known


def resolved_page(
    catalog: ModelCatalog, wanted: Sequence[ModelId], after: int, limit: int
) -> ResolvedPage:
    """Return models in the order in which they need each other.

    Args:
        catalog: where they are.
        wanted: ids; without any, all.
        after: how many of them come before.
        limit: models.
    """
    needs = {model.id: frozenset(model.needs) for model in catalog.models.values()}
    ordered = in_order(needs)
    if wanted:
        among = frozenset(wanted)
        ordered = [each for each in ordered if each in among]
    rest = ordered[after:]
    lineage, parts = Lineage(catalog), _Parts(catalog, rest)
    texts: list[str] = []
    room = PAGE_BYTES
    for model_id in rest[:limit]:
        bases = [each for each in lineage.bases(model_id) if each in catalog.models]
        text = _whole(catalog.models[model_id], bases, parts)
        texts.append(text)
        room -= len(text)
        if room <= 0:
            break
    parts.keep()
    return ResolvedPage(f"[{','.join(texts)}]".encode(), len(texts), len(texts) < len(rest))


def _whole(model: StoredModel, bases: Sequence[ModelId], parts: _Parts) -> str:
    parts.prepare([model.id, *bases])
    own = parts.of(model.id)
    contents = [own.contents]
    size = len(own.contents)
    complete = own is not _UNRESOLVED
    for base in bases:
        inherited = parts.of(base)
        size += len(inherited.contents)
        if size > MOST_OF_A_MODEL or inherited is _UNRESOLVED:
            complete = False
            break
        contents.append(inherited.contents)
    facts = {
        "id": model.id,
        "decommissioned": model.decommissioned,
        "uploadTime": upload_time(model.uploaded),
        "extends": model.extends,
        "bases": bases,
    }
    if own is _UNRESOLVED:  # what it says of itself is known without a parse
        texts = {"displayName": model.facts.display_name, "description": model.facts.description}
        facts |= {name: orjson.Fragment(text) for name, text in texts.items()}
    if not complete:
        facts["truncated"] = True
    start = orjson.dumps(facts).decode()[:-1]
    head = f",{own.head}" if own.head else ""
    return f'{start}{head},"contents":[{",".join(filter(None, contents))}]}}'


class _Parts:
    """What models say themselves, resolved as far as it is asked for."""

    def __init__(self, catalog: ModelCatalog, ordered: Sequence[ModelId]) -> None:
        self._catalog = catalog
        self._known: dict[ModelId, ResolvedInterface] = dict(catalog.resolved)
        self._ordered = ordered
        self._at = {model_id: at for at, model_id in enumerate(ordered)}

    def prepare(self, model_ids: Sequence[ModelId]) -> None:
        """Resolve these as far as they are not yet, and with them some that will be asked for."""
        missing = [each for each in model_ids if each not in self._known]
        if missing:
            self._resolve(missing + self._next_ones(missing))

    def of(self, model_id: ModelId) -> ResolvedInterface:
        """Return what a prepared model says itself, `_UNRESOLVED` where that cannot be told."""
        return self._known[model_id]

    def keep(self) -> None:
        """Leave the catalog what was resolved, as far as it has room."""
        room = MOST_RESOLVED
        kept: dict[ModelId, ResolvedInterface] = {}
        for model_id, part in self._known.items():
            room -= len(part.contents) + len(part.head)
            if room < 0:
                break
            kept[model_id] = part
        self._catalog.resolved = kept  # as a whole: a writer may be copying what was there

    def _next_ones(self, missing: Sequence[ModelId]) -> list[ModelId]:
        """Return those after a page's next model that are parsed with it."""
        chosen: list[ModelId] = []
        size = sum(len(self._catalog.models[each].text) for each in missing)
        for each in self._ordered[self._at.get(missing[0], len(self._ordered)) + 1 :]:
            if size > PARSED_TOGETHER:
                break
            if each not in self._known and each not in missing:
                chosen.append(each)
                size += len(self._catalog.models[each].text)
        return chosen

    def _resolve(self, chosen: Sequence[ModelId]) -> None:
        found = self._parse(chosen)
        if not found and len(chosen) > 1:
            # One that cannot be told keeps nobody else from it.
            found = {}
            for each in chosen:
                found |= self._parse([each])
        for each in chosen:
            self._known[each] = found.get(each, _UNRESOLVED)

    def _parse(self, chosen: Sequence[ModelId]) -> Mapping[ModelId, ResolvedInterface]:
        closure = self._catalog.closure(chosen)
        if closure is None:
            return {}
        stored = [self._catalog.models[each] for each in closure]
        if sum(len(model.text) for model in stored) > MOST_PARSED:
            return {}
        try:
            models = parse(
                [model.document() for model in stored],
                allow_undefined_extensions="always",
                tolerate_solecisms={"parse"},
            )
        except DtdlError:
            return {}
        resolver = ModelResolver(models)
        return {each: resolver.interface(each) for each in chosen}
