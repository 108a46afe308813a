"""Queries whose literals became parameters, with the values, and others of the same kinds."""

from __future__ import annotations

import dataclasses
from random import Random
from typing import Any, cast

from query_generator import ASKED, SCALARS

from kastor.lang import ast

_FIELDS = {"top", "limit", "offset", "pattern", "model"}


def _kind(value: Any) -> type:
    return float if isinstance(value, int | float) and not isinstance(value, bool) else type(value)


class Taken:
    """Takes literals out of a tree; `values` are those that stood there."""

    def __init__(self, random: Random, one_in: int = 2) -> None:
        self.random = random
        self.one_in = one_in
        self.values: dict[str, Any] = {}
        self.fields: dict[str, str] = {}

    def tree(self, node: Any) -> Any:
        if isinstance(node, ast.Literal):
            return self._parameter(node.value, "") if self._chosen() else node
        if isinstance(node, ast.Membership) and self._chosen():
            values = [one.value for one in cast("tuple[ast.Literal, ...]", node.values)]
            listed = self._parameter(values, "list")
            return dataclasses.replace(node, operand=self.tree(node.operand), values=listed)
        if isinstance(node, tuple):
            return tuple(self.tree(one) for one in node)
        if not dataclasses.is_dataclass(node) or isinstance(node, type):
            return node
        found = {}
        for field in dataclasses.fields(node):
            value = getattr(node, field.name)
            countable = isinstance(value, str | int) and not isinstance(value, bool)
            if field.name in _FIELDS and countable and self._chosen():
                found[field.name] = self._parameter(value, field.name)
            elif field.name not in {"span", "extensions", "synonyms"}:
                found[field.name] = self.tree(value)
        return dataclasses.replace(node, **found)

    def others(self) -> dict[str, Any]:
        """Other values that fit the same places."""
        return {name: self._other(name, value) for name, value in self.values.items()}

    def _other(self, name: str, value: Any) -> Any:
        kind = self.fields[name]
        if kind in {"top", "limit", "offset"}:
            return self.random.randrange(5)
        if kind == "pattern":
            return self.random.choice(["%", "a%", "%b", "_", "", "x\\", "%a%b%"])
        if kind == "model":
            return self.random.choice(ASKED)
        if kind == "list":
            return [self.random.choice(SCALARS) for _ in range(self.random.randrange(1, 5))]
        return self.random.choice([one for one in SCALARS if _kind(one) is _kind(value)])

    def _chosen(self) -> bool:
        return self.random.randrange(self.one_in) == 0

    def _parameter(self, value: Any, field: str) -> ast.Parameter:
        name = f"p{len(self.values)}"
        self.values[name], self.fields[name] = value, field
        return ast.Parameter(name)


def written_in(node: Any, values: dict[str, Any]) -> Any:
    """The tree with the values as literals."""
    if isinstance(node, ast.Parameter):
        value = values[node.name]
        return tuple(map(ast.Literal, value)) if isinstance(value, list) else ast.Literal(value)
    if isinstance(node, tuple):
        return tuple(written_in(one, values) for one in node)
    if not dataclasses.is_dataclass(node) or isinstance(node, type):
        return node
    found = {}
    for field in dataclasses.fields(node):
        value = getattr(node, field.name)
        if field.name in _FIELDS and isinstance(value, ast.Parameter):
            found[field.name] = values[value.name]
        elif field.name not in {"span", "extensions", "synonyms"}:
            found[field.name] = written_in(value, values)
    return dataclasses.replace(node, **found)
