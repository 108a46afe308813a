"""Every form that clients of the closest peer are known to send is answered, and answered right.

The forms are those of the frequency list of 110 texts (tests, translators, documentation, agents,
explorers): conditions, `['$x']`, relationship variables, LIMIT, names in backticks, is_of_model and
its like, AS, types, maps in nodes, IN, ORDER BY, ranges, tests of texts, IS NULL, `:Model`, labels,
WITH, collect, OPTIONAL MATCH, SKIP, DISTINCT, count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .client import assert_json
from .models import interface, prop, relationship

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .client import Api

_SPACE, _FLOOR, _ROOM = "dtmi:t:Space;1", "dtmi:t:Floor;1", "dtmi:t:Room;1"
_MODELS = (
    interface(
        _SPACE,
        prop("name", "string"),
        relationship("contains", prop("since", "integer")),
        relationship("adjacent"),
    ),
    interface(_FLOOR, prop("level", "integer"), extends=_SPACE),
    interface(
        _ROOM,
        prop("temperature", "double"),
        prop("occupied", "boolean"),
        prop(
            "tags",
            {
                "@type": "Map",
                "mapKey": {"name": "k", "schema": "string"},
                "mapValue": {"name": "v", "schema": "string"},
            },
        ),
        extends=_SPACE,
    ),
)


def _twin(model: str, **more: Any) -> dict[str, Any]:
    return {"$metadata": {"$model": model}, **more}


@pytest.fixture
def filled(api: Api) -> Api:
    """Floors F1 and F2; F1 contains R1 and R2, F2 contains R3; R1 is beside R2, and R2 beside R3."""
    api.add_models(*_MODELS)
    api.add_twin("F1", _twin(_FLOOR, name="First", level=1))
    api.add_twin("F2", _twin(_FLOOR, name="Second", level=2))
    api.add_twin("R1", _twin(_ROOM, name="Lab 1", temperature=20, occupied=True))
    api.add_twin("R2", _twin(_ROOM, name="Lab 2", temperature=25.5, tags={"use": "wet"}))
    api.add_twin("R3", _twin(_ROOM, name="Office", temperature=22, occupied=False))
    for source, name, target in (
        ("F1", "contains", "R1"),
        ("F1", "contains", "R2"),
        ("F2", "contains", "R3"),
        ("R1", "adjacent", "R2"),
        ("R2", "adjacent", "R3"),
    ):
        api.relate(source, f"{source}-{target}", target, name=name)
    return api


def _ask(api: Api, text: str, **more: Any) -> list[Any]:
    rows: list[Any] = assert_json(api.post("/query", {"query": text, **more}))["value"]
    return rows


_IDS = [
    ("MATCH (t) WHERE t.temperature > 21 RETURN t", ["R2", "R3"]),
    ("MATCH (t:Twin) WHERE t['$dtId'] = 'R1' RETURN t", ["R1"]),
    ("MATCH (t:Twin) WHERE t.`$dtId` = 'R1' RETURN t;", ["R1"]),
    ("MATCH (t:Twin {`$dtId`: 'R1'}) RETURN t", ["R1"]),
    ("MATCH (t:Twin {$dtId: 'R1'}) RETURN t", ["R1"]),
    ("MATCH (t) WHERE t.$metadata.$model = 'dtmi:t:Floor;1' RETURN t", ["F1", "F2"]),
    ("MATCH (t) WHERE t['$metadata']['$model'] = 'dtmi:t:Floor;1' RETURN t", ["F1", "F2"]),
    ("MATCH (t:Twin) RETURN t LIMIT 2", ["F1", "F2"]),
    ("MATCH (t:Twin) RETURN t ORDER BY t.`$dtId` DESC SKIP 1 LIMIT 2", ["R1", "R2"]),
    ("MATCH (t) WHERE digitaltwins.is_of_model(t, 'dtmi:t:Space;1') RETURN t", ["F1", "F2", "R1", "R2", "R3"]),
    ("MATCH (t) WHERE digitaltwins.is_of_model(t, 'dtmi:t:Space;1', true) RETURN t", []),
    ("MATCH (t) WHERE is_of_model(t, ['dtmi:t:Floor;1', 'dtmi:t:Room;1']) RETURN t", ["F1", "F2", "R1", "R2", "R3"]),
    ("MATCH (t) WHERE digitaltwins.is_number(t.temperature) AND NOT is_string(t.name) RETURN t", []),
    ("MATCH (t) WHERE digitaltwins.is_object(t.tags) RETURN t", ["R2"]),
    ("MATCH (t) WHERE digitaltwins.is_primitive(t.level) RETURN t", ["F1", "F2"]),
    ("MATCH (f)-[:contains]->(t) WHERE f.`$dtId` = 'F1' RETURN t", ["R1", "R2"]),
    ("MATCH (t)<-[:contains]-(f {name: 'Second'}) RETURN t", ["R3"]),
    ("MATCH (t)-[:adjacent]-(r {name: 'Lab 2'}) RETURN t", ["R1", "R3"]),
    ("MATCH (t)-[:contains|adjacent]->(r) RETURN DISTINCT t", ["F1", "F2", "R1", "R2"]),
    ("MATCH (t)-[:contains|:adjacent]->(r) RETURN DISTINCT t", ["F1", "F2", "R1", "R2"]),
    ("MATCH (t:Room) WHERE t.`$dtId` IN ['R1', 'R3', 'R9'] RETURN t", ["R1", "R3"]),
    ("MATCH (f {`$dtId`: 'F1'})-[*1..2]->(t) RETURN DISTINCT t", ["R1", "R2", "R3"]),
    ("MATCH (f {`$dtId`: 'F1'})-[:contains*..3]->(t) RETURN t", ["R1", "R2"]),
    ("MATCH (t) WHERE t.name STARTS WITH 'Lab' RETURN t", ["R1", "R2"]),
    ("MATCH (t) WHERE t.name ENDS WITH 'd' RETURN t", ["F2"]),
    ("MATCH (t) WHERE t.name CONTAINS 'ffic' RETURN t", ["R3"]),
    ("MATCH (t:Room) WHERE t.occupied IS NULL RETURN t", ["R2"]),
    ("MATCH (t:Room) WHERE t.occupied IS NOT NULL AND NOT t.occupied RETURN t", ["R3"]),
    ("MATCH (t:Floor) RETURN t", ["F1", "F2"]),
    ("MATCH (t:`dtmi:t:Space;1`) WHERE t.level = 2 OR t.temperature <= 20 RETURN t", ["F2", "R1"]),
    ("MATCH (t:Room) WITH t ORDER BY t.temperature DESC LIMIT 1 RETURN t", ["R2"]),
    ("MATCH (t:Twin) WHERE asset = 1 RETURN t", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "ids"), _IDS, ids=[text for text, _ in _IDS])
def test_twins(filled: Api, text: str, ids: list[str] | None) -> None:
    if ids is None:
        assert filled.query(text).status_code == 400
        return
    rows = _ask(filled, text)
    assert sorted(row["t"]["$dtId"] for row in rows) == ids
    assert all(list(row) == ["t"] for row in rows)


_ROWS: list[tuple[str, list[dict[str, Any]]]] = [
    ("MATCH (t) RETURN count(*)", [{"count(*)": 5}]),
    ("MATCH (t) RETURN count(t) AS n", [{"n": 5}]),
    ("MATCH (t:Room) RETURN count(DISTINCT t.occupied) AS n", [{"n": 2}]),
    (
        "MATCH (t:Twin) RETURN t.`$metadata`.`$model` AS _modelId, count(*) ORDER BY _modelId",
        [{"_modelId": _FLOOR, "count(*)": 2}, {"_modelId": _ROOM, "count(*)": 3}],
    ),
    ("MATCH (m:Model) RETURN count(m) AS n", [{"n": 3}]),
    ("MATCH (m:Model) WHERE m.id = 'dtmi:t:Room;1' RETURN m.id AS id", [{"id": _ROOM}]),
    ("MATCH (a)-[r]->(b) RETURN count(r) AS n", [{"n": 5}]),
    (
        ("MATCH (a)-[r:adjacent]->(b) WHERE r['$targetId'] = 'R3' "
        "RETURN r.`$relationshipId` AS id, r['$sourceId'] AS source, type(r) AS name"),
        [{"id": "R2-R3", "source": "R2", "name": "adjacent"}],
    ),
    ("MATCH (f:Floor) RETURN f.name, f.level ORDER BY f.level DESC LIMIT 1",
     [{"f.name": "Second", "f.level": 2}]),
    ("MATCH (f:Floor)-[:contains]->(r) WITH f, r ORDER BY r.name RETURN f.name AS f, collect(r.name) AS names ORDER BY f",
     [{"f": "First", "names": ["Lab 1", "Lab 2"]}, {"f": "Second", "names": ["Office"]}]),
    ("MATCH (f:Floor) OPTIONAL MATCH (f)-[:adjacent]->(r) RETURN f.name AS f, r ORDER BY f",
     [{"f": "First", "r": None}, {"f": "Second", "r": None}]),
    ("MATCH (f:Floor)-[:contains]->(r) WITH f, count(r) AS n WHERE n > 1 RETURN f.name AS f, n",
     [{"f": "First", "n": 2}]),
    (("MATCH (f:Floor)-[:contains]->(r) RETURN avg(r.temperature) AS a, min(r.temperature) AS l, "
     "max(r.temperature) AS m, sum(r.temperature) AS s"),
     [{"a": 22.5, "l": 20, "m": 25.5, "s": 67.5}]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "rows"), _ROWS, ids=[text for text, _ in _ROWS])
def test_rows(filled: Api, text: str, rows: list[dict[str, Any]]) -> None:
    assert _ask(filled, text) == rows


def test_the_heaviest_one_a_search_with_what_is_around(filled: Api) -> None:
    """MATCH, WITH in order and limited, two OPTIONAL MATCH, maps of relationship and twin."""
    text = """
        MATCH (t:Twin)
        WHERE t.name CONTAINS 'Lab' AND digitaltwins.is_of_model(t, 'dtmi:t:Space;1')
        WITH t ORDER BY t.temperature DESC LIMIT 2
        OPTIONAL MATCH (t)-[out]->(o:Twin)
        OPTIONAL MATCH (i:Twin)-[in_]->(t)
        RETURN t,
            collect(DISTINCT {relationship: out, twin: o}) AS outgoing,
            collect(DISTINCT {relationship: in_, twin: i}) AS incoming
    """
    rows = {row["t"]["$dtId"]: row for row in _ask(filled, text)}
    assert rows.keys() == {"R1", "R2"}
    (outgoing,) = rows["R1"]["outgoing"]
    assert outgoing["relationship"]["$relationshipId"] == "R1-R2"
    assert outgoing["twin"] == rows["R2"]["t"]
    sources = {each["twin"]["$dtId"] for each in rows["R2"]["incoming"]}
    assert sources == {"F1", "R1"}


def test_the_same_in_pages_of_one_row(filled: Api) -> None:
    text = (
        "MATCH (t:Room) OPTIONAL MATCH (t)-[:adjacent]->(o) WITH t, collect(o.name) AS beside "
        "RETURN t.name AS name, beside ORDER BY name"
    )
    found, body = [], {"query": text}
    while body:
        page = assert_json(filled.post("/query", body, headers={"max-items-per-page": "1"}))
        found += page["value"]
        token = page["continuationToken"]
        body = {"continuationToken": token} if token else {}
    assert found == [
        {"name": "Lab 1", "beside": ["Lab 2"]},
        {"name": "Lab 2", "beside": ["Office"]},
        {"name": "Office", "beside": []},
    ]


@pytest.fixture
def indexed(filled: Api) -> Iterator[Api]:
    """The graph with an index, which a reset would leave to the tests that come after."""
    assert filled.put("/kastor/v1/indexes/temperature").is_success
    yield filled
    assert filled.delete("/kastor/v1/indexes/temperature").is_success


def test_indexes_serve_what_has_many_twins_or_none(indexed: Api) -> None:
    assert _ask(indexed, "RETURN [1, 2][0] AS x") == [{"x": 1}]
    assert _ask(indexed, "UNWIND [1, 2] AS x RETURN x") == [{"x": 1}, {"x": 2}]
    text = "MATCH (f:Floor), (r) WHERE r.temperature > 21 RETURN f.`$dtId` AS f, r.`$dtId` AS r"
    found = sorted((row["f"], row["r"]) for row in _ask(indexed, text))
    assert found == [("F1", "R2"), ("F1", "R3"), ("F2", "R2"), ("F2", "R3")]
    text = (
        "MATCH (f:Floor) OPTIONAL MATCH (r) WHERE r.temperature > 25 "
        "RETURN f.`$dtId` AS f, r.`$dtId` AS r ORDER BY f"
    )
    assert _ask(indexed, text) == [{"f": "F1", "r": "R2"}, {"f": "F2", "r": "R2"}]


def test_values_that_both_engines_make_alike(filled: Api) -> None:
    given = {"rows": [{"id": "R1", "more": [[1, None], {"k": "\u00df"}]}, {"id": "R3"}]}
    text = """UNWIND $rows AS row MATCH (r {$dtId: row.id}) OPTIONAL MATCH (r)<-[c:contains]-(f)
        RETURN toUpper(r.name + ' stra\u00dfe') AS name, toLower('\u00c9\u03a3' + f.name) AS floor,
          [(f)-->(x) WHERE x.name <> r.name | x.name] AS beside, $rows[0].more[1].k AS given"""
    assert _ask(filled, text, parameters=given) == [
        {
            "name": "LAB 1 STRASSE",
            "floor": "\u00e9\u03c3first",
            "beside": ["Lab 2"],
            "given": "\u00df",
        },
        {"name": "OFFICE STRASSE", "floor": "\u00e9\u03c3second", "beside": [], "given": "\u00df"},
    ]
    text = """MATCH (t) OPTIONAL MATCH (t)-[:adjacent]->(x) OPTIONAL MATCH (f)-[:contains]->(t)
        WITH t, x, f ORDER BY t.$dtId RETURN [t.$dtId, x.$dtId, f.$dtId] AS found"""
    found = [row["found"] for row in _ask(filled, text)]
    assert found == [
        ["F1", None, None], ["F2", None, None], ["R1", "R2", "F1"], ["R2", "R3", "F1"], ["R3", None, "F2"]
    ]  # fmt: skip
    text = "MATCH (t) OPTIONAL MATCH (t)-[:contains]->(x) RETURN t.$dtId AS t, x.$dtId AS x ORDER BY t, x"
    joined = [(row["t"], row["x"]) for row in _ask(filled, text)]
    wanted = [("F1", "R1"), ("F1", "R2"), ("F2", "R3"), ("R1", None), ("R2", None), ("R3", None)]
    assert joined == wanted
