"""Tables become twins and relationships: by mapping, by convention; every fault has its place."""

from __future__ import annotations

import asyncio
import csv
import json
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pytest

from kastor.dtdl import DtdlError
from kastor.moving.items import ItemFault, Placed, RelationshipItem, TwinItem
from kastor.moving.tables.faults import TableError
from kastor.moving.tables.making import relationship_id
from kastor.moving.tables.report import COLUMNS, RowReports
from kastor.moving.tables.seen import SeenIds
from kastor.moving.tables.source import TableOptions, TableSource, open_table
from tests.unit.moving.table_models import DOCUMENTS, FLOOR, MODELS, ROOM

ROOMS = """Number,Floor,Name,Warm,Opened,Colour
101,1,Hall,21.5,01.02.2024,red
102,1,,,,
103,,Attic,19,,
"""
MAPPING = """
[[sheet]]
name = "rooms"

  [[sheet.twin]]
  id = "room-{Number}"
  model = "dtmi:example:Room;1"
  values = { "aString" = "{Name} in {Floor}", "state" = "idle", "aInteger" = 4 }

    [sheet.twin.columns]
    "Warm" = "thermostat.setPoint"
    "Colour" = "colour"
    "Opened" = { to = "aDate", format = "%d.%m.%Y" }

  [[sheet.twin]]
  id = "floor-{Floor}"
  model = "dtmi:example:Floor;1"
  skip_empty = ["Floor"]
  repeated = true
  values = { "level" = "{Floor}" }

  [[sheet.relationship]]
  source = "floor-{Floor}"
  name = "holds"
  target = "room-{Number}"
  skip_empty = "Floor"
  columns = { "Name" = "place" }
"""


def source(folder: Path, table: str, mapping: str | None = None, **options: Any) -> TableSource:
    path = folder / "rooms.csv"
    path.write_text(table)
    described = None
    if mapping is not None:
        described = folder / "mapping.toml"
        described.write_text(mapping)
    return open_table(path, described, models=MODELS, options=TableOptions(**options))


def faults(found: TableSource) -> list[tuple[str, str]]:
    return [(each.where, each.message) for each in found.outcomes() if each.status == "fault"]


def test_a_mapping_makes_twins_and_relationships_of_one_row(tmp_path: Path) -> None:
    found = [each.item for each in source(tmp_path, ROOMS, MAPPING).outcomes()]
    common = {"$metadata": {"$model": ROOM}, "state": 2, "aInteger": 4}
    assert found == [
        TwinItem(
            "room-101",
            {
                **common,
                "aString": "Hall in 1",
                "aDate": "2024-02-01",
                "colour": "#f00",
                "thermostat": {"$metadata": {}, "setPoint": 21.5},
            },
        ),
        TwinItem("floor-1", {"$metadata": {"$model": FLOOR}, "level": 1}),
        RelationshipItem(
            "floor-1",
            "floor-1-holds-room-101",
            {"$targetId": "room-101", "$relationshipName": "holds", "place": "Hall"},
        ),
        TwinItem("room-102", {**common, "thermostat": {"$metadata": {}}}),
        TwinItem("floor-1", {"$metadata": {"$model": FLOOR}, "level": 1}),
        RelationshipItem(
            "floor-1",
            "floor-1-holds-room-102",
            {"$targetId": "room-102", "$relationshipName": "holds"},
        ),
        TwinItem("room-103", {**common, "thermostat": {"$metadata": {}, "setPoint": 19}}),
    ]


def test_a_check_counts_and_items_come_with_their_places(tmp_path: Path) -> None:
    found = source(tmp_path, ROOMS.replace("21.5", "warm"), MAPPING)
    summary = found.check()
    assert (summary.rows, summary.twins, summary.relationships) == (3, 4, 2)
    assert (summary.faults, summary.skipped) == (1, 0)

    async def read() -> list[Placed | ItemFault]:
        return [each async for each in found.items()]

    first, *others = asyncio.run(read())
    assert isinstance(first, ItemFault)
    assert first.where == "row 2, column Warm"
    assert first.message == "must be a number, and is 'warm'."
    assert [each.where for each in others][:2] == ["row 2", "row 2"]
    assert len(others) == 6


def test_all_faults_of_a_row_are_told(tmp_path: Path) -> None:
    table = (
        "$dtId,$metadata.$model,aDouble,aInteger,colur,aDate,aByte,$etag,# note\n"
        f'r1,{ROOM},"21,5",x,red,2024-02-30,300,W/1,mine\n'
        f"r2,dtmi:example:Rom;1,,,,,,,\n"
        f"a/b,{ROOM},,,,,,,\n"
        f",{ROOM},1,,,,,,\n"
        f"r3,,1,,,,,,\n"
        f"r4,{ROOM},1,2,,2024-02-30,300,,,extra\n"
        f"r5,{ROOM},1,2,,2024-02-30,300,,\n"
        f"r6,{ROOM}\nr6,{ROOM}\n"
    )
    found = faults(source(tmp_path, table))
    assert [each[0] for each in found] == [
        "row 2, column aDouble",
        "row 2, column aInteger",
        "row 2, column colur",
        "row 3, column $metadata.$model",
        "row 4, column $dtId",
        "row 5, column $dtId",
        "row 6, column $metadata.$model",
        "row 7",
        "row 8, column aDate",
        "row 8, column aByte",
        "row 10",
    ]
    said = [each[1] for each in found]
    assert "with --decimal , or `decimal` in the mapping" in said[0]
    assert said[2].endswith("has no property 'colur'. Did you mean colour?")
    assert said[3] == "there is no model 'dtmi:example:Rom;1'. Did you mean dtmi:example:Room;1?"
    assert "'a/b' cannot be the twin's id: it has to be 1 to 128 characters" in said[4]
    assert "is empty, and is needed here" in said[5]
    assert "10 cells below 9 titles" in said[7]
    assert said[8].startswith("aDate: must be a string such as 2024-02-29")
    assert said[9] == "aByte: integer out of the range -128..127."
    assert said[10].startswith("the twin 'r6' stands already in row 9.")


def test_convention_reads_relationships(tmp_path: Path) -> None:
    table = (
        "$sourceId,$relationshipName,$targetId,$relationshipId,place\n"
        "f1,holds,r1,,front\nf1,holds,r2,two,\nf1,holds,,x,\nf1,holds,r1,,\n"
    )
    found = list(source(tmp_path, table).outcomes())
    assert [each.item for each in found[:2]] == [
        RelationshipItem(
            "f1",
            "f1-holds-r1",
            {"$targetId": "r1", "$relationshipName": "holds", "place": "front"},
        ),
        RelationshipItem("f1", "two", {"$targetId": "r2", "$relationshipName": "holds"}),
    ]
    assert [(each.column, each.code) for each in found[2:]] == [
        ("$targetId", "CellEmpty"),
        ("", "IdRepeated"),
    ]


def test_a_relationship_of_several_types_needs_its_model(tmp_path: Path) -> None:
    table = "$sourceId,$relationshipName,$targetId,width\nf1,adjoins,f2,3\n"
    ((_where, said),) = faults(source(tmp_path, table))
    assert "different types in the models that have this relationship" in said
    mapping = (
        '[[sheet]]\n[[sheet.relationship]]\nsource = "{$sourceId}"\nname = "adjoins"\n'
        f'target = "{{$targetId}}"\nsource_model = "{FLOOR}"\ncolumns = {{ width = "width" }}\n'
    )
    (found,) = source(tmp_path, table, mapping).outcomes()
    assert isinstance(found.item, RelationshipItem)
    assert found.item.body["width"] == "3"


def test_the_model_of_rows_that_name_none(tmp_path: Path) -> None:
    remarked = source(tmp_path, f"# model: {ROOM}\n# a remark, with comma\n\nid,aInteger\nr1,5\n")
    (found,) = remarked.outcomes()
    assert (found.row, found.item) == (
        5,
        TwinItem(
            "r1",
            {"$metadata": {"$model": ROOM}, "aInteger": 5, "thermostat": {"$metadata": {}}},
        ),
    )
    (found,) = source(tmp_path, "id,level\nf1,5\n", model=FLOOR).outcomes()
    assert found.item == TwinItem("f1", {"$metadata": {"$model": FLOOR}, "level": 5})
    ((_where, said),) = faults(source(tmp_path, "id,level\nf1,5\n"))
    assert "Add a column $metadata.$model, or say which it is with --model" in said


def test_objects_given_by_parts_and_as_a_whole(tmp_path: Path) -> None:
    table = f'id,model,address,address.street\nr1,{ROOM},,High\nr2,{ROOM},"{{""number"":1}}",Low\n'
    first, second = source(tmp_path, table).outcomes()
    assert isinstance(first.item, TwinItem)
    assert first.item.body["address"] == {"street": "High"}
    assert isinstance(second.item, TwinItem)
    assert second.item.body["address"] == {"number": 1, "street": "Low"}
    table = f'id,model,address,address.street\nr2,{ROOM},"{{""street"":""x""}}",Low\n'
    assert faults(source(tmp_path, table))[0][1] == "address.street is given by two columns."


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("name,level\nx,1\n", "has no column \\$dtId or id.*it has 'name', 'level'. Rename"),
        ("$sourceId,$targetId\na,b\n", "column \\$sourceId, but not \\$relationshipName"),
        ("id,id\n", "two columns with the title 'id'"),
    ],
)
def test_titles_that_say_nothing(tmp_path: Path, table: str, said: str) -> None:
    with pytest.raises(TableError, match=said):
        source(tmp_path, table).check()


def test_a_column_without_a_title_is_not_lost(tmp_path: Path) -> None:
    ((where, said),) = faults(source(tmp_path, f"id,model,,aInteger\nr1,{ROOM},x,1\n"))
    assert where == "row 2"
    assert "column 3 has no title, and holds 'x'" in said


SHEET = "[[sheet]]\n[[sheet.twin]]\n"


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ("[[sheet", "is no TOML"),
        ("", "has no \\[\\[sheet\\]\\]"),
        ("zone = 'Mars'\n[[sheet]]\n", "no zone 'Mars'"),
        ("decimal = ';'\n[[sheet]]\n", "no decimal sign"),
        ("[[sheet]]\nname = 'a'\n", "neither \\[\\[sheet.twin\\]\\] nor"),
        ("[[sheets]]\n", "unknown key 'sheets'. Did you mean sheet"),
        (SHEET, "twin 1 needs id, such as id ="),
        (SHEET + "id = 'Number'\n", 'write id = "{Number}" if that is a column'),
        (SHEET + "id = '{Number'\n", "a brace without its other half"),
        (SHEET + "id = '{Number}'\nskip = 1\n", "unknown key 'skip'. Did you mean skip_empty"),
        (
            SHEET + "id = '{Number}'\ncolumns = { Name = 3 }\n",
            "is the path of a property, in quotes",
        ),
        (SHEET + "id = '{Number}'\ncolumns = { Name = { form = '' } }\n", "unknown key 'form'"),
        (SHEET + "id = '{Number}'\nrepeated = 'yes'\n", "repeated is true or false"),
        ("[[sheet]]\nheader = 0\n", "header is the number of a row"),
        ((SHEET + "id = '{Number}'\n") * 2, "without a name stands there twice"),
        (
            SHEET + "id = '{Numbr}'\n",
            "no column 'Numbr', which the mapping names. Did you mean Number",
        ),
        (SHEET.replace("]]\n", "]]\nheader = 9\n", 1) + "id = '{Number}'\n", "no row 9, where"),
    ],
)
def test_mappings_that_are_wrong(tmp_path: Path, mapping: str, said: str) -> None:
    with pytest.raises(TableError, match=said):
        source(tmp_path, ROOMS, mapping).check()


def test_sheets_by_their_names(tmp_path: Path) -> None:
    path, mapping = tmp_path / "a.xlsx", tmp_path / "m.toml"
    book = openpyxl.Workbook()
    book.active.title = "Floors"
    book.active.append(["Title of the list"])
    book.active.append(["Nr", "Level"])
    book.active.append([1, 4])
    book.create_sheet("Notes").append(["whatever"])
    book.save(path)
    text = (
        f'[[sheet]]\nname = "Floors"\nheader = 2\n[[sheet.twin]]\nid = "f{{Nr}}"\nmodel = "{FLOOR}"\n'
        'columns = { Level = "level" }\n'
    )
    mapping.write_text(text)
    found = open_table(path, mapping, models=MODELS)
    summary = found.check()
    assert (summary.twins, summary.faults, summary.unread) == (1, 0, ["Notes"])
    mapping.write_text(text.replace("Floors", "Flors"))
    with pytest.raises(TableError, match=r"has no sheet 'Flors'. Did you mean Floors"):
        open_table(path, mapping, models=MODELS).check()
    with pytest.raises(TableError, match="has no sheet 'X'"):
        open_table(path, models=MODELS, options=TableOptions(sheet="X")).check()


def test_models_may_be_documents_and_have_to_be_valid(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"id,model\nf,{FLOOR}\n")
    assert open_table(path, models=DOCUMENTS).check().twins == 1
    with pytest.raises(DtdlError):
        open_table(path, models=[{"@id": "x"}])


@pytest.mark.parametrize("ending", ["csv", "ndjson"])
def test_a_report_has_a_line_for_each_row(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"report.{ending}"
    table = f"id,model,aInteger\n=r1,{ROOM},x\nr2,{ROOM},1\n"
    with RowReports(path) as report:
        source(tmp_path, table).check(report.add)
        report.add_fault(ItemFault("row 3", "Conflict", "refused", TwinItem("r2", {})))
    if ending == "csv":
        found: list[dict[str, Any]] = list(csv.DictReader(path.read_text().splitlines()))
    else:
        found = [json.loads(line) for line in path.read_text().splitlines()]
    assert tuple(found[0]) == COLUMNS
    assert [(each["status"], each["column"], each["code"]) for each in found] == [
        ("fault", "aInteger", "ValueInvalid"),
        ("ok", "", ""),
        ("fault", "", "Conflict"),
    ]
    assert found[0]["id"] == ("'=r1" if ending == "csv" else "=r1")
    assert found[1]["where"] == "row 3"
    with pytest.raises(TableError, match=r"a file .csv or .ndjson, not report.txt"):
        RowReports(tmp_path / "report.txt")


def test_ids_that_are_made_are_short_enough_and_the_same_again() -> None:
    long = relationship_id("s" * 128, "holds", "t" * 128)
    assert len(long) <= 128
    assert long == relationship_id("s" * 128, "holds", "t" * 128)
    assert long != relationship_id("s" * 128, "holds", "u" * 128)


def test_every_id_is_remembered_with_its_first_place() -> None:
    seen = SeenIds()
    assert [seen.first_place(f"id-{n}", n) for n in range(20_000)] == [None] * 20_000
    assert [seen.first_place(f"id-{n}", 1) for n in (0, 7, 19_999)] == [0, 7, 19_999]
