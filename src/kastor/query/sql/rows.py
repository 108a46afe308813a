"""The JSON text of one row (spec query-language 8): a missing column is left out, never null."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from kastor.query.plan import Doc

if TYPE_CHECKING:
    from kastor.query.plan import Column
    from kastor.query.sql.values import Values


def row_sql(columns: tuple[Column, ...] | None, values: Values) -> str:
    """The SQL of a row: the bare document of source 0, or an object of the columns."""
    if columns is None:
        return values.json(Doc(0))
    return object_sql([(column.key, values.json(column.value)) for column in columns], values)


def object_sql(members: list[tuple[str, str]], values: Values) -> str:
    """The SQL of an object whose members are JSON texts, or NULL to be left out.

    Every member brings a comma in front; the first one is cut off.
    """
    parts = []
    for key, text in members:
        lead = values.constant("," + json.dumps(key, ensure_ascii=False) + ":")
        parts.append(f"coalesce({lead} || {text}, '')")
    if not parts:
        return "'{}'"
    return f"'{{' || substr({' || '.join(parts)}, 2) || '}}'"
