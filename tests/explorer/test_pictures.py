"""Pictures of every screen, light and dark, in two sizes; some of them stand in the documentation.

They are made where KASTOR_SCREENSHOTS names a folder, and are looked at by whoever changes a screen::

    KASTOR_SCREENSHOTS=/tmp/pictures python3 dev test tests/explorer/test_pictures.py

What is below `docs` in that folder is what belongs into docs/pictures.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, ViewportSize

from kastor.testing import KastorServer
from tests.explorer.browser import Page, context
from tests.explorer.pictures import SCHEMES, SIZES, take

HAZEL = "room-2-14"
LENS = "thermostat.currentTemperature"
WARMEST = (
    "SELECT room.$dtId, room.name, floor.name AS floor, s.temperature FROM DIGITALTWINS floor "
    "JOIN room RELATED floor.hasPart JOIN s RELATED room.hasSensor "
    "WHERE IS_OF_MODEL(s, 'dtmi:kastor:sample:TemperatureSensor;1') ORDER BY s.temperature DESC"
)


def _graph(query: str = "") -> Callable[[Page], None]:
    def show(page: Page) -> None:
        page.open_graph(query)

    return show


def _near(page: Page) -> None:
    page.open_graph(f"?sel={HAZEL}")
    page.zoom_to(HAZEL, 0.2)


def _outline(page: Page) -> None:
    page.open_graph(f"?sel={HAZEL}")
    page.raw.keyboard.press("o")
    page.get("graph.outline").wait_for()


def _query(text: str, view: str, wait: str) -> Callable[[Page], None]:
    def show(page: Page) -> None:
        page.open(f"g/default/query?as={view}")
        page.write("query.editor", text)
        page.get("query.run").click()
        page.get(wait).first.wait_for()

    return show


def _screen(path: str, wait: str) -> Callable[[Page], None]:
    def show(page: Page) -> None:
        page.open(f"g/default/{path}")
        page.get(wait).first.wait_for()

    return show


def _upload(page: Page) -> None:
    page.open("g/default/models")
    page.get("models.upload").click()
    text = '[{"@id": "dtmi:example:Pump;1", "@type": "Interface", "contents": []}]'
    page.get("models.files").set_input_files(
        {"name": "pump.json", "mimeType": "application/json", "buffer": text.encode()}
    )
    page.get("models.send").click()
    page.get("models.problems").wait_for()


def _import_check(page: Page) -> None:
    twins = [
        {"$dtId": HAZEL, "name": "Hazel, renamed"},
        *({"$dtId": f"room-2-{n}", "name": f"Annex {n}"} for n in range(30, 36)),
    ]
    lines: list[dict[str, object]] = [{"Section": "Header"}, {"fileVersion": "1.0.0"}]
    lines.append({"Section": "Twins"})
    model = {"$metadata": {"$model": "dtmi:kastor:sample:MeetingRoom;1"}}
    lines += [{**twin, **model, "thermostat": {"$metadata": {}}} for twin in twins]
    lines.append({"$dtId": "room-2-36", "colour": "red", **model})
    lines.append({"Section": "Relationships"})
    for n in range(30, 37):
        ends = {"$dtId": "floor-2", "$targetId": f"room-2-{n}", "$relationshipName": "hasPart"}
        lines.append({"$relationshipId": f"annex-{n}", **ends})
    text = "\n".join(json.dumps(each) for each in lines)
    page.open("g/default/io/import")
    page.get("io.file").set_input_files(
        {"name": "annex.ndjson", "mimeType": "application/x-ndjson", "buffer": text.encode()}
    )
    page.get("io.check-button").click()
    page.get("io.tiles").wait_for()
    page.raw.locator('[data-testid="io.preview"][data-ready]').wait_for()


def _edit(page: Page) -> None:
    page.open_graph(f"?sel={HAZEL}")
    page.get("inspector.input.name").fill("Hazel, the small one")
    page.get("inspector.bar").wait_for()


def _palette(page: Page) -> None:
    page.open_graph()
    page.raw.keyboard.press("Control+k")
    page.get("palette.field").fill("hazel")
    page.raw.locator('[data-testid^="palette.twin."]').first.wait_for()


def _route(page: Page) -> None:
    page.open("g/default/operate/routes")
    page.get("operate.routes.add").click()
    page.get("operate.preview").wait_for()


def _conflict(page: Page) -> None:
    page.open("g/default/twins/room-2-08")
    field = page.get("inspector.input.thermostat.setPoint")
    began = float(field.input_value())
    field.fill("18.5")
    for path, value in (("/name", "Juniper of the quiet"), ("/thermostat/setPoint", began + 1)):
        patch = [{"op": "replace", "path": path, "value": value}]
        httpx2.patch(f"{page.url}/digitaltwins/room-2-08", json=patch).raise_for_status()
    page.get("inspector.save").click()
    page.get("inspector.conflict").wait_for()


def _diff(page: Page) -> None:
    page.open("g/default/history?as=diff&a=-3h&b=-2h")
    page.get("history.diff.list").wait_for()


def _dead_letters(page: Page) -> None:
    own = f"{page.url}/kastor/v1"
    hook = {"kind": "webhook", "settings": {"url": f"{page.url}/query"}}
    httpx2.put(f"{own}/endpoints/alarms", json=hook).raise_for_status()
    route = {"endpointName": "alarms", "filter": "CHANGED(temperature)"}
    httpx2.put(f"{page.url}/eventroutes/warm", json=route).raise_for_status()
    for value in (31.5, 32.0):
        patch = [{"op": "replace", "path": "/temperature", "value": value}]
        httpx2.patch(f"{page.url}/digitaltwins/temp-2-14", json=patch).raise_for_status()
    page.open("g/default/operate/routes")
    page.get("operate.routes.row.warm").click()
    page.get("operate.deadletter").first.wait_for()


def _empty(page: Page) -> None:
    made = httpx2.put(f"{page.url}/kastor/v1/graphs/nothing-yet", json={})
    assert made.status_code in (201, 409), "made, or made for the picture of another size"
    page.open("g/nothing-yet/graph")
    page.get("graph.empty").wait_for()


def _live(page: Page) -> None:
    page.open("g/default/live")
    page.get("live").wait_for()
    for n, twin in enumerate(("temp-2-14", "temp-2-08", "temp-3-04", "temp-2-14", "temp-1-02")):
        patch = [{"op": "replace", "path": "/temperature", "value": 20.5 + n}]
        httpx2.patch(f"{page.url}/digitaltwins/{twin}", json=patch).raise_for_status()
    page.raw.locator('[data-testid^="live.row"]').first.wait_for()


def _settings(page: Page) -> None:
    page.open("settings")
    page.get("settings").wait_for()


def _tour(page: Page) -> None:
    page.open_graph()
    page.command("tour.again")
    page.get("tour").wait_for()


PICTURES: dict[str, Callable[[Page], None]] = {
    "graph": _graph(),
    "graph-lens": _graph(f"?lens={LENS}"),
    "graph-near": _near,
    "graph-force": _graph("?lay=force"),
    "outline": _outline,
    "query": _query(WARMEST, "table", "query.table"),
    "query-error": _query("SELECT * FORM DIGITALTWINS", "table", "query.error"),
    "explain": _query(WARMEST, "explain", "query.explain.steps"),
    "models": _screen("models/dtmi%3Akastor%3Asample%3AMeetingRoom%3B1", "models.contents"),
    "model-graph": _screen("models?as=graph", "models.graph"),
    "upload": _upload,
    "inspector-edit": _edit,
    "live": _live,
    "history": _screen(f"history?twin={HAZEL}&prop={LENS}", "history.values"),
    "past": _graph(f"?sel={HAZEL}&at=-3h"),
    "operate": _screen("operate", "operate.problems"),
    "route": _route,
    "import": _screen("io/import", "io.drop"),
    "import-check": _import_check,
    "scene": _screen("scenes/floor-2", "scenes.paper"),
    "palette": _palette,
    "settings": _settings,
    "tour": _tour,
    "conflict": _conflict,
    "diff": _diff,
    "dead-letters": _dead_letters,
    "empty": _empty,
}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size['width']}x{size['height']}")
def test_every_screen_has_its_picture(
    pictures: Path, sample: KastorServer, browser: Browser, size: ViewportSize, scheme: str
) -> None:
    own = context(browser, color_scheme=scheme)
    page = Page(own.new_page(), sample.url)
    page.let_pass("400|412")
    page.raw.set_viewport_size(size)
    for name, show in PICTURES.items():
        show(page)
        take(page, pictures, name, scheme)
    own.close()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_sheet_of_access_has_its_picture(
    pictures: Path, built: Path, browser: Browser, scheme: str
) -> None:
    assert built
    own = context(browser, color_scheme=scheme)
    with KastorServer(("--explorer", "--auth", "tokens")) as server:
        page = Page(own.new_page(), server.url)
        page.let_pass("401")
        page.open()
        page.get("access.token").wait_for()
        take(page, pictures, "access", scheme)
    own.close()
