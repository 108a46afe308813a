"""Makes a new graph file and brings an older one to the current schema.

`PRAGMA user_version` holds the schema's number. Migrations are numbered plain SQL files; each
runs in one transaction with the step of the number, so that a crash leaves a whole version.
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING

import apsw

from kastor.clock import new_guid, now_ticks
from kastor.storage.bounds import NotAGraphError, SchemaTooNewError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable

SCHEMA_VERSION = 3
APPLICATION_ID = 0x4B535452  # "KSTR"
SIGNING_KEY_BYTES = 32


def prepare(connection: apsw.Connection, *, migrations: Mapping[int, str] | None = None) -> None:
    """Create the schema or migrate to it.

    Raises:
        SchemaTooNewError, NotAGraphError: see `require_ours`.
    """
    found = require_ours(connection)
    if found == 0:
        _create(connection)
        return
    steps = load_migrations() if migrations is None else migrations
    for number in range(found + 1, SCHEMA_VERSION + 1):
        _migrate(connection, number, steps[number])


def require_ours(connection: apsw.Connection) -> int:
    """Return the schema's number, 0 for a new file; changes nothing.

    Raises:
        SchemaTooNewError: the file's schema has a higher number than this program knows.
        NotAGraphError: the file belongs to another application, or is no database.
    """
    try:
        found = int(connection.pragma("user_version"))
        tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()[0][0]
    except apsw.NotADBError as error:
        raise NotAGraphError(f"{connection.filename} is not a SQLite database.") from error
    if found == 0 and tables == 0:
        return 0
    if int(connection.pragma("application_id")) != APPLICATION_ID:
        raise NotAGraphError(f"{connection.filename} is a database of another program.")
    if found > SCHEMA_VERSION:
        raise SchemaTooNewError(
            f"{connection.filename} has schema {found}; this Kastor knows schemas up to "
            f"{SCHEMA_VERSION}. Start it with the Kastor that wrote it, or a newer one."
        )
    return found


def schema_text() -> str:
    """Return the whole current schema as SQL."""
    return (files(__package__) / "schema.sql").read_text(encoding="utf-8")


def load_migrations() -> dict[int, str]:
    """Return the migrations' SQL by the schema number they lead to."""
    folder: Traversable = files(__package__) / "migrations"
    if not folder.is_dir():
        return {}
    named = ((re.match(r"(\d{4})_\w+\.sql$", entry.name), entry) for entry in folder.iterdir())
    return {int(match[1]): entry.read_text("utf-8") for match, entry in named if match}


def _create(connection: apsw.Connection) -> None:
    with connection:
        connection.execute(schema_text()).fetchall()
        connection.execute(
            "INSERT INTO meta VALUES (1, 0, 0, 0, 0, ?, randomblob(?), ?)",
            (f"{new_guid()}.kastor.local", SIGNING_KEY_BYTES, now_ticks()),
        ).fetchall()
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}").fetchall()
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}").fetchall()


def _migrate(connection: apsw.Connection, number: int, text: str) -> None:
    with connection:
        connection.execute(text).fetchall()
        connection.execute(f"PRAGMA user_version = {number}").fetchall()
