"""Brings some things of the source to the target: compares, says what it will write, writes.

Nothing is written over what others wrote: what is new is only created, what changes is bound to
the ETag that the migration left there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from kastor.moving.migration.canonical import body_of, digest, etag_of, ids_of
from kastor.moving.migration.patches import patch_between
from kastor.moving.migration.report import ADOPTED, CHANGED, CREATED, READ
from kastor.moving.migration.state import AWAITED, Thing
from kastor.moving.writing.operations import ThingKind, WriteOperation, WriteVerb
from kastor.moving.writing.writer import together

if TYPE_CHECKING:
    from kastor.client.calls import Document
    from kastor.moving.migration.report import RoundReport
    from kastor.moving.migration.side import Side
    from kastor.moving.migration.state import MigrationState
    from kastor.moving.writing.operations import WriteOutcome

_ATTEMPTS = 3
"""Of a write whose answer is lost again and again."""
OTHERS = "somebody else wrote it at the target; --overwrite replaces it"
REMOVED = "somebody else deleted it at the target; --overwrite makes it again"
UNKNOWN = "no answer tells whether it was written; the next run looks"


@dataclass(slots=True)
class WantedThing:
    """What a thing is to be at the target.

    Attributes:
        etag: of the source.
        body: of a PUT.
        digest: of that body.
        again: whether it was tried before in this run, so that what is there may be ours.
    """

    thing: Thing
    etag: str
    body: Document
    digest: bytes
    again: bool = False

    def done(self, etag: str | None, *, owned: bool = True) -> None:
        """Note that it is so at the target."""
        thing = self.thing
        thing.from_etag, thing.to_etag = self.etag, etag or f"digest:{self.digest.hex()}"
        thing.digest, thing.pending, thing.problem = self.digest, None, None
        thing.owned = thing.owned or owned

    def failed(self, problem: str, *, in_doubt: bool = False) -> None:
        """Note why it is not."""
        self.thing.problem = problem
        if not in_doubt:
            self.thing.pending = None


class PageTransfer:
    """Takes pages of the source's documents to the target.

    Args:
        components: by model, the components that its twins get empty where they lack them.
        overwrite: whether what others wrote at the target is replaced.
    """

    def __init__(
        self,
        state: MigrationState,
        target: Side,
        report: RoundReport,
        *,
        components: Mapping[str, Sequence[str]],
        overwrite: bool,
    ) -> None:
        self._state, self._target, self._report = state, target, report
        self._components, self._overwrite = components, overwrite

    async def take(self, kind: ThingKind, documents: Iterable[Document]) -> None:
        """Bring documents of one kind to the target, and note what became of each."""
        wishes = self._compare(kind, documents)
        doubtful = [each for each in wishes if each.thing.pending is not None]
        await together(self._settle(each.thing) for each in doubtful)
        creations: list[WantedThing] = []
        changes: list[WantedThing] = []
        for each in wishes:
            if each.thing.to_etag and each.thing.digest == each.digest and not each.thing.problem:
                each.done(each.thing.to_etag, owned=False)
            else:
                each.thing.pending = each.digest
                (creations if each.thing.to_etag is None else changes).append(each)
        self._keep(wishes)
        await self._create(creations)
        await self._change(changes)
        self._keep([*creations, *changes])

    def _compare(self, kind: ThingKind, documents: Iterable[Document]) -> list[WantedThing]:
        """Return what differs from the state, and note all as seen."""
        rows = {ids_of(kind, each): each for each in documents}
        self._report.add(kind, READ, len(rows))
        wishes: list[WantedThing] = []
        with self._state.change():
            known = self._state.things(kind, rows)
            self._state.seen(kind, rows, self._report.number)
            for key, document in rows.items():
                thing = known.get(key) or Thing(kind, *key)
                wish = self._wish(thing, document)
                is_new = thing.from_etag != wish.etag or thing.problem is not None
                if is_new or thing.pending is not None:
                    wishes.append(wish)
        return wishes

    def _wish(self, thing: Thing, document: Document) -> WantedThing:
        metadata = document.get("$metadata")
        model = metadata.get("$model") if isinstance(metadata, dict) else None
        components = dict.fromkeys(self._components.get(model, ())) if model else None
        body = body_of(document, components)
        return WantedThing(thing, etag_of(document, body), body, digest(body))

    def _keep(self, wishes: Iterable[WantedThing]) -> None:
        with self._state.change():
            self._state.keep(each.thing for each in wishes)

    async def _settle(self, thing: Thing) -> None:
        """Find out what became of a write that was under way when something ended."""
        found = await self._target.get(thing.kind, *thing.key)
        pending, thing.pending = thing.pending, None
        if found is None:
            thing.to_etag = thing.digest = None
            return
        body = body_of(found)
        here = digest(body)
        if here == pending and thing.to_etag is None:
            thing.owned = True
        if here in (pending, thing.digest):
            thing.to_etag, thing.digest = etag_of(found, body), here

    async def _create(
        self, wishes: Sequence[WantedThing], attempt: int = 1, what: str = CREATED
    ) -> None:
        outcomes = await self._target.writer.write(
            [
                WriteOperation(
                    WriteVerb.PUT, each.thing.kind, *each.thing.key, each.body, create=True
                )
                for each in wishes
            ]
        )
        there: list[WantedThing] = []
        again: list[WantedThing] = []
        for wish, outcome in zip(wishes, outcomes, strict=True):
            if outcome.done:
                wish.done(outcome.etag)
                self._report.add(wish.thing.kind, what)
            elif outcome.status == HTTPStatus.PRECONDITION_FAILED:
                there.append(wish)
            elif outcome.unsure:
                wish.again = True
                (again if attempt < _ATTEMPTS else there).append(wish)
            else:
                wish.failed(_refusal(wish.thing, outcome))
        await together(self._adopt(each) for each in there)
        if again:
            await self._create(again, attempt + 1, what)

    async def _adopt(self, wish: WantedThing) -> None:
        """Take what is there for ours where it has the same content."""
        found = await self._target.get(wish.thing.kind, *wish.thing.key)
        if found is None:
            wish.failed(UNKNOWN, in_doubt=True)
            return
        body = body_of(found)
        if digest(body) == wish.digest:
            wish.done(etag_of(found, body), owned=wish.again)
            self._report.add(wish.thing.kind, CREATED if wish.again else ADOPTED)
        elif not self._overwrite:
            wish.failed(OTHERS)
        elif (change := self._patch(wish, found)) is None:
            await self._turn(wish, found)
        else:
            (outcome,) = await self._target.writer.write([change])
            self._note_change(wish, outcome)

    async def _change(self, wishes: Sequence[WantedThing]) -> None:
        """Change what is there, all that can be by patches together."""
        found = await together(
            self._target.get(each.thing.kind, *each.thing.key) for each in wishes
        )
        patched: list[tuple[WantedThing, WriteOperation]] = []
        for wish, document in zip(wishes, found, strict=True):
            if document is None:
                await self._make_again(wish)
            elif not self._may_change(wish, document):
                wish.failed(OTHERS)
            elif digest(body_of(document)) == wish.digest:
                wish.done(etag_of(document, wish.body), owned=False)
            elif (change := self._patch(wish, document)) is None:
                await self._turn(wish, document)
            else:
                patched.append((wish, change))
        outcomes = await self._target.writer.write([each for _, each in patched])
        for (wish, _), outcome in zip(patched, outcomes, strict=True):
            self._note_change(wish, outcome)

    def _patch(self, wish: WantedThing, found: Document) -> WriteOperation | None:
        """Return the patch that changes what was found; None where none can."""
        patch = patch_between(found, wish.body)
        if patch is None:
            return None
        thing, etag = wish.thing, found.get("$etag")
        return WriteOperation(WriteVerb.PATCH, thing.kind, *thing.key, patch, if_match=etag)

    def _may_change(self, wish: WantedThing, document: Document) -> bool:
        body = body_of(document)
        if self._overwrite or etag_of(document, body) == wish.thing.to_etag:
            return True
        return digest(body) in (wish.thing.digest, wish.digest)

    def _note_change(self, wish: WantedThing, outcome: WriteOutcome) -> None:
        if outcome.done:
            wish.done(outcome.etag, owned=False)
            self._report.add(wish.thing.kind, CHANGED)
        elif outcome.unsure:
            wish.failed(UNKNOWN, in_doubt=True)
        elif outcome.status == HTTPStatus.PRECONDITION_FAILED:
            wish.failed(OTHERS)
        else:
            wish.failed(_refusal(wish.thing, outcome))

    async def _make_again(self, wish: WantedThing) -> None:
        if self._overwrite or wish.thing.digest is None:
            wish.thing.to_etag = None
            await self._create([wish])
        else:
            wish.failed(REMOVED)

    async def _turn(self, wish: WantedThing, found: Document) -> None:
        """Make something of it that no patch makes: another model, or other ends.

        A relationship is deleted, bound to its ETag, and made again; of a twin the PUT has no such
        condition, so that a write of others within the same milliseconds would be lost.
        """
        thing = wish.thing
        if thing.kind is ThingKind.RELATIONSHIP:
            deletion = WriteOperation(
                WriteVerb.DELETE, thing.kind, *thing.key, if_match=found.get("$etag")
            )
            (outcome,) = await self._target.writer.write([deletion])
            if outcome.done:
                thing.to_etag = None
                await self._create([wish], what=CHANGED)
                return
        else:
            put = WriteOperation(WriteVerb.PUT, thing.kind, *thing.key, wish.body)
            (outcome,) = await self._target.writer.write([put])
        self._note_change(wish, outcome)


def _refusal(thing: Thing, outcome: WriteOutcome) -> str:
    if thing.kind is ThingKind.RELATIONSHIP and outcome.status == HTTPStatus.NOT_FOUND:
        return AWAITED
    return f"{outcome.code or outcome.status}: {outcome.message}"
