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
    # It has properties of its own, which are filled in first.
    page.get("create-relationship").wait_for()
    page.check()
    page.get("create-relationship.create").click()
    expect(page.get("create-relationship")).to_have_count(0)
    held = api.get("/digitaltwins/light-by-hand/relationships").json()["value"]
    assert {(each["$relationshipName"], each["$targetId"]) for each in held} == {
        ("isLocatedIn", HAZEL),
        ("feeds", SENSOR),
    }
    page.check()


def _wait_for_nodes(page: Page, count: int) -> None:
    page.raw.locator(f'[data-testid="graph.canvas"][data-nodes="{count}"]').wait_for()


def _fed_by(api: httpx2.Client, unit: str, most: int) -> set[str]:
    """Let a unit feed some more boxes, so many that nobody wants all of them by accident."""
    text = (
        f"SELECT box FROM DIGITALTWINS unit JOIN box RELATED unit.feeds WHERE unit.$dtId = '{unit}'"
    )
    boxes = [row["box"] for row in api.post("/query", json={"query": text}).json()["value"]]
    fed = {box["$dtId"] for box in boxes}
    metadata = {"$model": boxes[0]["$metadata"]["$model"]}
    body = {each: boxes[0][each] for each in boxes[0] if each == "nameplate"}
    for number in range(most - len(fed)):
        box = f"vav-more-{number}"
        assert api.put(f"/digitaltwins/{box}", json={**body, "$metadata": metadata}).is_success
        joined = {"$targetId": box, "$relationshipName": "feeds"}
        assert api.put(f"/digitaltwins/{unit}/relationships/{box}", json=joined).is_success
        fed.add(box)
    return fed


def test_story_08_expand_and_undo(page: Page, api: httpx2.Client) -> None:
    unit = "ahu-1"
    fed = _fed_by(api, unit, most=30)
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
