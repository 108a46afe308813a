"""Notices what others do to files of access: `kastor token`, an editor, a tool of deployment."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kastor.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

LOOK_SECONDS = 1.0
"""How soon a revoked token, or another role or policy, acts on requests and open streams."""

_log = get_logger("kastor.auth")


@dataclass(frozen=True, slots=True)
class WatchedFile:
    """A file that is looked at now and then.

    Attributes:
        name: of the file, for people: what the log's lines begin with.
        meanwhile: what holds while it cannot be used.
        look: reads it if it has changed; raises where it cannot be used.
    """

    name: str
    meanwhile: str
    look: Callable[[], Awaitable[None]]


async def watch_files(files: Sequence[WatchedFile]) -> None:
    """Look at files now and then until cancelled; one that cannot be used is told once."""
    told = dict.fromkeys((each.name for each in files), "")
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        for each in files:
            told[each.name] = await _look(each, told[each.name])


async def _look(file: WatchedFile, told: str) -> str:
    trouble = ""
    try:
        await file.look()
    except Exception as error:  # noqa: BLE001 - the watch must never end
        trouble = str(error) or type(error).__name__
    if trouble and trouble != told:
        _log.error(f"{file.name} cannot be used: {file.meanwhile}", reason=trouble)
    elif told and not trouble:
        _log.info(f"{file.name} can be used again")
    return trouble
