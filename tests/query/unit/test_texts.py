"""Texts that must run, texts that must be refused, and how the refusal reads."""

from __future__ import annotations

import pytest
from query_grammar import accepts
from query_graphs import Graph, rows, service
from query_oracle import bag, run
from query_texts import INVALID, NO_FILTER, VALID

from kastor.errors import QueryError
from kastor.lang import parse, print_query
from kastor.query.service import QueryService


@pytest.fixture(scope="module")
def building() -> Graph:
    made = Graph({"dtmi:x:Room;1": [], "dtmi:example:room;1": []})
    made.twin("x", "dtmi:x:Room;1", name="x", Temperature=30, IsOccupied=True, count=25)
    made.twin("room0", "dtmi:example:room;1", name="r", Temperature=50, Humidity=5, Group={"y": 1})
    made.twin("a", "dtmi:x:Room;1", name="some'building", T=1, dict={"temp": 5}, hasValue=5)
    made.relate("x", "contains", "a", comments="a", length=3)
    made.relate("x", "has", "room0", role="Operator")
    made.relate("x", "locatedIn", "a")
    made.relate("a", "isPartOf", "room0")
    return made


@pytest.fixture(scope="module")
def engine(building: Graph) -> QueryService:
    return service(building)


@pytest.mark.parametrize("text", VALID + NO_FILTER)
def test_what_tools_send_gives_the_oracles_rows(
    text: str, building: Graph, engine: QueryService
) -> None:
    expected = run(parse(text), building)
    assert bag(rows(engine, text)) == bag(expected)
    assert accepts(text)
    assert parse(print_query(parse(text))) == parse(text)


@pytest.mark.parametrize("text", VALID)
def test_what_tools_send_runs_strict(text: str, engine: QueryService) -> None:
    rows(engine, text, strict=True)


@pytest.mark.parametrize(("text", "line", "position", "part"), INVALID)
def test_refusals_show_the_spot(
    text: str, line: int, position: int, part: str, engine: QueryService
) -> None:
    with pytest.raises(QueryError) as raised:
        engine.compile(text)
    error = raised.value
    assert error.code == "SqlQueryError"
    frame = f"SQL query parse failed: SQL Parser Error, Line={error.line}, Position={error.position}, Message="
    assert error.message.startswith(frame)
    assert part in error.message
    if part != "max_text":
        assert (error.line, error.position) == (line, position)
    excerpt, caret, hint = error.message.split("\n")[-3:]
    assert "See" in hint
    assert caret.strip() == "^"
    if len(excerpt) < 90 and "..." not in excerpt:
        assert caret.index("^") == position + 2


def test_the_message_for_foo() -> None:
    with pytest.raises(QueryError) as raised:
        parse("foo")
    assert raised.value.message.startswith(
        "SQL query parse failed: SQL Parser Error, Line=1, Position=0, Message=missing SELECT at 'foo'"
    )
