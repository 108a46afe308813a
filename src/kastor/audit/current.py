"""The audit log of this process, for whoever notices something that belongs into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kastor.audit.log import AuditLog

_installed: list[AuditLog] = []


def install(log: AuditLog | None) -> None:
    """Let `note` write there from now on; None: nowhere."""
    _installed[:] = [] if log is None else [log]


def note(event: str, /, **values: object) -> None:
    """Add a line where there is an audit log; raises and waits for nothing.

    Args:
        event: such as `policy`.
        values: texts, numbers, lists of texts; never a secret.
    """
    for log in _installed:
        log.note(event, **values)


async def record(event: str, /, **values: object) -> None:
    """Add a line where there is an audit log, and wait until it is on disk, though not for ever.

    Args:
        event: such as `proposal`.
        values: as of `note`.
    """
    for log in _installed:
        await log.record(event, **values)
