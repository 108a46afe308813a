"""What the shell completes of openCypher: labels, relationship names, properties, words."""

from __future__ import annotations

import pytest

from kastor.cli.shell.completion import completed
from kastor.cli.shell.faults import lines_of
from kastor.cli.shell.highlight import fragments
from kastor.cli.shell.lexing import lexed, statements
from kastor.client.errors import ServiceError
from kastor.lang.cypher.words import LEFT_OUT, RESERVED
from kastor.query.cypher.functions import AGGREGATES, NAMES

from .rooms import FLOOR, MODELS, ROOM, value
from .test_shell_completion import GRAPH, at, names_of


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("ma|", ["match"]),
        ("MATCH (n:|", ["Cell", "Floor", "Room", "Space", "Thermostat", "Twin", "Model"]),
        ("MATCH (n:Ro|", ["Room"]),
        ("MATCH (n) WHERE n:Ro|", ["Room"]),
        ("MATCH (n:Room) w|", ["where"]),
        ("MATCH (n:Room) W|HERE n.name = 1", ["WHERE"]),
        ("MATCH (a)-[:|", ["adjacentTo", "contains"]),
        ("MATCH (a)-[r:contains\\|co|", ["contains"]),
        ("MATCH (n) RETURN n.name |", ["AS", "ORDER BY", "SKIP", "LIMIT"]),
        ("MATCH (n) RETURN n ORDER |", ["BY"]),
        ("MATCH (n) WHERE n.name STARTS |", ["WITH"]),
        ("MATCH (n) WHERE n.name IS |", ["NULL", "NOT NULL"]),
        ("MATCH (abc) RETURN a|", ["abc", "avg(", "abs("]),
        ("SELECT 1; MATCH (n:Ro|", ["Room"]),
        ("MATCH (n) RETURN n; SEL|", ["SELECT"]),
        ("EXPLAIN MATCH (n:Ro|", ["Room"]),
        ("// why\n match (n:Ro|", ["Room"]),
    ],
)  # fmt: skip
def test_words_go_where_the_language_has_them(text: str, first: list[str]) -> None:
    before, _, behind = text.replace("\\|", "\0").partition("|")
    before, behind = before.replace("\0", "|"), behind.replace("\0", "|")
    found = [each.text for each in completed(before + behind, len(before), GRAPH)]
    assert found[: len(first)] == first


def test_properties_are_those_of_the_label_and_of_what_a_pattern_leads_to() -> None:
    assert "temperature" in at("MATCH (n) RETURN n.|")
    assert at("MATCH (f:Floor) RETURN f.|") == ["name", "$dtId", "$etag", "$metadata"]
    assert "temperature" in at("MATCH (r:Space) RETURN r.|"), "heirs have it"
    assert "temperature" in at("MATCH (f:Floor)-[:contains]->(r) RETURN r.|")
    assert at("MATCH (r:Room) RETURN r.knob.|") == ["$metadata", "setPoint"]
    assert at("MATCH (a)-[r:contains]->(b) RETURN r.|")[0] == "since"
    assert at("MATCH (n) RETURN n.$metadata.|") == ["$model", "$lastUpdateTime"]
    assert at("MATCH (m:Model) RETURN m.|") == ["id", "uploadTime", "decommissioned", "model"]
    assert at("MATCH (n:Floor {|") == ["name"]
    assert at("MATCH ()-[:contains {|") == ["since"]
    assert at("MATCH (n) RETURN unknown.|") == []
    assert "temperature" in at(f"MATCH (n) WHERE is_of_model(n, '{ROOM}') RETURN n.|")
    assert "temperature" in at("MATCH (n:Room) WITH n AS m RETURN m.|")


def test_ids_of_models_and_twins_stand_in_quotes() -> None:
    assert at("MATCH (n) WHERE is_of_model(n, 'Room|") == [f"{ROOM}'"]
    assert at("MATCH (n:`Fl|") == [f"{FLOOR}`"]
    assert at("MATCH (n) WHERE id(n) = 'room|") == ["room1'"]
    assert at("MATCH (n) WHERE n.$dtId IN ['a', 'room|") == ["room1'"]
    assert at("MATCH (n) WHERE n.name = 'room|") == []


def test_odd_names_stand_in_backticks() -> None:
    odd = {"@id": "dtmi:t:Odd;1", "@type": "Interface", "contents": [value("a-b", "string")]}
    names = names_of(*MODELS, odd)
    assert at("MATCH (`a b`:Odd) RETURN `a b`.|", names)[0] == "`a-b`"
    assert "`a b`" in at("MATCH (`a b`:Odd) RETURN |", names)
    assert "`match`" in at("MATCH (`match`:Odd) RETURN |", names)
    assert at("MATCH ()-[:conta|") == ["contains"], "reserved words may be names of relationships"


def test_what_is_offered_is_what_the_language_has() -> None:
    offered = {each.rstrip("(") for each in at("MATCH (n) RETURN |")}
    assert offered >= NAMES
    assert not {each.rstrip("(") for each in at("MATCH (n) WHERE |")} & AGGREGATES
    begins = at("|")
    for words in ("OPTIONAL MATCH", "WITH", "UNWIND"):
        assert (words in begins) is (words.partition(" ")[0] not in LEFT_OUT)
    for text in ("|", "MATCH (n) |", "MATCH (n) WHERE n.a |", "MATCH (n) RETURN n |"):
        for offer in at(text):
            first = offer.partition(" ")[0]
            if first.isupper() and first not in {"SELECT", "EXPLAIN", "ALL"}:
                assert first in RESERVED, offer


def test_a_server_without_the_superset_is_offered_nothing_of_it() -> None:
    base = names_of(*MODELS, has_superset=False)
    assert at("|", base) == ["SELECT"]
    assert "Room" not in at("MATCH (n:|", base)


def test_nothing_that_is_half_written_breaks_it() -> None:
    whole = (
        "MATCH p = (a:Room {name: 'x'})-[r:contains|adjacentTo*1..2]->(b), (c:`odd label`) "
        "WHERE NOT (a)-->(c) AND EXISTS { (b)-[:contains]->() } /* c */ RETURN CASE WHEN a.x > 1 "
        'THEN [1, {k: b}] ELSE "y" END AS y ORDER BY y DESC; SELECT 1'
    )
    for cursor in range(len(whole) + 1):
        completed(whole, cursor, GRAPH)
        completed(whole[:cursor], cursor, GRAPH)
        assert "".join(text for _, text, *_ in fragments(whole[:cursor])) == whole[:cursor]


def test_statements_of_both_languages_stand_beside_each_other() -> None:
    text = "SELECT 1 -- ;\n;MATCH (a)--(b) WHERE a.x = ';' // ;\nRETURN a;SELECT 2"
    found, rest = statements(text)
    assert [each.split()[0] for each in found] == ["SELECT", "MATCH"]
    assert found[1].endswith("RETURN a")
    assert rest == "SELECT 2"
    assert [text[each.start : each.end] for each in lexed(text)] == [
        each.text for each in lexed(text)
    ]


def test_words_labels_and_comments_have_their_colours() -> None:
    found = {
        text: style for style, text, *_ in fragments("MATCH (n:Room) // x\nRETURN count(n), $p")
    }
    assert (found["MATCH"], found["RETURN"]) == ("class:word", "class:word")
    assert (found["count"], found["$p"]) == ("class:function", "class:parameter")
    assert found["Room"] == ""
    assert any("// x" in text for text, style in found.items() if style == "class:comment")


def test_an_error_names_the_page_of_its_language() -> None:
    details = ({"message": "no", "line": 1, "column": 6, "length": 1},)
    error = ServiceError(400, "SqlQueryError", "no", details=details)
    assert "reference/cypher" in lines_of(error, "MATCH (")[-1]
    assert "reference/query" in lines_of(error, "SELECT (")[-1]
