"""Proposals as callers manage them: made, listed, approved, rejected, applied.

Applying is one transaction: that nothing it touches was changed is compared where each write is
decided, and that the proposal is open, approved where it has to be, and the caller's own is a
condition of the statement that marks it as applied, beside the writes. Grants are asked in the
same call. So of two that apply at once one writes and both get its answer, and a server that is
killed meanwhile has done all of it or nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from kastor import audit
from kastor.clock import TICKS_PER_SECOND, new_guid, now_ticks
from kastor.errors import KastorError, TooManyRequests, Unavailable
from kastor.graph.batch import commands_of
from kastor.graph.batch_told import taken_text
from kastor.proposals.forms import operations_text, read_kept, way_of
from kastor.proposals.refusals import (
    ProposalOutdated,
    ProposalRefused,
    applied_already,
    expired,
    needs_second_person,
    not_approved,
    not_found,
)
from kastor.proposals.settings import Confirm, ProposalLimits
from kastor.proposals.trial import Trial, guarded, read_seen, seen_text, try_out
from kastor.storage.batches import AppliedProposal, NotHeldError
from kastor.storage.proposals import ProposalContents, ProposalEntry, ProposalUsage

if TYPE_CHECKING:
    from kastor.graph.batch import BatchOperation
    from kastor.graph.command import Command
    from kastor.graph.service import GraphService
    from kastor.proposals.caller import Caller
    from kastor.records import Context
    from kastor.storage.batches import Results
    from kastor.storage.proposals import ProposalStore
    from kastor.types import Ticks

TOKEN_BYTES = 16


class Proposed(Struct, frozen=True):
    """A proposal that was made.

    Attributes:
        entry: what is kept of it; its id is empty after a dry run, which keeps nothing.
        token: by which its caller applies it; told once. Empty after a dry run.
        operations: of it.
        outcomes: what became of each when it was tried.
        diff: what they make different, JSON text.
    """

    entry: ProposalEntry
    token: str
    operations: Sequence[BatchOperation]
    outcomes: Sequence[Any]
    diff: bytes


class Proposal(Struct, frozen=True):
    """A proposal as its caller sees it, and whoever may approve it.

    Attributes:
        entry: what is known of it.
        diff: what it makes different, JSON text.
        operations: JSON text, `{"operations": [...]}`.
    """

    entry: ProposalEntry
    diff: bytes
    operations: bytes


class ProposalService:
    """The proposals of one graph.

    Args:
        store: where they are kept.
        graph: that they are about.
        age_now: tells the time as far as what is old may be removed by it.
        confirm: which of them need somebody's approval.
        second_person: whether that has to be another's than their caller.
        name: of the graph, for the audit log.
        limits: how many there may be, and how large.
    """

    def __init__(
        self,
        store: ProposalStore,
        graph: GraphService,
        age_now: Callable[[], Ticks],
        confirm: Confirm = Confirm.DESTRUCTIVE,
        name: str = "",
        limits: ProposalLimits | None = None,
        *,
        second_person: bool = False,
    ) -> None:
        self._store, self._graph, self._age_now = store, graph, age_now
        self._confirm, self._name, self._second_person = confirm, name, second_person
        self.limits = limits or ProposalLimits()

    async def propose(
        self, operations: Sequence[BatchOperation], reason: str, caller: Caller, context: Context
    ) -> Proposed:
        """Try writes and keep them until their caller applies them; the graph stays as it is.

        Args:
            operations: at most `limits.operations`, as `read_proposal` returns them.
            reason: why, a line for people and for the audit log.
            caller: whose proposal it is.
            context: who asks; a dry run keeps nothing.

        Raises:
            Forbidden: the caller may not give one of the writes.
            ProposalRefused: one of them would be refused.
            LimitExceeded: what they touch is too large.
            TooManyRequests: too many proposals are open.
        """
        context.require_plain()
        writes = "\n".join(sorted({f"{each.op.value} {each.kind.name}" for each in operations}))
        commands = await _commands(operations, writes, caller)
        position = await self._graph.position()
        trial = await try_out(self._graph, commands, context, self.limits.looked_bytes)
        if trial.refused:
            raise ProposalRefused(operations, _told(trial))
        token = secrets.token_urlsafe(TOKEN_BYTES)
        contents = ProposalContents(
            _hash(token), operations_text(operations), seen_text(trial.seen), trial.diff
        )
        now = now_ticks()
        entry = ProposalEntry(
            id="" if context.dry_run else new_guid(),
            caller=caller.principal,
            actor=context.actor,
            reason=reason,
            writes=writes,
            count=len(operations),
            position=position,
            needs_approval=self._confirm.needs_approval(operations),
            size=sum(map(len, (contents.operations, contents.seen, contents.diff))),
            created=now,
            expires=now + self.limits.seconds * TICKS_PER_SECOND,
        )
        if context.dry_run:
            return Proposed(entry, "", operations, trial.outcomes, trial.diff)
        await self.purge()
        await self._store.add_proposal(entry, contents, self._require_room)
        audit.note("proposal", **self._line("proposed", entry, caller, context))
        return Proposed(entry, token, operations, trial.outcomes, trial.diff)

    async def list(self, caller: Caller, context: Context) -> Sequence[ProposalEntry]:
        """Return the open ones that the caller made or may approve, oldest first."""
        context.require_plain()
        found = await self._store.proposals((0, ""), self.limits.open, now_ticks())
        return [each for each in found if _may_see(each, caller)]

    async def get(self, proposal_id: str, caller: Caller, context: Context) -> Proposal:
        """Return one that the caller made or may approve, also once it was applied; NotFound."""
        context.require_plain()
        entry, contents = await self._seen(proposal_id, caller)
        return Proposal(entry, contents.diff, contents.operations)

    async def named_by(self, token: str, caller: Caller, context: Context) -> ProposalEntry:
        """Return the caller's proposal that a token applies; raises NotFound."""
        context.require_plain()
        return (await self._own(token, caller))[0]

    async def approve(self, proposal_id: str, caller: Caller, context: Context) -> Proposal:
        """Say that a proposal may be applied; it is its caller who applies it.

        Args:
            proposal_id: of the proposal.
            caller: who approves: whoever may give each of its writes.
            context: who asks; a dry run only looks whether that can be.

        Raises:
            NotFound: there is none that the caller knows of.
            Forbidden: it is the caller's own, who may not give its writes any more.
            Conflict: `ProposalApplied`; or it is the caller's own, and another has to approve it
                (`ProposalNeedsSecondPerson`).
            Gone: `ProposalExpired`.
        """
        context.require_plain()
        entry, contents = await self._seen(proposal_id, caller)
        refusal = caller.first_refusal(entry.writes)
        if refusal is not None:
            raise refusal
        if self._second_person and entry.caller == caller.principal:
            raise needs_second_person(entry)
        now = now_ticks()
        _require_open(entry, now)
        if context.dry_run:
            would = replace(entry, approver=context.actor, approved=now)
            entry = would if entry.approver is None else entry
            return Proposal(entry, contents.diff, contents.operations)
        if await self._store.approve_proposal(entry.id, context.actor, now):
            await self._record("approved", entry, caller, context)
        found = await self.get(proposal_id, caller, context)
        if found.entry.approver is None:  # it was applied without, or is past its time by now
            _require_open(found.entry, now_ticks())
        return found

    async def reject(self, proposal_id: str, caller: Caller, context: Context) -> None:
        """Remove a proposal that was not applied; its caller and whoever may approve it may.

        Raises:
            NotFound: there is none that the caller knows of.
            Conflict: `ProposalApplied`.
        """
        context.require_plain()
        entry, _ = await self._seen(proposal_id, caller)
        if entry.applied is not None:
            raise applied_already(entry)
        if context.dry_run:
            return
        if not await self._store.remove_proposal(entry.id):
            entry, _ = await self._seen(proposal_id, caller)
            raise applied_already(entry)
        await self._record("rejected", entry, caller, context)

    async def apply(
        self, token: str, caller: Caller, context: Context, proposal_id: str | None = None
    ) -> bytes:
        """Write what was proposed, as a whole; a repeat is answered as the first time.

        Args:
            token: that the caller was given.
            caller: who proposed it.
            context: who asks; a dry run only looks whether it can be done.
            proposal_id: which one it has to be; None: that of the token.

        Returns:
            The answer of an atomic batch, JSON text.

        Raises:
            NotFound: no such proposal, another's, or another's token.
            Forbidden: the caller may not give one of the writes any more.
            ProposalOutdated: what it touches was changed; nothing was written.
            Conflict: `ProposalNotApproved`.
            Gone: `ProposalExpired`.
            Unavailable: nothing was written, or nobody knows: repeat it.
        """
        context.require_plain()
        entry, contents = await self._own(token, caller)
        if proposal_id is not None and entry.id != proposal_id:
            raise not_found()
        if contents.answer is not None:
            return contents.answer
        now = now_ticks()
        _require_applicable(entry, now)
        operations = await asyncio.to_thread(read_kept, contents.operations)
        commands = await _commands(operations, entry.writes, caller)
        guards = guarded(commands, read_seen(contents.seen))

        def note(results: Results) -> AppliedProposal:
            answer = _answer(operations, results.outcomes)
            via = way_of(entry, caller).text()
            return AppliedProposal(entry.id, caller.principal, answer, now, via)

        try:
            results = await self._graph.execute_many(guards, context, atomic=True, note=note)
        except NotHeldError:
            return await self._answered_meanwhile(token, caller)
        if not results.refused:
            if not context.dry_run:
                await self._record("applied", entry, caller, context)
            return _answer(operations, results.outcomes)
        repeated = (await self._own(token, caller))[1].answer
        if repeated is not None:
            return repeated
        _raise_others(results.outcomes)
        raise await self._outdated(entry, operations, commands, context)

    async def purge(self) -> int:
        """Remove those that are past their time and the time of repeats; return how many."""
        before = self._age_now() - self.limits.kept_seconds * TICKS_PER_SECOND
        return await self._store.purge_proposals(before)

    async def _answered_meanwhile(self, token: str, caller: Caller) -> bytes:
        """Return what another request of the same kind was answered; raises why there is none."""
        entry, contents = await self._own(token, caller)
        if contents.answer is None:
            _require_applicable(entry, now_ticks())
            raise TooManyRequests("The proposal is being changed just now. Apply it again.")
        return contents.answer

    async def _outdated(
        self,
        entry: ProposalEntry,
        operations: Sequence[BatchOperation],
        commands: Sequence[Command[Any]],
        context: Context,
    ) -> ProposalOutdated:
        trial = await try_out(self._graph, commands, context, self.limits.looked_bytes)
        return ProposalOutdated(entry.id, operations, _told(trial), trial.diff)

    async def _own(self, token: str, caller: Caller) -> tuple[ProposalEntry, ProposalContents]:
        proposal_id = await self._store.proposal_of(_hash(token))
        found = None if proposal_id is None else await self._store.proposal(proposal_id)
        if found is None or found[0].caller != caller.principal:
            raise not_found()
        return found

    async def _seen(
        self, proposal_id: str, caller: Caller
    ) -> tuple[ProposalEntry, ProposalContents]:
        found = await self._store.proposal(proposal_id)
        if found is None or not _may_see(found[0], caller):
            raise not_found()
        return found

    def _require_room(self, usage: ProposalUsage) -> None:
        limits = self.limits
        if usage.open_of_caller >= limits.open_each:
            said = f"You have {limits.open_each} proposals open, and may have no more."
        elif usage.open >= limits.open:
            said = f"The graph has {limits.open} proposals open, and takes no more."
        elif usage.size >= limits.size:
            said = (
                f"The proposals of the graph take {limits.size} bytes, and there is no more room."
            )
        else:
            return
        raise TooManyRequests(
            f"{said} Apply or reject some, or wait until they expire. Nothing was kept.",
            retry_after=60,
        )

    async def _record(
        self, what: str, entry: ProposalEntry, caller: Caller, context: Context
    ) -> None:
        """Add a line to the audit log before anybody is told."""
        await audit.record("proposal", **self._line(what, entry, caller, context))

    def _line(
        self, what: str, entry: ProposalEntry, caller: Caller, context: Context
    ) -> dict[str, object]:
        via = caller.via
        return {
            "what": what,
            "proposal": entry.id,
            "graph": self._name or None,
            "actor": caller.principal,
            "name": context.actor,
            "via": via.way,
            "tool": via.tool,
            "client_claims": via.client,
            "proposer": entry.actor,
            "approver": context.actor if what == "approved" else entry.approver,
            "reason": entry.reason,
            "operations": entry.count,
        }


async def _commands(
    operations: Sequence[BatchOperation], writes: str, caller: Caller
) -> list[Command[Any]]:
    """Return the commands of operations; raises what the caller may not give."""
    refusal = caller.first_refusal(writes)
    if refusal is not None:
        raise refusal
    return await asyncio.to_thread(commands_of, operations, caller.rules)


def _raise_others(outcomes: Sequence[Any]) -> None:
    """Raise what says nothing about what a proposal touches: faults, and what passes by itself."""
    for each in outcomes:
        if isinstance(each, Unavailable | TooManyRequests):
            raise each
        if isinstance(each, Exception) and not isinstance(each, KastorError):
            raise each


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _may_see(entry: ProposalEntry, caller: Caller) -> bool:
    return entry.caller == caller.principal or caller.first_refusal(entry.writes) is None


def _require_open(entry: ProposalEntry, now: Ticks) -> None:
    if entry.applied is not None:
        raise applied_already(entry)
    if entry.expires <= now:
        raise expired(entry)


def _require_applicable(entry: ProposalEntry, now: Ticks) -> None:
    if entry.expires <= now:
        raise expired(entry)
    if entry.needs_approval and entry.approver is None:
        raise not_approved(entry)


def _told(trial: Trial) -> Sequence[Any]:
    """Return the outcomes; raises what is a fault of ours."""
    for each in trial.outcomes:
        if isinstance(each, Exception) and not isinstance(each, KastorError):
            raise each
    return trial.outcomes


def _answer(operations: Sequence[BatchOperation], outcomes: Sequence[Any]) -> bytes:
    texts = [taken_text(*each) for each in zip(operations, outcomes, strict=True)]
    return b'{"results":[%b],"succeeded":%d,"failed":0}' % (b",".join(texts), len(texts))
