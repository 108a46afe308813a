"""What is around every screen, and the screens that are small."""

from __future__ import annotations

import pytest

from tests.explorer.browser import Page

SCREENS = ("graph", "query", "models", "live", "history", "scenes", "operate", "io")


@pytest.mark.parametrize("screen", SCREENS)
def test_each_screen_opens_without_an_error_and_axe_finds_nothing_serious(
    page: Page, screen: str
) -> None:
    page.open(f"g/default/{screen}")
    page.get(f"rail.{screen}").wait_for()
    assert page.get(f"rail.{screen}").get_attribute("aria-current") == "page"
    page.raw.wait_for_timeout(400)
    page.check()


def test_keys_go_from_screen_to_screen_and_the_palette_finds_a_model(page: Page) -> None:
    page.open("g/default/models")
    page.get("rail.models").wait_for()
    page.raw.keyboard.press("g")
    page.raw.keyboard.press("l")
    page.get("live").wait_for()
    assert "test" in page.parameters()
    page.raw.keyboard.press("Control+k")
    page.get("palette.field").fill("meeting")
    page.get("palette.model.dtmi:kastor:sample:MeetingRoom;1").click()
    page.get("models.detail").wait_for()
    assert page.raw.url.split("?")[0].endswith("/models/dtmi%3Akastor%3Asample%3AMeetingRoom%3B1")


def test_letters_can_be_switched_off(page: Page) -> None:
    page.open("settings")
    page.get("settings.letters").click()
    page.raw.keyboard.press("Tab")
    page.raw.keyboard.press("g")
    page.raw.keyboard.press("m")
    page.raw.wait_for_timeout(200)
    assert page.get("settings").is_visible()
    page.check()
