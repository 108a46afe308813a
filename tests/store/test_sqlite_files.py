"""A graph's file is made whole or not at all, is nobody else's, and is looked at before it is served."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from kastor.errors import Unavailable
from kastor.private import make_folder, tighten
from kastor.records import SYSTEM
from kastor.storage.placement import DEFAULT, Wish
from kastor.storage.refusals import DamagedGraphError, NotAGraphError, UnfinishedGraphError
from kastor.storage.sqlite import files, schema
from kastor.storage.sqlite.folder import DataFolder, FolderNotWritableError
from kastor.storage.sqlite.placement import FilePlacement, is_ours
from kastor.storage.sqlite.pool import ReadPool
from kastor.storage.sqlite.transfer import SqliteGraphFile
from kastor.storage.tables import TABLES
from kastor.storage.transfer import synchronise

from .graphs import HALL_MODEL, ROOM_MODEL, THERMOSTAT_MODEL, Graph, hall
from .sqlite_engine import SqliteEngine, embedded

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def filled(sqlite: SqliteEngine, name: str = "graph", twins: int = 300) -> Graph:
    graph = Graph(await sqlite.open(name), sqlite.history(name))
    await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL, HALL_MODEL)
    for n in range(twins):
        await graph.put(f"h{n}", hall(seats=n))
    return graph


async def close(sqlite: SqliteEngine, graph: Graph) -> None:
    graph.history.close()
    await graph.store.close()
    sqlite._stores.clear()
    sqlite._histories.clear()


async def test_nobody_else_can_read_a_graph_its_log_and_index(
    sqlite: SqliteEngine, umask: None
) -> None:
    await filled(sqlite, twins=3)
    found = {path.name: mode(path) for path in sqlite.folder.iterdir()}
    assert found == {f"graph.sqlite3{end}": 0o600 for end in ("", "-wal", "-shm")}


def test_folders_are_made_for_their_owner_alone(tmp_path: Path, umask: None) -> None:
    folder = DataFolder(tmp_path / "a" / "b")
    folder.acquire()
    for path in (tmp_path / "a", tmp_path / "a" / "b", tmp_path / "a" / "b" / "graphs"):
        assert mode(path) == 0o700
    assert mode(folder.path / "kastor.lock") == 0o600
    folder.release()


def test_what_an_earlier_version_made_is_tightened_once(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    for each in ("graphs", "tls"):
        (folder / each).mkdir(parents=True, mode=0o755)
    made = [
        folder / name
        for name in ("graphs/default.sqlite3", "graphs/default.sqlite3-wal", "tls/ca.pem", "tokens")
    ]
    for path in made:
        path.touch(0o644)
    outside = tmp_path / "outside"
    outside.touch(0o644)
    (folder / "tls" / "link").symlink_to(outside)
    DataFolder(folder).tighten()
    assert [mode(path) for path in made] == [0o600] * 4
    assert [mode(path) for path in (folder, folder / "graphs", folder / "tls")] == [0o700] * 3
    assert mode(outside) == 0o644
    assert tighten([folder, *folder.rglob("*")]) == ([], [])


def test_a_folder_with_other_peoples_files_is_left_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    (folder / "graphs").mkdir(parents=True, mode=0o755)
    (folder / "notes.txt").touch(0o644)
    DataFolder(folder).tighten()
    assert mode(folder) == 0o755
    assert mode(folder / "notes.txt") == 0o644
    assert mode(folder / "graphs") == 0o700


def test_making_a_folder_leaves_those_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir(0o755)
    make_folder(tmp_path / "there" / "new")
    assert mode(tmp_path / "there") == 0o755
    assert mode(tmp_path / "there" / "new") == 0o700


async def test_a_graph_has_its_name_only_once_it_is_one(
    sqlite: SqliteEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sqlite.path()
    seen: list[list[str]] = []
    create = schema._create

    def watched(connection: apsw.Connection, application: int) -> None:
        seen.append(sorted(each.name for each in sqlite.folder.iterdir()))
        create(connection, application)
        raise RuntimeError("killed")

    monkeypatch.setattr(schema, "_create", watched)
    with pytest.raises(RuntimeError, match="killed"):
        await sqlite.open()
    assert seen == [["graph.sqlite3.making"]]
    assert list(sqlite.folder.iterdir()) == []
    # A power cut leaves it there; the next start makes it anew.
    monkeypatch.undo()
    (sqlite.folder / "graph.sqlite3.making").write_bytes(b"half")
    store = await sqlite.open()
    assert store.engine.schema == ""
    assert path.exists()
    assert not (sqlite.folder / "graph.sqlite3.making").exists()


async def test_a_full_disk_makes_no_graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_path: Path) -> None:
        raise apsw.FullError("database or disk is full")

    monkeypatch.setattr(files, "make", full)
    placement = FilePlacement(tmp_path)
    with pytest.raises(Unavailable, match="disk is full") as caught:
        await placement.add("other", Wish())
    assert caught.value.retry_after > 0
    with pytest.raises(FolderNotWritableError, match="disk is full"):
        await placement.add(DEFAULT, Wish())
    monkeypatch.undo()
    await placement.add("other", Wish())
    files.require_whole(tmp_path / "other.sqlite3")


async def test_an_empty_file_is_refused_with_the_cure(sqlite: SqliteEngine) -> None:
    sqlite.path().touch()
    with pytest.raises(DamagedGraphError, match=r"is empty.*backup"):
        await sqlite.open()
    assert sqlite.path().stat().st_size == 0


async def test_a_log_whose_file_is_gone_is_not_worked_into_a_new_one(sqlite: SqliteEngine) -> None:
    await filled(sqlite, twins=3)
    other = SqliteEngine(sqlite.folder / "other")
    other.folder.mkdir()
    shutil.copy(f"{sqlite.path()}-wal", f"{other.path()}-wal")
    with pytest.raises(DamagedGraphError, match=r"missing.*Put the file back"):
        await other.open()
    assert not other.path().exists()
    placement = FilePlacement(other.folder)
    shutil.copy(f"{sqlite.path()}-wal", other.folder / "default.sqlite3-wal")
    with pytest.raises(DamagedGraphError):
        await placement.add(DEFAULT, Wish())


@pytest.mark.parametrize("share", [0.99, 0.5, 0.0])
async def test_a_file_that_was_cut_short_is_refused(sqlite: SqliteEngine, share: float) -> None:
    await close(sqlite, await filled(sqlite))
    size = sqlite.path().stat().st_size
    os.truncate(sqlite.path(), max(4096, int(size * share)))
    with pytest.raises(DamagedGraphError, match=r"cut short.*backup"):
        await sqlite.open()
    with pytest.raises(DamagedGraphError, match="cut short"):
        SqliteGraphFile.reading(sqlite.path())


async def test_a_file_that_was_cut_beside_a_log_is_refused(sqlite: SqliteEngine) -> None:
    graph = await filled(sqlite)
    embedded(graph.store)._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_FULL)
    await graph.put("last", hall(seats=1))
    crashed = SqliteEngine(sqlite.folder / "crashed")
    crashed.folder.mkdir()
    for end in ("", "-wal"):
        shutil.copy(f"{sqlite.path()}{end}", f"{crashed.path()}{end}")
    os.truncate(crashed.path(), 32_768)
    with pytest.raises(DamagedGraphError):
        await crashed.open()


async def test_what_a_crash_left_in_the_log_is_there_again(sqlite: SqliteEngine) -> None:
    await filled(sqlite)
    crashed = SqliteEngine(sqlite.folder / "crashed")
    crashed.folder.mkdir()
    for end in ("", "-wal"):
        shutil.copy(f"{sqlite.path()}{end}", f"{crashed.path()}{end}")
    store = await crashed.open()
    assert (await store.status(SYSTEM)).twins == 300
    await crashed.close()


@pytest.mark.parametrize("page", [3, 10, 20])
async def test_a_page_of_rubbish_is_refused(sqlite: SqliteEngine, page: int) -> None:
    await close(sqlite, await filled(sqlite))
    with sqlite.path().open("r+b") as file:
        file.seek(page * 4096)
        file.write(b"\x93rubbish" * 512)
    with pytest.raises(DamagedGraphError, match=r"is damaged.*backup"):
        await sqlite.open()


async def test_a_missing_table_is_refused(sqlite: SqliteEngine) -> None:
    await close(sqlite, await filled(sqlite, twins=1))
    connection = apsw.Connection(str(sqlite.path()))
    connection.execute("DROP TABLE dead_letters")
    connection.close()
    with pytest.raises(DamagedGraphError, match="dead_letters"):
        await sqlite.open()


async def test_looking_for_damage_has_an_end(
    sqlite: SqliteEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await close(sqlite, await filled(sqlite))
    monkeypatch.setattr(files, "CHECK_SECONDS", 0.0)
    monkeypatch.setattr(files, "_CHECK_STEPS", 1)
    store = await sqlite.open()
    assert (await store.status(SYSTEM)).twins == 300


async def test_a_copy_is_refused_until_it_is_finished(sqlite: SqliteEngine) -> None:
    await close(sqlite, await filled(sqlite, "source", twins=20))
    target = sqlite.path("target")
    reading, writing = (
        SqliteGraphFile.reading(sqlite.path("source")),
        SqliteGraphFile.writing(target),
    )
    with pytest.raises(UnfinishedGraphError, match=r"not finished.*kastor copy"):
        await sqlite.open("target")  # killed before the first row
    await synchronise(reading, writing)
    await writing.close()  # killed before it was verified
    with pytest.raises(UnfinishedGraphError):
        await sqlite.open("target")
    with pytest.raises(UnfinishedGraphError):
        SqliteGraphFile.reading(target)
    assert mode(target) == 0o600
    writing = SqliteGraphFile.writing(target)  # it goes on
    assert await synchronise(reading, writing) == 0
    await writing.finish()
    await writing.close()
    store = await sqlite.open("target")
    assert (await store.status(SYSTEM)).twins == 20
    await store.close()
    sqlite._stores.clear()
    # Brought up to date once more: from the first row on it is not whole again.
    writing = SqliteGraphFile.writing(target)
    await writing.drop(next(each for each in TABLES if each.name == "changes"), [(1,)])
    await writing.close()
    with pytest.raises(UnfinishedGraphError):
        await sqlite.open("target")
    await reading.close()


async def test_a_copy_that_has_nothing_to_bring_leaves_its_target_whole(
    sqlite: SqliteEngine,
) -> None:
    await close(sqlite, await filled(sqlite, "source", twins=20))
    target = sqlite.path("target")
    reading = SqliteGraphFile.reading(sqlite.path("source"))
    for last in (False, True):
        writing = SqliteGraphFile.writing(target)
        await synchronise(reading, writing)
        if not last:
            await writing.finish()
        await writing.close()  # the second time killed before it was verified
    await reading.close()
    store = await sqlite.open("target")
    assert (await store.status(SYSTEM)).twins == 20


async def test_an_unfinished_copy_is_kastors_also_while_only_its_log_says_so(
    sqlite: SqliteEngine,
) -> None:
    connection = apsw.Connection(str(sqlite.path()))
    connection.execute("PRAGMA journal_mode = WAL").fetchall()
    schema.prepare(connection, unfinished=True)
    assert is_ours(sqlite.path())
    connection.close()


async def test_what_the_server_reads_for_itself_ends_when_the_graph_is_closed(
    sqlite: SqliteEngine,
) -> None:
    """Counting a large graph takes longer than a stop may."""
    await close(sqlite, await filled(sqlite, twins=1))
    pool = ReadPool(sqlite.path(), 1)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    counting = asyncio.ensure_future(pool.call(lambda c: c.execute(endless).fetchall()))
    queued = asyncio.ensure_future(pool.call(lambda c: c.execute("SELECT 1").fetchall()))
    await asyncio.sleep(0.1)
    async with asyncio.timeout(5):
        await asyncio.to_thread(pool.close)
        for each in (counting, queued):
            with pytest.raises(Unavailable):
                await each


async def test_a_target_that_is_only_looked_at_stays_whole(sqlite: SqliteEngine) -> None:
    await close(sqlite, await filled(sqlite, twins=1))
    writing = SqliteGraphFile.writing(sqlite.path())
    await writing.identification()
    await writing.close()
    assert await sqlite.open()


async def test_a_database_of_another_program_is_no_target(sqlite: SqliteEngine) -> None:
    foreign = apsw.Connection(str(sqlite.path()))
    foreign.execute("CREATE TABLE songs (title)")
    foreign.close()
    with pytest.raises(NotAGraphError, match="another program"):
        SqliteGraphFile.writing(sqlite.path())
