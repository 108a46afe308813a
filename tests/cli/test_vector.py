"""`kastor vector`: vectors of many twins from files of each kind, and what is told of bad ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from kastor.client import AsyncKastorClient, KastorClient
from kastor.testing import KastorServer
from tests.contract.models import M, building
from tests.system.program import invoked

if TYPE_CHECKING:
    from pathlib import Path

NAMES = [f"t{number}" for number in range(40)]


def vector(number: int) -> list[float]:
    return [float(number), 0.5, -1.0]


@pytest.mark.timeout(120)
def test_many_come_from_a_file_and_a_bad_one_is_told(tmp_path: Path) -> None:
    with KastorServer() as server, KastorClient(server.url) as client:
        url = {"KASTOR_URL": server.url}
        client.models.upload([M])
        for name in NAMES:
            client.twins.put(name, building())
        client.vectors.put_index("side", 3, metric="l2")
        assert [each["name"] for each in client.vectors.list_indexes()] == ["side"]

        matrix, ids = tmp_path / "m.npy", tmp_path / "ids.txt"
        np.save(matrix, np.array([vector(n) for n in range(40)], np.float32))
        ids.write_text("\n".join(NAMES) + "\n")
        done = invoked("vector", "put", "side", str(matrix), "--ids", str(ids), **url)
        assert (done.returncode, done.stdout) == (0, "Put 40 vectors into side.\n"), done.stderr
        assert client.vectors.get_index("side")["status"]["vectors"] == 40
        assert client.vectors.get("t7", "side") == vector(7)

        listed = tmp_path / "v.json"
        listed.write_text(json.dumps({"t1": vector(9), "t2": [1.0], "gone": vector(1)}))
        done = invoked("vector", "put", "side", str(listed), **url)
        assert done.returncode == 7, done.stderr
        assert done.stdout.endswith("Put 1 vector into side; 2 refused.\n")
        assert client.vectors.get("t1", "side") == vector(9)

        lines = tmp_path / "v.ndjson"
        with client.export(with_settings=True) as answer:
            exported = [bytes(line) for line in answer.lines()]
        lines.write_bytes(b"".join(line + b"\n" for line in exported if b'"vector"' in line))
        client.vectors.delete("t1", "side")
        assert invoked("vector", "put", "side", str(lines), **url).returncode == 0
        assert client.vectors.get("t1", "side") == vector(9)

        for text, words in (('{"$dtId": "t1"}\n', "line 1 has to be like"), ("{\n", "valid JSON")):
            lines.write_text(text)
            done = invoked("vector", "put", "side", str(lines), **url)
            assert (done.returncode, done.stdout) == (1, "")
            assert words in done.stderr
            assert "Traceback" not in done.stderr
        ids.write_text("t1\n")
        done = invoked("vector", "put", "side", str(matrix), "--ids", str(ids), **url)
        assert "40 rows" in done.stderr
        assert "names 1 twin." in done.stderr
        matrix.write_bytes(b"\x80no numpy")
        done = invoked("vector", "put", "side", str(matrix), "--ids", str(ids), **url)
        assert (done.returncode, "no array" in done.stderr) == (1, True)
        done = invoked("vector", "put", "none", str(listed), **url)
        assert done.returncode == 3, done.stderr


@pytest.mark.anyio
async def test_the_client_that_does_not_wait_has_them_too() -> None:
    with KastorServer() as server:
        async with AsyncKastorClient(server.url) as client:
            await client.models.upload([M])
            await client.twins.put("a", building())
            made = await client.vectors.put_index("side", 2, models=["dtmi:x;1"])
            assert made == {"name": "side", "dims": 2, "metric": "cosine", "models": ["dtmi:x;1"]}
            await client.vectors.put("a", "side", [1, 0.5])
            assert await client.vectors.get("a", "side") == [1.0, 0.5]
            await client.vectors.delete("a", "side")
            await client.vectors.drop_index("side")
            assert await client.vectors.list_indexes() == []
