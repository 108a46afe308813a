"""`history` and `diff`: what was changed, when and by whom, and what two instants differ in."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from kastor.agents.arguments import Diff, History, given
from kastor.agents.fitting import AnswerRow, ToolAnswer
from kastor.agents.refusals import ToolRefused
from kastor.agents.shortening import shortened
from kastor.agents.tools.near import near_twins, require_model
from kastor.errors import InvalidArgument, NotFound
from kastor.graph.ids import require_id
from kastor.graph.instants import Named, read_instant, shown
from kastor.history.diff import Comparison, GraphPart
from kastor.history.entries import Tracked
from kastor.history.patches import patch_between
from kastor.history.spans import LAST_CHANGE, Span

if TYPE_CHECKING:
    from kastor.agents.caller import AgentCaller
    from kastor.agents.cursors import Cursors

MOST_CHANGES = 30
"""Paths of one entry that are shown."""
MOST_LINES = 5_000
"""Differences that one call looks at, those before its cursor included."""


async def history(caller: AgentCaller, asked: History, cursors: Cursors) -> ToolAnswer:
    """Return the changes of a twin or a relationship, the newest first."""
    service, context = caller.services.history, caller.context()
    thing = _tracked(asked)
    if (cursor := given(asked.cursor)) is not None:
        end, start = cursors.read(cursor)
        span = Span(start, LAST_CHANGE if end is None else end)
    else:
        first, last = (
            None if text is None else read_instant(text, name)
            for name, text in (("from", given(asked.since)), ("to", given(asked.until)))
        )
        span = await service.span(first, last, context)
    try:
        page = await service.entries(
            thing, span, asked.limit, context, descending=True, as_patch=True
        )
    except NotFound as error:
        near = await near_twins(caller, asked.id)
        raise ToolRefused(error.code, error.message, at="id", near=near) from None
    entries = [orjson.loads(each) for each in page.texts]

    def cursor_behind(count: int) -> str | None:
        following = page.following
        if count < len(entries):
            following = entries[count]["change"]
        return None if following is None or not count else cursors.make(following, span.start)

    return ToolAnswer(
        {},
        [AnswerRow(_entry(each), _short_entry(each)) for each in entries],
        name="changes",
        more=page.following is not None,
        cursor=cursor_behind,
        hint="Give from and to.",
    )


async def diff(caller: AgentCaller, asked: Diff, cursors: Cursors) -> ToolAnswer:
    """Return what two instants differ in: of some twins, of those of a model, or of all."""
    ids, model = given(asked.ids), given(asked.model)
    if ids is not None and model is not None:
        raise InvalidArgument("Give ids or model, and not both.").at(path="ids")
    if model is not None:
        require_model(caller, model)
    context, diffs, start = caller.context(), caller.services.diffs, 0
    first = read_instant(asked.since, "from")
    last = None if (text := given(asked.until)) is None else read_instant(text, "to")
    if (cursor := given(asked.cursor)) is not None:
        change, (since, start) = cursors.read(cursor)
        first, last = Named(change=since), Named(change=change)
    before, after = await diffs.at(first, context), await diffs.at(last, context)
    comparison = Comparison.of(before, after, "document")
    rows: list[AnswerRow] = []
    passed, more = 0, False
    for part in _parts(ids, model):
        with contextlib.suppress(NotFound):  # of an id that was at neither instant nothing differs
            async with contextlib.aclosing(await diffs.open(comparison, part, context)) as portions:
                async for line in _lines(portions):
                    passed += 1
                    if passed <= start:
                        continue
                    if len(rows) == asked.limit or passed > MOST_LINES:
                        more = True
                        break
                    rows.append(_difference(line))
        if more:
            break
    return ToolAnswer(
        {"from": shown(before), "to": shown(after)},
        rows,
        name="differences",
        more=more,
        cursor=lambda n: cursors.make(after.change, [before.change, start + n]) if n else None,
        hint="Give ids or a model, or instants nearer to each other.",
    )


def _parts(ids: Sequence[str] | None, model: str | None) -> list[GraphPart]:
    if ids is not None:
        return [GraphPart(twin=require_id(each, "twin")) for each in dict.fromkeys(ids)]
    if model is not None:
        text = "SELECT * FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, '{}')"
        # A stored model's id holds no quote (DTDL), and this one was looked up.
        return [GraphPart(query=text.format(model))]
    return [GraphPart()]


async def _lines(portions: Any) -> Any:
    async for portion in portions:
        for line in portion.splitlines():
            yield orjson.loads(line)


def _tracked(asked: History) -> Tracked:
    twin_id = require_id(asked.id, "twin")
    relationship = given(asked.relationship)
    if relationship is None:
        return Tracked("twin", (twin_id,))
    return Tracked("relationship", (twin_id, require_id(relationship, "relationship")))


def _entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    shown_entry = {name: entry[name] for name in ("version", "change", "actor") if name in entry}
    shown_entry["at"] = entry["from"]
    if "via" in entry:
        shown_entry["via"] = {
            name: entry["via"][name]
            for name in ("way", "proposal", "approver", "reason")
            if name in entry["via"]
        }
    if entry.get("deleted"):
        return shown_entry | {"deleted": True}
    if "patch" not in entry:
        return shown_entry | {"note": "What was before is not kept."}
    if [each["path"] for each in entry["patch"]] == [""]:
        return shown_entry | {"created": True}
    changes = [_change(each) for each in entry["patch"] if not _is_of_system(each["path"])]
    if len(changes) > MOST_CHANGES:
        shown_entry["changedInAll"] = len(changes)
    return shown_entry | {"changed": changes[:MOST_CHANGES]}


def _short_entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    paths = [each["path"][:100] for each in entry.get("patch", ())]
    shown_entry = {"version": entry["version"], "change": entry["change"], "at": entry["from"]}
    return shown_entry | {"paths": paths[:10], "omitted": True}


def _change(step: Mapping[str, Any]) -> dict[str, Any]:
    changed: dict[str, Any] = {"path": step["path"]}
    if step["op"] == "remove":
        return changed | {"removed": True}
    return changed | {"value": shortened(step["value"])}


def _is_of_system(path: str) -> bool:
    return path.startswith(("/$metadata/", "/$etag")) and path != "/$metadata/$model"


def _difference(line: Mapping[str, Any]) -> AnswerRow:
    told = {name: line[name] for name in ("kind", "id", "source", "what") if name in line}
    if line["what"] != "changed" or "before" not in line or "after" not in line:
        return AnswerRow(told, told)
    before, after = line["before"], line["after"]
    changed = []
    for step in patch_between(before, after):
        path = step["path"]
        if _is_of_system(path):
            continue
        one: dict[str, Any] = {"path": path}
        for name, document in (("before", before), ("after", after)):
            found, value = _value_at(document, path)
            if found:
                one[name] = shortened(value)
        changed.append(one)
    short = told | {"paths": [each["path"][:100] for each in changed[:10]]}
    if len(changed) > MOST_CHANGES:
        told["changedInAll"] = len(changed)
    return AnswerRow(told | {"changed": changed[:MOST_CHANGES]}, short)


def _value_at(document: Any, path: str) -> tuple[bool, Any]:
    value = document
    for step in path.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(value, dict) or name not in value:
            return False, None
        value = value[name]
    return True, value
