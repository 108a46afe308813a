"""What is around every screen, and the screens that are small."""

from __future__ import annotations

import json

import httpx2
import pytest
from playwright.sync_api import expect

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


def _drop(page: Page, name: str, text: str) -> None:
    data = page.raw.evaluate_handle(
        """([name, text]) => {
          const data = new DataTransfer()
          data.items.add(new File([text], name))
          return data
        }""",
        [name, text],
    )

    def tell(event: str) -> None:
        page.raw.dispatch_event("body", event, {"dataTransfer": data})

    def is_shown() -> bool:
        # As browsers do, again and again while it is over the page.
        tell("dragover")
        return page.get("frame.drop").is_visible()

    tell("dragenter")
    page.until(is_shown, "nothing says that it may be dropped")
    tell("drop")
    expect(page.get("frame.drop")).to_have_count(0)


def test_files_dropped_anywhere_lead_to_the_screen_that_takes_them(page: Page) -> None:
    page.open_graph()
    model = {"@id": "dtmi:test:Dropped;1", "@type": "Interface", "@context": "dtmi:dtdl:context;3"}
    _drop(page, "dropped.json", json.dumps(model))
    page.raw.wait_for_url("**/models**")
    expect(page.get("models.upload-dialog")).to_contain_text("dtmi:test:Dropped;1")
    page.raw.keyboard.press("Escape")
    expect(page.get("models.upload-dialog")).to_have_count(0)

    page.open("g/default/live")
    expect(page.get("frame.me")).to_be_visible()
    _drop(page, "rooms.csv", "$dtId,$model,name\nr1,dtmi:test:Room;1,One\n")
    page.raw.wait_for_url("**/io/import**")
    expect(page.get("io.drop")).to_contain_text("rooms.csv")
    # Another one takes its place, wherever on the page it falls.
    _drop(page, "floors.csv", "$dtId,$model,name\nf1,dtmi:test:Floor;1,One\n")
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
