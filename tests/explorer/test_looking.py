"""Looking at the graph: the whole, one twin, one property, from near, and while it lives."""

from __future__ import annotations

import re

import httpx2
from playwright.sync_api import expect

from tests.explorer.browser import Page

HAZEL = "room-2-14"
TEMPERATURE = "thermostat.currentTemperature"


def _write(api: httpx2.Client, twin: str, path: str, value: object) -> None:
    patch = [{"op": "replace", "path": path, "value": value}]
    assert api.patch(f"/digitaltwins/{twin}", json=patch).status_code == 204


def test_story_01_first_look(page: Page) -> None:
    page.open()
    page.wait_for_graph()
    page.raw.wait_for_url("**/explorer/g/default/graph?test")
    told = {name: page.canvas(name) for name in ("nodes", "edges", "layout")}
    assert told == {"nodes": "342", "edges": "802", "layout": "nested"}
    items = page.get("graph.tree").get_by_role("treeitem")
    floors = items.filter(has_text=re.compile(r"floor, Floor"))
    expect(floors).to_have_count(5)
    names = [each.split(",")[0] for each in floors.all_text_contents()]
    assert names == ["Top floor", "Third floor", "Second floor", "First floor", "Ground floor"]
    page.check()


def test_story_02_same_query_same_picture(page: Page, api: httpx2.Client) -> None:
    found = api.post("/query", json={"query": "SELECT T.$dtId AS id FROM DIGITALTWINS T"}).json()
    twins = [row["id"] for row in found["value"]]
    pictures = []
    for _ in range(3):
        page.open_graph()
        assert page.canvas("nodes") == "342"
        assert page.canvas("edges") == "802"
        pictures.append(page.positions(twins))
    assert pictures[1:] == pictures[:1] * 2
    page.check()


def test_story_03_select(page: Page) -> None:
    page.open_graph()
    page.click_twin(HAZEL)
    for _ in range(2):
        expect(page.get("inspector.name")).to_have_text("Meeting room Hazel")
        expect(page.raw.get_by_role("tab", name="Relationships")).to_contain_text("12")
        assert page.parameters()["sel"] == HAZEL
        selected = page.get(f"graph.tree.{HAZEL}")
        expect(selected).to_have_attribute("aria-selected", "true")
        page.raw.reload()
        page.wait_for_graph()
    page.check()


def test_story_04_lens(page: Page, api: httpx2.Client) -> None:
    page.open_graph(f"?sel={HAZEL}")
    page.raw.keyboard.press("l")
    page.get("graph.lens.find").fill("current")
    page.raw.keyboard.press("Enter")
    expect(page.get("graph.legend.scale")).to_contain_text("°C")
    assert page.parameters()["lens"] == TEMPERATURE
    # The line of boxes around the selection is open: all rooms of its floor.
    rooms = page.get("graph.tree").locator('[data-testid^="graph.tree.room-2-"]')
    expect(rooms).to_have_text([re.compile(r", \d+\.\d°, ")] * 14)
    for floor in (0, 1, 3, 4):
        page.click_twin(f"room-{floor}-01")
        others = page.get("graph.tree").locator(f'[data-testid^="graph.tree.room-{floor}-"]')
        expect(others.first).to_be_attached()
        told = others.all_text_contents()
        assert all(re.search(r", -?\d+\.\d°, ", each) for each in told), told
    page.click_twin(HAZEL)
    last = page.token("--ramp-5")
    place = page.position_of(HAZEL)
    assert page.colours_at(*place)[last] == 0
    _write(api, HAZEL, "/thermostat/currentTemperature", 30.0)
    expect(page.get(f"graph.tree.{HAZEL}")).to_contain_text("30.0°")
    page.until(lambda: page.colours_at(*place)[last] > 0, "the tile has not changed")
    page.check()


def test_story_05_nearer(page: Page, api: httpx2.Client) -> None:
    sensor = "temp-2-14"
    page.open_graph()
    value = api.get(f"/digitaltwins/{sensor}").json()["temperature"]
    far = page.colours_at(*page.position_of(sensor), 60)
    page.zoom_to(sensor, 0.08)
    page.click_twin(sensor)
    told = page.get(f"graph.tree.{sensor}")
    expect(told).to_contain_text(f"{value:.1f} °C")
    x, y = page.position_of(sensor)
    near = page.colours_at(x, y + 20, 60)
    ink = page.token("--text")
    assert near[ink] > far[ink]
    before = page.raw.screenshot(clip={"x": x - 40, "y": y + 10, "width": 80, "height": 60})
    _write(api, sensor, "/temperature", 27.3)
    expect(told).to_contain_text("27.3 °C")
    page.until(
        lambda: (
            page.raw.screenshot(clip={"x": x - 40, "y": y + 10, "width": 80, "height": 60})
            != before
        ),
        "what stands below the mark has not changed",
    )
    page.check()


def test_story_06_live_without_jumps(page: Page, api: httpx2.Client) -> None:
    page.open_graph()
    page.raw.locator('[data-testid="statusbar.dot"][data-state="live"]').wait_for()
    sensors = [f"temp-{floor}-{room:02}" for floor in (1, 2) for room in range(1, 15)]
    known = [each for each in sensors if api.get(f"/digitaltwins/{each}").status_code == 200]
    before = page.positions([HAZEL, *known])
    for number in range(200):
        _write(api, known[number % len(known)], "/temperature", 15 + number / 20)
    page.until(lambda: page.pulses() >= len(known), "too few have pulsed")
    assert page.positions([HAZEL, *known]) == before
    expect(page.get("statusbar.dot")).to_have_attribute("data-state", "live")
    page.check()
