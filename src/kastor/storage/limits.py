"""What both engines allow of values, pages and sorting, and what a client is told beyond it."""

from __future__ import annotations

import re

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
MAX_ITEMS = 100_000
"""Of a list that a query makes of numbers, by range()."""
MAX_COLLECTED_BYTES = 8 * MAX_BYTES
"""That one query may gather with collect(), over all its groups."""
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


_TOLD = {
    "max_text_work": _TOO_MUCH_WORK,
    "max_items": f"range() makes a list of more than {MAX_ITEMS} numbers (limit max_items).",
    "max_collected_bytes": (
        f"collect() gathers more than {MAX_COLLECTED_BYTES} bytes (limit max_collected_bytes)."
        " Narrow it down with WHERE, or collect a property instead of the whole."
    ),
    "kinds": (
        "A value is of another kind than an operator or a function takes, in some row. Leave such"
        " rows out, or convert with toString, toInteger, toFloat or toBoolean."
    ),
    "zero": "A number is divided by 0 in some row. Leave such rows out with WHERE.",
    "finite": "A number is beyond what 64 bits hold, or none at all, in some row.",
    "remainder": "% takes whole numbers here; a number of some row is none.",
    "range": (
        "An index or a length is negative or no integer, or the step of range() is 0, in some row."
    ),
    "split": "A text is split, or searched for what is replaced, by the empty text in some row.",
    "digits": "toString takes numbers from 0.001 to 10,000,000 where they are no integers.",
    "max_open_hops": (
        "A range without an end goes on behind the last relationship that it may walk (limit"
        " max_open_hops). Write its end, such as *1..5."
    ),
    "order": "A map, or a list with maps or lists in it, has no order here, in some row.",
}
_REFUSED = re.compile(rf"{REFUSAL}({'|'.join([*_TOLD, 'max_bytes'])})\b")


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
    limit = _REFUSED.search(said)
    if limit is not None and limit[1] == "max_bytes":
        return too_large()
    if limit is not None:
        return QueryError(_TOLD[limit[1]])
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
