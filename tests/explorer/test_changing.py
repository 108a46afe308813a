"""Changing the graph by hand: twins and relationships are made in it, and more of it is shown."""

from __future__ import annotations

from urllib.parse import quote

import httpx2
from playwright.sync_api import expect

from tests.explorer.browser import Page

HAZEL = "room-2-14"
SENSOR = "temp-2-14"


def test_story_07_create_by_drag(page: Page, api: httpx2.Client) -> None:
    page.open_graph(f"?sel={HAZEL}")
    page.command("twin.create")
    expect(page.get("create-twin")).to_contain_text("Hazel")
    page.get("create-twin").get_by_role("option", name="Light", exact=False).first.click()
    page.get("create-twin.id").fill("light-by-hand")
    page.check()
    page.get("create-twin.create").click()
    page.raw.wait_for_url("**sel=light-by-hand**")
    expect(page.get("graph.tree.light-by-hand")).to_be_attached()
    assert api.get("/digitaltwins/light-by-hand").status_code == 200
    page.zoom_to("light-by-hand", 0.1)
    mouse = page.raw.mouse
    mouse.move(*page.position_of("light-by-hand"))
    mouse.down()
    x, y = page.position_of(SENSOR)
    mouse.move(x + 20, y + 5, steps=5)
    mouse.move(x, y, steps=5)
    mouse.up()
    offered = page.raw.locator('[data-testid^="graph.connect."]')
    expect(offered).to_have_count(1)
    expect(offered).to_contain_text("feeds")
    offered.click()
    expect(page.get("toast").filter(has_text="feeds")).to_be_visible()
    held = api.get("/digitaltwins/light-by-hand/relationships").json()["value"]
    assert {(each["$relationshipName"], each["$targetId"]) for each in held} == {
        ("isLocatedIn", HAZEL),
        ("feeds", SENSOR),
    }
    page.check()


def _wait_for_nodes(page: Page, count: int) -> None:
    page.raw.locator(f'[data-testid="graph.canvas"][data-nodes="{count}"]').wait_for()


def test_story_08_expand_and_undo(page: Page, api: httpx2.Client) -> None:
    unit = "ahu-1"
    fed = {
        each["$targetId"]
        for each in api.get(f"/digitaltwins/{unit}/relationships").json()["value"]
        if each["$relationshipName"] == "feeds"
    }
    query = quote(f"SELECT * FROM DIGITALTWINS T WHERE T.$dtId = '{unit}'")
    page.open_graph(f"?q={query}")
    _wait_for_nodes(page, 1)
    for again in range(2):
        x, y = page.position_of(unit)
        page.raw.mouse.dblclick(x, y)
        page.get("graph.expand").wait_for()
        if again == 0:
            page.check()
        # What it feeds stands before what feeds it, as it is more.
        page.get("graph.expand.feeds").first.click()
        _wait_for_nodes(page, 1 + len(fed))
        shown = page.positions(sorted(fed))
        assert len(shown) == len(fed)
        if again == 0:
            page.raw.keyboard.press("Control+z")
            _wait_for_nodes(page, 1)
    page.check()
