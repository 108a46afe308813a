"""A query over time: which instants are asked, what is told again, and where it ends."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from kastor.api.http.request import Request
from kastor.api.own.history import query_series
from kastor.api.own.over_time import CsvRows, NdjsonRows
from kastor.auth.actors import Actor, CallerKind, Grant, Principal
from kastor.auth.roles import Permission
from kastor.clock import TICKS_PER_SECOND as SECOND
from kastor.errors import Forbidden, Gone, LimitExceeded, QueryTimeout
from kastor.graph.instants import Named
from kastor.history.over_time import OverTime, OverTimeLimits, QueryOverTime, RowsAt
from kastor.moving.tables.guarding import guarded
from kastor.query.service import ResultPage
from kastor.records import AsOf, Context

START = 638_000_000_000_000_000
ME = Context("me")


class Graph:
    """One whose state changes every ten seconds, and that forgets what is older than `oldest`."""

    def __init__(self) -> None:
        self.oldest = START

    async def at(self, named: Named) -> AsOf:
        assert named.time is not None
        if named.time < self.oldest:
            raise Gone("gone", code="HistoryExpired")
        return AsOf((named.time - START) // (10 * SECOND), named.time)


class Queries:
    """Answers with pages of rows that name the state; counts how often it is asked."""

    def __init__(self, pages: int = 1, row: bytes = b'{"n":%d}') -> None:
        self.pages, self.row, self.asked = pages, row, 0
        self.runner = self

    def given(self, parameters: Any, *, strict: bool) -> Any:
        return parameters

    async def compiled(self, text: str, context: Context, *, given: Any) -> Any:
        assert context.at is not None
        return SimpleNamespace(plan=SimpleNamespace(columns=None), warnings=())

    async def run(self, text: str, context: Context, *, token: str | None, **_: Any) -> ResultPage:
        assert context.at is not None
        self.asked += 1
        number = int(token or "1")
        following = str(number + 1) if number < self.pages else None
        row = self.row % context.at.change
        return ResultPage(b"[%b,\n%b]" % (row, row), following, 1.0, 2)


def over(queries: Any, graph: Any = None, **limits: Any) -> QueryOverTime:
    graph = Graph() if graph is None else graph
    return QueryOverTime(graph, queries, OverTimeLimits(**limits))


async def told(asked: QueryOverTime, seconds: int, step: int = 5) -> list[RowsAt]:
    wanted = OverTime("q", None, Named(time=START), None, step * SECOND)
    found = await asked.open(wanted, START + seconds * SECOND, ME)
    return [each async for each in found]


def test_what_did_not_change_is_told_again_and_not_asked_again() -> None:
    queries = Queries(pages=2)
    found = asyncio.run(told(over(queries), 40))
    instants = [(each.at.time - START) // SECOND for each in found]
    assert sorted(set(instants)) == list(range(0, 41, 5))
    rows = [row for each in found for row in each.rows]
    assert rows == [b'{"n":%d}' % n for n in range(4) for _ in range(8)] + [b'{"n":4}'] * 4
    assert queries.asked == 2 * 5


def test_results_that_are_too_large_to_be_kept_are_asked_for_again() -> None:
    queries = Queries(row=b'{"n":%d,"x":"' + b"x" * 600_000 + b'"}')
    asyncio.run(told(over(queries), 40))
    assert queries.asked == 9


def test_too_many_instants_are_refused_at_once() -> None:
    queries = Queries()
    with pytest.raises(LimitExceeded, match="11 instants; at most 10"):
        asyncio.run(told(over(queries, instants=10), 50))
    assert queries.asked == 0


@pytest.mark.parametrize(
    ("limits", "error"),
    [({"rows": 9}, LimitExceeded), ({"size": 60}, LimitExceeded), ({"seconds": 0.0}, QueryTimeout)],
)
def test_it_ends_where_a_bound_is_reached(limits: dict[str, float], error: Any) -> None:
    with pytest.raises(error):
        asyncio.run(told(over(Queries(), **limits), 100))


def test_an_instant_that_goes_meanwhile_ends_it() -> None:
    async def run() -> None:
        graph = Graph()
        wanted = OverTime("q", None, Named(time=START), None, 5 * SECOND)
        found = await over(Queries(), graph).open(wanted, START + 60 * SECOND, ME)
        assert (await anext(found)).at.change == 0
        graph.oldest = START + 20 * SECOND
        with pytest.raises(Gone):
            [each async for each in found]

    asyncio.run(run())


def test_a_caller_needs_the_permission_of_history_too() -> None:
    nothing: Any = None
    request = Request({}, {}, nothing, (), nothing)
    querying = Grant("querying", frozenset({Permission.QUERY}))
    request.let_in(Actor(Principal(CallerKind.STATIC, "token:a", "a"), [querying]), "default")
    services: Any = None
    with pytest.raises(Forbidden):
        asyncio.run(query_series(services, request))


def test_rows_are_lines_or_records() -> None:
    row = '{"a":"=x","b":{"c":[1]},"d":null,"e":true,"f":"ä,\\"q\\""}'.encode()
    found = RowsAt(AsOf(7, START), [row])
    told = NdjsonRows().text(found).decode()
    assert told.startswith('{"time":"2022-09-28T')
    assert told.endswith(f',"change":7,"row":{row.decode()}}}\n')
    records = CsvRows(["a", "b", "d", "e", "f", "=g"])
    assert records.head().decode() == "time,change,a,b,d,e,f,'=g\r\n"
    text = records.text(found).decode()
    assert text.endswith(',7,\'=x,"{""c"":[1]}",,true,"ä,""q""",\r\n')


@pytest.mark.parametrize(
    "text", ["", " ", "'", "a", "=1", "'=1", "+", "-x", "@", "\t", "\uff1d1", "a="]
)
def test_cells_are_guarded_as_those_of_tables(text: str) -> None:
    import orjson

    record = CsvRows(["a"]).text(RowsAt(AsOf(1, START), [orjson.dumps({"a": text})])).decode()
    cell = record.split(",", 2)[2].removesuffix("\r\n")
    assert cell.strip('"') == guarded(text)
