"""The files of ADT Explorer: its Excel layout, and its JSON graph in and out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pytest

from kastor.moving.explorer.graph_file import ExplorerGraph, write_explorer_graph
from kastor.moving.items import Item, ItemFault, ModelItem, Placed, RelationshipItem, TwinItem
from kastor.moving.tables.faults import TableError
from kastor.moving.tables.source import open_table
from tests.unit.moving.table_models import DOCUMENTS, FLOOR, MODELS, ROOM

TITLES = ["ModelID", "ID (must be unique)", "Relationship (From)", "Relationship Name", "Init Data"]


def sheet(path: Path, *rows: list[str | None], titles: list[str] = TITLES) -> Path:
    book = openpyxl.Workbook()
    for row in (titles, *rows):
        book.active.append(row)
    book.save(path)
    return path


def test_the_excel_layout(tmp_path: Path) -> None:
    path = sheet(
        tmp_path / "graph.xlsx",
        [FLOOR, "f1", None, None, '{"level": 2}'],
        [ROOM, "r1", "f1", "holds", '{"aDouble": 21.5, "thermostat": {"setPoint": 20}}'],
        [None, "r1", "f2", "holds", None],
        [ROOM, "r2", "f1", None, '{"aDouble": "warm"}'],
        [ROOM, "r1", None, None, "{"],
    )
    found = list(open_table(path, models=MODELS).outcomes())
    assert [each.item for each in found[:4]] == [
        TwinItem("f1", {"$metadata": {"$model": FLOOR}, "level": 2}),
        TwinItem(
            "r1",
            {
                "$metadata": {"$model": ROOM},
                "aDouble": 21.5,
                "thermostat": {"setPoint": 20, "$metadata": {}},
            },
        ),
        RelationshipItem("f1", "f1-holds-r1", {"$targetId": "r1", "$relationshipName": "holds"}),
        RelationshipItem("f2", "f2-holds-r1", {"$targetId": "r1", "$relationshipName": "holds"}),
    ]
    assert [(each.where, each.code) for each in found[4:]] == [
        ("sheet Sheet, row 5, column Init Data", "ValidationFailed"),
        ("sheet Sheet, row 5, column Relationship Name", "CellEmpty"),
        ("sheet Sheet, row 6, column Init Data", "ValueInvalid"),
    ]


def test_a_sheet_that_was_called_one_of_the_explorer(tmp_path: Path) -> None:
    path = sheet(tmp_path / "graph.xlsx", titles=["ModelID", "ID"])
    with pytest.raises(TableError, match="has not the columns of Azure Digital Twins Explorer"):
        open_table(path, models=MODELS, kind="explorer").check()


ITEMS: list[Item] = [
    *(ModelItem(each) for each in DOCUMENTS),
    RelationshipItem("f1", "e1", {"$targetId": "r1", "$relationshipName": "holds", "place": "ä"}),
    TwinItem("f1", {"$metadata": {"$model": FLOOR}, "level": 2}),
    TwinItem("r1", {"$metadata": {"$model": ROOM}, "thermostat": {"$metadata": {}}}),
]


async def _stream(items: list[Item]) -> AsyncIterator[Item]:
    for each in items:
        yield each


def read(path: Path) -> list[Placed | ItemFault]:
    async def gather() -> list[Placed | ItemFault]:
        return [each async for each in ExplorerGraph(path).items()]

    return asyncio.run(gather())


def test_the_json_graph_there_and_back(tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    served = TwinItem(
        "r2",
        {
            "$metadata": {"$model": ROOM, "$lastUpdateTime": "2024-01-01T00:00:00Z"},
            "$etag": 'W/"1"',
        },
    )
    assert asyncio.run(write_explorer_graph(_stream([*ITEMS, served]), path)) == 7
    document = json.loads(path.read_text())
    assert list(document) == ["digitalTwinsFileInfo", "digitalTwinsGraph", "digitalTwinsModels"]
    assert document["digitalTwinsFileInfo"] == {"fileVersion": "1.0.0"}
    assert document["digitalTwinsGraph"]["digitalTwins"][2] == {
        "$dtId": "r2",
        "$metadata": {"$model": ROOM},
    }
    assert document["digitalTwinsGraph"]["relationships"] == [
        {
            "$relationshipId": "e1",
            "$sourceId": "f1",
            "$targetId": "r1",
            "$relationshipName": "holds",
            "place": "ä",
        }
    ]
    found = [each.item for each in read(path) if isinstance(each, Placed)]
    assert found == [
        *ITEMS[:3],
        *ITEMS[4:],
        TwinItem("r2", {"$metadata": {"$model": ROOM}}),
        ITEMS[3],
    ]
    assert list(tmp_path.iterdir()) == [path]


def test_an_empty_graph_is_a_file_too(tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    asyncio.run(write_explorer_graph(_stream([]), path))
    assert read(path) == []


def test_a_graph_that_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    path.write_text("before")
    with pytest.raises(TableError, match="twin x names no model"):
        asyncio.run(write_explorer_graph(_stream([*ITEMS, TwinItem("x", {})]), path))
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_members_that_are_none_are_faults_with_their_place(tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    path.write_text(
        json.dumps(
            {
                "digitalTwinsFileInfo": {"fileVersion": "1.0.0"},
                "digitalTwinsGraph": {
                    "digitalTwins": [3, {"$dtId": "a/b"}],
                    "relationships": [
                        {"$sourceId": "a", "$targetId": "b"},
                        {"$sourceId": "a", "$targetId": "b", "$relationshipName": "holds"},
                    ],
                },
                "digitalTwinsModels": [{"id": "dtmi:a;1", "model": {"@id": "dtmi:a;1"}}],
            }
        ),
        encoding="utf-8-sig",
    )
    model, *faults, made = read(path)
    assert isinstance(model, Placed)
    assert model.item == ModelItem({"@id": "dtmi:a;1"})
    assert [each.where for each in faults] == [
        "digitalTwins, number 1",
        "digitalTwins, number 2",
        "relationships, number 1",
    ]
    assert all(isinstance(each, ItemFault) for each in faults)
    assert isinstance(made, Placed)
    assert isinstance(made.item, RelationshipItem)
    assert made.item.id == "a-holds-b"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("[]", "is no graph of Azure Digital Twins Explorer"),
        ({"digitalTwinsGraph": {}}, "has the fileVersion 'None'; 1.0.0 is read"),
        (
            {"digitalTwinsFileInfo": {"fileVersion": "1.0.0"}, "digitalTwinsGraph": []},
            "digitalTwinsGraph is to be an object",
        ),
        (
            {
                "digitalTwinsFileInfo": {"fileVersion": "1.0.0"},
                "digitalTwinsGraph": {"digitalTwins": {"a": 1}},
            },
            "digitalTwins is to be an array",
        ),
        ("{", "is no JSON"),
        ('{"a": NaN}', "is no JSON: NaN is no JSON value"),
        ("[" * 100_000, "is no JSON"),
    ],
)
def test_files_that_are_no_graph(tmp_path: Path, document: Any, said: str) -> None:
    path = tmp_path / "graph.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    with pytest.raises(TableError, match=said):
        read(path)
