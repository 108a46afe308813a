"""What the rules of an input would make of one message; nothing is written and nothing counted.

Each rule says for itself what it reads; what becomes of it is judged where a message would be
written, on one state of the graph, twin by twin as in a burst.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from kastor.clock import now_ticks
from kastor.errors import InvalidArgument, KastorError, LimitExceeded, Unavailable
from kastor.graph.commands import TakeReadings
from kastor.graph.patch import PatchOperation
from kastor.graph.readings import Outcome, Path, TwinReading
from kastor.graph.rehearsed import GraphRehearsal
from kastor.graph.service import GraphService
from kastor.ingest.bursts import telemetry_of, words_of
from kastor.ingest.inputs import Input, WebhookInput
from kastor.ingest.mapping import Message, Unreadable
from kastor.ingest.pipeline import NO_RULE, Faults, read_in_time
from kastor.ingest.rules import CompiledRule, compile_rules
from kastor.ingest.webhook import JSON, NoEvent, read_messages
from kastor.records import Context
from kastor.types import Json, Ticks, TwinId

MOST_BYTES = 65_536
"""Of a message that is tried, its topic and headers included."""
MOST_WORK = 33_554_432
"""Bytes of the message, times the steps that the rules take: each step may look at all of it."""
MOST_READ = 4_000_000
"""Bytes of JSON of all that the rules read: each may have the whole message as its value."""

Floors = Mapping[TwinId, Mapping[Path, Ticks]]


@dataclass(frozen=True, slots=True)
class Sample:
    """A message that somebody made up, as it would come in.

    Attributes:
        topic: of MQTT; a webhook has none.
        headers: of the request, or user properties; names in lower case.
        content_type: of a webhook's request, without parameters.
    """

    payload: bytes
    topic: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = JSON


@dataclass(slots=True)
class RuleTrial:
    """What one rule makes of the message.

    Attributes:
        rule: its label.
        reading: what it reads; None where it is not for the message, or cannot read it.
        reason: why it cannot be used.
    """

    rule: str
    reading: TwinReading | None = None
    outcome: Outcome | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class TwinTrial:
    """The patch that a twin would get."""

    twin_id: TwinId
    operations: tuple[PatchOperation, ...]


@dataclass(frozen=True, slots=True)
class InputTrial:
    """What would become of a message: as `Verdict`, with how that came."""

    outcome: Outcome | None
    reason: str | None
    rules: Sequence[RuleTrial]
    twins: Sequence[TwinTrial]


async def try_message(
    settings: Input, sample: Sample, graph: GraphService, context: Context, floors: Floors
) -> InputTrial:
    """Return what would become of a message.

    Args:
        settings: of the input.
        sample: the message.
        graph: where it would be written.
        context: for whom; a dry run.
        floors: source times that a running input has seen but not written.

    Raises:
        InvalidArgument: it is no message, or several.
        LimitExceeded: it is too large, by itself or for so many rules.
        TooManyRequests, Unavailable: see `GraphService.rehearsing`.
    """
    _require_small(settings, sample)
    rules = await asyncio.to_thread(_read_all, settings, sample)
    if isinstance(rules, NoEvent):
        return InputTrial(None, str(rules), (), ())
    async with graph.rehearsing(context) as rehearsal:
        twins = await _judge(rules, rehearsal, context, floors)
    faults = Faults()
    for each in rules:
        if each.reason is not None:
            faults.add(each.reason)
    outcomes = [each.outcome for each in rules if each.outcome is not None]
    if faults.count or not outcomes:
        return InputTrial(None, str(faults) or NO_RULE, rules, twins)
    return InputTrial(max(outcomes), None, rules, twins)


def _require_small(settings: Input, sample: Sample) -> None:
    named = sum(len(name.encode()) + len(text.encode()) for name, text in sample.headers.items())
    size = len(sample.payload) + len(sample.topic.encode()) + named
    if size > MOST_BYTES:
        raise LimitExceeded(
            f"The message has {size} bytes with its topic and headers; at most {MOST_BYTES} are "
            "tried."
        ).at(path="/payload")
    steps = sum(each.weight for each in settings.rules)
    if size * steps > MOST_WORK:
        raise LimitExceeded(
            f"The message has {size} bytes, and the rules take {steps} steps for it; at most "
            f"{MOST_WORK} bytes times steps are tried. Try a smaller message, or fewer rules."
        ).at(path="/payload")


def _read_all(settings: Input, sample: Sample) -> list[RuleTrial] | NoEvent:
    """Return what each rule reads; in a thread, since rules may be many."""
    message = _message(settings, sample)
    if isinstance(message, NoEvent):
        return message
    room = _Room()
    ahead = settings.max_ahead
    return [_read(each, message, ahead, room) for each in compile_rules(settings.rules)]


class _Room:
    """What the values of all rules may still take in an answer."""

    def __init__(self) -> None:
        self._left = MOST_READ

    def take(self, value: Json) -> None:
        """Take room for a value; raises LimitExceeded."""
        self._left -= len(orjson.dumps(value))
        if self._left < 0:
            raise LimitExceeded(
                f"The rules make more than {MOST_READ} bytes of the message. Try a smaller one, or "
                "fewer rules."
            ).at(path="/payload")


def _message(settings: Input, sample: Sample) -> Message | NoEvent:
    if not isinstance(settings, WebhookInput):
        trace = sample.headers.get("traceparent")
        return Message(sample.topic, sample.payload, sample.headers, trace)
    if sample.topic:
        raise InvalidArgument("A message of a webhook has no topic.").at(path="/topic")
    found = read_messages(sample.content_type, sample.headers, sample.payload)
    if len(found) != 1:
        raise InvalidArgument(f"One message is tried at a time; the payload has {len(found)}.").at(
            path="/payload"
        )
    return found[0]


def _read(rule: CompiledRule, message: Message, max_ahead: float, room: _Room) -> RuleTrial:
    try:
        return RuleTrial(rule.label, read_in_time(rule, message, max_ahead, room.take))
    except Unreadable as error:
        return RuleTrial(rule.label, reason=f"Rule {rule.label}: {error}")


async def _judge(
    rules: Sequence[RuleTrial], rehearsal: GraphRehearsal, context: Context, floors: Floors
) -> list[TwinTrial]:
    """Note at each rule what would become of it; return the patches that twins would get."""
    by_twin: dict[TwinId, list[RuleTrial]] = {}
    for each in rules:
        if each.reading is not None:
            by_twin.setdefault(each.reading.twin_id, []).append(each)
    now = now_ticks()
    twins = []
    for twin_id, trials in by_twin.items():
        trials.sort(key=lambda each: _order(each, now))  # stable, as in a burst
        known = floors.get(twin_id, {})
        operations = await _take(twin_id, trials, rehearsal, context, known)
        for each in trials:
            if each.reason is None:
                await _send(each, rehearsal, context)
        if operations:
            twins.append(TwinTrial(twin_id, operations))
    return twins


def _order(trial: RuleTrial, now: Ticks) -> Ticks:
    time = None if trial.reading is None else trial.reading.source_time
    return now if time is None else time


async def _take(
    twin_id: TwinId,
    trials: Sequence[RuleTrial],
    rehearsal: GraphRehearsal,
    context: Context,
    floors: Mapping[Path, Ticks],
) -> tuple[PatchOperation, ...]:
    """Judge what is read for one twin together, or one by one where that cannot be."""
    readings = [each.reading for each in trials if each.reading is not None]
    if not any(each.values for each in readings):  # telemetry alone
        for each in trials:
            each.outcome = Outcome.WRITTEN
        return ()
    try:
        merged = await rehearsal.execute(TakeReadings(twin_id, readings, floors), context)
    except Unavailable:
        raise
    except KastorError as error:
        if len(trials) == 1:
            trials[0].reason = words_of(error)
            return ()
        parts = [await _take(twin_id, [each], rehearsal, context, floors) for each in trials]
        return tuple(operation for part in parts for operation in part)
    for each, outcome in zip(trials, merged.outcomes, strict=True):
        each.outcome = outcome
    return merged.operations


async def _send(trial: RuleTrial, rehearsal: GraphRehearsal, context: Context) -> None:
    command = None if trial.reading is None else telemetry_of(trial.reading)
    if command is None:
        return
    try:
        await rehearsal.execute(command, context)
    except Unavailable:
        raise
    except KastorError as error:
        trial.outcome, trial.reason = None, words_of(error)
    else:
        trial.outcome = Outcome.WRITTEN
