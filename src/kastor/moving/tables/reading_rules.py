"""How cells are to be read where they do not say it themselves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from kastor.moving.tables.faults import TableError, shown

POINT = "."
COMMA = ","


@dataclass(frozen=True, slots=True)
class CellRules:
    """How the cells of a column are read.

    Attributes:
        decimal: what stands before the fraction of a number in a text; never guessed.
        zone: of dates with a time that have none; None leaves them without.
        true, false: the texts for these, in lower case.
        format: of dates and times in texts, as of `strptime`; None is ISO 8601.
        split: what stands between the members of an array in a text; None is JSON.
    """

    decimal: str = POINT
    zone: tzinfo | None = None
    true: frozenset[str] = frozenset({"true"})
    false: frozenset[str] = frozenset({"false"})
    format: str | None = None
    split: str | None = None


def read_decimal(text: str) -> str:
    """Return a decimal sign that somebody named; raises TableError for others."""
    if text not in (POINT, COMMA):
        raise TableError(f"{shown(text)} is no decimal sign; it is . or , here.")
    return text


def read_zone(name: str) -> tzinfo:
    """Return the zone of a name such as ``UTC``, ``+02:00`` or ``Europe/Berlin``.

    Raises:
        TableError: there is none.
    """
    if name.upper() in ("UTC", "Z"):
        return UTC
    if name[:1] in "+-":
        try:
            offset = datetime.strptime(name, "%z").utcoffset()
        except ValueError:
            offset = None
        if offset is not None and abs(offset) <= timedelta(hours=14):
            return timezone(offset)
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise TableError(
            f"There is no zone {shown(name)}; write UTC, +02:00 or a name such as Europe/Berlin."
        ) from error
