"""The feed: nothing is missed at its beginning, and windows of one browser share it."""

from __future__ import annotations

from typing import Any

import httpx2
from playwright.sync_api import Browser, Route, expect

from kastor.testing import KastorServer
from tests.explorer.browser import Page, context

HAZEL = "room-2-14"
FEED = "**/kastor/v1/events?*"
WINDOWS = 7


def _set(api: httpx2.Client, value: float) -> None:
    patch = [{"op": "replace", "path": "/thermostat/setPoint", "value": value}]
    assert api.patch(f"/digitaltwins/{HAZEL}", json=patch).status_code == 204


def _set_point(page: Page, value: str) -> None:
    field = page.get("inspector.row.thermostat.setPoint").locator("input")
    expect(field).to_have_value(value)


def test_a_change_between_the_first_read_and_a_late_feed_is_not_missed(
    page: Page, api: httpx2.Client
) -> None:
    _set(api, 20.5)
    before = int(api.get("/kastor/v1/status").json()["counts"]["twins"])
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.raw.route(FEED, hold)
    page.open_graph(f"?sel={HAZEL}")
    _set_point(page, "20.5")
    # What was read is of before, and the feed begins after it.
    _set(api, 23.5)
    room = api.get(f"/digitaltwins/{HAZEL}").json()
    room["$metadata"] = {"$model": room["$metadata"]["$model"]}
    del room["$etag"]
    assert api.put("/digitaltwins/late-room", json=room | {"$dtId": "late-room"}).is_success
    [late] = held
    late.continue_()
    try:
        _set_point(page, "23.5")
        expect(page.get("graph.canvas")).to_have_attribute("data-nodes", str(before + 1))
    finally:
        api.delete("/digitaltwins/late-room")


def test_seven_windows_read_one_stream_and_the_next_one_goes_on_with_it(
    sample: KastorServer, browser: Browser, api: httpx2.Client
) -> None:
    own = context(browser)
    asked: list[Any] = []  # any: Playwright's requests
    own.on("request", lambda each: asked.append(each) if "/v1/events?" in each.url else None)
    _set(api, 19.0)
    pages = [Page(own.new_page(), sample.url) for _ in range(WINDOWS)]
    for each in pages:
        each.open(f"g/default/live?sel={HAZEL}")
    for each in pages:
        expect(each.get("statusbar.dot")).to_have_attribute("data-state", "live")
        _set_point(each, "19")
    assert len(asked) == 1
    _set(api, 19.5)
    for each in pages:
        _set_point(each, "19.5")
        expect(each.get("live.row")).to_have_count(1)

    # A pause is of one window; what happened meanwhile comes when it goes on.
    pages[3].get("statusbar.dot").click()
    card = pages[3].get("statusbar.connection")
    card.get_by_role("button", name="Pause").click()
    expect(pages[3].get("statusbar.dot")).to_have_attribute("data-state", "paused")
    expect(pages[4].get("statusbar.dot")).to_have_attribute("data-state", "live")

    # The one that leads goes; what happens in that moment is heard by all others.
    pages[0].raw.close()
    _set(api, 20.0)
    others = [pages[1], pages[2], *pages[4:]]
    for each in others:
        _set_point(each, "20")
        expect(each.get("live.row")).to_have_count(2)
    assert asked[-1].header_value("last-event-id") is not None
    assert len(asked) == 2

    card.get_by_role("button").first.click()
    _set_point(pages[3], "20")
    expect(pages[3].get("live.row")).to_have_count(2)
    expect(pages[3].get("statusbar.dot")).to_have_attribute("data-state", "live")
    for each in pages[1:]:
        each.look_for_errors()
    own.close()
