"""What somebody sees of a graph by rules, computed plainly: what statements are compared with."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from msgspec import structs
from query_graphs import Graph

from kastor.records import PolicyPart, Sees
from kastor.storage.sqlite.part_table import keep

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from query_graphs import Reader

    from kastor.query.service import QueryService


def random_sees(random: Random, graph: Graph) -> Sees:
    """Return up to three parts of a graph, some of which hold nothing."""
    return Sees(tuple(_part(random, graph, number) for number in range(random.randrange(4))))


def _part(random: Random, graph: Graph, number: int) -> PolicyPart:
    names = sorted({one["$relationshipName"] for one in graph.relationships}) or ["contains"]
    chosen = tuple(random.sample(names, random.randrange(1, len(names) + 1)))
    models: tuple[str, ...] = ()
    under = None
    if random.random() < 0.75:
        under = random.choice([*graph.twins, "nobody"])
    if under is None or random.random() < 0.3:
        known = sorted(graph.models.keys)
        models = tuple(random.sample(known, random.randrange(1, min(3, len(known)) + 1)))
    outgoing = chosen if under and random.random() < 0.7 else ()
    incoming = chosen if under and not outgoing else ()
    keys = None
    if models:
        keys = tuple(
            sorted(
                key
                for each, key in graph.models.keys.items()
                if any(graph.models.is_of(each, wanted, exact=False) for wanted in models)
            )
        )
    return PolicyPart(f"p{number}", under, outgoing, incoming, models, keys)


def kept(engine: QueryService, sees: Sees) -> Sees:
    """Return the same with the keys under which the file of an engine keeps the parts."""
    keep_part = partial(keep, cast("Reader", engine.runner._reader).connection)
    return Sees(tuple(_with_key(each, keep_part) for each in sees.parts))


def _with_key(part: PolicyPart, keep_part: Callable[[PolicyPart], int]) -> PolicyPart:
    return part if part.under is None else structs.replace(part, key=keep_part(part))


def seen(graph: Graph, sees: Sees) -> Graph:
    """Return the graph of what can be seen."""
    members = set().union(*(_members(graph, part) for part in sees.parts))
    found = Graph()
    found.models = graph.models
    found.twins = {key: twin for key, twin in graph.twins.items() if key in members}
    found.relationships = [
        one
        for one in graph.relationships
        if one["$sourceId"] in members and one["$targetId"] in members
    ]
    return found


def _members(graph: Graph, part: PolicyPart) -> set[str]:
    members = set(graph.twins)
    if part.models:
        members = {
            key
            for key, twin in graph.twins.items()
            if any(
                graph.models.is_of(twin["$metadata"]["$model"], wanted, exact=False)
                for wanted in part.models
            )
        }
    if part.under is None:
        return members
    names = part.outgoing or part.incoming
    ends = ("$sourceId", "$targetId") if part.outgoing else ("$targetId", "$sourceId")
    below, todo = set(), [part.under] if part.under in graph.twins else []
    while todo:
        one = todo.pop()
        if one not in below:
            below.add(one)
            todo += [
                each[ends[1]]
                for each in graph.relationships
                if each[ends[0]] == one and each["$relationshipName"] in names
            ]
    return members & below
