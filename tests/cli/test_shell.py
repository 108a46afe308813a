"""The shell in a real terminal: typed, completed, interrupted, left, and taken up again."""

from __future__ import annotations

import contextlib
import re
import stat
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import pytest

from kastor.cli.shell.history import MAX_BYTES, PrivateHistory, history_file, is_kept
from kastor.pages import all_pages
from kastor.testing import KastorServer

from .rooms import FLOOR, ROOM, interface, put_room
from .test_query import cloud

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kastor.client import KastorClient

    from .terminal import Cli, Terminal

__all__ = ["cloud"]
READY = "kastor>"
RETURN, TAB, UP, DOWN = "\r", "\t", "\x1b[A", "\x1b[B"
LEAVE, DROP = "\x04", "\x03"


Opener = contextlib.AbstractContextManager[Any]


@pytest.fixture
def shell(
    cli: Cli, graph: tuple[KastorServer, KastorClient], tmp_path: Path
) -> Callable[..., contextlib.AbstractContextManager[Terminal]]:
    """Opens a shell with a home of its own, and waits for its prompt."""

    @contextlib.contextmanager
    def run(**variables: str) -> Iterator[Terminal]:
        given: Any = {
            "KASTOR_URL": graph[0].url,
            "HOME": str(tmp_path),
            "KASTOR_PAGER": "",
            **variables,
        }
        with cli.terminal("query", columns=100, rows=40, **given) as terminal:
            terminal.wait_for(lambda lines: lines[-1] == READY)
            yield terminal

    return run


def after(terminal: Terminal, typed: str, *, ready: str = READY) -> list[str]:
    """Type a line, wait until the prompt is there again, and return what was printed between."""
    terminal.send("\x0c")  # an empty screen
    terminal.wait_for(lambda lines: lines == [ready])
    terminal.send(typed + RETURN)
    terminal.wait_for(lambda lines: len(lines) > 1 and lines[-1] == ready)
    return terminal.lines[1:-1]


def test_a_statement_is_typed_completed_run_and_there_again_the_next_time(
    shell: Callable[..., Any], tmp_path: Path
) -> None:
    with shell() as terminal:
        assert terminal.lines[0].startswith("Kastor ")
        assert " models, 13 twins, 75 relationships." in terminal.lines[0]
        terminal.send("sel" + TAB)
        terminal.wait_for("> select")
        terminal.send(" T.$dtId, T.na" + TAB)
        terminal.wait_for("T.name")
        terminal.send(" from digitaltwins T" + RETURN)
        terminal.wait_for(lambda lines: lines[-1].strip() == "->")
        terminal.send("where is_of_model('" + TAB)
        terminal.wait_for(f"{FLOOR}'")
        terminal.wait_for("Floor")
        terminal.send("Flo" + TAB)
        terminal.wait_for(f"is_of_model('{FLOOR}'")
        terminal.send(");" + RETURN)
        terminal.wait_for(lambda lines: lines[-1] == READY)
        assert terminal.lines[-5:-1] == [
            "$dtId  name",
            "─" * 18,
            "floor  First floor",
            "(1 row)",
        ]
        terminal.send(LEAVE)
        assert terminal.end() == 0
    file = tmp_path / ".local" / "state" / "kastor" / "history"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with shell() as terminal:
        terminal.send(UP)
        terminal.wait_for(f"where is_of_model('{FLOOR}');")
        assert "select T.$dtId, T.name from digitaltwins T" in terminal.lines[-2]
        terminal.send(RETURN)
        terminal.wait_for("(1 row)")
        terminal.send("quit" + RETURN)
        assert terminal.end() == 0


def test_commands_describe_the_graph(shell: Callable[..., Any]) -> None:
    with shell() as terminal:
        lines = after(terminal, "\\m")
        assert lines[0].split() == ["model", "name", "extends"]
        assert any(line.startswith(ROOM) for line in lines)
        lines = after(terminal, "\\m room")
        assert lines[0] == f"{ROOM}  Room"
        assert ["property", "name", "string", "dtmi:test:Space;1"] in [x.split() for x in lines]
        assert ["component", "knob", "dtmi:test:Thermostat;1"] in [x.split() for x in lines]
        assert after(terminal, "\\m nobody") == [
            "No model has 'nobody' in its id or name. \\m lists all."
        ]
        lines = after(terminal, "\\t room1")
        assert lines[0] == f"room1  {ROOM}"
        values = {tuple(line.split()[:2]) for line in lines}
        assert {("name", "Lab"), ("temperature", "20.5"), ("knob.setPoint", "21")} <= values
        assert "There is no digital twin" in " ".join(after(terminal, "\\t nobody"))
        lines = after(terminal, "\\r room1")
        assert lines[2].split() == ["from", "floor", "contains", "c1"]
        assert "room1" in "".join(after(terminal, "\\r floor"))
        assert after(terminal, "\\f array_l")[2].split()[:2] == ["ARRAY_LENGTH", "1"]
        lines = after(terminal, "\\?")
        assert [line.split()[0] for line in lines[:3]] == ["\\?", "\\m", "\\t"]


def test_commands_change_how_rows_are_shown(shell: Callable[..., Any]) -> None:
    one = "SELECT T.$dtId, T.name FROM DIGITALTWINS T WHERE T.$dtId = 'room1';"
    with shell() as terminal:
        assert after(terminal, "\\o ndjson") == ["Rows are written as ndjson."]
        assert after(terminal, one) == ['{"$dtId":"room1","name":"Lab"}']
        assert after(terminal, "\\m knob") == after(terminal, "\\m dtmi:test:Thermostat;1")
        assert after(terminal, "\\o xml") == [
            "error: Rows are written as one of: table, json, ndjson, csv."
        ]
        after(terminal, "\\o table")
        assert after(terminal, "\\x") == ["A table has a line for each value."]
        assert after(terminal, one)[1:] == ["$dtId  room1", "name   Lab", "(1 row)"]
        after(terminal, "\\x")
        assert after(terminal, "\\timing") == ["Times are shown."]
        assert after(terminal, one)[-1].startswith("Time: ")
        after(terminal, "\\timing")
        lines = after(terminal, "\\e")
        assert lines[0].startswith("first page  1 row in ")
        assert "(1 row)" not in lines
        lines = after(terminal, f"{one} SELECT COUNT() FROM RELATIONSHIPS;")
        assert "room1  Lab" in lines
        assert lines[-2].strip() == "75"


def test_errors_point_at_the_text_and_commands_say_what_they_lack(
    shell: Callable[..., Any],
) -> None:
    with shell() as terminal:
        assert after(terminal, "SELECT * FORM DIGITALTWINS; SELECT COUNT() FROM MODELS;") == [
            "error: mismatched input 'FORM' expecting 'FROM'",
            "  SELECT * FORM DIGITALTWINS",
            "           ^^^^",
            "The language: `kastor docs reference/query`.",
        ]
        assert after(terminal, "\\zz") == ["error: There is no command \\zz. \\? lists them."]
        assert after(terminal, "\\t") == ["error: It lacks something: \\t TWIN"]
        assert after(terminal, "\\x y") == ["error: \\x takes nothing behind it."]
        assert after(terminal, "\\e") != []
        assert "no model declares a property nme" in after(
            terminal, "SELECT * FROM DIGITALTWINS T WHERE T.nme = 1;"
        )[0]  # fmt: skip
        assert after(terminal, "SELECT COUNT() FROM DIGITALTWINS\r")[-1] == "(1 row)"


def test_ctrl_c_drops_a_line_and_cancels_a_query_and_the_shell_goes_on(
    shell: Callable[..., Any],
) -> None:
    with shell() as terminal:
        terminal.send("SELECT something" + DROP)
        terminal.wait_for(lambda lines: lines[-1] == READY)
        terminal.send("SELECT COUNT() FROM DIGITALTWINS MATCH (a)-[*..9]-(b);" + RETURN)
        terminal.wait_for(lambda lines: not lines[-1].startswith(READY) or "(b);" in lines[-1])
        with pytest.raises((AssertionError, TimeoutError)):
            terminal.wait_for("(1 row)", 0.6)
        terminal.interrupt()
        terminal.wait_for(lambda lines: lines[-2:] == ["Cancelled.", READY])
        assert after(terminal, "SELECT COUNT() FROM MODELS;")[-1] == "(1 row)"
        terminal.send(LEAVE)
        assert terminal.end() == 0


def test_watching_ends_with_ctrl_c_and_the_shell_goes_on(
    shell: Callable[..., Any], graph: tuple[KastorServer, KastorClient]
) -> None:
    with shell() as terminal:
        text = "\\w SELECT T.$dtId, T.name FROM DIGITALTWINS T WHERE T.temperature > 50"
        terminal.send(text + RETURN)
        terminal.wait_for("(0 rows; changes follow, Ctrl+C ends it)")
        put_room(graph[1], "hot", "Oven", 60)
        terminal.wait_for("+ hot  $dtId: hot, name: Oven")
        terminal.interrupt()
        terminal.wait_for(lambda lines: lines[-1] == READY)
        graph[1].twins.delete("hot")
        assert after(terminal, "\\x") == ["A table has a line for each value."]


def test_a_server_that_goes_is_told_and_another_is_gone_to(
    shell: Callable[..., Any], graph: tuple[KastorServer, KastorClient]
) -> None:
    with KastorServer() as server, shell(KASTOR_URL=server.url) as terminal:
        assert after(terminal, "\\m") == ["No models. `kastor models upload FOLDER` brings some."]
        server.stop()
        for _ in range(2):
            lines = after(terminal, "SELECT COUNT() FROM DIGITALTWINS;")
            assert lines[0].startswith("error: ")
            assert lines[-1] == "The shell goes on: try again, or \\c ADDRESS."
        assert after(terminal, "\\c http://127.0.0.1:9")[-1] == f"This is still {server.url}."
        assert "no context nowhere" in after(terminal, "\\c nowhere")[0]
        assert graph[0].url in after(terminal, f"\\c {graph[0].url}")[0]
        assert after(terminal, "SELECT COUNT() FROM DIGITALTWINS;")[-1] == "(1 row)"


def test_long_answers_go_through_the_pager_and_short_ones_do_not(
    shell: Callable[..., Any],
) -> None:
    long = "SELECT R.$relationshipId FROM RELATIONSHIPS R;"
    with shell(KASTOR_PAGER="sed s/^/PAGED:/") as terminal:
        assert "PAGED:" in after(terminal, long)[-1]
        assert "PAGED:" not in "".join(after(terminal, "SELECT COUNT() FROM DIGITALTWINS;"))
    with shell(KASTOR_PAGER="head -n 2") as terminal:  # somebody who leaves it at once
        assert len(after(terminal, long)) == 2
        assert after(terminal, "SELECT COUNT() FROM DIGITALTWINS;")[-1] == "(1 row)"


def test_completion_knows_models_that_came_meanwhile_and_commands(
    shell: Callable[..., Any], graph: tuple[KastorServer, KastorClient]
) -> None:
    with shell() as terminal:
        graph[1].models.upload([interface("dtmi:test:Brandnew;1", "Brand new")])
        terminal.send("\\m\r")
        terminal.wait_for("dtmi:test:Brandnew;1")
        terminal.send("\x0cSELECT * FROM DIGITALTWINS WHERE IS_OF_MODEL('Brandn" + TAB)
        terminal.wait_for("IS_OF_MODEL('dtmi:test:Brandnew;1'")
        terminal.send(DROP + "\\t")
        terminal.wait_for("\\t")
        terminal.send(TAB)
        terminal.wait_for("\\timing")
        terminal.send(DROP)
        after(terminal, "\\r room2")
        terminal.send("\\t flo" + TAB)
        terminal.wait_for("\\t floor")


def test_the_cloud_is_told_apart_and_what_it_lacks(
    shell: Callable[..., Any], cloud: tuple[str, list[str]]
) -> None:
    with shell(KASTOR_URL=cloud[0]) as terminal:
        assert "announces nothing of Kastor's" in terminal.lines[0]
        assert after(terminal, "SELECT * FROM DIGITALTWINS;")[-1] == "(1 row)"
        for command in ("\\e", "\\w"):
            told = " ".join(" ".join(after(terminal, command)).split())
            assert "Nothing was sent." in told


def _typed_and_printed() -> Iterator[tuple[str, str]]:
    """Yield what the page types, and a pattern of what comes then."""
    page = all_pages()["how-to/query-from-the-shell"].text()
    for block in re.findall(r"^```text\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        for part in re.split(r"^kastor> ", block, flags=re.MULTILINE)[1:]:
            first, *lines = part.splitlines()
            goes_on = takewhile(lambda line: line.startswith("     -> "), lines)
            typed = [first, *(line.removeprefix("     -> ") for line in goes_on)]
            told = lines[len(typed) - 1 :]
            patterns = (
                r"(?:.*\n)*?" if line == "..." else re.escape(line).replace(r"\.\.\.", ".*") + r"\n"
                for line in told
            )
            yield RETURN.join(typed), "".join(patterns)


def test_the_first_hour_of_the_page_is_as_it_is_shown(cli: Cli, tmp_path: Path) -> None:
    with (
        KastorServer(("--sample", "building")) as server,
        cli.terminal(
            "shell", rows=60, KASTOR_URL=server.url, HOME=str(tmp_path), KASTOR_PAGER=""
        ) as terminal,
    ):
        terminal.wait_for(lambda lines: lines[-1] == READY)
        for typed, pattern in _typed_and_printed():
            printed = after(terminal, typed)[typed.count(RETURN) :]
            assert re.fullmatch(pattern, "\n".join(printed) + "\n"), (typed, printed)


def test_a_server_that_is_not_there_ends_the_shell_at_once(cli: Cli, tmp_path: Path) -> None:
    seen = cli.shown("shell", KASTOR_URL="http://127.0.0.1:9", HOME=str(tmp_path))
    assert seen.status == 6
    assert seen.lines[0].startswith("kastor: Nobody answers at http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("SELECT * FROM DIGITALTWINS;", True),
        ("\\c https://x.api.weu.digitaltwins.azure.net", True),
        (" SELECT 1;", False),
        ("", False),
        ("x" * 30_000, False),
        ("\\c http://me:word@host", False),
        ("SELECT 'kst_0123456789abcdef';", False),
        ("WHERE t = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x'", False),
        ("WHERE u = 'https://a.blob.core/x?sv=1&sig=abc'", False),
        ("WHERE password = 'x'", False),
    ],
)
def test_what_holds_a_secret_is_not_kept(text: str, kept: bool) -> None:
    assert is_kept(text) is kept


def test_a_history_is_bounded_and_several_shells_share_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "history"
    one, two = PrivateHistory(path), PrivateHistory(path)
    one.store_string("SELECT 1\nFROM x;")
    one.store_string("SELECT 1\nFROM x;")
    two.store_string("SELECT ü;")
    assert list(PrivateHistory(path).load_history_strings()) == ["SELECT ü;", "SELECT 1\nFROM x;"]
    for number in range(80):
        one.store_string(f"SELECT {number} " + "x" * 15_000)
    found = list(PrivateHistory(path).load_history_strings())
    assert found[0].startswith("SELECT 79 x")
    assert path.stat().st_size < MAX_BYTES
    assert all(each.startswith("SELECT ") for each in found)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_history_that_cannot_be_written_is_one_of_this_time_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    history = PrivateHistory(tmp_path / "file" / "history")
    history.store_string("SELECT 1;")
    assert list(history.load_history_strings()) == []
    assert list(PrivateHistory(None).load_history_strings()) == []


def test_the_place_of_the_history_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KASTOR_HISTORY", "")
    assert history_file() is None
    monkeypatch.setenv("KASTOR_HISTORY", "/x/y")
    assert str(history_file()) == "/x/y"
    monkeypatch.delenv("KASTOR_HISTORY")
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert str(history_file()) == "/state/kastor/history"
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/one")
    assert str(history_file()) == "/home/one/.local/state/kastor/history"
