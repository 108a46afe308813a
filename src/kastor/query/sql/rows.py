"""The JSON text of one row (query-language 8): a missing column is left out, never null.

Rows of the other language keep it as null (decisions 7).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from kastor.query.plan import Call, Doc, Field, Walked
from kastor.query.sql.values import is_made

if TYPE_CHECKING:
    from kastor.query.plan import Column, Value
    from kastor.query.sql.values import Values

_FEW_COLUMNS = 8


def row_sql(columns: tuple[Column, ...] | None, values: Values, *, nulls: bool = False) -> str:
    """The SQL of a row: the bare document of source 0, or an object of the columns.

    With `nulls` a missing column is null.
    Every member brings a comma in front. If the first one is there in every row it opens the
    object; otherwise the first comma is cut off, which copies the text once more.
    """
    if columns is None:
        return values.json(Doc(0))
    members = [values.json(column.value) for column in columns]
    named = values.dialect.names_members and _may_be_large(columns)
    parts = []
    certain = bool(columns) and (nulls or _is_certain(columns[0].value, values))
    for number, (column, written) in enumerate(zip(columns, members, strict=True)):
        opening = "{" if certain and number == 0 else ","
        lead = values.constant(opening + json.dumps(column.key, ensure_ascii=False) + ":")
        member = f"m{number}" if named else written
        if nulls and not _is_certain(column.value, values):
            member = f"coalesce({member}, 'null')"
        member = f"{lead} || {member}"
        member = member if nulls or opening == "{" else f"coalesce({member}, '')"
        parts.append(values.parameters.written(member))
    if not parts:
        return "'{}'"
    joined = " || ".join(parts)
    text = f"{joined} || '}}'" if certain else f"'{{' || substr({joined}, 2) || '}}'"
    return values.dialect.row(text, members) if named else text


def _may_be_large(columns: tuple[Column, ...]) -> bool:
    """Whether the row may be much larger than the documents in it."""
    made = any(_is_text(one.value) for one in columns)
    return made or len(columns) > _FEW_COLUMNS


def _is_text(value: Value) -> bool:
    """Whether a statement puts the value's text together, which may be long."""
    return (is_made(value) and not isinstance(value, Walked)) or (
        isinstance(value, Call) and value.kind == "string"
    )


def _is_certain(value: Value, values: Values) -> bool:
    """Whether the value is never missing: a document or a system field of what must be there."""
    match value:
        case Field() | Doc(steps=()):
            return not values.graph.sources[value.source].optional
        case _:
            return False
