"""The form of a scene: all that it may have is taken, whatever else is a mistake with its place."""

from __future__ import annotations

from typing import Any

import pytest

from kastor.errors import InvalidArgument
from kastor.saved.scene import MOST_BINDINGS, read_scene

ON = {"model": "dtmi:example:Room;1"}


def behaviour(**members: Any) -> dict[str, Any]:
    known = {"id": "b", "name": "B", "on": ON, "property": "a.b", "effect": {"kind": "ramp"}}
    return known | members


def scene(**members: Any) -> dict[str, Any]:
    known = {"version": 1, "title": "T", "file": "f.svg", "bindings": [], "behaviours": []}
    return known | members


def effect(kind: str, **members: Any) -> dict[str, Any]:
    return scene(behaviours=[behaviour(effect={"kind": kind, **members})])


def widget(kind: str, **members: Any) -> dict[str, Any]:
    return scene(behaviours=[behaviour(widgets=[{"kind": kind, **members}])])


RANGES = [
    {"to": 18, "color": "accent", "label": "cold"},
    {"from": 18, "to": 26.5, "color": "#0B6A74"},
    {"value": "off", "color": "muted"},
    {"value": True, "color": "ok"},
]
TAKEN = (
    scene(twin="floor-2", view={"camera": [1, {"x": None}]}),
    scene(bindings=[{"element": f"e{n}", "twin": "t"} for n in range(MOST_BINDINGS)]),
    scene(behaviours=[behaviour(on={"elements": ["a", "b"]}, scale=1.8, offset=32, off=True)]),
    effect("ramp", min=18, max=26.5, reverse=True),
    effect("ranges", ranges=RANGES, otherwise="muted"),
    effect("label", text="{value} {unit}", digits=1),
    effect("badge", when={"op": "unset"}, icon="triangle-alert", color="danger", text="no value"),
    effect("opacity", **{"from": 0, "to": 10, "low": 0.2, "high": 0.9}),
    *(effect("visible", when={"op": op, "value": 1}) for op in ("=", "!=", "<", "<=", ">", ">=")),
    effect("visible", when={"op": "set"}),
    widget("value", property="thermostat.setPoint", label="Set point"),
    widget("sparkline", minutes=1_440),
    widget("link", text="Manual", url="https://example.com/rooms/{id}?a=b#c"),
)
REFUSED: tuple[tuple[dict[str, Any], str], ...] = (
    (scene(version=2), "/version"),
    (scene(title=""), "/title"),
    (scene(more=1), ""),
    (scene(bindings=[{"element": "e"}]), "/bindings/0"),
    (scene(bindings=[{"element": "e", "twin": "t" * 129}]), "/bindings/0/twin"),
    (scene(bindings=[{"element": "e", "twin": "t"}] * 2), "/bindings/1/element"),
    (scene(bindings=[{"element": f"e{n}", "twin": "t"} for n in range(2_001)]), "/bindings"),
    (scene(behaviours=[behaviour(), behaviour()]), "/behaviours/1/id"),
    (scene(behaviours=[behaviour(id="a b")]), "/behaviours/0/id"),
    (scene(behaviours=[behaviour(on={})]), "/behaviours/0/on"),
    (scene(behaviours=[behaviour(on={**ON, "elements": ["a"]})]), "/behaviours/0/on"),
    (scene(behaviours=[behaviour(property="a['b']")]), "/behaviours/0/property"),
    (effect("magic"), "/behaviours/0/effect/kind"),
    (effect("ramp", min="cold"), "/behaviours/0/effect/min"),
    (effect("ranges", ranges=[]), "/behaviours/0/effect/ranges"),
    (effect("ranges", ranges=[{"color": "ok"}]), "/behaviours/0/effect/ranges/0"),
    (
        effect("ranges", ranges=[*RANGES, {"from": 1, "value": 2, "color": "ok"}]),
        "/behaviours/0/effect/ranges/4",
    ),
    (
        effect("ranges", ranges=[{"to": 1, "color": "url(//evil.example)"}]),
        "/behaviours/0/effect/ranges/0/color",
    ),
    (effect("visible", when={"op": "like", "value": 1}), "/behaviours/0/effect/when/op"),
    (effect("visible", when={"op": ">"}), "/behaviours/0/effect/when"),
    (effect("badge", when={"op": "set"}, icon="<b>"), "/behaviours/0/effect/icon"),
    (effect("opacity", **{"from": 0, "to": 1, "high": 2}), "/behaviours/0/effect/high"),
    (widget("link", text="x", url="javascript:alert(1)"), "/behaviours/0/widgets/0/url"),
    (widget("link", text="x", url="https://a/'><script>"), "/behaviours/0/widgets/0/url"),
    (widget("sparkline", minutes=0), "/behaviours/0/widgets/0/minutes"),
)


@pytest.mark.parametrize("document", TAKEN)
def test_all_of_the_form_is_taken(document: dict[str, Any]) -> None:
    assert read_scene(document).title == "T"


@pytest.mark.parametrize(("document", "path"), REFUSED)
def test_whatever_else_is_refused_with_its_place(document: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        read_scene(document)
    assert caught.value.details[0].place == {"path": path}
