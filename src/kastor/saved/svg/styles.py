"""Style sheets of drawings: their simple rules, which become attributes of the elements.

So a drawing needs no style sheet where it is shown, none of its rules reaches what it is shown in,
and no declaration is kept that the attribute of the same name may not have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from kastor.saved.refusals import refused
from kastor.saved.svg import rules
from kastor.saved.svg.notes import DropNotes

MOST_BYTES = 262_144
"""Of all style sheets of a drawing."""
MOST_RULES = 5_000
MOST_APPLIED = 1_000_000
"""Declarations that rules give to all elements together."""
MOST_CLASSES = 20
"""Of one element; further ones have no rules."""

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_SELECTOR = re.compile(r"(\*|[A-Za-z][\w\-]*)?(?:\.([\w\-]+)|#([\w.:\-]+))?")
_BRACE = re.compile(r"[{}]")
_MARKERS = ("marker-start", "marker-mid", "marker-end")
_SHOWN = 60
"""Characters of a selector that a person is told of."""


@dataclass(frozen=True, slots=True)
class _Rule:
    tag: str | None
    declarations: Mapping[str, str]
    rank: tuple[int, int]
    """How specific it is, and where it stands."""


@dataclass(slots=True)
class StyleRules:
    """The rules of a drawing's style sheets.

    Attributes:
        notes: told of what is not kept.
    """

    notes: DropNotes
    _by_tag: dict[str, list[_Rule]] = field(default_factory=dict)
    _by_class: dict[str, list[_Rule]] = field(default_factory=dict)
    _by_id: dict[str, list[_Rule]] = field(default_factory=dict)
    _count: int = 0
    _applied: int = 0

    def add(self, text: str, line: int) -> None:
        """Take the rules of a style sheet that begins in a line.

        Raises:
            SceneFileRefused: there are too many.
        """
        for selectors, body in _rules(_COMMENT.sub(" ", text)):
            declarations = read_declarations(body, self.notes, line)
            for selector in selectors.split(","):
                self._count += 1
                if self._count > MOST_RULES:
                    raise refused(f"The style sheets of the SVG have more than {MOST_RULES} rules.")
                if not self._add(selector.strip(), declarations):
                    self.notes.add("rule", selector.strip()[:_SHOWN], line)

    def of(self, tag: str, classes: str, own_id: str) -> dict[str, str]:
        """Return what the rules say of an element.

        Raises:
            SceneFileRefused: they have said too much by now.
        """
        if not self._count:
            return {}
        found = [*self._by_tag.get(tag, ()), *self._by_tag.get("*", ())]
        for name in classes.split()[:MOST_CLASSES]:
            found += self._by_class.get(name, ())
        found += self._by_id.get(own_id, ())
        said: dict[str, str] = {}
        for rule in sorted(found, key=lambda each: each.rank):
            if rule.tag in (None, "*", tag):
                said.update(rule.declarations)
            self._applied += len(rule.declarations) + 1
        if self._applied > MOST_APPLIED:
            raise refused(
                "The style sheets of the SVG say more of its elements than is taken: "
                f"{MOST_APPLIED} declarations in all. Use fewer rules."
            )
        return said

    def _add(self, selector: str, declarations: Mapping[str, str]) -> bool:
        match = _SELECTOR.fullmatch(selector)
        if match is None or not selector:
            return False
        tag, in_class, own_id = match.groups()
        specific = 4 * bool(own_id) + 2 * bool(in_class) + (tag not in (None, "*"))
        rule = _Rule(tag, declarations, (specific, self._count))
        if own_id:
            self._by_id.setdefault(own_id, []).append(rule)
        elif in_class:
            self._by_class.setdefault(in_class, []).append(rule)
        else:
            self._by_tag.setdefault(str(tag), []).append(rule)
        return True


def read_declarations(text: str, notes: DropNotes, line: int) -> dict[str, str]:
    """Return what of a list of declarations is kept, by property."""
    found: dict[str, str] = {}
    for each in _COMMENT.sub(" ", text).split(";"):
        name, colon, value = each.partition(":")
        name, value = name.strip().lower(), _without_importance(value.strip())
        if not colon or not name:
            continue
        for one in _MARKERS if name == "marker" else (name,):
            if one not in rules.PROPERTIES:
                notes.add("rule", one, line)
            elif rules.is_kept(one, value):
                found[one] = value
            else:
                notes.add("value", one, line)
    return found


def _without_importance(value: str) -> str:
    # By hand: a pattern that begins with blanks tries each of a million of them.
    before, mark, word = value.rpartition("!")
    return before.rstrip() if mark and word.strip().lower() == "important" else value


def _rules(text: str) -> Iterator[tuple[str, str]]:
    """Yield selectors and bodies; at-rules come as selectors that nothing has, without a body."""
    at = 0
    while at < len(text):
        opening, semicolon = text.find("{", at), text.find(";", at)
        end = opening if opening >= 0 else len(text)
        head = text[at:end].strip()
        if head.startswith("@") and 0 <= semicolon < end:
            yield head.partition(";")[0].replace(",", " "), ""
            at = semicolon + 1
        elif opening < 0:
            if head:
                yield head, ""
            return
        else:
            closing = _end_of_block(text, opening)
            is_rule = not head.startswith("@")
            yield (head, text[opening + 1 : closing]) if is_rule else (head.replace(",", " "), "")
            at = closing + 1


def _end_of_block(text: str, opening: int) -> int:
    depth = 0
    for match in _BRACE.finditer(text, opening):
        depth += 1 if match[0] == "{" else -1
        if depth == 0:
            return match.start()
    return len(text)
