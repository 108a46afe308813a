"""Every example of docs/reference/query.md gives the rows that stand below it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from query_graphs import KEY, Graph, Reader, rows
from query_oracle import bag

from kastor.errors import QueryError
from kastor.lang.words import AGGREGATES, CONDITIONS, SCALARS
from kastor.query.service import ADT_SETTINGS, QueryService, QuerySettings
from kastor.query.sql.sqlite import Sqlite

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "query.md").read_text()
EXAMPLES = re.findall(r"```sql\n(.*?)```\n```json\n(.*?)```", PAGE, re.DOTALL)
DECLARED = [
    *("name", "location", "level", "temperature", "tags", "occupied", "address", "installed"),
    "since",
]
EXTENSIONS = PAGE.index("## Extensions")


@pytest.fixture(scope="module")
def engine() -> QueryService:
    found = re.search(r"```json graph\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    data = json.loads(found[1])
    graph = Graph(data["models"])
    graph.models.known = True
    graph.models.declared = frozenset(DECLARED)
    for twin in data["twins"]:
        graph.twin(twin.pop("$dtId"), twin.pop("$model"), **twin)
    for source, name, target, properties in data["relationships"]:
        graph.relate(source, name, target, None, **properties)
    connection = graph.open()
    connection.execute(
        "INSERT INTO models SELECT key, 1, '{}', 639028224001234567, NULL, 1, NULL, 0, NULL"
        " FROM model_keys"
    )
    return QueryService(
        Reader(connection), lambda: graph.models, KEY, QuerySettings(), dialect=Sqlite()
    )


@pytest.mark.parametrize(("text", "expected"), EXAMPLES)
def test_example(engine: QueryService, text: str, expected: str) -> None:
    found = rows(engine, text)
    if "ORDER BY" in text:
        assert found == json.loads(expected)
    else:
        assert bag(found) == bag(json.loads(expected))
    if PAGE.index(text) > EXTENSIONS:
        with pytest.raises(QueryError):
            engine.compile(text, strict=True)
    else:
        engine.compile(text, strict=True)


@pytest.mark.parametrize(
    ("body", "expected"), re.findall(r"```json query\n(.*?)```\n```json\n(.*?)```", PAGE, re.DOTALL)
)
def test_example_with_parameters(engine: QueryService, body: str, expected: str) -> None:
    asked = json.loads(body)
    found = rows(engine, asked["query"], parameters=asked["parameters"])
    assert bag(found) == bag(json.loads(expected))
    with pytest.raises(QueryError):
        engine.compile(asked["query"], strict=True)


def test_the_page_has_examples() -> None:
    assert PAGE.count("```json query") == 1
    assert len(EXAMPLES) > 20
    assert PAGE.count("```sql") == len(EXAMPLES)


@pytest.mark.parametrize("name", sorted(AGGREGATES | CONDITIONS | SCALARS.keys()))
def test_every_function_is_on_the_page(name: str) -> None:
    assert name in PAGE or name.replace("_", "") in PAGE


LIMITS = {
    "max_text": "Length of the text",
    "max_terms": "Terms of AND and OR",
    "max_list": "Values of IN and NIN",
    "max_joins": "Joins",
    "max_hops": "Hops of a path",
    "max_page": "Rows of a page",
    "timeout_seconds": "Seconds",
}


@pytest.mark.parametrize(("setting", "label"), LIMITS.items(), ids=LIMITS.keys())
def test_limits_on_the_page_are_the_settings(setting: str, label: str) -> None:
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| {label}"))
    default, adt = row.strip("| ").split(" | ")[1:]
    for cell, settings in ((default, QuerySettings()), (adt, ADT_SETTINGS)):
        assert f"{getattr(settings, setting):,.0f}" in re.findall(r"[\d,]*\d", cell)


def test_uploads_are_shown_with_their_time(engine: QueryService) -> None:
    found = rows(engine, "SELECT uploadTime FROM MODELS LIMIT 1")
    assert found == [{"uploadTime": "2026-01-01T00:00:00.1234567Z"}]


def test_explain(engine: QueryService) -> None:
    text = "EXPLAIN SELECT nam FROM DIGITALTWINS WHERE temperature > 5 AND nam = 'x'"
    (row,) = rows(engine, text)
    assert row["plan"]["node"] == "Plan"
    assert row["sql"].startswith("SELECT")
    assert any("twins" in step or "t0" in step for step in row["steps"])
    assert row["rows"] == 0
    assert row["milliseconds"] >= 0
    assert row["advice"][0] == "an index on temperature would help: kastor index create temperature"
    assert row["advice"] == row["advice"][:1]  # and none for what no model declares
    assert row["warnings"] == ["no model declares a property nam. Did you mean name?"]
