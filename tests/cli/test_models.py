"""`kastor models` of a server: list, show, upload, download, decommission, delete."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from kastor.testing import KastorServer
from tests.system.program import invoked

from .graphs import CONTEXT, MODELS, ROOM, ROOM_ID, SPACE, SPACE_ID, THERMOSTAT_ID, Graph

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .terminal import Cli

MANY = 260


def interface(name: str, **more: object) -> dict[str, Any]:
    return {"@id": f"dtmi:many:{name};1", "@type": "Interface", "@context": CONTEXT, **more}


def chain() -> list[dict[str, Any]]:
    """More models than one request of Azure's takes: a base and many that extend it."""
    rest = [interface(f"m{at:03}", extends="dtmi:many:base;1") for at in range(MANY - 1)]
    return [*rest, interface("base")]


@pytest.fixture(scope="module")
def server() -> Iterator[KastorServer]:
    with KastorServer() as started:
        yield started


@pytest.fixture
def graph(server: KastorServer) -> Graph:
    server.reset()
    return Graph(server.url)


@pytest.fixture(scope="module")
def strict() -> Iterator[Graph]:
    with KastorServer(("--profile", "adt")) as started:
        yield Graph(started.url)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the models, needs last, and a file that holds none."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "room.json").write_text(json.dumps(ROOM))
    others = [each for each in MODELS if each != ROOM]
    (tmp_path / "a" / "b" / "rest.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(others).encode())
    (tmp_path / "a" / "package.json").write_text('{"name": "x"}')
    return tmp_path / "a"


def stored(graph: Graph) -> list[dict[str, Any]]:
    with graph.client() as client:
        return [each["model"] for each in client.models.list(definitions=True)]


class TestUpload:
    def test_a_folder_goes_up_with_what_is_needed_first(self, graph: Graph, folder: Path) -> None:
        done = graph.run("models", "upload", folder)
        assert done.stdout == "Uploaded 3 models.\n"
        assert "package.json holds no model" in done.stderr
        assert len(stored(graph)) == 3
        again = graph.run("models", "upload", folder).stdout
        assert again == "Nothing to upload. 3 models of the same content were there already.\n"

    def test_what_is_there_serves_what_comes(self, graph: Graph, folder: Path) -> None:
        assert graph.said("models", "upload", folder / "b") == "Uploaded 2 models.\n"
        said = graph.json("models", "upload", folder / "b", folder / "room.json")
        assert said == {
            "uploaded": [ROOM_ID],
            "alreadyThere": [SPACE_ID, THERMOSTAT_ID],
            "dryRun": False,
        }
        hall = interface("hall", extends=ROOM_ID)
        assert graph.said("models", "upload", "-", answer=json.dumps(hall)) == "Uploaded 1 model.\n"

    def test_a_dry_run_changes_nothing(self, graph: Graph, folder: Path) -> None:
        said = graph.run("models", "upload", "--from-directory", folder, "--dry-run").stdout
        assert said == "3 models would be uploaded. Dry run: nothing was changed.\n"
        assert stored(graph) == []

    def test_another_content_prevents_all_of_it(self, graph: Graph, folder: Path) -> None:
        with graph.client() as client:
            client.models.upload([SPACE | {"displayName": "another"}])
        done = graph.run("models", "upload", folder, status=4)
        assert "The server has 1 model of these with other content:" in done.stderr
        assert f"kastor:   {SPACE_ID}\n" in done.stderr
        assert "`kastor models delete`" in done.stderr
        assert len(stored(graph)) == 1

    def test_problems_are_told_as_validate_tells_them(self, graph: Graph, tmp_path: Path) -> None:
        file = tmp_path / "bad.json"
        file.write_text(json.dumps(interface("bad", contents=[{"@type": "Property", "name": "p"}])))
        checked = invoked("models", "validate", file)
        done = graph.run("models", "upload", file, status=1)
        problem = checked.stdout.rpartition("1 problem")[0]
        assert "missingObjectProperty" in problem
        assert done.stderr == f"{problem}kastor: 1 problem. Nothing was sent.\n"
        assert stored(graph) == []

    @pytest.mark.parametrize(
        ("model", "words"),
        [
            (interface("a", extends="dtmi:many:none;1"), "dtmi:many:none;1 is referred to"),
            (interface("a", extends=interface("inner")), "dtmi:many:inner;1"),
        ],
        ids=["a need that is nowhere", "an interface inside another"],
    )
    def test_what_a_server_would_refuse_is_found_before(
        self, graph: Graph, model: dict[str, Any], words: str
    ) -> None:
        done = graph.run("models", "upload", "-", status=1, answer=json.dumps(model))
        assert words in done.stderr
        assert done.stderr.endswith("Nothing was sent.\n")

    def test_what_cannot_be_read_is_told(self, graph: Graph, tmp_path: Path) -> None:
        assert "There is no" in graph.refused("models", "upload", tmp_path / "none", status=2)
        assert "Name files or folders" in graph.refused("models", "upload", status=2)
        done = graph.run("models", "upload", "-", status=1, answer="{")
        assert "<stdin>" in done.stderr

    def test_azures_limits_make_several_requests(self, strict: Graph, tmp_path: Path) -> None:
        file = tmp_path / "many.json"
        file.write_text(json.dumps(chain()))
        would = strict.said("models", "upload", file, "--dry-run")
        assert would == (
            f"{MANY} models would be uploaded. The last 10 were checked here alone. Dry run: "
            "nothing was changed.\n"
        )
        assert strict.said("models", "upload", file) == f"Uploaded {MANY} models.\n"
        listed = strict.json("models", "list")  # in pages of a hundred
        assert len(listed) == MANY
        assert listed[0]["id"] == "dtmi:many:base;1"
        assert len({each["uploadTime"] for each in listed}) == 2
        assert strict.said("models", "delete", "--all", "--yes") == f"Deleted {MANY} models.\n"
        assert strict.json("models", "list") == []

    def test_a_version_of_dtdl_that_azure_lacks_is_found_before(self, strict: Graph) -> None:
        newer = interface("newer") | {"@context": "dtmi:dtdl:context;4"}
        done = strict.run("models", "upload", "-", status=1, answer=json.dumps(newer))
        assert "Nothing was sent." in done.stderr

    def test_what_was_stored_before_a_fault_is_told(
        self, strict: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from kastor.client import ServerFailedError
        from kastor.client.synchronous.models import Models

        upload = Models.upload
        requests: list[int] = []

        def fails_later(models: Models, documents: list[dict[str, Any]]) -> Any:
            requests.append(len(documents))
            if len(requests) == 2:
                raise ServerFailedError(500, "InternalError", "The disk is full.")
            return upload(models, documents)

        file = tmp_path / "many.json"
        file.write_text(json.dumps(chain()))
        with monkeypatch.context() as patch:
            patch.setattr(Models, "upload", fails_later)
            said = strict.refused("models", "upload", file, status=1)
        assert said == (
            f"250 of {MANY} models were stored before this; the same command goes on from there.\n"
            "The disk is full.\n"
        )
        assert requests == [250, 10]
        assert strict.said("models", "upload", file) == (
            "Uploaded 10 models. 250 models of the same content were there already.\n"
        )
        strict.said("models", "delete", "--all", "--yes")


class TestListAndShow:
    @pytest.fixture(autouse=True)
    def models(self, graph: Graph) -> None:
        with graph.client() as client:
            client.models.upload(MODELS)

    def test_they_are_listed_with_names_and_times(self, graph: Graph) -> None:
        header, *lines = graph.said("models", "list").splitlines()
        assert header.split() == ["id", "displayName", "state", "uploaded"]
        (space,) = [line.split() for line in lines if line.startswith(SPACE_ID)]
        day = graph.json("models", "list")[0]["uploadTime"].partition("T")[0]
        assert space[1:] == ["Space", "active", day]
        csv = graph.said("models", "list", "--output", "csv").splitlines()
        assert csv[0] == "id,displayName,decommissioned,uploadTime"
        assert len(csv) == 4
        assert [each["id"] for each in graph.json("models", "list")] == [
            *(SPACE_ID, THERMOSTAT_ID, ROOM_ID),
        ]

    def test_those_that_a_model_needs(self, graph: Graph) -> None:
        found = graph.json("models", "list", "--dependencies-for", ROOM_ID, "--definition")
        assert {each["id"]: each["model"] for each in found} == {e["@id"]: e for e in MODELS}
        one = graph.json("model", "list", "--dependencies-for", SPACE_ID)
        assert [each["id"] for each in one] == [SPACE_ID]
        assert "goes with --output json" in graph.refused("models", "list", "--def", status=2)
        graph.refused("models", "list", "--dependencies-for", "dtmi:none;1", status=3)

    def test_one_is_shown(self, graph: Graph) -> None:
        lines = graph.said("models", "show", ROOM_ID).splitlines()
        shown = dict(line.split(maxsplit=1) for line in lines)
        assert shown["extends"] == SPACE_ID
        assert shown["components"] == "thermostat"
        assert shown["properties"].startswith("temperature, seats")
        assert json.loads(graph.said("models", "show", "-m", ROOM_ID, "--definition")) == ROOM
        assert "model" not in graph.json("models", "show", ROOM_ID)
        assert graph.json("models", "show", ROOM_ID, "--definition")["model"] == ROOM
        graph.refused("models", "show", "dtmi:none;1", status=3)
        graph.refused("models", "show", "none", status=1)

    def test_one_is_decommissioned_and_put_back(self, graph: Graph) -> None:
        said = graph.said("models", "decommission", SPACE_ID, "--dry-run")
        assert said == f"{SPACE_ID} would be decommissioned. Dry run: nothing was changed.\n"
        assert graph.said("models", "decommission", SPACE_ID) == f"{SPACE_ID} is decommissioned.\n"
        graph.refused("twin", "create", "a", "-m", SPACE_ID, status=1)
        assert f"{SPACE_ID} Space decommissioned" in " ".join(graph.said("models", "list").split())
        said = graph.said("models", "decommission", "--dtmi", SPACE_ID, "--undo")
        assert said == f"{SPACE_ID} is in service again.\n"
        graph.said("twin", "create", "a", "-m", SPACE_ID)

    def test_a_table_fits_a_terminal(self, graph: Graph, cli: Cli) -> None:
        for words in (("list",), ("show", ROOM_ID)):
            done = cli.shown("models", *words, columns=60, KASTOR_URL=graph.url)
            assert done.status == 0
            assert max(len(line) for line in done.lines) <= 60


class TestDownload:
    @pytest.fixture(autouse=True)
    def models(self, graph: Graph) -> None:
        with graph.client() as client:
            client.models.upload(MODELS)

    def test_a_file_for_each_in_the_folders_of_its_id(self, graph: Graph, tmp_path: Path) -> None:
        to = tmp_path / "models"
        said = graph.said("models", "download", "--to", to)
        assert said == f"Wrote 3 models into 3 files of {to}.\n"
        place = to / "dtmi" / "com" / "example"
        assert json.loads((place / "room-1.json").read_text()) == ROOM
        assert {each.name for each in place.iterdir()} == {
            *("room-1.json", "space-1.json", "thermostat-1.json"),
        }
        graph.said("models", "delete", "--all", "-y")
        assert graph.said("models", "upload", to) == "Uploaded 3 models.\n"

    def test_one_file_of_all_or_of_some_with_their_needs(
        self, graph: Graph, tmp_path: Path
    ) -> None:
        to = tmp_path / "all.json"
        assert graph.said("models", "download", "--to", to) == f"Wrote 3 models into {to}.\n"
        assert [each["@id"] for each in json.loads(to.read_text())][-1] == ROOM_ID
        flat = tmp_path / "flat"
        said = graph.json("models", "download", SPACE_ID, "--to", flat, "--flat")
        assert said == {
            "models": [SPACE_ID],
            "files": [(flat / "com.example.Space-1.json").as_posix()],
        }

    def test_files_of_other_content_stay(self, graph: Graph, tmp_path: Path) -> None:
        to = tmp_path / "flat"
        download = ("models", "download", "--to", to, "--flat")
        graph.said(*download)
        graph.said(*download)
        file = to / "com.example.Space-1.json"
        file.write_text("{}")
        (to / "com.example.Room-1.json").unlink()
        said = graph.refused(*download, status=4)
        assert said.startswith(f"1 file with other content:\n  {file}\nNothing was written.")
        assert not (to / "com.example.Room-1.json").exists()
        graph.said(*download, "--overwrite")
        assert json.loads(file.read_text()) == SPACE

    def test_what_cannot_be_written_or_is_not_there_is_told(
        self, graph: Graph, tmp_path: Path
    ) -> None:
        (tmp_path / "file").write_text("")
        to = tmp_path / "file" / "below"
        assert "cannot be written" in graph.refused("models", "download", "--to", to, status=1)
        graph.refused("models", "download", "dtmi:none;1", "--to", tmp_path / "x", status=3)
        graph.said("models", "delete", "--all", "-y")
        assert graph.said("models", "download", "--to", tmp_path / "x") == (
            "No models. `kastor models upload` brings some.\n"
        )
        assert not (tmp_path / "x").exists()

    def test_two_ids_of_one_file_are_told(self, graph: Graph, tmp_path: Path) -> None:
        with graph.client() as client:
            client.models.upload([interface("Big"), interface("bIG")])
        said = graph.refused("models", "download", "--to", tmp_path / "x", status=1)
        assert "would be one file" in said
        assert not (tmp_path / "x").exists()
        graph.said("models", "download", "--to", tmp_path / "x.json")


class TestDelete:
    @pytest.fixture(autouse=True)
    def models(self, graph: Graph) -> None:
        with graph.client() as client:
            client.models.upload(MODELS)

    def test_one_that_another_needs_stays(self, graph: Graph) -> None:
        said = graph.refused("models", "delete", SPACE_ID, "-y", status=4)
        assert f"This model is currently being referenced by {ROOM_ID}" in said
        assert len(stored(graph)) == 3

    def test_several_go_in_the_order_in_which_they_can(self, graph: Graph) -> None:
        delete = ("models", "delete", SPACE_ID, ROOM_ID)
        asked = graph.refused(*delete, status=2)
        assert asked.startswith(f"Delete {SPACE_ID}, {ROOM_ID}? Their twins stay, without a model.")
        assert graph.said(*delete, "--dry-run") == (
            "2 models would be deleted. Dry run: nothing was changed.\n"
        )
        assert graph.said(*delete, "-y") == "Deleted 2 models.\n"
        assert [each["@id"] for each in stored(graph)] == [THERMOSTAT_ID]
        graph.refused("models", "delete", "-m", SPACE_ID, "-y", status=3)

    def test_of_several_some_may_stay(self, graph: Graph) -> None:
        hall = interface("hall", extends=ROOM_ID)
        with graph.client() as client:
            client.models.upload([hall, interface("alone")])
        done = graph.run("models", "delete", ROOM_ID, "dtmi:many:alone;1", "-y", status=7)
        assert done.stdout == "Deleted 1 model.\n"
        assert done.stderr.startswith(
            "kastor: 1 model stayed:\nkastor:   model dtmi:com:example:Room"
        )

    def test_all_go_at_once(self, graph: Graph) -> None:
        assert graph.json("models", "delete", "--all", "--dry-run")["deleted"] == 3
        said = graph.json("models", "delete", "--all", "--yes")
        assert said == {"deleted": 3, "refused": 0, "dryRun": False}
        assert graph.said("models", "list") == "No models. `kastor models upload` brings some.\n"
        assert "or give --all" in graph.refused("models", "delete", status=2)
        assert "or give --all" in graph.refused("models", "delete", SPACE_ID, "--all", status=2)


class TestInATerminal:
    def test_an_upload_shows_how_far_it_is(self, graph: Graph, folder: Path, cli: Cli) -> None:
        done = cli.shown("models", "upload", folder, KASTOR_URL=graph.url)
        assert (done.status, done.lines[-1]) == (0, "Uploaded 3 models.")
        assert "0/3" in done.raw
        piped = cli.pipe("models", "upload", folder / "b", KASTOR_URL=graph.url)
        assert (piped.status, piped.err) == (0, "")
        assert "\x1b" not in piped.out

    def test_problems_are_told_there_too(self, graph: Graph, tmp_path: Path, cli: Cli) -> None:
        file = tmp_path / "bad.json"
        file.write_text(json.dumps(interface("bad", extends="dtmi:many:none;1")))
        done = cli.shown("models", "upload", file, columns=120, KASTOR_URL=graph.url)
        assert done.status == 1
        assert done.lines[-1] == "kastor: 1 problem. Nothing was sent."
