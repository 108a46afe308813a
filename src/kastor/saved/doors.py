"""Scene files are judged at every door: where they are stored, and where they go out.

Not everything that is stored came through a PUT: backups are restored, graphs are copied and moved,
and what is in those may be anybody's. So a file is judged before this process hands it out for the
first time. What judges it is what makes it when it is stored, and what that would store
otherwise is stored anew.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from kastor.clock import new_guid, now_ticks
from kastor.errors import Conflict, NotFound
from kastor.logs import get_logger
from kastor.saved import gltf
from kastor.saved.refusals import SceneFileRefused, refused
from kastor.saved.svg import Dropped, sanitise
from kastor.storage.saved import SavedEntry, SavedStore, SavedUsage
from kastor.types import Etag

FILES = "files"
SVG = "image/svg+xml"
FILE_TYPES = frozenset({SVG, gltf.BINARY, gltf.TEXT})
FILE_BYTES = 20_971_520
_MOST_KNOWN = 1_000
"""Verdicts that are remembered; a graph has a hundred files."""

_Version: TypeAlias = tuple[str, Etag, int, str]

_log = get_logger("kastor.saved")


@dataclass(frozen=True, slots=True)
class TakenFile:
    """What is stored of a file, and what was taken out of it."""

    content: bytes
    dropped: Sequence[Dropped] = ()


class FileDoors:
    """Judges the scene files of one graph."""

    def __init__(self, store: SavedStore) -> None:
        self._store = store
        self._known: OrderedDict[_Version, SceneFileRefused | None] = OrderedDict()
        # One file at a time: large ones take many times their size, and a processor.
        self._judging = asyncio.Lock()

    async def taken(self, content: bytes, content_type: str) -> TakenFile:
        """Return what is stored of a file; raises SceneFileRefused."""
        async with self._judging:
            return await asyncio.to_thread(_take, content, content_type)

    def note(self, entry: SavedEntry) -> None:
        """Remember that a version is what `taken` returned."""
        self._remember(entry, None)

    async def judged(self, entry: SavedEntry) -> SavedEntry:
        """Return the entry of a file that may be handed out, which is another one if it was mended.

        Raises:
            NotFound: it is gone.
            Conflict: it was replaced meanwhile.
            SceneFileRefused: it is none that would be stored.
        """
        if not self._is_harmless(entry):
            async with self._judging:
                if not self._is_harmless(entry):  # nobody has judged it meanwhile
                    return await self._judge(entry)
        return entry

    async def _judge(self, entry: SavedEntry) -> SavedEntry:
        found = await self._store.contents(FILES, entry.name, FILE_BYTES)
        if found is None:
            raise NotFound("The scene file has just been deleted.", code="SceneFileNotFound")
        entry, content = found
        try:
            made = await asyncio.to_thread(_take, content, entry.content_type)
        except SceneFileRefused as error:
            told = refused(
                f"This scene file came with a backup or from another graph, and is none that is "
                f"shown: {error.message} Store it again, or delete it."
            )
            self._remember(entry, told)
            raise told from error
        if made.content != content or entry.size != len(content):
            entry = await self._mend(entry, made)
        self._remember(entry, None)
        return entry

    async def _mend(self, entry: SavedEntry, made: TakenFile) -> SavedEntry:
        mended = replace(
            entry,
            size=len(made.content),
            etag=new_guid(),
            updated=max(now_ticks(), entry.updated + 1),
        )
        if not await self._store.put(mended, made.content, entry.etag, _whatever_there_is):
            raise Conflict("The scene file was replaced while it was read. Read it again.")
        _log.warning(
            "a scene file that came from elsewhere was written anew",
            file=entry.name,
            dropped=sum(each.count for each in made.dropped),
        )
        return mended

    def _is_harmless(self, entry: SavedEntry) -> bool:
        version = _version(entry)
        if version not in self._known:
            return False
        self._known.move_to_end(version)
        if (told := self._known[version]) is not None:
            raise refused(told.message)
        return True

    def _remember(self, entry: SavedEntry, verdict: SceneFileRefused | None) -> None:
        self._known[_version(entry)] = verdict
        while len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)


def _version(entry: SavedEntry) -> _Version:
    return entry.name, entry.etag, entry.size, entry.content_type


def _take(content: bytes, content_type: str) -> TakenFile:
    if len(content) > FILE_BYTES:
        raise refused(f"It has more than the {FILE_BYTES} bytes that one may have.")
    if content_type == SVG:
        made = sanitise(content)
        return TakenFile(made.text, made.dropped)
    if content_type not in FILE_TYPES:
        raise refused("It is neither a drawing (SVG) nor a model (glTF).")
    gltf.check_model(content, content_type)
    return TakenFile(content)


def _whatever_there_is(_others: SavedUsage) -> None:
    """Let it in: it was there before."""
