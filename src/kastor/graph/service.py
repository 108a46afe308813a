"""Takes commands through load -> decide -> apply, and answers reads of single resources.

The only writer of the store. Everything that decides is pure and lives beside it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from kastor.errors import TooManyRequests, Unavailable
from kastor.graph import models, relationship, twin
from kastor.graph.command import Command
from kastor.graph.documents import bounded
from kastor.graph.metadata import is_component
from kastor.graph.upload_check import read_valid
from kastor.graph.uploads import ModelLimits, read_upload, require_room
from kastor.records import Context, IncomingRow, RelationshipPage, RelationshipRow, TwinRow
from kastor.storage.limits import MAX_DOCUMENT_BYTES

if TYPE_CHECKING:
    from kastor.graph.catalog import ModelCatalog, StoredModel
    from kastor.graph.model_facts import ModelFacts
    from kastor.graph.uploads import Item
    from kastor.storage.protocol import Store
    from kastor.types import ModelId

UPLOADS_AT_ONCE = 8
"""Requests whose models are in memory; one of them is worked on."""
SMALL_UPLOAD = 65_536
"""Bytes of an upload that is not counted: suites upload a model or two from many tests at once."""
_UPLOAD_ATTEMPTS = 5

T = TypeVar("T")


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

    @property
    def catalog(self) -> ModelCatalog:
        """The published model catalog."""
        return self._store.catalog

    async def execute(self, command: Command[T], context: Context) -> T:
        """Make a write durable and return its outcome.

        Raises:
            KastorError: as the command's decision says; `Unavailable` when it cannot be stored.
        """
        most = self._document_bytes
        return await self._store.write(
            command.needs(),
            lambda current, stamp: bounded(command.decide(current, stamp), most),
            context,
        )

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

    def models(self, context: Context) -> list[StoredModel]:
        """Return all stored models, by upload time."""
        context.require_plain()
        return list(self.catalog.models.values())

    async def refresh_models(self) -> None:
        """Bring `catalog` up to the last change of models, whichever process made it."""
        await self._store.refresh()

    def model(self, model_id: ModelId, context: Context) -> StoredModel:
        """Return a stored model; raises NotFound."""
        context.require_plain()
        model = self.catalog.models.get(model_id)
        if model is None:
            raise models.model_not_found(model_id)
        return model

    def dependencies(self, model_ids: Sequence[ModelId], context: Context) -> list[StoredModel]:
        """Return models and all they need, by upload time; raises NotFound."""
        context.require_plain()
        catalog = self.catalog
        for model_id in model_ids:
            self.model(model_id, context)
        wanted = set(catalog.closure(model_ids) or ())
        return [model for model in catalog.models.values() if model.id in wanted]

    async def read_lineage(self, read: Callable[[ModelCatalog], T], context: Context) -> T:
        """Return what a thread reads of many models; one at a time, since it holds them all."""
        context.require_plain()
        async with self._reading_lineage:
            return await asyncio.to_thread(read, self.catalog)

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

    async def read_upload(self, body: bytes) -> list[Item]:
        """Return the models of a request's body, off the event loop.

        Raises:
            InvalidArgument: it is no array of JSON objects.
            LimitExceeded: too many, or too large.
        """
        return await asyncio.to_thread(read_upload, body, self._limits)

    async def upload(
        self, text: bytes, documents: Sequence[Item], context: Context
    ) -> list[StoredModel]:
        """Store the models of one request, all or none.

        Args:
            text: the request's body, a JSON array of models.
            documents: its items: keywords, and text.
            context: who uploads.

        Raises:
            ModelRefused: not valid DTDL; `details` has the problems, the first MOST_PROBLEMS.
            Conflict: an id is stored already.
            LimitExceeded: the graph has too many.
            Unavailable: models change too often meanwhile.
        """
        async with self._uploading:  # two at a time would only make each other stale
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
                    stored = await self.execute(command, context)
                except models.StaleCatalogError:
                    continue
                return [stored[model_id] for model_id in ids]
        raise Unavailable("Models change too often to be uploaded now; try again.")

    def _read_valid(
        self, text: bytes, documents: Sequence[Item], catalog: ModelCatalog
    ) -> tuple[ModelFacts, ...]:
        limits = self._limits
        return read_valid(text, documents, catalog, limits.max_version, limits.profile)


async def _to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """Wait for a thread's work also where the caller is cancelled: it goes on, under its lock."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
