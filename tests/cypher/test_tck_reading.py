"""The harness of the openCypher kit: feature files, setups and cells are read as they are meant."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path as File
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kastor import dtdl

from .printing import printed
from .tck import cells, gherkin, kit
from .tck.creation import MAX_THINGS, Graph, NewEdge, NewNode, create
from .tck.gherkin import FeatureError, Script
from .tck.kit import NoKit
from .tck.scenarios import Raised, Rows, Scenario, Skipped, understand
from .tck.typed import NotTyped, labels_of, typed
from .tck.values import Edge, Node, Path, Value
from .tck.words import MAX_DEPTH, TextError

FEATURE = r'''
#encoding: utf-8
Feature: Small1 - Things
  Words about it.

  Background:
    Given an empty graph
    And having executed:
      """
      CREATE (:A {x: 1})
        -[:T]->(:B)
      """

  # a comment
  @tag @other
  Scenario: [1] One
    When executing query:
      """
      MATCH (n) // not a # comment
      RETURN n
      """
    Then the result should be, in order:
      | n           | m    |
      # between rows
      | 'a\|b'      | '\\' |

  Scenario Outline: [2] Many
    And parameters are:
      | p | <value> |
    When executing query:
      """
      RETURN $p = <value> AS r, '<other>'
      """
    Then the result should be (ignoring element order for lists):
      | r        |
      | <result> |

    Examples:
      | value | result |
      | 1     | true   |
      | [2]   | false  |

    Examples:
      | result | value |
      | null   | null  |
'''


def scripts() -> list[Script]:
    return gherkin.parse(FEATURE, "Small1")


def scenario(query: str, then: str, setup: str = "", more: str = "") -> Scenario:
    """What is made of one scenario; raises what makes it skip."""
    steps = [f'    And having executed:\n"""\n{setup}\n"""'] if setup else []
    steps += [more, f'    When executing query:\n"""\n{query}\n"""', f"    Then {then}"]
    (script,) = gherkin.parse("Feature: F\n  Scenario: [1] S\n" + "\n".join(steps), "F")
    return understand(script, no_graph)


def no_graph(name: str) -> str:
    raise Skipped(f"there is no graph {name}")


def skipped(*arguments: str) -> str:
    with pytest.raises(Skipped) as caught:
        scenario(*arguments)
    return str(caught.value)


def made(*texts: str) -> Graph:
    graph = Graph()
    for text in texts:
        create(graph, text)
    return graph


def test_scenarios_have_names_tags_and_the_background() -> None:
    found = scripts()
    assert [each.id for each in found] == [
        "Small1 [1]",
        "Small1 [2] #1",
        "Small1 [2] #2",
        "Small1 [2] #3",
    ]
    assert found[0].tags == ("@tag", "@other")
    assert found[1].tags == ()
    assert [step.text for step in found[3].steps[:2]] == ["an empty graph", "having executed:"]
    assert found[0].steps[1].doc == "CREATE (:A {x: 1})\n  -[:T]->(:B)"


def test_tables_and_doc_strings_keep_what_they_hold() -> None:
    query, result = scripts()[0].steps[2:]
    assert query.doc == "MATCH (n) // not a # comment\nRETURN n"
    assert result.table == (("n", "m"), ("'a|b'", "'\\'"))


def test_an_outline_is_filled_by_each_of_its_tables() -> None:
    first, _, last = scripts()[1:]
    assert first.steps[2].table == (("p", "1"),)
    assert first.steps[3].doc == "RETURN $p = 1 AS r, '<other>'"
    assert last.steps[4].table == (("r",), ("null",))


def test_the_same_number_twice_gets_two_names() -> None:
    text = "Feature: F\nScenario: [1] A\nScenario: [1] B\nScenario: C"
    assert [each.id for each in gherkin.parse(text, "F")] == ["F [1]", "F [1] (2)", "F C"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('Feature: F\nScenario: S\n  When x:\n"""\nno end', "F:4: the doc string has no end"),
        ("Feature: F\nScenario: S\n  When x:\n| a | b |\n| 1 |", "F:5: not expected here: | 1 |"),
        ("Feature: F\nScenario: S\n  When x\nwords", "F:4: not expected here: words"),
        ("Feature: F\nExamples:", "F:2: not expected here: Examples:"),
    ],
)
def test_what_is_no_feature_file_says_where(text: str, place: str) -> None:
    with pytest.raises(FeatureError, match=place.replace("|", r"\|")):
        gherkin.parse(text, "F")


def test_a_file_is_bounded(tmp_path: File) -> None:
    rows = "\n".join(["    | x |"] * (gherkin.MAX_SCENARIOS + 2))
    outline = f"Feature: F\n  Scenario Outline: S\n    When <v>\n    Examples:\n    | v |\n{rows}"
    with pytest.raises(FeatureError, match="too many scenarios"):
        gherkin.parse(outline, "F")
    file = tmp_path / "Large.feature"
    file.write_bytes(b" " * (gherkin.MAX_BYTES + 1))
    with pytest.raises(FeatureError, match="bytes"):
        gherkin.read(file)
    file.write_bytes(b"Feature: \xff")
    with pytest.raises(FeatureError, match="UTF-8"):
        gherkin.read(file)


def test_a_named_graph_is_of_the_folder_before_the_kit(
    tmp_path: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, other = tmp_path / "own", tmp_path / "kit"
    for place, text in ((own, "CREATE (:Own)"), (other, "CREATE (:Kit)")):
        (place / "graphs" / "tree").mkdir(parents=True)
        (place / "graphs" / "tree" / "tree.cypher").write_text(text)
    lines = ["Feature: F", "Scenario: [1] S", "Given the tree graph"]
    lines += ["When executing query:", '"""', "MATCH (n) RETURN n", '"""']
    lines += ["Then the result should be empty"]
    (own / "F.feature").write_text("\n".join(lines))
    monkeypatch.setenv(kit.VARIABLE, str(other))
    assert "Own" in kit.read(own).scenarios[0].graph.key
    (own / "graphs" / "tree" / "tree.cypher").unlink()
    assert "Kit" in kit.read(own).scenarios[0].graph.key
    (other / "graphs" / "tree" / "tree.cypher").unlink()
    assert kit.read(own).skipped["F [1]"] == kit.Skip("there is no graph tree", has_graph=True)


def test_a_folder_without_features_says_what_to_do(tmp_path: File) -> None:
    with pytest.raises(NoKit, match="KASTOR_CYPHER_TCK"):
        kit.read(tmp_path)


def test_create_makes_nodes_and_edges() -> None:
    graph = made(
        "CREATE (a:A:B {x: -1, y: 'it\\'s'}), (b)<-[r:T {z: [1.5, .5e1]}]-(a)-[:`U V`]->()"
    )
    assert graph.nodes == [NewNode(("A", "B"), {"x": -1, "y": "it's"}), NewNode(), NewNode()]
    assert graph.edges == [NewEdge(0, 1, "T", {"z": [1.5, 5.0]}), NewEdge(0, 2, "U V")]


def test_names_last_as_long_as_their_statement() -> None:
    graph = made("CREATE (a)\nCREATE (a)-[:T]->(b); CREATE (a)", "CREATE (a)")
    assert (len(graph.nodes), graph.edges) == (4, [NewEdge(0, 1, "T")])


def test_create_takes_properties_of_what_it_made_and_leaves_out_null() -> None:
    graph = made("CREATE (a {x: 1, y: null}), ({z: a.x, v: a.y})")
    assert [node.properties for node in graph.nodes] == [{"x": 1}, {"z": 1}]


def test_create_is_repeated_for_what_stands_before_it() -> None:
    graph = made(
        "UNWIND range(1, 3) AS i CREATE (:N {i: i})-[:T]->(:M)",
        "MATCH (n:N), (m:M) CREATE (n)-[:U]->(m)",
        "UNWIND ['p', 'q'] AS x MATCH (n:N) CREATE ({name: x + '1' + x})",
    )
    assert [node.properties.get("i") for node in graph.nodes[:6]] == [1, None, 2, None, 3, None]
    assert {(e.source, e.target) for e in graph.edges if e.type == "U"} == {
        (n, m) for n in (0, 2, 4) for m in (1, 3, 5)
    }
    assert [node.properties for node in graph.nodes[6:]] == [{"name": "p1p"}] * 3 + [
        {"name": "q1q"}
    ] * 3


@pytest.mark.parametrize(
    "text",
    [
        "MERGE (a)",
        "MATCH (a)-->(b) CREATE (c)",
        "MATCH (a) DELETE a",
        "MATCH (a {x: 1}) CREATE (b)",
        "CREATE (a)-->(b)",
        "CREATE (a)-[:T]-(b)",
        "CREATE (a {x: 1 + 2})",
        "CREATE (a {x: rand()})",
        "CREATE (a",
        "CREATE (a), (a:B)",
        f"UNWIND range(0, {MAX_THINGS}) AS i CREATE ()",
        "UNWIND range(0, 200) AS i UNWIND range(0, 200) AS j CREATE ()",
    ],
)
def test_other_setups_are_refused(text: str) -> None:
    with pytest.raises(TextError):
        made("CREATE (:N)", text)


def test_a_setup_becomes_models_twins_and_relationships_that_dtdl_takes() -> None:
    graph = made(
        "CREATE (a:A {x: 1, s: ['t']}), (b:A:B {x: 1.5}), (), (a)-[:T {w: true}]->(b), (b)-[:T]->(a)"
    )
    loaded = typed(graph)
    models = dtdl.parse(list(loaded.models))
    by_id: dict[str, Any] = {each["@id"]: each for each in loaded.models}
    assert {"dtmi:tck:label:A;1", "dtmi:tck:label:B;1"} <= set(by_id)
    assert models is not None
    a, b, other = (twin["$metadata"]["$model"] for twin in loaded.twins)
    assert [sorted(labels_of(each)) for each in (a, b, other)] == [["A"], ["A", "B"], []]
    schemas = {each["name"]: each.get("schema") for each in by_id[a]["contents"]}
    assert schemas["x"] == "long"
    assert by_id[b]["extends"] == ["dtmi:tck:label:A;1", "dtmi:tck:label:B;1"]
    assert loaded.relationships[0] == {
        "$sourceId": "n0",
        "$relationshipId": "e0",
        "$targetId": "n1",
        "$relationshipName": "T",
        "w": True,
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("CREATE (a)-[:T]->(a)", "itself"),
        ("CREATE (:Twin)", "word of ours"),
        ("CREATE (:`a b`)", "DTDL refuses: label"),
        ("CREATE ({_x: 1})", "DTDL refuses: property"),
        ("CREATE ()-[:`2`]->()", "DTDL refuses: type"),
        ("CREATE ({x: {y: 1}})", "a map"),
        ("CREATE ({x: [1, 'a']})", "several kinds"),
        ("CREATE ({x: 9223372036854775808})", "64 bits"),
        ("CREATE ({x: NaN})", "finite"),
        ("CREATE (a {T: 1})-[:T]->()", "one name"),
        ("CREATE (a)-[:T {x: 1}]->(b), (a)-[:T {x: '1'}]->(b)", "other kinds"),
    ],
)
def test_what_cannot_be_typed_says_why(text: str, reason: str) -> None:
    with pytest.raises(NotTyped, match=reason):
        typed(made(text))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("null", None),
        ("true", True),
        ("-12", -12),
        ("1.0", 1.0),
        ("-1.5E-3", -0.0015),
        ("-Inf", -math.inf),
        (r"'a\'b\\\n\u00e9'", "a'b\\\né"),
        ("['a', [], {k: null, `l m`: [1]}]", ["a", [], {"k": None, "l m": [1]}]),
        ("()", Node(frozenset())),
        ("(:A:B {x: -1})", Node(frozenset("AB"), {"x": -1})),
        ("[:T]", Edge("T")),
        ("[[:T {x: 1}], [:U]]", [Edge("T", {"x": 1}), Edge("U")]),
        ("<()>", Path((Node(frozenset()),))),
        (
            "<(:A)-[:T]->()<-[:U {x: 1}]-(:B)>",
            Path(
                (Node(frozenset("A")), Node(frozenset()), Node(frozenset("B"))),
                (Edge("T"), Edge("U", {"x": 1})),
                (True, False),
            ),
        ),
    ],
)
def test_cells(text: str, value: Value) -> None:
    assert cells.parse(text) == value


@pytest.mark.parametrize(
    "text",
    ["", "a", "1 2", "[1", "(:)", "<()-[:T]-()>", "{1: 2}", "'a", "-true", "[" * 5 * MAX_DEPTH],
)
def test_what_is_no_cell(text: str) -> None:
    with pytest.raises(TextError):
        cells.parse(text)


def test_nan_is_a_cell() -> None:
    found = cells.parse("NaN")
    assert isinstance(found, float)
    assert math.isnan(found)


names = st.text("abcXYZ é`", min_size=1, max_size=4)
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
)
values: st.SearchStrategy[Value] = st.recursive(
    scalars
    | st.builds(Node, st.frozensets(names, max_size=2), st.dictionaries(names, scalars, max_size=2))
    | st.builds(Edge, names, st.dictionaries(names, scalars, max_size=2)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)


@given(values)
def test_a_printed_value_is_read_again(value: Value) -> None:
    assert cells.parse(printed(value)) == value


def test_what_a_scenario_expects() -> None:
    table = "the result should be, in order (ignoring element order for lists):\n| a |\n| [1] |"
    (ask,) = scenario("RETURN 1", table).asks
    assert ask.expected == Rows(("a",), (([1],),), in_order=True, lists_in_order=False)
    (ask,) = scenario("RETURN 1", "the result should be empty").asks
    assert ask.expected == Rows()
    for phase, early in (("compile time", True), ("runtime", False), ("any time", False)):
        (ask,) = scenario("RETURN x", f"a SyntaxError should be raised at {phase}: U").asks
        assert ask.expected == Raised("SyntaxError", early)


def test_parameters_are_json() -> None:
    more = "And parameters are:\n| a | [1, {b: 'c'}] |\n| d | null |"
    (ask,) = scenario("RETURN $a", "the result should be empty", more=more).asks
    assert ask.parameters == {"a": [1, {"b": "c"}], "d": None}


NONE = "the result should be empty"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("MATCH (n)\nSET n.x = 1", NONE), "the query writes"),
        (("MATCH (n) DETACH DELETE n", NONE), "the query writes"),
        (("RETURN 1", "the side effects should be:\n| +nodes | 1 |"), "the query writes"),
        (("CALL test.my.proc()", NONE), "the query calls a procedure"),
        (("RETURN date({year: 1})", NONE), "the query has temporal values"),
        (("RETURN duration.between(a, b)", NONE), "the query has temporal values"),
        (("RETURN 1", NONE, "CREATE ({x: time('12')})"), "the setup has temporal values"),
        (("RETURN 1", "it rains"), "a step that is not known: it rains"),
        (("RETURN 1", "the result should be, in order:\n| a |\n| b |"), "a cell that is no value"),
        (
            ("RETURN 1", NONE, "", "And parameters are:\n| a | NaN |"),
            "a parameter that JSON cannot hold",
        ),
        (
            ("RETURN 1", NONE, "MERGE ()"),
            "the setup cannot be read: the setup has more than CREATE: MERGE",
        ),
        (
            ("RETURN 1", NONE, "CREATE (a)-[:T]->(a)"),
            "no typed twins: an edge from a node to itself",
        ),
    ],
)
def test_why_a_scenario_is_left_out(arguments: tuple[str, ...], reason: str) -> None:
    assert skipped(*arguments) == reason


def test_a_file_to_load_is_a_reason() -> None:
    more = "And there exists a CSV file with URL as $param, with rows:\n| a |\n| 1 |"
    assert skipped("RETURN 1", NONE, "", more) == "the query reads a file"


@pytest.mark.usefixtures("kit")
def test_named_graphs_of_the_kit_are_as_their_description_counts_them() -> None:
    descriptions = sorted(kit.default_folder().glob("graphs/*/*.json"))
    assert descriptions
    for file in descriptions:
        told = json.loads(file.read_text(encoding="utf-8"))
        graph = made(file.with_suffix(".cypher").read_text(encoding="utf-8"))
        types = Counter(edge.type for edge in graph.edges)
        labels = Counter(label for node in graph.nodes for label in node.labels)
        nodes = {each["label"]: each["count"] for each in told["nodes"] if not each["key"]}
        edges = {each["type"]: each["count"] for each in told["relationships"] if not each["key"]}
        assert nodes == {"": len(graph.nodes), **labels}
        assert edges == {"": len(graph.edges), **types}


@pytest.mark.parametrize(
    "query",
    [
        "MATCH (n) RETURN n.set, n.delete AS create",
        "MATCH (set:Merge)-[:CREATE|:DELETE]->() RETURN set",
        "RETURN 'CREATE (n)' AS s // SET x",
        "MATCH (n) RETURN n.date, {time: 1} AS datetime",
        "RETURN ^",
    ],
)
def test_names_and_texts_are_no_reason(query: str) -> None:
    assert scenario(query, NONE).asks[0].query == query
