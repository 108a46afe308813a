"""The JavaScript of the how-to page, run as it stands there."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import httpx2
import pytest

from kastor.testing import KastorServer
from tests.programs import need

from .world import BASE, HALL, MODELS, ROOM

pytestmark = pytest.mark.node

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "follow-a-query.md"
VERSION = {"api-version": "2023-10-31"}
DRIVER = """
follow(process.argv[2], process.argv[3], (rows) => console.log(JSON.stringify(rows)))
  .catch((error) => console.log(JSON.stringify({ error: error.message })));
"""


def test_the_pages_javascript_follows_a_query(tmp_path: Path) -> None:
    (example,) = re.findall(r"```js\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    script = tmp_path / "follow.mjs"
    script.write_text(example + DRIVER)
    query = "SELECT T.name FROM DIGITALTWINS T WHERE T.temperature > 20"
    with (
        KastorServer() as server,
        httpx2.Client(base_url=server.url, params=VERSION) as client,
        subprocess.Popen(
            [need("node"), str(script), server.url, query], stdout=subprocess.PIPE, text=True
        ) as page,
    ):
        assert page.stdout is not None
        client.post("/models", json=[MODELS[each] for each in (BASE, ROOM, HALL)])
        assert json.loads(page.stdout.readline()) == []  # ready
        for temperature, name, wanted in (
            (30, "a", [{"name": "a"}]),
            (31, "ü\n'b", [{"name": "ü\n'b"}]),
            (10, "b", []),
        ):
            body = {"$metadata": {"$model": ROOM}, "temperature": temperature, "name": name}
            assert client.put("/digitaltwins/t", json=body).status_code == 200
            assert json.loads(page.stdout.readline()) == wanted
        page.terminate()


def test_the_page_shows_an_error(tmp_path: Path) -> None:
    (example,) = re.findall(r"```js\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    script = tmp_path / "follow.mjs"
    script.write_text(example + DRIVER)
    with KastorServer() as server:
        done = subprocess.run(
            [need("node"), str(script), server.url, "foo"],
            capture_output=True, text=True, timeout=30, check=True,
        )  # fmt: skip
    assert "missing SELECT" in json.loads(done.stdout)["error"]
