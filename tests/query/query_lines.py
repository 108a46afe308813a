"""A statement in lines that a person can read: nothing but its blanks changes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TypeAlias

WIDTH = 100
_TOKEN = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|[(),]|\s+|(?:(?![\s(),'\"]).)+")
_CLOSES = {"(": ")", "CASE": "END"}
_CLAUSES = {"SELECT", "FROM", "WHERE", "GROUP", "ORDER", "LIMIT", "OFFSET", "HAVING", "UNION"}
_CLAUSES |= {"WITH", "CROSS", "LEFT", "JOIN"}
# What a line is broken at that is too long, the loosest first; a comma ends a line, the others
# begin one.
_BREAKS: tuple[tuple[str, ...], ...] = (
    (",",),
    ("WHEN", "ELSE"),
    ("OR",),
    ("AND",),
    ("=", "<>", "<", ">", "<=", ">="),
)
_BREAKS += (("||",), ("+", "*", "/"), ("THEN",))
_INNER = {"||", "+"}
_LEADS = _CLAUSES.union(*_BREAKS)


@dataclass(eq=False)
class _Group:
    """What stands between two parentheses, or CASE and END."""

    begin: str
    items: list[_Item] = field(default_factory=list)


_Item: TypeAlias = "str | _Group"


def in_lines(sql: str) -> str:
    """The same statement, broken where its parts begin."""
    tokens = [token if token.strip() else " " for token in _TOKEN.findall(sql)]
    items, rest = _read(tokens, 0, "")
    assert rest == len(tokens)
    return "\n".join(_lines(items, 0))


def is_same(lines: str, sql: str) -> bool:
    """Whether a statement in lines is that statement, blanks aside."""
    return re.sub(r"\s", "", lines) == re.sub(r"\s", "", sql)


def _read(tokens: list[str], at: int, end: str) -> tuple[list[_Item], int]:
    items: list[_Item] = []
    while at < len(tokens) and tokens[at] != end:
        token = tokens[at]
        if token in _CLOSES:
            inner, at = _read(tokens, at + 1, _CLOSES[token])
            items.append(_Group(token, inner))
        else:
            items.append(token)
        at += 1
    return items, at


def _flat(items: list[_Item]) -> str:
    texts = []
    for one in items:
        if isinstance(one, _Group):
            blank = "" if one.begin == "(" else " "
            texts.append(f"{one.begin}{blank}{_flat(one.items)}{blank}{_CLOSES[one.begin]}")
        else:
            texts.append(one)
    return "".join(texts).strip()


def _fits(items: list[_Item], indent: int) -> bool:
    return len(_flat(items)) + indent <= WIDTH


def _lines(items: list[_Item], indent: int) -> list[str]:
    if _fits(items, indent):
        return [" " * indent + _flat(items)]
    return [line for part in _clauses(items) for line in _clause(part, indent)]


def _clauses(items: list[_Item]) -> list[list[_Item]]:
    parts: list[list[_Item]] = [[]]
    for one in items:
        if one in _CLAUSES and _flat(parts[-1]) not in {"CROSS", "LEFT"}:
            parts.append([])
        parts[-1].append(one)
    return [part for part in parts if _flat(part)]


def _clause(items: list[_Item], indent: int) -> list[str]:
    """One clause: whole, broken at what joins its parts, or with its parentheses opened."""
    if _fits(items, indent):
        return [" " * indent + _flat(items)]
    for words in _BREAKS:
        first, *others = _split(items, words)
        if others:
            lead = _flat(items).partition(" ")[0]
            deeper = lead in _LEADS - {"WITH"} or words[0] in _INNER
            found = _clause(first, indent)
            indent += 2 * deeper
            return found + [line for part in others for line in _clause(part, indent)]
    return _opened(items, indent)


def _split(items: list[_Item], words: tuple[str, ...]) -> list[list[_Item]]:
    parts: list[list[_Item]] = [[]]
    for one in items:
        if one in words and one != ",":
            parts.append([])
        parts[-1].append(one)
        if one == "," and one in words:
            parts.append([])
    return [part for part in parts if _flat(part)]


def _opened(items: list[_Item], indent: int) -> list[str]:
    """The clause with what is between parentheses, as far as it is long, on lines of its own."""
    found, line = [], ""
    for one in items:
        if isinstance(one, str) or _fits([line, one], indent):
            line += _flat([one]) if isinstance(one, _Group) else one
        else:
            head, inner = _head(one)
            found += [" " * indent + line.lstrip() + head, *_lines(inner, indent + 2)]
            line = _CLOSES[one.begin]
    return [*found, " " * indent + line.strip()]


def _head(group: _Group) -> tuple[str, list[_Item]]:
    """What stays on the line that a group begins on: of a CASE also the value that it looks at."""
    at = group.items.index("WHEN") if group.begin == "CASE" else 0
    return f"{group.begin} {_flat(group.items[:at])}".strip(), group.items[at:]
