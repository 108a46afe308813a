"""Graphs with something of everything, and what is left of them after a backup."""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING, Any

import apsw
import httpx2
import zstandard

from kastor.storage.sqlite.transfer import SqliteGraphFile
from kastor.storage.tables import COPIED
from kastor.storage.transfer import TableDigest, digest
from kastor.testing import KastorServer

if TYPE_CHECKING:
    from pathlib import Path

VERSION = {"api-version": "2023-10-31"}
MODEL = {
    "@id": "dtmi:backup:Thing;1",
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;3",
    "contents": [
        {"@type": "Property", "name": "size", "schema": "double"},
        {"@type": "Property", "name": "note", "schema": "string"},
        {"@type": "Relationship", "name": "next"},
    ],
}
OLD = {"@id": "dtmi:backup:Old;1", "@type": "Interface", "@context": "dtmi:dtdl:context;3"}
GONE = {"@id": "dtmi:backup:Gone;1", "@type": "Interface", "@context": "dtmi:dtdl:context;3"}
SIZES = [0, 1.0, -2.5, 1e22, 1.5e-9, 2**53 + 1, 9_223_372_036_854_775_807, 1e300]


def twin(size: float = 1, note: str = "n\u00e4\U0001f600 \u2028") -> dict[str, Any]:
    return {"$metadata": {"$model": MODEL["@id"]}, "size": size, "note": note}


def fill(http: httpx2.Client, events: Path, graph: str = "") -> None:
    """Models of all states, versions, deletions, telemetry, a route, an input, an index."""

    def put(path: str, body: object) -> None:
        done = http.put(f"{graph}{path}", json=body)
        assert done.is_success, done.text

    assert http.post(f"{graph}/models", json=[MODEL, OLD, GONE]).status_code == 201
    decommission = [{"op": "replace", "path": "/decommissioned", "value": True}]
    assert http.patch(f"{graph}/models/{OLD['@id']}", json=decommission).status_code == 204
    assert http.delete(f"{graph}/models/{GONE['@id']}").status_code == 204
    put("/kastor/v1/endpoints/log", {"kind": "file", "settings": {"path": str(events)}})
    put("/eventroutes/r", {"endpointName": "log", "filter": "true"})
    rules = [{"twin": "{/a}", "patch": {"/size": "/b"}}]
    put("/kastor/v1/inputs/hook", {"kind": "webhook", "settings": {"rules": rules}})
    put("/kastor/v1/indexes/size", None)
    put("/kastor/v1/vectors/side", {"dims": 3, "metric": "l2"})
    put("/kastor/v1/vectors/inside", {"dims": 2, "property": "a.b", "models": ["dtmi:x;1"]})
    put("/kastor/v1/explorer/views/\u00e4 view", {"zoom": 1.50})
    plan = b'<svg xmlns="http://www.w3.org/2000/svg"><title>\xc3\xa4</title></svg>'
    drawn = {"content-type": "image/svg+xml"}
    path = f"{graph}/kastor/v1/explorer/files/plan"
    assert http.put(path, content=plan, headers=drawn).is_success
    for number, size in enumerate(SIZES):
        put(f"/digitaltwins/t{number}", twin(size))
        patch = [{"op": "replace", "path": "/note", "value": f"again {number}"}]
        assert http.patch(f"{graph}/digitaltwins/t{number}", json=patch).status_code == 204
    for number in (1, 2, 7):  # t7 goes, and its vector with it
        vector = {"vector": [number, 0.1, -2.5]}
        put(f"/kastor/v1/digitaltwins/t{number}/vectors/side", vector)
    assert http.delete(f"{graph}/kastor/v1/digitaltwins/t2/vectors/side").status_code == 204
    for number in range(1, 6):
        body = {"$relationshipName": "next", "$targetId": f"t{number}"}
        put(f"/digitaltwins/t{number - 1}/relationships/r", body)
    put("/digitaltwins/t0/relationships/r", {"$relationshipName": "next", "$targetId": "t3"})
    assert http.delete(f"{graph}/digitaltwins/t4/relationships/r").status_code == 204
    assert http.delete(f"{graph}/digitaltwins/t7").status_code == 204
    note = [{"op": "replace", "path": "/note", "value": "as proposed"}]
    operation = {"op": "patch", "kind": "twin", "id": "t5", "body": note}
    proposal = {"operations": [operation], "reason": "a reason \u00e4"}
    made = http.post(f"{graph}/kastor/v1/proposals", json=proposal).json()
    applied = f"{graph}/kastor/v1/proposals/{made['id']}/apply"
    assert http.post(applied, json={"token": made["token"]}).is_success
    assert http.post(f"{graph}/digitaltwins/t1/telemetry", json={"a": [1, 2.50]}).is_success


def plant_drawing(graph: Path) -> None:
    """Put a hostile drawing where a graph's file has its own, and one that is none."""
    drawing = b'<svg xmlns="http://www.w3.org/2000/svg" onload="x()"><script>x()</script></svg>'
    connection = apsw.Connection(str(graph))
    for name, kind in (("hostile", "image/svg+xml"), ("page", "text/html")):
        connection.execute(
            "INSERT INTO saved (kind, name, content_type, size, etag, created, updated, actor, data)"
            " VALUES ('files', ?, ?, ?, 'e', 1, 1, 'mallory', ?)",
            (name, kind, len(drawing), drawing),
        ).fetchall()
    connection.close()


def require_harmless(server: KastorServer) -> None:
    """Fetch what `plant_drawing` left."""
    files = f"{server.url}/kastor/v1/explorer/files"
    answer = httpx2.get(f"{files}/hostile")
    assert (answer.status_code, answer.text) == (200, '<svg xmlns="http://www.w3.org/2000/svg"/>')
    refused = httpx2.get(f"{files}/page")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "SceneFileRefused")


def make_source(folder: Path, events: Path) -> Path:
    """Fill two graphs of a data folder, the default one and `second`; return the folder."""
    events.parent.mkdir()
    with (
        KastorServer(("--file-root", str(events.parent)), data_dir=folder) as server,
        httpx2.Client(base_url=server.url, params=VERSION, timeout=30) as http,
    ):
        fill(http, events)
        assert http.put("/kastor/v1/graphs/second").is_success
        fill(http, events.with_name("second.ndjson"), "/graphs/second")
    connection = apsw.Connection(str(folder / "graphs" / "default.sqlite3"))
    letter = "INSERT INTO dead_letters VALUES (7, 'r', 3, X'00FF7B', 'refused', 5, 99, 0)"
    connection.execute(letter).fetchall()
    connection.close()
    return folder


def digests(file: Path) -> dict[str, TableDigest]:
    """What is in a graph's file."""

    async def read() -> dict[str, TableDigest]:
        graph = SqliteGraphFile.reading(file)
        try:
            return await digest(graph, COPIED)
        finally:
            await graph.close()

    return asyncio.run(read())


def graph_file(data: Path, name: str = "default") -> Path:
    return data / "graphs" / f"{name}.sqlite3"


def manifest_of(backup: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((backup / "manifest.json").read_text("utf-8"))
    return found


def lines_of(backup: Path, name: str = "default") -> list[bytes]:
    with (backup / f"{name}.jsonl.zst").open("rb") as file:
        return zstandard.ZstdDecompressor().stream_reader(file).read().splitlines(keepends=True)


def make_large(path: Path, count: int) -> None:
    """Make a graph with documents of 2 MB each that do not compress."""
    path.parent.mkdir(parents=True)
    asyncio.run(_write_large(path, count))


async def _write_large(path: Path, count: int) -> None:
    graph = SqliteGraphFile.writing(path)
    try:
        await graph.put(COPIED[0], [(1, "dtmi:a:B;1")], fresh=True)
        twins = next(table for table in COPIED if table.name == "twins")
        for key in range(1, count + 1):
            doc = json.dumps({"$dtId": f"t{key}", "text": os.urandom(2**20).hex()})
            await graph.put(twins, [(key, f"t{key}", 1, "e", 1, 5, key, "me", doc)], fresh=True)
        await graph.finish()
    finally:
        await graph.close()
