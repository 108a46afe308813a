"""Tables of rows as queries answer them: columns that are missing, mixed, nested, huge."""

from __future__ import annotations

from typing import Any

import pytest

from kastor.client.frames import pandas_of, polars_of

ROWS: list[dict[str, Any]] = [
    {"id": "a", "n": 1, "mixed": "x", "deep": {"p": {"q": 1}}, "list": [1, 2], "huge": 2**80},
    {"id": "b", "n": 2.5, "mixed": 3, "deep": {"p": {"q": 2}, "r": "s"}, "list": [], "flag": True},
    {"id": "c", "n": None, "mixed": [1], "deep": None, "late": "only here", "flag": None},
]


def test_pandas_has_a_column_for_each_member() -> None:
    table = pandas_of(ROWS)
    assert list(table.columns) == ["id", "n", "mixed", "deep", "list", "huge", "flag", "late"]
    assert table["n"].sum() == 3.5
    assert list(table["mixed"]) == ["x", 3, [1]]
    assert table["deep"][1] == {"p": {"q": 2}, "r": "s"}
    assert table["huge"][0] == 2**80


def test_polars_has_a_column_for_each_member() -> None:
    table = polars_of(ROWS)
    assert table.columns == ["id", "n", "mixed", "deep", "list", "huge", "flag", "late"]
    assert table["n"].to_list() == [1.0, 2.5, None]
    assert table["flag"].to_list() == [None, True, None]
    assert table["late"].to_list() == [None, None, "only here"]
    assert table["list"].to_list() == [[1, 2], [], None]
    assert table["mixed"].to_list() == ['"x"', "3", "[1]"]
    assert table["huge"].to_list()[1:] == [None, None]
    assert float(table["huge"].to_list()[0]) == float(2**80)
    deep = table["deep"].to_list()
    assert (deep[0]["p"]["q"], deep[1]["p"]["q"], deep[1]["r"]) == (1, 2, "s")


@pytest.mark.parametrize(
    "values",
    [
        [{"a": 1}, {"a": "x"}],
        [{"a": 1}, [1]],
        [[1], ["x"]],
        [True, 1],
        [True, "x"],
        [1, "x"],
        [2**63, -1],
        [2**70, 0.5],
        [None, None],
        [{}, {}],
        [[], []],
        ["\ud800", "x"],
    ],
    ids=str,
)
def test_no_row_is_lost_for_what_stands_in_it(values: list[Any]) -> None:
    rows = [{"id": n, "value": value} for n, value in enumerate(values)]
    table = polars_of(rows)
    assert table["id"].to_list() == list(range(len(values)))
    assert table.height == len(pandas_of(rows)) == len(values)


def test_no_rows_are_an_empty_table() -> None:
    assert polars_of([]).is_empty()
    assert pandas_of([]).empty


def test_what_stands_late_decides_too() -> None:
    rows = [{"t": n} for n in range(2_000)] + [{"t": 0.5}, {"t": None, "new": "x"}]
    table = polars_of(rows)
    assert table["t"].sum() == 1_999_000.5
    assert table["new"].null_count() == 2_001
