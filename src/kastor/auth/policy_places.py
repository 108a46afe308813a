"""Where things stand in a policy file, for people."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_RULE = re.compile(r"^[ \t]*\[\[[ \t]*rules[ \t]*\]\]", re.MULTILINE)
_ROLE = re.compile(
    r"^[ \t]*\[[ \t]*roles[ \t]*\.[ \t]*[\"']?([^\"'\]\s]{1,64})[\"']?[ \t]*\]", re.MULTILINE
)


class Places:
    """Names members of a document, with the line where their rule or role begins."""

    def __init__(self, text: str, document: Mapping[str, Any]) -> None:  # any: TOML
        """Look for what begins where.

        Args:
            text: of the file.
            document: what TOML makes of it.
        """
        rules = document.get("rules")
        lines = _Lines(text)
        heads = [lines.at(each.start()) for each in _RULE.finditer(text)]
        # Rules can be written in other ways too; no line is better than a wrong one.
        self._rules = heads if isinstance(rules, list) and len(heads) == len(rules) else []
        self._roles = {each[1]: lines.at(each.start()) for each in _ROLE.finditer(text)}

    def rule(self, index: int) -> str:
        """Return the place of a rule by its index from 0."""
        line = f"line {self._rules[index]}, " if self._rules else ""
        return f"{line}rule {index + 1}"

    def role(self, name: str) -> str:
        """Return the place of a role."""
        line = f"line {self._roles[name]}, " if name in self._roles else ""
        return f"{line}role {name[:80]}"

    def of(self, steps: Sequence[int | str]) -> str:
        """Return the place of a member by the way to it; empty: the whole file."""
        match list(steps):
            case ["rules", int(index), *rest]:
                return ", ".join([self.rule(index), *_member(rest)])
            case ["roles", str(name), *rest]:
                return ", ".join([self.role(name), *_member(rest)])
            case _:
                return ", ".join(_member(steps))


class _Lines:
    """Numbers of lines, asked in the order of the text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._offset, self._line = 0, 1

    def at(self, offset: int) -> int:
        if offset < self._offset:
            self._offset, self._line = 0, 1
        self._line += self._text.count("\n", self._offset, offset)
        self._offset = offset
        return self._line


def _member(steps: Sequence[int | str]) -> list[str]:
    told = ""
    for each in steps:
        if each != "[key]":  # by which pydantic says that a name is wrong
            told += f"[{each + 1}]" if isinstance(each, int) else f"{'.' if told else ''}{each}"
    return [told[:200]] if told else []
