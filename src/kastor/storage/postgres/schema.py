"""Makes a graph's schema and brings an older one up to date.

`meta.schema_number` holds the schema's number. Migrations are numbered plain SQL files; each runs
in one transaction with the step of the number. Of several processes that start at the same moment
one does the work and the others wait.
"""

from __future__ import annotations

import re
import secrets
import zlib
from importlib.resources import files
from typing import TYPE_CHECKING

from kastor.clock import new_guid, now_ticks
from kastor.errors import Unavailable
from kastor.storage.postgres.ownership import require_empty, strangers
from kastor.storage.refusals import SchemaTooNewError, ServerTooOldError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable

    from kastor.storage.postgres.connections import Connection

SCHEMA_VERSION = 11
SIGNING_KEY_BYTES = 32
OLDEST_SERVER = 15
NAME_BYTES = 63
MIGRATION_SECONDS = 3_600.0
TICKS_PER_MILLISECOND = 10_000
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_NOT_OURS = frozenset({"information_schema", "kastor_control"})
_LOCK = "SELECT pg_advisory_xact_lock($1)"
_OURS = """
SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace s ON s.oid = c.relnamespace
WHERE s.nspname = $1 AND c.relname = 'meta' AND a.attname = 'schema_number'
"""
_EXISTS = "SELECT count(*) FROM pg_namespace WHERE nspname = $1"
_NEW_META = """
INSERT INTO {graph}.meta
    (one, schema_number, model_epoch, last_tick, host_name, signing_key, created, made, claim,
     unfinished)
VALUES (1, $1, $2, 0, $3, $4, $5, $6, $7, $8)
"""
_EPOCH_START = 637_134_336_000_000_000
"""2020-01-01 in ticks."""


def quoted(name: str) -> str:
    """Return a schema's name as it stands in statements.

    Raises:
        ValueError: it is no plain name, or one of PostgreSQL's own.
    """
    if _NAME.fullmatch(name) is None or name.startswith("pg_") or name in _NOT_OURS:
        raise ValueError(
            f"{name!r} cannot be the schema of a graph: a letter, then letters, digits and "
            "underscores, all lower case, at most 63, not beginning with pg_, and not "
            f"{' or '.join(sorted(_NOT_OURS))}."
        )
    return f'"{name}"'


async def prepare(
    connection: Connection,
    name: str,
    *,
    create: bool = True,
    migrations: Mapping[int, str] | None = None,
    claim: str | None = None,
    unfinished: str | None = None,
) -> bool:
    """Create the schema, unless it has to be there already, or migrate to it.

    Args:
        connection: to the database.
        name: of the schema.
        create: whether to make a graph where there is none.
        migrations: instead of those that there are.
        claim: of the placement that a new graph is made for.
        unfinished: why a new graph must not be opened.

    Returns:
        Whether the graph was made.

    Raises:
        GraphRefusedError: nothing was changed; a newer graph, something else, an old server.
        Unavailable: there is no graph any more where there has to be one.
    """
    graph = quoted(name)
    if connection.get_server_version().major < OLDEST_SERVER:
        raise ServerTooOldError(
            f"The server is PostgreSQL {connection.get_server_version().major}; Kastor needs "
            f"{OLDEST_SERVER} or newer."
        )
    if await number_of(connection, name) == SCHEMA_VERSION:
        return False
    async with connection.transaction():
        await connection.execute(_LOCK, zlib.crc32(name.encode()), timeout=MIGRATION_SECONDS)
        found = await number_of(connection, name)
        if found == 0:
            if not create:
                raise Unavailable(f"The graph is no longer in the schema {name}; try again.")
            await _create(connection, name, claim, unfinished)
            return True
        steps = load_migrations() if migrations is None else migrations
        for number in range(found + 1, SCHEMA_VERSION + 1):
            await _run(connection, steps[number].replace("{graph}", graph))
            await connection.execute(f"UPDATE {graph}.meta SET schema_number = $1", number)
    return False


async def exists(connection: Connection, name: str) -> bool:
    """Return whether there is a schema of that name, whoever made it."""
    return bool(await connection.fetchval(_EXISTS, name))


def schema_text() -> str:
    """Return the whole current schema as SQL, with `{graph}` for the schema's name."""
    return (files(__package__) / "schema.sql").read_text(encoding="utf-8")


def load_migrations() -> dict[int, str]:
    """Return the migrations' SQL by the schema number they lead to."""
    folder: Traversable = files(__package__) / "migrations"
    if not folder.is_dir():
        return {}
    named = ((re.match(r"(\d{4})_\w+\.sql$", entry.name), entry) for entry in folder.iterdir())
    return {int(match[1]): entry.read_text("utf-8") for match, entry in named if match}


def statements_of(text: str) -> list[str]:
    """Return the statements of a schema's or migration's SQL, without its comments.

    It must have no `;` and no `--` inside of a literal.
    """
    bare = re.sub(r"--.*", "", text)
    return [each.strip() for each in bare.split(";") if each.strip()]


async def _run(connection: Connection, text: str) -> None:
    # One at a time: Citus refuses CREATE INDEX as one of several commands of a message.
    for statement in statements_of(text):
        await connection.execute(statement, timeout=MIGRATION_SECONDS)


async def number_of(connection: Connection, name: str) -> int:
    """Return the number of a graph's schema, 0 where it is empty or not there.

    Raises:
        SchemaTooNewError, NotAGraphError: it holds a newer graph, or something else.
    """
    if await connection.fetchval(_OURS, name) == 0:
        require_empty(name, await strangers(connection, name, tables=False))
        return 0
    number: int = await connection.fetchval(f"SELECT schema_number FROM {quoted(name)}.meta")
    if number > SCHEMA_VERSION:
        raise SchemaTooNewError(
            f"The graph {name} has schema {number}; this Kastor knows schemas up to "
            f"{SCHEMA_VERSION}. Start it with the Kastor that wrote it, or a newer one."
        )
    return number


async def _create(
    connection: Connection, name: str, claim: str | None, unfinished: str | None
) -> None:
    graph = quoted(name)
    # An administrator may have made it for a user without the right to.
    made = not await exists(connection, name)
    if made:
        await connection.execute(f"CREATE SCHEMA {graph}")
    await _run(connection, schema_text().replace("{graph}", graph))
    now = now_ticks()
    # A process that has not noticed yet that another graph was here has an older epoch.
    epoch = (now - _EPOCH_START) // TICKS_PER_MILLISECOND
    host_name, key = f"{new_guid()}.kastor.local", secrets.token_bytes(SIGNING_KEY_BYTES)
    values = (SCHEMA_VERSION, epoch, host_name, key, now, made, claim, unfinished)
    await connection.execute(_NEW_META.replace("{graph}", graph), *values)
