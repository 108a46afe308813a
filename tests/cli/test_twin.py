"""`kastor twin`, against a server."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest

from kastor.client import Retries
from kastor.testing import KastorServer
from tests.system.program import invoked

from .graphs import ROOM_ID, SPACE_ID, THERMOSTAT_ID, Graph, serving, values

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .terminal import Cli


@pytest.fixture(scope="module")
def graph() -> Iterator[Graph]:
    with serving() as graph:
        yield graph


class TestCreate:
    def test_values_are_typed_by_the_model_and_components_are_there(self, graph: Graph) -> None:
        said = graph.said(
            *("twin", "create", "typed", "--model", ROOM_ID),
            *("--set", "label=12", "--set", "temperature=21", "--set", "seats=4"),
            *("--set", "open=true", "--set", "built=2024-02-29", "--set", "use=1"),
            *("--set", "level=0", "--set", "tags.floor=3", "--set", "/tags/a.b=x=y"),
            *("--set", "size.width=2.5", "--set", "thermostat.serial=0017"),
        )
        found = graph.twin("typed")
        assert said == f"The twin typed is stored; its ETag is {found['$etag']}\n"
        part = found.pop("thermostat")
        assert part["serial"] == "0017"
        assert values(found) == {
            "label": "12", "temperature": 21, "seats": 4, "open": True, "built": "2024-02-29",
            "use": "1", "level": 0, "tags": {"floor": "3", "a.b": "x=y"}, "size": {"width": 2.5},
        }  # fmt: skip

    def test_properties_come_as_text_from_a_file_and_from_standard_input(
        self, graph: Graph, tmp_path: Path
    ) -> None:
        body = {"seats": 3, "thermostat": {"setPoint": 20}}
        file = tmp_path / "body.json"
        file.write_bytes(b"\xef\xbb\xbf" + json.dumps(body).encode())
        create = ("twin", "create", "given", "-m", ROOM_ID)
        for given in (json.dumps(body), f"@{file}", str(file), "-"):
            found = graph.json(*create, "--properties", given, answer=json.dumps(body))
            assert (found["seats"], found["thermostat"]["setPoint"]) == (3, 20)
        with_model = json.dumps({"$metadata": {"$model": ROOM_ID}, "seats": 5})
        found = graph.json("twin", "create", "given", "-p", with_model, "--set", "seats=6")
        assert found["seats"] == 6

    def test_one_that_is_there_is_replaced_unless_that_is_excluded(self, graph: Graph) -> None:
        create = ("twin", "create", "again", "-m", ROOM_ID)
        graph.said(*create, "--set", "seats=1", "--if-none-match")
        assert "a twin with the id again was found" in graph.refused(
            *create, "--if-none-match", status=4
        )
        graph.said(*create)
        assert "seats" not in graph.twin("again")

    @pytest.mark.parametrize(
        ("setting", "words"),
        [
            ("seats=many", "'many' is not an integer, which seats of dtmi:com:example:Room;1 has"),
            ("seats=1.5", "'1.5' is not an integer"),
            ("temperature=NaN", "'NaN' is not a double"),
            ("open=yes", "'yes' is not true or false"),
            ("size=big", "'big' is not JSON of an object"),
            ("thermostat.setPoint=x", "which thermostat.setPoint of"),
            ("temprature=1", "has no property temprature. Did you mean temperature?"),
            ("next=1", "has no property next. It has temperature, seats,"),
            (
                "thermostat.set=1",
                "dtmi:com:example:Thermostat;1 has no property set. It has setPoint",
            ),
        ],
    )
    def test_what_the_model_does_not_have_is_told_before_anything_is_sent(
        self, graph: Graph, setting: str, words: str
    ) -> None:
        create = ("twin", "create", "never", "-m", ROOM_ID)
        assert words in graph.refused(*create, "--set", setting, status=1)
        graph.refused("twin", "show", "never", status=3)

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (("--set", "seats"), "--set seats has no value: write --set PATH=VALUE."),
            (("--set", "a..b=1"), "--set a..b: a path is NAME, or COMPONENT.NAME"),
            (("--properties", "{seats: 1}"), "--properties is no JSON: Expecting property name"),
            (("--properties", "[1]"), "--properties has to be a JSON object such as"),
            (("--properties", "NaN"), "NaN is no JSON number"),
            (("--properties", "@missing.json"), "missing.json of --properties cannot be read: No"),
            (("--properties", '{"$metadata": 1}'), "$metadata of --properties has to be"),
            (("--properties", '{"$metadata": {"$model": "dtmi:b;1"}}'), "but --properties name"),
            (("--twin-id", "b"), "The twin's id is given twice: as a and by --twin-id."),
        ],
    )
    def test_what_was_typed_wrongly_is_told(
        self, graph: Graph, words: tuple[str, ...], said: str
    ) -> None:
        create = ("twin", "create", "a", "-m", ROOM_ID)
        assert said in graph.refused(*create, *words, status=2)

    def test_a_refusal_of_the_server_names_the_properties(self, graph: Graph) -> None:
        create = ("twin", "create", "a", "-m", ROOM_ID, "-p", '{"feet": 1, "seats": "x"}')
        said = graph.refused(*create, status=1)
        assert "feet does not appear on the DTDL for Twin." in said
        assert "Expected value of type integer for seats on Twin." in said

    def test_model_and_id_are_needed(self, graph: Graph) -> None:
        assert "The model is missing: give its id by --model." in graph.refused(
            "twin", "create", "a", status=2
        )
        assert "The twin's id is missing: give it as an argument, or by --twin-id." in (
            graph.refused("twin", "create", "-m", ROOM_ID, status=2)
        )
        assert "There is no model dtmi:none;1. `kastor models list` shows" in graph.refused(
            "twin", "create", "a", "-m", "dtmi:none;1", status=3
        )


class TestShowAndList:
    def test_a_table_has_what_people_read_and_json_all(self, graph: Graph) -> None:
        stored = graph.put_room("shown", seats=7, thermostat={"$metadata": {}, "setPoint": 20})
        lines = dict(
            line.split(maxsplit=1) for line in graph.said("twin", "show", "shown").splitlines()
        )
        assert lines["$model"] == ROOM_ID
        assert lines["$etag"] == stored["$etag"]
        assert (lines["seats"], lines["thermostat.setPoint"]) == ("7", "20")
        assert "$metadata" not in lines
        assert graph.json("twin", "show", "--twin-id", "shown") == stored
        assert "There is no digital twin instance that exists with the ID nothing" in (
            graph.refused("twin", "show", "nothing", status=3)
        )

    def test_twins_are_listed_by_their_models(self, graph: Graph) -> None:
        graph.said("twin", "create", "a-space", "-m", SPACE_ID)
        graph.put_room("a-room")
        rooms, spaces = (
            {each["$dtId"] for each in graph.json("twin", "list", "--model", model)}
            for model in (ROOM_ID, SPACE_ID)
        )
        assert "a-room" in rooms < spaces
        assert "a-space" in spaces - rooms
        (line,) = [x for x in graph.said("twin", "list").splitlines() if x.startswith("a-space ")]
        assert line.split() == ["a-space", SPACE_ID]
        none = graph.said("twin", "list", "--dtmi", THERMOSTAT_ID)
        assert none == f"No twins of {THERMOSTAT_ID} or of a model that extends it.\n"
        assert graph.json("twin", "list", "--dtmi", THERMOSTAT_ID) == []
        near = graph.run("twin", "list", "-m", f"{ROOM_ID[:-1]}9")
        assert near.stderr.startswith("kastor: warning: there is no model")
        assert "is no id of a model" in graph.refused("twin", "list", "-m", "x') OR ('", status=1)


class TestUpdate:
    def test_all_kinds_of_changes_go_in_one_request(self, graph: Graph) -> None:
        graph.put_room("changed", seats=1, label="old", tags={"a": "1"})
        patch = [{"op": "replace", "path": "/label", "value": "new"}]
        said = graph.json(
            *("twin", "update", "changed", "--json-patch", json.dumps(patch)),
            *("--set", "seats=2", "--set", "thermostat.setPoint=19", "--remove", "tags.a"),
        )
        found = graph.twin("changed")
        assert said == {"$dtId": "changed", "$etag": found["$etag"]}
        assert found["thermostat"].pop("setPoint") == 19
        assert found.pop("thermostat").keys() == {"$metadata"}
        assert values(found) == {"seats": 2, "label": "new", "tags": {}}

    def test_of_changes_that_are_refused_nothing_is_done(self, graph: Graph) -> None:
        before = graph.put_room("kept", seats=1)
        said = graph.refused(
            *("twin", "update", "kept", "--set", "seats=2", "--remove", "label"), status=1
        )
        assert "label is not set, so there is nothing to remove." in said
        assert graph.twin("kept") == before

    def test_an_etag_that_is_old_is_a_conflict(self, graph: Graph) -> None:
        old = graph.put_room("versions")["$etag"]
        update = ("twin", "update", "versions", "--set", "seats=2")
        graph.said(*update, "--etag", old)
        graph.refused(*update, "--etag", old, status=4)
        assert "Allowed value(s): If-Match: {etag} or If-Match: *" in graph.refused(
            *update, "--etag", "nonsense", status=1
        )
        said = graph.said(*update, "--etag", graph.twin("versions")["$etag"])
        assert said.startswith("The twin versions is changed; its ETag is W/")

    def test_objects_that_lead_to_a_value_are_made(self, graph: Graph) -> None:
        graph.put_room("deep", tags={"a": "1"})
        graph.said(
            *("twin", "update", "deep", "--set", "size.width=2", "--set", "size.unit=m"),
            *("--set", "tags.b=2", "--set", "thermostat.serial=x"),
        )
        found = graph.twin("deep")
        assert found["size"] == {"width": 2, "unit": "m"}
        assert found["tags"] == {"a": "1", "b": "2"}
        assert found["thermostat"]["serial"] == "x"

    def test_objects_that_somebody_makes_meanwhile_are_not_overwritten(
        self, graph: Graph, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from kastor.client.synchronous.twins import Twins

        graph.put_room("raced")
        get = Twins.get

        def is_slow(twins: Twins, twin: str) -> dict[str, Any]:
            found = get(twins, twin)
            twins.patch(twin, [{"op": "add", "path": "/tags", "value": {"a": "theirs"}}])
            return found

        with monkeypatch.context() as patch:
            patch.setattr(Twins, "get", is_slow)
            graph.refused("twin", "update", "raced", "--set", "tags.b=ours", status=4)
            graph.said("twin", "update", "raced", "--set", "seats=2")
        found = graph.twin("raced")
        assert (found["tags"], found["seats"]) == ({"a": "theirs"}, 2)

    def test_one_operation_needs_no_array_and_metadata_are_paths_too(self, graph: Graph) -> None:
        graph.put_room("one", seats=1)
        graph.said("twin", "update", "one", "--jp", '{"op":"remove","path":"/seats"}')
        time = "2024-01-01T00:00:00Z"
        graph.said(
            *("twin", "update", "one", "--set", "seats=3"),
            *("--set", f"/$metadata/seats/sourceTime={time}"),
        )
        assert graph.twin("one")["$metadata"]["seats"]["sourceTime"] == time

    @pytest.mark.parametrize("patch", ["3", "[1]", '"x"', "{", "[{]"])
    def test_what_is_no_patch_is_told(self, graph: Graph, patch: str) -> None:
        said = graph.refused("twin", "update", "a", "--json-patch", patch, status=2)
        assert said.startswith("--json-patch ")

    def test_nothing_to_change_is_told(self, graph: Graph) -> None:
        assert graph.refused("twin", "update", "a", status=2) == (
            "Nothing to change: give --set, --remove or --json-patch.\n"
        )
        graph.refused("twin", "update", "nothing", "--set", "a=1", status=3)


class TestDryRun:
    def test_it_says_what_would_come_of_it_and_changes_nothing(self, graph: Graph) -> None:
        before = graph.put_room("tried", seats=1)
        said = graph.said("twin", "update", "tried", "--set", "seats=2", "--dry-run")
        assert said.startswith("The twin tried would be stored so:\n")
        assert said.endswith("\nDry run: nothing was changed.\n")
        would = graph.json("twin", "update", "tried", "--set", "seats=2", "--dry-run")
        assert would["seats"] == 2
        graph.said("twin", "create", "tried-2", "-m", ROOM_ID, "--dry-run")
        said = graph.said("twin", "delete", "tried", "--dry-run")
        assert said == "The twin tried would be deleted. Dry run: nothing was changed.\n"
        graph.refused("twin", "update", "tried", "--jp", '[{"op":"move"}]', "--dry-run", status=1)
        assert graph.twin("tried") == before
        graph.refused("twin", "show", "tried-2", status=3)

    def test_a_server_that_has_none_is_sent_nothing(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            silent.settimeout(20)
            url = f"http://127.0.0.1:{silent.getsockname()[1]}"
            import threading

            seen: list[bytes] = []

            def answer() -> None:
                while True:
                    try:
                        connection, _ = silent.accept()
                    except OSError:
                        return
                    with connection:
                        seen.append(connection.recv(65_536).partition(b" HTTP")[0])
                        connection.sendall(
                            b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n"
                            b"Connection: close\r\n\r\n"
                        )

            threading.Thread(target=answer, daemon=True).start()
            done = invoked("twin", "delete", "a", "--dry-run", KASTOR_URL=url)
        assert done.returncode == 1
        assert "does not announce 'dry-run'" in done.stderr
        assert {each.partition(b"?")[0] for each in seen} == {b"GET /"}


class TestDelete:
    def test_it_has_to_be_confirmed(self, graph: Graph) -> None:
        graph.put_room("asked")
        assert graph.refused("twin", "delete", "asked", status=2, answer="y\n") == (
            "Delete the twin asked? Nobody can be asked here: give --yes to say so.\n"
        )
        assert graph.said("twin", "delete", "-t", "asked", "--yes") == "The twin asked is gone.\n"
        graph.refused("twin", "delete", "asked", "--yes", status=3)

    def test_an_etag_is_compared_before_anything_goes(self, graph: Graph) -> None:
        old = graph.put_room("hub")["$etag"]
        etag = graph.put_room("hub")["$etag"]
        graph.put_room("spoke")
        graph.relate("hub", "out", "spoke")
        delete = ("twin", "delete", "hub", "-y")
        assert "--with-relationships deletes them too." in graph.refused(*delete, status=4)
        assert "hub is another version than" in graph.refused(
            *delete, "--with-relationships", "--etag", old, status=4
        )
        assert len(graph.json("twin", "relationship", "list", "hub")) == 1
        said = graph.said(*delete, "--with-relationships", "--etag", etag)
        assert said == "The twin hub with 1 relationship is gone.\n"

    def test_relationships_of_both_ways_go_with_it(self, graph: Graph) -> None:
        for twin in ("middle", "left", "right"):
            graph.put_room(twin)
        for at in range(25):
            graph.relate("middle", f"to-{at}", "right")
            graph.relate("left", f"from-{at}", "middle")
        graph.relate("left", "other", "right")
        delete = ("twin", "delete", "middle", "--with-relationships", "--yes")
        would = graph.json(*delete, "--dry-run")
        assert would == {"$dtId": "middle", "relationships": 50, "deleted": True, "dryRun": True}
        assert graph.said(*delete) == "The twin middle with 50 relationships is gone.\n"
        (left,) = graph.json("twin", "relationship", "list", "left")
        assert left["$relationshipId"] == "other"


AS_OF_AZURE = [
    ("twin", "create", "--dtmi", ROOM_ID, "--twin-id", "az", "-p", '{"seats": 1}'),
    ("twin", "update", "--twin-id", "az", "--json-patch", '{"op":"add","path":"/seats","value":2}'),
    ("twin", "show", "-t", "az"),
    ("twin", "create", "-m", ROOM_ID, "-t", "az-2"),
    ("twin", "relationship", "create", "--twin-id", "az", "--relationship-id", "r",
     "--relationship", "next", "--target", "az-2"),
    ("twin", "relationship", "update", "-t", "az", "-r", "r",
     "--json-patch", '{"op":"add","path":"/metres","value":2}'),
    ("twin", "relationship", "show", "--source", "az", "-r", "r"),
    ("twin", "relationship", "list", "-t", "az", "--relationship", "next"),
    ("twin", "relationship", "list", "-t", "az-2", "--incoming"),
    ("twin", "component", "show", "-t", "az", "--component", "thermostat"),
    ("twin", "component", "update", "-t", "az", "--component", "thermostat", "--jp", "[]"),
    ("twin", "telemetry", "send", "-t", "az", "--telemetry", '{"a": 1}', "--dt-id", "m"),
    ("twin", "relationship", "delete", "-t", "az", "-r", "r", "--yes"),
    ("twin", "delete", "-t", "az", "--etag", "*", "--yes"),
]  # fmt: skip


def test_the_words_of_az_dt_are_understood(graph: Graph) -> None:
    for words in AS_OF_AZURE:
        graph.json(*words)


def test_a_twin_without_its_model_can_be_given_another(graph: Graph) -> None:
    gone = {"@id": "dtmi:com:example:Gone;1", "@type": "Interface", "extends": SPACE_ID}
    with graph.client() as client:
        client.models.upload([gone | {"@context": "dtmi:dtdl:context;3"}])
        client.twins.put("orphan", {"$metadata": {"$model": gone["@id"]}, "label": "a"})
        client.models.delete("dtmi:com:example:Gone;1")
    assert graph.json("twin", "component", "list", "orphan") == []
    graph.said("twin", "update", "orphan", "--set", f"$metadata.$model={SPACE_ID}")
    assert graph.twin("orphan")["$metadata"]["$model"] == SPACE_ID


def test_faults_of_access_and_of_the_way_have_statuses_of_their_own(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Retries, "after_fault", lambda *_, **__: None)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        gone = Graph(f"http://127.0.0.1:{closed.getsockname()[1]}")
        assert "Connection refused" in gone.refused("twin", "show", "a", status=6)
    graph.refused("twin", "show", "a", "--url", "ftp://a", status=2)
    unknown = invoked("twin", "show", "a", "--colour", "red", KASTOR_URL=graph.url)
    assert unknown.returncode == 2
    assert "No such option: --colour" in unknown.stderr
    with KastorServer(("--auth", "tokens")) as guarded:
        closed_one = Graph(guarded.url)
        for words in (("twin", "show", "a"), ("models", "list"), ("delete-all", "-y")):
            closed_one.refused(*words, status=5)


class TestInATerminal:
    def test_a_deletion_asks_there(self, graph: Graph, cli: Cli) -> None:
        graph.put_room("wanted")
        for answer, status in (("n\r", 1), ("y\r", 0)):
            with cli.terminal("twin", "delete", "wanted", KASTOR_URL=graph.url) as terminal:
                terminal.wait_for("Delete the twin wanted? [y/N]")
                terminal.send(answer)
                assert terminal.end() == status
                last = terminal.lines[-1]
            assert last == (
                "The twin wanted is gone." if status == 0 else "kastor: Nothing was changed."
            )

    def test_an_interruption_there_changes_nothing(self, graph: Graph, cli: Cli) -> None:
        before = graph.put_room("stays")
        with cli.terminal("twin", "delete", "stays", KASTOR_URL=graph.url) as terminal:
            terminal.wait_for("[y/N]")
            terminal.interrupt()
            assert terminal.end() == 130
        assert graph.twin("stays") == before

    def test_what_is_shown_fits(self, graph: Graph, cli: Cli) -> None:
        graph.put_room("wide", label="long " * 40)
        graph.relate("wide", "r", graph.put_room("wide-2")["$dtId"])
        for words in (("show", "wide"), ("relationship", "list", "wide"), ("list",)):
            done = cli.shown("twin", *words, columns=60, KASTOR_URL=graph.url)
            assert done.status == 0
            assert max(len(line) for line in done.lines) <= 60
            assert "wide" in done.text
