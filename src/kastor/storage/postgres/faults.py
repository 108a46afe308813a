"""What an error of the driver or the server means for the statement that met it.

The question is always the same: may it be done again? Only what is certainly not committed may.
A server may pass on what befell one behind it (Citus does, a pooler as well): then our connection
is sound, but the other one's was not, and what it did last is not known.
"""

from __future__ import annotations

import re
from enum import Enum

import asyncpg

from kastor.errors import GraphMoved, Unavailable

RETRY_AFTER_SECONDS = 1


class Fault(Enum):
    """Kinds of errors."""

    RACE = "somebody else was first"
    AGAIN = "rolled back by the server; the same statement may succeed"
    ELSEWHERE = "this server takes no writes (any more); nothing was written"
    LOST = "the connection is gone or did not answer; what became of the statement is not known"
    BEHIND = "a server behind this one went away; what became of the statement is not known"
    FULL = "the server has no room, no resources or no patience; nothing was written"
    GONE = "the graph was moved or deleted; nothing was written"
    OTHER = "a fault of ours"


_STATES = {
    "23505": Fault.RACE,  # unique violation
    "23503": Fault.RACE,  # foreign key violation: an end of a relationship went away
    "40001": Fault.AGAIN,  # serialization failure
    "40P01": Fault.AGAIN,  # deadlock
    "40003": Fault.BEHIND,  # statement completion unknown
    "55P03": Fault.AGAIN,  # a lock was not to be had in time
    "72000": Fault.AGAIN,  # snapshot too old
    "0A000": Fault.AGAIN,  # a cached plan is out of date after a migration
    "25006": Fault.ELSEWHERE,  # read-only transaction: a standby
    "25P03": Fault.LOST,  # ended by the server: idle in a transaction for too long
    "25P04": Fault.LOST,  # the same: a transaction that took too long
    "42P01": Fault.GONE,  # no such table
    "3F000": Fault.GONE,  # no such schema
    "26000": Fault.FULL,  # no such prepared statement: a pooler, and db_pooler is not set
    "42P05": Fault.FULL,  # the same: it is another's
    "57014": Fault.FULL,  # cancelled by the server's own time limit or its administrator
}
_CLASSES = {
    "08": Fault.LOST,  # connection exceptions
    "40": Fault.AGAIN,  # rolled back
    "57": Fault.LOST,  # shut down: the commit may have happened before
    "53": Fault.FULL,  # disk full, out of memory, too many connections
    "58": Fault.FULL,  # input or output error
}


# For these (a quota, a limit of files' sizes) the server has no state of its own.
_FILE_TROUBLE = re.compile(r"could not (extend|write|fsync|create|open|read) ")
_UNNAMED = "XX000"
"""The code of errors that have none, as the client library's are that Citus passes on."""

_BROKEN_BEHIND = re.compile(
    r"server closed the connection|terminating connection|terminated abnormally"
    r"|(connection|network) (error|failure|refused|reset|timed? ?out)|connection not open"
    r"|no connection to the server|lost synchronization with server"
    r"|could not (connect|establish|send|receive|translate host name|get socket|flush)"
    r"|connection to (the remote node|server at|.* failed)|SSL (connection|SYSCALL|error)"
    r"|broken pipe|timeout expired|database system is (starting|shutting|in recovery|not yet)"
    r"|(failed|failure) to execute task|failure on connection|postmaster was shut down"
    r"|any active (node|placement)|healthy placement|too many clients|remaining connection slots",
    re.IGNORECASE,
)
"""How the words begin of a client library that has lost its server, and of Citus that has."""


def fault_of(error: BaseException) -> Fault:
    """Return what an error means."""
    if isinstance(error, asyncpg.PostgresError):
        state = str(error.sqlstate or "")
        if state == _UNNAMED and _FILE_TROUBLE.match(str(error)):
            return Fault.FULL
        found = _STATES.get(state) or _CLASSES.get(state[:2], Fault.OTHER)
        if state == _UNNAMED and _BROKEN_BEHIND.search(f"{error}\n{error.detail or ''}"):
            return Fault.BEHIND
        # What ends a connection is FATAL; what is only an ERROR came over one that goes on.
        if found is Fault.LOST and (error.severity_en or error.severity) == "ERROR":
            return Fault.BEHIND
        return found
    # TimeoutError is an OSError; InterfaceError is the driver's word for a closed connection.
    if isinstance(error, OSError | EOFError | asyncpg.InterfaceError | asyncpg.InternalClientError):
        return Fault.LOST
    return Fault.OTHER


def unavailable(error: BaseException | str) -> Unavailable:
    """Return what a client is told when nothing was written."""
    return Unavailable(
        f"The database cannot be used now ({_describe(error)}). Nothing was changed; "
        "try again later.",
        retry_after=RETRY_AFTER_SECONDS,
    )


def gone() -> GraphMoved:
    """Return what a client is told when its graph is no longer where it was."""
    return GraphMoved(
        "The graph was moved or deleted just now. Nothing was changed; try again.",
        retry_after=RETRY_AFTER_SECONDS,
    )


def outcome_unknown(error: BaseException) -> Unavailable:
    """Return what a client is told when a write may or may not have happened."""
    return Unavailable(
        f"The connection to the database was lost ({_describe(error)}) before it said whether "
        "the write was stored, and it cannot be found out now. Read the resource before you "
        "repeat the write, or repeat it with If-Match.",
        retry_after=RETRY_AFTER_SECONDS,
    )


def _describe(error: BaseException | str) -> str:
    if isinstance(error, str):
        return error
    if isinstance(error, TimeoutError):
        return "it does not answer in time"
    text = str(error).strip().rstrip(".")
    return text.splitlines()[0] if text else type(error).__name__
