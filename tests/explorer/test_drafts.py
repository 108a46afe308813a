"""No editor loses what is written in it: not by a lost connection, not by a reload."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, Locator, expect

from kastor.testing import KastorServer
from tests.explorer.browser import Page, context

ROOM = "room-2-14"
SENSOR = "temp-2-14"
MODEL = "dtmi:kastor:sample:Light;1"
NO_NETWORK = ("ERR_INTERNET_DISCONNECTED", "ERR_FAILED", "ERR_NETWORK")


@dataclass(frozen=True)
class Place:
    """An editor: how something is written in it, where that stands, and how it is sent."""

    write: Callable[[Page], None]
    holds: Callable[[Page], None]
    send: str | None = None
    """Test id of what sends it; nothing where only a button behind it does."""


def _has(test_id: str, text: str) -> Callable[[Page], None]:
    return lambda page: expect(page.get(test_id)).to_have_value(text)


def _shows(test_id: str, text: str) -> Callable[[Page], None]:
    return lambda page: expect(_lines(page, test_id)).to_contain_text(text)


def _lines(page: Page, test_id: str) -> Locator:
    return page.get(test_id).locator(".cm-content")


def _twin(page: Page) -> None:
    page.open(f"g/default/twins/{ROOM}")
    page.get("inspector.input.name").fill("Written offline")
    page.get("inspector.bar").wait_for()


def _several(page: Page) -> None:
    page.open(f"g/default/live?sel=room-2-05,{ROOM}")
    page.get("inspector.set.name").click()
    page.get("inspector.input.name").fill("Both of them")
    page.get("inspector.bar").wait_for()


def _relationship(page: Page) -> None:
    page.open(f"g/default/live?sel={ROOM}/{_relationship_of_room(page)}")
    page.get("inspector.relationship").get_by_role("button", name="Set").first.wait_for()
    page.get("inspector.input.height").fill("2.25")
    page.get("inspector.bar").wait_for()


def _relationship_of_room(page: Page) -> str:
    listed = httpx2.get(
        f"{page.url}/digitaltwins/{ROOM}/relationships", params={"api-version": "2023-10-31"}
    ).json()["value"]
    found: str = next(
        each["$relationshipId"] for each in listed if each["$relationshipName"] == "hasSensor"
    )
    return found


def _json(page: Page) -> None:
    page.open(f"g/default/twins/{SENSOR}?tab=json")
    page.get("inspector.json.edit").click()
    page.write("inspector.json.editor", '{"name": "Half of')


def _query(page: Page) -> None:
    page.open("g/default/query")
    page.write("query.editor", "SELECT half FROM")


def _create(page: Page) -> None:
    page.open(f"g/default/live?sel={ROOM}")
    page.get("inspector.twin").wait_for()
    page.command("twin.create")
    page.get("create-twin").get_by_role("option", name="Light", exact=False).first.click()
    page.get("create-twin.name").fill("Lamp by the door")


def _relate(page: Page) -> None:
    page.open(f"g/default/live?sel={ROOM},room-2-05")
    page.get("inspector.several").wait_for()
    page.command("relationship.create")
    page.get("create-relationship.id").fill("by-hand")


def _upload(page: Page) -> None:
    page.open("g/default/models?edit=upload")
    text = '[{"@id": "dtmi:example:Pump;1", "@type": "Interface", "contents": []}]'
    page.get("models.files").set_input_files(
        {"name": "pump.json", "mimeType": "application/json", "buffer": text.encode()}
    )
    page.get("models.send").click()
    page.get("models.mend.dtmi:example:Pump;1").first.click()
    page.write("models.mender", '{"@id": "dtmi:example:Pump;1", "half of')


def _route(page: Page) -> None:
    page.open("g/default/operate/routes")
    page.get("operate.routes.add").click()
    page.get("operate.route-id").fill("half")
    page.write("operate.filter", "$changed.temperature > 90")


def _endpoint(page: Page) -> None:
    page.open("g/default/operate/endpoints")
    page.get("operate.endpoints.add").click()
    page.get("operate.endpoint-name").fill("hook")
    page.get("operate.endpoint.url").fill("env:KASTOR_SECRET_HALF")


def _input(page: Page) -> None:
    page.open("g/default/operate/inputs")
    page.get("operate.inputs.add").click()
    page.get("operate.input-name").fill("broker")
    page.write("operate.input-settings", '{"host": "half.example.org"}')


def _telemetry(page: Page) -> None:
    page.open("g/default/live")
    page.get("live.telemetry").click()
    page.get("live.telemetry-twin").fill(SENSOR)
    page.get("live.telemetry-body").fill('{"temperature": 4711}')


def _scene(page: Page) -> None:
    page.open("g/default/scenes/floor-2?edit=1")
    page.get("scenes.tab.scene").click()
    page.get("scenes.settings.title").fill("Half a title")


def _scene_holds(page: Page) -> None:
    page.get("scenes.tab.scene").click()
    expect(page.get("scenes.settings.title")).to_have_value("Half a title")


PLACES = {
    "twin": Place(_twin, _has("inspector.input.name", "Written offline"), "inspector.save"),
    "several": Place(_several, _has("inspector.input.name", "Both of them"), "inspector.save"),
    "relationship": Place(_relationship, _has("inspector.input.height", "2.25"), "inspector.save"),
    "json": Place(_json, _shows("inspector.json.editor", "Half of"), "inspector.json.apply"),
    "query": Place(_query, _shows("query.editor", "SELECT half FROM"), "query.run"),
    "create-twin": Place(
        _create, _has("create-twin.name", "Lamp by the door"), "create-twin.create"
    ),
    "create-relationship": Place(
        _relate, _has("create-relationship.id", "by-hand"), "create-relationship.create"
    ),
    "upload": Place(_upload, _shows("models.mender", "half of"), None),
    "route": Place(_route, _shows("operate.filter", "$changed.temperature > 90"), None),
    "endpoint": Place(
        _endpoint,
        _has("operate.endpoint.url", "env:KASTOR_SECRET_HALF"),
        "operate.endpoint-save",
    ),
    "input": Place(_input, _shows("operate.input-settings", "half.example.org"), None),
    "telemetry": Place(
        _telemetry, _has("live.telemetry-body", '{"temperature": 4711}'), "live.telemetry-send"
    ),
    "scene": Place(_scene, _scene_holds, "scenes.save"),
}
FORMS = ("create-twin", "create-relationship", "upload", "route", "endpoint", "input", "telemetry")
"""Those that open by themselves, say why they are filled in, and can be begun anew."""


@pytest.fixture(scope="module")
def writer(sample: KastorServer, browser: Browser) -> Iterator[Page]:
    """Somebody who writes in one place after the other."""
    own = context(browser)
    page = Page(own.new_page(), sample.url)
    for each in (*NO_NETWORK, "400"):
        page.let_pass(each)
    yield page
    page.look_for_errors()
    own.close()


@pytest.mark.parametrize("name", PLACES)
def test_what_is_written_outlives_a_lost_connection_and_a_reload(writer: Page, name: str) -> None:
    page, place = writer, PLACES[name]
    place.write(page)
    place.holds(page)
    network = page.raw.context
    network.set_offline(True)
    if place.send is not None:
        page.get(place.send).click()
    page.raw.wait_for_timeout(300)
    place.holds(page)
    network.set_offline(False)
    page.raw.reload()
    place.holds(page)
    page.look_for_errors()
    if name in FORMS:
        expect(page.get("form.kept")).to_be_visible()
        page.get("form.restart").click()
        expect(page.get("form.kept")).to_have_count(0)
    page.raw.evaluate("() => sessionStorage.clear()")


def test_a_form_that_is_closed_waits_and_one_that_is_cancelled_does_not(writer: Page) -> None:
    page = writer
    _create(page)
    page.raw.keyboard.press("Escape")
    expect(page.get("create-twin")).to_have_count(0)
    page.raw.reload()
    page.get("inspector.twin").wait_for()
    expect(page.get("create-twin")).to_have_count(0)
    page.command("twin.create")
    expect(page.get("create-twin.name")).to_have_value("Lamp by the door")
    page.check()
    page.get("create-twin.cancel").click()
    page.command("twin.create")
    expect(page.get("form.kept")).to_have_count(0)
    expect(page.get("create-twin.name")).to_have_count(0)
    page.get("create-twin.cancel").click()


def test_what_was_said_of_columns_waits_for_the_same_file(writer: Page, tmp_path: Path) -> None:
    page = writer
    file = tmp_path / "rooms.csv"
    file.write_text("number;title\ncsv-1;C1\n")
    page.open("g/default/io/import")
    page.get("io.file").set_input_files(file)
    page.get("io.role.title").click()
    page.raw.get_by_role("option", name="name", exact=True).click()
    page.raw.reload()
    expect(page.get("io.mapped")).to_contain_text("rooms.csv")
    page.get("io.file").set_input_files(file)
    expect(page.get("io.role.title")).to_have_text("name")
    page.check()
    page.get("io.restart").click()
    expect(page.get("io.role.title")).to_have_text("title")
    expect(page.get("io.restart")).to_have_count(0)
