"""Three-dimensional models from outside (glTF 2.0): whole, self-contained, and of bounded size.

A model has no scripts, but it can name files elsewhere, call for numbers that are not in it, and
hold itself. All of that is refused here, so that who shows it need not look again.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import orjson

from kastor.nesting import MAX_DEPTH, is_too_deep
from kastor.saved.refusals import refused

BINARY, TEXT = "model/gltf-binary", "model/gltf+json"

MOST_NODES = 100_000
MOST_VALUES = 1_000_000
"""Of the JSON; what is much is in buffers, not in it."""
MOST_NUMBERS = 20_000_000
"""That accessors call for without data, which whoever shows a model has to make up."""

_MAGIC, _VERSION = 0x46546C67, 2
_JSON, _BIN = 0x4E4F534A, 0x004E4942
_HEAD, _CHUNK = 12, 8
_DATA = re.compile(
    r"data:(application/octet-stream|application/gltf-buffer|image/png|image/jpeg);base64,"
)
_CURES = {
    "KHR_draco_mesh_compression": "npx @gltf-transform/cli copy in.glb out.glb",
    "EXT_meshopt_compression": "npx @gltf-transform/cli copy in.glb out.glb",
    "KHR_meshopt_compression": "npx @gltf-transform/cli copy in.glb out.glb",
    "KHR_texture_basisu": "npx @gltf-transform/cli ktxdecompress in.glb out.glb",
}
"""Extensions that need decoders, with the command that does without."""
_WIDTHS = {5120: 1, 5121: 1, 5122: 2, 5123: 2, 5125: 4, 5126: 4}
_PARTS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}

_Gltf: TypeAlias = Mapping[str, Any]  # any: JSON from outside, judged here


def check_model(content: bytes, content_type: str) -> None:
    """See whether a model may be stored, as it is.

    Raises:
        SceneFileRefused: it may not.
    """
    if content_type == BINARY:
        text, binary = _chunks(content)
    else:
        text, binary = content.removeprefix(codecs.BOM_UTF8), None
    document = _decoded(text)
    _require_version(document)
    _require_decodable(document)
    _require_contained(document)
    _require_data(document, binary)
    _require_tree(document)


def _chunks(content: bytes) -> tuple[bytes, bytes | None]:
    """Return the JSON text and the binary part of a GLB."""
    if len(content) < _HEAD + _CHUNK:
        raise refused("The file is too short for a GLB.")
    magic, version, length = struct.unpack_from("<III", content)
    if magic != _MAGIC or version != _VERSION:
        raise refused(f"The file is no GLB of version {_VERSION}.")
    if length != len(content):
        raise refused(f"The GLB says that it has {length} bytes, and it has {len(content)}.")
    found: list[tuple[int, bytes]] = []
    at = _HEAD
    while at < length:
        if at + _CHUNK > length:
            raise refused("The GLB ends within the head of a chunk.")
        size, kind = struct.unpack_from("<II", content, at)
        if size > length - at - _CHUNK or size % 4:
            raise refused("A chunk of the GLB is longer than the file, or not padded.")
        found.append((kind, content[at + _CHUNK : at + _CHUNK + size]))
        at += _CHUNK + size
        if len(found) > 2:  # noqa: PLR2004 - a third one has no meaning
            raise refused("The GLB has more than its two chunks.")
    if found[0][0] != _JSON or (len(found) > 1 and found[1][0] != _BIN):
        raise refused("The GLB does not hold a chunk of JSON and, after it, one of data.")
    return found[0][1], found[1][1] if len(found) > 1 else None


def _decoded(text: bytes) -> _Gltf:
    # Three bytes of `{}` become a hundred: they are counted before anything is made of them.
    if text.count(b",") + text.count(b"{") + text.count(b"[") > MOST_VALUES:
        raise refused(f"The model has more than {MOST_VALUES} values in its JSON.")
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise refused(f"The model is not valid JSON: {error}.") from None
    if not isinstance(found, dict) or is_too_deep(found):
        raise refused(f"The model is no JSON object of at most {MAX_DEPTH} levels.")
    return found


def _require_version(document: _Gltf) -> None:
    asset = document.get("asset")
    version = asset.get("version") if isinstance(asset, dict) else None
    if not isinstance(version, str) or not version.startswith("2."):
        raise refused("The model is not glTF 2. Save it with asset.version 2.0.")


def _require_decodable(document: _Gltf) -> None:
    for member in ("extensionsUsed", "extensionsRequired"):
        for each in _list(document, member):
            if isinstance(each, str) and each in _CURES:
                raise refused(
                    f"The model is compressed with {each}, and no decoder is loaded from "
                    f"elsewhere. Convert it: {_CURES[each]}"
                )


def _require_contained(document: _Gltf) -> None:
    """Refuse whatever names something outside, wherever it stands."""
    for name, value in _members(document):
        if name.lower() in ("uri", "url") and not (
            isinstance(value, str) and _DATA.match(value) is not None
        ):
            raise refused(
                "The model needs other files or addresses (uri). Save it with all that it needs "
                "in one file: npx @gltf-transform/cli copy in.gltf out.glb"
            )


def _require_data(document: _Gltf, binary: bytes | None) -> None:
    """See that there is as much data as the buffers, their views and accessors say."""
    sizes = [_buffer(each, n, binary) for n, each in enumerate(_objects(document, "buffers"))]
    views = []
    for each in _objects(document, "bufferViews"):
        offset, length = _whole(each, "byteOffset", 0), _whole(each, "byteLength")
        buffer = _whole(each, "buffer")
        if buffer >= len(sizes) or offset + length > sizes[buffer]:
            raise refused("A view of the model's buffers lies outside of them.")
        views.append(length)
    made_up = 0
    for each in _objects(document, "accessors"):
        count, parts = _whole(each, "count"), _PARTS.get(str(each.get("type", "")), 0)
        width = _WIDTHS.get(_whole(each, "componentType"), 0)
        if not parts or not width:
            raise refused("An accessor of the model has a type that glTF does not know.")
        if "bufferView" not in each:
            made_up += count * parts
        else:
            view = _whole(each, "bufferView")
            offset = _whole(each, "byteOffset", 0)
            if view >= len(views) or offset + count * parts * width > views[view]:
                raise refused("An accessor of the model calls for more than its data.")
    if made_up > MOST_NUMBERS:
        raise refused(f"The model calls for more than {MOST_NUMBERS} numbers that it lacks.")


def _buffer(buffer: _Gltf, number: int, binary: bytes | None) -> int:
    length, uri = _whole(buffer, "byteLength"), buffer.get("uri")
    if uri is None:
        if number or binary is None:
            raise refused("A buffer of the model has no data.")
        size = len(binary)
    else:
        try:
            size = len(base64.b64decode(uri.partition(",")[2], validate=True))
        except (binascii.Error, ValueError):
            raise refused("A buffer of the model is no valid base64.") from None
    if length > size:
        raise refused("A buffer of the model is shorter than it says.")
    return length


def _require_tree(document: _Gltf) -> None:
    """See that no node is inside of itself, or in two others."""
    nodes = _objects(document, "nodes")
    if len(nodes) > MOST_NODES:
        raise refused(f"The model has more than {MOST_NODES} nodes. Merge some of them.")
    parents: dict[int, int] = {}
    for number, each in enumerate(nodes):
        for child in _list(each, "children"):
            if not isinstance(child, int) or not 0 <= child < len(nodes) or child in parents:
                raise refused("The nodes of the model form no tree.")
            parents[child] = number
    known: set[int] = set()
    for start in range(len(nodes)):
        way: set[int] = set()
        at: int | None = start
        while at is not None and at not in known:
            if at in way:
                raise refused("A node of the model is inside of itself.")
            way.add(at)
            at = parents.get(at)
        known |= way


def _members(value: Any) -> Iterator[tuple[str, Any]]:  # any: JSON from outside
    pending = [value]
    while pending:
        found = pending.pop()
        if isinstance(found, dict):
            yield from found.items()
            pending += found.values()
        elif isinstance(found, list):
            pending += found


def _list(document: _Gltf, name: str) -> Sequence[Any]:  # any: JSON from outside
    found = document.get(name, [])
    if not isinstance(found, list):
        raise refused(f"{name} of the model is no array.")
    return found


def _objects(document: _Gltf, name: str) -> Sequence[_Gltf]:
    found = _list(document, name)
    if not all(isinstance(each, dict) for each in found):
        raise refused(f"{name} of the model holds something that is no object.")
    return found


def _whole(document: _Gltf, name: str, default: int | None = None) -> int:
    found = document.get(name, default)
    if not isinstance(found, int) or isinstance(found, bool) or found < 0:
        raise refused(f"{name} is no whole number somewhere in the model.")
    return found
