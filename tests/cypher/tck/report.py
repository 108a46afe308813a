"""Tells what came of a run, and whether that will do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from .kit import Kit
from .ledger import Ledger
from .running import Outcome, Verdicts

SHOWN = 40
LEAST = 0.75
"""The part of the loadable scenarios that has to pass where no ledger speaks of them."""


@dataclass
class Count:
    """How many passed, were refused, gave a wrong table, were skipped."""

    passed: int = 0
    refused: int = 0
    wrong: int = 0
    skipped: int = 0

    @property
    def failed(self) -> int:
        return self.refused + self.wrong

    def add(self, outcome: Outcome) -> None:
        """Count one more."""
        name = outcome.name.lower()
        setattr(self, name, getattr(self, name) + 1)


@dataclass
class Report:
    """A run: what its kit held, what came of each scenario."""

    kit: Kit
    verdicts: Verdicts
    ledger: Ledger
    with_graph: Count = field(init=False, default_factory=Count)
    without_graph: Count = field(init=False, default_factory=Count)

    def __post_init__(self) -> None:
        for scenario in self.kit.scenarios:
            count = self.with_graph if scenario.has_graph else self.without_graph
            count.add(self.verdicts[scenario.id].outcome)
        for skip in self.kit.skipped.values():
            (self.with_graph if skip.has_graph else self.without_graph).skipped += 1

    @property
    def seen(self) -> set[str]:
        """All scenarios of the run."""
        return {scenario.id for scenario in self.kit.scenarios} | set(self.kit.skipped)

    def faults(self) -> list[str]:
        """Return why the run does not do; empty if it does.

        No table may be wrong, and nothing that the ledger calls passing may fail. Of scenarios in
        feature files that the ledger does not know, three quarters of the loadable have to pass.
        """
        faults = []
        wrong = self.with_graph.wrong + self.without_graph.wrong
        if wrong:
            faults.append(f"{wrong} answered with a wrong table")
        lost = self.ledger.lost(self.seen, self.verdicts)
        if lost:
            faults.append(f"{len(lost)} passed before: {', '.join(lost[:10])}")
        new = Count()
        for scenario in self.kit.scenarios:
            if scenario.has_graph and not self.ledger.knows(scenario.id):
                new.add(self.verdicts[scenario.id].outcome)
        if new.passed < LEAST * (new.passed + new.failed):
            loadable = new.passed + new.failed
            faults.append(f"only {new.passed} of {loadable} pass that the ledger does not know")
        return faults

    def show(self, tell: Callable[[str], None]) -> None:
        """Tell the reasons, the faults, and last the two lines of numbers."""
        self._show_reasons(tell)
        faults = self.faults()
        if faults:
            tell("\nnot good enough:\n" + "\n".join(f"  {fault}" for fault in faults))
        alone, count = self.without_graph, self.with_graph
        loadable = count.passed + count.failed
        part = 100 * count.passed / max(1, loadable)
        tell(f"\nwith a graph: {count.passed} of {loadable} that can be loaded pass ({part:.0f} %)")
        tell(
            f"without a graph: {alone.passed} passed, {alone.failed} failed "
            f"({alone.refused} refused, {alone.wrong} with a wrong table), {alone.skipped} skipped"
        )
        tell(f"of the failed: {count.refused} refused, {count.wrong} gave a wrong table")
        tell(f"{count.passed} passed, {count.failed} failed, {count.skipped} skipped")

    def _show_reasons(self, tell: Callable[[str], None]) -> None:
        reasons = Counter(skip.why for skip in self.kit.skipped.values())
        reasons.update(
            verdict.why for verdict in self.verdicts.values() if verdict.outcome is Outcome.SKIPPED
        )
        refusals = Counter(
            verdict.why.partition(": ")[2].strip().splitlines()[-1:][0][:120]
            for verdict in self.verdicts.values()
            if verdict.outcome is Outcome.REFUSED and verdict.why.strip()
        )
        wrong = [
            f"  {each}: {verdict.why}"
            for each, verdict in sorted(self.verdicts.items())
            if verdict.outcome is Outcome.WRONG
        ]
        for title, lines in (
            ("skipped", [f"{count:>6}  {why}" for why, count in reasons.most_common()]),
            ("refused", [f"{count:>6}  {why}" for why, count in refusals.most_common()]),
            ("wrong table", wrong),
        ):
            if lines:
                more = [f"  ... and {len(lines) - SHOWN} more lines"] if len(lines) > SHOWN else []
                tell("\n".join([f"\n{title}:", *lines[:SHOWN], *more]))
