"""What both engines allow of values, pages and sorting, and what a client is told beyond it."""

from __future__ import annotations

from kastor.errors import LimitExceeded, QueryError, QueryTimeout, QueryTooLarge
from kastor.words import counted

MAX_BYTES = 8_388_608
"""Of a value, a row and a page that a query makes."""
MAX_DOCUMENT_BYTES = MAX_BYTES // 2
"""Of a twin or a relationship as it is stored, whatever the settings say: a query that meets a
larger value than MAX_BYTES fails, whoever asks it, and engines write documents longer than these
are."""
PAGE_BYTES = 4_194_304
"""Of documents that are listed: the one that takes a page over it ends it."""
MAX_TEXT_WORK = 200_000_000
"""Bytes of a text times bytes of what is looked for in it: half a second of the engines' search,
in which they look neither at the clock nor at their client."""
MAX_TEMPORARY_BYTES = 1_073_741_824
"""That one query may sort on disk."""
REFUSAL = "kastor-limit:"
"""Begins what statements say, as an error of the engine, when a value passes one of the limits."""

_TOO_LARGE = (
    f"The query makes a value or a row of more than {MAX_BYTES} bytes (limit max_bytes). Select"
    " fewer or shorter properties, or concatenate less."
)
_TOO_MUCH_WORK = (
    "LIKE, CONTAINS or INDEX_OF looks for a long text in a long text: length times length is more"
    f" than {MAX_TEXT_WORK} bytes (limit max_text_work). Look for something shorter, or leave the"
    " long texts out with LENGTH(..) and a second query."
)


def require_room(present: int, limit: int, what: str, setting: str) -> None:
    """Refuse what would be one more than a setting allows.

    Args:
        present: how many there are already.
        limit: how many there may be.
        what: what of, such as "The graph has 100 property indexes".
        setting: its name.

    Raises:
        LimitExceeded: there is no room.
    """
    if present >= limit:
        raise LimitExceeded(
            f"{what}, and the setting {setting} allows {limit}. Delete one that is not needed, or "
            "raise the setting."
        )


def impossible(error: Exception) -> QueryError:
    """Return what a client is told whose query the engine cannot run, however it is written."""
    said = str(error)
    if f"{REFUSAL}max_text_work" in said:
        return QueryError(_TOO_MUCH_WORK)
    if f"{REFUSAL}max_bytes" in said:
        return too_large()
    first = (said.splitlines() or ["it says nothing"])[0][:200]
    return QueryError(
        f"The database cannot run this query: {first}. Split it, or use fewer columns, keys and "
        "operators."
    )


def too_large() -> QueryTooLarge:
    """Return what a client is told whose query makes a value or a row that is too large."""
    return QueryTooLarge(_TOO_LARGE)


def too_long(timeout: float) -> QueryTimeout:
    """Return what a client is told whose query ran longer than `timeout` seconds."""
    return QueryTimeout(
        f"The query ran longer than its limit of {counted(timeout, 'second')}. Narrow it down, "
        "for example by $dtId or IS_OF_MODEL, or raise the setting query_timeout."
    )


def too_much_sorted() -> QueryError:
    """Return what a client is told whose query sorts more than it may."""
    return QueryError(
        f"The query sorts or groups more than {MAX_TEMPORARY_BYTES} bytes (limit"
        " max_temporary_bytes). Narrow it down with WHERE, or order by something shorter."
    )
