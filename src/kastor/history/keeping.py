"""How much of its past a graph keeps, as clients see it and set it; and what that costs."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from kastor.errors import InvalidArgument
from kastor.storage.history import HistorySettings, HistoryStatus, Keep
from kastor.storage.keeping import Limit, Retention, Rules, rules_of, stored_settings

if TYPE_CHECKING:
    from kastor.graph.catalog import ModelCatalog
    from kastor.graph.service import GraphService
    from kastor.records import Context
    from kastor.storage.history import HistoryStore
    from kastor.types import Document

MOST_MODELS = 1_000
"""Models with rules of their own."""
MOST_SECONDS = 100 * 366 * 86_400.0
MOST_BYTES = 2**53
COUNTING_SHARE = 200
"""What is kept is counted so seldom that it takes half a percent of the time."""
_SHOWN = 100


class Upkept(Struct):
    """What this process did for the past of a graph since it began.

    Attributes:
        pruning_seconds: spent on removing what is old, the log and other tables included.
        packing_seconds: spent on packing.
        packed: versions that were packed.
        status: what was kept after the last time; None before the first.
    """

    pruning_seconds: float = 0.0
    packing_seconds: float = 0.0
    packed: int = 0
    status: HistoryStatus | None = None


class KeepingService:
    """Tells and sets how much is kept.

    Args:
        store: the past of the graph.
        graph: knows its models.
        retention: what the server says.
    """

    def __init__(
        self, store: HistoryStore[ModelCatalog], graph: GraphService, retention: Retention
    ) -> None:
        self._store, self._graph, self._retention = store, graph, retention
        self.upkept = Upkept()
        self._count_at = 0.0

    async def status(self, context: Context) -> HistoryStatus:
        """Return what is kept."""
        context.require_plain()
        return await self._store.status()

    async def rules(self, context: Context) -> Rules:
        """Return how much is kept, with what the graph itself says of it."""
        context.require_plain()
        return self._rules(await self._store.settings())

    async def put(self, body: Document, context: Context) -> Rules:
        """Keep so much from now on; return the rules. A dry run changes nothing.

        Raises:
            InvalidArgument: it is no such document, or names a model that there never was.
        """
        context.require_plain()
        settings = read_settings(body)
        known = self._graph.catalog.keys
        unknown = next((each for each in settings.models if each not in known), None)
        if unknown is not None:
            raise InvalidArgument(
                f"There is and was no model {unknown[:_SHOWN]} in this graph; upload it first, or "
                "leave its rule out."
            )
        if not context.dry_run:
            await self._store.put_settings(settings)
        return self._rules(settings)

    async def pack(self) -> int:
        """Pack versions that are no longer young, and note what is kept; return how many.

        Raises:
            Unavailable: the store cannot write now.
        """
        began = time.perf_counter()
        packed = await self._store.pack()
        self.upkept.packing_seconds += time.perf_counter() - began
        self.upkept.packed += packed
        if time.perf_counter() >= self._count_at:
            began = time.perf_counter()
            self.upkept.status = await self._store.status()
            ended = time.perf_counter()
            self._count_at = ended + (ended - began) * COUNTING_SHARE
        return packed

    def _rules(self, settings: HistorySettings) -> Rules:
        return rules_of(self._retention, stored_settings(settings))


def read_settings(body: Document) -> HistorySettings:
    """Return settings as clients write them (docs/reference/history.md).

    Raises:
        InvalidArgument: it is no such document; says where.
    """
    try:
        settings = msgspec.convert(body, HistorySettings)
    except msgspec.ValidationError as error:
        raise InvalidArgument(
            f"That is no rule of how much is kept: {error}. There are graph, models (by id) and "
            "telemetry, each with seconds and bytes."
        ) from error
    if len(settings.models) > MOST_MODELS:
        raise InvalidArgument(f"At most {MOST_MODELS:,} models have rules of their own.")
    for name, keep in _named(settings):
        if keep.seconds is not None and not (
            math.isfinite(keep.seconds) and 0 <= keep.seconds <= MOST_SECONDS
        ):
            raise InvalidArgument(
                f"{name}: seconds is a number from 0 (nothing is kept) to {MOST_SECONDS:,.0f}."
            )
        if keep.bytes is not None and not 0 <= keep.bytes <= MOST_BYTES:
            raise InvalidArgument(
                f"{name}: bytes is a whole number from 0 (nothing is kept) to {MOST_BYTES:,}."
            )
    return settings


def _named(settings: HistorySettings) -> list[tuple[str, Keep]]:
    models = [(f"models, {name[:_SHOWN]}", keep) for name, keep in settings.models.items()]
    return [("graph", settings.graph), ("telemetry", settings.telemetry), *models]


def shown_limit(limit: Limit) -> Document:
    """Return a rule as answers have it."""
    found = {"seconds": limit.seconds, "bytes": limit.bytes}
    return {name: value for name, value in found.items() if value is not None}


def shown_settings(settings: HistorySettings) -> Document:
    """Return what a graph says itself, as it was written."""
    shown: Document = msgspec.to_builtins(settings)
    return {name: value for name, value in shown.items() if value}
