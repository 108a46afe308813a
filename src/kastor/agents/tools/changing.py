"""`propose_change` and `apply_change`: the only way to write is a proposal (decisions 7)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import orjson
from msgspec import structs

from kastor.agents.arguments import ApplyChange, ProposeChange
from kastor.agents.asking import PersonNeeded, question_of
from kastor.agents.fitting import AnswerRow, ToolAnswer
from kastor.agents.refusals import ToolRefused
from kastor.agents.shortening import compact, shortened
from kastor.clock import twin_time
from kastor.errors import Forbidden, KastorError
from kastor.proposals import ProposalOutdated, ProposalRefused, Via, read_proposal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kastor.agents.caller import AgentCaller
    from kastor.agents.cursors import Cursors
    from kastor.proposals import Caller
    from kastor.storage.proposals import ProposalEntry

_MOST_TOLD, _LONGEST_TOLD = 3, 200
_MOST_STEPS = 20


async def propose_change(
    caller: AgentCaller, asked: ProposeChange, _cursors: Cursors
) -> ToolAnswer:
    """Try writes and keep them until they are applied; the graph stays as it is."""
    service = caller.services.proposals
    text = msgspec.json.encode({"operations": asked.operations, "reason": asked.reason})
    read = await asyncio.to_thread(read_proposal, text, service.limits.operations)
    try:
        made = await service.propose(
            read.operations, read.reason, _proposer(caller, "propose_change"), caller.context()
        )
    except ProposalRefused as refused:
        raise _told(refused) from None
    entry = made.entry
    head: dict[str, Any] = {
        "id": entry.id,
        "token": made.token,
        "expires": twin_time(entry.expires),
        "operations": entry.count,
        "needsApproval": entry.needs_approval,
        "next": _next_of(caller, entry),
    }
    return ToolAnswer(
        head,
        _lines(made.diff),
        name="diff",
        hint=f"The whole diff: GET /kastor/v1/proposals/{entry.id}, or in the explorer.",
        twice=True,
    )


async def apply_change(caller: AgentCaller, asked: ApplyChange, _cursors: Cursors) -> ToolAnswer:
    """Write what was proposed, as a whole; a repeat is answered as the first time."""
    service, proposer = caller.services.proposals, _proposer(caller, "apply_change")
    await _hear(caller, asked, proposer)
    try:
        text = await service.apply(asked.token, proposer, caller.context())
    except ProposalOutdated as outdated:
        head = {
            "code": outdated.code,
            "message": outdated.message,
            "try": "Look at the diff, and propose the change again if it is still wanted.",
        }
        return ToolAnswer(head, _lines(outdated.diff), name="diff", is_error=True)
    answer = orjson.loads(text)
    return ToolAnswer(
        {"applied": answer["succeeded"]},
        [AnswerRow(each) for each in answer["results"]],
        name="results",
        hint="All of them were written.",
        twice=True,
    )


async def _hear(caller: AgentCaller, asked: ApplyChange, proposer: Caller) -> None:
    """Approve a proposal by the word of the caller's person, who is asked if that is needed.

    Raises:
        PersonNeeded: the person has to be asked.
        ToolRefused: the person said no.
        KastorError: the caller cannot approve it.
    """
    if not caller.asks:  # what has to be approved first is refused below, which says where
        return
    service, context = caller.services.proposals, caller.context()
    entry = await service.named_by(asked.token, proposer, context)
    word = caller.word if caller.word is not None and caller.word.proposal == entry.id else None
    if word is not None and word.said != "accept":
        raise ToolRefused(
            "ChangeDeclined",
            f"The person did not agree to the proposal {entry.id}; nothing was changed.",
            advice="Ask the person what to do instead. Do not apply it again without being told.",
        )
    if entry.applied is not None or not entry.needs_approval or entry.approver is not None:
        return
    if word is not None:
        await service.approve(entry.id, proposer, context)
        return
    # Nobody is asked for a word that would not count.
    trial = structs.replace(context, dry_run=True)
    would = await service.approve(entry.id, proposer, trial)
    raise PersonNeeded(question_of(entry, orjson.loads(would.diff), asked.max_chars), entry.id)


def _next_of(caller: AgentCaller, entry: ProposalEntry) -> str:
    """Return what is to be done with a proposal that was made."""
    if not entry.needs_approval:
        return "Show the diff to the person, then call apply_change with token."
    if caller.asks:
        return "Show the diff to the person, then call apply_change with token: it asks the person."
    return (
        f"A person has to approve proposal {entry.id} first, in the explorer under Operate; "
        "call apply_change with token after that."
    )


def _proposer(caller: AgentCaller, tool: str) -> Caller:
    if caller.proposer is None:
        raise Forbidden("This way may not write.")
    return caller.proposer(Via("mcp", tool, caller.client))


def _lines(diff: bytes) -> list[AnswerRow]:
    return [_line(each) for each in orjson.loads(diff)]


def _line(line: dict[str, Any]) -> AnswerRow:
    """Return a line of a diff as it is shown: documents without their times, patches shortened."""
    told: dict[str, Any] = {
        name: line[name] for name in ("kind", "id", "source", "what") if name in line
    }
    shown: dict[str, Any] = dict(told)
    for name in ("before", "after"):
        if isinstance(line.get(name), dict):
            shown[name] = compact(line[name])
    if "patch" in line:
        shown["patch"] = [shortened(each) for each in line["patch"][:_MOST_STEPS]]
        if len(line["patch"]) > _MOST_STEPS:
            shown["stepsInAll"] = len(line["patch"])
    return AnswerRow(shown, told | {"omitted": True})


def _told(refused: ProposalRefused) -> ToolRefused:
    why = [
        f"Operation {number}: {each.message[:_LONGEST_TOLD]}"
        for number, each in _refusals(refused.outcomes)
    ]
    at = [number for number, _ in _refusals(refused.outcomes)]
    told = " ".join([refused.message, *why[:_MOST_TOLD]])
    return ToolRefused(
        refused.code,
        told,
        at={"operations": at[:_MOST_TOLD]},
        advice="Mend these operations; read the models with get_model, the twins with get_twin.",
    )


def _refusals(outcomes: Sequence[Any]) -> Iterable[tuple[int, KastorError]]:
    return ((n, each) for n, each in enumerate(outcomes) if isinstance(each, KastorError))
