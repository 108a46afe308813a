"""Keeps this process's model catalog in step with the database, and changes models.

The epoch in `meta` names the state of the models. Every write compares it in the statement that
writes, every query in the statement that begins it; whoever finds another one loads the catalog
anew before going on. So no process ever works with models that another one has replaced, and no
notification has to be trusted.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic

from kastor.records import C, ModelRow
from kastor.storage.keeping import bucket_of
from kastor.storage.postgres import statements as sql

if TYPE_CHECKING:
    from kastor.clock import Stamp
    from kastor.records import ChangeModels, Context
    from kastor.storage.postgres.connections import Connection
    from kastor.storage.postgres.statements import Qualified
    from kastor.storage.protocol import BuildCatalog
    from kastor.types import ModelId

LOAD_SECONDS = 60.0
INLINE_MODELS = 50
"""From so many new models on, a catalog is made in a thread."""


class Catalogs(Generic[C]):
    """The current catalog, and the keys of relationship names that go with it."""

    current: C
    """There is none until `load` was called."""

    def __init__(self, texts: Qualified, build: BuildCatalog[C]) -> None:
        self._texts = texts
        self._build = build
        self._loading = asyncio.Lock()
        self._doubts = 1
        self._doubts_settled = 0
        self.names: dict[str, int] = {}

    def distrust(self) -> None:
        """Load everything anew next time: it may be another server, or an older state."""
        self._doubts += 1

    def publish(self, catalog: C) -> None:
        """Make a catalog the current one."""
        self.current = catalog
        self.names = {}

    async def at(self, connection: Connection, epoch: int) -> C:
        """Return the catalog of an epoch that was just read, or of a later one."""
        if self._is_at(epoch):
            return self.current
        async with self._loading:
            if not self._is_at(epoch):
                await self._load(connection)
        return self.current

    def known_at(self, epoch: int) -> C | None:
        """Return the catalog of an epoch if it is the current one and nothing speaks against it."""
        return self.current if self._is_at(epoch) else None

    async def load(self, connection: Connection) -> None:
        """Load the catalog from the start."""
        self.distrust()
        async with self._loading:
            await self._load(connection)

    def _is_at(self, epoch: int) -> bool:
        return self._doubts_settled == self._doubts and self.current.epoch == epoch

    async def _load(self, connection: Connection) -> None:
        doubts = self._doubts
        previous = self.current if self._doubts_settled == doubts else None
        known = 0
        if previous is not None:
            known = max((each.uploaded for each in previous.models.values()), default=0)
        rows = await connection.fetch(self._texts[sql.STORED_MODELS], known, timeout=LOAD_SECONDS)
        models = [
            ModelRow(key, model_id, text.encode(), uploaded, decommissioned)
            for _, key, model_id, text, uploaded, decommissioned in rows
            if uploaded is not None
        ]
        keys = sorted((row[1], row[2]) for row in rows if row[1] is not None)
        arguments = (models, keys, rows[0][0], previous)
        if sum(row.uploaded > known for row in models) > INLINE_MODELS:
            self.publish(await asyncio.to_thread(self._build, *arguments))
        else:
            self.publish(self._build(*arguments))
        self._doubts_settled = doubts


async def change_models(
    connection: Connection,
    texts: Qualified,
    catalogs: Catalogs[C],
    change: ChangeModels[C],
    stamp: Stamp,
    context: Context,
    epoch: int,
) -> bool:
    """Write a change that was decided on the models of `epoch`; return whether it could be.

    All changes of models are one after another, since each holds the row of `meta`.
    """
    now = stamp.now
    keys: dict[ModelId, int] = {}
    async with connection.transaction():
        found, last_tick = await connection.fetchrow(texts[sql.LOCK_META])
        if found != epoch or last_tick >= now:
            return False
        if change.uploads:
            ids = [model_id for model_id, _ in change.uploads]
            bodies = [text.decode() for _, text in change.uploads]
            await connection.execute(texts[sql.ADD_MODEL_KEYS], ids, timeout=LOAD_SECONDS)
            pairs = await connection.fetch(texts[sql.MODEL_KEYS_OF], ids, timeout=LOAD_SECONDS)
            found_keys = {pair[0]: pair[1] for pair in pairs}
            keys = {model_id: found_keys[model_id] for model_id in ids}
            await connection.execute(texts[sql.ADD_MODELS], ids, bodies, now, timeout=LOAD_SECONDS)
        for model_id, in_service in change.commission:
            since = None if in_service else now
            await connection.execute(texts[sql.END_MODEL], now, model_id)
            await connection.execute(texts[sql.COMMISSION_MODEL], model_id, since, now)
        if change.deletes:
            ended = [(now, model_id) for model_id in change.deletes]
            await connection.executemany(texts[sql.END_MODEL], ended, timeout=LOAD_SECONDS)
        entries = [
            (
                bucket_of(log.owner),
                log.subject,
                log.kind.value,
                log.notify,
                log.event_id,
                now,
                context.actor,
                context.traceparent,
                log.model_id,
                log.component,
                log.content_type,
                log.data,
            )
            for log in change.logs
        ]
        await connection.executemany(texts[sql.LOG_MODEL], entries, timeout=LOAD_SECONDS)
        await connection.execute(texts[sql.RAISE_EPOCH], now)
        catalog = change.next_catalog(keys, epoch + 1)
    # Published before the outcome: who sees an answer sees its models enforced.
    catalogs.publish(catalog)
    return True
