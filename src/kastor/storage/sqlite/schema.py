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
from kastor.storage.refusals import (
    DamagedGraphError,
    NotAGraphError,
    SchemaTooNewError,
    UnfinishedGraphError,
)
from kastor.storage.sqlite.connection import writing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable

SCHEMA_VERSION = 11
APPLICATION_ID = 0x4B535452  # "KSTR"
UNFINISHED_ID = 0x4B535455  # "KSTU": a copy that is not verified yet
SIGNING_KEY_BYTES = 32


def prepare(
    connection: apsw.Connection,
    *,
    migrations: Mapping[int, str] | None = None,
    unfinished: bool = False,
) -> None:
    """Create the schema or migrate to it.

    Args:
        connection: to the file.
        migrations: in place of this program's.
        unfinished: whether an unfinished copy is prepared too; what is made is marked as one.

    Raises:
        GraphRefusedError: see `require_ours`.
    """
    found = require_ours(connection, unfinished=unfinished)
    if found == 0:
        _create(connection, UNFINISHED_ID if unfinished else APPLICATION_ID)
        return
    steps = load_migrations() if migrations is None else migrations
    for number in range(found + 1, SCHEMA_VERSION + 1):
        _migrate(connection, number, steps[number])


def mark(connection: apsw.Connection, *, finished: bool) -> None:
    """Say whether the graph may be served."""
    number = APPLICATION_ID if finished else UNFINISHED_ID
    connection.execute(f"PRAGMA application_id = {number}").fetchall()


def require_tables(connection: apsw.Connection) -> None:
    """Raise DamagedGraphError where a table of the schema is missing."""
    wanted = set(re.findall(r"^CREATE TABLE (\w+)", schema_text(), re.MULTILINE))
    found = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    if missing := wanted - {name for (name,) in found}:
        raise DamagedGraphError(
            f"{connection.filename} is damaged: tables are missing ({', '.join(sorted(missing))}). "
            "Put a backup or a copy of it in its place."
        )


def require_ours(connection: apsw.Connection, *, unfinished: bool = False) -> int:
    """Return the schema's number, 0 for a new file; changes nothing.

    Args:
        connection: to the file.
        unfinished: whether an unfinished copy is taken too.

    Raises:
        SchemaTooNewError: the file's schema has a higher number than this program knows.
        NotAGraphError: the file belongs to another application, or is no database.
        UnfinishedGraphError: it is a copy that was not verified yet.
    """
    try:
        found = int(connection.pragma("user_version"))
        tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()[0][0]
    except apsw.NotADBError as error:
        raise NotAGraphError(f"{connection.filename} is not a SQLite database.") from error
    if found == 0 and tables == 0:
        return 0
    application = int(connection.pragma("application_id"))
    if application == UNFINISHED_ID and not unfinished:
        raise UnfinishedGraphError(
            f"{connection.filename} is a copy that is not finished. Run the same `kastor copy` "
            "again: it goes on where it stopped; or delete the file."
        )
    if application not in (APPLICATION_ID, UNFINISHED_ID):
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


def _create(connection: apsw.Connection, application: int) -> None:
    with writing(connection):
        connection.execute(schema_text()).fetchall()
        connection.execute(
            "INSERT INTO meta (one, model_epoch, last_tick, version_bytes, log_bytes, host_name,"
            " signing_key, created) VALUES (1, 0, 0, 0, 0, ?, randomblob(?), ?)",
            (f"{new_guid()}.kastor.local", SIGNING_KEY_BYTES, now_ticks()),
        ).fetchall()
        connection.execute(f"PRAGMA application_id = {application}").fetchall()
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}").fetchall()


def _migrate(connection: apsw.Connection, number: int, text: str) -> None:
    with writing(connection):
        connection.execute(text).fetchall()
        connection.execute(f"PRAGMA user_version = {number}").fetchall()
