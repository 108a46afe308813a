"""What became of a past state until now, told in the snapshot that a query of it reads.

What changed its place since, or is gone, left a version that is marked so (`moved`); what was
created since has its row among the instants. Both are found by indexes. A statement is made before
its snapshot is there, so it relies on what was known last; where the snapshot tells of more, this
is noted, and the statement is made anew. Of a state there is never less than of a later one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kastor.records import Others, Since
from kastor.storage.postgres.past import KINDS, MANY, MOST_MOVED, MOVED, Unsettled, state

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.records import AsOf
    from kastor.storage.history import Kind


def _last(kind: str) -> str:
    return f"""coalesce((SELECT max(pos) FROM {{graph}}.instants
     WHERE (subject IS NOT NULL OR kind = '') AND kind = '{kind}'), 0)"""


def _created(kind: str) -> str:
    return f"""
    ({_last(f"{kind}.Create")} > $1
     OR EXISTS (SELECT 1 FROM {{graph}}.changes WHERE pos IS NULL AND kind = '{kind}.Create'))"""


def _moved(kind: str) -> str:
    return f"""
    (SELECT string_agg(key::text, ',') FROM (
        SELECT key FROM {{graph}}.{kind}_versions
        WHERE moved AND valid_to > (SELECT settled FROM beyond_edge)
        LIMIT {MOST_MOVED + 1}) v)"""


FOUND = f"""
WITH {state("$1", "$2")}
SELECT (SELECT settled FROM beyond_edge),
       (SELECT string_agg(time::text || ':' || xid::text, ',') FROM beyond),
       {_last("")} > $1,
       {_created("Twin")}, {_moved("twin")},
       {_created("Relationship")}, {_moved("relationship")}
"""
"""What `StateFacts` is made of, for the position and the newest time of a state."""


@dataclass(frozen=True, slots=True)
class StateFacts:
    """What a snapshot tells of a past state.

    Attributes:
        since: what became of it.
        values: what stands in a query in place of `Unsettled`.
    """

    since: Since
    values: dict[Unsettled, object]

    @classmethod
    def of(cls, row: Sequence[object]) -> StateFacts:
        """Make it of the row of `FOUND`."""
        settled, beyond, unknown, *rest = row
        values: dict[Unsettled, object] = {
            Unsettled.SETTLED: settled,
            Unsettled.BEYOND: _listed(beyond),
        }
        others = []
        for kind, created, moved in zip(KINDS, rest[::2], rest[1::2], strict=True):
            keys = _listed(moved)
            many = len(keys) > MOST_MOVED  # a key may stand there more than once
            values[MOVED[kind]] = () if many else keys
            values[MANY[kind]] = many
            more = Others.MORE if unknown or created else Others.NONE
            others.append(Others.ANY if keys else more)
        return cls(Since(*others), values)

    def bound(self, params: Sequence[object]) -> list[object]:
        """Return a query's parameters with what was found in place of `Unsettled`."""
        return [self.values[each] if isinstance(each, Unsettled) else each for each in params]


def _listed(text: object) -> tuple[str, ...]:
    return tuple(str(text).split(",")) if text else ()


class Became:
    """What is known of all past states of a graph: positions up to which there is more."""

    def __init__(self) -> None:
        self._upto = {(kind, others): -1 for kind in KINDS for others in Others}

    def since(self, at: AsOf) -> Since:
        """Return what is known of a state; never too much, and noted as soon as it is more."""
        return Since(*(self._others(kind, at) for kind in KINDS))

    def note(self, at: AsOf, since: Since) -> bool:
        """Note what a snapshot told of a state; return whether it was not known."""
        before = self.since(at)
        for kind, others in zip(KINDS, (since.twins, since.relationships), strict=True):
            place = kind, others
            self._upto[place] = max(self._upto[place], at.change)
        return self.since(at) != before

    def _others(self, kind: Kind, at: AsOf) -> Others:
        return next(
            (each for each in reversed(Others) if self._upto[kind, each] >= at.change),
            Others.NONE,
        )
