"""Reads of models with all that they inherit: large, and many at once."""

from __future__ import annotations

import json
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kastor.testing import KastorServer

from .watch import watched

VERSION = "api-version=2023-10-31"
DEPTH, PROPERTIES = 8, 1_700


def model(level: int) -> dict[str, Any]:
    contents = [
        {
            "@type": "Property",
            "name": f"p{level}x{n}",
            "schema": "double",
            "comment": "x" * 450,
        }
        for n in range(PROPERTIES)
    ]
    above = {"extends": f"dtmi:t:Level{level - 1};1"} if level else {}
    return {
        "@context": "dtmi:dtdl:context;3",
        "@id": f"dtmi:t:Level{level};1",
        "@type": "Interface",
        "contents": contents,
        **above,
    }


def send(url: str, path: str, body: bytes | None = None) -> bytes:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}{path}", data=body, headers=headers)
    with urllib.request.urlopen(request, timeout=60) as response:
        found: bytes = response.read()
        return found


def test_many_large_flattened_models_at_once() -> None:
    with KastorServer() as server:
        send(
            server.url, f"/models?{VERSION}", json.dumps([model(n) for n in range(DEPTH)]).encode()
        )
        path = f"/models/dtmi:t:Level{DEPTH - 1};1?includeBaseModelContents=true"
        path += f"&{VERSION}"
        with watched(server) as watch, ThreadPoolExecutor(12) as pool:
            sizes = list(pool.map(lambda _: len(send(server.url, path)), range(24)))
        print(watch)
    assert len(set(sizes)) == 1
    assert sizes[0] > 7 * 2**20
