"""Pages that are followed step by step, run as they are written.

Only addresses and folders are the test's own.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

from kastor.pages import all_pages
from kastor.testing import KastorServer, StaticCredential
from tests.events.brokers import PASSWORD, PASSWORD_VARIABLE, Mosquitto
from tests.programs import need

from .program import environment, serving

ADDRESS = "http://127.0.0.1:8080"
pytestmark = pytest.mark.timeout(120)


def blocks(name: str, language: str, heading: str = "") -> list[str]:
    """The blocks of a page, or of one of its sections."""
    text = all_pages()[name].text()
    if heading:
        text = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
        assert text, f"{name} has no section {heading}"
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


class Reader:
    """Somebody with a shell, in a folder of their own, who has `kastor` and perhaps a server."""

    def __init__(self, folder: Path, url: str = ADDRESS) -> None:
        self.folder, self.url = folder, url
        self.programs = folder / "bin"
        self.programs.mkdir()
        self.provide("kastor", f'exec "{sys.executable}" -m kastor "$@"')

    def provide(self, name: str, script: str) -> None:
        program = self.programs / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    def run(self, script: str, *, status: int = 0) -> str:
        variables = environment(
            PATH=f"{self.programs}{os.pathsep}{os.environ['PATH']}", KASTOR_URL=self.url
        )
        done = subprocess.run(
            ["sh", "-ec", script.replace(ADDRESS, self.url)],
            cwd=self.folder, env=variables, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == status, f"{script}: {done.stdout}{done.stderr}"
        return done.stdout


class TestFirstSteps:
    def test_looking_and_changing(self, tmp_path: Path) -> None:
        need("curl")
        (start,) = blocks("start/first-steps", "sh", "Start")
        assert start == "python3 dev serve --sample building\n"
        with serving(tmp_path / "data", "--sample", "building") as served:
            reader = Reader(tmp_path, served.url)
            look, count, change, again, broken = blocks(
                "start/first-steps", "sh", "Look around with curl"
            )
            models, building, relationships = (
                json.loads(reader.run(command)) for command in look.splitlines()
            )
            assert (len(models["value"]) > 10, building["$dtId"]) == (True, "building-1")
            assert relationships["value"]
            assert json.loads(reader.run(count))["value"] == [{"COUNT": 342}]
            head = reader.run(change)
            assert head.startswith("HTTP/1.1 204")
            after = json.loads(reader.run(again))
            assert after["name"] == "My house" != building["name"]
            etag = re.search(r"^etag: (.*?)\r?$", head, re.MULTILINE | re.IGNORECASE)
            assert etag is not None
            assert etag[1] == after["$etag"]
            assert after["$etag"] != building["$etag"]
            old, new = building["$metadata"], after["$metadata"]
            moved = {key for key in new if new[key] != old[key]}
            assert moved == {"$lastUpdateTime", "name"}
            problems = json.loads(reader.run(broken))["error"]["details"]
            assert {each["path"] for each in problems} == {"/colour", "/name"}

    def test_models_of_ones_own(self, tmp_path: Path) -> None:
        need("curl")
        start, own = blocks("start/first-steps", "sh", "Your own models")
        assert start == "python3 dev serve --data /tmp/mine\n"
        with serving(tmp_path / "mine") as served:
            said = Reader(tmp_path, served.url).run(own)
        twin = json.loads(said[said.rindex('{"$dtId"') :])
        assert twin["temperature"] == 21.5


def test_a_write_that_is_tried_first(tmp_path: Path) -> None:
    need("curl")
    name = "how-to/try-a-write-first"
    start, patch, wrong, delete, models = blocks(name, "sh")
    assert start == "python3 dev serve --sample building\n"
    with serving(tmp_path / "data", "--sample", "building") as served:
        reader = Reader(tmp_path, served.url)
        path = f"{served.url}/digitaltwins/building-1?api-version=2023-10-31"
        before = httpx2.get(path).json()
        shown = json.loads(reader.run(patch))
        assert shown["name"] == "My house" != before["name"]
        assert {key: shown[key] for key in shown if key not in ("name", "$etag", "$metadata")} == {
            key: before[key] for key in before if key not in ("name", "$etag", "$metadata")
        }
        assert json.loads(reader.run(wrong))["error"]["details"][0]["path"] == "/colour"
        assert json.loads(reader.run(delete))["error"]["code"] == "RelationshipsNotDeleted"
        assert [each["id"] for each in json.loads(reader.run(models))] == ["dtmi:example:Lift;1"]
        sdk: dict[str, Any] = {}
        for block in blocks(name, "python"):
            exec(block, sdk)
        credential = StaticCredential()
        twin = {key: value for key, value in before.items() if key != "$etag"}
        tried = sdk["tried"](served.url, credential, "building-1", {**twin, "name": "Ours"})
        assert tried["name"] == "Ours"
        client = sdk["DigitalTwinsClient"](
            served.url, credential, authentication_policy=sdk["SansIOHTTPPolicy"]()
        )
        change = [{"op": "replace", "path": "/name", "value": "Theirs"}]
        assert sdk["tried_patch"](client, "building-1", change)["name"] == "Theirs"
        assert httpx2.get(path).json() == before


def test_what_validate_prints_in_ci(tmp_path: Path) -> None:
    name = "how-to/validate-models-in-ci"
    reader = Reader(tmp_path)
    models = tmp_path / "models"
    models.mkdir()
    (models / "room.json").write_text(blocks(name, "json")[0])
    (models / "package.json").write_text('{"name": "web", "version": "1.0.0"}')
    command, _, wanted = blocks(name, "console")[0].removeprefix("$ ").partition("\n")
    assert reader.run(command, status=1) == wanted
    reader.provide("git", 'cat "${2#HEAD:}"')
    told = json.loads(reader.run(blocks(name, "console")[1].removeprefix("$ "), status=1))
    assert told["complete"] is False
    assert {"file", "line", "column", "pointer", "id", "message", "cure"} <= set(
        told["problems"][0]
    )
    (models / "room.json").write_text(blocks(name, "json")[0].replace("doubel", "double"))
    (example,) = blocks(name, "python")
    (tmp_path / "check.py").write_text(example)
    (models / "package.json").unlink()
    assert reader.run(f'"{sys.executable}" check.py') == "1 interfaces\n"


def test_many_are_changed_as_the_page_says(tmp_path: Path) -> None:
    need("curl")
    batch, again, update, delete = blocks("how-to/change-many", "sh")
    with serving(tmp_path / "data", "--sample", "building") as served:
        reader = Reader(tmp_path, served.url)
        found = json.loads(reader.run(batch))
        assert [each["status"] for each in found["results"]] == [200, 200, 204, 404]
        body = {"operations": [{"op": "delete", "kind": "twin", "id": "nobody"}]}
        (tmp_path / "batch.json").write_text(json.dumps(body))
        assert reader.run(again) == reader.run(again) != ""
        rehearsed = json.loads(reader.run(update))
        assert (rehearsed["count"], rehearsed["value"]) == (0, [])
        begun = reader.run(delete.partition("curl http://127.0.0.1:8080/kastor/v1/jobs")[0])
        assert json.loads(begun)["id"] == "remove-my-sensors"
        gone = f"{served.url}/digitaltwins/room-0-01/relationships/my-relationship"
        deadline = time.monotonic() + 20
        while httpx2.get(gone).status_code != 404:
            assert time.monotonic() < deadline
        look = delete.splitlines()[-2]
        assert json.loads(reader.run(look))["kind"] == "deletes"


class TestCopies:
    PAGE = "how-to/copy-a-graph"

    @pytest.fixture
    def source(self, tmp_path: Path) -> Path:
        """A data folder with a graph that has a twin and a route."""
        folder = tmp_path / "data"
        with KastorServer(data_dir=folder) as server, httpx2.Client(base_url=server.url) as http:
            model = {
                "@id": "dtmi:copy:A;1",
                "@type": "Interface",
                "@context": "dtmi:dtdl:context;3",
            }
            assert http.post("/models", json=[model]).is_success
            body = {"$metadata": {"$model": "dtmi:copy:A;1"}}
            assert http.put("/digitaltwins/kept", json=body).is_success
            assert http.put("/kastor/v1/endpoints/out", json={"kind": "stdout"}).is_success
            assert http.put(
                "/eventroutes/r", json={"endpointName": "out", "filter": "true"}
            ).is_success
        return folder

    def test_a_backup_is_restored_as_the_page_says(self, source: Path, tmp_path: Path) -> None:
        reader, backup = Reader(tmp_path), tmp_path / "backup"
        backup.mkdir()
        (first,) = re.findall(
            r"```sh\n(kastor copy ~.*?)```", all_pages()[self.PAGE].text(), re.DOTALL
        )
        reader.run(
            first.replace("~/.local/share/kastor", str(source)).replace("/backup", str(backup))
        )
        with KastorServer(data_dir=source) as server:  # what happens after the backup
            assert httpx2.delete(f"{server.url}/digitaltwins/kept").status_code == 204
        (restore,) = blocks(self.PAGE, "sh", "Restore")
        *steps, start = restore.splitlines()
        assert start == "kastor serve --data data"
        reader.run("\n".join(steps).replace("/backup", str(backup)))
        with serving(source) as served:
            assert "(1 model, 1 twin)" in "\n".join(served.lines)
            assert httpx2.get(f"{served.url}/digitaltwins/kept").status_code == 200

    def test_a_copy_that_is_paused_waits(self, source: Path, tmp_path: Path) -> None:
        reader = Reader(tmp_path)
        (command,) = blocks(self.PAGE, "sh", "Routes and inputs of a copy")
        reader.run(command)
        with serving(tmp_path / "test") as served:
            routes = httpx2.get(f"{served.url}/kastor/v1/routes").json()["value"]
        assert [each["state"] for each in routes] == ["paused"]


class TestBackups:
    """Every command of the page but those of a database, which tests/postgres has."""

    PAGE = "how-to/back-up-and-restore"

    def test_the_page_from_beginning_to_end(self, tmp_path: Path) -> None:
        need("curl")
        backup = tmp_path / "backup"
        backup.mkdir()

        def commands(*section: str) -> list[str]:
            text = all_pages()[self.PAGE].text()
            before = text.partition("\n## ")[0]
            found = (
                blocks(self.PAGE, "sh", *section)
                if section
                else re.findall(r"```sh\n(.*?)```", before, re.DOTALL)
            )
            return [each.replace("/backup/", f"{backup}/") for each in found if "--db" not in each]

        with serving(tmp_path / "data") as served:
            reader = Reader(tmp_path, served.url)
            for command in (
                *commands(),
                *commands("Of a running server, from anywhere"),
                *commands("As a job, into a location"),
                *commands("Tokens and certificates"),
            ):
                reader.run(command)
            nightly = tmp_path / "data" / "exchange" / "default" / "nightly.tar"
            deadline = time.monotonic() + 20
            while not nightly.exists():
                assert time.monotonic() < deadline
                time.sleep(0.02)
        assert {path.name for path in backup.iterdir()} == {
            "monday", "wednesday", "thursday.tar", "secret"
        }  # fmt: skip
        first, replaced = commands("Restore")
        restore, start = first.splitlines()
        assert start == "kastor serve --data restored"
        reader.run(restore)
        reader.run(replaced)
        (paused,) = commands("Routes and inputs")
        assert "are paused" in reader.run(paused)
        for tar in (backup / "thursday.tar", nightly):
            reader.run(f"kastor restore {tar} --data {tar.stem}")
        with serving(tmp_path / "restored"):
            pass


class TestGoingBack:
    def test_the_page_from_beginning_to_end(self, tmp_path: Path) -> None:
        need("curl")
        with serving(tmp_path / "data", "--sample", "building") as served:
            reader = Reader(tmp_path, served.url)

            def done(heading: str) -> str:
                return "".join(map(reader.run, blocks("how-to/go-back", "sh", heading)))

            def leaving() -> list[Any]:
                found = httpx2.get(f"{room}/relationships").json()["value"]
                return sorted((each["$relationshipId"], each["$targetId"]) for each in found)

            room = f"{served.url}/digitaltwins/room-0-02"
            before, relationships = httpx2.get(room).json(), leaving()
            assert done("Note where you are").startswith("change:")
            assert httpx2.get(room).status_code == 404
            [line] = [json.loads(line) for line in done("See what differs").splitlines()]
            assert (line["id"], line["what"]) == ("tenant-a", "changed")
            assert {"op": "replace", "path": "/headcount", "value": 0} in line["patch"]
            tried = [json.loads(line) for line in done("Try the way back").splitlines()]
            assert {line["what"] for line in tried} == {"added"}
            assert len(tried) > 1
            assert httpx2.get(room).status_code == 404
            assert "succeeded" in done("Bring back one twin")
            assert httpx2.get(room).json()["name"] == before["name"]
            assert leaving() == relationships != []
            assert "succeeded" in done("Bring back what a query selects")
            assert httpx2.get(f"{served.url}/digitaltwins/tenant-a").json()["headcount"] > 0


class OpenMosquitto(Mosquitto):
    """As the page has it: every topic may be used."""

    def _acl(self) -> Path:
        acl = self.folder / "acl"
        acl.write_text("user kastor\ntopic readwrite #\n")
        acl.chmod(0o600)
        return acl


class TestSensors:
    PAGE = "how-to/ingest-sensor-data"

    def prepare(self, reader: Reader) -> str:
        """Model and twin of the page; returns the line that its later commands need."""
        before = all_pages()[self.PAGE].text().partition("\n## ")[0]
        (first,) = re.findall(r"```sh\n(.*?)```", before, re.DOTALL)
        reader.run(first)
        return next(str(line) for line in first.splitlines() if line.startswith("V="))

    def test_mqtt(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        need("curl")
        monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
        broker = OpenMosquitto(tmp_path / "broker")
        broker.start()
        try:
            with KastorServer() as server:
                self.follow(Reader(tmp_path, server.url), broker)
        finally:
            broker.stop()

    def follow(self, reader: Reader, broker: Mosquitto) -> None:
        variable = self.prepare(reader)
        create, publish, read = blocks(self.PAGE, "sh", "From an MQTT broker")
        settings = {key: value for key, value in broker.settings().items() if key != "host"}
        host = '"host": "127.0.0.1",'
        create = create.replace(host, f"{host} {json.dumps(settings)[1:-1]},")
        assert "connected" in reader.run(create)
        reader.run("until kastor input status sensors | grep -q 'connected.*yes'; do :; done")
        login = f"-p {broker.port} -u kastor -P '{PASSWORD}'"
        reader.run(publish.replace("mosquitto_pub", f"{need('mosquitto_pub')} {login}"))
        told = reader.run(f"{variable}\n{read}")
        twin = json.loads(told[told.index('{"$dtId"') :])
        assert twin["temperature"] == 21.5
        assert twin["$metadata"]["temperature"]["sourceTime"] == "2026-05-01T10:00:00Z"

    def test_http(self, tmp_path: Path) -> None:
        need("curl")
        with KastorServer() as server:
            reader = Reader(tmp_path, server.url)
            self.prepare(reader)
            (send,) = blocks(self.PAGE, "sh", "By HTTP")
            (wanted,) = blocks(self.PAGE, "json", "By HTTP")
            assert reader.run(send).splitlines()[-1] == wanted.strip()


class TestYourCode:
    """The examples for test suites are a test suite."""

    def test_the_examples_pass(self, tmp_path: Path) -> None:
        first, manager, asynchronous, role = blocks("how-to/test-your-code", "python")
        del manager  # attributes one by one; test_testing.py has them
        body = textwrap.indent("assert asyncio.run(number_of_models(kastor_empty)) == 0\n", " " * 4)
        suite = {
            "test_first.py": first.replace("[...]", "[MODEL]").replace(
                "\n\ndef ", '\n\nMODEL = {"@id": "dtmi:a:B;1", "@type": "Interface", '
                '"@context": "dtmi:dtdl:context;3"}\n\n\ndef ', 1),
            "test_async.py": f"import asyncio\n{asynchronous}\n\n\ndef test_it(kastor_empty):\n{body}",
            "test_role.py": role,
        }  # fmt: skip
        for name, text in suite.items():
            (tmp_path / name).write_text(text)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
            cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert "3 passed" in done.stdout

    def test_the_asynchronous_client_of_the_sdks_page(self, tmp_path: Path) -> None:
        (example,) = [
            each
            for each in blocks("how-to/sdks", "python", "Which credential")
            if "async with" in each
        ]
        head, _, body = example.partition("\n\n")
        with KastorServer(("--auth", "tokens"), tls=True) as server:
            body = body.replace('"kst_…"', repr(server.token("reader")))
            body = body.replace('"…/tls/ca.pem"', repr(str(server.ca_file)))
            script = (
                f"import asyncio\n{head}\n\nurl = {server.url!r}\n\n\n"
                f"async def main():\n{textwrap.indent(body, '    ')}\n\nasyncio.run(main())\n"
            )
            (tmp_path / "example.py").write_text(script)
            assert Reader(tmp_path).run(f'"{sys.executable}" example.py') == "[]\n"
