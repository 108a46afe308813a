"""A view that no product has: the twins up to a key that is told at run time, and what is between.

Small as it is, it needs all that a view may need: a value that is known only when the statement
runs, and relationships that are left out at both ends.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from query_graphs import Graph

if TYPE_CHECKING:
    from kastor.query.sql.parameters import Parameters
    from kastor.query.sql.tables import Tables
    from kastor.records import Since

NAMES = ("twins", "relationships", "models", "model_keys", "relationship_names")
_MENTION = re.compile(rf"\b(?:{'|'.join(NAMES)})\b")
_QUOTED = re.compile(r"'(?:[^']|'')*'")


class Early:
    """The graph as it was when it had so many twins; the instant says how many."""

    kind = "early"

    def tables(self, now: Tables, parameters: Parameters) -> Tables:
        return _EarlyTables(now, parameters)


class _EarlyTables:
    def __init__(self, now: Tables, parameters: Parameters) -> None:
        self._now = now
        self._parameters = parameters

    def of(self, name: str) -> str:
        stored, change = self._now.of(name), self._parameters.change
        if name == "twins":
            return f"(SELECT * FROM {stored} v WHERE v.key <= {change()})"
        if name == "relationships":
            ends = f"v.source_key <= {change()} AND v.target_key <= {change()}"
            return f"(SELECT * FROM {stored} v WHERE {ends})"
        return stored

    def as_of(self, parameters: Parameters, since: Since) -> Tables:
        raise AssertionError((parameters, since))


class Marked:
    """The graph as it is now, with a mark around every table."""

    kind = "marked"

    def tables(self, now: Tables, parameters: Parameters) -> Tables:
        del parameters
        self.now = now
        return self

    def of(self, name: str) -> str:
        return f"(SELECT * FROM {self.now.of(name)} v)"

    def as_of(self, parameters: Parameters, since: Since) -> Tables:
        raise AssertionError((parameters, since))

    def unmarked(self, text: str) -> list[str]:
        """The tables that a statement mentions beside the view."""
        for name in NAMES:
            text = text.replace(self.of(name), "()")
        return _MENTION.findall(_QUOTED.sub("", text))


def early(graph: Graph, twins: int) -> Graph:
    """The graph that the view shows."""
    found = Graph()
    found.models = graph.models
    found.twins = dict(list(graph.twins.items())[:twins])
    found.relationships = [
        one
        for one in graph.relationships
        if one["$sourceId"] in found.twins and one["$targetId"] in found.twins
    ]
    return found
