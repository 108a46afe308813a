"""A backup or a restore that is killed leaves its source and the old graphs whole."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from kastor.storage.sqlite.replacing import replace_all
from tests.backups import digests, graph_file, make_source
from tests.system.program import COMMAND, environment, invoked, kastor

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(
        os.environ.get("KASTOR_TEST_ENGINE") == "postgres", reason="about files of SQLite"
    ),
]
KILLS = int(os.environ.get("KASTOR_BACKUP_KILLS", "3"))
SECONDS = 60


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    return make_source(folder / "data", folder / "out" / "events.ndjson")


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Other graphs of the same names."""
    folder = tmp_path_factory.mktemp("old")
    return make_source(folder / "data", folder / "out" / "events.ndjson")


@pytest.fixture(scope="module")
def backup(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("backup") / "b"
    assert invoked("backup", folder, "--data", source, "-q").returncode == 0
    return folder


def start(*arguments: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*COMMAND, *map(str, arguments), "-q"], env=environment())


def kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait(SECONDS)


def test_a_killed_backup_does_not_look_whole(source: Path, tmp_path: Path) -> None:
    before = [digests(graph_file(source, name)) for name in ("default", "second")]
    target = tmp_path / "b"
    process = start("backup", target, "--data", source)
    while not list(target.glob("*.unfinished")):
        assert process.poll() is None
        time.sleep(0.0005)
    kill(process)
    if not (target / "manifest.json").exists():
        refused = invoked("restore", target, "--data", tmp_path / "r", "-q")
        assert "so it is no whole backup" in refused.stderr
        assert invoked("backup", target, "--data", source, "-q").returncode == 0
    assert invoked("restore", target, "--data", tmp_path / "r", "-q").returncode == 0
    assert [digests(graph_file(source, name)) for name in ("default", "second")] == before
    assert [digests(graph_file(tmp_path / "r", name)) for name in ("default", "second")] == before


def test_a_killed_restore_leaves_each_graph_old_or_new(
    source: Path, old: Path, backup: Path, tmp_path: Path
) -> None:
    begun = time.monotonic()
    timed = Path(shutil.copytree(old, tmp_path / "timed"))
    assert kastor("restore", backup, "--data", timed, "--replace", "-q").returncode == 0
    takes = time.monotonic() - begun
    chance = random.Random(KILLS)
    for n in range(KILLS):
        data = Path(shutil.copytree(old, tmp_path / str(n)))
        process = start("restore", backup, "--data", data, "--replace")
        time.sleep(takes * chance.uniform(0.5, 1.0))
        kill(process)
        for name in ("default", "second"):
            wanted = [digests(graph_file(each, name)) for each in (old, source)]
            assert digests(graph_file(data, name)) in wanted
        assert invoked("restore", backup, "--data", data, "--replace", "-q").returncode == 0
        require_new(data, source)


def test_at_no_step_of_a_replacement_is_a_graph_missing(
    source: Path, old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call that changes a name is the last one once."""
    steps = 0
    while True:
        data = Path(shutil.copytree(old, tmp_path / str(steps)))
        coming = {}
        for name in ("default", "second"):
            coming[graph_file(data, name)] = data / "graphs" / f"{name}.restoring"
            shutil.copy(graph_file(source, name), data / "graphs" / f"{name}.restoring")
        left = steps
        with monkeypatch.context() as patch:

            def last(*arguments: object, call: object, **options: object) -> object:
                nonlocal left
                if left == 0:
                    raise KeyboardInterrupt
                left -= 1
                return call(*arguments, **options)  # type: ignore[operator]

            for owner, name in ((os, "link"), (Path, "replace"), (Path, "unlink")):
                call = getattr(owner, name)
                patch.setattr(owner, name, _bound(last, call))
            try:
                replace_all(coming)
            except KeyboardInterrupt:
                pass
            else:
                break
        for name in ("default", "second"):
            wanted = [digests(graph_file(each, name)) for each in (old, source)]
            assert digests(graph_file(data, name)) in wanted
        steps += 1
    assert steps > 8
    require_new(data, source)


def _bound(last: object, call: object) -> object:
    def stand_in(*arguments: object, **options: object) -> object:
        return last(*arguments, call=call, **options)  # type: ignore[operator]

    return stand_in


def require_new(data: Path, source: Path) -> None:
    for name in ("default", "second"):
        assert digests(graph_file(data, name)) == digests(graph_file(source, name))
    names = {path.name for path in (data / "graphs").iterdir()}
    assert names == {"default.sqlite3", "second.sqlite3"}
