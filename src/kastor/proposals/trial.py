"""Tries the writes of a proposal on one state of the graph, and tells what they make different."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson
from msgspec import Struct

from kastor.errors import Conflict, LimitExceeded
from kastor.graph.batch import RefusedWrite
from kastor.graph.command import Command, Decided, State
from kastor.graph.restoring import content_of
from kastor.history.patches import patch_between
from kastor.records import Decision, Needs
from kastor.types import Document, Etag, override

if TYPE_CHECKING:
    from kastor.clock import Stamp
    from kastor.graph.service import GraphService
    from kastor.records import Context, RelationshipRow, TwinRow

Thing: TypeAlias = tuple[str, ...]
"""A twin by its id, or a relationship by its source and its id."""
Seen: TypeAlias = "tuple[Etag, bytes] | None"
"""Etag and JSON text of a thing; None: there is none."""


class Trial(Struct, frozen=True):
    """What became of writes that were tried.

    Attributes:
        outcomes: of each, what its decision said or why it was refused.
        seen: the etag of everything that they touch, None for what there was not.
        diff: what they make different, JSON text.
    """

    outcomes: Sequence[Any]
    seen: dict[Thing, Etag | None]
    diff: bytes

    @property
    def refused(self) -> bool:
        """Whether one of them was refused."""
        return any(isinstance(each, Exception) for each in self.outcomes)


async def try_out(
    graph: GraphService, commands: Sequence[Command[Any]], context: Context, most: int
) -> Trial:
    """Return what would become of commands, each after those before; none is applied.

    Args:
        graph: that they are about.
        commands: at most a hundred.
        context: who asks.
        most: bytes of documents that are looked at.

    Raises:
        LimitExceeded: the documents are larger.
        TooManyRequests, Unavailable: as `GraphService.rehearsing`.
    """
    things = list(dict.fromkeys(map(_thing, commands)))
    if () in things:  # what is wrong in its form names nothing
        things.remove(())
    budget = _Budget(most)
    looks = [_Look(each, budget) for each in things]
    async with graph.rehearsing(context) as rehearse:
        before = _raised(await rehearse(looks))
        outcomes = (await rehearse(commands)).outcomes
        after = _raised(await rehearse(looks))
    seen = {thing: found and found[0] for thing, found in zip(things, before, strict=True)}
    lines = [
        line
        for thing, old, new in zip(things, before, after, strict=True)
        if (line := _difference(thing, old, new))
    ]
    return Trial(outcomes, seen, orjson.dumps(lines))


def guarded(
    commands: Sequence[Command[Any]], seen: Mapping[Thing, Etag | None]
) -> list[Command[Any]]:
    """Return the commands, of which the first about each thing finds it as it was or is refused."""
    left = dict(seen)
    made: list[Command[Any]] = []
    for each in commands:
        thing = _thing(each)
        made.append(_Guarded(each, thing, left.pop(thing)) if thing in left else each)
    return made


def seen_text(seen: Mapping[Thing, Etag | None]) -> bytes:
    """Return as JSON text what was seen."""
    return orjson.dumps([[*thing, etag] for thing, etag in seen.items()])


def read_seen(text: bytes) -> dict[Thing, Etag | None]:
    """Return what `seen_text` made text of."""
    return {tuple(thing): etag for *thing, etag in orjson.loads(text)}


class _Budget:
    """Counts the bytes that are looked at."""

    def __init__(self, most: int) -> None:
        self._most = self._left = most

    def take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise LimitExceeded(
                f"What the proposal touches has more than {self._most} bytes, before and after "
                "together. Propose a part of it. Nothing was changed."
            )


class _Look(Command["Seen"], frozen=True):
    """Tells what there is of a thing."""

    thing: Thing
    budget: _Budget

    @override
    def needs(self) -> Needs:
        """Name the thing."""
        twin_id, *rest = self.thing
        return Needs(twin_id=twin_id, relationship_id=rest[0] if rest else None)

    @override
    def decide(self, current: State, stamp: Stamp) -> Decided[Seen]:
        """Change nothing."""
        row = _row(current, self.thing)
        if row is None:
            return Decision(None, None)
        self.budget.take(len(row.doc))
        return Decision(None, (row.etag, row.doc))


class _Guarded(Command[Any], frozen=True):
    """A write of what is as it was seen."""

    command: Command[Any]
    thing: Thing
    etag: Etag | None

    @override
    def needs(self) -> Needs:
        """Name what the command does."""
        return self.command.needs()

    @override
    def decide(self, current: State, stamp: Stamp) -> Decided[Any]:
        """Decide as the command does; raises Conflict where something else is there."""
        row = _row(current, self.thing)
        if (None if row is None else row.etag) != self.etag:
            raise Conflict("It was changed since the proposal was made.", code="ProposalOutdated")
        return self.command.decide(current, stamp)


def _thing(command: Command[Any]) -> Thing:
    if isinstance(command, RefusedWrite):
        return ()
    needs = command.needs()
    if needs.twin_id is None:
        return ()
    return tuple(each for each in (needs.twin_id, needs.relationship_id) if each is not None)


def _row(current: State, thing: Thing) -> TwinRow | RelationshipRow | None:
    return current.twin if len(thing) == 1 else current.relationship


def _raised(results: Any) -> Sequence[Seen]:
    for each in results.outcomes:
        if isinstance(each, Exception):
            raise each
    found: Sequence[Seen] = results.outcomes
    return found


def _difference(thing: Thing, old: Seen, new: Seen) -> Document | None:
    """Return what differs, as the lines of a comparison say it; times of updates do not count."""
    *source, own = thing
    told: Document = {"kind": "relationship" if source else "twin", "id": own}
    if source:
        told["source"] = source[0]
    if old is None or new is None:
        if old is None and new is None:
            return None
        if old is not None:
            return {**told, "what": "removed", "before": content_of(old[1])}
        return {**told, "what": "added", "after": content_of(new[1] if new else b"")}
    before = content_of(old[1])
    patch = patch_between(before, content_of(new[1]))
    if not patch:
        return None
    for step in patch:
        if step["op"] != "add":
            step["was"] = _at(before, step["path"])
    return {**told, "what": "changed", "patch": patch}


def _at(document: Any, pointer: str) -> Any:
    for segment in pointer.split("/")[1:]:
        document = document[segment.replace("~1", "/").replace("~0", "~")]
    return document
