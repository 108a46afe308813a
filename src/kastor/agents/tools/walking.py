"""`neighbours`: what is related to a twin, level by level, always in the same order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kastor.agents.arguments import Neighbours, given
from kastor.agents.fitting import AnswerRow, ToolAnswer
from kastor.agents.refusals import ToolRefused
from kastor.agents.tools.near import near_twins, require_model
from kastor.errors import NotFound
from kastor.graph.documents import decode
from kastor.graph.ids import require_id
from kastor.graph.instants import shown

if TYPE_CHECKING:
    from kastor.agents.caller import AgentCaller
    from kastor.agents.cursors import Cursors
    from kastor.graph.catalog import ModelCatalog
    from kastor.records import Context

MOST_EDGES = 1_000
"""Relationships that one call looks at, those before its cursor included."""
_PAGE = 100


async def neighbours(caller: AgentCaller, asked: Neighbours, cursors: Cursors) -> ToolAnswer:
    """Return relationships from a twin on, with the twins at their ends, nearest first."""
    start, change = 0, None
    if (cursor := given(asked.cursor)) is not None:
        change, start = cursors.read(cursor)
    if (model := given(asked.model)) is not None:
        require_model(caller, model)
    context = await caller.pinned(given(asked.as_of), change)
    walk = _Walk(caller, asked, context)
    try:
        await caller.services.graph.twin(require_id(asked.id, "twin"), context)
    except NotFound as error:
        near = await near_twins(caller, asked.id) if context.at is None or change is None else ()
        raise ToolRefused(error.code, error.message, at="id", near=near) from None
    rows: list[AnswerRow] = []
    more, passed = False, 0
    async for edge in walk.edges():
        passed += 1
        if passed <= start:
            continue
        if len(rows) == asked.limit:
            more = True
            break
        rows.append(AnswerRow(edge))
    at = context.at
    head: dict[str, Any] = {} if at is None else {"at": shown(at)}
    if walk.is_cut:
        head["note"] = (
            f"Only the first {MOST_EDGES} relationships were looked at. Give names or a direction, "
            "less depth, or use query."
        )
    return ToolAnswer(
        head,
        rows,
        name="edges",
        more=more,
        cursor=lambda n: None if at is None else cursors.make(at.change, start + n),
        hint="Give names, a direction or a model.",
    )


@dataclass(slots=True)
class _Walk:
    """One walk; `is_cut` once it has seen as much as it may."""

    caller: AgentCaller
    asked: Neighbours
    context: Context
    is_cut: bool = False
    _seen: int = 0
    _models: dict[str, str | None] = field(default_factory=dict)

    async def edges(self) -> AsyncIterator[dict[str, Any]]:
        """Yield the edges whose far end is of the model that is asked for, if one is."""
        level, known = [self.asked.id], {self.asked.id}
        told: set[tuple[str, str]] = set()
        for depth in range(1, self.asked.depth + 1):
            following: list[str] = []
            for twin_id in level:
                async for source, identifier, name, end in self._at(twin_id):
                    if self.is_cut:
                        return
                    if end not in known:
                        known.add(end)
                        following.append(end)
                    if (source, identifier) in told:
                        continue
                    told.add((source, identifier))
                    model = await self._model_of(end)
                    if self._is_wanted(model):
                        way = "out" if source == twin_id else "in"
                        edge: dict[str, Any] = {"level": depth, "near": twin_id, "way": way}
                        edge |= {"relationship": name, "id": identifier}
                        yield edge | {"far": end, "model": model}
            level = following

    async def _at(self, twin_id: str) -> AsyncIterator[tuple[str, str, str, str]]:
        """Yield (source, id, name, the other end) of a twin's relationships, within the bound."""
        names = given(self.asked.names)
        found = self._leaving if self.asked.direction != "in" else None
        entering = self._entering if self.asked.direction != "out" else None
        for read in (found, entering):
            if read is None:
                continue
            async for edge in read(twin_id):
                self._seen += 1
                if self._seen > MOST_EDGES:
                    self.is_cut = True
                    yield edge
                    return
                if not names or edge[2] in names:
                    yield edge

    async def _leaving(self, twin_id: str) -> AsyncIterator[tuple[str, str, str, str]]:
        names = given(self.asked.names)
        name = names[0] if names and len(names) == 1 else None
        after, more = "", True
        while more:
            page = await self.caller.services.graph.outgoing(
                twin_id, name, after, _PAGE, self.context
            )
            for row in page.rows:
                yield twin_id, row.id, row.name, decode(row.doc)["$targetId"]
            more = page.more and bool(page.rows)
            after = page.rows[-1].id if page.rows else ""

    async def _entering(self, twin_id: str) -> AsyncIterator[tuple[str, str, str, str]]:
        after = (0, 0, 0)
        while True:
            rows = await self.caller.services.graph.incoming(twin_id, after, _PAGE, self.context)
            for row in rows:
                yield row.source_id, row.id, row.name, row.source_id
            if len(rows) < _PAGE:
                return
            after = (rows[-1].name_key, rows[-1].source_key, rows[-1].key)

    async def _model_of(self, twin_id: str) -> str | None:
        if twin_id not in self._models:
            try:
                row = await self.caller.services.graph.twin(twin_id, self.context)
                self._models[twin_id] = self._catalog.id_of(row.model_key)
            except (NotFound, KeyError):
                self._models[twin_id] = None
        return self._models[twin_id]

    @property
    def _catalog(self) -> ModelCatalog:
        return self.caller.services.graph.catalog_of(self.context)

    def _is_wanted(self, model: str | None) -> bool:
        wanted = given(self.asked.model)
        if wanted is None:
            return True
        catalog = self._catalog
        matching = catalog.matching(wanted, exact=False)
        return model is not None and catalog.keys.get(model) in matching
