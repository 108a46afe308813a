"""What somebody sees can be handed on: as a link, and as a view that is saved."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import expect

from tests.explorer.browser import Page

HAZEL = "room-2-14"


def _moved(page: Page, twin: str, dx: int, dy: int) -> None:
    x, y = page.position_of(twin)
    mouse = page.raw.mouse
    mouse.move(x, y)
    mouse.down()
    mouse.move(x + dx / 2, y + dy / 2, steps=4)
    mouse.move(x + dx, y + dy, steps=4)
    mouse.up()


def test_story_09_hide_isolate_share(page: Page, another: Callable[[], Page]) -> None:
    page.open_graph("?sel=floor-2")
    page.get("graph.legend.Sensor").click(modifiers=["Alt"])
    page.command("graph.isolate")
    items = page.get("graph.tree").get_by_role("treeitem")
    expect(page.get("graph.tree.floor-1")).to_have_count(0)
    expect(page.get("graph.tree.temp-2-14")).to_have_count(0)
    page.zoom_to(HAZEL, 0.4)
    x, y = page.position_of(HAZEL)
    page.raw.mouse.move(x, y)
    page.raw.mouse.wheel(0, -200)
    page.until(lambda: page.camera()["ratio"] < 0.39, "the wheel does not zoom")
    page.raw.keyboard.press("Shift+L")
    expect(page.get("toast")).to_be_visible()
    link = page.copied()
    assert "test" not in dict(parse_qsl(urlsplit(link).query, keep_blank_values=True))
    camera, seen, told = page.camera(), page.position_of(HAZEL), items.all_text_contents()

    other = another()
    # Only in the mode for tests does a page tell where its twins are.
    other.raw.goto(link.replace("?", "?test&", 1))
    other.wait_for_graph()
    assert "Sensor" in other.parameters()["hide"]
    expect(other.get("graph.tree").get_by_role("treeitem")).to_have_text(told)
    other.until(lambda: other.camera()["ratio"] < 0.9, "the camera is not taken up")
    assert other.camera() == pytest.approx(camera, rel=0.01)
    assert other.position_of(HAZEL) == pytest.approx(seen, abs=3)
    assert urlsplit(link).fragment != ""
    other.check()
    page.check()


def test_story_10_saved_view(page: Page) -> None:
    page.open_graph()
    page.raw.keyboard.press("5")
    page.raw.locator('[data-testid="graph.canvas"][data-layout="force"]').wait_for()
    twins = [HAZEL, "floor-2", "ahu-1", "temp-2-14"]
    before = dict(zip(twins, page.positions(twins), strict=True))
    _moved(page, HAZEL, 90, -60)
    _moved(page, "ahu-1", -70, 40)
    x, y = page.position_of(HAZEL)
    assert (x, y) == pytest.approx((before[HAZEL][0] + 90, before[HAZEL][1] - 60), abs=2)
    page.get("graph.share").click()
    page.get("graph.share.save").click()
    page.get("graph.views.name").fill("Moved by hand")
    page.get("graph.views.save").click()
    page.raw.wait_for_url("**v=Moved**")
    moved = page.positions(twins)
    page.open_graph("?v=Moved%20by%20hand")
    page.raw.locator('[data-testid="graph.canvas"][data-layout="force"]').wait_for()
    page.until(
        lambda: page.positions(twins) == [pytest.approx(each, abs=1) for each in moved],
        f"{page.positions(twins)} instead of {moved}",
    )
    page.check()
