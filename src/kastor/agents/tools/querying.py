"""`query` and `explain_query`: the server's query languages, by the same entry as over REST."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson

from kastor.agents.arguments import ExplainQuery, Query, given
from kastor.agents.fitting import AnswerRow, ToolAnswer, fitted
from kastor.agents.shortening import LONGEST_TEXT, shown_row, stub_of
from kastor.graph.instants import shown
from kastor.query.estimate import GraphSize, guessed, told_by_engine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kastor.agents.caller import AgentCaller
    from kastor.agents.cursors import Cursors
    from kastor.query.service import ResultPage
    from kastor.records import Context

_MOST_COLUMNS, _LONGEST_COLUMN = 40, 60
_LONGEST_SQL = 2_000
_ATTEMPTS, _LIKELY_CURSOR = 4, 250
"""How often a page is asked for until it fits, and characters of most cursors."""
_NARROW = (
    "Select fewer columns, or give a condition; TOP(n), LIMIT n and a count answer much in little."
)
_MOST_ADVICE = 5


async def query(caller: AgentCaller, asked: Query, cursors: Cursors) -> ToolAnswer:
    """Return rows of a query, all pages of one instant."""
    change, token = None, None
    if (cursor := given(asked.cursor)) is not None:
        change, place = cursors.read(cursor)
        token = caller.services.query.token_at(place, asked.q, change, given(asked.parameters))
    context = await caller.pinned(given(asked.as_of), change)
    size = asked.limit
    for _ in range(_ATTEMPTS):
        page = await _page(caller, asked, context, token, size)
        made = _cursor(caller, cursors, page, context)
        cut = partial(_cut, page, context, made, asked.max_chars)
        answer, count, there = await caller.worked(len(page.value), cut)
        if count == there or not count or context.at is None:
            break
        # The bound falls between two rows: a page that ends there says where the next one begins.
        size = count
    return answer if count == there else replace(answer, cursor=None)


def _cut(
    page: ResultPage, context: Context, made: str | None, most: int
) -> tuple[ToolAnswer, int, int]:
    """Return the answer of a page, how many of its rows fit, and how many there are."""
    values = orjson.loads(page.value)
    more = page.continuation is not None
    behind = partial(_cursor_behind, {len(values): made}, "-" * _LIKELY_CURSOR)
    answer = replace(_answer(values, page, context), more=more, cursor=behind)
    return answer, fitted(answer, most)[1], len(values)


def _cursor_behind(made: Mapping[int, str | None], guess: str, count: int) -> str | None:
    return made.get(count, guess)


async def explain_query(caller: AgentCaller, asked: ExplainQuery, _cursors: Cursors) -> ToolAnswer:
    """Return how a query would be answered, and how many rows it may have; it is not run."""
    context = caller.context()
    found = await caller.services.query.explain(
        asked.q, context, parameters=given(asked.parameters)
    )
    rows, by = told_by_engine(found.told["steps"], found.plan), "engine"
    if rows is None:
        rows, by = guessed(found.plan, await _held(caller, context)), "rule"
    sure: dict[str, Any] = {"valid": True, "estimatedRows": rows, "estimateBy": by}
    told = sure | {
        name: [each[:LONGEST_TEXT] for each in found.told[name][:_MOST_ADVICE]]
        for name in ("warnings", "advice")
    }
    sql = {"sql": found.told["sql"][:_LONGEST_SQL]}
    steps = [AnswerRow(each[:LONGEST_TEXT]) for each in found.told["steps"]]
    # What helps least is left out first where there is no room for all.
    for head in (told | {"plan": found.told["plan"]} | sql, told | sql, told, sure):
        answer = ToolAnswer(head, steps, name="steps", hint="Raise max_chars.", twice=True)
        text, count = fitted(answer, asked.max_chars)
        if '"estimatedRows"' in text and (count == len(steps) or head is told):
            break
    return answer


async def _held(caller: AgentCaller, context: Context) -> GraphSize:
    status = await caller.services.status(context)
    return GraphSize(status.twins, status.relationships, status.models)


async def _page(
    caller: AgentCaller, asked: Query, context: Context, token: str | None, size: int
) -> ResultPage:
    return await caller.services.query.run(
        asked.q,
        context,
        token=token,
        max_items=size,
        parameters=given(asked.parameters),
    )


def _answer(values: Sequence[Any], page: ResultPage, context: Context) -> ToolAnswer:
    head: dict[str, Any] = {} if context.at is None else {"at": shown(context.at)}
    if page.warnings:
        head["warnings"] = [each[:200] for each in page.warnings[:5]]
    names = _columns(values)
    if names is None:
        rows = [AnswerRow(shown_row(each), _stub(each)) for each in values]
    else:
        head["columns"] = names
        rows = [
            AnswerRow([shown_row(each[name]) for name in names], _stub(each)) for each in values
        ]
    return ToolAnswer(head, rows, hint=_NARROW)


def _columns(values: Sequence[Any]) -> list[str] | None:
    """Return the names that all rows have; None where they differ, or rows are documents."""
    if not values or not isinstance(values[0], dict) or "$metadata" in values[0]:
        return None
    names = list(values[0])
    if len(names) > _MOST_COLUMNS or any(len(name) > _LONGEST_COLUMN for name in names):
        return None
    same = all(isinstance(each, dict) and list(each) == names for each in values)
    return names if same else None


def _stub(row: Any) -> dict[str, Any]:
    if isinstance(row, dict):
        for value in (row, *row.values()):
            of = value[0] if isinstance(value, list) and value else value  # the first of a path
            if isinstance(of, dict) and "$dtId" in of:
                return stub_of(of)
        return stub_of(row) | {"hint": "Too long for one answer: select less, raise max_chars."}
    return {"omitted": True, "hint": _NARROW}


def _cursor(
    caller: AgentCaller, cursors: Cursors, page: ResultPage, context: Context
) -> str | None:
    if page.continuation is None or context.at is None:
        return None
    place = caller.services.query.place_of(page.continuation)
    return cursors.make(context.at.change, place)
