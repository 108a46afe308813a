"""Drawings from outside: what an attacker puts into one is refused, or not in what is stored."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kastor.saved.refusals import SceneFileRefused
from kastor.saved.svg import references, sanitise, styles

from .hostile import HARMLESS_AFTER, JPEG, REFUSED, XHTML, picture, png, svg
from .judge import SVG, judge


def kept(text: str | bytes) -> str:
    """What is stored of a drawing, or of what is inside of one, without its root."""
    document = svg(text) if isinstance(text, str) else text
    made = sanitise(document).text
    judge(made)
    assert sanitise(made).text == made, "what is stored stays as it is"
    assert not sanitise(made).dropped
    return re.sub(r"^<svg[^>]*>|</svg>$|^<svg[^>]*/>$", "", made.decode())


AS_TEXT = frozenset(("comment", "comment in a text", "CDATA", "CDATA in a title", "escaped markup"))
NOT_TOLD_APART = frozenset(
    (
        *("escaped markup", "quotes", "break in a value", "ids that are none"),
        *("picture of another kind", "picture that is a bomb"),
    )
)
"""What is harmless as it is where it is nothing but shown, or harmful in ways that are not judged."""


@pytest.mark.parametrize("name", HARMLESS_AFTER)
def test_nothing_is_left_that_does_anything(name: str) -> None:
    found = kept(HARMLESS_AFTER[name])
    assert "evil" not in found
    assert "alert(1)</script" not in found
    whole = sanitise(svg(HARMLESS_AFTER[name]))
    assert whole.dropped or name in AS_TEXT, "whoever sent it is told"
    if name not in NOT_TOLD_APART:
        with pytest.raises(AssertionError):
            judge(svg(HARMLESS_AFTER[name]))


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_made_harmless_is_refused_and_the_cure_named(name: str) -> None:
    document, words = REFUSED[name]
    with pytest.raises(SceneFileRefused, match=words):
        sanitise(document)


def test_a_drawing_as_programs_save_it_comes_through() -> None:
    document = svg(
        """
        <title>Plan &amp; more</title><desc>Second floor</desc>
        <defs>
          <style type="text/css"><![CDATA[
            .wall, .door { fill: none; stroke: #333; stroke-width: 2px }
            rect.room{fill:#eee!important;opacity:0.5} #r2 { fill: url(#g); }
            @media print { .wall { stroke: black } }
          ]]></style>
          <linearGradient id="g" gradientUnits="userSpaceOnUse"><stop offset="0%"
            style="stop-color:rgb(1,2,3);stop-opacity:1"/></linearGradient>
          <symbol id="chair" viewBox="0 0 1 1"><circle r=".5"/></symbol>
        </defs>
        <g inkscape:label="Rooms" transform="translate(1, 2) rotate(-45)">
          <rect id="r1" class="room x" width="10" height="1e1" fill="blue"/>
          <rect id="r2" class="room" style="fill:#fff"/>
          <path id="r\u00e4um-2.14:a" class="wall" d="M0,0 L10-5.5 A1 1 0 0 1 2 3z"/>
          <use xlink:href="#chair" x="3"/>
          <text x="1 2" text-anchor="middle" xml:space="preserve">  Caf\u00e9 &lt;1&gt;
            <tspan dy="1em" font-family="'Open Sans', Arial">b</tspan></text>
          <a href="https://example.com/"><polygon points="0,0 1,1 2,0"/></a>
        </g>
        """,
        head='<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n<!DOCTYPE svg PUBLIC '
        '"-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">\n',
        more='viewBox="0 0 20 10" width="200mm" xmlns:inkscape='
        '"http://www.inkscape.org/namespaces/inkscape"',
    )
    made = sanitise(b"\xef\xbb\xbf" + document)
    root = judge(made.text)
    found = {each.attrib["id"]: each for each in root.iter() if "id" in each.attrib}
    assert root.attrib == {"viewBox": "0 0 20 10", "width": "200mm"}
    assert found["r1"].attrib["fill"] == "#eee", "rules win over attributes"
    assert found["r1"].attrib["opacity"] == "0.5"
    assert found["r2"].attrib["fill"] == "#fff", "style attributes win over rules"
    assert found["r\u00e4um-2.14:a"].attrib["stroke"] == "#333"
    assert found["g"][0].attrib["stop-color"] == "rgb(1,2,3)"
    assert [each.attrib.get("data-name") for each in root.iter(f"{SVG}g")] == ["Rooms", None]
    text = next(root.iter(f"{SVG}text"))
    assert text.text is not None
    assert text.text.startswith("  Caf\u00e9 <1>\n")
    assert [each.attrib["href"] for each in root.iter(f"{SVG}use")] == ["#chair"]
    told = {(each.what, each.name) for each in made.dropped}
    assert told == {("rule", "@media print"), ("value", "href"), ("doctype", "svg")}


def test_pictures_are_kept_and_written_anew() -> None:
    for kind, content in (("png", png()), ("jpeg", JPEG)):
        address = picture(content, kind)
        spaced = address.replace(",", ",\n  ").upper().partition(",")[0].lower()
        spaced += ",&#10; " + address.partition(",")[2]
        assert f'href="{address}"' in kept(f"<image xlink:href='{spaced}'/>")


def test_what_was_taken_out_is_counted_by_kind_with_its_first_line() -> None:
    made = sanitise(svg("\n<script/>\n<script/><rect onload='x'/>" + "<x1/><x2/>" * 200))
    assert [(each.name, each.count, each.line) for each in made.dropped[:2]] == [
        ("script", 2, 2),
        ("onload", 1, 3),
    ]
    many = sanitise(svg("".join(f"<x{n}/>" for n in range(500))))
    assert len(many.dropped) == 100


def test_the_cost_of_a_drawing_is_counted_once_for_each_time_it_is_drawn() -> None:
    most = references.MOST_DRAWN // 1_000
    body = f"<g id='a'>{'<rect/>' * 999}</g>"
    assert kept(body + "<use href='#a'/>" * (most - 10)).count("use") == most - 10
    with pytest.raises(SceneFileRefused, match="shapes"):
        sanitise(svg(body + "<use href='#a'/>" * most))


_NAMES = st.sampled_from(
    """
    svg g rect path text tspan title use image a script style foreignObject animate set pattern
    mask marker linearGradient stop iframe switch metadata feImage SCRIPT h:script x:rect
    """.split()  # noqa: SIM905 - a table
)
_ATTRIBUTES = st.sampled_from(
    """
    id class style href xlink:href onload onclick fill stroke mask clip-path marker-end d points
    width transform xml:base xml:space x:href data-name src viewBox filter cursor font-family
    """.split()  # noqa: SIM905 - a table
)
_VALUES = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            *("#a", "#b", "url(#a)", "url( '#b' )", "url(//e)", "javascript:alert(1)", "a", "b"),
            *("data:image/svg+xml,<svg/>", "fill:url(#a);stroke:url(//e)", "red", "1 2 3", "none"),
            *("rgb(1,2,3)", "expression(1)", "\\75rl(x)", "M0 0", "translate(1)", "&lt;", "]]>"),
            *(picture(png()), "preserve", "var(--x)", "@import url(x)", "'Open Sans'"),
        ]
    ),
)
_STYLES = st.sampled_from(
    ["rect{fill:url(#a)}", ".a{mask:url(//e)}", "@import 'x';", "#b{d:x}", "*{fill:red", "}{", "/*"]
)


def _escaped(text: str) -> str:
    clean = "".join(each for each in text if each.isprintable())
    return clean.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


@st.composite
def _elements(draw: st.DrawFn, depth: int = 0) -> str:
    name = draw(_NAMES)
    attributes = draw(st.dictionaries(_ATTRIBUTES, _VALUES, max_size=4))
    written = "".join(f' {each}="{_escaped(value)}"' for each, value in attributes.items())
    inside = [_escaped(draw(st.text(max_size=10)))]
    if name == "style":
        inside.append(_escaped(draw(_STYLES)))
    if depth < 3:
        inside += draw(st.lists(_elements(depth + 1), max_size=3))
    inside.append(draw(st.sampled_from(["", "<!-- x -->", "<![CDATA[<b>]]>", "<?x y?>"])))
    return f"<{name}{written}>{''.join(inside)}</{name}>"


@given(st.lists(_elements(), max_size=4))
@settings(max_examples=150, deadline=None)
def test_whatever_is_drawn_what_is_stored_is_of_the_allow_list(inside: list[str]) -> None:
    document = svg("".join(inside), more=f'{XHTML} xmlns:x="urn:x"')
    try:
        made = sanitise(document).text
    except SceneFileRefused as error:
        refused = error.message
    else:
        refused = ""
        judge(made)
        again = sanitise(made)
        assert (again.text, list(again.dropped)) == (made, [])
    assert not refused or "refers to itself" in refused


@given(st.binary(max_size=200), st.integers(0, 400))
@settings(max_examples=150, deadline=None)
def test_damaged_drawings_are_refused_or_harmless(noise: bytes, at: int) -> None:
    whole = svg("<style>.a{fill:red}</style><g id='a'><use href='#b'/></g><text>x</text>")
    place = at % len(whole)
    try:
        made = sanitise(whole[:place] + noise + whole[place + len(noise) // 2 :])
    except SceneFileRefused:
        return
    judge(made.text)


def test_a_style_sheet_in_pieces_costs_no_more_than_whole() -> None:
    pieces = "<!-- -->".join("x" * 20 for _ in range(styles.MOST_BYTES // 40))
    assert kept(f"<style>{pieces}</style>") == ""


def test_a_value_of_blanks_is_read_in_one_go() -> None:
    drawing = svg(f"<rect style='fill:a{' ' * 1_000_000}b;stroke:red ! important'/>")
    # What tried each blank anew took half an hour; the time limit of tests is far below it.
    assert b'stroke="red"' in sanitise(drawing).text
