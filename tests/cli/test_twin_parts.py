"""`kastor twin relationship`, `component` and `telemetry`, against a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .graphs import SPACE_ID, THERMOSTAT_ID, Graph, serving

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def graph() -> Iterator[Graph]:
    with serving() as graph:
        yield graph


class TestRelationships:
    def test_from_its_creation_to_its_end(self, graph: Graph) -> None:
        graph.put_room("here")
        graph.put_room("there")
        ids = ("here", "to-there")
        said = graph.said(
            *("twin", "relationship", "create", *ids, "--kind", "next", "--target", "there"),
            *("--set", "metres=3"),
        )
        assert said.startswith("The relationship to-there of here is stored; its ETag is W/")
        found = graph.json("twin", "relationship", "show", *ids)
        assert (found["$targetId"], found["metres"]) == ("there", 3)
        shown = graph.said("twin", "relationship", "show", *ids).splitlines()
        assert ["metres", "3"] in [line.split() for line in shown]
        old = found["$etag"]
        said = graph.json("twin", "relationship", "update", *ids, "--set", "metres=4", "-e", old)
        assert said["$relationshipId"] == "to-there"
        update = ("twin", "relationship", "update", *ids)
        graph.refused(*update, "--set", "metres=5", "--etag", old, status=4)
        assert "'far' is not a double" in graph.refused(*update, "--set", "metres=far", status=1)
        assert "next has no property feet." in graph.refused(*update, "--set", "feet=1", status=1)
        would = graph.said(*update, "--remove", "metres", "--dry-run")
        assert would.startswith("The relationship to-there of here would be stored so:")
        assert graph.json("twin", "relationship", "show", *ids)["metres"] == 4
        delete = ("twin", "relationship", "delete", *ids)
        graph.refused(*delete, status=2)
        graph.said(*delete, "--dry-run")
        assert graph.said(*delete, "-y") == "The relationship to-there of here is gone.\n"
        graph.refused("twin", "relationship", "show", *ids, status=3)

    def test_they_are_listed_by_name_and_by_way(self, graph: Graph) -> None:
        for twin in ("centre", "north"):
            graph.put_room(twin)
        for at in range(12):
            graph.relate("centre", f"n{at:02}", "north")
        graph.relate("centre", "up", "north", "above")
        graph.relate("north", "back", "centre")
        listed = ("twin", "relationship", "list")
        assert len(graph.json(*listed, "centre")) == 13
        lines = graph.said(*listed, "centre", "--kind", "above").splitlines()
        assert [line.split() for line in lines] == [
            ["$relationshipId", "$relationshipName", "$targetId"],
            ["up", "above", "north"],
        ]
        lines = graph.said(*listed, "--incoming", "-t", "north", "--name", "above").splitlines()
        assert lines[1].split() == ["up", "above", "centre"]
        assert len(graph.json(*listed, "north", "--incoming")) == 13
        assert graph.said(*listed, "centre", "--incoming", "--kind", "above") == (
            "No relationships. None of the name above comes to centre.\n"
        )
        graph.refused(*listed, "nothing", status=3)

    def test_name_and_target_are_needed(self, graph: Graph) -> None:
        create = ("twin", "relationship", "create", "a", "b")
        assert "--kind is missing" in graph.refused(*create, status=2)
        assert "--target is missing" in graph.refused(*create, "--kind", "next", status=2)
        graph.put_room("self")
        alone = (
            "twin",
            "relationship",
            "create",
            "self",
            "b",
            "--kind",
            "next",
            "--target",
            "none",
        )
        graph.refused(*alone, status=3)


class TestComponents:
    def test_they_are_shown_changed_and_listed(self, graph: Graph) -> None:
        graph.put_room("parts")
        names = ("parts", "thermostat")
        said = graph.said("twin", "component", "update", *names, "--set", "serial=12")
        assert said.startswith("The component thermostat of parts is changed; its ETag is W/")
        assert graph.json("twin", "component", "show", *names)["serial"] == "12"
        assert ["serial", "12"] in [
            line.split() for line in graph.said("twin", "component", "show", *names).splitlines()
        ]
        said = graph.json("twin", "component", "update", *names, "--remove", "serial")
        etag = graph.twin("parts")["$etag"]
        assert said == {"$dtId": "parts", "component": "thermostat", "$etag": etag}
        patch = '[{"op":"add","path":"/setPoint","value":1}]'
        graph.said("twin", "component", "update", *names, "--json-patch", patch, "--dry-run")
        assert "setPoint" not in graph.json("twin", "component", "show", *names)
        assert graph.json("twin", "component", "list", "parts") == [
            {"component": "thermostat", "$model": THERMOSTAT_ID}
        ]
        graph.said("twin", "create", "whole", "-m", SPACE_ID)
        assert graph.said("twin", "component", "list", "whole") == (
            "No components. The model of whole has none.\n"
        )

    def test_what_is_not_there_is_told(self, graph: Graph) -> None:
        graph.put_room("alone")
        show = ("twin", "component", "show")
        assert "alone does not have component motor" in graph.refused(
            *show, "alone", "motor", status=3
        )
        graph.refused(*show, "nothing", "thermostat", status=3)
        assert "The component's name is missing" in graph.refused(*show, "alone", status=2)
        assert "Nothing to change" in graph.refused(
            "twin", "component", "update", "alone", "thermostat", status=2
        )


class TestTelemetry:
    def test_it_is_sent_of_twins_and_of_components(self, graph: Graph) -> None:
        graph.put_room("sender")
        send = ("twin", "telemetry", "send", "sender")
        assert graph.said(*send, '{"a": 1}', "--message-id", "m1") == "Sent as message m1.\n"
        said = graph.json(*send, "-", "--component", "thermostat", answer="21.5")
        assert said == {"$dtId": "sender", "messageId": said["messageId"], "dryRun": False}
        assert graph.said(*send, "1", "--dry-run") == (
            "The telemetry of sender would be sent. Dry run: nothing was changed.\n"
        )
        graph.refused("twin", "telemetry", "send", "nothing", "1", status=3)
        graph.refused(*send, "1", "--component", "motor", status=3)
        assert "The payload is no JSON" in graph.refused(*send, "{a", status=2)
        assert "The payload is missing" in graph.refused(*send, status=2)
