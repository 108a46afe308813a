"""Pictures inside of drawings: PNG and JPEG as data, looked at before they are kept."""

from __future__ import annotations

import base64
import binascii
import re
import struct

MOST_PIXELS = 100_000_000
"""Of one picture, so that no small file becomes gigabytes where it is shown."""

_DATA = re.compile(r"\s*data:image/(png|jpeg|jpg);base64,", re.IGNORECASE)
_BLANKS = str.maketrans("", "", " \t\r\n\f")
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of a JPEG after which its size stands."""


def read_picture(value: str) -> str | None:
    """Return the `data:` address of a picture, written anew; None where it is none that is kept."""
    match = _DATA.match(value)
    if match is None:
        return None
    try:
        content = base64.b64decode(value[match.end() :].translate(_BLANKS), validate=True)
    except (binascii.Error, ValueError):
        return None
    is_png = match[1].lower() == "png"
    size = _size_of_png(content) if is_png else _size_of_jpeg(content)
    if size is None or not 0 < size[0] * size[1] <= MOST_PIXELS:
        return None
    kind = "png" if is_png else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _size_of_png(content: bytes) -> tuple[int, int] | None:
    if not content.startswith(_PNG) or content[12:16] != b"IHDR" or len(content) < 33:  # noqa: PLR2004 - a header
        return None
    width, height = struct.unpack(">II", content[16:24])
    return width, height


def _size_of_jpeg(content: bytes) -> tuple[int, int] | None:
    """Return width and height, from the first segment that tells them."""
    if not content.startswith(_JPEG):
        return None
    at = 2
    while at + 9 < len(content) and content[at] == 0xFF:  # noqa: PLR2004 - begins a marker
        marker = content[at + 1]
        if marker in _SIZES:
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return width, height
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    return None
