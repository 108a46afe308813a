"""What is around every screen."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, urlsplit

import httpx2
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


def test_files_dropped_anywhere_lead_to_the_screen_that_takes_them(page: Page) -> None:
    page.open_graph()
    model = {"@id": "dtmi:test:Dropped;1", "@type": "Interface", "@context": "dtmi:dtdl:context;3"}
    page.drop("dropped.json", json.dumps(model))
    page.raw.wait_for_url("**/models**")
    expect(page.get("models.upload-dialog")).to_contain_text("dtmi:test:Dropped;1")
    page.raw.keyboard.press("Escape")
    expect(page.get("models.upload-dialog")).to_have_count(0)

    page.open("g/default/live")
    expect(page.get("frame.me")).to_be_visible()
    page.drop("rooms.csv", "$dtId,$model,name\nr1,dtmi:test:Room;1,One\n")
    page.raw.wait_for_url("**/io/import**")
    expect(page.get("io.drop")).to_contain_text("rooms.csv")
    # Another one takes its place, wherever on the page it falls.
    page.drop("floors.csv", "$dtId,$model,name\nf1,dtmi:test:Floor;1,One\n")
    expect(page.get("io.drop")).to_contain_text("floors.csv")


def test_letters_can_be_switched_off(page: Page) -> None:
    page.open("settings")
    page.get("settings.letters").click()
    page.raw.keyboard.press("Tab")
    page.raw.keyboard.press("g")
    page.raw.keyboard.press("m")
    page.raw.wait_for_timeout(200)
    assert page.get("settings").is_visible()
    page.check()


def test_a_picture_stands_alone_where_its_address_says_so(page: Page, api: httpx2.Client) -> None:
    page.open_graph("?sel=room-2-14&lens=thermostat.currentTemperature")
    page.get("graph.share").click()
    page.get("graph.share.embed").click()
    expect(page.get("toast")).to_contain_text("alone")
    address = page.copied()
    assert "embed" in address
    page.raw.goto(f"{address.partition('#')[0]}&test")
    page.wait_for_graph()
    expect(page.get("frame.alone.mark")).to_have_attribute("data-state", "live")
    for part in ("rail.graph", "frame.find", "statusbar.dot", "inspector.twin", "graph.fit"):
        expect(page.get(part)).not_to_be_visible()
    expect(page.get("graph.legend")).to_be_visible()
    # It is alive, and stays alone wherever one goes in it.
    patch = [{"op": "replace", "path": "/thermostat/currentTemperature", "value": 31.5}]
    assert api.patch("/digitaltwins/room-2-14", json=patch).status_code == 204
    expect(page.get("graph.tree.room-2-14")).to_contain_text("31.5")
    page.check()
    page.raw.keyboard.press("2")
    page.raw.wait_for_url("**lay=tree**")
    assert page.raw.evaluate("() => new URLSearchParams(location.search).has('embed')")
    page.get("frame.alone.mark").hover()
    assert "embed" not in (page.get("frame.alone.mark").get_attribute("href") or "")
