"""Models come as files: what is wrong is told by file and mended in place, and nothing is half stored."""

from __future__ import annotations

import json
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


def _folder(path: Path) -> Path:
    wrong_schema = [{"@type": "Property", "name": "size", "schema": "duoble"}]
    wrong_type = [{"@type": "Proprety", "name": "size", "schema": "double"}]
    models = {
        "two.json": _model("Two", 2),
        "three.json": _model("Three", 3),
        "four.json": _model("Four", 4),
        "schema.json": _model("Schema", 3, contents=wrong_schema),
        "type.json": _model("Type", 2, contents=wrong_type),
    }
    path.mkdir()
    for name, model in models.items():
        (path / name).write_text(json.dumps(model))
    return path


def _ids(api: httpx2.Client) -> set[str]:
    answer = api.get("/models", headers={"max-items-per-page": "2000"}).json()
    return {each["id"] for each in answer["value"]}


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
    page.check()
    assert _ids(api) == before

    for name, wrong, right in (("Schema", "duoble", "double"), ("Type", "Proprety", "Property")):
        if problems.count() == 0:
            page.get("models.send").click()
        page.get(f"models.mend.dtmi:kastor:test:{name};1").first.click()
        text = page.get("models.mender").input_value()
        page.get("models.mender").fill(text.replace(wrong, right))
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
