"""Generated queries on generated graphs: the engine's rows are the oracle's rows.

`KASTOR_QUERY_EXAMPLES=20000 pytest tests/query/oracle` runs as many queries; the default is 2,000.
"""

from __future__ import annotations

import json
import os
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from query_generator import Queries, graph
from query_graphs import rows, service
from query_oracle import bag, rounded, run

from kastor.lang import parse, print_query

QUERIES = int(os.environ.get("KASTOR_QUERY_EXAMPLES", "2000"))
PER_GRAPH = 5

generated = settings(
    max_examples=QUERIES // PER_GRAPH,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=QUERIES == 2000,
    database=None,
    phases=[Phase.generate],  # a failing text is short enough to read, and shrinking is slow
)


@pytest.mark.timeout(3600)
@given(st.randoms(use_true_random=False))
@generated
def test_rows_equal_the_oracles(random: Random) -> None:
    about = graph(random)
    engine = service(about, max_hops=6)
    for _ in range(PER_GRAPH):
        query = Queries(random, about).query()
        text = print_query(query)
        assert parse(text) == query, text
        expected = bag(run(query, about))
        story = f"{text}\n{json.dumps([*about.twins.values(), *about.relationships])}"
        assert bag(rows(engine, text)) == expected, story
        assert bag(rows(engine, text, size=random.choice([1, 2, 3]))) == expected, story


@pytest.mark.timeout(3600)
@given(st.randoms(use_true_random=False))
@generated
def test_the_superset_equals_the_oracle(random: Random) -> None:
    about = graph(random)
    engine = service(about, max_hops=6)
    for _ in range(PER_GRAPH):
        query = Queries(random, about, superset=True).superset_query()
        text = print_query(query)
        assert parse(text) == query, text
        found = rows(engine, text)
        story = f"{text}\n{json.dumps([*about.twins.values(), *about.relationships])}"
        expected = rounded(run(query, about))
        if query.order:
            assert rounded(found) == expected, story
        else:
            assert bag(rounded(found)) == bag(expected), story
        assert rows(engine, text, size=random.choice([1, 2, 3])) == found, story
