"""Makes the fixtures of this schema: what a release leaves behind, and what it said of it.

`python3 dev fixtures` writes tests/upgrades/fixtures/<schema>, and the sums of the migrations up to
it into migrations.json. Each release adds one; those that are there never change, since nobody can
make them anew.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw
import asyncpg
import httpx2
import msgspec
import zstandard

import kastor
from kastor import storage
from kastor.clock import now_ticks
from kastor.dtdl import ValueRules
from kastor.events.model import Event
from kastor.graph.catalog import catalog_builder
from kastor.storage.keeping import Retention
from kastor.storage.postgres.store import PostgresStore
from kastor.storage.sqlite.schema import SCHEMA_VERSION
from kastor.storage.sqlite.store import SqliteStore
from kastor.testing import KastorServer
from tests.postgres.cluster import Cluster, other_user
from tests.programs import need
from tests.store.clocks import DAY

from .reads import read
from .world import VERSION, World

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

HERE = Path(__file__).with_name("fixtures")
SUMS = Path(__file__).with_name("migrations.json")
SCHEMA = "kept_graph"
"""Name of the graph's schema in the dump; whoever restores it puts another in its place."""
FOR_GOOD = ("--version-days", "40000", "--log-days", "40000")
YEAR_9000 = 2_839_000_000_000_000_000
EVENT = msgspec.json.encode(
    Event(
        id="kept-event",
        type="Microsoft.DigitalTwins.Twin.Create",
        source="kept.example.org",
        subject="t1",
        time="2026-11-30T08:00:00.0000000Z",
        datacontenttype="application/json",
        dataschema=None,
        traceparent=None,
        data=b'{"a": 1.50}',
        key="t1",
        position=3,
    )
)
LETTER = "INSERT INTO {}dead_letters VALUES (7, 'created', 3, {}, 'refused', 5, 99, {})"
LOG_BYTES = 12_000
"""Of the change log; what it has beyond them goes."""
UNUSED = frozenset({"setbacks", "parts", "part_names", "part_twins", "part_lost", "parts_left"})
"""Tables that nothing writes to unless a clock is set back, or a rule names a part of the graph."""


def main() -> int:
    """Make what the arguments name."""
    parser = argparse.ArgumentParser(prog="python3 dev fixtures", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=HERE / str(SCHEMA_VERSION))
    folder: Path = parser.parse_args().folder
    if folder.exists():
        print(f"{folder} is there already: fixtures never change.", file=sys.stderr)
        return 1
    folder.mkdir(parents=True)
    about = {"kastor": kastor.__version__, "schema": SCHEMA_VERSION}
    (folder / "about.json").write_text(json.dumps(about) + "\n", "utf-8")
    with tempfile.TemporaryDirectory(prefix="kastor-fixtures-") as work:
        _of_sqlite(Path(work, "sqlite"), folder)
        _of_postgres(Path(work, "postgres"), folder)
    if folder.parent == HERE:
        SUMS.write_text(json.dumps(sums(SCHEMA_VERSION), indent=2) + "\n", "utf-8")
    for file in sorted(folder.iterdir()):
        print(f"{file.stat().st_size:>9,}  {file.name}")
    return 0


def sums(newest: int) -> dict[str, str]:
    """The SHA-256 of each migration up to a schema, by engine and name."""
    files = sorted(Path(storage.__file__).parent.glob("*/migrations/*.sql"))
    return {
        f"{each.parts[-3]}/{each.name}": hashlib.sha256(each.read_bytes()).hexdigest()
        for each in files
        if int(each.name[:4]) <= newest
    }


def _of_sqlite(data: Path, folder: Path) -> None:
    tokens = _filled(data)
    file = data / "graphs" / "default.sqlite3"
    builder = catalog_builder(ValueRules())
    _age(lambda **kept: SqliteStore.open(file, builder, **kept))
    with closing(apsw.Connection(str(file))) as connection:
        for statement in _statements("", f"X'{EVENT.hex()}'", "0"):
            connection.execute(statement).fetchall()
        named = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        names = [str(name) for (name,) in connection.execute(named).fetchall()]
        _require_rows({name: _count(connection, name) for name in names})
    _tell(data, folder / "sqlite.json.zst", tokens)
    with closing(apsw.Connection(str(file))) as connection:
        connection.pragma("journal_mode", "delete")
        connection.execute("VACUUM").fetchall()
    _write(folder / "graph.sqlite3.zst", file.read_bytes())
    backup = data.with_name("backup")
    command = [sys.executable, "-m", "kastor", "backup", backup, "--data", data, "--quiet"]
    subprocess.run([str(each) for each in command], check=True)
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for each in sorted(backup.iterdir()):
            archive.add(each, each.name, filter=_nobodys)
    _write(folder / "backup.tar.zst", tar.getvalue())


def _nobodys(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    return entry


def _of_postgres(data: Path, folder: Path) -> None:
    with Cluster(durable=False) as cluster:
        dsn = cluster.create().start().dsn
        there = ("--db", dsn, "--graph-schema", SCHEMA)
        tokens = _filled(data, *there)
        builder = catalog_builder(ValueRules())
        _age(lambda **kept: PostgresStore.open(dsn, SCHEMA, builder, **kept))
        asyncio.run(_finish(dsn))
        _tell(data, folder / "postgres.json.zst", tokens, *there)
        _write(folder / "graph.sql.zst", dump(dsn, SCHEMA).encode())


def dump(dsn: str, schema: str) -> str:
    """Return a schema as statements that any server and any client can run."""
    program = need("postgresql") / "pg_dump"
    options = ("--no-owner", "--no-privileges", "--inserts", "--rows-per-insert=100")
    done = subprocess.run(
        [program, *options, f"--schema={schema}", dsn],
        user=other_user(),
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    )
    rest = done.stdout.partition("CREATE SCHEMA")[2]
    rest = re.sub(r"\n\\unrestrict .*", "", rest)
    return f"CREATE SCHEMA{rest}"


async def _finish(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        for statement in _statements(f"{SCHEMA}.", rf"'\x{EVENT.hex()}'", "false"):
            await connection.execute(statement)
        names = "SELECT table_name FROM information_schema.tables WHERE table_schema = $1"
        counts = {
            name: await connection.fetchval(f'SELECT count(*) FROM {SCHEMA}."{name}"')
            for (name,) in await connection.fetch(names, SCHEMA)
        }
        _require_rows(counts)
    finally:
        await connection.close()


def _statements(schema: str, event: str, requeued: str) -> Iterator[str]:
    """What nobody can wait for: a letter that died, and things that do not end with time."""
    yield LETTER.format(schema, event, requeued)
    yield f"UPDATE {schema}proposals SET expires = {YEAR_9000}"
    yield f"UPDATE {schema}jobs SET purge = {YEAR_9000}"


def _count(connection: apsw.Connection, table: str) -> int:
    count: Any = connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
    return int(count)


def _require_rows(counts: dict[str, int]) -> None:
    empty = {name for name, count in counts.items() if not count} - UNUSED
    if empty:
        sys.exit(f"Nothing would be tested of {', '.join(sorted(empty))}; see world.py.")


def in_two_days() -> int:
    return now_ticks() + 2 * DAY


def _age(opening: Callable[..., Coroutine[Any, Any, Any]]) -> None:
    """Take the log's beginning away, and pack versions, as servers do in the course of days."""
    kept = Retention(version_seconds=4e9, log_seconds=4e9)

    async def age() -> None:
        store = await opening(retention=replace(kept, log_bytes=LOG_BYTES))
        pruned = await store.prune()
        await store.close()
        store = await opening(retention=kept, clock=in_two_days)
        packed = await store.history.pack()
        await store.close()
        assert pruned, "nothing left the log"
        assert packed, "nothing was packed"

    asyncio.run(age())


def _filled(data: Path, *more: str) -> dict[str, str]:
    def fill(http: httpx2.Client) -> dict[str, str]:
        world = World(http, data)
        world.fill()
        return world.tokens

    tokens: dict[str, str] = _with_server(data, more, fill)
    return tokens


def _tell(data: Path, file: Path, tokens: dict[str, str], *more: str) -> None:
    told = _with_server(data, more, read)
    text = json.dumps({"tokens": tokens, "reads": told}, ensure_ascii=False, sort_keys=True)
    _write(file, text.encode("utf-8", "surrogatepass"))


def _with_server(data: Path, more: tuple[str, ...], work: Callable[[httpx2.Client], Any]) -> Any:
    with (
        KastorServer((*FOR_GOOD, *more), data_dir=data) as server,
        httpx2.Client(base_url=server.url, params=VERSION, timeout=60) as http,
    ):
        return work(http)


def _write(file: Path, content: bytes) -> None:
    file.write_bytes(zstandard.ZstdCompressor(level=19).compress(content))


if __name__ == "__main__":
    sys.exit(main())
