"""A query's result over time: NDJSON and CSV, with an end, and with bounds."""

from __future__ import annotations

import csv
import gzip
import io
import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from .client import Api, assert_error
from .models import M, building
from .past import AS_OF, now_text, write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kastor.testing import KastorServer

SERIES = "/kastor/v1/series"
QUERY = "SELECT T.$dtId AS id, T.AverageTemperature AS value FROM DIGITALTWINS T"


@pytest.fixture
def begun(api: Api) -> str:
    """A building that is empty, then has two twins, then one; the time at which it was empty."""
    api.add_models(M)
    empty = now_text()
    time.sleep(0.15)
    api.add_twin("A", building(AverageTemperature=1))
    api.add_twin("B", building(AverageTemperature=-2, TemperatureUnit="=1+1"))
    time.sleep(0.15)
    write(api, "A", AverageTemperature=5)
    assert api.delete("/digitaltwins/B").status_code == 204
    time.sleep(0.15)
    return empty


def asked(api: Api, begin: str, query: str = QUERY, **more: Any) -> httpx2.Response:
    body = {"query": query, "from": begin, "bucket": "100ms", **more}
    response = api.post(SERIES, body)
    assert response.status_code == 200, response.text
    return response


def rows_of(response: httpx2.Response) -> list[dict[str, Any]]:
    assert response.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in response.text.splitlines()]


def test_each_instant_has_what_the_query_found_then(api: Api, begun: str) -> None:
    found = rows_of(asked(api, begun))
    assert all(set(each) == {"time", "change", "row"} for each in found)
    instants: dict[str, list[Any]] = {}
    for each in found:
        instants.setdefault(each["time"], []).append(each)
    states = [sorted(str(each["row"]) for each in rows) for rows in instants.values()]
    both = sorted(str(each) for each in ({"id": "A", "value": 1}, {"id": "B", "value": -2}))
    assert both in states
    assert states[-1] == [str({"id": "A", "value": 5})]
    assert list(instants) == sorted(instants)
    for instant, rows in instants.items():
        answer = api.query(QUERY, headers={AS_OF: instant})
        assert answer.json()["value"] == [each["row"] for each in rows]
        assert answer.headers[AS_OF] == f"{instant}; change={rows[0]['change']}"


def test_instants_are_as_far_apart_as_asked_and_end_with_the_last(api: Api, begun: str) -> None:
    begin = datetime.fromisoformat(begun)
    count = "SELECT COUNT() AS n FROM DIGITALTWINS"
    end = begin + timedelta(milliseconds=450)
    found = rows_of(asked(api, begun, count, to=end.isoformat()))
    times = [datetime.fromisoformat(each["time"][:26] + "+00:00") for each in found]
    assert times == [begin + timedelta(milliseconds=100 * each) for each in range(5)]
    assert found[0]["row"] == {"n": 0}
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    assert len(rows_of(asked(api, begun, count, to=later))) < 600


def test_parameters_and_pages_go_through(api: Api, begun: str) -> None:
    api.post(
        "/kastor/v1/batch",
        {
            "operations": [
                {"op": "put", "kind": "twin", "id": f"t{n}", "body": building()}
                for n in range(2_300)
            ]
        },
    )
    query = "SELECT T.$dtId AS id FROM DIGITALTWINS T WHERE T.$dtId != $but"
    now = now_text()
    found = rows_of(asked(api, now, query, to=now, parameters={"but": "x" * 3_000}))
    assert len(found) == 2_301
    assert len({each["row"]["id"] for each in found}) == 2_301


def test_csv_has_the_named_columns_and_guards_what_spreadsheets_run(api: Api, begun: str) -> None:
    query = (
        "SELECT T.$dtId AS id, T.TemperatureUnit AS unit, T.$metadata AS told FROM DIGITALTWINS T"
    )
    response = asked(api, begun, query, format="csv")
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    table = list(csv.reader(io.StringIO(response.text, newline="")))
    assert table[0] == ["time", "change", "id", "unit", "told"]
    assert all(len(row) == 5 for row in table)
    units = {row[2]: row[3] for row in table[1:]}
    assert units == {"A": "", "B": "'=1+1"}
    assert json.loads(table[1][4])["$model"] == M["@id"]
    body = {"query": "SELECT * FROM DIGITALTWINS", "from": begun, "bucket": "1s", "format": "csv"}
    assert_error(api.post(SERIES, body), 400, "InvalidArgument", "names its columns")


def test_it_comes_compressed_to_who_takes_that(api: Api, begun: str) -> None:
    body = {"query": QUERY, "from": begun, "to": now_text(), "bucket": "100ms"}
    with httpx2.Client() as client:
        sent = json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Accept-Encoding": "gzip"}
        with client.stream("POST", api.url + SERIES, content=sent, headers=headers) as response:
            packed = b"".join(response.iter_raw())
    assert response.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed) == api.post(SERIES, body).content


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ({}, "InvalidArgument", "needs query, from, bucket"),
        ({"query": "SELECT"}, "InvalidArgument", "needs from, bucket"),
        ({"every": "1h"}, "InvalidArgument", "every cannot be there"),
        ({"query": 1}, "InvalidArgument", "query cannot be there"),
        ({"query": "SELECT * FROM", "from": "NOW", "bucket": "1s"}, "SqlQueryError", ""),
        ({"query": QUERY, "from": "x", "bucket": "1s"}, "InvalidArgument", "The member from"),
        ({"query": QUERY, "from": "NOW", "bucket": "1w"}, "InvalidArgument", "bucket"),
        (
            {"query": QUERY, "from": "NOW", "bucket": "1s", "format": "xml"},
            "InvalidArgument",
            "csv",
        ),
        ({"query": QUERY, "from": "HOURS", "bucket": "1ms"}, "LimitExceeded", "10000"),
        (
            {"query": QUERY, "from": "2999-01-01T00:00:00Z", "bucket": "1s"},
            "InvalidArgument",
            "future",
        ),
        (
            {"query": QUERY, "from": "NOW", "to": "HOURS", "bucket": "1s"},
            "InvalidArgument",
            "after to",
        ),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_sent(
    api: Api, body: dict[str, Any], code: str, said: str
) -> None:
    now = datetime.now(UTC)
    words = {"NOW": now.isoformat(), "HOURS": (now - timedelta(hours=6)).isoformat()}
    body = {name: words.get(str(value), value) for name, value in body.items()}
    assert_error(api.post(SERIES, body), 400, code, said)


def test_it_is_described(api: Api) -> None:
    description = api.get("/openapi.json", version=None).json()
    operation = description["paths"][SERIES]["post"]
    assert set(operation["responses"]["200"]["content"]) == {"application/x-ndjson", "text/csv"}


def test_what_goes_meanwhile_breaks_the_answer(api: Api, kastor: KastorServer) -> None:
    api.add_models(M)
    api.add_twin("A", building(TemperatureUnit="x" * 200_000))
    begin = now_text()
    time.sleep(0.3)
    body = {"query": "SELECT * FROM DIGITALTWINS", "from": begin, "bucket": "1ms"}
    found: list[bool] = []

    def read(lines: Iterator[str]) -> None:
        for line in lines:
            if not found:
                kastor.reset()  # all instants that were asked for are gone
            found.append("row" in json.loads(line))

    with (
        httpx2.Client() as client,
        client.stream("POST", api.url + SERIES, json=body) as response,
    ):
        assert response.status_code == 200
        with pytest.raises(httpx2.RemoteProtocolError):
            read(response.iter_lines())
    assert all(found)
    assert 0 < len(found) < 300
    assert_error(api.post(SERIES, body), 410, "HistoryExpired", "is not kept any more")
