"""Takes commands through load -> decide -> apply, and answers reads of single resources.

The only writer of the store. Everything that decides is pure and lives beside it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

import orjson
from msgspec import structs

from kastor.errors import KastorError, TooManyRequests, Unavailable
from kastor.graph import models, relationship, twin
from kastor.graph.command import Command, Decided, State
from kastor.graph.documents import bounded
from kastor.graph.metadata import is_component
from kastor.graph.rehearsed import GraphRehearsal
from kastor.graph.upload_check import read_valid
from kastor.graph.uploads import ModelLimits, read_upload, require_room
from kastor.records import (
    AsOf,
    Context,
    IncomingRow,
    Needs,
    PolicyPart,
    RelationshipPage,
    RelationshipRow,
    Sees,
    TwinRow,
)
from kastor.storage.batches import Write
from kastor.storage.limits import MAX_DOCUMENT_BYTES

if TYPE_CHECKING:
    from kastor.clock import Stamp
    from kastor.graph.catalog import ModelCatalog, StoredModel
    from kastor.graph.instants import Named
    from kastor.graph.model_facts import ModelFacts
    from kastor.graph.uploads import Item
    from kastor.storage.batches import MakeNote, Results
    from kastor.storage.protocol import Store
    from kastor.types import ModelId, RelationshipId, TwinId

UPLOADS_AT_ONCE = 8
"""Requests whose models are in memory; one of them is worked on."""
SMALL_UPLOAD = 65_536
"""Bytes of an upload that is not counted: suites upload a model or two from many tests at once."""
_UPLOAD_ATTEMPTS = 5

T = TypeVar("T")

Rehearse: TypeAlias = "Callable[[Sequence[Command[Any]]], Awaitable[Results]]"
"""Decides commands after those before; none is applied."""
Stored: TypeAlias = "dict[ModelId, StoredModel]"
"""Models as they are stored, by id."""
CarryOut: TypeAlias = "Callable[[models.UploadModels], Awaitable[Stored]]"
"""Makes an upload of models durable, or rehearses it."""


MOST_SEEN = 1_000
"""What callers with other parts each see, kept until the models change."""


class GraphService:
    """The graph of one store."""

    def __init__(
        self,
        store: Store[ModelCatalog],
        limits: ModelLimits | None = None,
        document_bytes: int = MAX_DOCUMENT_BYTES,
    ) -> None:
        self._store = store
        self._document_bytes = document_bytes
        self._limits = limits or ModelLimits()
        self._uploading = asyncio.Lock()
        self._uploads = 0
        self._reading_lineage = asyncio.Lock()
        self._seen: dict[tuple[PolicyPart, ...], Sees] = {}
        self._seen_under: ModelCatalog | None = None

    @property
    def catalog(self) -> ModelCatalog:
        """The published model catalog."""
        return self._store.catalog

    async def at(self, named: Named) -> AsOf:
        """Return a state of the past with its models, for a context that reads it.

        Raises:
            InvalidArgument: it lies in the future.
            Gone: it is older than what is kept.
        """
        found = await self._store.history.resolve(time=named.time, change=named.change)
        return structs.replace(found, catalog=await self._store.history.catalog(found))

    async def seen(self, parts: Sequence[PolicyPart]) -> Sees:
        """Return what somebody sees for whom parts are named, with all keys that statements need.

        A model that extends one of them and comes later is not seen by a request under way. Parts
        that begin at a twin are kept by the graph from the first time that they are named.

        Raises:
            Unavailable: a part cannot be kept.
        """
        catalog = self.catalog
        if self._seen_under is not catalog or len(self._seen) >= MOST_SEEN:
            self._seen, self._seen_under = {}, catalog
        named = tuple(parts)
        found = self._seen.get(named)
        if found is None:
            below = [each for each in named if each.under is not None]
            keys = (
                dict(zip(below, await self._store.parts.keep(below), strict=True)) if below else {}
            )
            found = Sees(
                tuple(
                    structs.replace(_with_keys(each, catalog), key=keys.get(each)) for each in named
                )
            )
            if catalog is self.catalog:
                self._seen[named] = found
        return found

    async def position(self) -> int:
        """Return where the present stands in the change log, also where no past is kept."""
        return (await self._store.history.resolve()).change

    def catalog_of(self, context: Context) -> ModelCatalog:
        """Return the models of what a request reads; they tell of no twins."""
        return self.catalog if context.at is None else cast("ModelCatalog", context.at.catalog)

    async def execute(
        self, command: Command[T], context: Context, permit: Callable[[], None] | None = None
    ) -> T:
        """Make a write durable and return its outcome.

        Args:
            command: what is decided.
            context: who asks.
            permit: called between the look at what is there and the write that replaces just that;
                raises where this process may write no more.

        Raises:
            KastorError: as the command's decision says; `Unavailable` when it cannot be stored.
        """
        if context.dry_run:
            async with self.rehearsing(context) as rehearse:
                return await rehearse.execute(command, context)
        needs, decide = command.needs(), self._bounded(command, permit)
        return await self._store.write(needs, decide, context)

    async def execute_many(
        self,
        commands: Sequence[Command[Any]],
        context: Context,
        *,
        atomic: bool = False,
        note: MakeNote | None = None,
    ) -> Results:
        """Make many writes durable together, in order; each sees those before it.

        Args:
            commands: at most `storage.batches.MOST_TOGETHER`.
            context: who asks; where it is a dry run nothing is written, and no note either.
            atomic: whether one that is refused takes back all others.
            note: makes what is written in the same transaction.

        Raises:
            NotHeldError: see `Store.write_many`.
            Unavailable: nothing was written.
        """
        if context.dry_run:
            async with self.rehearsing(context) as rehearse:
                return await rehearse(commands)
        writes = [self._write_of(each) for each in commands]
        results = await self._store.write_many(writes, context, atomic=atomic, note=note)
        return results.without_frames()

    @contextlib.asynccontextmanager
    async def rehearsing(
        self, context: Context, *, long: bool = False
    ) -> AsyncIterator[GraphRehearsal]:
        """Enter a block in which commands are decided, each after those before, and none applied.

        It sees the graph as it is now, and what was decided in the block; `long` is for jobs, see
        `Store.rehearsing`.

        Raises:
            TooManyRequests: too many of them are under way.
            Unavailable: see `Store.rehearsing`.
        """
        async with self._store.rehearsing(context, long=long) as rehearsal:
            yield GraphRehearsal(rehearsal, self._write_of)

    def _write_of(self, command: Command[Any]) -> Write[ModelCatalog, Any]:
        try:
            return Write(command.needs(), self._bounded(command))
        except KastorError as error:  # its body does not say what it is about
            return Write(Needs(), _refusing(error))

    def _bounded(
        self, command: Command[T], permit: Callable[[], None] | None = None
    ) -> Callable[[State, Stamp], Decided[T]]:
        most = self._document_bytes

        def decide(current: State, stamp: Stamp) -> Decided[T]:
            decision = bounded(command.decide(current, stamp), most)
            if permit is not None and decision.change is not None:
                permit()
            return decision

        return decide

    async def twin(self, twin_id: str, context: Context) -> TwinRow:
        """Return a twin; raises NotFound."""
        row = await self._store.twin(twin_id, context)
        if row is None:
            raise twin.twin_not_found(twin_id)
        return row

    async def component(self, twin_id: str, component: str, context: Context) -> tuple[str, bytes]:
        """Return (the twin's etag, the component's JSON text); raises NotFound."""
        row = await self.twin(twin_id, context)
        value = orjson.loads(row.doc).get(component)
        if not is_component(value):
            raise twin.component_not_found(twin_id, component)
        return row.etag, orjson.dumps(value)

    async def relationship(
        self, source_id: str, relationship_id: str, context: Context
    ) -> RelationshipRow:
        """Return a relationship; raises NotFound for it or its source."""
        found, row = await self._store.relationship(source_id, relationship_id, context)
        if not found:
            raise twin.twin_not_found(source_id)
        if row is None:
            raise relationship.relationship_not_found(relationship_id, source_id)
        return row

    async def outgoing(
        self, source_id: str, name: str | None, after: str, limit: int, context: Context
    ) -> RelationshipPage:
        """Return a page of a twin's outgoing relationships by id; raises NotFound."""
        page = await self._store.outgoing(source_id, name, after, limit, context)
        if page is None:
            raise twin.twin_not_found(source_id)
        return page

    async def incoming(
        self, target_id: str, after: tuple[int, int, int], limit: int, context: Context
    ) -> list[IncomingRow]:
        """Return a page of a twin's incoming relationships; raises NotFound."""
        rows = await self._store.incoming(target_id, after, limit, context)
        if rows is None:
            raise twin.twin_not_found(target_id)
        return rows

    async def twin_ids(self, after: int, limit: int, context: Context) -> list[tuple[int, TwinId]]:
        """Return keys and ids of twins by key, strictly after `after`; a new one comes last."""
        return await self._store.twin_ids(after, limit, context)

    async def relationship_ids(
        self, after: int, limit: int, context: Context
    ) -> list[tuple[int, TwinId, RelationshipId]]:
        """Return keys, sources and ids of relationships by key, as `twin_ids` does."""
        return await self._store.relationship_ids(after, limit, context)

    def models(self, context: Context) -> list[StoredModel]:
        """Return all stored models, by upload time."""
        return list(self.catalog_of(context).models.values())

    async def refresh_models(self) -> None:
        """Bring `catalog` up to the last change of models, whichever process made it."""
        await self._store.refresh()

    def model(self, model_id: ModelId, context: Context) -> StoredModel:
        """Return a stored model; raises NotFound."""
        model = self.catalog_of(context).models.get(model_id)
        if model is None:
            raise models.model_not_found(model_id)
        return model

    def dependencies(self, model_ids: Sequence[ModelId], context: Context) -> list[StoredModel]:
        """Return models and all they need, by upload time; raises NotFound."""
        catalog = self.catalog_of(context)
        for model_id in model_ids:
            self.model(model_id, context)
        wanted = set(catalog.closure(model_ids) or ())
        return [model for model in catalog.models.values() if model.id in wanted]

    async def read_lineage(self, read: Callable[[ModelCatalog], T], context: Context) -> T:
        """Return what a thread reads of many models; one at a time, since it holds them all."""
        async with self._reading_lineage:
            return await asyncio.to_thread(read, self.catalog_of(context))

    @contextlib.contextmanager
    def taking_upload(self, size: int | None) -> Iterator[None]:
        """Count a request that brings many models, from before its body is read.

        Args:
            size: bytes of the body; None where it is not said.

        Raises:
            TooManyRequests: UPLOADS_AT_ONCE are under way.
        """
        if size is not None and size <= SMALL_UPLOAD:
            yield
            return
        if self._uploads >= UPLOADS_AT_ONCE:
            raise TooManyRequests(
                f"{UPLOADS_AT_ONCE} uploads of models are under way on this graph, and no more are "
                "taken. Upload one after the other.",
                retry_after=2,
            )
        self._uploads += 1
        try:
            yield
        finally:
            self._uploads -= 1

    async def read_upload(self, body: bytes, most: int | None = None) -> list[Item]:
        """Return the models of a request's body, off the event loop.

        Args:
            body: a JSON array of models.
            most: models, where they are not those of one request.

        Raises:
            InvalidArgument: it is no array of JSON objects.
            LimitExceeded: too many, or too large.
        """
        limits = self._limits if most is None else replace(self._limits, per_upload=most)
        return await asyncio.to_thread(read_upload, body, limits)

    async def upload(
        self,
        text: bytes,
        documents: Sequence[Item],
        context: Context,
        carry_out: CarryOut | None = None,
    ) -> list[StoredModel]:
        """Store the models of one request, all or none.

        Args:
            text: the request's body, a JSON array of models.
            documents: its items: keywords, and text.
            context: who uploads.
            carry_out: makes the checked models durable, or rehearses that, in place of `execute`.

        Raises:
            ModelRefused: not valid DTDL; `details` has the problems, the first MOST_PROBLEMS.
            Conflict: an id is stored already.
            LimitExceeded: the graph has too many.
            Unavailable: models change too often meanwhile.
        """
        # Two at a time would only make each other stale. Who writes alone has others waiting here.
        alone = self._store.ticker.is_mine
        async with contextlib.nullcontext() if alone else self._uploading:
            for _ in range(_UPLOAD_ATTEMPTS):
                await self.refresh_models()
                catalog = self.catalog
                require_room(len(documents), len(catalog.models), self._limits)
                check = asyncio.to_thread(self._read_valid, text, documents, catalog)
                facts = await _to_the_end(check)
                ids = [document["@id"] for document, _ in documents]
                models.require_new(catalog, ids)
                items = tuple(zip(ids, (item for _, item in documents), strict=True))
                command = models.UploadModels(items, catalog.epoch, facts)
                try:
                    if carry_out is None:
                        stored = await self.execute(command, context)
                    else:
                        stored = await carry_out(command)
                except models.StaleCatalogError:
                    continue
                return [stored[model_id] for model_id in ids]
        raise Unavailable("Models change too often to be uploaded now; try again.")

    def _read_valid(
        self, text: bytes, documents: Sequence[Item], catalog: ModelCatalog
    ) -> tuple[ModelFacts, ...]:
        limits = self._limits
        return read_valid(text, documents, catalog, limits.max_version, limits.profile)


def _with_keys(part: PolicyPart, catalog: ModelCatalog) -> PolicyPart:
    if not part.models:
        return part
    found = (catalog.matching(each, exact=False) for each in part.models)
    return structs.replace(part, model_keys=tuple(sorted(frozenset().union(*found))))


def _refusing(error: KastorError) -> Callable[[State, Stamp], Decided[Any]]:
    def refuse(_current: State, _stamp: Stamp) -> Decided[Any]:
        raise error

    return refuse


async def _to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """Wait for a thread's work also where the caller is cancelled: it goes on, under its lock."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
