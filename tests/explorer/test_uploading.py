"""Models come as files: what is wrong is told by file and mended in place, and nothing is half stored."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import httpx2
from playwright.sync_api import expect

from tests.explorer.browser import Page

MANY = 450


def _model(name: str, version: int, **more: Any) -> dict[str, Any]:  # any: members of models
    return {
        "@context": f"dtmi:dtdl:context;{version}",
        "@id": f"dtmi:kastor:test:{name};1",
        "@type": "Interface",
        "contents": [{"@type": "Property", "name": "size", "schema": "double"}],
        **more,
    }


def _broken() -> dict[str, dict[str, Any]]:  # any: members of models
    wrong_schema = [{"@type": "Property", "name": "size", "schema": "duoble"}]
    wrong_type = [{"@type": "Proprety", "name": "size", "schema": "double"}]
    return {
        "schema.json": _model("Schema", 3, contents=wrong_schema),
        "type.json": _model("Type", 2, contents=wrong_type),
    }


LINES = {"schema": 9, "type": 7}
"""Where the broken ones are broken, as they are written."""


def _folder(path: Path) -> Path:
    models = {
        "two.json": _model("Two", 2),
        "three.json": _model("Three", 3),
        "four.json": _model("Four", 4),
        **_broken(),
    }
    path.mkdir()
    for name, model in models.items():
        (path / name).write_text(json.dumps(model, indent=2))
    return path


def _ids(api: httpx2.Client) -> set[str]:
    return set(_definitions(api))


def _definitions(api: httpx2.Client, graph: str = "") -> dict[str, Any]:  # any: models
    answer = api.get(
        f"{graph}/models",
        params={"includeModelDefinition": True},
        headers={"max-items-per-page": "2000"},
    )
    return {each["id"]: each["model"] for each in answer.json()["value"]}


def test_story_20_bad_models(page: Page, api: httpx2.Client, tmp_path: Path) -> None:
    before = _ids(api)
    page.let_pass("400")
    page.open("g/default/models")
    page.get("models.upload").click()
    page.get("models.folder").set_input_files(_folder(tmp_path / "models"))
    expect(page.get("models.candidates")).to_contain_text("dtmi:kastor:test:Type;1")
    page.get("models.send").click()
    problems = page.get("models.problems")
    for name, wrong in (("schema", "duoble"), ("type", "Did you mean Property")):
        mine = problems.locator("section").filter(has_text=f"{name}.json")
        expect(mine).to_contain_text(wrong)
        # Where people and compilers say it: file, line, column.
        expect(mine.get_by_test_id("models.place").first).to_contain_text(
            re.compile(rf"models/{name}\.json:{LINES[name]}:\d+")
        )
    page.check()
    assert _ids(api) == before

    for name, wrong, right in (("Schema", "duoble", "double"), ("Type", "Proprety", "Property")):
        if problems.count() == 0:
            page.get("models.send").click()
        page.get(f"models.mend.dtmi:kastor:test:{name};1").first.click()
        editor = page.get("models.mender").locator(".cm-content")
        expect(editor).to_contain_text(wrong)
        selected = "() => String(getSelection())"
        token = {"Schema": '"schema"', "Type": '"@type"'}[name]
        page.until(lambda: page.raw.evaluate(selected) == token, "the cursor is elsewhere")  # noqa: B023
        expect(page.get("models.mender").locator(".cm-lintRange-error").first).to_be_visible()
        page.check()
        text = json.dumps(_broken()[f"{name.lower()}.json"], indent=2)
        page.write("models.mender", text.replace(wrong, right))
        # What is not taken yet would be left behind.
        expect(page.get("models.send")).to_be_disabled()
        page.get("models.mended").click()
        expect(problems).to_have_count(0)
        assert _ids(api) == before
    page.get("models.send").click()
    expect(page.get("models.upload-dialog")).to_have_count(0)
    names = ("Two", "Three", "Four", "Schema", "Type")
    assert _ids(api) - before == {f"dtmi:kastor:test:{name};1" for name in names}
    page.check()

    page.get("models.upload").click()
    many = tmp_path / "many.json"
    many.write_text(json.dumps([_model(f"Many{number}", 3) for number in range(MANY)]))
    page.get("models.files").set_input_files(many)
    page.get("models.send").click()
    expect(page.get("models.upload-dialog")).to_have_count(0)
    assert len(_ids(api)) == len(before) + len(names) + MANY
    page.check()


def test_what_is_no_json_is_mended_and_sent_again(
    page: Page, api: httpx2.Client, tmp_path: Path
) -> None:
    before = _ids(api)
    page.let_pass("400")
    page.open("g/default/models")
    page.get("models.upload").click()
    odd = _broken()["schema.json"] | {"@id": "dtmi:kastor:test:Odd;1"}
    good = json.dumps(_model("Mended", 3), indent=2)
    (tmp_path / "bad.json").write_text(good.replace('"size",', '"size"'))
    (tmp_path / "list.json").write_text(json.dumps([_model("Listed", 3), odd], indent=1))
    page.get("models.files").set_input_files([tmp_path / "bad.json", tmp_path / "list.json"])
    unread = page.get("models.unread.bad.json")
    expect(unread).to_contain_text("bad.json:9:7")
    page.get("models.mend.bad.json").click()
    page.write("models.mender", good)
    # It is JSON now, and is sent with the others: they are refused.
    page.get("models.mended-send").click()
    problems = page.get("models.problems")
    expect(problems.get_by_test_id("models.place")).to_have_text(re.compile(r"list\.json:22:\d+"))
    page.get("models.copy-problems").click()
    assert re.search(r"list\.json:22:\d+ dtmi:kastor:test:Odd;1/contents/0", page.copied())
    assert _ids(api) == before
    page.get("models.mend.dtmi:kastor:test:Odd;1").click()
    text = (tmp_path / "list.json").read_text()
    page.write("models.mender", text.replace("duoble", "double"))
    page.get("models.mended-send").click()
    expect(page.get("models.upload-dialog")).to_have_count(0)
    added = {f"dtmi:kastor:test:{name};1" for name in ("Mended", "Listed", "Odd")}
    assert _ids(api) - before == added
    page.check()


def test_models_are_downloaded_whole_and_go_into_another_graph(
    page: Page, api: httpx2.Client, tmp_path: Path
) -> None:
    assert api.put("/kastor/v1/graphs/models-only").is_success
    definitions = _definitions(api)
    page.open("g/default/models")
    saved = tmp_path / "all.json"
    page.get("models.download").click()
    with page.raw.expect_download() as download:
        page.get("models.download.all.list").click()
    download.value.save_as(saved)
    assert {each["@id"]: each for each in json.loads(saved.read_text())} == definitions

    page.get("models.filter").fill("sensor")
    page.get("models.download").click()
    with page.raw.expect_download() as download:
        page.get("models.download.shown.folder").click()
    archive = zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes()))
    read = {name: json.loads(archive.read(name)) for name in archive.namelist()}
    assert 1 < len(read) < len(definitions)
    assert (
        read["dtmi/kastor/sample/temperaturesensor-1.json"]
        == (definitions["dtmi:kastor:sample:TemperatureSensor;1"])
    )
    assert all("ensor" in each["@id"] for each in read.values())

    page.open("g/models-only/models?edit=upload")
    page.get("models.files").set_input_files(saved)
    page.get("models.send").click()
    expect(page.get("models.upload-dialog")).to_have_count(0)
    assert _definitions(api, "/graphs/models-only") == definitions
    page.check()


def test_deleting_says_what_stands_in_the_way(page: Page, api: httpx2.Client) -> None:
    room, meeting = "dtmi:kastor:sample:Room;1", "dtmi:kastor:sample:MeetingRoom;1"
    for name, model in (("all rooms", room), ("meeting rooms", meeting)):
        text = f"SELECT * FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, '{model}')"
        saved = api.put(f"/kastor/v1/explorer/queries/{name}", json={"version": 1, "text": text})
        assert saved.is_success
    page.open(f"g/default/models/{room}")
    page.raw.get_by_role("button", name="More").click()
    page.get("models.delete").click()
    concerned = page.get("models.concerned")
    expect(page.get("models.needed")).to_contain_text("cannot be deleted")
    expect(concerned).to_contain_text("Meeting room")
    expect(concerned).to_contain_text("all rooms")
    expect(concerned).not_to_contain_text("meeting rooms")
    page.check()
    concerned.get_by_role("link", name="Meeting room", exact=True).click()
    expect(page.get("models.detail").get_by_role("heading", name="Meeting room")).to_be_visible()
    page.raw.get_by_role("button", name="More").click()
    page.get("models.delete").click()
    # Nothing needs it: it may be deleted, once whoever does it has typed its name.
    expect(page.get("confirm.act")).to_be_disabled()
    expect(concerned).to_contain_text("15 twins")


def test_a_comparison_counts_the_twins_that_it_concerns(page: Page, api: httpx2.Client) -> None:
    base: dict[str, Any] = _model("Part", 3)  # any: members of models
    one = base | {
        "@id": "dtmi:kastor:test:Compared;1",
        "contents": [
            {"@type": "Property", "name": name, "schema": "double"} for name in ("kept", "gone")
        ],
    }
    other = one | {
        "@id": "dtmi:kastor:test:Compared;2",
        "contents": [{"@type": "Property", "name": "kept", "schema": "string"}],
    }
    assert api.post("/models", json=[one, other]).is_success
    for n in range(3):
        values = {"kept": n, "gone": n} if n == 0 else {"kept": n}
        body = {"$metadata": {"$model": one["@id"]}, **values}
        assert api.put(f"/digitaltwins/compared-{n}", json=body).is_success
    page.open(f"g/default/models/{one['@id']}?tab=versions&with={other['@id']}")
    rows = page.get("models.compare").locator("tbody tr")
    expect(rows.filter(has_text="gone")).to_contain_text("1 twin loses it")
    expect(rows.filter(has_text="kept")).to_contain_text("3 twins may hold values")
    page.check()
