"""Queries of a past state give the rows of the graph that it was, whatever became of it since."""

from __future__ import annotations

import dataclasses
import json
import os
from random import Random
from typing import Any

import pytest
from query_cases import SETTINGS, all_cases, building
from query_generator import Queries
from query_generator import graph as generate
from query_graphs import rows, service
from query_nested import nested_query
from query_oracle import bag, rounded, run
from query_pasts import ALL, STATE, Past

from kastor.lang import parse, print_query
from kastor.records import SYSTEM, Others, Since

GRAPHS = int(os.environ.get("KASTOR_PAST_GRAPHS", "12"))
PER_GRAPH = 8
NAMES = [f"twins {each.twins.name}, relationships {each.relationships.name}" for each in ALL]


@pytest.mark.parametrize("since", ALL, ids=NAMES)
def test_rows_of_a_past_state_equal_the_oracles(since: Since) -> None:
    for seed in range(GRAPHS):
        random = Random(seed)
        about = generate(random)
        past = Past(about, since, random).write()
        engine = past.service(max_hops=6)
        for number in range(PER_GRAPH):
            if number % 3 == 2:
                query = parse(nested_query(random))
            elif number % 3:
                query = Queries(random, about, superset=True).superset_query()
            else:
                query = Queries(random, about).query()
            text = print_query(query)
            expected = rounded(run(query, about))
            whole = rows(engine, text, context=past.context)
            paged = rows(engine, text, random.choice([1, 2, 3]), context=past.context)
            story = f"{seed}: {text}\n{json.dumps([*about.twins.values(), *about.relationships])}"
            assert paged == whole, story
            if query.order:
                assert rounded(whole) == expected, story
            assert bag(rounded(whole)) == bag(expected), story


@pytest.mark.parametrize("since", [ALL[0], ALL[4], ALL[-1]], ids=[NAMES[0], NAMES[4], NAMES[-1]])
@pytest.mark.parametrize("name", [case.name for case in all_cases()])
def test_a_case_finds_the_same_rows_in_the_past(name: str, since: Since) -> None:
    case = next(case for case in all_cases() if case.name == name)
    if case.query.startswith("EXPLAIN") or "MODELS" in case.query:
        pytest.skip("steps are each statement's own, and the graph has no documents of models")
    graph = building()
    past = Past(graph, since, Random(name)).write()
    settings = dataclasses.asdict(dataclasses.replace(SETTINGS, aggregate=case.page != "single"))
    size = 1 if case.page == "next" else None
    given: dict[str, Any] = {"parameters": case.given}
    expected = rows(service(graph, **settings), case.query, size, **given)
    found = rows(past.service(**settings), case.query, size, context=past.context, **given)
    assert bag(found) == bag(expected)


def test_the_present_is_another_graph() -> None:
    changed = 0
    for seed in range(GRAPHS):
        about = generate(Random(seed))
        past = Past(about, Since(Others.ANY, Others.ANY), Random(seed)).write()
        now = rows(past.service(), "SELECT * FROM DIGITALTWINS")
        then = rows(past.service(), "SELECT * FROM DIGITALTWINS", context=past.context)
        changed += bag(now) != bag(then)
    assert changed > GRAPHS // 2


@pytest.mark.parametrize("since", ALL, ids=NAMES)
def test_models_of_then(since: Since) -> None:
    past = Past(building(), since, Random(1)).write()
    text = "INSERT INTO models SELECT key, ?, ?, 0, NULL, 0, ?, ?, ? FROM model_keys"
    with past.connection:
        past.connection.execute(text, (1, '{"v": 1}', 1, STATE - 9, STATE - 1))
        past.connection.execute(text, (2, '{"v": 2}', 1, STATE, STATE + 1))
        past.connection.execute(text, (3, '{"v": 3}', None, STATE + 1, None))
    for state, asked in (({"v": 2}, past.context), ({"v": 3}, SYSTEM)):
        found = rows(past.service(), "SELECT id, model FROM MODELS", 2, context=asked)
        assert [row["id"] for row in found] == sorted(past.graph.models.keys)
        assert all(row["model"] == state for row in found)
