"""One input's way from a message to what became of it: rules, then bursts, then counts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from kastor.clock import TICKS_PER_SECOND, now_ticks
from kastor.ingest.bursts import Bursts, Refused, Result
from kastor.ingest.inputs import Input
from kastor.ingest.mapping import Message, Unreadable
from kastor.ingest.merge import Outcome
from kastor.ingest.rules import CompiledRule, Reading, compile_rules
from kastor.ingest.tally import Tally
from kastor.logs import get_logger

NO_RULE = "No rule matches."

_log = get_logger("kastor.ingest")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a message: its outcome, or why it was rejected."""

    outcome: Outcome | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A message whose readings are on their way to the store."""

    message: Message
    results: Sequence[asyncio.Future[Result]]
    faults: Sequence[str]


class Pipeline:
    """Takes the messages of one input."""

    def __init__(self, settings: Input, bursts: Bursts, tally: Tally) -> None:
        self._rules = compile_rules(settings.rules)
        self._ahead = int(settings.max_ahead * TICKS_PER_SECOND)
        self._bursts = bursts
        self.tally = tally

    def accept(self, message: Message) -> asyncio.Task[Verdict]:
        """Take a message, in the order of the calls; the task ends as `settle` does."""
        return asyncio.create_task(self.settle(self.take(message)))

    def take(self, message: Message) -> Taken:
        """Take a message, in the order of the calls; `settle` says what became of it."""
        self.tally.receive()
        results: list[asyncio.Future[Result]] = []
        faults: list[str] = []
        for rule in self._rules:
            try:
                reading = self._read(rule, message)
            except Unreadable as error:
                faults.append(f"Rule {rule.label}: {error}")
                continue
            except Exception as error:  # noqa: BLE001 - a broker would wait for it for ever
                _log.exception("a rule failed", rule=rule.label, exc_info=error)
                faults.append(
                    f"Rule {rule.label}: something went wrong inside Kastor; see its log."
                )
                continue
            if reading is not None:
                results.append(self._bursts.submit(reading))
        return Taken(message, results, faults)

    async def settle(self, taken: Taken) -> Verdict:
        """Return what became of a message once it is durable.

        Raises:
            Unavailable: it cannot be written now.
        """
        found: list[Result] = await asyncio.gather(*taken.results) if taken.results else []
        reasons = [*taken.faults, *(each.reason for each in found if isinstance(each, Refused))]
        outcomes = [each for each in found if isinstance(each, Outcome)]
        if reasons or not outcomes:
            reason = " ".join(reasons) or NO_RULE
            self.tally.reject(taken.message, reason)
            return Verdict(None, reason)
        outcome = max(outcomes)
        self.tally.settle(outcome)
        return Verdict(outcome)

    def reject(self, message: Message, reason: str) -> Verdict:
        """Note a message that no rule can look at."""
        self.tally.receive()
        self.tally.reject(message, reason)
        return Verdict(None, reason)

    def _read(self, rule: CompiledRule, message: Message) -> Reading | None:
        reading = rule.read(message)
        time = None if reading is None else reading.source_time
        if time is not None and time > now_ticks() + self._ahead:
            # It would keep every true value out until then.
            raise Unreadable("The source time lies in the future; see the setting max_ahead.")
        return reading
