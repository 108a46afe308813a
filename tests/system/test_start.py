"""What a start says, and what it refuses with which words."""

from __future__ import annotations

import re
import socket
import sqlite3
import time
from typing import TYPE_CHECKING

import apsw
import httpx2
import pytest

from kastor import __version__
from kastor.storage.sqlite import schema
from kastor.storage.sqlite.schema import SCHEMA_VERSION

from .program import VERSION, refused, serving

if TYPE_CHECKING:
    from pathlib import Path

COUNT = {"query": "SELECT COUNT() FROM DIGITALTWINS"}


def _database(data: Path) -> Path:
    path = data / "graphs" / "default.sqlite3"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


class TestLines:
    def test_they_say_where_the_server_is_and_what_to_try(self, tmp_path: Path) -> None:
        with serving(tmp_path) as served:
            text = "\n".join(served.lines)
            assert served.lines[0] == f"Kastor {__version__} is ready."
            assert re.search(r"address +http://127\.0\.0\.1:\d+$", text, re.MULTILINE)
            file = tmp_path / "graphs" / "default.sqlite3"
            assert f"graph        {file} (0 models, 0 twins)" in text
            assert f"data folder  {tmp_path}\n" in text
            assert "access       open to this machine, no token needed" in text
            assert f"API          {served.url}/docs" in text
            assert "add --tls-dev" in text
            assert served.lines[-1] == "Stop with Ctrl+C."
            assert f"  kastor shell --url {served.url}\n" in text
            (models,) = re.findall(r"curl '(\S+/models\S+)'", text)
            assert httpx2.get(models).json() == {"value": [], "nextLink": None}
            (query, body) = re.findall(r"curl '(\S+/query\S+)' -H '[^']+' \\\n +-d '(.+)'", text)[0]
            headers = {"Content-Type": "application/json"}
            answer = httpx2.post(query, content=body, headers=headers)
            assert answer.json()["value"] == [{"COUNT": 0}]
        assert served.log == []


class TestRefusals:
    def test_a_port_that_is_taken(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            text = refused("serve", "--data", tmp_path, "--port", port)
        assert text.startswith(f"Cannot listen on 127.0.0.1:{port}: Address already in use.")
        assert "--port" in text

    def test_a_host_that_is_none(self, tmp_path: Path) -> None:
        text = refused("serve", "--data", tmp_path, "--host", "nowhere.invalid", "--auth", "tokens")
        assert text.startswith("Cannot listen on nowhere.invalid:8080")

    def test_a_folder_below_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        folder = tmp_path / "file" / "data"
        text = refused("serve", "--data", folder)
        assert text.startswith(f"The data folder {folder} cannot be used: Not a directory.")
        assert "--data DIR" in text

    def test_a_folder_on_a_system_that_takes_no_files(self) -> None:
        assert "--data DIR" in refused("serve", "--data", "/proc/kastor")

    def test_a_database_that_is_a_folder(self, tmp_path: Path) -> None:
        _database(tmp_path).mkdir()
        text = refused("serve", "--data", tmp_path, "--port", 0)
        assert "cannot be opened for writing" in text
        assert "--data DIR" in text

    def test_a_folder_that_another_server_has(self, tmp_path: Path) -> None:
        with serving(tmp_path) as served:
            text = refused("serve", "--data", tmp_path, "--port", 0)
            assert f"in use by another Kastor (process {served.process.pid})" in text
            assert "--data DIR" in text
            assert httpx2.get(f"{served.url}/readyz").status_code == 200

    def test_a_database_newer_than_the_program(self, tmp_path: Path) -> None:
        database = apsw.Connection(str(_database(tmp_path)))
        schema.prepare(database)
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}").fetchall()
        database.close()
        text = refused("serve", "--data", tmp_path, "--port", 0)
        assert f"has schema {SCHEMA_VERSION + 1}" in text
        assert "the Kastor that wrote it, or a newer one" in text

    @pytest.mark.parametrize("version", [0, 1])
    def test_a_database_of_another_program(self, tmp_path: Path, version: int) -> None:
        path = _database(tmp_path)
        database = sqlite3.connect(path)
        database.executescript(f"CREATE TABLE theirs (a); PRAGMA user_version = {version}")
        database.close()
        before = path.read_bytes()
        text = refused("serve", "--data", tmp_path, "--port", 0)
        assert f"{path} is a database of another program" in text
        assert "--data DIR" in text
        database = sqlite3.connect(path)
        tables = database.execute("SELECT name FROM sqlite_schema").fetchall()
        database.close()
        assert tables == [("theirs",)]
        assert len(path.read_bytes()) == len(before)

    def test_a_file_that_is_no_database(self, tmp_path: Path) -> None:
        path = _database(tmp_path)
        path.write_text("something else entirely, " * 100)
        text = refused("serve", "--data", tmp_path, "--port", 0)
        assert str(path) in text
        assert "--data DIR" in text
        assert path.read_text().startswith("something else entirely")

    def test_an_open_address_without_access_control(self, tmp_path: Path) -> None:
        text = refused("serve", "--data", tmp_path, "--host", "0.0.0.0", status=2)
        assert "--auth tokens" in text
        assert "--allow-anonymous" in text
        assert list(tmp_path.iterdir()) == []

    def test_settings_that_are_wrong_wherever_they_come_from(self, tmp_path: Path) -> None:
        file = tmp_path / "kastor.toml"
        file.write_text("colour = 1\n")
        text = refused("serve", "--config", file, "--auth", "x", status=2, KASTOR_PORT="many")
        assert [line.split()[0] for line in text.splitlines()] == ["port:", "auth:", "There"]

    def test_tokens_that_cannot_be_read(self, tmp_path: Path) -> None:
        (tmp_path / "tokens").write_text("nonsense\n")
        text = refused("serve", "--data", tmp_path, "--port", 0, "--auth", "tokens")
        assert f"{tmp_path / 'tokens'}, line 1" in text


class TestSources:
    def test_flag_variable_and_file_reach_the_server(self, tmp_path: Path) -> None:
        file = tmp_path / "kastor.toml"
        text = 'public_url = "http://file.example"\nhost = "127.0.0.9"\nallow_anonymous = true\n'
        file.write_text(text)
        arguments = ("--config", str(file), "--host", "127.0.0.1")
        with serving(tmp_path / "d", *arguments, KASTOR_ALLOW_RESET="true") as served:
            assert served.url.startswith("http://127.0.0.1:")
            links = httpx2.get(served.url).json()["links"]
            assert links["docs"] == "http://file.example/docs"
            assert httpx2.post(f"{served.url}/kastor/v1/reset").status_code == 204


class TestSample:
    ARGUMENTS = ("--sample", "building")

    def _twins(self, url: str) -> int:
        answer = httpx2.post(f"{url}/query?{VERSION}", json=COUNT)
        count: int = answer.json()["value"][0]["COUNT"]
        return count

    def _tick(self, url: str) -> int:
        found = httpx2.get(f"{url}/kastor/v1/status").json()["counts"]["changeLog"]
        return int(found)

    def _assert_simulated(self, url: str) -> None:
        before, end = self._tick(url), time.monotonic() + 40
        while self._tick(url) == before:
            assert time.monotonic() < end, "nothing was simulated"
            time.sleep(0.2)

    def test_a_graph_that_it_filled_is_kept_and_simulated_further(self, tmp_path: Path) -> None:
        with serving(tmp_path, *self.ARGUMENTS) as served:
            count = self._twins(served.url)
            assert count > 100
            assert "the sample building was loaded" in "\n".join(served.lines)
            self._assert_simulated(served.url)
        with serving(tmp_path, *self.ARGUMENTS) as served:
            text = "\n".join(served.lines)
            assert "the sample building is here already; its sensors are simulated" in text
            assert f"{count} twins)" in text
            assert self._twins(served.url) == count
            self._assert_simulated(served.url)
        assert served.log == []

    def test_a_graph_of_somebody_else_is_left_alone(self, tmp_path: Path) -> None:
        model = {"@id": "dtmi:own:A;1", "@type": "Interface", "@context": "dtmi:dtdl:context;3"}
        with serving(tmp_path) as served:
            answer = httpx2.post(f"{served.url}/models?{VERSION}", json=[model])
            assert answer.status_code == 201
        with serving(tmp_path, *self.ARGUMENTS) as served:
            text = "\n".join(served.lines)
            assert "the graph is not empty, so the sample was not loaded" in text
            assert "kastor reset" in text
            listed = httpx2.get(f"{served.url}/models?{VERSION}").json()["value"]
            assert [each["id"] for each in listed] == ["dtmi:own:A;1"]
            assert self._twins(served.url) == 0
