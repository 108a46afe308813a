"""The commands beside the server, and the words of all of them."""

from __future__ import annotations

import json
import re
import sqlite3
from typing import TYPE_CHECKING

import httpx2
import pytest

from kastor import __version__
from kastor.config import Settings
from kastor.pages import all_pages
from tests.cli.tree import COMMANDS

from .program import invoked, kastor, refused, serving

if TYPE_CHECKING:
    from pathlib import Path


def test_the_version_is_one_line() -> None:
    done = kastor("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"kastor {__version__}\n", "")


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_and_every_flag_has_words_of_help(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    assert command.help
    for parameter in command.params:
        if parameter.name in ("help", "install_completion", "show_completion"):
            continue
        assert len(getattr(parameter, "help", "") or "") > 5, parameter.name
        assert parameter.help.endswith((".", ")")), parameter.name


def test_the_help_of_serve_has_every_flag_with_its_default() -> None:
    text = " ".join(kastor("serve", "--help").stdout.split())
    for parameter in COMMANDS["serve",].params:
        assert parameter.opts[0] in text
    for default in ("127.0.0.1", "8080", "the user's data folder", "none", "60", "auto"):
        assert f"[default: {default}]" in re.sub(r" ?│ ?│ ?", " ", text).replace("  ", " ")


def test_every_flag_of_serve_is_a_setting() -> None:
    names = {each.name for each in COMMANDS["serve",].params} - {"config", "help"}
    assert {
        {"trusted_proxy": "trusted_proxies", "db_wait": "db_wait_seconds"}.get(name, name)
        for name in names
    } <= set(Settings.model_fields)


def test_without_a_command_the_help_is_shown() -> None:
    done = kastor()
    assert "Commands" in done.stdout + done.stderr
    assert done.returncode == 2


@pytest.mark.parametrize("arguments", [("nothing",), ("serve", "--nothing"), ("token", "nothing")])
def test_an_unknown_word_is_a_fault_of_usage(arguments: tuple[str, ...]) -> None:
    done = kastor(*arguments)
    assert done.returncode == 2
    assert "nothing" in done.stderr
    assert "Traceback" not in done.stderr


def _refused(*arguments: object) -> str:
    done = invoked(*arguments)
    assert done.returncode == 1
    assert done.stdout == ""
    return done.stderr


class TestDocs:
    def test_the_pages_are_listed(self) -> None:
        done = invoked("docs")
        assert done.returncode == 0
        names = [line.split()[0] for line in done.stdout.splitlines()]
        assert names == list(all_pages())

    def test_a_page_is_printed_as_it_stands_where_no_terminal_is(self) -> None:
        done = kastor("docs", "reference/settings")
        assert done.stdout == all_pages()["reference/settings"].text()
        assert invoked("docs", "settings").stdout == done.stdout

    def test_the_page_that_an_error_names_is_printed(self, tmp_path: Path) -> None:
        config = tmp_path / "kastor.toml"
        config.write_text('colour = "red"\n')
        (page,) = re.findall(r"`kastor docs (\S+)`", refused("serve", "--config", config, status=2))
        assert invoked("docs", page).returncode == 0

    def test_what_is_no_page_or_several_is_told(self) -> None:
        assert "There is no page ../README; `kastor docs` lists them." in refused(
            "docs", "../README", status=3
        )
        named = "explain/events or reference/contract/events or reference/events"
        assert named in _refused("docs", "events")


class TestReset:
    @pytest.fixture
    def data(self, tmp_path: Path) -> Path:
        """A folder with a graph's file, a token and a certificate."""
        for name in (
            "graphs/default.sqlite3",
            "graphs/default.sqlite3-wal",
            "tls/ca.pem",
            "tokens",
        ):
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text("")
        return tmp_path

    def test_where_nobody_can_be_asked_it_keeps_everything(self, data: Path) -> None:
        done = invoked("reset", "--data", data, answer="y\n")
        assert done.returncode == 2
        assert f"Delete the whole graph in {data}? Nobody can be asked here" in done.stderr
        assert (data / "graphs" / "default.sqlite3").exists()

    @pytest.mark.parametrize("flag", ["--yes", "-y"])
    def test_it_deletes_the_graph_and_keeps_tokens_and_certificates(
        self, data: Path, flag: str
    ) -> None:
        done = invoked("reset", "--data", data, flag)
        assert done.returncode == 0, done.stderr
        assert done.stdout.endswith(f"The graph in {data} is gone.\n")
        assert list((data / "graphs").iterdir()) == []
        assert (data / "tokens").exists()
        assert (data / "tls" / "ca.pem").exists()

    def test_the_folder_may_come_from_the_environment(self, data: Path) -> None:
        done = invoked("reset", "--yes", KASTOR_DATA=str(data), KASTOR_HOST="0.0.0.0")
        assert done.returncode == 0, done.stderr
        assert not (data / "graphs" / "default.sqlite3").exists()

    def test_without_a_graph_there_is_nothing_to_do(self, tmp_path: Path) -> None:
        done = invoked("reset", "--data", tmp_path, "--yes")
        assert (done.returncode, done.stdout) == (0, f"There is no graph in {tmp_path}.\n")

    @pytest.fixture
    def three(self, data: Path) -> Path:
        """Two more graphs in the folder."""
        for name in ("one", "two"):
            (data / "graphs" / f"{name}.sqlite3").write_text("")
            (data / "graphs" / f"{name}.sqlite3-wal").write_text("")
        return data

    def test_other_graphs_stay_and_are_named(self, three: Path) -> None:
        done = invoked("reset", "--data", three, "--yes")
        assert done.returncode == 0, done.stderr
        assert "These graphs stay as they are: one, two" in done.stdout
        assert (three / "graphs" / "one.sqlite3-wal").exists()

    def test_a_named_graph_becomes_an_empty_one(self, three: Path) -> None:
        done = invoked("reset", "--data", three, "--graph", "one", "--yes")
        assert done.returncode == 0, done.stderr
        assert "These graphs stay as they are: default, two" in done.stdout
        assert (three / "graphs" / "one.sqlite3").exists()
        assert not (three / "graphs" / "one.sqlite3-wal").exists()
        assert (three / "graphs" / "default.sqlite3-wal").exists()

    def test_all_graphs_are_emptied_only_when_that_is_said(self, three: Path) -> None:
        done = invoked("reset", "--data", three, "--all", "--yes")
        assert done.returncode == 0, done.stderr
        assert "default, one, two" in done.stdout
        names = {path.name for path in (three / "graphs").iterdir()}
        assert names == {"one.sqlite3", "two.sqlite3"}

    def test_a_graph_that_is_none_and_flags_that_exclude_each_other_are_told(
        self, three: Path
    ) -> None:
        text = refused("reset", "--data", three, "--graph", "tow", "--yes")
        assert "There is no graph tow" in text
        assert "default, one, two" in text
        done = invoked("reset", "--data", three, "--graph", "one", "--all", "--yes")
        assert done.returncode == 2

    def test_a_file_of_another_program_is_not_deleted(self, three: Path) -> None:
        foreign = three / "graphs" / "one.sqlite3"
        foreign.write_text("notes")
        text = refused("reset", "--data", three, "--all", "--yes")
        assert str(foreign) in text
        assert foreign.read_text() == "notes"

    def test_the_configuration_file_names_the_folder(self, data: Path, tmp_path: Path) -> None:
        config = tmp_path / "kastor.toml"
        config.write_text(f'data = "{data}"\nhost = "0.0.0.0"\nworkers = 3\n')
        done = invoked("reset", "--config", config, "--yes")
        assert done.returncode == 0, done.stderr
        assert not (data / "graphs" / "default.sqlite3").exists()

    def test_it_is_refused_while_a_server_has_the_folder(self, tmp_path: Path) -> None:
        with serving(tmp_path) as served:
            text = refused("reset", "--data", tmp_path, "--yes")
            assert f"process {served.process.pid}" in text
        with sqlite3.connect(tmp_path / "graphs" / "default.sqlite3") as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        database.close()


def _tokens(*flags: object) -> list[tuple[str, str]]:
    done = invoked("token", "list", "--output", "json", *flags)
    assert done.returncode == 0, done.stderr
    return [(each["name"], each["role"]) for each in json.loads(done.stdout)]


class TestToken:
    def test_the_folder_is_the_one_that_serve_finds_in_its_file(self, tmp_path: Path) -> None:
        data, other = tmp_path / "data", tmp_path / "other"
        config = tmp_path / "kastor.toml"
        config.write_text(f'data = "{data}"\nauth = "tokens"\nlog_days = "wrong"\n')
        made = invoked("token", "create", "--name", "a", "--config", config)
        assert (made.returncode, made.stderr) == (0, "")
        assert (data / "tokens").exists()
        assert _tokens("--config", config) == [("a", "owner")]
        for wins in ({"KASTOR_DATA": str(other)}, {}):
            flags = () if wins else ("--data", other)
            listed = invoked("token", "list", "--config", config, *flags, **wins)
            assert listed.stdout.startswith("No tokens.")
        assert invoked("token", "revoke", "a", "--config", config).returncode == 0
        assert invoked("token", "list", "--config", config).stdout.startswith("No tokens.")

    @pytest.mark.parametrize("text", [None, "data = 7", "data ="])
    def test_a_file_that_names_no_folder_is_told(self, tmp_path: Path, text: str | None) -> None:
        config = tmp_path / "kastor.toml"
        if text is not None:
            config.write_text(text)
        done = invoked("token", "list", "--config", config)
        assert done.returncode == 2
        assert done.stderr.startswith("kastor: ")
        assert str(config) in done.stderr

    def test_a_server_takes_the_token_that_was_made_with_its_file(self, tmp_path: Path) -> None:
        config = tmp_path / "kastor.toml"
        config.write_text(f'data = "{tmp_path / "data"}"\nauth = "tokens"\n')
        token = invoked("token", "create", "--config", config).stdout.strip()
        with serving(tmp_path / "data", "--config", str(config)) as served:
            header = {"Authorization": f"Bearer {token}"}
            url = f"{served.url}/models?api-version=2023-10-31"
            assert httpx2.get(url, headers=header).status_code == 200
            assert httpx2.get(url).status_code == 401

    def test_tokens_are_made_listed_and_revoked(self, tmp_path: Path) -> None:
        made = [
            kastor("token", "create", "--data", tmp_path, "--role", "reader", "--name", "Ada B.")
        ]
        made += [invoked("token", "create", "--data", tmp_path) for _ in range(2)]
        assert all(re.fullmatch(r"kst_\S{40,}\n", each.stdout) for each in made)
        listed = [("Ada B.", "reader"), ("owner-1", "owner"), ("owner-2", "owner")]
        assert _tokens("--data", tmp_path) == listed
        assert invoked("token", "revoke", "Ada B.", "--data", tmp_path).returncode == 0
        assert invoked("token", "revoke", "owner-1", "--data", tmp_path).returncode == 0
        assert _tokens("--data", tmp_path) == [("owner-2", "owner")]
        again = invoked("token", "create", "--data", tmp_path)
        assert again.returncode == 0, again.stderr
        assert _tokens("--data", tmp_path)[-1] == ("owner-1", "owner")

    def test_a_name_that_is_taken_and_one_that_is_not_there_are_told(self, tmp_path: Path) -> None:
        assert invoked("token", "create", "--data", tmp_path, "--name", "a").returncode == 0
        assert "--name" in _refused("token", "create", "--data", tmp_path, "--name", "a")
        assert "no token named b" in _refused("token", "revoke", "b", "--data", tmp_path)

    def test_a_token_can_be_made_before_the_server_could_be_started(self, tmp_path: Path) -> None:
        done = invoked("token", "create", KASTOR_DATA=str(tmp_path), KASTOR_HOST="0.0.0.0")
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "tokens").exists()

    def test_a_broken_file_is_told_with_its_line(self, tmp_path: Path) -> None:
        (tmp_path / "tokens").write_text("nonsense\n")
        for command in (("list",), ("create",)):
            assert "line 1" in _refused("token", *command, "--data", tmp_path)
