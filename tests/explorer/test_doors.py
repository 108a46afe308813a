"""An empty graph has doors, and each of them leads where it says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from kastor.testing import KastorServer
from tests.explorer.browser import Page, context
from tests.explorer.conftest import QUERY

PUMP = {
    "@context": "dtmi:dtdl:context;3",
    "@id": "dtmi:kastor:test:Pump;1",
    "@type": "Interface",
    "displayName": "Pump",
    "contents": [{"@type": "Property", "name": "name", "schema": "string", "writable": True}],
}
NDJSON = (
    {"Section": "Header"},
    {"fileVersion": "1.0.0", "author": "test"},
    {"Section": "Models"},
    PUMP,
    {"Section": "Twins"},
    {"$dtId": "pump-1", "$metadata": {"$model": PUMP["@id"]}, "name": "First"},
)


@pytest.fixture(scope="module")
def empty(built: Path) -> Iterator[KastorServer]:
    """A server with nothing in it, and further graphs with nothing in them."""
    assert built
    with KastorServer(("--explorer",)) as server:
        for name in ("models", "import", "drop"):
            assert httpx2.put(f"{server.url}/kastor/v1/graphs/{name}", params=QUERY).is_success
        yield server


@pytest.fixture(scope="module")
def newcomer(empty: KastorServer, browser: Browser) -> Iterator[Page]:
    own = context(browser)
    yield Page(own.new_page(), empty.url)
    own.close()


def _open(page: Page, graph: str) -> None:
    page.open(f"g/{graph}/graph")
    page.get("graph.empty").wait_for()


def test_the_door_to_models_and_the_first_twin(newcomer: Page, tmp_path: Path) -> None:
    page = newcomer
    _open(page, "models")
    expect(page.get("graph.empty")).to_contain_text("An empty graph.")
    page.get("graph.empty.copy").click()
    assert page.copied().startswith("kastor models upload")
    page.check()
    page.get("graph.empty.models").click()
    page.get("models.upload-dialog").wait_for()
    file = tmp_path / "pump.json"
    file.write_text(json.dumps(PUMP))
    page.get("models.files").set_input_files(file)
    page.get("models.send").click()
    expect(page.get("models.upload-dialog")).to_have_count(0)
    page.get("rail.graph").click()
    # There are models, and no twin of them.
    page.get(f"graph.empty.create.{PUMP['@id']}").click()
    page.get("create-twin.name").fill("The first")
    page.get("create-twin.create").click()
    page.raw.locator('[data-testid="graph.canvas"][data-ready][data-nodes="1"]').wait_for()
    expect(page.get("graph.empty")).to_have_count(0)
    page.check()


def test_the_door_to_an_import(newcomer: Page, tmp_path: Path) -> None:
    page = newcomer
    _open(page, "import")
    page.get("graph.empty.import").click()
    file = tmp_path / "graph.ndjson"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in NDJSON))
    page.get("io.file").set_input_files(file)
    page.get("io.run").click()
    expect(page.get("io.check")).to_have_attribute("data-state", "done")
    page.get("rail.graph").click()
    page.raw.locator('[data-testid="graph.canvas"][data-ready][data-nodes="1"]').wait_for()
    page.check()


def test_files_that_are_dropped_go_where_they_belong(newcomer: Page) -> None:
    page = newcomer
    _open(page, "drop")
    # By what is in them: both are called JSON.
    page.drop("pump.json", json.dumps(PUMP))
    expect(page.get("models.candidates")).to_contain_text(str(PUMP["@id"]))
    page.get("models.cancel").click()
    page.get("rail.graph").click()
    page.get("graph.empty").wait_for()
    page.drop("graph.json", "".join(f"{json.dumps(line)}\n" for line in NDJSON))
    expect(page.get("io.count.twins")).to_have_text("1")
    page.check()


def test_the_door_to_the_sample(newcomer: Page) -> None:
    page = newcomer
    _open(page, "default")
    page.get("graph.empty.sample").click()
    page.raw.locator('[data-testid="graph.canvas"][data-ready][data-nodes="342"]').wait_for()
    # It is alive.
    page.until(lambda: page.pulses() > 0, "nothing changes")
    page.check()
