"""The versions of one twin or relationship as clients read them: documents, or patches."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

import orjson
from msgspec import Struct

from kastor.clock import twin_time
from kastor.errors import NotFound
from kastor.graph.documents import decode, with_etag
from kastor.graph.relationship import relationship_not_found
from kastor.graph.twin import twin_not_found
from kastor.history.patches import patch_between
from kastor.history.ways import read_via
from kastor.storage.limits import PAGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from kastor.history.spans import Span
    from kastor.storage.history import HistoryStore, Kind, Version
    from kastor.types import Document

Identity: TypeAlias = tuple[str] | tuple[str, str]
"""(id,) of a twin, (source id, id) of a relationship."""


class Tracked(Struct, frozen=True):
    """What has a history."""

    kind: Kind
    identity: Identity

    def missing(self) -> NotFound:
        """Return the error of who asks for one that never was, or of which nothing is kept."""
        if len(self.identity) == 1:
            return twin_not_found(self.identity[0])
        source, identifier = self.identity
        return relationship_not_found(identifier, source)


class EntryPage(Struct, frozen=True):
    """Some entries.

    Attributes:
        texts: of each, as JSON.
        following: where the next page begins: the position of a change; None on the last one.
    """

    texts: list[bytes]
    following: int | None


async def read_entries(
    history: HistoryStore[Any],  # any: no catalog is read
    thing: Tracked,
    span: Span,
    limit: int,
    *,
    descending: bool,
    as_patch: bool,
) -> EntryPage:
    """Return entries of one thing in order of version, fewer than `limit` where they are large.

    Raises:
        NotFound: nothing of such an identity is known.
    """
    found, following = await read_versions(history, thing, span, limit, descending=descending)
    before: Mapping[int, Version] = {}
    if as_patch and found:
        before = {each.version: each for each in found}
        first = found[-1 if descending else 0].version
        nearest = None
        if first > 1:
            nearest = await history.version_before(thing.kind, thing.identity, first - 1)
        if nearest is not None:
            before = {**before, nearest.version: nearest}
    texts = await asyncio.to_thread(_texts, found, before, as_patch=as_patch)
    return EntryPage(texts, following)


async def read_versions(
    history: HistoryStore[Any],  # any: no catalog is read
    thing: Tracked,
    span: Span,
    limit: int,
    *,
    descending: bool = False,
) -> tuple[list[Version], int | None]:
    """Return versions up to `limit`, or PAGE_BYTES of them, and where those after them begin.

    Raises:
        NotFound: nothing of such an identity is known.
    """
    found: list[Version] = []
    start, end, size = span.start, span.end, 0
    while start <= end and len(found) < limit and size < PAGE_BYTES:
        more = await history.versions(
            *(thing.kind, thing.identity),
            start=start,
            end=end,
            limit=limit - len(found),
            descending=descending,
        )
        if more is None:
            raise thing.missing()
        if not more:
            return found, None
        found += more
        size += sum(len(each.doc or b"") for each in more)
        if descending:
            end = more[-1].change - 1
        else:
            start = more[-1].change + 1
    return found, await _following(history, thing, start, end, descending=descending)


async def _following(
    history: HistoryStore[Any],  # any: no catalog is read
    thing: Tracked,
    start: int,
    end: int,
    *,
    descending: bool,
) -> int | None:
    if start > end:
        return None
    rest = await history.versions(
        thing.kind, thing.identity, start=start, end=end, limit=1, descending=descending
    )
    return rest[0].change if rest else None


def _texts(
    found: Sequence[Version], before: Mapping[int, Version], *, as_patch: bool
) -> list[bytes]:
    return [
        orjson.dumps(_entry(each, before.get(each.version - 1), as_patch=as_patch))
        for each in found
    ]


def _entry(version: Version, before: Version | None, *, as_patch: bool) -> Document:
    entry: Document = {
        "version": version.version,
        "change": version.change,
        "from": twin_time(version.start),
    }
    if version.end is not None:
        entry["to"] = twin_time(version.end)
    entry["actor"] = version.actor
    via = read_via(version.via)
    if via is not None:
        entry["via"] = orjson.Fragment(via.text())
    if version.doc is None:
        return {**entry, "deleted": True}
    is_first = version.version == 1 or (before is not None and before.doc is None)
    if not as_patch or (before is None and not is_first):
        # What it was made of is not kept: only the whole says what it is.
        return {**entry, "document": orjson.Fragment(document_of(version))}
    after = decode(document_of(version))
    if before is None or before.doc is None:
        patch = [{"op": "add", "path": "", "value": after}]
    else:
        patch = patch_between(decode(document_of(before)), after)
    return {**entry, "patch": patch}


def document_of(version: Version) -> bytes:
    """Return the JSON text of a version that is no deletion, as a GET has it."""
    return with_etag(version.doc or b"", version.etag)
