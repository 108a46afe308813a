"""`get_twin`: twins as they are, or were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kastor.agents.arguments import GetTwin, given
from kastor.agents.fitting import AnswerRow, ToolAnswer
from kastor.agents.shortening import compact, read_field, selected, stub_of
from kastor.agents.tools.near import near_twins
from kastor.errors import NotFound
from kastor.graph.documents import decode, with_etag
from kastor.graph.ids import require_id
from kastor.graph.instants import shown

if TYPE_CHECKING:
    from kastor.agents.caller import AgentCaller
    from kastor.agents.cursors import Cursors
    from kastor.records import Context


async def get_twin(caller: AgentCaller, asked: GetTwin, cursors: Cursors) -> ToolAnswer:
    """Return twins by id, with their etags; ids of which there is none are told."""
    start, change = 0, None
    if (cursor := given(asked.cursor)) is not None:
        change, start = cursors.read(cursor)
    context = await caller.pinned(given(asked.as_of), change)
    fields = [read_field(each) for each in given(asked.fields) or ()]
    rows = [await _row(caller, each, fields, context) for each in asked.ids[start:]]
    at = context.at
    return ToolAnswer(
        {} if at is None else {"at": shown(at)},
        rows,
        name="twins",
        cursor=lambda n: None if at is None else cursors.make(at.change, start + n),
    )


async def _row(
    caller: AgentCaller, twin_id: str, fields: list[tuple[str, ...]], context: Context
) -> AnswerRow:
    try:
        found = await caller.services.graph.twin(require_id(twin_id, "twin"), context)
    except NotFound:
        missing: dict[str, Any] = {"$dtId": twin_id, "missing": True}
        if context.at is None or not fields:
            missing |= await _meant(caller, twin_id)
        return AnswerRow(missing)
    document = decode(with_etag(found.doc, found.etag))
    if fields:
        whole = {"$dtId": found.id, "$etag": found.etag, "fields": selected(document, fields)}
        return AnswerRow(whole, stub_of(document))
    return AnswerRow(compact(document), stub_of(document))


async def _meant(caller: AgentCaller, twin_id: str) -> dict[str, Any]:
    found = await near_twins(caller, twin_id)
    return {"did_you_mean": found} if found else {}
