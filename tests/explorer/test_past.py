"""Time: the whole page at an instant, what differs between two, and the way back."""

from __future__ import annotations

import re
import time

import httpx2
from playwright.sync_api import expect

from tests.explorer.browser import Page

HAZEL = "room-2-14"


def _write(api: httpx2.Client, path: str, value: object) -> str:
    patch = [{"op": "replace", "path": path, "value": value}]
    assert api.patch(f"/digitaltwins/{HAZEL}", json=patch).status_code == 204
    newest: str = api.get("/kastor/v1/history").json()["newest"]["time"]
    return newest


def _slide(page: Page, first: str) -> None:
    """Go back change by change, then by the handle; let it play on, and come back."""
    tile = page.get(f"graph.tree.{HAZEL}")
    seen: list[str] = []
    # The set point, then the temperature: behind them is what was there before.
    for value in ("29.5°", "29.5°", "18.5°"):
        page.raw.keyboard.press("[")
        page.until(lambda: page.parameters().get("at", "~") not in (*seen, "~"), "[ leads nowhere")
        seen.append(page.parameters()["at"])
        expect(tile).to_contain_text(value)
    handle = page.get("time.handle").bounding_box()
    assert handle is not None
    y = handle["y"] + handle["height"] / 2
    page.raw.mouse.move(handle["x"] + handle["width"] / 2, y)
    page.raw.mouse.down()
    page.raw.mouse.move(handle["x"] - 120, y, steps=4)
    page.raw.mouse.up()
    page.until(lambda: page.parameters()["at"] < first, "the handle does not lead back")
    before = page.parameters()["at"]
    page.get("time.play").click()
    page.until(lambda: page.parameters().get("at", "~") > before, "time does not go on")
    page.raw.keyboard.press("n")
    page.until(lambda: "at" not in page.parameters(), "n does not lead to now")


def test_story_22_time(page: Page, api: httpx2.Client) -> None:
    before = _write(api, "/thermostat/currentTemperature", 17.0)
    first = _write(api, "/thermostat/currentTemperature", 18.5)
    # Instants of the address have milliseconds: the next change has to be in another one.
    time.sleep(0.02)
    _write(api, "/thermostat/currentTemperature", 29.5)
    second = _write(api, "/thermostat/setPoint", 16.5)

    page.open_graph(f"?sel={HAZEL}&lens=thermostat.currentTemperature")
    row = page.get("inspector.row.thermostat.currentTemperature")
    tile = page.get(f"graph.tree.{HAZEL}")
    expect(row.locator("input")).to_have_value("29.5")
    expect(tile).to_contain_text("29.5°")
    where = page.position_of(HAZEL)
    _slide(page, first)

    page.open_graph(f"?sel={HAZEL}&lens=thermostat.currentTemperature&at={first}")
    expect(tile).to_contain_text("18.5°")
    expect(row).to_contain_text("18.5")
    assert page.position_of(HAZEL) == where
    expect(page.get("statusbar.dot")).to_have_attribute("data-state", "past")
    # Nothing can be edited: no field, no act that writes.
    expect(page.get("inspector.row.thermostat.setPoint").locator("input")).to_have_count(0)
    page.check()

    page.open(f"g/default/query?at={first}")
    page.write(
        "query.editor",
        f"SELECT T.thermostat.currentTemperature AS t FROM DIGITALTWINS T WHERE T.$dtId = '{HAZEL}'",
    )
    page.get("query.run").click()
    expect(page.get("query.table")).to_contain_text("18.5")

    page.open_graph(f"?sel={HAZEL}&at={first}")
    page.raw.keyboard.press("n")
    page.until(lambda: "at" not in page.parameters(), "n does not lead to now")
    expect(row.locator("input")).to_have_value("29.5")

    page.open(f"g/default/history?as=diff&a={first}&b={second}")
    expect(page.get("history.diff.counts")).to_have_text(re.compile("1"))
    listed = page.get("history.diff.list")
    expect(listed).to_contain_text("29.5")
    expect(listed).to_contain_text("16.5")
    expect(listed).not_to_contain_text("17")
    assert listed.inner_text().count("→") == 2
    page.check()
    assert before < first < second


def test_what_was_removed_stands_as_a_ghost_where_it_was(page: Page, api: httpx2.Client) -> None:
    found = api.post(
        "/query",
        json={
            "query": "SELECT S, R FROM DIGITALTWINS T JOIN S RELATED T.hasSensor R "
            f"WHERE T.$dtId = '{HAZEL}'"
        },
    ).json()["value"][0]
    sensor, tie = found["S"], found["R"]
    body = {key: value for key, value in sensor.items() if key not in ("$etag", "$dtId")}
    body["$metadata"] = {"$model": sensor["$metadata"]["$model"]}
    twins = int(api.get("/kastor/v1/status").json()["counts"]["twins"])
    assert api.put("/digitaltwins/old-sensor", json=body | {"name": "Old sensor"}).is_success
    line = f"/digitaltwins/{HAZEL}/relationships/old-tie"
    name = tie["$relationshipName"]
    assert api.put(line, json={"$targetId": "old-sensor", "$relationshipName": name}).is_success, (
        name
    )
    then = api.get("/kastor/v1/history").json()["newest"]["time"]
    time.sleep(0.02)
    assert api.delete(line).is_success
    assert api.delete("/digitaltwins/old-sensor").is_success

    page.open(f"g/default/history?as=diff&a={then}")
    listed = page.get("history.diff.list")
    listed.get_by_text("old-sensor", exact=True).click()
    expect(page.get("inspector.was")).to_be_visible()
    expect(page.get("inspector.name")).to_have_text("Old sensor")
    page.get("history.on-graph").click()
    page.wait_for_graph()
    ghost = page.get("graph.tree.old-sensor")
    page.get("graph.differences.next").click()
    page.until(lambda: page.parameters().get("sel") is not None, "nothing is walked to")
    page.until(lambda: page.get("graph.differences.next").is_visible(), "no notice")
    # It lies in the room in which it lay, is marked, and counts as nothing that is there.
    page.zoom_to("old-sensor", 0.25)
    x, y = page.position_of("old-sensor")
    assert page.colours_at(x, y, 40)[page.token("--danger")] > 20
    expect(page.get("graph.canvas")).to_have_attribute("data-nodes", str(twins))
    expect(page.get("graph.legend.Sensor")).to_contain_text("147")
    page.raw.mouse.click(x, y)
    expect(page.get("inspector.was")).to_be_visible()
    expect(page.get("inspector.name")).to_have_text("Old sensor")
    expect(page.get("inspector.menu")).to_be_visible()
    expect(ghost).to_contain_text("removed")
    page.check()

    page.get("graph.differences.off").click()
    page.until(
        lambda: page.raw.evaluate("() => window.__kastor.positionOf('old-sensor') == null"),
        "the ghost stays",
    )
