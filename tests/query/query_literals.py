"""Queries that differ from another one in their string literals only."""

from __future__ import annotations

import dataclasses
from random import Random
from typing import Any

from query_generator import ASKED, RELATIONSHIPS, SCALARS

from kastor.lang import ast

TEXTS = [one for one in SCALARS if isinstance(one, str)] + [*ASKED, *RELATIONSHIPS, "t0", "t1"]
PATTERNS = ["%", "a%", "%b", "_", "", "%a%b%", "ab"]


def others(node: Any, random: Random) -> Any:
    """The tree with some of its strings replaced by others."""
    if isinstance(node, ast.Literal) and isinstance(node.value, str):
        return ast.Literal(random.choice([node.value, random.choice(TEXTS)]))
    if isinstance(node, tuple):
        return tuple(others(one, random) for one in node)
    if not dataclasses.is_dataclass(node) or isinstance(node, type):
        return node
    found = {}
    for field in dataclasses.fields(node):
        value = getattr(node, field.name)
        if field.name == "pattern" and isinstance(value, str):
            found[field.name] = random.choice(PATTERNS)
        elif field.name == "model" and isinstance(value, str):
            found[field.name] = random.choice(ASKED)
        elif field.name not in {"span", "extensions", "synonyms"}:
            found[field.name] = others(value, random)
    return dataclasses.replace(node, **found)
