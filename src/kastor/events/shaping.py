"""In which form a route's events leave: as they are, or as rows of data history (events 3).

Rows need what a body does not say: which part of a path is a component, the whole value that a
patch went into, the target of a relationship. That is read from the version that the entry made.
Where it is not kept any more, the operations of the patch are told as they are.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
import orjson

from kastor.errors import InvalidArgument
from kastor.events.endpoint_kinds import Endpoint
from kastor.events.endpoints import read_endpoint
from kastor.events.history_rows import (
    Origin,
    changed_by,
    initial_rows,
    is_deep,
    relationship_row,
    replaces_parts,
    twin_row,
)
from kastor.events.model import Event
from kastor.records import ChangeKind
from kastor.storage.events import EndpointRow, LoggedChange
from kastor.types import Document

if TYPE_CHECKING:
    from kastor.storage.history import HistoryStore, Kind

Shape: TypeAlias = Callable[[LoggedChange, Event], Awaitable[Sequence[Event]]]
"""Makes what is sent of an entry and its event, in order; perhaps nothing."""

_NEWEST = 2**62


def shape_of(row: EndpointRow, history: HistoryStore[Any] | None) -> Shape | None:
    """Return the form that a stored endpoint asks for; None: events as they are."""
    try:
        endpoint = read_endpoint(row.kind, msgspec.json.decode(row.settings))
    except InvalidArgument:  # of another version; who makes its sink says what is wrong
        return None
    return HistoryShape(endpoint, history) if endpoint.format == "adt-history" else None


class HistoryShape:
    """Sends rows of data history."""

    def __init__(self, endpoint: Endpoint, history: HistoryStore[Any] | None) -> None:
        """Prepare.

        Args:
            endpoint: names the tables.
            history: of the graph; None: bodies alone are told.
        """
        self._tables, self._removals = endpoint.tables, endpoint.removals
        self._history = history

    async def __call__(self, entry: LoggedChange, event: Event) -> Sequence[Event]:
        """Return the rows of an entry; telemetry has none.

        Raises:
            Unavailable: the store does not answer.
        """
        match entry.kind:
            case ChangeKind.TWIN_CREATE | ChangeKind.TWIN_DELETE:
                return self._twin(entry, event)
            case ChangeKind.RELATIONSHIP_CREATE | ChangeKind.RELATIONSHIP_DELETE:
                return self._relationship(entry, event)
            case ChangeKind.TWIN_UPDATE | ChangeKind.RELATIONSHIP_UPDATE:
                return await self._update(entry, event)
            case _:
                return ()

    def _twin(self, entry: LoggedChange, event: Event) -> list[Event]:
        body: Document = orjson.loads(event.data)
        origin = Origin(event, body["$metadata"]["$model"], self._removals)
        created, table = entry.kind is ChangeKind.TWIN_CREATE, self._tables.twins
        rows = [] if table is None else [twin_row(origin, table, "Create" if created else "Delete")]
        return [*rows, *(initial_rows(origin, self._tables, body) if created else ())]

    def _relationship(self, entry: LoggedChange, event: Event) -> list[Event]:
        body: Document = orjson.loads(event.data)
        origin = Origin(
            event,
            entry.model_id or "",
            self._removals,
            body["$targetId"],
            body["$relationshipId"],
        )
        created, table = entry.kind is ChangeKind.RELATIONSHIP_CREATE, self._tables.relationships
        action, name = "Create" if created else "Delete", body["$relationshipName"]
        rows = [] if table is None else [relationship_row(origin, table, action, name)]
        return [*rows, *(initial_rows(origin, self._tables, body) if created else ())]

    async def _update(self, entry: LoggedChange, event: Event) -> Sequence[Event]:
        table = self._tables.properties
        if table is None:
            return ()
        body: Document = orjson.loads(event.data)
        patch = body["patch"]
        _, _, relationship = entry.subject.partition("/relationships/")
        after = before = None
        if relationship or is_deep(patch):
            after = await self._version(entry)
        if self._removals and not relationship and replaces_parts(patch):
            before = await self._version(entry, before=True)
        target = ""
        if relationship:
            known = after or await self._newest(entry)
            target = "" if known is None else known["$targetId"]
        origin = Origin(event, body["modelId"], self._removals, target, relationship)
        return list(changed_by(patch, after, before).rows(origin, table))

    async def _version(self, entry: LoggedChange, *, before: bool = False) -> Document | None:
        """Return the document that an entry made, or the one that it replaced, if it is kept."""
        if self._history is None or entry.version is None:
            return None
        kind, identity = _identity(entry)
        if before:
            found = await self._history.version_before(kind, identity, entry.version - 1)
            fits = found is not None and found.version == entry.version - 1
        else:
            made = await self._history.versions(
                kind, identity, start=entry.seq, end=entry.seq, limit=1, descending=False
            )
            found = made[0] if made else None
            fits = found is not None and found.version == entry.version
        return orjson.loads(found.doc) if fits and found is not None and found.doc else None

    async def _newest(self, entry: LoggedChange) -> Document | None:
        """Return the newest document of a relationship: in one life it keeps its target."""
        if self._history is None:
            return None
        kind, identity = _identity(entry)
        found = await self._history.versions(
            kind, identity, start=0, end=_NEWEST, limit=2, descending=True
        )
        docs = [each.doc for each in found or () if each.doc]
        return orjson.loads(docs[0]) if docs else None


def _identity(entry: LoggedChange) -> tuple[Kind, tuple[str] | tuple[str, str]]:
    twin_id, _, relationship = entry.subject.partition("/relationships/")
    return ("relationship", (twin_id, relationship)) if relationship else ("twin", (twin_id,))
