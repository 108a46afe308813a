"""`kastor backup` and `kastor restore` on files: what comes back is equal, what is damaged does not."""

from __future__ import annotations

import hashlib
import json
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import httpx2
import pytest
import zstandard

from kastor.backup import into_files
from kastor.testing import KastorServer
from tests.backups import (
    VERSION,
    digests,
    graph_file,
    lines_of,
    make_large,
    make_source,
    manifest_of,
    plant_drawing,
    require_harmless,
    twin,
)

from .program import environment, invoked, kastor

NAMES = ("default", "second")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    return make_source(folder / "data", folder / "out" / "events.ndjson")


@pytest.fixture(scope="module")
def whole(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of the source."""
    folder = tmp_path_factory.mktemp("backup") / "b"
    done = invoked("backup", folder, "--data", source, "--quiet")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def backup(whole: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return Path(shutil.copytree(whole, tmp_path / "backup"))


def modes(folder: Path) -> set[str]:
    return {
        f"{'d' if path.is_dir() else 'f'} {stat.S_IMODE(path.lstat().st_mode):o}"
        for path in (folder, *folder.rglob("*"))
    }


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder; the lock's number is another one each time."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "kastor.lock"
    }


def fail(*_: object) -> None:
    raise OSError(28, "No space left on device")


def query(path: Path, sql: str) -> Any:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def _without(name: str, manifest: dict[str, Any]) -> None:
    del manifest["graphs"][0]["tables"][name]


class TestWhole:
    def test_graphs_come_back_equal_and_are_served(
        self, source: Path, whole: Path, tmp_path: Path
    ) -> None:
        target = tmp_path / "restored"
        done = kastor("restore", whole, "--data", target)
        assert done.returncode == 0, done.stderr
        assert "2 routes and 2 inputs go on" in done.stdout
        manifest = manifest_of(whole)
        assert [each["name"] for each in manifest["graphs"]] == list(NAMES)
        for graph in manifest["graphs"]:
            here, there = (graph_file(data, graph["name"]) for data in (source, target))
            assert digests(here) == digests(there)
            same = "SELECT host_name, model_epoch, last_tick, version_bytes, log_bytes FROM meta"
            assert query(here, same) == query(there, same)
            key = "SELECT signing_key FROM meta"
            assert query(here, key) != query(there, key), "keys stay where they are"
            rows = {name: table["rows"] for name, table in graph["tables"].items()}
            empty = {name for name, count in rows.items() if not count}
            # No clock was set back, and nobody asked that telemetry be kept.
            assert empty <= {"setbacks", "telemetry"} or graph["name"] == "second", rows
        assert modes(whole) == {"d 700", "f 600"}
        assert modes(target) == {"d 700", "f 600"}
        with (
            KastorServer(data_dir=target) as server,
            httpx2.Client(base_url=server.url, params=VERSION) as http,
        ):
            for graph in ("", "/graphs/second"):
                found = http.get(f"{graph}/kastor/v1/indexes").json()["value"]
                assert [each["path"] for each in found] == ["size"]
                assert http.put(f"{graph}/digitaltwins/t7", json=twin()).status_code == 200
                assert http.get(f"{graph}/digitaltwins/t6").json()["size"] == 2**63 - 1
                kept = f"{graph}/kastor/v1/explorer"
                assert http.get(f"{kept}/views/\u00e4 view").json() == {"zoom": 1.5}
                assert http.get(f"{kept}/files/plan").text.startswith("<svg ")
                told = http.get(f"{graph}/kastor/v1/digitaltwins/t5/history").json()["value"]
                assert told[-1]["via"]["reason"] == "a reason \u00e4"

    def test_a_drawing_that_a_backup_brings_is_made_harmless(
        self, source: Path, tmp_path: Path
    ) -> None:
        data, other, target = tmp_path / "data", tmp_path / "backup", tmp_path / "restored"
        shutil.copytree(source, data)
        plant_drawing(graph_file(data))
        done = invoked("backup", other, "--data", data, "--quiet")
        assert done.returncode == 0, done.stderr
        done = kastor("restore", other, "--data", target)
        assert done.returncode == 0, done.stderr
        with KastorServer(data_dir=target) as server:
            require_harmless(server)

    def test_a_backup_of_before_there_was_anything_saved_comes_back(
        self, backup: Path, source: Path, tmp_path: Path
    ) -> None:
        lines = lines_of(backup)
        begins = next(n for n, line in enumerate(lines) if line.startswith(b'{"table":"saved"'))
        rewrite(backup, lines[:begins])
        later = ("saved", "vector_indexes", "vectors")
        for name in later:
            edit(backup, partial(_without, name))
        done = kastor("restore", backup, "--data", tmp_path / "restored")
        assert done.returncode == 0, done.stderr
        found = digests(graph_file(tmp_path / "restored"))
        assert [found.pop(name).rows for name in later] == [0, 0, 0]
        assert found == {
            name: each for name, each in digests(graph_file(source)).items() if name not in later
        }

    def test_a_backup_of_before_ways_of_changes_were_kept_comes_back(
        self, backup: Path, source: Path, tmp_path: Path
    ) -> None:
        lines = lines_of(backup)
        begins, ends = (
            next(n for n, line in enumerate(lines) if line.startswith(b'{"table":"%b"' % name))
            for name in (b"origins", b"setbacks")
        )
        assert ends - begins == 2, "there was one"
        rewrite(backup, [*lines[:begins], *lines[ends:]])
        edit(backup, lambda manifest: manifest["graphs"][0]["tables"].pop("origins"))
        done = kastor("restore", backup, "--data", tmp_path / "restored")
        assert done.returncode == 0, done.stderr
        found = digests(graph_file(tmp_path / "restored"))
        assert found.pop("origins").rows == 0
        assert found == {
            name: each for name, each in digests(graph_file(source)).items() if name != "origins"
        }

    def test_what_the_format_is(self, whole: Path) -> None:
        """As docs/reference/backups.md says."""
        manifest = manifest_of(whole)
        assert (manifest["format"], manifest["engine"]) == (1, "sqlite")
        graph = manifest["graphs"][0]
        packed = (whole / "default.jsonl.zst").read_bytes()
        lines = lines_of(whole)
        assert graph["bytes"] == len(packed)
        assert graph["sha256"] == hashlib.sha256(packed).hexdigest()
        assert graph["decompressedBytes"] == sum(map(len, lines))
        assert graph["longestLine"] == max(map(len, lines))
        assert graph["indexes"] == ["size"]
        assert "signingKey" not in graph
        heads = [json.loads(line) for line in lines if line.startswith(b"{")]
        assert [head["table"] for head in heads] == list(graph["tables"])
        letters = next(at for at, line in enumerate(lines) if b'"dead_letters"' in line)
        assert json.loads(lines[letters + 1])[3] == "AP97"
        assert b'"size":9223372036854775807' in b"".join(lines)

    def test_tokens_and_certificates_come_with_secrets_alone(
        self, source: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        data = Path(shutil.copytree(source, tmp_path / "data"))
        token = invoked("token", "create", "--data", data).stdout.strip()
        with (data / "tokens").open("a") as file:  # of every form, and as many as there may be
            file.write(f"{'0' * 64} reader of an earlier version\n# mine\n")
            old = {"sha256": "1" * 64, "role": "shift", "name": "n", "graphs": ["a-*"]}
            file.write(f"{json.dumps(old)}\n" + ("#".ljust(399) + "\n") * 9_000)
        assert (data / "tokens").stat().st_size > 3_500_000
        assert invoked("token", "rotate", "n", "--data", data).returncode == 0
        for name in ("tls/key.pem", "secrets/broker"):
            (data / name).parent.mkdir(exist_ok=True)
            (data / name).write_text(f"the {name}")
        (data / "secrets" / "link").symlink_to(data / "tokens")
        backup, target = tmp_path / "b", tmp_path / "restored"
        done = invoked("backup", backup, "--data", data, "--with-secrets", "-q")
        assert done.returncode == 0, done.stderr
        paths = [each["path"] for each in manifest_of(backup)["private"]]
        assert paths == ["tokens", "tls/key.pem", "secrets/broker"]
        assert invoked("restore", backup, "--data", target, "-q").returncode == 0
        for name in paths:
            assert (target / name).read_bytes() == (data / name).read_bytes()
        assert modes(target) == modes(backup) == {"d 700", "f 600"}
        assert not list(target.rglob("*.restoring"))
        before = tree(target)
        taken = invoked("restore", backup, "--data", target, "-q")
        assert "tokens" in taken.stderr
        with monkeypatch.context() as patch:
            patch.setattr(into_files, "replace_all", fail)
            broken = invoked("restore", backup, "--data", target, "--replace", "-q")
            assert "No space left" in broken.stderr
        assert tree(target) == before
        key = "SELECT signing_key FROM meta"
        assert query(graph_file(target), key) == query(graph_file(data), key)
        held = b"".join(path.read_bytes() for path in whole.iterdir())
        assert hashlib.sha256(token.encode()).hexdigest().encode() not in held
        assert "private" not in manifest_of(whole)
        refused = invoked("backup", tmp_path / "n", "--url", "http://127.0.0.1:9", "--with-secrets")
        assert refused.returncode == 2
        assert "never leave a server over HTTP" in refused.stderr
        both = invoked("backup", tmp_path / "n", "--url", "http://127.0.0.1:9", "--data", data)
        assert both.returncode == 2
        assert "not both" in both.stderr
        assert not (tmp_path / "n").exists()

    def test_routes_and_inputs_wait_if_that_is_asked_for(self, whole: Path, tmp_path: Path) -> None:
        done = invoked("restore", whole, "--data", tmp_path / "r", "--paused", "-q")
        assert "`kastor route resume`, `kastor input resume`" in done.stdout
        for name in NAMES:
            file = graph_file(tmp_path / "r", name)
            paused = "SELECT paused FROM routes UNION ALL SELECT paused FROM inputs"
            assert query(file, paused) == [(1,), (1,)]


class TestPlaces:
    def test_a_folder_with_graphs_is_left_alone_or_replaced(
        self, whole: Path, source: Path, tmp_path: Path
    ) -> None:
        data = tmp_path / "data"
        with KastorServer(data_dir=data) as server:
            assert httpx2.put(f"{server.url}/kastor/v1/graphs/other").is_success
            used = invoked("restore", whole, "--data", data, "--replace", "-q")
            assert "in use by another Kastor" in used.stderr
        before = tree(data)
        refused = invoked("restore", whole, "--data", data, "-q")
        assert refused.returncode == 1
        assert "holds default.sqlite3, other.sqlite3 already; nothing was changed" in refused.stderr
        assert tree(data) == before
        done = invoked("restore", whole, "--data", data, "--replace", "-q")
        assert done.returncode == 0, done.stderr
        assert digests(graph_file(data)) == digests(graph_file(source))
        names = {path.name for path in (data / "graphs").iterdir()}
        # The search index of a graph that was replaced is gone; it is made anew.
        assert names == {"default.sqlite3", "other.search", "other.sqlite3", "second.sqlite3"}
        with KastorServer(data_dir=data) as server:
            graphs = httpx2.get(f"{server.url}/kastor/v1/graphs").json()["value"]
            assert [each["name"] for each in graphs] == ["default", "other", "second"]

    def test_a_damaged_graph_with_a_log_is_replaced(
        self, whole: Path, source: Path, tmp_path: Path
    ) -> None:
        file = graph_file(tmp_path)
        file.parent.mkdir()
        file.write_bytes(b"no database at all")
        Path(f"{file}-wal").write_bytes(b"nor a log")
        done = invoked("restore", whole, "--data", tmp_path, "--replace", "-q")
        assert done.returncode == 0, done.stderr
        assert digests(file) == digests(graph_file(source))

    def test_a_restore_that_fails_leaves_the_old_graphs(
        self, whole: Path, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        data = Path(shutil.copytree(source, tmp_path / "data"))
        before = tree(data)
        monkeypatch.setattr(into_files, "replace_all", fail)
        done = invoked("restore", whole, "--data", data, "--replace", "-q")
        assert "No space left" in done.stderr
        assert tree(data) == before

    def test_a_destination_that_holds_something_is_refused(
        self, source: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "mine").write_text("mine")
        done = invoked("backup", tmp_path, "--data", source, "-q")
        assert "is not empty, and a backup replaces nothing" in done.stderr
        assert tree(tmp_path) == {"mine": b"mine"}
        nothing = invoked("backup", tmp_path / "b", "--data", tmp_path / "none", "-q")
        assert "There is no graph in" in nothing.stderr
        assert not (tmp_path / "b" / "manifest.json").exists()

    def test_what_a_killed_backup_left_gives_way(self, source: Path, tmp_path: Path) -> None:
        (tmp_path / "default.jsonl.zst.unfinished").write_text("half")
        assert invoked("restore", tmp_path, "--data", tmp_path / "r").returncode == 1
        done = invoked("backup", tmp_path, "--data", source, "-q")
        assert done.returncode == 0, done.stderr
        assert {path.name for path in tmp_path.iterdir()} == {
            "manifest.json",
            *(f"{name}.jsonl.zst" for name in NAMES),
        }

    def test_a_backup_that_fails_leaves_nothing(self, source: Path, tmp_path: Path) -> None:
        data = Path(shutil.copytree(source, tmp_path / "data"))
        graph_file(data, "second").write_bytes(b"")
        done = invoked("backup", tmp_path / "b", "--data", data, "-q")
        assert done.returncode == 1
        assert "second.sqlite3 is empty" in done.stderr
        assert tree(tmp_path / "b") == {}


def edit(backup: Path, change: Callable[[dict[str, Any]], None]) -> None:
    manifest = manifest_of(backup)
    change(manifest)
    (backup / "manifest.json").write_text(json.dumps(manifest))


def rewrite(backup: Path, lines: list[bytes], **said: Any) -> None:
    """Put other lines into a graph's file, with a manifest that has its size and hash."""
    packed = zstandard.compress(b"".join(lines))
    (backup / "default.jsonl.zst").write_bytes(packed)

    def change(manifest: dict[str, Any]) -> None:
        manifest["graphs"][0] |= {
            "bytes": len(packed),
            "sha256": hashlib.sha256(packed).hexdigest(),
            "decompressedBytes": sum(map(len, lines)),
            "longestLine": max(map(len, lines)),
            **said,
        }

    edit(backup, change)


def flip(backup: Path) -> None:
    file = backup / "second.jsonl.zst"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def cut(backup: Path) -> None:
    file = backup / "second.jsonl.zst"
    file.write_bytes(file.read_bytes()[:-20])


def lengthen(backup: Path) -> None:
    with (backup / "second.jsonl.zst").open("ab") as file:
        file.write(b"more")


def miss(backup: Path) -> None:
    (backup / "second.jsonl.zst").unlink()


def link(backup: Path) -> None:
    file = backup / "second.jsonl.zst"
    file.symlink_to(file.rename(backup.with_name("elsewhere")))


def no_manifest(backup: Path) -> None:
    (backup / "manifest.json").write_text('{"format": 1, "graphs": [[[[')


def newer(backup: Path) -> None:
    edit(backup, lambda manifest: manifest.update(format=2))


def climb(backup: Path) -> None:
    edit(backup, lambda manifest: manifest["graphs"][0].update(name="../default"))


def climb_privately(backup: Path) -> None:
    entry = {"path": "tls/../../key", "file": "private-0", "bytes": 0, "sha256": "0" * 64}
    edit(backup, lambda manifest: manifest.update(private=[entry]))


def twice(backup: Path) -> None:
    edit(backup, lambda manifest: manifest["graphs"].append(manifest["graphs"][0]))


def other_digest(backup: Path) -> None:
    edit(backup, lambda manifest: manifest["graphs"][1]["tables"]["twins"].update(sha256="0" * 64))


def no_table(backup: Path) -> None:
    edit(backup, lambda manifest: manifest["graphs"][1]["tables"].pop("inputs"))


def bomb(backup: Path) -> None:
    """Small, and without an end as soon as it is read."""
    lines = lines_of(backup)
    said = {"decompressedBytes": sum(map(len, lines)), "longestLine": max(map(len, lines))}
    rewrite(backup, [*lines[:1], b"[" * 2**26], **said)


def many_lines(backup: Path) -> None:
    lines = lines_of(backup)
    rewrite(backup, [lines[0], *[lines[1]] * 10**6], decompressedBytes=10**6)


def no_room(backup: Path) -> None:
    rewrite(backup, lines_of(backup), decompressedBytes=2**60)
    edit(backup, lambda manifest: manifest["graphs"][0].update(decompressedBytes=2**60))


def other_type(backup: Path) -> None:
    lines = lines_of(backup)
    rewrite(backup, [lines[0], lines[1].replace(b'"dtmi', b'["dtmi', 1), *lines[2:]])


def other_order(backup: Path) -> None:
    lines = lines_of(backup)
    rewrite(backup, [*lines[2:], *lines[:2]])


def one_row_more(backup: Path) -> None:
    lines = lines_of(backup)
    rewrite(backup, [*lines[:2], lines[1], *lines[2:]])


def no_document(backup: Path) -> None:
    lines = lines_of(backup)
    at = next(n for n, line in enumerate(lines) if line.startswith(b'{"table":"twins"')) + 1
    head, _, _ = lines[at].partition(b"{")
    rewrite(backup, [*lines[:at], head + b"[" * 100_000 + b"\n", *lines[at + 1 :]])


def odd_index(backup: Path) -> None:
    edit(backup, lambda manifest: manifest["graphs"][1].update(indexes=["a' OR 1"]))


DAMAGES: dict[Callable[[Path], None], str] = {
    flip: "the file of the graph second: it cannot be decompressed",
    cut: "the file of the graph second",
    lengthen: "it has more than the",
    miss: "There is no second.jsonl.zst in",
    link: "second.jsonl.zst cannot be read",
    no_manifest: "manifest.json is no manifest",
    newer: "The backup has format 2, and this Kastor reads format 1",
    climb: "manifest.json is no manifest",
    climb_privately: "manifest.json is no manifest",
    twice: "manifest.json names something twice",
    other_digest: "twins: the same number of rows, but others",
    no_table: "the tables of the graph second are not those of format 1 (inputs)",
    bomb: "a line has more than",
    many_lines: "it holds more than the 1000000 bytes",
    no_room: "has room for",
    other_type: "a line of the table model_keys is no row of it",
    other_order: "the table model_keys does not begin where it should",
    one_row_more: "model_keys: 4 rows where 3 should be",
    no_document: "a line of the table twins is no row of it",
    odd_index: "an index of the graph second",
}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda each: each.__name__)
def test_a_damaged_backup_is_refused_and_changes_nothing(
    damage: Callable[[Path], None], backup: Path, source: Path, tmp_path: Path
) -> None:
    damage(backup)
    new, old = tmp_path / "new", tmp_path / "old"
    old.mkdir()
    shutil.copytree(source / "graphs", old / "graphs")
    before = tree(old)
    targets = [(old, ["--replace"])]
    if damage in (flip, bomb, climb, odd_index):
        targets.append((new, []))
    for data, flags in targets:
        done = invoked("restore", backup, "--data", data, *flags, "-q")
        assert done.returncode == 1, done.stdout
        assert DAMAGES[damage] in " ".join(done.stderr.split()), done.stderr
        assert "Traceback" not in done.stderr
    assert tree(old) == before
    assert tree(new) == {} if damage is odd_index else not new.exists()


MEASURED = """
import re, sys
from kastor.cli.main import app
app(sys.argv[1:], standalone_mode=False)
print(re.search(r"VmHWM:[^0-9]*([0-9]+)", open("/proc/self/status").read())[1])
"""


def memory_of(*arguments: object) -> int:
    """Most memory of a command, in MB; what the system tells of a child has its parent's in it."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *map(str, arguments)],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout.split()[-1]) // 1024


def test_large_rows_take_no_memory(tmp_path: Path) -> None:
    """Twice as many documents of 2 MB take no more: some of them are there at once."""
    taken = []
    for count in (12, 24):
        data = tmp_path / f"data{count}"
        make_large(graph_file(data), count)
        backup = tmp_path / f"b{count}"
        there = memory_of("backup", backup, "--data", data, "-q")
        back = memory_of("restore", backup, "--data", tmp_path / f"r{count}", "-q")
        assert digests(graph_file(tmp_path / f"r{count}")) == digests(graph_file(data))
        taken.append((there, back))
    small, large_ones = taken
    assert max(large_ones) < 200, taken
    assert max(more - less for less, more in zip(small, large_ones, strict=True)) < 30, taken
