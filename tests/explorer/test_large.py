"""A graph of 10,000 twins: its top first, then all of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from kastor.testing import KastorServer
from tests.explorer.browser import Page, context
from tests.explorer.conftest import QUERY
from tests.explorer.pictures import SCHEMES, take

MODELS = [f"dtmi:kastor:test:{name};1" for name in ("Site", "Building", "Floor", "Room", "Device")]
BUILDINGS, FLOORS, ROOMS, TWINS = 10, 6, 18, 10_000
TOP = 1 + BUILDINGS + BUILDINGS * FLOORS + BUILDINGS * FLOORS * ROOMS
"""Levels that are shown at first: as many as there is room for."""
BATCH = 500
LOAD_MS = 60_000


def _interface(dtmi: str, *contents: dict[str, Any]) -> dict[str, Any]:
    name = {"@type": "Property", "name": "name", "schema": "string"}
    return {
        "@context": "dtmi:dtdl:context;3",
        "@id": dtmi,
        "@type": "Interface",
        "contents": [name, *contents],
    }


def _tree() -> Iterator[tuple[str, str | None]]:
    """Twins with the one that each is part of: buildings, floors, rooms, and devices in turn."""
    yield "site", None
    buildings = [f"b{number}" for number in range(BUILDINGS)]
    floors = [f"{each}-f{number}" for each in buildings for number in range(FLOORS)]
    rooms = [f"{each}-r{number}" for each in floors for number in range(ROOMS)]
    yield from ((each, "site") for each in buildings)
    for level in (floors, rooms):
        yield from ((each, each.rpartition("-")[0]) for each in level)
    for number in range(TWINS - TOP):
        room = rooms[number % len(rooms)]
        yield f"{room}-d{number // len(rooms)}", room


def _operations() -> Iterator[list[dict[str, Any]]]:
    twins, relationships = [], []
    for twin, parent in _tree():
        model = MODELS[0] if parent is None else MODELS[twin.count("-") + 1]
        body = {"name": twin, "$metadata": {"$model": model}}
        twins.append({"op": "put", "kind": "twin", "id": twin, "body": body})
        if parent is not None:
            joined = {"$targetId": twin, "$relationshipName": "hasPart"}
            made = {"op": "put", "kind": "relationship", "source": parent, "id": twin}
            relationships.append({**made, "body": joined})
    every = twins + relationships
    for start in range(0, len(every), BATCH):
        yield every[start : start + BATCH]


@pytest.fixture(scope="module")
def large(built: object) -> Iterator[KastorServer]:
    """A server with 10,000 twins."""
    assert built
    part = {"@type": "Relationship", "name": "hasPart"}
    models = [*(_interface(each, part) for each in MODELS[:-1]), _interface(MODELS[-1])]
    with (
        KastorServer(("--explorer",)) as server,
        httpx2.Client(base_url=server.url, params=QUERY, timeout=60) as client,
    ):
        assert client.post("/models", json=models).status_code == 201
        for operations in _operations():
            answer = client.post("/kastor/v1/batch", json={"operations": operations})
            assert answer.status_code == 200, answer.text
        yield server


def test_story_11_10_000_twins(large: KastorServer, browser: Browser) -> None:
    own = context(browser)
    page = Page(own.new_page(), large.url)
    page.open_graph()
    assert page.canvas("nodes") == str(TOP)
    expect(page.get("graph.notice")).to_contain_text(f"{TOP:,} of 10,000 twins")
    page.check()
    page.get("graph.notice.more").click()
    whole = page.raw.locator('[data-testid="graph.canvas"][data-ready][data-nodes="10000"]')
    whole.wait_for(timeout=LOAD_MS)
    assert page.canvas("edges") == "9999"
    expect(page.get("graph.notice")).to_have_count(0)

    x, y = page.position_of("b4")
    page.raw.mouse.move(700, 880 - 60)
    page.raw.mouse.down()
    page.raw.mouse.move(760, 800, steps=4)
    page.raw.mouse.up()
    page.until(lambda: page.position_of("b4") != (x, y), "the picture is not moved")

    page.raw.keyboard.press("/")
    page.get("graph.find.text").fill("b7-f3-r11-d2")
    found = page.get("graph.find.b7-f3-r11-d2")
    expect(found).to_be_visible()
    before = page.camera()
    page.raw.keyboard.press("Enter")
    page.until(lambda: page.parameters().get("sel") == "b7-f3-r11-d2", "it is not chosen")
    page.until(lambda: page.camera() != before, "it is not brought into view")
    x, y = page.position_of("b7-f3-r11-d2")
    page.until(lambda: page.colours_at(x, y, 40)[page.token("--accent")] > 0, "it has no ring")
    page.check()
    own.close()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_10_000_twins_have_their_picture(
    pictures: Path, large: KastorServer, browser: Browser, scheme: Literal["light", "dark"]
) -> None:
    own = context(browser, color_scheme=scheme)
    page = Page(own.new_page(), large.url)
    page.open_graph()
    take(page, pictures, "large", scheme)
    own.close()
