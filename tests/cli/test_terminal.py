"""What only a terminal and a pipe show: colours, questions, Ctrl+C, a reader that goes away."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from kastor.cli.main import app
from kastor.testing import KastorServer
from tests.system.program import environment

from .terminal import ESCAPE
from .tree import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .terminal import Cli


FULL = Path("/dev/full")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with KastorServer() as server:
        yield server.url


@pytest.mark.parametrize("columns", [80, 200])
def test_help_fits_and_has_colours_in_a_terminal_alone(cli: Cli, columns: int) -> None:
    seen = cli.shown("--help", columns=columns)
    assert seen.status == 0
    assert ESCAPE in seen.raw
    assert max(map(len, seen.lines)) == columns
    assert all(line[-1] in "╮│╯" for line in seen.lines if line[:1] in ("╭", "│", "╰"))
    piped = cli.pipe("--help").out
    assert ESCAPE not in piped
    for name in (path[0] for path in COMMANDS if len(path) == 1):
        assert f"│ {name} " in seen.text
        assert f"│ {name} " in piped
    assert ESCAPE not in cli.shown("--help", NO_COLOR="1", TERM="dumb").raw


def test_a_server_ends_with_ctrl_c(cli: Cli, tmp_path: Path) -> None:
    words = ("serve", "--port", "0", "--data", tmp_path / "data")
    with cli.terminal(*words, folder=tmp_path) as terminal:
        terminal.wait_for("Stop with")
        terminal.interrupt()
        assert terminal.end() == 0
        assert "Traceback" not in terminal.raw


@pytest.mark.parametrize(("answer", "status", "left"), [("n", 1, True), ("y", 0, False)])
def test_a_reset_asks(cli: Cli, tmp_path: Path, answer: str, status: int, left: bool) -> None:
    graph = tmp_path / "graphs" / "default.sqlite3"
    graph.parent.mkdir()
    for file in (graph, graph.with_name("default.sqlite3-wal")):
        file.write_text("")
    with cli.terminal("reset", "--data", tmp_path, columns=200) as terminal:
        terminal.wait_for(f"Delete the whole graph in {tmp_path}? [y/N]")
        terminal.send(f"{answer}\r")
        assert terminal.end() == status
    assert graph.exists() == left


def test_what_is_asked_is_answered_or_left(cli: Cli, url: str) -> None:
    assert cli.pipe("graph", "create", "asked", KASTOR_URL=url).status == 0
    for answer, status, gone in (("n\r", 1, False), ("\r", 1, False), ("y\r", 0, True)):
        with cli.terminal("graph", "delete", "asked", KASTOR_URL=url) as terminal:
            terminal.wait_for("[y/N]")
            terminal.send(answer)
            assert terminal.end() == status
        assert ("asked" in cli.pipe("graph", "list", KASTOR_URL=url).out) is not gone


def test_a_question_is_stopped_with_one_line(cli: Cli, url: str) -> None:
    with cli.terminal("graph", "delete", "asked", KASTOR_URL=url) as terminal:
        terminal.wait_for("[y/N]")
        terminal.interrupt()
        assert terminal.end() == 130
        assert terminal.lines[-1] == "kastor: Stopped."
        assert len(terminal.lines) <= 3


def test_nothing_is_asked_where_nobody_answers(cli: Cli, url: str) -> None:
    done = cli.pipe("graph", "delete", "asked", stdin="y\n", KASTOR_URL=url)
    assert (done.status, done.out) == (2, "")
    assert "--yes" in done.err


def test_a_token_is_asked_for_without_being_shown(cli: Cli, tmp_path: Path) -> None:
    words = ("context", "add", "a", "--url", "http://127.0.0.1:9", "--token-stdin")
    with cli.terminal(*words, folder=tmp_path, HOME=str(tmp_path)) as terminal:
        terminal.wait_for("Token:")
        terminal.send("kst_secret\r")
        assert terminal.end() == 0
        assert "secret" not in terminal.raw


def test_a_table_in_a_narrow_terminal_keeps_its_columns(cli: Cli, url: str) -> None:
    seen = cli.shown("graph", "list", columns=40, KASTOR_URL=url)
    assert all(len(line) <= 40 for line in seen.lines), seen.lines
    assert seen.lines[0].split() == ["name", "state", "place"]


@pytest.mark.parametrize("words", [("docs", "settings"), ("--help",), ("docs",)])
def test_a_reader_that_goes_away_ends_a_command_quietly(words: tuple[str, ...]) -> None:
    """With an interpreter of its own: it is the end of that which may complain."""
    process = subprocess.Popen(
        [sys.executable, "-m", "kastor", *words],
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(30) == 141


@pytest.mark.skipif(not FULL.exists(), reason="Linux has it")
def test_an_answer_that_cannot_be_written_is_told_in_a_line() -> None:
    for words in (("docs",), ("--help",), ("--version",)):
        with FULL.open("w") as full:
            done = subprocess.run(
                [sys.executable, "-m", "kastor", *words],
                env=environment(), stdout=full, stderr=subprocess.PIPE, text=True, check=False,
                timeout=30,
            )  # fmt: skip
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert "No space left on device" in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_an_answer_is_utf_8_whatever_the_locale_is(encoding: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kastor", "--help"],
        env=environment(PYTHONIOENCODING=encoding, PYTHONUTF8="0", LC_ALL="C"),
        capture_output=True, check=False, timeout=30,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    assert "╭─ Commands" in done.stdout.decode("utf-8")


def test_a_terminal_of_another_encoding_gets_what_it_can_show(url: str) -> None:
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "kastor", "graph", "list", "--url", url],
        env=environment(PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C"),
        stdout=theirs, stderr=subprocess.PIPE, check=False, timeout=30,
    )  # fmt: skip
    os.close(theirs)
    with os.fdopen(ours, "rb", buffering=0) as screen:
        assert b"?????" in screen.read(4096)  # the line below the titles
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_fault_of_kastor_itself_is_a_line_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken() -> None:
        raise KeyError("colour")

    monkeypatch.setattr("kastor.cli.contexts.load_contexts", broken)
    for variables, said in (({}, True), ({"KASTOR_TRACEBACK": "1"}, False)):
        done = CliRunner().invoke(app, ["graph", "list"], env=variables)
        assert done.exit_code == 1
        assert ("KASTOR_TRACEBACK=1" in done.stderr) is said
        assert isinstance(done.exception, KeyError) is not said


def test_a_file_in_the_place_of_another_is_told(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "kastor" / "contexts.json").mkdir(parents=True)
    done = cli.pipe("context", "list", XDG_CONFIG_HOME=str(tmp_path))
    assert done.status == 2
    assert done.err.count("\n") == 1
