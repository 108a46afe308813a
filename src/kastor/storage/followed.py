"""A store whose work is seen in the spans of whoever asked for it; made only where somebody traces.

Spans say what kind of statement ran and how long it took, never its text or its values: those are
people's data, and the log of slow queries has them for who may read it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, cast

from kastor import tracing
from kastor.records import C
from kastor.storage.batches import Write

if TYPE_CHECKING:
    from kastor.clock import Stamp
    from kastor.records import (
        Context,
        Current,
        Decision,
        IncomingRow,
        Needs,
        RelationshipPage,
        RelationshipRow,
        T,
        TwinRow,
    )
    from kastor.storage.batches import Decide, MakeNote, Results
    from kastor.storage.protocol import LookUp, Store


def followed(store: Store[C], graph: str) -> Store[C]:
    """Return a store that tells of its work, if anybody traces; else the same one."""
    if tracing.current() is None:
        return store
    # What is not followed it hands on, so that it has all that a store has.
    return cast("Store[C]", _FollowedStore(store, graph))


class _FollowedStore(Generic[C]):
    """Has a span for each piece of work of the store below it."""

    def __init__(self, store: Store[C], graph: str) -> None:
        self._below = store
        self._about = {"kastor.graph": graph, "db.system.name": store.engine.name}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._below, name)

    async def write(self, needs: Needs, decide: Decide[C, T], context: Context) -> T:
        """Load, decide and apply; each decision is a span of its own."""
        with tracing.span("store write", **self._about):
            return await self._below.write(needs, _telling(decide), context)

    async def write_many(
        self,
        writes: Sequence[Write[C, Any]],
        context: Context,
        *,
        atomic: bool = False,
        note: MakeNote | None = None,
    ) -> Results:
        """Decide and apply many writes; their decisions have no spans, there may be thousands."""
        with tracing.span("store write", **self._about, **{"kastor.writes": len(writes)}):
            return await self._below.write_many(writes, context, atomic=atomic, note=note)

    async def twin(self, twin_id: str, context: Context) -> TwinRow | None:
        """Return a twin."""
        with tracing.span("store read", **self._about):
            return await self._below.twin(twin_id, context)

    async def relationship(
        self, source_id: str, relationship_id: str, context: Context
    ) -> tuple[bool, RelationshipRow | None]:
        """Return whether the source exists, and the relationship."""
        with tracing.span("store read", **self._about):
            return await self._below.relationship(source_id, relationship_id, context)

    async def outgoing(
        self, source_id: str, name: str | None, after: str, limit: int, context: Context
    ) -> RelationshipPage | None:
        """Return relationships in order of id."""
        with tracing.span("store read", **self._about):
            return await self._below.outgoing(source_id, name, after, limit, context)

    async def incoming(
        self, target_id: str, after: tuple[int, int, int], limit: int, context: Context
    ) -> list[IncomingRow] | None:
        """Return incoming relationships."""
        with tracing.span("store read", **self._about):
            return await self._below.incoming(target_id, after, limit, context)

    @property
    def look_up(self) -> LookUp | None:
        """Runs a query that is one look-up, without suspending; None if that cannot be."""
        look_up = self._below.look_up
        if look_up is None:
            return None

        def look_up_followed(
            sql: str, params: Sequence[object], context: Context
        ) -> tuple[Any, ...] | None:
            with tracing.span("store query", **self._about):
                return look_up(sql, params, context)

        return look_up_followed

    async def fetch_one(
        self, sql: str, params: Sequence[object], context: Context, *, timeout: float
    ) -> tuple[Any, ...] | None:
        """Run a query for one row."""
        with tracing.span("store query", **self._about):
            return await self._below.fetch_one(sql, params, context, timeout=timeout)

    async def fetch_all(
        self, sql: str, params: Sequence[object], context: Context, *, timeout: float
    ) -> list[tuple[Any, ...]]:
        """Run a query for all rows."""
        with tracing.span("store query", **self._about) as work:
            rows = await self._below.fetch_all(sql, params, context, timeout=timeout)
            work.set("db.response.returned_rows", len(rows))
            return rows

    async def fetch_some(
        self, sql: str, params: Sequence[object], context: Context, *, timeout: float, most: int
    ) -> tuple[list[tuple[Any, ...]], bool]:
        """Run a query for rows until their texts have so many bytes."""
        with tracing.span("store query", **self._about) as work:
            found = await self._below.fetch_some(sql, params, context, timeout=timeout, most=most)
            work.set("db.response.returned_rows", len(found[0]))
            return found


def _telling(decide: Decide[C, T]) -> Decide[C, T]:
    """Return the same decision, which tells how long it took; it may be made in another thread."""
    within = tracing.within.get()
    tracer = tracing.current()
    if within is None or tracer is None:
        return decide

    def decide_followed(current: Current[C], stamp: Stamp) -> Decision[C, T]:
        begun = time.time_ns()
        try:
            return decide(current, stamp)
        finally:
            ended = time.time_ns()
            before = tracing.within.set(within)
            try:
                tracer.note("decide", begun, ended, {})
            finally:
                tracing.within.reset(before)

    return decide_followed
