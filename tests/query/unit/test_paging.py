"""Pages: full, in one order, never twice the same row; and what a token holds."""

from __future__ import annotations

import base64
import json

import pytest
from query_graphs import KEY, Graph, Models, Reader, drive, pages, rows, service

from kastor.errors import BadRequest, InvalidArgument, QueryTimeout
from kastor.query.service import QueryService, QuerySettings
from kastor.query.sql.sqlite import Sqlite
from kastor.query.token import Position, decode, encode
from kastor.records import SYSTEM

MODELS = {"dtmi:x:A;1": [], "dtmi:x:B;1": ["dtmi:x:A;1"], "dtmi:x:C;1": []}


@pytest.fixture
def grid():
    made = Graph(MODELS)
    for number in range(25):
        made.twin(f"t{number:02}", list(MODELS)[number % 3], n=number)
    for number in range(24):
        made.relate(f"t{number:02}", "next", f"t{number + 1:02}")
        made.relate("t00", "all", f"t{number + 1:02}")
    return made


TEXTS = [
    "SELECT * FROM DIGITALTWINS",
    "SELECT * FROM RELATIONSHIPS",
    "SELECT $dtId FROM DIGITALTWINS WHERE IS_OF_MODEL('dtmi:x:A;1')",
    "SELECT $dtId FROM DIGITALTWINS WHERE IS_OF_MODEL('dtmi:x:A;1') AND n > 5",
    "SELECT A.$dtId, B.$dtId AS b FROM DIGITALTWINS A JOIN B RELATED A.next WHERE IS_OF_MODEL(A, 'dtmi:x:A;1')",
    "SELECT a.$dtId, b.$dtId FROM DIGITALTWINS MATCH (a)-[*..2]-(b)",
    "SELECT a.$dtId, b.$dtId FROM DIGITALTWINS MATCH (a)-[:next*..7]->(b)",
    "SELECT missing FROM DIGITALTWINS",
    "SELECT TOP(7) $dtId FROM DIGITALTWINS",
    "SELECT TOP(0) $dtId FROM DIGITALTWINS",
]


@pytest.mark.parametrize("aggregate", [True, False])
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("size", [1, 2, 7, 24, 25, 26])
def test_pages_concatenate_to_the_whole(grid, text, size, aggregate):
    engine = service(grid, aggregate=aggregate, max_page=10_000, default_page=10_000)
    whole = rows(engine, text)
    found = pages(engine, text, size)
    assert [row for page in found for row in page] == whole
    assert all(len(page) == size for page in found[:-1])


def test_top_counts_over_all_pages(grid):
    found = pages(service(grid), "SELECT TOP(7) FROM DIGITALTWINS", 3)
    assert [len(page) for page in found] == [3, 3, 1]
    assert [len(page) for page in pages(service(grid), "SELECT TOP(6) FROM DIGITALTWINS", 3)] == [
        3,
        3,
    ]


def test_the_page_size_is_the_default_clamped_and_carried(grid):
    engine = service(grid, default_page=10, max_page=12)
    assert [len(page) for page in pages(engine, TEXTS[0])] == [10, 10, 5]
    first = drive(engine.run(TEXTS[0], SYSTEM, max_items=100))
    assert first.rows == 12
    second = drive(engine.run(None, SYSTEM, token=first.continuation))
    assert second.rows == 12
    third = drive(engine.run(None, SYSTEM, token=first.continuation, max_items=5))
    assert third.rows == 5


def test_the_token_wins_over_the_text_and_survives_a_restart(grid):
    token = drive(service(grid).run(TEXTS[0], SYSTEM, max_items=20)).continuation
    page = drive(service(grid).run("foo", SYSTEM, token=token))
    assert page.rows == 5
    assert page.continuation is None
    assert token == json.loads(json.dumps(token))
    assert len(token) < 300


def test_unrelated_writes_neither_skip_nor_repeat(grid):
    connection = grid.open()
    engine = QueryService(
        Reader(connection), lambda: grid.models, KEY, QuerySettings(), dialect=Sqlite()
    )
    seen: list[str] = []
    token = None
    number = 0
    while True:
        page = drive(engine.run(TEXTS[2], SYSTEM, token=token, max_items=3))
        seen += [row["$dtId"] for row in json.loads(page.value)]
        token = page.continuation
        if token is None:
            break
        connection.execute("DELETE FROM relationships")
        connection.execute("DELETE FROM twins WHERE id = ?", (seen[-1],))
        connection.execute(
            "INSERT INTO twins SELECT key + 1000 + ?, id || 'new' || ?, 3, etag, 1, 0, 0, '', doc FROM twins LIMIT 1",
            (number, number),
        )
        number += 1
    assert sorted(seen) == [f"t{n:02}" for n in range(25) if n % 3 < 2]


def test_models_that_change_between_pages(grid):
    engine = service(grid)
    token = drive(engine.run(TEXTS[2], SYSTEM, max_items=3)).continuation
    grid.models = Models({"dtmi:x:A;1": [], "dtmi:x:B;1": [], "dtmi:x:C;1": []}, epoch=2)
    page = drive(engine.run(None, SYSTEM, token=token, max_items=100))
    assert page.rows == 6


@pytest.mark.parametrize(
    "token",
    ["null", "x", "é", "", "  ", "A" * 5000, "/+/+", base64.urlsafe_b64encode(b"0" * 80).decode()],
)
def test_a_token_that_cannot_be_read(grid, token):
    with pytest.raises(BadRequest) as raised:
        drive(service(grid).run(None, SYSTEM, token=token))
    assert raised.value.code == "BadRequest"
    if token:
        assert raised.value.message == "An invalid continuationToken was provided."


def test_a_token_of_another_key_or_with_one_bit_changed(grid):
    token = drive(service(grid).run(TEXTS[0], SYSTEM, max_items=3)).continuation
    with pytest.raises(BadRequest):
        decode(token, b"another key")
    for at in range(0, len(token), 7):
        changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        with pytest.raises(BadRequest):
            drive(service(grid).run(None, SYSTEM, token=changed))


def test_tokens_hold_what_they_were_given():
    for text in ["SELECT * FROM DIGITALTWINS", "é" * 5000, "SELECT " + "'x'," * 9000]:
        position = Position(text, 5, None, (1, 2.5, "a b", -3), True, 77)
        assert decode(encode(position, KEY), KEY) == position
    assert (
        len(
            encode(
                Position("SELECT * FROM DIGITALTWINS WHERE " + "x = 1 OR " * 500, 1, 1, (1,)), KEY
            )
        )
        < 4096
    )


def test_a_position_of_another_shape_is_refused(grid):
    token = encode(Position("SELECT * FROM DIGITALTWINS", None, None, (1, 2, 3)), KEY)
    with pytest.raises(BadRequest):
        drive(service(grid).run(None, SYSTEM, token=token))


@pytest.mark.parametrize("text", [None, ""])
def test_neither_text_nor_token(grid, text):
    with pytest.raises(BadRequest):
        drive(service(grid).run(text, SYSTEM))


def test_page_sizes_that_are_no_sizes(grid):
    for size in (0, -1):
        with pytest.raises(InvalidArgument):
            drive(service(grid).run(TEXTS[0], SYSTEM, max_items=size))


def test_a_deadline_ends_a_query():
    made = Graph()
    for number in range(14):
        made.twin(f"t{number}")
    for left in range(14):
        for right in range(14):
            if left != right:
                made.relate(f"t{left}", "r", f"t{right}")
    engine = service(made, timeout_seconds=0.2)
    with pytest.raises(QueryTimeout) as raised:
        drive(engine.run("SELECT COUNT() FROM DIGITALTWINS MATCH (a)-[*..10]->(b)", SYSTEM))
    assert raised.value.code == "TimeoutError"


def test_the_charge_grows_with_the_work(grid):
    engine = service(grid)
    one = drive(engine.run("SELECT TOP(1) FROM DIGITALTWINS", SYSTEM)).charge
    many = drive(engine.run("SELECT * FROM DIGITALTWINS", SYSTEM)).charge
    hops = drive(
        engine.run("SELECT a FROM DIGITALTWINS MATCH (a)-[:next]->(b)-[:next]->(c)", SYSTEM)
    ).charge
    assert 0.01 <= one < many < hops
    assert one == round(one, 2)


@pytest.mark.parametrize(
    "text", ["n > 3 AND n < 20", "n >= 0", "n = 7", "n <= 24 AND IS_OF_MODEL('dtmi:x:A;1')"]
)
def test_pages_may_follow_a_property_index_and_outlive_it(grid, text):
    connection = grid.open()
    connection.execute("CREATE INDEX by_n ON twins (doc ->> '$.n')")
    indexes = {("n",)}
    reader = Reader(connection)
    engine = QueryService(
        reader,
        lambda: grid.models,
        KEY,
        QuerySettings(),
        dialect=Sqlite(),
        indexes=lambda: frozenset(indexes),
    )
    text = f"SELECT n FROM DIGITALTWINS WHERE {text}"
    expected = rows(service(grid), text)
    found = rows(engine, text, 3)
    assert found == sorted(expected, key=lambda row: row["n"])
    (explained,) = rows(engine, f"EXPLAIN {text}")
    assert "MODEL" in text or any("by_n" in step for step in explained["steps"])
    first = drive(engine.run(text, SYSTEM, max_items=3))
    indexes.clear()
    connection.execute("DROP INDEX by_n")
    if first.continuation is not None:
        rest = drive(engine.run(None, SYSTEM, token=first.continuation, max_items=100))
        assert json.loads(first.value) + json.loads(rest.value) == found


def test_no_model_left_ends_the_pages(grid):
    engine = service(grid)
    token = drive(engine.run(TEXTS[2], SYSTEM, max_items=3)).continuation
    grid.models = Models({}, epoch=3)
    page = drive(engine.run(None, SYSTEM, token=token))
    assert (page.value, page.continuation) == (b"[]", None)
