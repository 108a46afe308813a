"""LIKE patterns that say no more than a cheaper test does, which an index may even serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.query.plan import Compare, Const, TextTest

if TYPE_CHECKING:
    from kastor.query.plan import Condition, Value

_TESTS = {
    (True, False): "ENDSWITH",
    (False, True): "STARTSWITH",
    (True, True): "CONTAINS",
}
"""By whether a wild card stands in front and behind."""


def like(subject: Value, pattern: str, *, negated: bool) -> Condition:
    """The condition for ``subject [NOT] LIKE pattern``; a backslash makes the next one plain."""
    found = _simple(pattern)
    if found is None:
        return TextTest("LIKE", subject, Const(pattern), negated=negated)
    text, wild = found
    name = _TESTS.get(wild)
    if name is None:
        return Compare("!=" if negated else "=", subject, Const(text))
    return TextTest(name, subject, Const(text), negated=negated)


def _simple(pattern: str) -> tuple[str, tuple[bool, bool]] | None:
    """The plain text, and where ``%`` stands around it; None if more is in the pattern."""
    text: list[str] = []
    wild = [False, False]
    characters = iter(pattern)
    for character in characters:
        if character == "%":
            wild[bool(text)] = True
            continue
        if character == "_":
            return None
        plain = next(characters, None) if character == "\\" else character
        if wild[1] or plain is None:
            return None
        text.append(plain)
    if wild[0] and not text:
        wild[1] = True
    return "".join(text), (wild[0], wild[1])
