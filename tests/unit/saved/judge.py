"""What a stored drawing may hold, said a second time and read by another way than it is written."""

from __future__ import annotations

import base64
import re
from xml.etree import ElementTree as ET

SVG = "{http://www.w3.org/2000/svg}"
ELEMENTS = frozenset(
    """
    svg g defs symbol use image path rect circle ellipse line polyline polygon text tspan textPath
    clipPath mask pattern marker linearGradient radialGradient stop title desc
    """.split()  # noqa: SIM905 - a table
)
LOCAL = re.compile(r"#[^\s\"'()<>\\]+")
PICTURE = re.compile(r"data:image/(?:png|jpeg);base64,([A-Za-z0-9+/]+=*)")
FUNCTIONS = frozenset(
    "rgb rgba hsl hsla matrix translate scale rotate skewX skewY".split()  # noqa: SIM905 - a table
)
HARMFUL = re.compile(
    r"script|style|foreignObject|animate|handler|listener|iframe|embed|object|audio|video|filter"
    r"|base|src|action|formaction|ping|target|class|cursor",
    re.IGNORECASE,
)
NAMED = frozenset({"id", "data-name", "aria-label"})
"""Attributes that may have any text: nothing is done with it but to compare and to show it."""


def judge(text: bytes) -> ET.Element:
    """Parse a stored drawing, and see that it holds nothing that could do anything."""
    said = text.decode("utf-8", "strict")
    assert "<!" not in said
    assert "<?" not in said
    assert "&" not in re.sub(r"&(?:amp|lt|gt|quot|#39|#9|#10|#13);", "", said)
    root = ET.fromstring(text)
    assert root.tag == f"{SVG}svg"
    ids = [each.attrib["id"] for each in root.iter() if "id" in each.attrib]
    assert len(set(ids)) == len(ids), "an id is there twice"
    for element in root.iter():
        assert element.tag.startswith(SVG), element.tag
        assert element.tag.removeprefix(SVG) in ELEMENTS, element.tag
        for name, value in element.attrib.items():
            _judge_attribute(element.tag.removeprefix(SVG), name, value, frozenset(ids))
    return root


def _judge_attribute(tag: str, name: str, value: str, ids: frozenset[str]) -> None:
    if name == "{http://www.w3.org/XML/1998/namespace}space":
        assert value in ("preserve", "default")
        return
    assert "{" not in name, f"{name} is of another namespace"
    assert not name.lower().startswith("on"), name
    assert not HARMFUL.fullmatch(name), name
    if name == "href":
        if tag == "image":
            found = PICTURE.fullmatch(value)
            assert found, value[:100]
            assert base64.b64decode(found[1]).startswith((b"\x89PNG\r\n", b"\xff\xd8\xff"))
        else:
            assert LOCAL.fullmatch(value), value
            assert value[1:] in ids, value
        return
    if name in NAMED:
        return
    for reference in re.findall(r"url\((.*?)\)", value):
        assert LOCAL.fullmatch(reference), value
        assert reference[1:] in ids, value
    for function in re.findall(r"([\w-]*)\s*\(", value.replace("url(", "")):
        assert function == "" or function in FUNCTIONS, value
    if "url(" in value:
        assert re.fullmatch(r"url\(#[^()]*\)", value), value
    assert not re.search(r"[:;@\\{}<>]|//|javascript|expression|import", value), (name, value)
