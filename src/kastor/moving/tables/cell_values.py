"""Cells become the values that the primitive schemas of DTDL have (dtdl 11).

What a cell says is never guessed: a text that could mean two things is a fault that says how to
tell. Whether the result keeps the schema's bounds is checked afterwards with the whole twin.
"""

from __future__ import annotations

import math
import re
from base64 import b64encode
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from kastor.moving.tables.excel_reader import SpreadsheetError
from kastor.moving.tables.faults import CellFault, shown
from kastor.moving.tables.reading_rules import COMMA, CellRules

if TYPE_CHECKING:
    from collections.abc import Callable

    from kastor.moving.tables.rows import Cell
    from kastor.types import Json

_INTEGER = re.compile(r"([+-]?\d{1,40})(?:\.0*)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_EXACT = 2**53
"""From here on a number with a fraction skips integers."""
_ANY_DAY = datetime(2000, 1, 1)  # noqa: DTZ001 - its time alone is used


def text_of(cell: Cell) -> str:
    """Return a cell as the text that stands in it, without blanks around it: for ids and names.

    Raises:
        CellFault: it is a date or the like, of which nobody knows how it was typed.
    """
    return as_string(cell).strip()


def as_string(cell: Cell, rules: CellRules | None = None) -> str:
    """Return a text; numbers as they are written. Raises CellFault."""
    del rules
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        raise _unfit("text", cell, "Give the column the format Text and type it anew")
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < _EXACT:
        return str(int(cell))
    if isinstance(cell, int | float | Decimal):
        return str(cell)
    if isinstance(cell, date | time | timedelta):
        raise _unfit("text", cell, "Give the column the format Text and type it anew")
    raise _unfit("text", cell)


def as_boolean(cell: Cell, rules: CellRules) -> bool:
    """Return true or false. Raises CellFault."""
    if isinstance(cell, bool):
        return cell
    text = text_of(cell).lower() if isinstance(cell, str | int | float) else None
    if text in rules.true:
        return True
    if text in rules.false:
        return False
    words = " or ".join(sorted(rules.true | rules.false))
    raise _unfit(words, cell, "Other words are named by `true` and `false` in the mapping")


def as_integer(cell: Cell, rules: CellRules) -> int:
    """Return an integer; a fraction of zeros is none. Raises CellFault."""
    if isinstance(cell, int) and not isinstance(cell, bool):
        return cell
    if isinstance(cell, float) and cell.is_integer():
        if abs(cell) >= _EXACT:
            raise _unfit("an exact integer", cell, "Give the column the format Text")
        return int(cell)
    if isinstance(cell, Decimal) and cell.is_finite() and cell == cell.to_integral_value():
        return int(cell)
    match = _INTEGER.fullmatch(_number_text(cell, rules)) if isinstance(cell, str) else None
    if match is None:
        raise _unfit("an integer", cell)
    return int(match[1])


def as_number(cell: Cell, rules: CellRules) -> float:
    """Return a number that JSON has. Raises CellFault."""
    number: float
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        number = cell
    elif isinstance(cell, Decimal):
        number = float(cell)
    elif isinstance(cell, str):
        text = _number_text(cell, rules)
        if _NUMBER.fullmatch(text) is None:
            raise _unfit("a number", cell)
        match = _INTEGER.fullmatch(text) if "." not in text else None
        number = int(match[1]) if match else float(text)
    else:
        raise _unfit("a number", cell)
    if not math.isfinite(number):
        raise _unfit("a number", cell, "JSON has no such number; leave the cell empty")
    return number


def as_decimal(cell: Cell, rules: CellRules) -> str:
    """Return the digits of a number as a text. Raises CellFault."""
    if isinstance(cell, bool):
        raise _unfit("a number", cell)
    if isinstance(cell, int):
        return str(cell)
    if isinstance(cell, float | Decimal):
        number = Decimal(repr(cell)) if isinstance(cell, float) else cell
        if not number.is_finite():
            raise _unfit("a number", cell)
        return f"{number:f}"
    return _number_text(cell, rules) if isinstance(cell, str) else as_string(cell)


def _number_text(text: str, rules: CellRules) -> str:
    """Return a number's text with a point; two readings are a fault."""
    stripped = text.strip()
    if rules.decimal == COMMA:
        if "." in stripped:
            raise _unfit(
                "a number with a decimal comma", text, "Points are not read where commas are"
            )
        return stripped.replace(COMMA, ".", 1)
    if COMMA in stripped:
        raise _unfit(
            "a number with a decimal point",
            text,
            "If commas are decimal commas here, say so with --decimal , or `decimal` in the "
            "mapping; thousands are written without a sign between them",
        )
    return stripped


def as_date(cell: Cell, rules: CellRules) -> str:
    """Return a day as ISO 8601. Raises CellFault."""
    if isinstance(cell, datetime):
        if cell.time() != time():
            raise _unfit("a day without a time", cell)
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, str):
        if rules.format is not None:
            return _by_format(cell, rules.format).date().isoformat()
        return cell.strip()
    raise _unfit("a day such as 2024-02-29", cell)


def as_date_time(cell: Cell, rules: CellRules) -> str:
    """Return an instant as ISO 8601, in the rules' zone where it has none. Raises CellFault."""
    if isinstance(cell, str):
        if rules.format is None:
            return _with_zone(cell.strip(), rules)
        cell = _by_format(cell, rules.format)
    if isinstance(cell, date) and not isinstance(cell, datetime):
        cell = datetime.combine(cell, time())
    if isinstance(cell, datetime):
        if cell.tzinfo is None and rules.zone is not None:
            cell = cell.replace(tzinfo=rules.zone)
        return _iso(cell)
    raise _unfit("a date with a time such as 2024-02-29T13:05:00Z", cell)


def _with_zone(text: str, rules: CellRules) -> str:
    """Return an instant's text; without a zone, or a day alone, it is completed by the rules."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return text
    if len(text) == len("2024-02-29") or "T" not in text or read.tzinfo is None:
        if read.tzinfo is None and rules.zone is not None:
            read = read.replace(tzinfo=rules.zone)
        return _iso(read)
    return text


def as_time(cell: Cell, rules: CellRules) -> str:
    """Return a time of the day as ISO 8601. Raises CellFault."""
    if isinstance(cell, str):
        return _iso_time(_by_format(cell, rules.format).timetz()) if rules.format else cell.strip()
    if isinstance(cell, timedelta) and timedelta() <= cell < timedelta(days=1):
        cell = (_ANY_DAY + cell).time()
    if isinstance(cell, time):
        return _iso_time(cell)
    raise _unfit("a time such as 13:05:00Z", cell)


def as_duration(cell: Cell, rules: CellRules) -> str:
    """Return a length of time as ISO 8601. Raises CellFault."""
    del rules
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, timedelta) and cell >= timedelta():
        seconds = f"{cell.seconds}.{cell.microseconds:06}".rstrip("0").rstrip(".")
        days = f"{cell.days}D" if cell.days else ""
        rest = f"T{seconds}S" if seconds != "0" or not days else ""
        return f"P{days}{rest}"
    raise _unfit("a length of time such as P1DT2H", cell)


def as_bytes(cell: Cell, rules: CellRules) -> str:
    """Return base64. Raises CellFault."""
    del rules
    if isinstance(cell, bytes):
        return b64encode(cell).decode("ascii")
    return text_of(cell)


def _trimmed(cell: Cell, rules: CellRules) -> str:
    del rules
    return text_of(cell)


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _iso_time(moment: time) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _by_format(text: str, form: str) -> datetime:
    try:
        return datetime.strptime(text.strip(), form)  # noqa: DTZ007 - the rules have the zone
    except ValueError as error:
        raise _unfit(f"a date of the form {form}", text) from error


def _unfit(expected: str, cell: Cell, cure: str = "") -> CellFault:
    if isinstance(cell, SpreadsheetError):
        return CellFault(f"must be {expected}, and is {cell.text}.")
    end = f" {cure}." if cure else ""
    return CellFault(f"must be {expected}, and is {shown(cell)}.{end}")


PRIMITIVES: dict[str, Callable[[Cell, CellRules], Json]] = {
    "boolean": as_boolean,
    "double": as_number,
    "float": as_number,
    "string": as_string,
    "date": as_date,
    "dateTime": as_date_time,
    "time": as_time,
    "duration": as_duration,
    "decimal": as_decimal,
    "uuid": _trimmed,
    "bytes": as_bytes,
    **dict.fromkeys(
        (
            "byte",
            "short",
            "integer",
            "long",
            "unsignedByte",
            "unsignedShort",
            "unsignedInteger",
            "unsignedLong",
        ),
        as_integer,
    ),
}
"""How a cell becomes a value, by the term of the schema."""
