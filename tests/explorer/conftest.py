"""The explorer is built once, a server with the sample serves all that only looks at it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, sync_playwright

from kastor.testing import KastorServer
from tests.explorer.browser import Page, context, launch
from tests.explorer.pictures import shots
from tests.npm import ROOT
from tests.programs import need

sys.path.insert(0, str(ROOT / "packaging"))

from explorer_build import BuildError, build, is_fresh

QUERY = {"api-version": "2023-10-31"}


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built app; only where nobody has built these sources is it built here."""
    if not is_fresh():
        need("node")
        try:
            build(tell=lambda _: None)
        except BuildError as error:
            pytest.fail(f"the explorer does not build: {error}")
    return ROOT / "explorer" / "dist"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = launch(playwright)
        yield started
        started.close()


@pytest.fixture(scope="module")
def sample(built: Path, browser: Browser) -> Iterator[KastorServer]:
    """A server with the sample building, still: nothing changes but by the test."""
    with KastorServer(("--explorer",)) as server:
        answer = httpx2.post(
            f"{server.url}/kastor/v1/sample", json={"name": "building", "simulate": False}
        )
        assert answer.status_code == 200, answer.text
        yield server


@pytest.fixture
def page(sample: KastorServer, browser: Browser) -> Iterator[Page]:
    """A page of a browser of its own; held at its end to what every page has to keep."""
    own = context(browser)
    opened = Page(own.new_page(), sample.url)
    yield opened
    opened.look_for_errors()
    own.close()


@pytest.fixture
def another(sample: KastorServer, browser: Browser) -> Iterator[Callable[[], Page]]:
    """Further people at the same server."""
    made = []

    def make() -> Page:
        made.append(context(browser))
        return Page(made[-1].new_page(), sample.url)

    yield make
    for each in made:
        each.close()


@pytest.fixture
def api(sample: KastorServer) -> Iterator[httpx2.Client]:
    """Another client of the same graph."""
    # Between two questions a page is looked at, while servers close what is idle.
    limits = httpx2.Limits(max_keepalive_connections=0)
    with httpx2.Client(base_url=sample.url, params=QUERY, limits=limits) as client:
        yield client


@pytest.fixture
def pictures() -> Path:
    """The folder for pictures, where whoever runs the suite named one."""
    folder = shots()
    if folder is None:
        pytest.skip("KASTOR_SCREENSHOTS names no folder for pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
