"""Moving in: files of others become this graph, and this graph becomes files."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import httpx2
import openpyxl  # type: ignore[import-untyped]
from playwright.sync_api import Route, expect

from tests.explorer.browser import Page

ROOM = "dtmi:kastor:sample:MeetingRoom;1"
SENSOR = "dtmi:kastor:sample:TemperatureSensor;1"
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


def _check(page: Page, twins: int, **tiles: int) -> None:
    """Check what was dropped, without importing it."""
    expect(page.get("io.count.twins")).to_have_text(str(twins))
    page.get("io.check-button").click()
    expect(page.get("io.check")).to_have_attribute("data-state", "checked")
    page.raw.locator('[data-testid="io.preview"][data-ready]').wait_for()
    for name, count in tiles.items():
        expect(page.get(f"io.tile.{name}")).to_have_text(str(count))


def _finish(page: Page, twins: int, **tiles: int) -> None:
    _check(page, twins, **tiles)
    check = page.get("io.check")
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
    _finish(page, 3, new=3, changed=0, unchanged=0, refused=0)
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
    preview = page.raw.locator('[data-testid="io.preview"][data-ready]')
    preview.wait_for()
    # As the graph draws it, though the second graph has none of its models yet.
    assert preview.get_attribute("data-layout") == "nested"
    assert preview.get_attribute("data-nodes") == str(counts[0])
    assert preview.get_attribute("data-edges") == str(counts[1])
    _finish(page, counts[0])
    assert _counts(api, "/graphs/second") == counts
    page.check()


def _counts(api: httpx2.Client, graph: str = "") -> tuple[int, int]:
    twins, relationships = (
        api.post(f"{graph}/query", json={"query": COUNT + each}).json()["value"][0]["n"]
        for each in ("DIGITALTWINS", "RELATIONSHIPS")
    )
    return twins, relationships


def test_a_check_says_what_becomes_of_each_line(
    page: Page, api: httpx2.Client, tmp_path: Path
) -> None:
    twins = {
        "room-2-14": "renamed",  # Hazel
        "floor-3": None,
        "brought-1": "new",
        "brought-2": "refused",
    }
    lines: list[dict[str, object]] = [{"Section": "Header"}, {"fileVersion": "1.0.0"}]
    lines.append({"Section": "Twins"})
    for twin, what in twins.items():
        stored = api.get(f"/digitaltwins/{twin if what in ('renamed', None) else 'room-2-14'}")
        body = stored.json() | {"$dtId": twin}
        body = {name: each for name, each in body.items() if name != "$etag"}
        if what is not None:
            body["name"] = what
        if what == "refused":
            body["nonsense"] = 1
        lines.append(body)
    lines.append({"Section": "Relationships"})
    lines.append(
        {
            "$sourceId": "floor-2",
            "$relationshipId": "to-brought",
            "$relationshipName": "hasPart",
            "$targetId": "brought-1",
        }
    )
    file = tmp_path / "some.ndjson"
    file.write_text("\n".join(json.dumps(each) for each in lines))
    before = _counts(api)
    _run(page, file)
    _check(page, 4, new=2, changed=1, unchanged=1, refused=1)
    expect(page.get("io.faults")).to_contain_text("line 7")
    expect(page.get("io.faults")).to_contain_text("brought-2nonsense")
    for what in ("new", "changed", "refused"):
        expect(page.get(f"io.preview.{what}")).to_contain_text("1")
    preview = page.raw.locator('[data-testid="io.preview"][data-ready]')
    # The floor, which the file does not have, is around its new room.
    assert preview.get_attribute("data-nodes") == "5"
    said = preview.locator("li").all_inner_texts()
    assert {"new: new", "refused: refused", "renamed: changed"} <= set(said)
    with page.raw.expect_download() as download:
        page.get("io.download-report").click()
    report = Path(download.value.path()).read_text()
    assert report.startswith("error\tline 7 · brought-2\t")
    assert _counts(api) == before
    page.check()


def test_a_filled_template_needs_no_mapping(page: Page, api: httpx2.Client, tmp_path: Path) -> None:
    def template(kind: str) -> str:
        page.open("g/default/io/import")
        page.get("io.template.model").click()
        page.raw.get_by_role("option", name="Meeting room").click()
        with page.raw.expect_download() as download:
            page.get(f"io.template.{kind}").click()
        return Path(download.value.path()).read_text("utf-8")

    text = template("twins")
    page.check()
    titles = next(csv.reader([text.splitlines()[-1]]))
    assert titles[0] == "$dtId"
    assert {"name", "area", "thermostat.setPoint", "tags"} <= set(titles)
    values = {"$dtId": "filled-1", "name": "Filled", "area": "12.5", "thermostat.setPoint": "21"}
    values |= {"tags": '{"colour": "red"}', "tags.size": "large"}
    filled = io.StringIO()
    filled.write("".join(line + "\n" for line in text.splitlines()[:-1]))
    writer = csv.DictWriter(filled, [*titles, "tags.size"])
    writer.writeheader()
    writer.writerow(values)
    (tmp_path / "twins.csv").write_text(filled.getvalue())
    _run(page, tmp_path / "twins.csv")
    expect(page.get("io.faults")).to_have_count(0)
    _finish(page, 1, new=1)
    twin = api.get("/digitaltwins/filled-1").json()
    assert twin["$metadata"]["$model"] == ROOM
    assert (twin["area"], twin["thermostat"]["setPoint"]) == (12.5, 21)
    assert twin["tags"] == {"colour": "red", "size": "large"}

    text = template("relationships")
    (tmp_path / "ends.csv").write_text(text + "filled-1,adjacentTo,room-2-14,\n")
    _run(page, tmp_path / "ends.csv")
    _finish(page, 0, new=1)
    assert len(api.get("/digitaltwins/filled-1/relationships").json()["value"]) == 1

    lines = template("ndjson").splitlines()
    assert json.loads(lines[-1])["$metadata"] == {"$model": ROOM}
    lines[-1] = lines[-1].replace('"$dtId":""', '"$dtId":"filled-2"')
    (tmp_path / "twins.ndjson").write_text("\n".join(lines))
    _run(page, tmp_path / "twins.ndjson")
    _finish(page, 1, new=1)
    assert api.get("/digitaltwins/filled-2").is_success


def _never_ends(route: Route) -> None:
    """Let a job seem to go on, however fast it was."""
    answer = route.fetch()
    job = answer.json()
    job.pop("finishedDateTime", None)
    route.fulfill(response=answer, json=job | {"status": "running"})


def test_closing_the_page_does_not_stop_an_import(
    page: Page, api: httpx2.Client, tmp_path: Path
) -> None:
    file = tmp_path / "many.ndjson"
    with file.open("w") as out:
        out.write('{"Section":"Header"}\n{"fileVersion":"1.0.0"}\n{"Section":"Twins"}\n')
        for n in range(3000):
            out.write(f'{{"$dtId":"many-{n}","$metadata":{{"$model":"{SENSOR}"}}}}\n')
    _run(page, file)
    expect(page.get("io.count.twins")).to_have_text("3,000")
    # Only the first are drawn.
    preview = page.raw.locator('[data-testid="io.preview"][data-ready]')
    expect(preview).to_have_attribute("data-nodes", "2000")
    jobs = re.compile(r"/jobs/imports/[^/?]+\?")
    page.raw.route(jobs, _never_ends)
    page.get("io.run").click()
    page.get("io.progress").wait_for()
    begun = page.raw.url.partition("/io/import/")[2].partition("?")[0]
    page.raw.reload()
    # The address has the job: it is found again, and can still be ended.
    job = page.get("io.job")
    expect(job).to_have_attribute("data-state", "running")
    with page.raw.expect_request(re.compile(r"/jobs/imports/[^/?]+/cancel")):
        page.get("io.cancel").click()
    page.raw.unroute(jobs)
    expect(job).to_have_attribute("data-state", "done")
    expect(page.get("io.progress")).to_contain_text(re.compile("succeeded|cancelled"))
    page.check()
    page.open("g/default/io/import")
    expect(page.get("io.last").locator("li").first).to_contain_text(begun)


def test_files_of_any_writing_are_read_and_others_refused_in_words(
    page: Page, api: httpx2.Client, tmp_path: Path
) -> None:
    wide = tmp_path / "wide.csv"
    wide.write_bytes(f'id;model;name\nwide-1;"{ROOM}";Größe\n'.encode("utf-16"))
    _run(page, wide)
    _finish(page, 1)
    assert api.get("/digitaltwins/wide-1").json()["name"] == "Größe"
    old = tmp_path / "old.csv"
    old.write_bytes("id,name\nold-1,Größe\n".encode("cp1252"))
    _run(page, old)
    expect(page.raw.get_by_text("no UTF-8 text")).to_be_visible()


def _exported(page: Page) -> str:
    with page.raw.expect_download() as download:
        page.get("io.export").click()
    expect(page.get("io.exporting")).to_have_attribute("data-state", "saved")
    return Path(download.value.path()).read_text()


def _pick(page: Page, test_id: str, name: str) -> None:
    page.get(test_id).click()
    page.raw.get_by_role("option", name=name).click()


def test_exports_of_all_of_a_query_and_of_what_is_selected(
    page: Page, api: httpx2.Client, tmp_path: Path
) -> None:
    page.raw.add_init_script("window.showSaveFilePicker = undefined")
    whole = api.get("/kastor/v1/export").text.splitlines()
    page.open("g/default/io/export")
    page.get("io.with-models").click()
    models = whole.index('{"Section":"Models"}'), whole.index('{"Section":"Twins"}')
    # The sample is alive: what is exported twice has other values, but the same things.
    assert len(_exported(page).splitlines()) == len(whole) - (models[1] - models[0])
    _pick(page, "io.format", "JSON of ADT Explorer")
    read = json.loads(_exported(page))
    assert read["digitalTwinsModels"] == []
    counts = tuple(len(each) for each in read["digitalTwinsGraph"].values())
    assert counts == _counts(api)
    assert "$sourceId" in read["digitalTwinsGraph"]["relationships"][0]

    _pick(page, "io.what", "What a query answers")
    page.get("io.query").fill("SELECT * FROM DIGITALTWINS T WHERE T.name = 'no")
    page.let_pass("400")
    page.get("io.export").click()
    expect(page.get("failed")).to_be_visible()
    query = f"SELECT * FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, '{ROOM}')"
    page.get("io.query").fill(query)
    read = json.loads(_exported(page))
    assert {each["$metadata"]["$model"] for each in read["digitalTwinsGraph"]["digitalTwins"]} == {
        ROOM
    }
    page.check()

    # What is selected in the graph goes along to its export, with what it needs.
    page.open_graph("?sel=room-2-14,floor-2")
    page.raw.get_by_role("link", name="Import and export").click()
    page.get("io.way.export").click()
    _pick(page, "io.what", "The 2 selected twins")
    page.get("io.with-models").click()
    selected = tmp_path / "selected.ndjson"
    selected.write_text(_exported(page))
    page.check()
    assert api.put("/kastor/v1/graphs/part").is_success
    _run(page, selected, "part")
    _finish(page, 2)
    twins, relationships = _counts(api, "/graphs/part")
    assert (twins, relationships) == (2, 1)


def test_an_export_is_of_the_instant_that_is_looked_at(page: Page, api: httpx2.Client) -> None:
    page.raw.add_init_script("window.showSaveFilePicker = undefined")
    answer = api.put("/digitaltwins/passing", json={"$metadata": {"$model": SENSOR}})
    assert answer.is_success
    at = api.get("/digitaltwins/passing").json()["$metadata"]["$lastUpdateTime"]
    assert api.delete("/digitaltwins/passing").is_success
    page.open(f"g/default/io/export?at={at}")
    expect(page.get("io.as-of")).to_contain_text(at[:19])
    assert '{"$dtId":"passing"' in _exported(page)
    page.open("g/default/io/export")
    assert '{"$dtId":"passing"' not in _exported(page)


def test_an_export_goes_to_disk_as_it_comes(page: Page) -> None:
    """The browser's dialog cannot be answered here: what it gives is played by a file of the page's own."""
    page.raw.add_init_script(
        """
        window.showSaveFilePicker = async ({ suggestedName }) => {
          window.picked = { suggestedName }
          const folder = await navigator.storage.getDirectory()
          window.handle = await folder.getFileHandle('picked', { create: true })
          window.handle.remove = async () => { window.removed = true }
          return window.handle
        }
        """
    )
    page.open("g/default/io/export")
    page.get("io.export").click()
    expect(page.get("io.exporting")).to_have_attribute("data-state", "saved")
    written = page.raw.evaluate("async () => (await window.handle.getFile()).text()")
    assert written.count('{"Section":') == 4
    assert page.raw.evaluate("() => window.picked.suggestedName").endswith(".ndjson")

    _pick(page, "io.what", "What a query answers")
    page.get("io.query").fill("nonsense")
    with page.expect_trouble("400"):
        page.get("io.export").click()
        expect(page.get("failed")).to_be_visible()
    # No empty file is left that might be taken for an export.
    assert page.raw.evaluate("() => window.removed") is True
