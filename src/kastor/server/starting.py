"""The start: waits for a database that is not there yet, and ends when it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from kastor.dsn import shown, with_password_file
from kastor.hosting.open import DatabaseError, require_driver
from kastor.logs import get_logger

if TYPE_CHECKING:
    from kastor.config import Settings
    from kastor.server.notify import Notifier

FIRST_PAUSE_SECONDS, LAST_PAUSE_SECONDS = 0.1, 1.0
TELL_SECONDS = 5.0
EXTENSION_SECONDS = 30.0
"""By which systemd is told to wait longer, with each attempt."""

T = TypeVar("T")

_log = get_logger("kastor.start")


async def wait_for_database(settings: Settings, notifier: Notifier) -> None:
    """Return once the database of the settings answers; at once where they name none.

    Raises:
        DatabaseError: it cannot be used, or has not answered within `db_wait_seconds`.
    """
    if settings.db is None:
        return
    require_driver()
    from kastor.storage.postgres.reaching import UnusableDatabaseError, trouble  # noqa: PLC0415 - an extra

    address, name = with_password_file(settings.db, settings.db_password_file), shown(settings.db)
    clock = asyncio.get_running_loop().time
    began, told, pause = clock(), float("-inf"), FIRST_PAUSE_SECONDS
    while True:
        try:
            reason = await trouble(address)
        except UnusableDatabaseError as error:
            raise DatabaseError(
                f"The database {name} cannot be used: {error}. Check the address given with --db, "
                "its user and its password."
            ) from error
        if reason is None:
            break
        left = settings.db_wait_seconds - (clock() - began)
        if left < pause:
            raise DatabaseError(_given_up(name, reason, clock() - began))
        if clock() - told >= TELL_SECONDS:
            told = clock()
            values = {"database": name, "reason": reason, "seconds_left": round(left)}
            _log.warning("waiting for the database", **values)
        notifier.starting(f"Waiting for the database: {reason}", EXTENSION_SECONDS)
        await asyncio.sleep(pause)
        pause = min(pause * 2, LAST_PAUSE_SECONDS)
    if told > 0:
        _log.info("the database answers", database=name, seconds=round(clock() - began, 1))


def _given_up(name: str, reason: str, waited: float) -> str:
    return (
        f"The database {name} cannot be used now ({reason}); it was waited for {waited:.0f} s. "
        "Check the address given with --db, and that the server is running. --db-wait says how "
        "many seconds to wait for it."
    )


async def unless_stopped(start: Coroutine[Any, Any, T]) -> T | None:
    """Return what a start returns; None where SIGTERM ended it before.

    In a container there is nobody else to end the process: number 1 ignores the signal by itself.
    """
    task = asyncio.ensure_future(start)
    stopped = False

    def stop() -> None:
        nonlocal stopped
        stopped = True
        task.cancel()

    with contextlib.suppress(NotImplementedError, RuntimeError):  # Windows; another thread
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    try:
        return await task
    except asyncio.CancelledError:
        if not stopped:
            raise
    _log.info("told to end before the start was over")
    return None
