"""Without a mouse: everything is reached, named, and seen to have the focus."""

from __future__ import annotations

import httpx2
from playwright.sync_api import expect

from tests.explorer.browser import Page

HAZEL = "room-2-14"
SENSOR = "temp-2-14"
MOST_STEPS = 60


def _seen_focus(page: Page) -> str:
    """Return the test id of what has the focus; fail where nobody sees that it has it."""
    told: dict[str, str] = page.raw.evaluate(
        """() => {
          const held = document.activeElement
          const style = getComputedStyle(held)
          const around = getComputedStyle(held.parentElement)
          const drawn = (each) => each.outlineStyle !== 'none' && each.outlineWidth !== '0px'
          return {
            id: held.dataset.testid ?? '',
            what: held.outerHTML.slice(0, 200),
            seen: drawn(style) || style.boxShadow !== 'none' || drawn(around)
              || around.boxShadow !== 'none' || held === document.body ? 'yes' : '',
          }
        }"""
    )
    assert told["seen"], f"nobody sees that this has the focus: {told['what']}"
    return told["id"]


def _tab_to(page: Page, test_id: str) -> None:
    for _ in range(MOST_STEPS):
        page.raw.keyboard.press("Tab")
        if _seen_focus(page) == test_id:
            return
    raise AssertionError(f"{test_id} is not reached by Tab")


def test_story_24_keyboard_and_reader(page: Page, api: httpx2.Client) -> None:
    page.open_graph()
    keyboard = page.raw.keyboard
    keyboard.press("Control+k")
    expect(page.get("palette.field")).to_be_focused()
    keyboard.type("hazel")
    expect(page.get(f"palette.twin.{HAZEL}")).to_have_attribute("aria-selected", "true")
    keyboard.press("Enter")
    page.raw.wait_for_url(f"**sel={HAZEL}**")
    expect(page.get("inspector.name")).to_have_text("Meeting room Hazel")

    tree = page.get("graph.tree")
    tree.focus()
    expect(tree).to_have_attribute("aria-activedescendant", f"mark-{HAZEL}")
    # The neighbours are walked by an arrow; Tab leaves at once, however many there are.
    keyboard.press("Tab")
    assert _seen_focus(page) != "graph.tree"
    assert page.parameters().get("sel") == HAZEL
    tree.focus()
    for _ in range(MOST_STEPS):
        keyboard.press("Shift+ArrowRight")
        if page.parameters().get("sel") == SENSOR:
            break
    told = page.get(f"graph.tree.{SENSOR}")
    expect(told).to_have_attribute("aria-selected", "true")
    value = api.get(f"/digitaltwins/{SENSOR}").json()["temperature"]
    expect(told).to_contain_text(f"{value:.1f} °C")
    keyboard.press("Enter")
    page.raw.wait_for_url(f"**/twins/{SENSOR}**")
    page.get("inspector.twin").wait_for()

    _tab_to(page, "inspector.input.temperature")
    keyboard.press("Control+a")
    keyboard.type("23.4")
    keyboard.press("Control+s")
    expect(page.get("toast").first).to_be_visible()
    expect(page.get("inspector.bar")).to_have_count(0)
    assert api.get(f"/digitaltwins/{SENSOR}").json()["temperature"] == 23.4
    assert page.raw.locator("[role=status], [aria-live]").count() > 0
    page.check()


def test_rows_of_live_are_gone_through_and_opened_by_keyboard(
    page: Page, api: httpx2.Client
) -> None:
    page.open("g/default/live")
    expect(page.get("statusbar.dot")).to_have_attribute("data-state", "live")
    for value in (18.5, 19.5, 20.5):
        patch = [{"op": "replace", "path": "/thermostat/setPoint", "value": value}]
        assert api.patch(f"/digitaltwins/{HAZEL}", json=patch).status_code == 204
    expect(page.get("live.row")).to_have_count(3)
    page.get("live.export").focus()
    _tab_to(page, "live.grid")
    keyboard = page.raw.keyboard
    # From the newest upwards; what comes meanwhile carries nobody away.
    keyboard.press("ArrowUp")
    keyboard.press("ArrowUp")
    keyboard.press("Enter")
    expect(page.get("live.details")).to_contain_text("19.5")
    page.check()
    keyboard.press("Escape")
    expect(page.get("live.details")).to_have_count(0)
    keyboard.press("Shift+Enter")
    expect(page.get("inspector.name")).to_have_text("Meeting room Hazel")


def test_time_is_stepped_through_on_keyboards_without_brackets(
    page: Page, api: httpx2.Client
) -> None:
    patch = [{"op": "replace", "path": "/thermostat/setPoint", "value": 21.5}]
    assert api.patch(f"/digitaltwins/{HAZEL}", json=patch).status_code == 204
    page.open_graph(f"?sel={HAZEL}")
    page.raw.keyboard.press("j")
    page.until(lambda: "at" in page.parameters(), "j does not lead to the change before")
    page.raw.keyboard.press("k")
    page.until(lambda: "at" not in page.parameters(), "k does not lead back")
    page.raw.keyboard.press("Shift+?")
    keys = page.get("keys")
    expect(keys.locator(".keys-row", has_text="Previous change")).to_contain_text("j")
