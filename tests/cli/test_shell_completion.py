"""What the shell completes: the place of the cursor, the names of the graph, when they change."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import pytest

from kastor.cli.shell import gathering
from kastor.cli.shell.completion import (
    _BEGIN,
    _GO_ON,
    MOST,
    SUPERSET,
    completed,
)
from kastor.cli.shell.declared import read_facts
from kastor.cli.shell.descriptions import arguments_of, function_rows, model_contents, models_like
from kastor.cli.shell.gathering import NameGatherer
from kastor.cli.shell.graph_names import GraphNames
from kastor.cli.shell.highlight import fragments
from kastor.cli.shell.lexing import is_complete, lexed, statements
from kastor.client.errors import UnreachableError
from kastor.errors import QueryError
from kastor.lang import parse
from kastor.lang.words import CONTEXTUAL, FUNCTIONS, RESERVED

from .rooms import FLOOR, KNOB, MODELS, ROOM, SPACE, interface, value


def names_of(*documents: dict[str, Any], **more: Any) -> GraphNames:
    listed = [{"id": each["@id"], "model": each} for each in documents]
    return GraphNames({each["id"]: read_facts(each) for each in listed}, **more)


GRAPH = names_of(*MODELS)
GRAPH.saw(["room1", "it's"])


def at(text: str, names: GraphNames = GRAPH) -> list[str]:
    """What is offered at the bar."""
    cursor = text.index("|")
    return [each.text for each in completed(text.replace("|", "", 1), cursor, names)]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("|", ["SELECT", "EXPLAIN"]),
        ("sel|", ["select"]),
        ("SELECT * |", ["FROM", "AS"]),
        ("SELECT * FROM |", ["DIGITALTWINS", "RELATIONSHIPS", "MODELS"]),
        ("SELECT * FROM digitaltwins T wh|", ["where"]),
        ("SELECT * FROM DIGITALTWINS T JOIN R |", ["RELATED"]),
        ("SELECT * FROM DIGITALTWINS T JOIN R RELATED |", ["T", "R"]),
        ("SELECT * FROM DIGITALTWINS T JOIN R RELATED T.|", ["adjacentTo", "contains"]),
        ("SELECT * FROM DIGITALTWINS MATCH (a)-[:con|", ["contains"]),
        ("SELECT * FROM DIGITALTWINS MATCH (a)-[r:contains|", ["contains"]),
        ("SELECT name FROM DIGITALTWINS ORDER BY name |", ["ASC", "DESC", "LIMIT", "OFFSET"]),
        ("SELECT name FROM DIGITALTWINS WHERE temperature > 3 a|", ["and"]),
        ("SELECT 1; SEL|", ["SELECT"]),
        ("SELECT id FROM MODELS WHERE dec|", ["decommissioned"]),
    ],
)  # fmt: skip
def test_words_go_where_the_language_has_them(text: str, first: list[str]) -> None:
    assert at(text)[: len(first)] == first


def test_a_model_is_found_by_any_part_of_its_id_and_closes_its_string() -> None:
    text = "SELECT * FROM DIGITALTWINS WHERE IS_OF_MODEL('{}"
    assert at(text.format("Room|")) == [f"{ROOM}'"]
    assert at(text.format("dtmi:test:S|')")) == [SPACE]
    assert at(text.format("o|"))[0] == f"{FLOOR}'" or f"{ROOM}'" in at(text.format("o|"))
    assert at("SELECT * FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, 'fl|") == [f"{FLOOR}'"]
    assert at("SELECT * FROM DIGITALTWINS T WHERE T.$metadata.$model = 'fl|") == [f"{FLOOR}'"]
    assert at("SELECT * FROM DIGITALTWINS WHERE name = 'Room|") == []


def test_relationship_names_and_ids_that_were_seen_stand_in_strings() -> None:
    assert at("SELECT * FROM RELATIONSHIPS WHERE $relationshipName = 'c|")[0] == "contains'"
    assert at("SELECT * FROM DIGITALTWINS WHERE $dtId IN ['a', 'room|") == ["room1'"]
    assert at("SELECT * FROM DIGITALTWINS WHERE $dtId = 'it|") == ["it\\'s'"]


def test_properties_are_those_of_the_models_at_hand_wherever_they_are_named() -> None:
    assert "temperature" in at("SELECT T.| FROM DIGITALTWINS T")
    of_floor = at(f"SELECT T.| FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, '{FLOOR}')")
    assert of_floor == ["name", "$dtId", "$etag", "$metadata"]
    of_two = at(f"SELECT R.| FROM DIGITALTWINS F JOIN R RELATED F.contains WHERE "
                f"IS_OF_MODEL(F, '{FLOOR}') AND IS_OF_MODEL(R, '{ROOM}')")  # fmt: skip
    assert {"temperature", "name", "knob"} <= set(of_two)
    assert "temperature" in at("SELECT T.| FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, 'dtmi:no;1')")


def test_paths_go_into_components_objects_and_relationships() -> None:
    assert at("SELECT T.knob.| FROM DIGITALTWINS T") == ["$metadata", "setPoint"]
    assert at("SELECT T.size.| FROM DIGITALTWINS T") == ["width"]
    assert at("SELECT knob.se|") == ["setPoint"]
    assert at("SELECT setP|") == ["setPoint", "knob.setPoint"]
    assert at("SELECT T.te|") == ["temperature"], "an alias that FROM has not named yet"
    edge = "SELECT * FROM DIGITALTWINS MATCH (a)-[r:contains]->(b) WHERE r.{}|"
    assert at(edge.format(""))[0] == "since"
    assert at(edge.format("$t")) == ["$targetId"]


def test_functions_are_those_of_the_language() -> None:
    offered = {each.rstrip("(") for each in at("SELECT | FROM DIGITALTWINS")}
    assert offered >= FUNCTIONS
    assert at("SELECT * FROM DIGITALTWINS WHERE IS_OF|") == ["IS_OF_MODEL("]


def test_every_word_that_is_offered_is_one_of_the_language() -> None:
    words = {word for listed in (*_BEGIN.values(), *_GO_ON.values()) for word in listed}
    single = {part for word in words - {"*"} for part in word.split()}
    assert single <= RESERVED | CONTEXTUAL, single - RESERVED - CONTEXTUAL


def test_a_server_without_the_superset_is_offered_nothing_of_it() -> None:
    narrow = names_of(*MODELS, has_superset=False)
    assert at("|", narrow) == ["SELECT"]
    assert at("SELECT * FROM |", narrow) == ["DIGITALTWINS", "RELATIONSHIPS"]
    for text in (
        "SELECT |",
        "SELECT * FROM DIGITALTWINS WHERE |",
        "SELECT * FROM DIGITALTWINS T |",
    ):
        for word in at(text, narrow):
            assert word.rstrip("(") not in SUPERSET


def test_what_is_offered_without_the_superset_is_understood_by_the_base_language() -> None:
    narrow = names_of(has_superset=False)
    for each in at("SELECT * FROM DIGITALTWINS WHERE |", narrow):
        if each.endswith("("):
            fewest = int(arguments_of(each[:-1]).split()[0])
            arguments = ", ".join(["'dtmi:a;1'" if "MODEL" in each else "a", "'b'"][:fewest])
            query = parse(f"SELECT * FROM DIGITALTWINS WHERE {each}{arguments})")
            assert not query.extensions, each


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_functions_take_as_many_arguments_as_is_said(name: str) -> None:
    fewest, _, most = arguments_of(name).partition(" to ")
    literal = {"IS_OF_MODEL": ["'dtmi:a;1'", "exact"], "DATETIME_ADD": ["'day'", "1", "a"],
               "DATETIME_DIFF": ["'day'", "a", "b"], "DATETIME_PART": ["'day'", "a"]}  # fmt: skip

    def is_taken(count: int) -> bool:
        given = (literal.get(name) or ["a", "'b'", "true"])[:count]
        if name == "IS_OF_MODEL" and count == 3:
            given = ["T", "'dtmi:a;1'", "exact"]
        given += ["1"] * (count - len(given))
        call = f"{name}({', '.join(given)})"
        try:
            parse(f"SELECT {call} FROM DIGITALTWINS T")
        except QueryError:
            try:
                parse(f"SELECT * FROM DIGITALTWINS T WHERE {call}")
            except QueryError:
                return False
        return True

    assert is_taken(int(fewest))
    assert not is_taken(int(fewest) - 1) or fewest == "0"
    assert not is_taken(int(most or fewest) + 1)


def test_functions_are_listed_as_the_server_has_them() -> None:
    wide = {row["function"]: row for row in function_rows("", has_superset=True)}
    assert wide.keys() == FUNCTIONS
    assert wide["CONTAINS"]["arguments"] == "2 to 3"
    narrow = {row["function"]: row for row in function_rows("", has_superset=False)}
    assert narrow["CONTAINS"]["arguments"] == "2"
    assert "LENGTH" not in narrow
    assert [row["function"] for row in function_rows("of_m", has_superset=False)] == ["IS_OF_MODEL"]


def test_thousands_of_models_are_bounded_and_quick() -> None:
    many = [interface(f"dtmi:big:M{number};1", f"M{number}", value(f"p{number}", "double"))
            for number in range(6_000)]  # fmt: skip
    names = names_of(*many)
    assert len(at("SELECT * FROM DIGITALTWINS WHERE IS_OF_MODEL('|", names)) == MOST
    assert at("SELECT * FROM DIGITALTWINS WHERE IS_OF_MODEL('M5999|", names) == [
        "dtmi:big:M5999;1'"
    ]
    assert len(at("SELECT p|", names)) == MOST


def test_models_that_make_no_sense_are_read_as_far_as_they_do() -> None:
    odd = names_of(
        {"@id": "dtmi:o:A;1", "extends": ["dtmi:o:A;1", "dtmi:o:B;1", 3], "contents": 7},
        {"@id": "dtmi:o:B;1", "extends": {"@id": "dtmi:o:A;1"},
         "contents": {"@type": ["Property"], "name": "lone", "schema": {"@type": None}}},
    )  # fmt: skip
    assert set(odd.properties(["dtmi:o:A;1"])) == {"lone"}
    assert [facts.id for facts in odd.line("dtmi:o:A;1")] == ["dtmi:o:A;1", "dtmi:o:B;1"]


def test_a_model_is_described_with_what_it_inherits() -> None:
    head, rows = model_contents(GRAPH, ROOM)
    assert head[:2] == [f"{ROOM}  Room", f"extends {SPACE}"]
    told = {row["name"]: (row["kind"], row["type"], row["from"]) for row in rows}
    assert told["name"] == ("property", "string", SPACE)
    assert told["knob"] == ("component", KNOB, "")
    assert told["status"] == ("property", "enum {free}", "")
    assert told["size"] == ("property", "object {width}", "")
    assert told["adjacentTo"] == ("relationship", f"-> {ROOM}", "")
    assert models_like(GRAPH, "ROOM") == [ROOM]
    assert models_like(GRAPH, "knob") == [KNOB]


class Server:
    """Answers what a gatherer asks."""

    def __init__(self, *, tells_epoch: bool) -> None:
        self.documents: Any = [*MODELS]
        self.epoch, self.reads = 1, 0
        self.announced = frozenset({"status", "parameters"} if tells_epoch else ())
        self.models = self

    def features(self) -> frozenset[str]:
        return self.announced

    def status(self) -> dict[str, Any]:
        return {"modelEpoch": self.epoch}

    def list(self, *, definitions: bool) -> Server:
        assert definitions
        self.reads += 1
        return self

    def pages(self) -> Any:
        return [SimpleNamespace(items=[{"id": each["@id"], "model": each}])
                for each in self.documents]  # fmt: skip


def test_names_are_read_again_when_the_epoch_of_the_models_changes() -> None:
    server: Any = Server(tells_epoch=True)
    gatherer = NameGatherer(server)
    gatherer.names.saw(["seen"])
    assert ROOM in gatherer.current().models
    gatherer.current()
    assert server.reads == 1
    server.documents.append(interface("dtmi:test:New;1", "New"))
    server.epoch += 1
    names = gatherer.current()
    assert (server.reads, "dtmi:test:New;1" in names.models) == (2, True)
    assert list(names.twins) == ["seen"]
    assert names.has_superset


def test_a_server_that_tells_no_epoch_is_read_again_after_some_minutes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server: Any = Server(tells_epoch=False)
    gatherer = NameGatherer(server)
    assert not gatherer.current().has_superset
    gatherer.current()
    assert server.reads == 1
    monkeypatch.setattr(gathering, "UNTOLD_SECONDS", 0.0)
    gatherer.current()
    assert server.reads == 2


def test_of_too_many_models_the_first_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MAX_MODELS", 2)
    names = NameGatherer(Server(tells_epoch=True)).current()  # type: ignore[arg-type]
    assert not names.is_complete
    assert len(names.models) == 3


def test_a_server_that_does_not_answer_leaves_names_as_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server: Any = Server(tells_epoch=True)

    def refuse() -> frozenset[str]:
        raise UnreachableError("no")

    monkeypatch.setattr(server, "features", refuse)
    gatherer = NameGatherer(server)
    gatherer.look()
    assert gatherer._thread is not None
    gatherer._thread.join(10)
    assert not gatherer.names.models
    with pytest.raises(UnreachableError):
        gatherer.current()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT 1", False),
        ("SELECT 1;", True),
        ("SELECT 1 ; ", True),
        ("SELECT 1 -- ;", False),
        ("SELECT ';", False),
        ("SELECT ';'", False),
        ("SELECT 'a\n", False),
        ("SELECT 1\n", True),
        ("SELECT 1\n  ", True),
        ("SELECT ` 1;", True),
        ("\\m", True),
        ("quit", True),
        ("", True),
    ],
)
def test_enter_runs_what_is_whole(text: str, expected: bool) -> None:
    assert is_complete(text) is expected


def test_semicolons_part_statements_outside_of_strings_and_comments() -> None:
    text = "SELECT ';' ; -- a;b\nSELECT 2;; rest"
    assert statements(text) == (["SELECT ';'", "-- a;b\nSELECT 2"], "rest")


def test_tokens_and_colours_keep_every_character_of_any_text() -> None:
    draw = random.Random(5)
    signs = "SELECT * 'a\"\\;\n-[]().$x1`\x00 ü😀"
    for _ in range(300):
        text = "".join(draw.choice(signs) for _ in range(draw.randrange(30)))
        assert "".join(part[1] for part in fragments(text)) == text
        for token in lexed(text):
            assert text[token.start : token.end] == token.text
        at_cursor = draw.randrange(len(text) + 1)
        completed(text, at_cursor, GRAPH)


def test_words_strings_and_parameters_have_their_colours() -> None:
    parts = fragments("SELECT LENGTH(name), $low FROM x -- no\n WHERE a = 'b")
    found = {part[1]: part[0] for part in parts}
    assert found["SELECT"] == found["WHERE"] == "class:word"
    assert (found["LENGTH"], found["$low"]) == ("class:function", "class:parameter")
    assert (found["name"], found["'b"]) == ("", "class:string")
    assert found[" -- no\n "] == "class:comment"


def test_an_arrow_of_the_other_language_is_no_comment() -> None:
    text = "MATCH (a)-->(b {name: 'x;y'}) RETURN `a;b`; SELECT * FROM DIGITALTWINS"
    assert statements(text) == (
        ["MATCH (a)-->(b {name: 'x;y'}) RETURN `a;b`"],
        "SELECT * FROM DIGITALTWINS",
    )
    assert is_complete("MATCH (a)-->(b) RETURN b;")
    assert not is_complete("SELECT * FROM DIGITALTWINS -- ;")
