"""The query endpoint: bodies, pages, rows and errors."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import pytest

from .client import assert_error, assert_json
from .models import BUILDING, OBJ, O, building, interface, prop, twin_of

if TYPE_CHECKING:
    import httpx2

    from .client import Api

ALL = "SELECT * FROM digitaltwins"
CHARGE = re.compile(r"\d+(\.\d+)?")


@pytest.fixture
def dozen(api: Api, model_m: Any) -> Api:
    """Twelve twins of M, `t00` to `t11`, whose temperature is their number."""
    for number in range(12):
        api.add_twin(f"t{number:02}", building(AverageTemperature=number, TemperatureUnit="C"))
    return api


def _page(response: httpx2.Response) -> dict[str, Any]:
    page: dict[str, Any] = assert_json(response)
    assert set(page) == {"value", "continuationToken"}
    assert CHARGE.fullmatch(response.headers["query-charge"])
    assert math.isfinite(float(response.headers["query-charge"]))
    assert page["continuationToken"] is None or page["value"], "an empty page with a token"
    return page


def _rows(api: Api, text: str) -> list[dict[str, Any]]:
    page = _page(api.query(text))
    assert page["continuationToken"] is None
    rows: list[dict[str, Any]] = page["value"]
    return rows


def _ids(api: Api, condition: str) -> list[str]:
    rows = _rows(api, f"SELECT * FROM digitaltwins T WHERE {condition}")
    return sorted(row["$dtId"] for row in rows)


def test_Q_01_all_twins_are_selected_as_they_are_read(api: Api, twin_t: dict[str, Any]) -> None:
    assert _page(api.query(ALL)) == {"value": [twin_t], "continuationToken": None}


def test_a_query_without_matches_has_an_empty_value(api: Api) -> None:
    assert _page(api.query(ALL)) == {"value": [], "continuationToken": None}


def test_components_and_source_times_come_along(api: Api, twin_k: dict[str, Any]) -> None:
    assert _rows(api, ALL) == [twin_k]


@pytest.mark.parametrize(
    "text",
    [
        "foo",
        "SELECT",
        "SELECT FROM digitaltwins",
        "SELECT * FROM nosuch",
        "SELECT * FROM digitaltwins WHERE",
        "SELECT * FROM digitaltwins WHERE a = ",
        "SELECT * FROM digitaltwins WHERE a = 'open",
        "SELECT * FROM digitaltwins WHERE (a = 1",
        "SELECT * FROM digitaltwins; DROP TABLE twins",
        "SELECT * FROM digitaltwins WHERE a => 1",
        "\x00",
        "SELECT * FROM digitaltwins WHERE a = 1 b",
    ],
)
def test_Q_02_a_faulty_query_is_refused_with_its_place(api: Api, text: str) -> None:
    error = assert_error(api.query(text), 400, "SqlQueryError")
    assert re.search(r"Line=\d+, Position=\d+", error["message"]), error["message"]


def test_Q_02_the_place_counts_lines_from_one_and_columns_from_zero(api: Api) -> None:
    error = assert_error(api.query("foo"), 400, "SqlQueryError")
    assert "Line=1, Position=0" in error["message"]
    error = assert_error(api.query("SELECT *\nFROM nosuch"), 400, "SqlQueryError")
    assert "Line=2, Position=5" in error["message"]


def test_an_error_carries_no_charge(api: Api) -> None:
    assert "query-charge" not in api.query("foo").headers


def test_Q_03_twins_are_counted(dozen: Api) -> None:
    assert _rows(dozen, "SELECT COUNT() FROM digitaltwins") == [{"COUNT": 12}]
    assert _rows(dozen, f"{ALL.replace('*', 'COUNT()')} WHERE $dtId = 'x'") == [{"COUNT": 0}]


def _all_pages(api: Api, size: int, *, token_only: bool, text: str = ALL) -> list[list[str]]:
    headers = {"max-items-per-page": str(size)}
    page = _page(api.query(text, headers=headers))
    found = [[row["$dtId"] for row in page["value"]]]
    while page["continuationToken"] is not None:
        assert isinstance(page["continuationToken"], str)
        body = {"continuationToken": page["continuationToken"]}
        if not token_only:
            body["query"] = text
        page = _page(api.post("/query", body, headers=headers))
        found.append([row["$dtId"] for row in page["value"]])
    return found


@pytest.mark.parametrize("token_only", [True, False])
def test_Q_04_Q_05_pages_are_full_and_hold_each_row_once(dozen: Api, token_only: bool) -> None:
    pages = _all_pages(dozen, 5, token_only=token_only)
    assert [len(page) for page in pages] == [5, 5, 2]
    assert sorted(each for page in pages for each in page) == [f"t{n:02}" for n in range(12)]


@pytest.mark.parametrize("size", [1, 4, 6, 11, 12, 13])
def test_pages_of_any_size_make_up_the_whole(dozen: Api, size: int) -> None:
    pages = _all_pages(dozen, size, token_only=True)
    assert all(len(page) == size for page in pages[:-1])
    assert sorted(each for page in pages for each in page) == [f"t{n:02}" for n in range(12)]


@pytest.mark.parametrize("text", ["foo", "SELECT COUNT() FROM digitaltwins", ""])
def test_Q_06_beside_a_token_the_query_is_ignored(dozen: Api, text: str) -> None:
    token = _page(dozen.query(ALL, headers={"max-items-per-page": "5"}))["continuationToken"]
    body = {"query": text, "continuationToken": token}
    page = _page(dozen.post("/query", body))
    assert page["value"][0]["$dtId"].startswith("t")


def test_the_page_size_is_remembered_without_the_header(dozen: Api) -> None:
    page = _page(dozen.query(ALL, headers={"max-items-per-page": "5"}))
    page = _page(dozen.post("/query", {"continuationToken": page["continuationToken"]}))
    assert len(page["value"]) == 5


def test_the_page_size_may_change_between_pages(dozen: Api) -> None:
    first = _page(dozen.query(ALL, headers={"max-items-per-page": "5"}))
    body = {"continuationToken": first["continuationToken"]}
    second = _page(dozen.post("/query", body, headers={"max-items-per-page": "3"}))
    body = {"continuationToken": second["continuationToken"]}
    third = _page(dozen.post("/query", body, headers={"max-items-per-page": "100"}))
    assert [len(page["value"]) for page in (first, second, third)] == [5, 3, 4]
    assert third["continuationToken"] is None
    found = {row["$dtId"] for page in (first, second, third) for row in page["value"]}
    assert len(found) == 12


def test_a_page_holds_a_hundred_rows_by_default(api: Api, model_m: Any) -> None:
    for number in range(101):
        api.add_twin(f"t{number:03}", building())
    first = _page(api.query(ALL))
    assert len(first["value"]) == 100
    second = _page(
        api.post("/query", {"query": ALL, "continuationToken": first["continuationToken"]})
    )
    assert len(second["value"]) == 1
    assert second["continuationToken"] is None


def test_Q_07_a_null_token_asks_for_the_first_page(api: Api, twin_t: dict[str, Any]) -> None:
    for token in (None, ""):
        page = _page(api.post("/query", {"query": ALL, "continuationToken": token}))
        assert page["value"] == [twin_t]


def test_unknown_members_of_the_body_are_ignored(api: Api, twin_t: dict[str, Any]) -> None:
    page = _page(api.post("/query", {"query": ALL, "other": [1], "maxItems": 1}))
    assert page["value"] == [twin_t]


@pytest.mark.parametrize("token", ["garbage", "null", "{}", "🏢", "A" * 5000, "\u0000"])
def test_Q_08_a_token_that_cannot_be_read_is_refused(api: Api, twin_t: Any, token: str) -> None:
    body = {"query": ALL, "continuationToken": token}
    assert_error(api.post("/query", body), 400, "BadRequest")
    assert_error(api.post("/query", {"continuationToken": token}), 400, "BadRequest")


def test_Q_08_a_changed_token_is_refused(dozen: Api) -> None:
    token = _page(dozen.query(ALL, headers={"max-items-per-page": "5"}))["continuationToken"]
    for changed in (token[:-1], token[1:], token[: len(token) // 2], token.swapcase()):
        response = dozen.post("/query", {"continuationToken": changed})
        assert_error(response, 400, "BadRequest")


@pytest.mark.parametrize(
    "body",
    [{}, {"query": None}, {"query": ""}, {"query": 5}, {"query": [ALL]}, [], [ALL], ALL, 5, None],
)
def test_Q_09_a_body_without_query_and_token_is_refused(api: Api, body: Any) -> None:
    assert_error(api.post("/query", body), 400, "BadRequest")


@pytest.mark.parametrize("token", [5, [], {}, True])
def test_a_token_that_is_no_text_is_refused(api: Api, token: Any) -> None:
    response = api.post("/query", {"query": ALL, "continuationToken": token})
    assert_error(response, 400, "BadRequest")


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b'{"query": NaN}'])
def test_an_unreadable_query_body_is_refused(api: Api, raw: bytes) -> None:
    assert_error(api.post("/query", raw=raw), 400, "BadRequest")


@pytest.mark.parametrize("size", ["0", "-1", "x", "1.5", "99999999999999999999x"])
def test_a_page_size_that_is_no_positive_integer_is_refused(api: Api, size: str) -> None:
    response = api.query(ALL, headers={"max-items-per-page": size})
    assert_error(response, 400, "InvalidArgument")


def test_a_page_size_above_the_maximum_is_clamped(api: Api, twin_t: dict[str, Any]) -> None:
    for size in ("100000", "99999999999999999999"):
        page = _page(api.query(ALL, headers={"max-items-per-page": size}))
        assert page["value"] == [twin_t]


def test_a_query_sees_every_write_that_was_acknowledged(api: Api, model_m: Any) -> None:
    for number in range(5):
        stored = api.add_twin("T", building(AverageTemperature=number))
        assert _rows(api, ALL) == [stored]
    assert api.delete("/digitaltwins/T").status_code == 204
    assert _rows(api, ALL) == []


# Rows.


@pytest.mark.parametrize(
    "text",
    [
        "select * from digitaltwins",
        "Select * From DigitalTwins",
        "SELECT * FROM DIGITALTWINS T",
        "SELECT  *\n\tFROM  DIGITALTWINS\n",
        "SELECT TOP(5) FROM DIGITALTWINS",
        "SELECT * FROM DigitalTwins T Where T.$dtId = 'T'",
        "SELECT * FROM digitaltwins WHERE $dtId = 'T'",
        "SELECT * FROM digitaltwins T WHERE T.$metadata.$model = 'dtmi:t:Building;1'",
    ],
)
def test_bare_twins_are_selected_by_every_spelling(
    api: Api, twin_t: dict[str, Any], text: str
) -> None:
    assert _rows(api, text) == [twin_t]


def test_projections_are_keyed_by_alias_name_or_last_segment(
    api: Api, twin_t: dict[str, Any]
) -> None:
    assert _rows(api, "SELECT T FROM digitaltwins T") == [{"T": twin_t}]
    assert _rows(api, "SELECT T AS X FROM digitaltwins T") == [{"X": twin_t}]
    text = "SELECT T.AverageTemperature, T.$metadata.$model, T.$dtId AS id FROM digitaltwins T"
    expected = {"AverageTemperature": 68, "$model": BUILDING, "id": "T"}
    assert _rows(api, text) == [expected]
    assert _rows(api, "SELECT TemperatureUnit FROM digitaltwins") == [
        {"TemperatureUnit": "Celsius"}
    ]


def test_a_missing_column_is_left_out_of_its_row(api: Api, model_m: Any) -> None:
    api.add_twin("T", building())
    rows = _rows(api, "SELECT T.$dtId, T.AverageTemperature, T.nosuch FROM digitaltwins T")
    assert rows == [{"$dtId": "T"}]
    assert _rows(api, "SELECT T.nosuch FROM digitaltwins T") == [{}]


def test_top_counts_over_all_pages(dozen: Api) -> None:
    pages = _all_pages(dozen, 3, token_only=True, text="SELECT TOP(7) FROM digitaltwins")
    assert [len(page) for page in pages] == [3, 3, 1]
    assert _rows(dozen, "SELECT TOP(0) FROM digitaltwins") == []


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("T.AverageTemperature = 5", [5]),
        ("T.AverageTemperature = 5.0", [5]),
        ("T.AverageTemperature >= 10", [10, 11]),
        ("T.AverageTemperature < 1", [0]),
        ("T.AverageTemperature > 9 AND T.AverageTemperature != 10", [11]),
        ("T.AverageTemperature = 1 OR T.$dtId = 't03'", [1, 3]),
        ("NOT T.AverageTemperature < 11", [11]),
        ("T.AverageTemperature IN [1, 2, 99]", [1, 2]),
        ("T.AverageTemperature = '5'", []),
        ("T.nosuch = 1", []),
        ("NOT T.nosuch = 1", []),
        ("T.TemperatureUnit = 'c'", []),
        ("T.AverageTemperature <= 1 AND (T.$dtId = 't00' OR T.$dtId = 't11')", [0]),
        ("averageTemperature = 5", []),
    ],
)
def test_conditions_select_what_they_say(dozen: Api, condition: str, expected: list[int]) -> None:
    assert _ids(dozen, condition) == [f"t{number:02}" for number in expected]


def test_a_quote_in_a_text_is_data(api: Api, model_m: Any) -> None:
    api.add_twin("T", building(TemperatureUnit="it's; DROP TABLE twins--"))
    text = r"T.TemperatureUnit = 'it\'s; DROP TABLE twins--'"
    assert _ids(api, text) == ["T"]
    assert _ids(api, "T.TemperatureUnit = 'x'") == []


def test_models_are_matched_with_their_descendants(api: Api, model_m: Any) -> None:
    api.add_models(
        interface("dtmi:t:Child;1", prop("p", "string"), extends=BUILDING),
        interface("dtmi:t:Building;2"),
        O,
    )
    api.add_twin("base", building())
    api.add_twin("child", twin_of("dtmi:t:Child;1"))
    api.add_twin("newer", twin_of("dtmi:t:Building;2"))
    api.add_twin("other", twin_of(OBJ))
    assert _ids(api, f"IS_OF_MODEL('{BUILDING}')") == ["base", "child", "newer"]
    assert _ids(api, f"IS_OF_MODEL(T, '{BUILDING}')") == ["base", "child", "newer"]
    assert _ids(api, f"IS_OF_MODEL(T, '{BUILDING}', exact)") == ["base"]
    assert _ids(api, f"IS_OF_MODEL('{BUILDING}', EXACT)") == ["base"]
    assert _ids(api, "IS_OF_MODEL('dtmi:t:Building;2')") == ["newer"]
    for version in ("9" * 10, "9" * 5_000, "1." + "9" * 5_000, "\u0661"):
        assert _ids(api, f"IS_OF_MODEL('dtmi:t:Building;{version}')") == []
    assert _ids(api, "IS_OF_MODEL('dtmi:t:nosuch;1')") == []


def test_relationships_are_selected_as_they_are_read(api: Api, twin_t: Any) -> None:
    api.add_twin("B", building())
    first = api.relate("T", "r1", "B", isAccessRestricted=True)
    second = api.relate("B", "r2", "T")
    rows = _rows(api, "SELECT * FROM RELATIONSHIPS")
    assert sorted(rows, key=lambda row: row["$relationshipId"]) == [first, second]
    assert _rows(api, "SELECT * FROM relationships r WHERE r.$sourceId = 'T'") == [first]
    assert _rows(api, "SELECT * FROM RELATIONSHIPS WHERE isAccessRestricted = true") == [first]
    assert _rows(api, "SELECT COUNT() FROM RELATIONSHIPS") == [{"COUNT": 2}]
    assert _rows(api, "SELECT r FROM RELATIONSHIPS r WHERE r.$targetId IN ['T']") == [{"r": second}]
