"""One input's way from a message to what became of it: rules, then bursts, then counts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from msgspec import Struct
from msgspec.structs import replace

from kastor.clock import TICKS_PER_SECOND, now_ticks
from kastor.graph.readings import Outcome, TwinReading
from kastor.graph.service import GraphService
from kastor.ingest.bursts import Bursts, Refused, Result
from kastor.ingest.inputs import Input
from kastor.ingest.mapping import Message, Unreadable
from kastor.ingest.rules import CompiledRule, compile_rules
from kastor.ingest.selection import RuleIndex
from kastor.ingest.tally import InputTally
from kastor.logs import get_logger
from kastor.types import Json, override
from kastor.words import counted

NO_RULE = "No rule matches."
GONE = "The sender went away before it was written."
REASONS, LONGEST_REASON = 5, 300
"""Faults of one message that are told, and characters of each."""


@dataclass(slots=True)
class Faults:
    """Why a message cannot be used: the first words, and how many there are."""

    told: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, text: str) -> None:
        """Note another one."""
        self.count += 1
        if self.count <= REASONS:
            cut = text if len(text) <= LONGEST_REASON else f"{text[:LONGEST_REASON]}..."
            self.told.append(cut)

    @override
    def __str__(self) -> str:
        """Return them as one text for people."""
        more = self.count - len(self.told)
        return " ".join([*self.told, *([f"And {counted(more, 'more fault')}."] if more else [])])


_log = get_logger("kastor.ingest")


class Verdict(Struct, frozen=True):
    """What became of a message: its outcome, or why it was rejected."""

    outcome: Outcome | None
    reason: str | None = None


class Taken(Struct, frozen=True):
    """A message whose readings are on their way to the store."""

    message: Message
    results: Sequence[asyncio.Future[Result]]
    faults: Faults


class Pipeline:
    """Takes the messages of one input."""

    def __init__(
        self, settings: Input, bursts: Bursts, tally: InputTally, rules: RuleIndex | None = None
    ) -> None:
        """Prepare a pipeline.

        Args:
            settings: of the input.
            bursts: takes the readings.
            tally: counts the messages.
            rules: those of the settings, where they are compiled already.
        """
        self._settings = settings
        self._rules = rules or RuleIndex(compile_rules(settings.rules))
        self._bursts = bursts
        self.tally = tally

    @asynccontextmanager
    async def trying(self, graph: GraphService) -> AsyncIterator[Pipeline]:
        """Enter a block with one that writes nothing and counts nothing, and else is the same."""
        context = replace(self._bursts.context, dry_run=True)
        async with graph.rehearsing(context) as rehearsal:
            bursts = self._bursts.over(rehearsal)
            try:
                yield Pipeline(self._settings, bursts, InputTally(), self._rules)
            finally:
                await bursts.stop()

    @property
    def weight(self) -> int:
        """The most steps that one message can cost."""
        return self._rules.weight

    def accept(self, message: Message) -> asyncio.Task[Verdict]:
        """Take a message, in the order of the calls; the task ends as `verdict` does."""
        return asyncio.create_task(self.verdict(self.take(message)))

    def take(self, message: Message) -> Taken:
        """Take a message, in the order of the calls; `verdict` says what became of it."""
        self.tally.receive()
        results: list[asyncio.Future[Result]] = []
        faults = Faults()
        for rule in self._rules.candidates(message):
            try:
                reading = read_in_time(rule, message, self._settings.max_ahead)
            except Unreadable as error:
                faults.add(f"Rule {rule.label}: {error}")
                continue
            except Exception as error:  # noqa: BLE001 - a broker would wait for it for ever
                _log.exception("a rule failed", rule=rule.label, exc_info=error)
                faults.add(f"Rule {rule.label}: something went wrong inside Kastor; see its log.")
                continue
            if reading is not None:
                results.append(self._bursts.submit(reading))
        return Taken(message, results, faults)

    async def verdict(self, taken: Taken) -> Verdict:
        """Return what became of a message once it is durable.

        Raises:
            Unavailable: it cannot be written now.
        """
        results = taken.results
        found = [await results[0]] if len(results) == 1 else await asyncio.gather(*results)
        faults = taken.faults
        for each in found:
            if isinstance(each, Refused):
                faults.add(each.reason)
        outcomes = [each for each in found if isinstance(each, Outcome)]
        if faults.count or not outcomes:
            reason = str(faults) or NO_RULE
            self.tally.reject(taken.message, reason)
            return Verdict(None, reason)
        outcome = max(outcomes)
        self.tally.record(outcome)
        return Verdict(outcome)

    def drop(self, taken: Taken) -> None:
        """Give a message up whose sender is gone; what of it is written stays."""
        for result in taken.results:
            result.cancel()
        self.tally.reject(taken.message, GONE)

    def reject(self, message: Message, reason: str) -> Verdict:
        """Note a message that no rule can look at."""
        self.tally.receive()
        self.tally.reject(message, reason)
        return Verdict(None, reason)


def read_in_time(
    rule: CompiledRule,
    message: Message,
    max_ahead: float,
    count: Callable[[Json], None] | None = None,
) -> TwinReading | None:
    """Return what a rule reads of a message, None if it is not for it; `count` as for the rule.

    Raises:
        Unreadable: it cannot read it, or its time lies further ahead than `max_ahead` seconds.
    """
    reading = rule.read(message, count)
    time = None if reading is None else reading.source_time
    if time is not None and time > now_ticks() + int(max_ahead * TICKS_PER_SECOND):
        # It would keep every true value out until then.
        raise Unreadable("The source time lies in the future; see the setting max_ahead.")
    return reading
