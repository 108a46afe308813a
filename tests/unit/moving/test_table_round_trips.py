"""A twin that is written to a table and read again is the same."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from kastor.moving.items import RelationshipItem, TwinItem
from kastor.moving.tables.faults import TableError
from kastor.moving.tables.guarding import guarded, unguarded
from kastor.moving.tables.source import open_table
from kastor.moving.tables.writing import write_csv, write_excel
from tests.unit.moving.table_models import FLOOR, MODELS, ROOM

if TYPE_CHECKING:
    from collections.abc import Callable

    from kastor.moving.tables.source import TableSource

ids = st.text(
    st.characters(codec="utf-8", exclude_characters="/\\?#", exclude_categories=("C", "Z")),
    min_size=1,
    max_size=20,
)
texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cn")), max_size=30)
risky = st.sampled_from(
    ["=1+1", "+1", "-1", "@A1", "'", "''", "'=x", "", " ", "true", "007", "1e5", "a\nb", '"', "; ,"]
)
doubles = st.floats(allow_nan=False, allow_infinity=False)
rooms: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"$metadata": st.just({"$model": ROOM})},
    optional={
        "aBoolean": st.booleans(),
        "aDouble": doubles | st.integers(-(2**60), 2**60),
        "aFloat": st.floats(width=32, allow_nan=False, allow_infinity=False),
        "aInteger": st.integers(-(2**31), 2**31 - 1),
        "aLong": st.integers(-(2**63), 2**63 - 1),
        "aUnsignedLong": st.integers(0, 2**64 - 1),
        "aByte": st.integers(-128, 127),
        "aString": texts | risky,
        "aDate": st.dates().map(date.isoformat),
        "aDateTime": st.datetimes().map(lambda at: f"{at.isoformat()}Z"),
        "aTime": st.times().map(lambda at: f"{at.isoformat()}+02:00"),
        "aDuration": st.sampled_from(["P1D", "PT2H30M", "P1Y"]),
        "aDecimal": st.sampled_from(["12.50", "-3", "+0.1"]),
        "aUuid": st.uuids().map(str),
        "aBytes": st.sampled_from(["", "AAEC", "AA=="]),
        "state": st.sampled_from([1, 2]),
        "colour": st.sampled_from(["#f00", "-1"]),
        "address": st.fixed_dictionaries(
            {"street": texts | risky}, optional={"number": st.just(7)}
        ),
        "tags": st.dictionaries(st.sampled_from(["a", "b c"]), doubles),
        "readings": st.lists(doubles, max_size=3),
        "thermostat": st.fixed_dictionaries(
            {"$metadata": st.just({})}, optional={"setPoint": doubles, "mode": texts | risky}
        ),
    },
).map(lambda room: {**room, "thermostat": room.get("thermostat", {"$metadata": {}})})
edges = st.fixed_dictionaries(
    {"$targetId": ids, "$relationshipName": st.just("holds")}, optional={"place": texts | risky}
)
# To shrink an Excel file takes minutes.
NO_SHRINKING = (Phase.explicit, Phase.generate)
often = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


def read(source: TableSource) -> list[Any]:
    outcomes = list(source.outcomes())
    assert [(each.where, each.message) for each in outcomes if each.message] == []
    return [each.item for each in outcomes]


def there_and_back(
    items: list[Any], suffix: str, write: Callable[[list[Any], Path], int]
) -> list[Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"table{suffix}")
        assert write(items, path) == len(items)
        return read(open_table(path, models=MODELS))


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(pairs)


@often
@given(st.lists(st.tuples(ids, rooms), min_size=1, max_size=4).map(unique))
def test_twins_survive_csv(rows: dict[str, Any]) -> None:
    items = [TwinItem(identifier, body) for identifier, body in rows.items()]
    found = there_and_back(
        items, ".csv", lambda given, path: write_csv(given, MODELS, path, model_ids=[ROOM])
    )
    assert found == items


@settings(often, max_examples=12, phases=NO_SHRINKING)
@given(st.lists(st.tuples(ids, rooms), min_size=1, max_size=6).map(unique))
def test_twins_survive_excel(rows: dict[str, Any]) -> None:
    items = [TwinItem(identifier, body) for identifier, body in rows.items()]
    assert (
        there_and_back(items, ".xlsx", lambda given, path: write_excel(given, MODELS, path))
        == items
    )


@settings(often, max_examples=10, phases=NO_SHRINKING)
@given(st.dictionaries(ids, st.tuples(ids, edges), min_size=1, max_size=4))
def test_relationships_survive_csv_and_excel(rows: dict[str, Any]) -> None:
    items = [RelationshipItem(source, name, body) for name, (source, body) in rows.items()]
    assert (
        there_and_back(items, ".csv", lambda given, path: write_csv(given, MODELS, path)) == items
    )
    assert (
        there_and_back(items, ".xlsx", lambda given, path: write_excel(given, MODELS, path))
        == items
    )


def test_twins_of_several_models_have_a_sheet_each(tmp_path: Path) -> None:
    room = {"$metadata": {"$model": ROOM}, "aString": "x", "thermostat": {"$metadata": {}}}
    items: list[TwinItem | RelationshipItem] = [
        TwinItem("r1", room),
        TwinItem("f1", {"$metadata": {"$model": FLOOR}, "level": 3}),
        RelationshipItem(
            "f1", "e", {"$targetId": "r1", "$relationshipName": "holds", "place": "=1"}
        ),
    ]
    path = tmp_path / "all.xlsx"
    assert write_excel(items, MODELS, path) == 3
    assert read(open_table(path, models=MODELS)) == items


@given(st.text())
def test_a_guarded_text_is_what_it_was(text: str) -> None:
    assert unguarded(guarded(text)) == text
    assert guarded(text)[:1] not in ("=", "+", "-", "@", "\t", "\r")


def test_what_is_written_is_no_formula(tmp_path: Path) -> None:
    import openpyxl  # type: ignore[import-untyped]

    evil = '=HYPERLINK("http://evil.example","x")'
    body = {"$metadata": {"$model": ROOM}, "aString": evil, "thermostat": {"$metadata": {}}}
    items = [TwinItem("-1+1", body)]
    write_csv(items, MODELS, tmp_path / "a.csv", model_ids=[ROOM])
    text = (tmp_path / "a.csv").read_text(encoding="utf-8")
    assert "'-1+1," in text
    assert "\"'=HYPERLINK(" in text
    write_excel(items, MODELS, tmp_path / "a.xlsx")
    cells = [c for row in openpyxl.load_workbook(tmp_path / "a.xlsx").active for c in row]
    assert evil in [cell.value for cell in cells]
    assert {cell.data_type for cell in cells if cell.value is not None} == {"s"}
    assert all(cell.quotePrefix for cell in cells if cell.value == evil)


@pytest.mark.parametrize("writer", ["polars", "pandas"])
def test_parquet_of_others_with_nested_columns(tmp_path: Path, writer: str) -> None:
    frame = pl.DataFrame(
        {
            "id": ["r1", "r2"],
            "model": [ROOM, ROOM],
            "aDouble": [1.5, None],
            "aInteger": [7, 8],
            "aDate": [date(2024, 2, 29), None],
            "aDateTime": [datetime(2024, 2, 29, 13, 5, tzinfo=UTC), None],
            "address": [{"street": "High", "number": 3}, {"street": "Low", "number": None}],
            "readings": [[1.0, 2.0], []],
            "thermostat.setPoint": [20.0, 21.0],
        }
    )
    path = tmp_path / "rooms.parquet"
    if writer == "polars":
        frame.write_parquet(path)
    else:
        # As pandas leaves them where it has gaps: whole numbers with a fraction.
        frame = frame.with_columns(pl.col("aInteger").cast(pl.Float64))
        frame.write_parquet(path, use_pyarrow=False, statistics=False)
    first, second = read(open_table(path, models=MODELS))
    assert first.body == {
        "$metadata": {"$model": ROOM},
        "aDouble": 1.5,
        "aInteger": 7,
        "aDate": "2024-02-29",
        "aDateTime": "2024-02-29T13:05:00Z",
        "address": {"street": "High", "number": 3},
        "readings": [1.0, 2.0],
        "thermostat": {"setPoint": 20.0, "$metadata": {}},
    }
    assert second.body["address"] == {"street": "Low"}
    assert second.body["readings"] == []
    assert "aDate" not in second.body
    assert json.loads(json.dumps(first.body)) == first.body


def test_an_excel_file_that_cannot_be_written_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path = tmp_path / "a.xlsx"
    path.write_text("before")
    for text, said in (("x" * 40_000, "keeps 32,767 characters"), ("\x01", "control character")):
        body = {"$metadata": {"$model": ROOM}, "aString": text}
        with pytest.raises(TableError, match=said):
            write_excel(
                [TwinItem("ok", {"$metadata": {"$model": ROOM}}), TwinItem("r", body)], MODELS, path
            )
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
