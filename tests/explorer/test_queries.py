"""Asking: what is wrong is shown in its place, what fits is offered, and rows live."""

from __future__ import annotations

import httpx2
from playwright.sync_api import expect

from tests.explorer.browser import Page
from tests.explorer.editor import offered, run_query

JOIN = (
    "SELECT room, sensor FROM DIGITALTWINS floor JOIN room RELATED floor.hasPart "
    "JOIN sensor RELATED room.hasSensor WHERE floor.$dtId = 'floor-2'"
)


def _write(api: httpx2.Client, twin: str, temperature: float) -> None:
    patch = [{"op": "replace", "path": "/temperature", "value": temperature}]
    assert api.patch(f"/digitaltwins/{twin}", json=patch).status_code == 204


def test_story_12_query_error(page: Page) -> None:
    page.open("g/default/query")
    with page.expect_trouble("400"):
        run_query(page, "SELECT * FORM DIGITALTWINS")
        marked = page.get("query.editor").locator(".cm-lintRange-error")
        expect(marked).to_have_text("FORM")
        before = marked.evaluate(
            """(mark) => {
              const range = document.createRange()
              range.setStart(mark.closest('.cm-line'), 0)
              range.setEndBefore(mark)
              return range.toString().length
            }"""
        )
        assert before == len("SELECT * ")
        expect(page.get("query.error")).to_contain_text("FROM")
    page.get("query.repair").click()
    line = page.get("query.editor").locator(".cm-line")
    expect(line).to_have_text("SELECT * FROM DIGITALTWINS")
    page.get("query.run").click()
    expect(page.get("query.status")).to_contain_text("200+ rows")
    expect(page.get("query.table.row.0")).to_be_visible()
    expect(page.get("query.error")).to_have_count(0)
    page.check()


def test_story_13_completion(page: Page) -> None:
    page.open("g/default/query")
    # What is checked while one writes is no sentence yet.
    page.let_pass("400")
    _completes(page)
    page.check()


def _completes(page: Page) -> None:
    start = "SELECT room FROM DIGITALTWINS floor JOIN room RELATED floor.hasPart WHERE room."
    assert "Thermostat" in offered(page, start, "thermostat")
    assert "double" in offered(page, f"{start}thermostat.", "setPoint")
    assert "meeting" in offered(page, f"{start}purpose = '", "meeting")
    assert "Meeting room" in offered(
        page, "SELECT * FROM DIGITALTWINS T WHERE IS_OF_MODEL('Meeting", "Meeting room"
    )
    page.raw.keyboard.press("Control+Space")
    page.raw.get_by_role("option").filter(has_text="Meeting room").first.click()
    expect(page.get("query.editor").locator(".cm-line")).to_contain_text(
        "IS_OF_MODEL('dtmi:kastor:sample:MeetingRoom;1'"
    )


def test_story_14_join_with_several_twins(page: Page, api: httpx2.Client) -> None:
    rows = api.post("/query", json={"query": JOIN}).json()["value"]
    page.open("g/default/query")
    run_query(page, JOIN)
    first = page.get("query.table.row.0")
    for column in ("room", "sensor"):
        expect(page.get(f"query.table.head.{column}")).to_be_visible()
    chips = first.locator("a")
    expect(chips).to_have_count(2)
    expect(chips.nth(0)).to_contain_text(rows[0]["room"]["$dtId"])
    expect(chips.nth(1)).to_contain_text(rows[0]["sensor"]["$dtId"])
    page.check()
    page.raw.get_by_role("radio", name="Graph").click()
    drawn = page.raw.locator('[data-testid="query.graph"][data-ready]')
    twins = {row[each]["$dtId"] for row in rows for each in ("room", "sensor")}
    expect(drawn).to_have_attribute("data-nodes", str(len(twins)))
    assert int(drawn.get_attribute("data-edges") or 0) >= len(rows)
    names = drawn.get_by_role("listitem").all_text_contents()
    assert "Meeting room Hazel" in names
    page.check()


def test_story_15_explain(page: Page) -> None:
    page.open("g/default/query")
    run_query(page, "SELECT * FROM DIGITALTWINS T WHERE T.temperature > 22")
    page.get("query.status").wait_for()
    page.raw.get_by_role("radio", name="Explain").click()
    steps = page.get("query.explain.steps")
    before = steps.inner_text()
    page.get("query.explain.build.temperature").click()
    expect(page.get("query.explain.built")).to_contain_text("temperature")
    expect(steps).to_have_count(2)
    assert steps.first.inner_text() == before
    assert steps.last.inner_text() != before
    page.check()
    page.open("g/default/operate/indexes")
    expect(page.get("operate.index.temperature")).to_be_visible()
    page.check()


def test_story_16_live_rows(page: Page, api: httpx2.Client) -> None:
    cold = "temp-2-05"
    _write(api, cold, 12)
    page.open("g/default/query")
    run_query(page, "SELECT T.$dtId, T.temperature FROM DIGITALTWINS T WHERE T.temperature > 22")
    page.get("query.status").wait_for()
    page.get("query.live").click()
    status = page.raw.locator('[data-testid="query.status"][data-live="live"]')
    count = int(status.get_attribute("data-rows") or 0)
    link = page.raw.get_by_role("link", name=cold, exact=True)
    cell = page.get("query.table").get_by_role("row").filter(has=link)
    expect(cell).to_have_count(0)
    _write(api, cold, 25)
    expect(cell).to_contain_text("25")
    expect(status).to_have_attribute("data-rows", str(count + 1))
    _write(api, cold, 20)
    expect(cell).to_have_count(0)
    expect(status).to_have_attribute("data-rows", str(count))
    page.check()
