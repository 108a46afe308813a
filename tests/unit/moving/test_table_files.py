"""Files as programs write them: encodings, separators, sheets, and those that mean no good."""

from __future__ import annotations

import random
import zipfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import openpyxl  # type: ignore[import-untyped]
import polars as pl
import pytest

from kastor.moving.items import TwinItem
from kastor.moving.tables import excel_safety, rows
from kastor.moving.tables.csv_reader import CsvReader
from kastor.moving.tables.excel_reader import ExcelReader
from kastor.moving.tables.faults import TableError
from kastor.moving.tables.outcomes import RowOutcome
from kastor.moving.tables.source import TableOptions, open_table
from tests.unit.moving.table_models import MODELS, ROOM

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kastor.moving.tables.rows import TableReader


def cells(reader: TableReader) -> list[tuple[object, ...]]:
    return [row.cells for sheet in reader.sheets() for row in sheet.rows]


def outcomes(path: Path, **options: str) -> list[RowOutcome]:
    return list(open_table(path, models=MODELS, options=TableOptions(**options)).outcomes())


def written(path: Path, data: str | bytes) -> Path:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encodings_by_their_mark_and_separators(
    tmp_path: Path, encoding: str, separator: str, end: str
) -> None:
    text = end.join(separator.join(line) for line in (["id", "näme"], ["r1", "Küche"], ["r2", ""]))
    path = written(tmp_path / "a.csv", text.encode(encoding))
    assert cells(CsvReader(path)) == [("id", "näme"), ("r1", "Küche"), ("r2", None)]


def test_a_separator_in_a_line_of_its_own(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "sep=;\nid;name\nr1;a,b\n")
    found = [row for sheet in CsvReader(path).sheets() for row in sheet.rows]
    assert [(row.number, row.cells) for row in found] == [(2, ("id", "name")), (3, ("r1", "a,b"))]


def test_a_separator_that_is_not_clear_is_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "id,a;b\nr1,1;2\n")
    with pytest.raises(TableError, match=r"comma and semicolon between the columns.*--separator"):
        cells(CsvReader(path))
    assert cells(CsvReader(path, separator=";")) == [("id,a", "b"), ("r1,1", "2")]


def test_decimal_commas_do_not_hide_the_separator(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "id;a;b\nr1;1,5;2,5\nr2;3;4,5\n")
    assert cells(CsvReader(path))[1] == ("r1", "1,5", "2,5")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"id,n\nr1,K\xfcche\n", "is not utf-8: say in which encoding it is, such as cp1252"),
        (b"id,n\n\x00\x01", "zero bytes"),
        (b'id,n\nr1,"open\n', "quotation marks"),
        (b'id,n\nr1,"a"b\n', "A quotation mark within a cell is written twice"),
        (b"id,n\nr1," + b"x" * 200_000, "more than 131,072 characters"),
    ],
)
def test_files_that_are_no_csv(tmp_path: Path, data: bytes, said: str) -> None:
    with pytest.raises(TableError, match=said):
        cells(CsvReader(written(tmp_path / "a.csv", data)))


def test_an_encoding_that_is_given(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", b"id,n\nr1,K\xfcche\n")
    assert cells(CsvReader(path, encoding="cp1252"))[1] == ("r1", "Küche")
    with pytest.raises(TableError, match="no encoding 'klingon'"):
        cells(CsvReader(path, encoding="klingon"))


def test_rows_are_counted_as_spreadsheets_do(tmp_path: Path) -> None:
    path = written(
        tmp_path / "a.csv", f'id,model,aString,aInteger\nr1,{ROOM},"a\nb",1\n\nr2,{ROOM},x,y\n'
    )
    bad = [each for each in outcomes(path) if each.status == "fault"]
    assert [each.where for each in bad] == ["row 4 (line 5), column aInteger"]


def test_bounds_of_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MAX_ROWS", 3)
    path = written(
        tmp_path / "a.csv", f"id,model\n{''.join(f'r{n},{ROOM}' + chr(10) for n in range(3))}"
    )
    with pytest.raises(TableError, match="more than 3 rows; split it"):
        outcomes(path)
    wide = written(tmp_path / "b.csv", ",".join(f"c{n}" for n in range(2_001)) + "\n")
    with pytest.raises(TableError, match="2001 columns; there may be 2,000"):
        outcomes(wide)


def book(path: Path, **sheets: Sequence[Sequence[object]]) -> Path:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, lines in sheets.items():
        sheet = made.create_sheet(name)
        for line in lines:
            sheet.append(line)
    made.save(path)
    return path


def test_excel_with_sheets_dates_and_numbers_as_text(tmp_path: Path) -> None:
    path = book(
        tmp_path / "a.xlsx",
        Rooms=[
            ["id", "model", "aDouble", "aDateTime", "aString", "aBoolean"],
            ["r1", ROOM, "21.5", datetime.fromisoformat("2024-01-01T08:00"), 101, True],
            [None, None, None, None, None, None],
            [102, ROOM, 3, None, " ", None],
        ],
        Edges=[
            ["$sourceId", "$relationshipName", "$targetId", "width"],
            ["r1", "adjoins", "102", "wide"],
            ["r1", "adjoin", "102", None],
        ],
    )
    found = outcomes(path)
    assert [each.item.body for each in found if isinstance(each.item, TwinItem)] == [
        {
            "$metadata": {"$model": ROOM},
            "aDouble": 21.5,
            "aDateTime": "2024-01-01T08:00:00",
            "aString": "101",
            "aBoolean": True,
            "thermostat": {"$metadata": {}},
        },
        {"$metadata": {"$model": ROOM}, "aDouble": 3, "thermostat": {"$metadata": {}}},
    ]
    assert [(each.where, each.message) for each in found if each.message] == [
        ("sheet Edges, row 2, column width", "must be a number, and is 'wide'."),
        (
            "sheet Edges, row 3, column $relationshipName",
            "no model has a relationship 'adjoin'. Did you mean adjoins?",
        ),
    ]


def test_hidden_and_remarked_sheets_are_not_read(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", Rooms=[["id"]], **{"# Help": [["x"]], "Hidden": [["y"]]})
    made = openpyxl.load_workbook(path)
    made["Hidden"].sheet_state = "hidden"
    made.save(path)
    assert [sheet.name for sheet in ExcelReader(path).sheets()] == ["Rooms"]


def test_formulas_are_not_run_and_never_silently_empty(tmp_path: Path) -> None:
    path = book(
        tmp_path / "a.xlsx",
        S=[["id", "model", "aDouble"], ["r1", ROOM, "=1+1"], ["r2", ROOM, "#REF!"]],
    )
    found = outcomes(path)
    assert [each.where for each in found] == [
        "sheet S, row 2, column aDouble",
        "sheet S, row 3, column aDouble",
    ]
    assert "the formula '=1+1' without a saved value" in found[0].message
    assert "#REF!, an error of the spreadsheet" in found[1].message


def test_a_formula_counts_by_its_saved_value(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", S=[["id", "model", "aDouble"], ["r1", ROOM, "=1+1"]])
    remade(
        path,
        "xl/worksheets/sheet1.xml",
        lambda data: data.replace(b"<v />", b"<v>2</v>").replace(b"<v></v>", b"<v>2</v>"),
    )
    (found,) = outcomes(path)
    assert isinstance(found.item, TwinItem)
    assert found.item.body["aDouble"] == 2


def test_what_a_file_says_of_its_size_is_not_believed(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", S=[["id", "model"], ["r1", ROOM], ["r2", ROOM]])
    remade(path, "xl/worksheets/sheet1.xml", lambda data: data.replace(b'ref="A1:B3"', b'ref="A1"'))
    assert [each.id for each in outcomes(path)] == ["r1", "r2"]


def remade(path: Path, part: str, change: Callable[[bytes], bytes]) -> None:
    with zipfile.ZipFile(path) as archive:
        parts = {each: archive.read(each) for each in archive.namelist()}
    parts[part] = change(parts[part])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)


LAUGHS = (
    b'<?xml version="1.0"?><!-- x --><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>'
    b"<worksheet>&b;</worksheet>"
)


def test_files_that_are_no_excel(tmp_path: Path) -> None:
    for data, said in (
        (b"id,n\n", "is no Excel file .*Is it CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 500, "old version of Excel"),
        (b"PK\x03\x04" + b"\x00" * 500, "is damaged"),
    ):
        with pytest.raises(TableError, match=said):
            cells(ExcelReader(written(tmp_path / "a.xlsx", data)))
    with zipfile.ZipFile(tmp_path / "b.xlsx", "w") as archive:
        archive.writestr("a.txt", "x")
    with pytest.raises(TableError, match="ZIP file and no Excel file"):
        cells(ExcelReader(tmp_path / "b.xlsx"))
    path = book(tmp_path / "c.xlsx", S=[["id"]])
    remade(path, "xl/worksheets/sheet1.xml", lambda _data: LAUGHS)
    with pytest.raises(TableError, match="has a document type"):
        cells(ExcelReader(path))
    path = book(tmp_path / "d.xlsx", S=[["id"]])
    remade(path, "xl/worksheets/sheet1.xml", lambda data: data[:100])
    with pytest.raises(TableError, match=r"cannot be read as an Excel file .*save it anew"):
        cells(ExcelReader(path))


def test_damaged_files_are_told_of_in_words(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", S=[["id", "model"], *([f"r{n}", ROOM] for n in range(20))])
    whole, chance, said = path.read_bytes(), random.Random(5), []
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 5)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(data)
        try:
            outcomes(path)
        except TableError as error:
            said.append(str(error))
    assert len(said) > 20
    assert all(path.name in each or "sheet S" in each for each in said)


def test_files_that_unpack_to_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = book(tmp_path / "a.xlsx", S=[["id"]])
    remade(path, "xl/styles.xml", lambda data: data + b" " * 3_000_000)
    monkeypatch.setattr(excel_safety, "RATIO_FROM", 1_000_000)
    with pytest.raises(TableError, match="more than 200 times its size"):
        cells(ExcelReader(path))
    monkeypatch.setattr(excel_safety, "RATIO_FROM", 2**40)
    monkeypatch.setattr(excel_safety, "MAX_WHOLE_PART", 2_000_000)
    with pytest.raises(TableError, match=r"a part of .* bytes \(xl/styles.xml\)"):
        cells(ExcelReader(path))
    monkeypatch.setattr(excel_safety, "MAX_UNPACKED", 1_000_000)
    with pytest.raises(TableError, match="unpacks to more than 1,000,000 bytes"):
        cells(ExcelReader(path))


def test_a_row_number_that_is_beyond_excel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = book(tmp_path / "a.xlsx", S=[["id"]])
    remade(
        path, "xl/worksheets/sheet1.xml", lambda data: data.replace(b'r="1"', b'r="99999999999"')
    )
    monkeypatch.setattr("kastor.moving.tables.excel_reader.MAX_EXCEL_ROWS", 1_000)
    with pytest.raises(TableError, match="more rows than Excel can have"):
        cells(ExcelReader(path))


def test_files_that_are_no_parquet(tmp_path: Path) -> None:
    for data in (b"id,n\n", b"PAR1" + b"\x00" * 50 + b"PAR1", b""):
        with pytest.raises(TableError, match="cannot be read as a Parquet file"):
            outcomes(written(tmp_path / "a.parquet", data))
    with pytest.raises(TableError, match="cannot be read"):
        outcomes(tmp_path / "none.parquet")


def test_parquet_comes_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kastor.moving.tables.parquet_reader.BATCH", 100)
    path = tmp_path / "a.parquet"
    pl.DataFrame({"id": [f"r{n}" for n in range(250)]}).with_columns(
        model=pl.lit(ROOM)
    ).write_parquet(path)
    found = outcomes(path)
    assert [each.id for each in found] == [f"r{n}" for n in range(250)]
    assert [found[0].row, found[-1].row] == [1, 250]


def test_names_that_are_no_table(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="is no table by its name"):
        open_table(tmp_path / "a.doc", models=MODELS)
    with pytest.raises(TableError, match="cannot be read: No such file"):
        outcomes(tmp_path / "none.csv")
    with pytest.raises(TableError, match="cannot be read: No such file"):
        outcomes(tmp_path / "none.xlsx")
