"""Which rules can be for a message: found by what they ask for, not by trying them all. Pure.

A rule that asks for one certain value of a place in the message, by an exact `match` or by `when`,
is looked up by that value; only the others are tried on every message.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any, TypeAlias

from kastor.ingest.mapping import Absent, Message, Unreadable
from kastor.ingest.rules import CompiledRule

Numbered: TypeAlias = tuple[int, CompiledRule]

FEW = 8
"""So many rules are tried one after the other as fast."""


class RuleIndex:
    """The rules of one input.

    Attributes:
        weight: the most steps that one message can cost: rules that are tried, the values that
            they read and compare.
    """

    def __init__(self, rules: Sequence[CompiledRule]) -> None:
        self._always: list[Numbered] = []
        self._by_source: dict[str, dict[Any, list[Numbered]]] = {}
        for number, rule in enumerate(rules):
            wanted = rule.wanted if len(rules) > FEW else None
            if wanted is None:
                self._always.append((number, rule))
                continue
            source, value = wanted
            found = self._by_source.setdefault(source, {})
            found.setdefault(_key(value), []).append((number, rule))
        self.weight = _weight(self._always) + sum(
            1 + max(_weight(alike) for alike in found.values())
            for found in self._by_source.values()
        )

    def candidates(self, message: Message) -> Iterable[CompiledRule]:
        """Return, in their order, all rules that may be for a message."""
        if not self._by_source:
            return [rule for _, rule in self._always]
        found = list(self._always)
        for source, by_value in self._by_source.items():
            try:
                found += by_value.get(_key(message.read(source)), ())
            except Absent:
                continue
            except Unreadable:  # each of them has to say so
                found += [each for alike in by_value.values() for each in alike]
            except TypeError:  # an array or an object, which no rule asks for
                continue
        found.sort(key=itemgetter(0))
        return [rule for _, rule in found]


def _weight(rules: Iterable[Numbered]) -> int:
    return sum(rule.weight for _, rule in rules)


def _key(value: Any) -> tuple[bool, Any]:
    # True is no 1 here, as in the rules.
    return isinstance(value, bool), value
