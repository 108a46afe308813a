"""What is around every screen."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from playwright.sync_api import expect

from tests.explorer.browser import Page

LETTERS = {
    # Keys that lead to screens, and what is there then.
    "m": "models",
    "l": "live",
    "h": "history.tab.diff",
    "s": "scenes.card.floor-2",
    "o": "operate",
    "i": "io.drop",
    ",": "settings",
    "g": "graph.legend",
    "q": "query.run",
}


def test_the_mark_of_tests_goes_along_and_enters_no_link(page: Page) -> None:
    page.open("g/default/graph?sel=room-2-14")
    page.wait_for_graph()
    for letter, there in LETTERS.items():
        page.raw.keyboard.press("g")
        page.raw.keyboard.press(letter)
        page.get(there).first.wait_for()
        if letter == "q":
            # Where one writes at once, letters are letters.
            expect(page.get("query.editor").locator(".cm-content")).to_be_focused()
            page.raw.evaluate("() => document.activeElement.blur()")
        page.raw.evaluate("() => navigator.clipboard.writeText('')")
        page.raw.keyboard.press("Shift+L")
        page.until(lambda: page.copied() != "", f"no link is copied after g {letter}")
        assert "test" in page.parameters()
        link = urlsplit(page.copied())
        assert "test" not in dict(parse_qsl(link.query, keep_blank_values=True))
        assert link.path == urlsplit(page.raw.url).path
    page.raw.go_back()
    page.get("graph.legend").wait_for()
    assert "test" in page.parameters()
    # The first address leads on to the graph that was looked at last.
    page.open()
    page.wait_for_graph()
    assert "test" in page.parameters()
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
