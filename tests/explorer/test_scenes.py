"""A floor plan: its rooms have the colour of what they say, and a click on one selects its twin."""

from __future__ import annotations

import httpx2
from playwright.sync_api import expect

from tests.explorer.browser import Page

HAZEL = "room-2-14"
FILL = (
    """id => document.querySelector('.scenes-drawing').shadowRoot.getElementById(id).style.fill"""
)


def test_the_plan_of_a_floor_recolours_when_a_room_changes(page: Page, api: httpx2.Client) -> None:
    page.open("g/default/scenes")
    page.get("scenes.card.floor-2").click()
    page.raw.locator('[data-testid="scenes.paper"][data-ready]').wait_for()
    page.until(lambda: page.raw.evaluate(FILL, HAZEL) != "", "the room has no colour")
    before = page.raw.evaluate(FILL, HAZEL)
    patch = [{"op": "replace", "path": "/thermostat/currentTemperature", "value": 35.0}]
    assert api.patch(f"/digitaltwins/{HAZEL}", json=patch).status_code == 204
    page.until(lambda: page.raw.evaluate(FILL, HAZEL) != before, "the room keeps its colour")
    page.get(f"scenes.element.{HAZEL}").click()
    assert page.parameters()["sel"] == HAZEL
    expect(page.get("inspector.name")).to_have_text("Meeting room Hazel")
    page.check()
