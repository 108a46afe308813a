"""Notices what others do to the token file: `kastor token`, an editor, a tool of deployment."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from kastor.logs import get_logger

if TYPE_CHECKING:
    from kastor.auth.tokens import TokenStore

LOOK_SECONDS = 1.0
"""How soon a revoked token, or a changed role, acts on requests and open streams."""

_log = get_logger("kastor.auth")


async def watch_tokens(tokens: TokenStore) -> None:
    """Look at the file now and then until cancelled; a file that cannot be read is told once."""
    told = ""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        trouble = ""
        try:
            tokens.refresh()
        except Exception as error:  # noqa: BLE001 - the watch must never end
            trouble = str(error) or type(error).__name__
        if trouble and trouble != told:
            _log.error(
                "the token file cannot be used: tokens as before, none is added or revoked",
                reason=trouble,
            )
        elif told and not trouble:
            _log.info("the token file can be used again")
        told = trouble
