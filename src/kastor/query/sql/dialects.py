"""The dialect of each engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.query.sql.postgres import Postgres
from kastor.query.sql.sqlite import Sqlite

if TYPE_CHECKING:
    from kastor.query.sql.dialect import Dialect
    from kastor.storage.protocol import Engine


def dialect_of(engine: Engine) -> Dialect:
    """Return what writes the SQL of an engine."""
    match engine.name:
        case "sqlite":
            return Sqlite()
        case "postgres":
            return Postgres(engine.schema)
