"""Templates: empty tables for a model, which are read when they are filled."""

from __future__ import annotations

from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
import pytest

from kastor.moving.items import RelationshipItem, TwinItem
from kastor.moving.tables.faults import TableError
from kastor.moving.tables.source import open_table
from kastor.moving.tables.template import write_template
from tests.unit.moving.table_models import FLOOR, MODELS, ROOM


def test_an_excel_template_has_choices_comments_and_a_description(tmp_path: Path) -> None:
    path = tmp_path / "rooms.xlsx"
    write_template(MODELS, ROOM, path)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Room", "Relationships", "# Columns"]
    room = book["Room"]
    titles = {cell.value: cell for cell in room[2]}
    assert {"$dtId", "aDouble", "address.street", "tags", "thermostat.setPoint"} <= set(titles)
    assert titles["state"].comment.text == "enum: active, idle\nWhat it does now"
    letter = titles["state"].column_letter
    lists = {str(each.sqref): each.formula1 for each in room.data_validations.dataValidation}
    assert lists[f"{letter}3:{letter}1048576"] == '"active,idle"'
    names = {
        str(e.sqref): e.formula1 for e in book["Relationships"].data_validations.dataValidation
    }
    assert names["B2:B1048576"] == '"adjoins"'
    about = [[cell.value for cell in row] for row in book["# Columns"].iter_rows()]
    assert ["Room", "state", "enum: active, idle", "What it does now"] in about
    assert open_table(path, models=MODELS).check().faults == 0


def test_an_excel_template_is_read_when_it_is_filled(tmp_path: Path) -> None:
    path = tmp_path / "rooms.xlsx"
    write_template(MODELS, ROOM, path)
    book = openpyxl.load_workbook(path)
    titles = {cell.value: cell.column for cell in book["Room"][2]}
    book["Room"].cell(3, titles["$dtId"], "r1")
    book["Room"].cell(3, titles["state"], "idle")
    book["Relationships"].append(["r1", "adjoins", "r1"])
    book.save(path)
    assert [each.item for each in open_table(path, models=MODELS).outcomes()] == [
        TwinItem(
            "r1", {"$metadata": {"$model": ROOM}, "state": 2, "thermostat": {"$metadata": {}}}
        ),
        RelationshipItem(
            "r1", "r1-adjoins-r1", {"$targetId": "r1", "$relationshipName": "adjoins"}
        ),
    ]


def test_a_csv_template_says_what_belongs_where(tmp_path: Path) -> None:
    path = tmp_path / "floors.csv"
    write_template(MODELS, FLOOR, path)
    text = path.read_text(encoding="utf-8-sig")
    assert text.splitlines() == [
        f"# model: {FLOOR}",
        '"# $dtId: id. Id of the twin, needed in each row."',
        "# level: integer.",
        "$dtId,level",
    ]
    for separator in (",", ";"):
        filled = text.replace("$dtId,level", f"$dtId{separator}level") + f"f1{separator}3\n"
        path.write_text(filled, encoding="utf-8-sig")
        (found,) = open_table(path, models=MODELS).outcomes()
        assert found.item == TwinItem("f1", {"$metadata": {"$model": FLOOR}, "level": 3})


def test_templates_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"no model 'dtmi:example:Rom;1'. Did you mean"):
        write_template(MODELS, "dtmi:example:Rom;1", tmp_path / "a.csv")
    with pytest.raises(TableError, match=r"a file .xlsx or .csv, not a.ods"):
        write_template(MODELS, ROOM, tmp_path / "a.ods")
    with pytest.raises(TableError, match="cannot be written: No such file"):
        write_template(MODELS, ROOM, tmp_path / "none" / "a.xlsx")
    with pytest.raises(TableError, match="cannot be written: No such file"):
        write_template(MODELS, ROOM, tmp_path / "none" / "a.csv")
