"""Whether a database answers, and if it does not, whether it will: asked before anything is opened.

What will pass is said: no server at the address, a name that is not known yet, a server that is
starting. What will not (a password, the name of the database, encryption) is refused.
"""

from __future__ import annotations

import asyncio
import ssl

import asyncpg

from kastor.dsn import for_driver
from kastor.storage.postgres.connections import connect
from kastor.storage.refusals import GraphRefusedError

ATTEMPT_SECONDS = 10.0
"""That an attempt may take in all, whatever the driver gives each of its steps."""
_OPERATOR = ("57P01", "57P02", "57P03")
"""The server is stopping, was ended, is starting."""
_POOLER = "08P01"


class UnusableDatabaseError(GraphRefusedError):
    """The database will not answer later either; the message is the reason alone."""


async def trouble(dsn: str) -> str | None:
    """Return why the database does not answer now, None if it does; no secret is in the text.

    Raises:
        UnusableDatabaseError: it will not answer later either.
    """
    try:
        _, read_password = for_driver(dsn)
        if read_password is not None:
            read_password()
    except (OSError, ValueError) as error:
        raise UnusableDatabaseError(f"its password cannot be read: {_told(error)}") from error
    try:
        async with asyncio.timeout(ATTEMPT_SECONDS):
            # As through a pooler: nothing is prepared.
            connection = await connect(dsn, pooler=True)
            try:
                # A pooler lets clients in whose server is away.
                await connection.execute("SELECT 1")
            finally:
                connection.terminate()
    except Exception as error:
        if not will_pass(error):
            raise UnusableDatabaseError(_told(error)) from error
        return _told(error)
    return None


def will_pass(error: BaseException) -> bool:
    """Return whether what an attempt to connect met is a matter of time."""
    if isinstance(error, asyncpg.PostgresError):
        return _server_will_answer(error)
    if isinstance(error, asyncpg.TargetServerAttributeNotMatched):
        return True  # a standby that may be promoted
    if isinstance(error, ssl.SSLError | PermissionError) or "SSL upgrade" in str(error):
        return False
    # Also a socket without a file: its server has not begun.
    return isinstance(error, OSError)


def _server_will_answer(error: asyncpg.PostgresError) -> bool:
    state = str(error.sqlstate or "")
    if state == _POOLER:  # a pooler's code for whatever befell it
        text = str(error).lower()
        return "no such" not in text and "auth" not in text
    return state.startswith(("08", "53")) or state in _OPERATOR


def _told(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "it does not answer in time"
    text = str(error).strip().splitlines()
    return text[0].rstrip(".") if text else type(error).__name__
