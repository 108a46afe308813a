"""The ledger: which scenarios pass, which do not yet and why. It may only improve."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from .running import Outcome, Verdicts

FILE = Path(__file__).with_name("ledger.json")
NAME = re.compile(r"(\S+) (.+)", re.DOTALL)
REASON = 160


@dataclass
class Ledger:
    """Ids of scenarios that pass, and of those that are known not to, with the reason."""

    passing: set[str] = field(default_factory=set)
    gaps: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, file: Path = FILE) -> Self:
        """Read a ledger; where no file is, it is empty."""
        if not file.exists():
            return cls()
        found = json.loads(file.read_text(encoding="utf-8"))
        gaps = {each: why for why, names in found["gaps"].items() for each in _ids(names)}
        return cls(set(_ids(found["passing"])), gaps)

    def save(self, file: Path = FILE) -> None:
        """Write it, features and scenarios in order, a feature a line."""
        reasons: dict[str, list[str]] = {}
        for each, why in self.gaps.items():
            reasons.setdefault(why, []).append(each)
        gaps = {why: _by_feature(reasons[why]) for why in sorted(reasons)}
        text = (
            '{\n "passing": '
            + _lines(_by_feature(self.passing), " ")
            + ',\n "gaps": {'
            + ",".join(f"\n  {json.dumps(why)}: {_lines(gaps[why], '  ')}" for why in gaps)
            + "}\n}\n"
        )
        file.write_text(text, encoding="utf-8")

    def knows(self, scenario: str) -> bool:
        """Whether it speaks of the feature file of a scenario."""
        return _feature(scenario) in self._features

    @property
    def _features(self) -> set[str]:
        return {_feature(each) for each in (*self.passing, *self.gaps)}

    def lost(self, seen: Iterable[str], verdicts: Verdicts) -> list[str]:
        """Return what passed once and does not now: failed, or left out all of a sudden.

        Args:
            seen: all scenarios of the run, those that were left out too.
        """
        return sorted(
            each
            for each in self.passing.intersection(seen)
            if each not in verdicts or verdicts[each].outcome is not Outcome.PASSED
        )

    def improve(self, verdicts: Verdicts) -> None:
        """Take what passes now, and what is refused as gaps; a wrong table is none of either."""
        for each, verdict in verdicts.items():
            if verdict.outcome is Outcome.PASSED:
                self.passing.add(each)
                self.gaps.pop(each, None)
            elif verdict.outcome is Outcome.REFUSED and each not in self.passing:
                self.gaps[each] = _reason(verdict.why)


def _reason(why: str) -> str:
    """Return a refusal's words without its engine and the place, so that equal ones are one."""
    text = why.partition(": ")[2] or why
    line = next((each.strip() for each in text.splitlines() if each.strip()), "refused")
    return re.sub(r"\d+", "N", line)[:REASON]


def _feature(scenario: str) -> str:
    match = NAME.match(scenario)
    return match[1] if match else scenario


def _by_feature(scenarios: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in sorted(scenarios, key=_natural):
        feature = _feature(each)
        found.setdefault(feature, []).append(each[len(feature) + 1 :])
    return found


def _natural(text: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", text)]


def _ids(features: dict[str, list[str]]) -> list[str]:
    return [f"{feature} {each}" for feature, names in features.items() for each in names]


def _lines(features: dict[str, list[str]], indent: str) -> str:
    rows = [f"\n{indent} {json.dumps(name)}: {json.dumps(features[name])}" for name in features]
    return "{" + ",".join(rows) + "}"
