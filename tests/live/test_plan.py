"""How queries are followed: the mode, the reason, what tells rows apart, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from kastor.errors import QueryError
from kastor.live.plan import LivePlan, live_plan
from kastor.query.compiled import plan_query
from kastor.query.plan import And, Doc, Field, In
from kastor.query.settings import QuerySettings


class Models:
    epoch = 1

    def matching(self, model_id: str, *, exact: bool) -> frozenset[int]:
        return frozenset({1, 2})

    def model_ids(self) -> tuple[str, ...]:
        return ()

    def property_names(self) -> frozenset[str]:
        return frozenset()

    def labels(self) -> dict[int, tuple[str, ...]]:
        return {}

    def schemas_of(self, name: str) -> frozenset[str]:
        return frozenset()

    def relationship_names(self) -> frozenset[str]:
        return frozenset()


def plan(text: str) -> LivePlan:
    return live_plan(plan_query(text, Models(), QuerySettings()))


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM DIGITALTWINS",
        "SELECT T.a, T.b FROM DIGITALTWINS T WHERE T.a > 1 AND IS_OF_MODEL('dtmi:x;1')",
        "SELECT T.a FROM DIGITALTWINS T ORDER BY T.a DESC",
        "SELECT * FROM RELATIONSHIPS R WHERE R.$sourceId = 'x'",
        "SELECT A, R FROM DIGITALTWINS A JOIN B RELATED A.next R WHERE B.x = 1",
        "SELECT A.$dtId FROM DIGITALTWINS MATCH (A)-[:next]->()-[R]-(C)",
    ],
)
def test_rows_that_depend_on_what_they_bind_are_followed_one_by_one(text: str) -> None:
    assert plan(text).mode == "incremental"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("SELECT COUNT() FROM DIGITALTWINS", "COUNT"),
        ("SELECT MAX(T.a) FROM DIGITALTWINS T", "aggregates"),
        ("SELECT T.a, COUNT() FROM DIGITALTWINS T GROUP BY T.a", "GROUP BY"),
        ("SELECT DISTINCT T.a FROM DIGITALTWINS T", "DISTINCT"),
        ("SELECT TOP(3) FROM DIGITALTWINS", "TOP"),
        ("SELECT * FROM DIGITALTWINS ORDER BY a LIMIT 2", "LIMIT"),
        ("SELECT * FROM DIGITALTWINS OFFSET 2", "OFFSET"),
        ("SELECT * FROM DIGITALTWINS T WHERE EXISTS { (T)-[]->() }", "EXISTS"),
        (
            "SELECT * FROM DIGITALTWINS T WHERE T.a > 1 OR NOT EXISTS { (T)-[]->() }",
            "EXISTS",
        ),
        ("SELECT * FROM DIGITALTWINS WHERE a IN (SELECT b FROM RELATIONSHIPS)", "IN (SELECT"),
        ("SELECT A.a FROM DIGITALTWINS MATCH (A)-[*..2]->(B)", "several"),
        ("SELECT A.a FROM DIGITALTWINS MATCH (A)-[SHORTEST*..2]->(B)", "several"),
        ("SELECT A.a FROM DIGITALTWINS A LEFT JOIN B RELATED A.next", "LEFT JOIN"),
        ("SELECT id FROM MODELS", "Models"),
    ],
)
def test_others_are_run_again_and_say_why(text: str, word: str) -> None:
    found = plan(text)
    assert found.mode == "rerun"
    assert word in found.why


@pytest.mark.parametrize(
    "text",
    [
        "EXPLAIN SELECT * FROM DIGITALTWINS",
        "SELECT * FROM DIGITALTWINS WHERE until < NOW()",
        "SELECT DATETIME_ADD('day', 1, NOW()) AS t FROM DIGITALTWINS",
        "SELECT * FROM DIGITALTWINS ORDER BY DATETIME_DIFF('day', since, NOW())",
    ],
)
def test_what_cannot_be_followed_is_refused(text: str) -> None:
    with pytest.raises(QueryError):
        plan(text)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("SELECT COUNT() FROM DIGITALTWINS", {"twin"}),
        ("SELECT * FROM RELATIONSHIPS", {"relationship"}),
        ("SELECT id FROM MODELS", {"model"}),
        ("SELECT A.a FROM DIGITALTWINS MATCH (A)-[*..2]->(B)", {"twin", "relationship"}),
        (
            "SELECT * FROM DIGITALTWINS T WHERE EXISTS { (T)-[]->() }",
            {"twin", "relationship"},
        ),
        (
            "SELECT * FROM DIGITALTWINS WHERE a IN (SELECT b FROM RELATIONSHIPS)",
            {"twin", "relationship"},
        ),
    ],
)
def test_only_what_a_query_looks_at_wakes_it(text: str, kinds: set[str]) -> None:
    assert plan(text).reads == kinds


def test_a_row_is_told_apart_by_everything_it_binds() -> None:
    found = plan("SELECT A.a FROM DIGITALTWINS A JOIN B RELATED A.next")
    columns = found.plan.columns or ()
    assert [column.value for column in columns] == [
        Field(0, "id"),
        Field(1, "id"),
        Field(2, "source"),
        Field(2, "id"),
        Doc(0, ("a",)),
    ]
    assert found.width == 4


def test_a_group_of_whole_documents_is_told_apart_by_their_ids() -> None:
    found = plan("SELECT DISTINCT A FROM DIGITALTWINS A JOIN B RELATED A.next")
    assert (found.plan.columns or ())[0].value == Field(0, "id")
    assert Field(0, "id") in found.plan.group


def test_restricted_plans_are_one_for_each_source_that_can_be_meant() -> None:
    found = plan("SELECT A.a FROM DIGITALTWINS A JOIN B RELATED A.next WHERE B.x = 1")
    assert found.restricted(set(), set()) == []
    twins = found.restricted({"x", "y"}, set())
    assert [_restriction(one) for one in twins] == [
        [In(Field(0, "id"), ("x", "y"))],
        [In(Field(1, "id"), ("x", "y"))],
    ]
    (one,) = found.restricted(set(), {("s", "r")})
    assert _restriction(one) == [
        In(Field(2, "source"), ("s",)),
        In(Field(2, "id"), ("r",)),
        In(Field(0, "id"), ("s",)),
    ]


def _restriction(one: Any) -> list[object]:
    where = one.where
    assert isinstance(where, And)
    return list(where.terms[1:])


def test_known_rows_that_name_what_changed_are_found() -> None:
    found = plan("SELECT A.a FROM DIGITALTWINS A JOIN B RELATED A.next")
    known = {("a", "b", "a", "r"): b"", ("b", "a", "b", "r"): b"", ("c", "d", "c", "r"): b""}
    assert found.binding(known.keys(), {"a"}, set()) == list(known)[:2]
    assert found.binding(known.keys(), set(), {("b", "r")}) == [("b", "a", "b", "r")]
    single = plan("SELECT * FROM RELATIONSHIPS")
    assert single.binding({("a", "r"): b""}.keys(), {"a"}, {("a", "r"), ("b", "r")}) == [("a", "r")]
