"""Three ways to begin, for people who choose one in their client."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kastor.agents.plain import plain
from kastor.agents.refusals import ToolRefused, near
from kastor.identifiers import ID_RULE, is_id

LONGEST_GOAL = 500


@dataclass(frozen=True, slots=True)
class PromptEntry:
    """A prompt.

    Attributes:
        takes: names of its arguments, with what they are.
        text: what the model is told; `{}` stands for the argument, as a JSON string.
    """

    name: str
    says: str
    takes: tuple[tuple[str, str], ...]
    text: str


PROMPTS = (
    PromptEntry(
        "explore",
        "Get to know the graph.",
        (),
        "Describe this graph of digital twins to somebody who sees it for the first time. Call "
        "describe_graph, read the three models with the most twins with get_model, look at one "
        "twin of each with find and get_twin, and at what it is related to with neighbours. Say "
        "what the graph models, how it is built, and three questions that it can answer, each "
        "with a query that you have tried.",
    ),
    PromptEntry(
        "investigate",
        "Find out what is going on with a twin.",
        (("id", "Id of the twin"),),
        "Investigate the twin with the id {}. Read it with get_twin and its model with get_model, "
        "what it is related to with neighbours, and what was changed with history. Compare it "
        "with an earlier instant with diff. Say what is unusual, since when, and what it may be "
        "caused by; tell facts of the graph from guesses.",
    ),
    PromptEntry(
        "plan_change",
        "Plan a change of the graph, without making it.",
        (("goal", "What is to be reached"),),
        "Plan how to change the graph so that this goal is reached: {}. Read the models that it "
        "concerns with get_model, find the twins and relationships with find and query, and check "
        "that the models allow the change. List each operation with its id, path, value before "
        "and after. Do not change anything: the plan is for a person to judge.",
    ),
)


async def text_of(name: str, arguments: Mapping[str, str]) -> str:
    """Return the text of a prompt.

    Raises:
        ToolRefused: there is none of this name, or its argument cannot be.
    """
    entry = next((each for each in PROMPTS if each.name == name), None)
    if entry is None:
        known = [each.name for each in PROMPTS]
        raise ToolRefused(
            "PromptNotFound",
            f"There is no prompt {name[:100]}; there are {', '.join(known)}.",
            near=near(name, known),
        )
    if not entry.takes:
        return entry.text
    [(argument, _)] = entry.takes
    value = arguments.get(argument, "")
    if argument == "id" and not is_id(value):
        raise ToolRefused("InvalidArgument", f"id is the id of a twin: {ID_RULE}.")
    if not 0 < len(value) <= LONGEST_GOAL:
        raise ToolRefused(
            "InvalidArgument", f"{argument} is a text of 1 to {LONGEST_GOAL} characters."
        )
    return entry.text.format(plain(value))
