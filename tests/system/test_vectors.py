"""Search by vectors as a process sees it: within its bytes, beside other work, and without numpy."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import apsw
import httpx2
import numpy as np
import pytest

from kastor.storage.sqlite.folder import DataFolder
from kastor.testing import KastorServer

pytestmark = pytest.mark.skipif(
    os.environ.get("KASTOR_TEST_ENGINE") == "postgres", reason="fills a file of SQLite"
)
VERSION = {"api-version": "2023-10-31"}
MODEL = {
    "@id": "dtmi:near:Thing;1",
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;3",
    "contents": [
        {
            "@type": "Property",
            "name": "embedding",
            "schema": {"@type": "Array", "elementSchema": "double"},
        }
    ],
}
BODY = {"$metadata": {"$model": "dtmi:near:Thing;1"}}
TWINS, DIMS = 20_000, 512
BYTES = TWINS * DIMS * 4  # 41 MB
ROOM = 2**22


@contextmanager
def _started(server: KastorServer) -> Iterator[httpx2.Client]:
    """Yield a client of a graph with a model and a twin."""
    with server, httpx2.Client(base_url=server.url, params=VERSION, timeout=60) as client:
        assert client.post("/models", json=[MODEL]).status_code == 201
        assert client.put("/digitaltwins/t0", json=BODY).status_code == 200
        yield client


def _fill(folder: Path) -> np.ndarray[Any, Any]:
    """Put twins with vectors beside them into a graph's file; return the vectors, by key."""
    rows = np.random.default_rng(7).standard_normal((TWINS, DIMS), np.float32)
    with closing(apsw.Connection(str(DataFolder(folder).graph_file))) as connection, connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(twins)")]
        names = ", ".join(each for each in columns if each not in ("key", "id", "doc"))
        connection.executemany(
            f"INSERT INTO twins (id, doc, {names})"
            f" SELECT ?1, jsonb_set(doc, '$.\"$dtId\"', ?1), {names} FROM twins WHERE id = 't0'",
            ((f"t{number}",) for number in range(1, TWINS)),
        )
        connection.executemany(
            "INSERT INTO vectors (index_name, twin_key, version, changed, vector)"
            " SELECT 'side', key, 1, ?, ? FROM twins WHERE id = ?",
            ((n + 1, rows[n].astype(">f4").tobytes(), f"t{n}") for n in range(TWINS)),
        )
    return rows


def _own(server: KastorServer) -> int:
    """Return the memory of a process, without what it maps of files."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    found = re.search(r"RssAnon:\s+(\d+)", status)
    assert found is not None
    return int(found[1]) * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_what_has_no_room_is_read_within_bounds_while_others_are_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _started(KastorServer(data_dir=tmp_path)) as client:
        body = {"dims": DIMS, "metric": "l2"}
        for name in ("side", "empty"):
            assert client.put(f"/kastor/v1/vectors/{name}", json=body).status_code == 201
    rows = _fill(tmp_path)
    monkeypatch.setenv("KASTOR_MAX_VECTOR_BYTES", str(ROOM))
    with KastorServer(data_dir=tmp_path) as server, httpx2.Client(timeout=60) as client:
        url, waits, sizes, done = server.url, [0.0], [0], threading.Event()

        def near(vector: Any, index: str = "side") -> list[str]:
            asked = {"vector": vector, "index": index, "limit": 5}
            answer = client.post(f"{url}/digitaltwins/search", params=VERSION, json=asked)
            assert answer.status_code == 200, answer.text
            return [each["$dtId"] for each in answer.json()["value"]]

        def ask() -> None:
            with httpx2.Client() as other:
                while not done.is_set():
                    began = time.perf_counter()
                    assert other.get(f"{url}/healthz").status_code == 200
                    waits.append(time.perf_counter() - began)
                    sizes.append(_own(server))

        assert near([1.0] * DIMS, "empty") == []  # numpy is there from here on
        near([1.0] * DIMS)  # and SQLite's own cache of pages is full
        before, began = _own(server), time.perf_counter()
        asking = threading.Thread(target=ask)
        asking.start()
        try:
            for number in (17, TWINS - 1):
                expected = np.argsort(np.sqrt(((rows - rows[number]) ** 2).sum(axis=1)))[:5]
                assert near(rows[number].tolist()) == [f"t{each}" for each in expected]
        finally:
            done.set()
            asking.join()
        took = time.perf_counter() - began
        limits = client.get(f"{url}/kastor/v1/limits").json()["value"]
        [used] = [each for each in limits if each["name"] == "max_vector_bytes"]
        assert used["value"] == ROOM
        assert used["used"] <= ROOM
        status = client.get(f"{url}/kastor/v1/vectors/side").json()["status"]
        assert status == {"twins": TWINS, "vectors": TWINS, "without": 0, "lag": 0}
        grown = max(sizes) - before
        print(f"grown {grown / 1e6:.1f} MB, worst /healthz {max(waits):.3f} s of {took:.2f} s")
        assert grown < BYTES / 2
        assert max(waits) < 1
        assert max(waits) < took / 2


HIDING = (
    "import sys\n"
    "class Hide:\n"
    "    def find_spec(self, name, path=None, target=None):\n"
    "        if name.split('.')[0] == 'numpy':\n"
    "            raise ModuleNotFoundError(name)\n"
    "sys.meta_path.insert(0, Hide())\n"
)


def test_without_numpy_all_but_the_search_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(HIDING)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with _started(KastorServer(data_dir=tmp_path / "d")) as client:
        for number in range(3):
            twin = {**BODY, "embedding": [number, 1]}
            assert client.put(f"/digitaltwins/t{number}", json=twin).status_code == 200
        body = {"dims": 2, "metric": "l2", "property": "embedding"}
        assert client.put("/kastor/v1/vectors/meaning", json=body).status_code == 201
        asked = {"vector": [2, 1], "index": "meaning"}
        refused = client.post("/digitaltwins/search", json=asked)
        assert refused.status_code == 501
        error = refused.json()["error"]
        assert error["code"] == "VectorsNotInstalled"
        assert "pip install '.[vectors]'" in error["message"]
        found = client.post("/digitaltwins/search", json={"vector": [2, 1], "limit": 1})
        assert [each["$dtId"] for each in found.json()] == ["t2"]
        text = "SELECT T.$dtId FROM DIGITALTWINS T ORDER BY VECTOR_DISTANCE(T.embedding, $v)"
        found = client.post("/query", json={"query": text, "parameters": {"v": [2, 1]}})
        assert [each["$dtId"] for each in found.json()["value"]] == ["t2", "t1", "t0"]
        told = client.get("/kastor/v1/vectors/meaning").json()["status"]
        assert told == {"twins": 3, "vectors": 3, "without": 0, "lag": 0}
    done = subprocess.run(
        [sys.executable, "-m", "kastor", "doctor", "--data", str(tmp_path / "d")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "pip install '.[vectors]'" in done.stdout
