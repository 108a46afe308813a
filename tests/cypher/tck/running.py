"""Runs scenarios on each engine and says of each what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import IntEnum

from .answers import Answer, Refused
from .comparison import difference
from .scenarios import Ask, Raised, Rows, Scenario
from .servers import Result, Runner

SMALL_PAGE = 2


class Outcome(IntEnum):
    """What came of a scenario; on several engines the greatest counts."""

    PASSED = 0
    SKIPPED = 1
    REFUSED = 2
    WRONG = 3


@dataclass(frozen=True)
class Verdict:
    """What came of a scenario, and why if it did not pass."""

    outcome: Outcome
    why: str = ""


Verdicts = dict[str, Verdict]
"""By the id of the scenario."""


def run_all(
    runners: Sequence[Runner], scenarios: Sequence[Scenario], tell: Callable[[str], None]
) -> Verdicts:
    """Run the scenarios on every engine, engines side by side."""
    with ThreadPoolExecutor(max_workers=max(1, len(runners))) as pool:
        each = [pool.submit(run, runner, scenarios) for runner in runners]
        found = {runner.name: future.result() for runner, future in zip(runners, each, strict=True)}
    for line in _apart(found):
        tell(line)
    return merged(found)


def run(runner: Runner, scenarios: Iterable[Scenario]) -> Verdicts:
    """Run the scenarios on one engine, those of one graph one after the other."""
    ordered = sorted(scenarios, key=lambda scenario: scenario.graph.key)
    return {scenario.id: judge(runner, scenario) for scenario in ordered}


def judge(runner: Runner, scenario: Scenario) -> Verdict:
    """Load a scenario's graph, ask its queries as a whole and in pages of two, compare."""
    refusal = runner.load(scenario.graph)
    if refusal is not None:
        return Verdict(Outcome.SKIPPED, f"Kastor does not load the graph: {refusal}")
    for ask in scenario.asks:
        for page_size in (None, SMALL_PAGE):
            verdict = _judge_result(ask, runner.ask(ask, page_size))
            if verdict.outcome is not Outcome.PASSED:
                pages = "" if page_size is None else f"in pages of {page_size}: "
                return Verdict(verdict.outcome, pages + verdict.why)
    return Verdict(Outcome.PASSED)


def merged(found: dict[str, Verdicts]) -> Verdicts:
    """Return of each scenario the worst that came of it on any engine."""
    together: Verdicts = {}
    for name, verdicts in found.items():
        for scenario, verdict in verdicts.items():
            known = together.get(scenario)
            if known is None or verdict.outcome > known.outcome:
                why = f"{name}: {verdict.why}" if verdict.why else ""
                together[scenario] = Verdict(verdict.outcome, why)
    return together


def _judge_result(ask: Ask, result: Result) -> Verdict:
    if isinstance(result, Refused):
        return _judge_refusal(ask.expected, result)
    if not isinstance(result, Answer):
        return Verdict(Outcome.WRONG, result.message)
    if isinstance(ask.expected, Raised):
        rows = len(result.rows)
        return Verdict(Outcome.WRONG, f"{rows} rows instead of {ask.expected.kind}")
    differs = difference(ask.expected, result)
    return Verdict(Outcome.PASSED) if differs is None else Verdict(Outcome.WRONG, differs)


def _judge_refusal(expected: Rows | Raised, refused: Refused) -> Verdict:
    if isinstance(expected, Rows):
        return Verdict(Outcome.REFUSED, refused.message)
    if expected.at_compile_time and refused.late:
        return Verdict(Outcome.WRONG, f"rows before a {expected.kind} of compile time")
    return Verdict(Outcome.PASSED)


def _apart(found: dict[str, Verdicts]) -> list[str]:
    """Lines for scenarios of which engines say different things."""
    names = list(found)
    return [
        f"engines differ: {scenario}: "
        + ", ".join(f"{name} {found[name][scenario].outcome.name.lower()}" for name in names)
        for scenario in (found[names[0]] if names else ())
        if len({found[name][scenario].outcome for name in names}) > 1
    ]
