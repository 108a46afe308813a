"""What is not as it should be: a server that goes and comes back, a browser without WebGL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from kastor.testing import KastorServer
from tests.explorer.browser import Page, context
from tests.explorer.conftest import QUERY
from tests.ports import free_port

HAZEL = "room-2-14"
SENSOR = "temp-2-14"
LIVE = '[data-testid="statusbar.dot"][data-state="live"]'
NO_WEBGL = """
const getContext = HTMLCanvasElement.prototype.getContext
HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
  return kind.includes('webgl') ? null : getContext.call(this, kind, ...more)
}
"""


@pytest.fixture
def mortal(built: Path, tmp_path: Path) -> Iterator[KastorServer]:
    """A server with the sample, whose address and folder outlive it."""
    server = KastorServer(("--explorer", "--port", str(free_port())), data_dir=tmp_path / "data")
    with server:
        sample = {"name": "building", "simulate": False}
        assert httpx2.post(f"{server.url}/kastor/v1/sample", json=sample).status_code == 200
        yield server


def _patch(server: KastorServer, twin: str, path: str, value: object) -> None:
    patch = [{"op": "replace", "path": path, "value": value}]
    answer = httpx2.patch(f"{server.url}/digitaltwins/{twin}", json=patch, params=QUERY)
    assert answer.status_code == 204, answer.text


def test_a_server_that_comes_back_has_lost_nothing(mortal: KastorServer, browser: Browser) -> None:
    own = context(browser)
    page, listener = (Page(own.new_page(), mortal.url) for _ in range(2))
    for each in (page, listener):
        each.let_pass(
            "ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY|ERR_CONNECTION_RESET"
        )
        each.let_pass("412")
    listener.open("g/default/live")
    listener.raw.locator(LIVE).wait_for()
    page.open_graph(f"?sel={SENSOR}")
    page.raw.locator(LIVE).wait_for()
    page.get("inspector.input.temperature").fill("33.25")
    page.get("inspector.bar").wait_for()

    mortal.stop()
    dot = page.get("statusbar.dot")
    expect(dot).to_have_attribute("data-state", "reconnecting")
    expect(page.get("statusbar")).to_contain_text("reconnecting")
    assert page.canvas("nodes") == "342"
    expect(page.get("inspector.name")).to_contain_text("Hazel")
    page.get("inspector.save").click()
    expect(page.get("inspector.refused")).to_be_visible()
    expect(page.get("inspector.input.temperature")).to_have_value("33.25")
    page.check()

    mortal.start()
    # Before the page has noticed: what is written now has to reach it all the same.
    _patch(mortal, SENSOR, "/name", "Renamed meanwhile")
    body = {"$metadata": {"$model": "dtmi:kastor:sample:Site;1"}}
    assert httpx2.put(f"{mortal.url}/digitaltwins/new-site", json=body, params=QUERY).is_success
    expect(page.get("inspector.name")).to_have_text("Renamed meanwhile", timeout=30_000)
    expect(dot).to_have_attribute("data-state", "live")
    page.raw.locator('[data-testid="graph.canvas"][data-nodes="343"]').wait_for()
    events = listener.get("live")
    expect(events).to_contain_text("new-site", timeout=30_000)
    expect(events).to_contain_text("Renamed meanwhile")
    page.get("inspector.save").click()
    expect(page.get("inspector.bar")).to_have_count(0)
    held = httpx2.get(f"{mortal.url}/digitaltwins/{SENSOR}", params=QUERY).json()
    assert (held["temperature"], held["name"]) == (33.25, "Renamed meanwhile")
    page.check()
    listener.check()
    own.close()


def test_a_browser_without_webgl_has_the_picture_the_outline_and_the_table(page: Page) -> None:
    page.raw.add_init_script(NO_WEBGL)
    page.open_graph()
    expect(page.get("graph.lost")).to_contain_text("no WebGL")
    assert page.canvas("nodes") == "342"
    x, y = page.position_of(HAZEL)
    assert len(page.colours_at(x, y, 40)) > 1
    page.click_twin(HAZEL)
    expect(page.get("inspector.name")).to_have_text("Meeting room Hazel")
    page.raw.keyboard.press("o")
    outline = page.get("graph.outline")
    expect(outline).to_contain_text("Second floor")
    page.check()
    page.raw.keyboard.press("g")
    page.raw.keyboard.press("q")
    page.write("query.editor", "SELECT * FROM DIGITALTWINS")
    page.get("query.run").click()
    expect(page.get("query.table.row.0")).to_be_visible()
    page.raw.get_by_role("radio", name="Graph").click()
    page.raw.locator('[data-testid="query.graph"][data-ready]').wait_for()
    page.check()
