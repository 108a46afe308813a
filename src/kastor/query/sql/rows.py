"""The JSON text of one row (spec query-language 8): a missing column is left out, never null."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from kastor.query.plan import Doc, Field

if TYPE_CHECKING:
    from kastor.query.plan import Column, Value
    from kastor.query.sql.values import Values


def row_sql(columns: tuple[Column, ...] | None, values: Values) -> str:
    """The SQL of a row: the bare document of source 0, or an object of the columns.

    Every member brings a comma in front. If the first one is there in every row it opens the
    object; otherwise the first comma is cut off, which copies the text once more.
    """
    if columns is None:
        return values.json(Doc(0))
    parts = []
    certain = bool(columns) and _is_certain(columns[0].value, values)
    for number, column in enumerate(columns):
        opening = "{" if certain and number == 0 else ","
        lead = values.constant(opening + json.dumps(column.key, ensure_ascii=False) + ":")
        member = f"{lead} || {values.json(column.value)}"
        member = member if opening == "{" else f"coalesce({member}, '')"
        parts.append(values.parameters.written(member))
    if not parts:
        return "'{}'"
    joined = " || ".join(parts)
    return f"{joined} || '}}'" if certain else f"'{{' || substr({joined}, 2) || '}}'"


def _is_certain(value: Value, values: Values) -> bool:
    """Whether the value is never missing: a document or a system field of what must be there."""
    match value:
        case Field() | Doc(steps=()):
            return not values.graph.sources[value.source].optional
        case _:
            return False
