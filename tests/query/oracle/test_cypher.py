"""Generated texts of the openCypher subset on generated graphs: the rows are the oracle's.

`KASTOR_CYPHER_EXAMPLES=20000 pytest tests/query/oracle/test_cypher.py` runs as many texts.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from random import Random
from typing import Any

import apsw
import pytest
from cypher_generator import Texts, graph
from cypher_oracle import Oracle, Unlike, ranked
from query_graphs import rows, service
from query_oracle import bag
from query_parts import kept, random_sees, seen
from test_postgres import all_rows, fill, refill, same_numbers, service_over

from kastor.errors import QueryError
from kastor.lang.cypher import parse_cypher, print_cypher, tree
from kastor.query.service import QueryService, QuerySettings
from kastor.records import Context
from tests.postgres.cluster import Cluster

TEXTS = int(os.environ.get("KASTOR_CYPHER_EXAMPLES", "300"))
PER_GRAPH = 6
_REFUSALS = (
    *("kastor-limit:kinds", "kastor-limit:zero", "kastor-limit:range", "kastor-limit:order"),
    *("kastor-limit:digits", "have no order here", "neither is smaller"),
    *("is compared with another one", "models say that this can be", "takes a list or a string"),
    *("true, false or null; compare", "have members", "only lists have elements", "does not take"),
    *("an integer, a map by a string", "is not in the subset", "neither a column nor inside"),
    *("takes numbers, strings, booleans and lists",),
    *("look at it outside", "begins with something new"),
    *(
        "nested too deep",
        "whether both sides of /",
        "takes integers here",
        "numbers alone or strings alone",
    ),
)
SETTINGS = QuerySettings(max_hops=6)


def _plain(value: Any) -> Any:
    """Rows as the oracle has them: no whitespace of documents, numbers as near as engines add."""
    return same_numbers(json.loads(json.dumps(value)))


def _wrong(text: str, about: Any, found: list[Any]) -> str:
    """What is wrong with the rows of a text, or nothing."""
    query = parse_cypher(text)
    assert parse_cypher(print_cypher(query)) == query
    try:
        expected, keys = Oracle(about).rows(query)
    except (Unlike, TypeError, AttributeError) as error:
        return f"rows where {error!r} has to be raised: {text}"
    expected = [_unordered(row, text) for row in _plain(expected)]
    found = [_unordered(row, text) for row in _plain(found)]
    skip, end, order = _window(query)
    story = f"{text}\n{json.dumps([*about.twins.values(), *about.relationships])}\n{found}"
    whole, got = bag(_plain(expected)), bag(_plain(found))
    if len(got) != len(expected[skip:end]):
        return f"{len(got)} rows for {len(expected[skip:end])}: {story}"
    if Counter(got) - Counter(whole):
        return f"rows that are none: {story}"
    names = [term.value.name for term in order]  # type: ignore[union-attr]
    ordered = [[ranked(one) for one in _plain(key)] for key in keys[skip:end]]
    if [[ranked(one) for one in _plain([row[name] for name in names])] for row in found] != ordered:
        whole_keys = any(isinstance(one, dict) for key in keys for one in key)
        return "" if whole_keys else f"another order: {story}"
    return ""


def _window(query: tree.Statement) -> tuple[int, int | None, tuple[tree.OrderTerm, ...]]:
    """Where the rows begin and end, and what orders them."""
    if isinstance(query, tree.Union):
        return 0, None, ()
    made = query.result
    skip = made.skip.value if isinstance(made.skip, tree.Literal) else 0
    limit = made.limit.value if isinstance(made.limit, tree.Literal) else None
    assert isinstance(skip, int)
    return skip, skip + limit if isinstance(limit, int) else None, made.order


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _unordered(row: dict[str, Any], text: str) -> dict[str, Any]:
    """A row in which the order of what is collected without an order says nothing."""
    if "collect(" not in text:
        return row
    return {
        key: sorted(value, key=_text) if isinstance(value, list) else value
        for key, value in row.items()
    }


def _refusal(error: Exception) -> str:
    """Why a text is refused for its values, where that is no fault."""
    said = str(error)
    for word in _REFUSALS:
        if word in said:
            return word
    raise error


def _is_too_long(engine: QueryService, text: str) -> bool:
    """Whether the statements of a text would be too long, which is said as an error."""
    try:
        compiled = engine.compile(text)
        compiled.first()
        if not compiled.plan.counts:
            compiled.next()
    except QueryError as error:
        if "max_sql" not in error.message and "nested too deep" not in error.message:
            raise
        return True
    return False


@pytest.mark.timeout(3600)
def test_rows_equal_the_oracles() -> None:
    refused, reasons = 0, Counter[str]()
    for seed in range(TEXTS // PER_GRAPH):
        random = Random(seed)
        about = graph(random)
        engine = service(about, max_hops=6)
        for _ in range(PER_GRAPH):
            text = Texts(random).query()
            try:
                if _is_too_long(engine, text):
                    refused += 1
                    continue
                found = rows(engine, text)
            except (QueryError, apsw.SQLError) as error:
                reasons[_refusal(error)] += 1
                continue
            assert _wrong(text, about, found) == ""
            assert rows(engine, text, size=random.choice([1, 2, 3])) == found, text
    assert refused <= TEXTS // 20
    assert reasons.total() <= TEXTS // 3, reasons


@pytest.mark.timeout(3600)
def test_rows_are_of_what_can_be_seen_alone() -> None:
    """Of no twin in the middle of a way either, nor counted, nor in a path."""
    reasons, shown = Counter[str](), 0
    for seed in range(TEXTS // PER_GRAPH):
        random = Random(seed)
        about = graph(random)
        engine = service(about, max_hops=6)
        for _ in range(PER_GRAPH):
            text = Texts(random).query()
            sees = kept(engine, random_sees(random, about))
            context = Context("ann", sees=sees)
            try:
                if _is_too_long(engine, text):
                    continue
                found = rows(engine, text, context=context)
            except (QueryError, apsw.SQLError) as error:
                reasons[_refusal(error)] += 1
                continue
            shown += len(found)
            assert _wrong(text, seen(about, sees), found) == "", sees
            size = random.choice([1, 2, 3])
            assert rows(engine, text, size=size, context=context) == found, text
    assert shown > TEXTS // 3
    assert reasons.total() <= TEXTS // 3, reasons


async def _compare(dsn: str) -> list[str]:
    import asyncpg

    connection = await asyncpg.connect(dsn)
    about = graph(Random(0))
    await fill(connection, about)
    wrong = []
    for seed in range(TEXTS // PER_GRAPH // 4):
        random = Random(seed)
        about = graph(random)
        await refill(connection, about)
        engine = service_over(connection, about, SETTINGS)
        for _ in range(PER_GRAPH):
            text = Texts(random).query()
            try:
                if _is_too_long(engine, text):
                    continue
                found = await all_rows(engine, text, None)
            except (QueryError, asyncpg.PostgresError) as error:
                _refusal(error)
                continue
            wrong.append(_wrong(text, about, found))
            if await all_rows(engine, text, 2) != found:
                wrong.append(f"other rows page by page: {text}")
    await connection.close()
    return [one for one in wrong if one]


@pytest.mark.timeout(3600)
def test_rows_equal_the_oracles_on_postgresql() -> None:
    with Cluster(durable=False).create().start() as cluster:
        assert asyncio.run(_compare(cluster.dsn)) == []
