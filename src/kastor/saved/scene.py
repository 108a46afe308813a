"""The form of a scene: a drawing or a model, what its elements stand for, and how they show it.

Who shows scenes may rely on all of this; whatever else is meant to stand in one goes into `view`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

from kastor.errors import Detail, InvalidArgument
from kastor.types import Document

MOST_BINDINGS = 2_000
MOST_BEHAVIOURS = 50

_Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200)]
_Template: TypeAlias = Annotated[str, Meta(min_length=1, max_length=500)]
_Element: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200)]
_Twin: TypeAlias = Annotated[str, Meta(min_length=1, max_length=128)]
_Path: TypeAlias = Annotated[
    str, Meta(pattern=r"^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*){0,9}\Z", max_length=500)
]
_Dtmi: TypeAlias = Annotated[str, Meta(pattern=r"^dtmi:", max_length=2_048)]
_Color: TypeAlias = Annotated[
    str, Meta(pattern=r"^(?:accent|ok|warn|danger|pulse|muted|#[0-9A-Fa-f]{6})\Z")
]
_Icon: TypeAlias = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,39}\Z")]
_Url: TypeAlias = Annotated[
    str, Meta(pattern=r"^https?://[^\s\x00-\x1f\"'<>\\]+\Z", max_length=2_000)
]
_Value: TypeAlias = bool | int | float | Annotated[str, Meta(max_length=1_000)]
_Share: TypeAlias = Annotated[float, Meta(ge=0, le=1)]

_PLACE = re.compile(r" - at `\$?(.*)`\Z")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")


class _Form(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of a scene; members that it does not have are mistakes."""


class ValueComparison(_Form, frozen=True, tag_field="op"):
    """A condition on a value."""

    value: _Value


class Equal(ValueComparison, frozen=True, tag="="):
    """The value is this one."""


class NotEqual(ValueComparison, frozen=True, tag="!="):
    """It is another one."""


class Less(ValueComparison, frozen=True, tag="<"):
    """It is smaller."""


class LessOrEqual(ValueComparison, frozen=True, tag="<="):
    """It is not larger."""


class Greater(ValueComparison, frozen=True, tag=">"):
    """It is larger."""


class GreaterOrEqual(ValueComparison, frozen=True, tag=">="):
    """It is not smaller."""


class IsSet(_Form, frozen=True, tag_field="op", tag="set"):
    """There is a value."""


class IsUnset(_Form, frozen=True, tag_field="op", tag="unset"):
    """There is none."""


Condition: TypeAlias = (
    Equal | NotEqual | Less | LessOrEqual | Greater | GreaterOrEqual | IsSet | IsUnset
)


class Range(_Form, frozen=True, rename={"start": "from", "end": "to"}):
    """A colour for values from `start` up to before `end`, or for one value."""

    color: _Color
    start: float | None = None
    end: float | None = None
    value: _Value | None = None
    label: _Text | None = None


class Ramp(_Form, frozen=True, tag_field="kind", tag="ramp"):
    """Elements are filled by the scale of colours, between two values or those that are seen."""

    min: float | None = None
    max: float | None = None
    reverse: bool = False


class Ranges(_Form, frozen=True, tag_field="kind", tag="ranges"):
    """Elements are filled by the first range that fits."""

    ranges: Annotated[tuple[Range, ...], Meta(min_length=1, max_length=20)]
    otherwise: _Color | None = None


class Visible(_Form, frozen=True, tag_field="kind", tag="visible"):
    """Elements are shown while a condition holds."""

    when: Condition


class Label(_Form, frozen=True, tag_field="kind", tag="label"):
    """Elements have a text with the value in it."""

    text: _Template
    digits: Annotated[int, Meta(ge=0, le=6)] | None = None


class Badge(_Form, frozen=True, tag_field="kind", tag="badge"):
    """Elements have a mark while a condition holds."""

    when: Condition
    icon: _Icon
    color: _Color | None = None
    text: _Text | None = None


class Opacity(
    _Form, frozen=True, tag_field="kind", tag="opacity", rename={"start": "from", "end": "to"}
):
    """Elements are as dense as the value lies between two others."""

    start: float
    end: float
    low: _Share = 0.15
    high: _Share = 1


Effect: TypeAlias = Ramp | Ranges | Visible | Label | Badge | Opacity


class ValueWidget(_Form, frozen=True, tag_field="kind", tag="value"):
    """A value beside the element."""

    property: _Path | None = None
    label: _Text | None = None


class Sparkline(_Form, frozen=True, tag_field="kind", tag="sparkline"):
    """How a value went."""

    property: _Path | None = None
    minutes: Annotated[int, Meta(ge=1, le=10_080)] = 60


class Link(_Form, frozen=True, tag_field="kind", tag="link"):
    """A way to elsewhere."""

    text: _Text
    url: _Url


Widget: TypeAlias = ValueWidget | Sparkline | Link


class On(_Form, frozen=True):
    """Which elements: all that are bound to twins of a model, or those that are named."""

    model: _Dtmi | None = None
    elements: (
        Annotated[tuple[_Element, ...], Meta(min_length=1, max_length=MOST_BINDINGS)] | None
    ) = None


class Behaviour(_Form, frozen=True):
    """How elements show a property of their twins."""

    id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}\Z")]
    name: _Text
    on: On
    property: _Path
    effect: Effect
    widgets: Annotated[tuple[Widget, ...], Meta(max_length=10)] = ()
    scale: float = 1
    offset: float = 0
    off: bool = False


class Binding(_Form, frozen=True):
    """An element of the file, and the twin that it stands for."""

    element: _Element
    twin: _Twin


class Scene(_Form, frozen=True):
    """A scene.

    Attributes:
        file: name of the scene file.
        twin: what the scene is of.
        view: what whoever shows it remembers; nobody else looks at it.
    """

    version: Literal[1]
    title: _Text
    file: Annotated[str, Meta(min_length=1, max_length=128)]
    bindings: Annotated[tuple[Binding, ...], Meta(max_length=MOST_BINDINGS)]
    behaviours: Annotated[tuple[Behaviour, ...], Meta(max_length=MOST_BEHAVIOURS)]
    twin: _Twin | None = None
    view: dict[str, Any] = {}  # any: JSON that is not looked at


def read_scene(document: Document) -> Scene:
    """Return the scene that a document is.

    Raises:
        InvalidArgument: it is none; the details name the place.
    """
    try:
        scene = msgspec.convert(document, Scene)
    except msgspec.ValidationError as error:
        said, path = _placed(str(error))
        raise _wrong(said, path) from None
    _require_once("/bindings", "element", [each.element for each in scene.bindings])
    _require_once("/behaviours", "id", [each.id for each in scene.behaviours])
    for n, each in enumerate(scene.behaviours):
        if (each.on.model is None) == (each.on.elements is None):
            raise _wrong("A behaviour is on a model or on elements", f"/behaviours/{n}/on")
        if isinstance(each.effect, Ranges):
            _require_ranges(each.effect.ranges, f"/behaviours/{n}/effect/ranges")
    return scene


def _require_ranges(ranges: Iterable[Range], path: str) -> None:
    for n, each in enumerate(ranges):
        bounded = each.start is not None or each.end is not None
        if bounded == (each.value is not None):
            raise _wrong("A range has from, to or both, or else a value", f"{path}/{n}")


def _require_once(path: str, member: str, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for n, each in enumerate(values):
        if each in seen:
            raise _wrong(f"{each[:80]!r} stands there twice", f"{path}/{n}/{member}")
        seen.add(each)


def _placed(message: str) -> tuple[str, str]:
    """Return what is wrong and where, as a JSON pointer."""
    match = _PLACE.search(message)
    if match is None:
        return message, ""
    steps = (each[1] or each[2] for each in _STEP.finditer(match[1]))
    pointer = "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in steps)
    return message[: match.start()], pointer


def _wrong(said: str, path: str) -> InvalidArgument:
    message = f"The scene is not valid: {said}, at {path or '/'}."
    return InvalidArgument(message, details=(Detail("InvalidArgument", message, {"path": path}),))
