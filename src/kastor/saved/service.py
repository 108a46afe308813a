"""Saved documents and scene files as people manage them: judged, counted, compared, stored.

They are of the present alone and everybody's who may read them at all: no rule of who sees which
twin concerns them.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from functools import partial

import orjson

from kastor.clock import new_guid, now_ticks
from kastor.errors import (
    Conflict,
    InvalidArgument,
    LimitExceeded,
    NotFound,
    PayloadTooLarge,
    PreconditionFailed,
)
from kastor.graph.command import IfMatch
from kastor.graph.twin import require_match
from kastor.records import Context
from kastor.saved.doors import FILES, FileDoors
from kastor.saved.scene import read_scene
from kastor.saved.svg import Dropped
from kastor.storage.limits import require_room
from kastor.storage.saved import SavedEntry, SavedStore, SavedUsage
from kastor.types import Document, Etag

VIEWS, QUERIES, SCENES = "views", "queries", "scenes"
DOCUMENTS = (VIEWS, QUERIES, SCENES)
JSON = "application/json"

DOCUMENT_BYTES = 262_144
PART_BYTES = 1_048_576
"""Of a scene file that are read at once: what a client that reads slowly has in memory."""
_NAME = re.compile(r"[^/\x00-\x1f\x7f-\x9f\u2028\u2029]{1,128}")
_ATTEMPTS = 10
_WHAT = {VIEWS: "view", QUERIES: "query", SCENES: "scene", FILES: "scene file"}


@dataclass(frozen=True, slots=True)
class SavedLimits:
    """What one graph keeps.

    Attributes:
        documents: of each kind.
        files: scene files.
        files_bytes: of all scene files together.
    """

    documents: int = 1_000
    files: int = 100
    files_bytes: int = 209_715_200


@dataclass(frozen=True, slots=True)
class Condition:
    """The condition of a write: only over such a version, or only where there is none."""

    if_match: IfMatch | None = None
    only_if_absent: bool = False


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A scene file with its bytes, of `entry.size` together, in parts of PART_BYTES."""

    entry: SavedEntry
    parts: AsyncGenerator[bytes, None]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A scene file that was stored, and what was taken out of it before."""

    entry: SavedEntry
    dropped: Sequence[Dropped]


class SavedService:
    """Saved documents and scene files of one graph."""

    def __init__(self, store: SavedStore, limits: SavedLimits | None = None) -> None:
        self._store = store
        self._limits = limits or SavedLimits()
        self._doors = FileDoors(store)

    async def entries(
        self, kind: str, after: str, limit: int, context: Context
    ) -> list[SavedEntry]:
        """Return what is saved of a kind, by name, strictly after `after`; raises NotFound."""
        context.require_plain()
        _require_kind(kind)
        return await self._store.entries(kind, after, limit)

    async def entry(self, kind: str, name: str, context: Context) -> SavedEntry:
        """Return one entry; raises NotFound."""
        context.require_plain()
        _require_kind(kind)
        entry = await self._store.entry(kind, name)
        if entry is None:
            raise _not_found(kind, name)
        return entry

    async def document(self, kind: str, name: str, context: Context) -> tuple[SavedEntry, bytes]:
        """Return a document with its entry.

        Raises:
            NotFound: there is none.
            LimitExceeded: it is larger than one may be, so that it came from elsewhere.
        """
        context.require_plain()
        if kind not in DOCUMENTS:
            raise _no_kind(kind)
        found = await self._store.contents(kind, name, DOCUMENT_BYTES)
        if found is None:
            raise _not_found(kind, name)
        if len(found[1]) > DOCUMENT_BYTES:
            raise LimitExceeded(
                f"There are more than the {DOCUMENT_BYTES} bytes in {_named(kind, name)} that one "
                "may have. Save it again, or delete it."
            )
        return found

    async def open_file(self, name: str, context: Context) -> OpenFile:
        """Return a scene file, which is read as it is sent.

        Raises:
            NotFound: there is none.
            SceneFileRefused: it came from elsewhere, and is none that is stored here.
        """
        entry = await self._doors.judged(await self.entry(FILES, name, context))
        return OpenFile(entry, self._parts(entry))

    async def _parts(self, entry: SavedEntry) -> AsyncGenerator[bytes, None]:
        for start in range(0, entry.size, PART_BYTES):
            part = await self._store.part(FILES, entry.name, entry.etag, start, PART_BYTES)
            if part is None:
                raise Conflict("The scene file was replaced while it was read. Read it again.")
            yield part

    async def put_document(
        self, kind: str, name: str, document: Document, condition: Condition, context: Context
    ) -> SavedEntry:
        """Create or replace a document.

        Raises:
            NotFound: there are no documents of such a kind.
            InvalidArgument: the name cannot be one, or a scene is not valid.
            PayloadTooLarge: it is too large.
            PreconditionFailed: the condition is not met.
            LimitExceeded: there are as many as there may be.
        """
        if kind not in DOCUMENTS:
            raise _no_kind(kind)
        _require_name(name)
        if kind == SCENES:
            read_scene(document)
        text = orjson.dumps(document)
        if len(text) > DOCUMENT_BYTES:
            raise PayloadTooLarge(
                f"The document has more than the {DOCUMENT_BYTES} bytes that one may have."
            )
        return await self._put(_draft(kind, name, JSON, text, context), text, condition, context)

    async def put_file(
        self, name: str, content: bytes, content_type: str, condition: Condition, context: Context
    ) -> StoredFile:
        """Create or replace a scene file; what is stored of a drawing is what was sanitised.

        Raises:
            InvalidArgument: the name cannot be one.
            SceneFileRefused: it is no such file, or holds what is not taken.
            PreconditionFailed: the condition is not met.
            LimitExceeded: there are as many, or as much, as there may be.
        """
        _require_name(name)
        made = await self._doors.taken(content, content_type)
        draft = _draft(FILES, name, content_type, made.content, context)
        entry = await self._put(draft, made.content, condition, context)
        self._doors.note(entry)
        return StoredFile(entry, made.dropped)

    async def delete(
        self, kind: str, name: str, if_match: IfMatch | None, context: Context
    ) -> None:
        """Delete a document or a scene file.

        Raises:
            NotFound: there is none.
            PreconditionFailed: the condition is not met.
        """
        for _ in range(_ATTEMPTS):
            entry = await self.entry(kind, name, context)
            require_match(if_match, entry.etag, _named(kind, name))
            if context.dry_run or await self._store.delete(kind, name, entry.etag):
                return
        raise _busy(kind, name)

    async def _put(
        self, draft: SavedEntry, contents: bytes, condition: Condition, context: Context
    ) -> SavedEntry:
        context.require_plain()
        for _ in range(_ATTEMPTS):
            before = await self._store.entry(draft.kind, draft.name)
            _require_condition(condition, before, draft)
            entry = draft if before is None else _over(draft, before)
            if context.dry_run:
                self._require_room(entry, await self._store.usage(entry.kind, entry.name))
                return entry
            over = None if before is None else before.etag
            judge = partial(self._require_room, entry)
            if await self._store.put(entry, contents, over, judge):
                return entry
        raise _busy(draft.kind, draft.name)

    def _require_room(self, draft: SavedEntry, others: SavedUsage) -> None:
        is_file = draft.kind == FILES
        limit = self._limits.files if is_file else self._limits.documents
        setting = "max_scene_files" if is_file else "max_saved_documents"
        kind = "scene files" if is_file else f"saved {draft.kind}"
        require_room(others.count, limit, f"The graph has {others.count} {kind}", setting)
        if not is_file:
            return
        most = self._limits.files_bytes
        if others.size + draft.size > most:
            raise LimitExceeded(
                f"The other scene files of the graph have {others.size} bytes, this one has "
                f"{draft.size}, and the setting max_scene_files_bytes allows {most}. Delete one "
                "that is not needed, or raise the setting."
            )


def _draft(kind: str, name: str, content_type: str, content: bytes, by: Context) -> SavedEntry:
    now = now_ticks()
    return SavedEntry(kind, name, content_type, len(content), new_guid(), now, now, by.actor)


def _over(draft: SavedEntry, before: SavedEntry) -> SavedEntry:
    """Return an entry that replaces another one: it was created when that one was."""
    return SavedEntry(
        *(draft.kind, draft.name, draft.content_type, draft.size, draft.etag),
        before.created,
        max(draft.updated, before.updated + 1),
        draft.actor,
    )


def _require_condition(condition: Condition, before: SavedEntry | None, draft: SavedEntry) -> None:
    what = _named(draft.kind, draft.name)
    if condition.only_if_absent and before is not None:
        raise PreconditionFailed(
            f"If-None-Match: * was sent, and there is {what} already. Take another name, or "
            "replace it with If-Match and its etag."
        )
    if condition.if_match is None:
        return
    etag: Etag | None = None if before is None else before.etag
    if etag is None:
        raise PreconditionFailed(f"If-Match was sent, and {what} is not there any more.")
    require_match(condition.if_match, etag, what)


def _require_name(name: str) -> None:
    if _NAME.fullmatch(name) is None:
        raise InvalidArgument(
            "A name has 1 to 128 characters, none of them a slash or a control character."
        )


def _require_kind(kind: str) -> None:
    if kind not in (*DOCUMENTS, FILES):
        raise _no_kind(kind)


def _no_kind(kind: str) -> NotFound:
    known = ", ".join(DOCUMENTS)
    return NotFound(
        f"Nothing is saved under {kind[:80]}; there are {known} and {FILES}.",
        code="SavedKindNotFound",
    )


def _named(kind: str, name: str) -> str:
    return f"the {_WHAT[kind]} {name[:128]}"


def _not_found(kind: str, name: str) -> NotFound:
    code = "SceneFileNotFound" if kind == FILES else "SavedDocumentNotFound"
    return NotFound(f"There is no {_WHAT[kind]} named {name[:128]}.", code=code)


def _busy(kind: str, name: str) -> Conflict:
    return Conflict(f"Others write {_named(kind, name)} all the time. Read it again and try again.")
