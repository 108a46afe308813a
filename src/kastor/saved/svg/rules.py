"""What of a drawing is kept: elements, attributes, and the forms of their values.

Nothing is looked for that is bad. A value is kept if it has one of the forms below, none of which
can name anything outside of the drawing; whatever else there is goes.
"""

from __future__ import annotations

import re

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
XML = "http://www.w3.org/XML/1998/namespace"
INKSCAPE = "http://www.inkscape.org/namespaces/inkscape"

TEXTS = frozenset({"text", "tspan", "textPath"})
"""Elements whose text is drawn; in `NAMING` ones it is read out."""
NAMING = frozenset({"title", "desc"})
ELEMENTS = (
    TEXTS
    | NAMING
    | frozenset(
        (
            *("svg", "g", "defs", "symbol", "use", "image"),
            *("path", "rect", "circle", "ellipse", "line", "polyline", "polygon"),
            *("clipPath", "mask", "pattern", "marker"),
            *("linearGradient", "radialGradient", "stop"),
        )
    )
)
GROUPS = frozenset({"a", "switch"})
"""Of these what is inside is kept, as a group: neither links nor conditions have a use here."""

REFERRING = frozenset({"use", "textPath", "linearGradient", "radialGradient", "pattern"})
"""Elements whose `href` names another one of the drawing."""

_NUMBERS = r"[0-9eE+\-.,\s]*"
_LENGTHS = re.compile(r"[0-9A-Za-z%+\-.,\s]{0,2000}")
_PATH = re.compile(r"[MmZzLlHhVvCcSsQqTtAa0-9eE+\-.,\s]*")
_POINTS = re.compile(_NUMBERS)
_TRANSFORM = re.compile(
    rf"\s*(?:(?:matrix|translate|scale|rotate|skewX|skewY)\s*\({_NUMBERS}\)[\s,]*){{0,50}}|none"
)
_KEYWORDS = re.compile(r"[A-Za-z0-9\-\s]{0,100}")
_FAMILIES = re.compile(r"[\w\s,.\-'\"]{0,300}")
_NAME = r"[^\s\x00-\x20\x7f\"'()<>#&\\%`{}]{1,200}"
_URL = re.compile(rf"""url\(\s*(["']?)#({_NAME})\1\s*\)""")
_COLOR = (
    r"(?:#[0-9A-Fa-f]{3,8}|[A-Za-z][A-Za-z\-]{0,40}"
    r"|(?:rgb|rgba|hsl|hsla)\([0-9.,%\s/+\-A-Za-z]{0,100}\))"
)
_PAINT = re.compile(rf"\s*{_COLOR}\s*")
_ID = re.compile(_NAME)
_TEXT = re.compile(r"[^\x00-\x1f\x7f]{0,1000}")

_FORMS: dict[re.Pattern[str], str] = {
    _LENGTHS: (
        "x y width height cx cy r rx ry x1 y1 x2 y2 dx dy fx fy fr offset rotate pathLength"
        " viewBox refX refY markerWidth markerHeight orient startOffset textLength"
        " stroke-width stroke-dasharray stroke-dashoffset stroke-miterlimit stroke-opacity"
        " fill-opacity opacity stop-opacity font-size letter-spacing word-spacing baseline-shift"
        " font-weight"
    ),
    _PATH: "d",
    _POINTS: "points",
    _TRANSFORM: "transform gradientTransform patternTransform",
    _KEYWORDS: (
        "preserveAspectRatio gradientUnits spreadMethod patternUnits patternContentUnits"
        " clipPathUnits maskUnits maskContentUnits markerUnits lengthAdjust method spacing role"
        " fill-rule clip-rule stroke-linecap stroke-linejoin display visibility overflow"
        " font-style font-variant font-stretch text-anchor text-decoration dominant-baseline"
        " alignment-baseline writing-mode vector-effect paint-order shape-rendering"
        " text-rendering image-rendering color-interpolation direction unicode-bidi"
        " pointer-events"
    ),
    _PAINT: "fill stroke color stop-color",
    _FAMILIES: "font-family",
    _TEXT: "data-name aria-label",
}
FORMS: dict[str, re.Pattern[str]] = {
    name: form for form, names in _FORMS.items() for name in names.split()
}
"""Attributes of which the whole value has to match."""
POINTING = frozenset(
    {"fill", "stroke", "clip-path", "mask", "marker-start", "marker-mid", "marker-end"}
)
"""Attributes whose value may be `url(#id)`; those of `FORMS` may have other values too."""
MARKERS = frozenset({"marker-start", "marker-mid", "marker-end"})
_PROPERTIES = """
fill fill-opacity fill-rule stroke stroke-width stroke-opacity stroke-linecap stroke-linejoin
stroke-miterlimit stroke-dasharray stroke-dashoffset opacity color display visibility overflow
clip-path clip-rule mask marker-start marker-mid marker-end stop-color stop-opacity font-family
font-size font-style font-variant font-weight font-stretch text-anchor text-decoration
letter-spacing word-spacing dominant-baseline alignment-baseline baseline-shift writing-mode
direction unicode-bidi vector-effect paint-order shape-rendering text-rendering image-rendering
color-interpolation pointer-events
"""
PROPERTIES = frozenset(_PROPERTIES.split())
"""What style sheets may say; the rest of the attributes stand in the elements alone."""


def is_name(value: str) -> bool:
    """Return whether a value may be the id of an element."""
    return _ID.fullmatch(value) is not None


def target_of(value: str) -> str | None:
    """Return the id that `url(#id)` names; None where the value is something else."""
    match = _URL.fullmatch(value.strip())
    return None if match is None else match[2]


def is_kept(name: str, value: str) -> bool:
    """Return whether an attribute may have a value: it names nothing outside of the drawing."""
    if name in POINTING and (value.strip() == "none" or target_of(value) is not None):
        return True
    form = FORMS.get(name)
    return form is not None and form.fullmatch(value) is not None
