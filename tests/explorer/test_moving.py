"""Moving in: files of others become this graph, and this graph becomes files."""

from __future__ import annotations

import json
from pathlib import Path

import httpx2
import openpyxl  # type: ignore[import-untyped]
from playwright.sync_api import expect

from tests.explorer.browser import Page

ROOM = "dtmi:kastor:sample:MeetingRoom;1"
COUNT = "SELECT COUNT() AS n FROM "


def _explorer_json(path: Path) -> Path:
    twins = [
        {
            "$dtId": f"json-{n}",
            "$metadata": {"$model": ROOM},
            "name": f"J{n}",
            "thermostat": {"$metadata": {}},
        }
        for n in range(3)
    ]
    # As ADT Explorer wrote it before there were relationships.
    path.write_text(
        json.dumps(
            {
                "digitalTwinsFileInfo": {"fileVersion": "1.0.0"},
                "digitalTwinsGraph": {"digitalTwins": twins},
            }
        )
    )
    return path


def _excel(path: Path) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(
        ["ModelID", "ID (must be unique)", "Relationship (From)", "Relationship Name", "Init Data"]
    )
    sheet.append(
        [ROOM, "excel-1", None, None, json.dumps({"name": "E1", "thermostat": {"setPoint": 20}})]
    )
    sheet.append([ROOM, "excel-2", "excel-1", "adjacentTo", json.dumps({"name": "E2"})])
    sheet.append([ROOM, "excel-3", None, None, "{not json"])
    book.save(path)
    return path


def _csv(path: Path) -> Path:
    path.write_text("number;title;wanted\ncsv-1;C1;21\ncsv-2;C2;warm\n")
    return path


def _run(page: Page, file: Path, graph: str = "default") -> None:
    page.open(f"g/{graph}/io/import")
    page.get("io.file").set_input_files(file)


def _finish(page: Page, twins: int) -> None:
    expect(page.get("io.count.twins")).to_have_text(str(twins))
    page.get("io.check-button").click()
    check = page.get("io.check")
    expect(check).to_have_attribute("data-state", "checked")
    page.get("io.run").click()
    expect(check).to_have_attribute("data-state", "done")
    expect(page.get("io.progress")).to_contain_text("succeeded")


def _refused(path: Path) -> Path:
    """Rows that can be read, one of which no server takes."""
    path.write_text(
        f"$dtId,$metadata.$model,name\nrefused-1,{ROOM},R1\nrefused-2,dtmi:no:Such;1,R2\n"
    )
    return path


def test_story_25_move_in(page: Page, api: httpx2.Client, tmp_path: Path) -> None:
    # The browser's own dialog for a place to save to cannot be answered here.
    page.raw.add_init_script("window.showSaveFilePicker = undefined")
    _run(page, _explorer_json(tmp_path / "graph.json"))
    _finish(page, 3)
    page.check()

    _run(page, _excel(tmp_path / "graph.xlsx"))
    expect(page.get("io.faults").first).to_contain_text("Sheet 4")
    _finish(page, 2)
    assert api.get("/digitaltwins/excel-1").json()["thermostat"]["setPoint"] == 20
    assert len(api.get("/digitaltwins/excel-1/relationships").json()["value"]) == 1

    _run(page, _csv(tmp_path / "rooms.csv"))
    page.get("io.map").wait_for()
    page.get("io.model").click()
    page.raw.get_by_role("option", name="Meeting room").click()
    for title, role in (
        ("number", "Id of the twin"),
        ("title", "name"),
        ("wanted", "thermostat.setPoint"),
    ):
        page.get(f"io.role.{title}").click()
        page.raw.get_by_role("option", name=role, exact=True).click()
    expect(page.get("io.faults").first).to_contain_text("“warm” is no number")
    _finish(page, 1)
    page.check()

    _run(page, _refused(tmp_path / "refused.csv"))
    expect(page.get("io.count.twins")).to_have_text("2")
    page.get("io.run").click()
    expect(page.get("io.check")).to_have_attribute("data-state", "done")
    expect(page.get("io.faults")).to_contain_text("refused-2")
    with page.raw.expect_download() as reported:
        page.raw.get_by_role("button", name="Download the report").click()
    reported.value.save_as(tmp_path / "report.tsv")
    assert "refused-2" in (tmp_path / "report.tsv").read_text()
    assert api.get("/digitaltwins/refused-1").status_code == 200

    page.open("g/default/io/export")
    with page.raw.expect_download() as download:
        page.get("io.export").click()
    saved = tmp_path / "all.ndjson"
    download.value.save_as(saved)
    assert api.put("/kastor/v1/graphs/second").is_success
    _run(page, saved, "second")
    counts = _counts(api)
    _finish(page, counts[0])
    assert _counts(api, "/graphs/second") == counts
    page.check()


def _counts(api: httpx2.Client, graph: str = "") -> tuple[int, int]:
    twins, relationships = (
        api.post(f"{graph}/query", json={"query": COUNT + each}).json()["value"][0]["n"]
        for each in ("DIGITALTWINS", "RELATIONSHIPS")
    )
    return twins, relationships
