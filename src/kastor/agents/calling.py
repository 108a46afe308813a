"""Calls a tool: its arguments checked, its time bounded, its answer cut, what went wrong told."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from kastor.agents.asking import PersonNeeded
from kastor.agents.catalogue import TOOLS, seen_by
from kastor.agents.cursors import Cursors
from kastor.agents.fitting import fitted
from kastor.agents.refusals import ToolRefused, near, refusal_of, text_of
from kastor.errors import KastorError
from kastor.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kastor.agents.arguments import Arguments
    from kastor.agents.caller import AgentCaller
    from kastor.agents.catalogue import ToolEntry

SECONDS = 5.0
"""That a call may take."""
_log = get_logger("kastor.agents")


@dataclass(frozen=True, slots=True)
class Called:
    """What a call came to.

    Attributes:
        text: of its result.
        is_error: whether that tells of an error.
        as_value: whether the same goes out as a value too.
        asked: what a person has to be asked first; then the text is the question.
    """

    text: str
    is_error: bool = False
    as_value: bool = False
    asked: PersonNeeded | None = None


async def call(
    caller: AgentCaller, name: str, arguments: Mapping[str, Any], *, writes: bool = False
) -> Called:
    """Return what a tool answers; whatever goes wrong is an answer too.

    Args:
        caller: who asks.
        name: of the tool.
        arguments: as they came; their size was bounded with the request.
        writes: whether tools that change the graph may be called.
    """
    try:
        tool = _tool(caller, name, writes=writes)
        asked = _read(tool, arguments)
        async with asyncio.timeout(SECONDS):
            answer = await tool.run(caller, asked, Cursors(caller, name, arguments))
        text, _ = fitted(answer, asked.max_chars)
        return Called(text, answer.is_error, answer.twice)
    except PersonNeeded as needed:
        return Called(needed.message, asked=needed)
    except ToolRefused as refused:
        return Called(text_of(refused), is_error=True)
    except KastorError as error:
        return Called(text_of(refusal_of(error)), is_error=True)
    except TimeoutError:
        return Called(text_of(_late(name)), is_error=True)
    except Exception as error:  # noqa: BLE001 - the last line of defence
        _log.exception("a tool failed", tool=name[:100], exc_info=error)
        message = "Something went wrong inside Kastor; its log has the details."
        return Called(text_of(ToolRefused("InternalServerError", message)), is_error=True)


def _late(name: str) -> ToolRefused:
    """Return the refusal of a call that took too long; what it wrote nobody knows."""
    message = f"This took longer than {SECONDS:g} seconds and was ended."
    if any(each.name == name and each.destructive for each in TOOLS):
        message += " Nobody knows whether it was done."
        advice = "Call it again with the same arguments: what was done is answered, and not redone."
    else:
        advice = "Ask for less: a condition on a model or an id, fewer rows, less depth."
    return ToolRefused("TimeoutError", message, advice=advice)


def _tool(caller: AgentCaller, name: str, *, writes: bool) -> ToolEntry:
    seen = {each.name: each for each in seen_by(caller, writes=writes)}
    if name in seen:
        return seen[name]
    for each in TOOLS:
        if each.name == name and (writes or not each.writes):
            caller.require(*each.needs)
    raise ToolRefused(
        "ToolNotFound", f"There is no tool {name[:100]}.", at="name", near=near(name, seen)
    )


def _read(tool: ToolEntry, arguments: Mapping[str, Any]) -> Arguments:
    known = [each.encode_name for each in msgspec.structs.fields(tool.takes)]
    for name in arguments:
        if name not in known:
            raise ToolRefused(
                "InvalidArgument",
                f"{tool.name} takes no argument {name[:100]}; it takes {', '.join(known)}.",
                at=name[:100],
                near=near(name, known),
            )
    try:
        return msgspec.convert(dict(arguments), tool.takes)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$")
        at = place.strip("`.") or None
        raise ToolRefused("InvalidArgument", f"{message}.", at=at) from None
