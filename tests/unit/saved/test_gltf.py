"""Three-dimensional models from outside: whole, self-contained, bounded, or refused."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import pytest

from kastor.saved.gltf import BINARY, MOST_NODES, TEXT, check_model
from kastor.saved.refusals import SceneFileRefused


def glb(document: Any, data: bytes | None = b"\0" * 12) -> bytes:
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<II", len(text), 0x4E4F534A) + text
    if data is not None:
        chunks += struct.pack("<II", len(data), 0x004E4942) + data
    return struct.pack("<III", 0x46546C67, 2, 12 + len(chunks)) + chunks


def model(**members: Any) -> dict[str, Any]:
    return {"asset": {"version": "2.0"}, **members}


BUFFER = {"byteLength": 12}
VIEW = {"buffer": 0, "byteLength": 12}
NUMBERS = {"bufferView": 0, "componentType": 5126, "count": 1, "type": "VEC3"}
WHOLE = model(
    buffers=[BUFFER],
    bufferViews=[VIEW],
    accessors=[NUMBERS],
    nodes=[{"children": [1, 2]}, {}, {"children": [3]}, {}],
    images=[{"uri": "data:image/png;base64,AAAA"}, {"bufferView": 0, "mimeType": "image/png"}],
    extras={"note": "a uri is a name here"},
)


def test_a_whole_model_is_taken_in_both_forms() -> None:
    check_model(glb(WHOLE), BINARY)
    inline = "data:application/octet-stream;base64," + base64.b64encode(b"\0" * 12).decode()
    alone = {**WHOLE, "buffers": [{"byteLength": 12, "uri": inline}]}
    for mark in (b"", b"\xef\xbb\xbf"):
        check_model(mark + json.dumps(alone).encode(), TEXT)
    check_model(glb(model(), None), BINARY)


REFUSED: dict[str, tuple[bytes, str]] = {
    "short": (b"glTF", "too short"),
    "many values": (glb(model(extras=[0] * 1_000_001)), "values in its JSON"),
    "an extension that is no name": (glb(model(extensionsUsed=[{}], nodes=[0])), "no object"),
    "a type that is no name": (glb(model(accessors=[{**NUMBERS, "type": []}])), "does not know"),
    "no GLB": (b"\x89PNG" + b"\0" * 40, "no GLB"),
    "version 1": (glb(WHOLE).replace(struct.pack("<I", 2), struct.pack("<I", 1), 1), "no GLB"),
    "cut off": (glb(WHOLE)[:-4], "says that it has"),
    "longer": (glb(WHOLE) + b"\0\0\0\0", "says that it has"),
    "a chunk beyond the end": (
        glb(WHOLE)[:12] + struct.pack("<I", 2**31) + glb(WHOLE)[16:],
        "longer than the file",
    ),
    "no JSON": (glb(WHOLE).replace(b"{", b"[", 1), "not valid JSON"),
    "an array": (glb([]), "no JSON object"),
    "deep": (glb(model(extras=json.loads("[" * 90 + "]" * 90))), "levels"),
    "glTF 1": (glb({"asset": {"version": "1.0"}}), "not glTF 2"),
    "no asset": (glb({}), "not glTF 2"),
    "Draco": (
        glb(model(extensionsUsed=["KHR_draco_mesh_compression"])),
        "gltf-transform/cli copy",
    ),
    "meshopt": (glb(model(extensionsRequired=["EXT_meshopt_compression"])), "cli copy"),
    "KTX2": (glb(model(extensionsUsed=["KHR_texture_basisu"])), "cli ktxdecompress"),
    "a file": (glb(model(buffers=[{"byteLength": 1, "uri": "a.bin"}])), "needs other files"),
    "an address": (glb(model(images=[{"uri": "https://evil.example/1.png"}])), "needs other files"),
    "an address in an extension": (
        glb(model(materials=[{"extensions": {"X": {"URI": "//evil.example"}}}])),
        "needs other files",
    ),
    "data of HTML": (glb(model(images=[{"uri": "data:text/html;base64,AAAA"}])), "other files"),
    "a drawing": (glb(model(images=[{"uri": "data:image/svg+xml;base64,AAAA"}])), "other files"),
    "a buffer that is short": (glb(model(buffers=[{"byteLength": 13}])), "shorter"),
    "a buffer without data": (glb(model(buffers=[BUFFER]), None), "no data"),
    "a second buffer": (glb(model(buffers=[BUFFER, BUFFER])), "no data"),
    "no base64": (
        glb(
            model(buffers=[{"byteLength": 1, "uri": "data:application/octet-stream;base64,A*"}]),
        ),
        "base64",
    ),
    "a view outside": (
        glb(model(buffers=[BUFFER], bufferViews=[{**VIEW, "byteOffset": 1}])),
        "outside",
    ),
    "an accessor outside": (
        glb(model(buffers=[BUFFER], bufferViews=[VIEW], accessors=[{**NUMBERS, "count": 2}])),
        "more than its data",
    ),
    "numbers out of nothing": (
        glb(model(accessors=[{"componentType": 5126, "count": 10**9, "type": "MAT4"}])),
        "numbers that it lacks",
    ),
    "a negative count": (
        glb(model(accessors=[{"componentType": 5126, "count": -1, "type": "VEC2"}])),
        "whole number",
    ),
    "an odd type": (
        glb(model(accessors=[{"componentType": 5126, "count": 1, "type": "VEC9"}])),
        "does not know",
    ),
    "a node inside of itself": (
        glb(model(nodes=[{"children": [1]}, {"children": [0]}])),
        "inside of itself",
    ),
    "a node in two others": (glb(model(nodes=[{"children": [2]}, {"children": [2]}, {}])), "tree"),
    "a child that is none": (glb(model(nodes=[{"children": [7]}])), "tree"),
    "nodes": (glb(model(nodes=[{}] * (MOST_NODES + 1))), "nodes"),
    "nodes that are none": (glb(model(nodes=[1])), "no object"),
    "no array": (glb(model(nodes={})), "no array"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_whole_or_not_bounded_is_refused(name: str) -> None:
    content, words = REFUSED[name]
    with pytest.raises(SceneFileRefused, match=words):
        check_model(content, BINARY)
