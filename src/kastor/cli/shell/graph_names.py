"""The names of a graph: what its models declare, with what they inherit, ready to be completed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from kastor.cli.shell.declared import DeclaredModel, RelationshipFacts, ValueFacts

T = TypeVar("T")
MAX_NAMES = 5_000
"""Names of one kind that are kept for completion where no model is at hand."""
MAX_SEEN = 500
"""Twins whose ids are kept because an answer had them."""


@dataclass(slots=True)
class GraphNames:
    """What can be completed; the empty one is of a graph that is not known yet.

    Attributes:
        models: by id.
        is_complete: whether these are all models that there are.
        has_superset: whether the server takes what Kastor adds to the language.
        contexts: names of saved addresses.
        twins: ids that answers had, newest last.
    """

    models: Mapping[str, DeclaredModel] = field(default_factory=dict)
    is_complete: bool = True
    has_superset: bool = True
    contexts: tuple[str, ...] = ()
    twins: deque[str] = field(default_factory=lambda: deque(maxlen=MAX_SEEN))
    _all_values: dict[str, ValueFacts] = field(default_factory=dict)
    _all_relationships: dict[str, RelationshipFacts] = field(default_factory=dict)
    _all_components: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for facts in self.models.values():
            _add(self._all_values, facts.properties)
            _add(self._all_components, facts.components)
            _add(self._all_relationships, facts.relationships)

    def line(self, model: str) -> Iterator[DeclaredModel]:
        """Yield a model and all that it extends, nearest first, as far as they are known."""
        todo, seen = deque([model]), {model}
        while todo:
            facts = self.models.get(todo.popleft())
            if facts is None:
                continue
            yield facts
            todo += [each for each in facts.bases if each not in seen]
            seen.update(facts.bases)

    def properties(self, models: Iterable[str] = ()) -> dict[str, ValueFacts]:
        """Return the properties of twins of these models; of all where none of them is known."""
        known = self._lines(models)
        found = {name: value for facts in known for name, value in facts.properties.items()}
        return found if known else self._all_values

    def components(self, models: Iterable[str] = ()) -> dict[str, str]:
        """Return the same of components: the id of each one's model, by name."""
        known = self._lines(models)
        found = {name: model for facts in known for name, model in facts.components.items()}
        return found if known else self._all_components

    def relationships(self, models: Iterable[str] = ()) -> dict[str, RelationshipFacts]:
        """Return the same of relationships."""
        known = self._lines(models)
        found = {name: value for facts in known for name, value in facts.relationships.items()}
        return found if known else self._all_relationships

    def roots(self) -> frozenset[str]:
        """Return what a path may begin with that does not begin with an alias."""
        return frozenset((*self._all_values, *self._all_components, "$metadata"))

    def of_relationships(self, names: Iterable[str]) -> dict[str, ValueFacts]:
        """Return the properties of relationships of these names, of all without any."""
        wanted = set(names)
        return {
            name: value
            for each, facts in self._all_relationships.items()
            if not wanted or each in wanted
            for name, value in facts.properties.items()
        }

    def saw(self, ids: Iterable[str]) -> None:
        """Remember twins that an answer had."""
        for each in ids:
            if each not in self.twins:
                self.twins.append(each)

    def _lines(self, models: Iterable[str]) -> list[DeclaredModel]:
        # The nearest last, so that what a model says itself wins.
        return [facts for model in models for facts in reversed(list(self.line(model)))]


def _add(to: dict[str, T], more: Mapping[str, T]) -> None:
    for name, value in more.items():
        if len(to) < MAX_NAMES:
            to.setdefault(name, value)
