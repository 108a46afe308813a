"""What a migration did and what it found, as numbers and lines."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from kastor.moving.writing.operations import ThingKind

CREATED, CHANGED, DELETED, ADOPTED, READ = "created", "changed", "deleted", "adopted", "read"
SHOWN = 20
"""Of each list the first so many are told; of all of them the number."""


@dataclass(slots=True)
class RoundReport:
    """What a round did.

    Attributes:
        number: of the round, from 1.
        counts: by kind and what was done: `created`, `changed`, `deleted`, `adopted` (it was there
            with the same content), `read`.
        models: that were uploaded.
        problems: things that are not as at the source after it.
        began: seconds since 1970; all that was written before (less the source's lag) is there.
        seconds: that it took.
    """

    number: int
    counts: Counter[tuple[ThingKind, str]] = field(default_factory=Counter)
    models: int = 0
    problems: int = 0
    began: float = 0.0
    seconds: float = 0.0

    def add(self, kind: ThingKind, what: str, number: int = 1) -> None:
        """Count what was done."""
        self.counts[kind, what] += number

    def of(self, what: str) -> int:
        """Return how often something was done, with twins and relationships."""
        return sum(self.counts[kind, what] for kind in ThingKind)

    @property
    def changed_nothing(self) -> bool:
        """Whether source and target were equal already, as far as the round saw."""
        return not self.models and not any(self.of(what) for what in (CREATED, CHANGED, DELETED))


@dataclass(slots=True)
class SidesTally:
    """Counts and hashes of one kind of thing on both sides.

    Attributes:
        at_source, at_target: numbers, of the target without what others put there.
        source_hash, target_hash: over all documents in order of their ids.
        others: what is at the target alone, and was not put there by the migration.
    """

    at_source: int = 0
    at_target: int = 0
    source_hash: str = ""
    target_hash: str = ""
    others: int = 0

    @property
    def equal(self) -> bool:
        """Whether both sides have the same."""
        return self.at_source == self.at_target and self.source_hash == self.target_hash


@dataclass(slots=True)
class VerificationReport:
    """What came of comparing every document of both sides.

    Attributes:
        tallies: by `models`, `twins`, `relationships`.
        differences: lines for the first of them.
        different: how many there are.
        unexplained: those of them that are no known problem.
    """

    tallies: dict[str, SidesTally] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    different: int = 0
    unexplained: int = 0

    @property
    def equal(self) -> bool:
        """Whether both sides have the same."""
        return not self.different and all(each.equal for each in self.tallies.values())


@dataclass(slots=True)
class RoutesReport:
    """What became of event routes.

    Attributes:
        created, there: ids of routes that were made, or were there with the same content.
        missing: by the name of an endpoint that the target lacks, the routes that wait for it.
        refused: by the id of a route, why the target did not take it.
    """

    created: list[str] = field(default_factory=list)
    there: list[str] = field(default_factory=list)
    missing: dict[str, list[str]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Whether the target has them all."""
        return not self.missing and not self.refused
