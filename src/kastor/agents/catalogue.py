"""The tools: what each is called, says, takes and needs, and who sees which."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from kastor.agents import arguments as a
from kastor.agents import results
from kastor.agents.tools.changing import apply_change, propose_change
from kastor.agents.tools.finding import find
from kastor.agents.tools.graph import describe_graph, get_model
from kastor.agents.tools.past import diff, history
from kastor.agents.tools.querying import explain_query, query
from kastor.agents.tools.twins import get_twin
from kastor.agents.tools.walking import neighbours
from kastor.auth.roles import Permission as P  # noqa: N817 - a table of them

if TYPE_CHECKING:
    from kastor.agents.caller import AgentCaller
    from kastor.agents.cursors import Cursors
    from kastor.agents.fitting import ToolAnswer

Handler: TypeAlias = (
    "Callable[[AgentCaller, Any, Cursors], Awaitable[ToolAnswer]]"  # any: its Arguments
)


@dataclass(frozen=True, slots=True)
class ToolEntry:
    """One tool.

    Attributes:
        says: for the model that chooses among them.
        takes: its arguments.
        needs: permissions on the graph; who lacks one does not see it.
        writes: whether it leads to a change of the graph.
        destructive: whether it may remove or replace something.
        gives: the schema of its answer, where that goes out as a value too.
    """

    name: str
    says: str
    takes: type[a.Arguments]
    run: Handler
    needs: tuple[P, ...]
    writes: bool = False
    destructive: bool = False
    gives: Mapping[str, Any] | None = None


TOOLS: tuple[ToolEntry, ...] = (
    ToolEntry(
        "describe_graph",
        "What the graph holds: counts, models with their numbers of twins, names of relationships.",
        a.DescribeGraph,
        describe_graph,
        (P.MODELS_READ, P.QUERY),
    ),
    ToolEntry(
        "get_model",
        "What a model declares and inherits: properties with types and units, relationships with "
        "targets, components.",
        a.GetModel,
        get_model,
        (P.MODELS_READ,),
    ),
    ToolEntry(
        "find",
        "Twins, models and relationship names by words or the start of an id, best first; "
        "by like or vector twins near in meaning; under a twin.",
        a.Find,
        find,
        (P.QUERY,),
    ),
    ToolEntry(
        "get_twin",
        "Up to 20 twins by id, now or as_of an instant. Long values are shortened unless named in "
        "fields.",
        a.GetTwin,
        get_twin,
        (P.TWINS_READ,),
    ),
    ToolEntry(
        "neighbours",
        "Relationships of a twin up to 3 steps away, nearest first, each with the twin at its end.",
        a.Neighbours,
        neighbours,
        (P.TWINS_READ, P.RELATIONSHIPS_READ),
    ),
    ToolEntry(
        "query",
        "Rows of a query in ADT SQL: SELECT T.$dtId, T.temperature FROM DIGITALTWINS T WHERE "
        "IS_OF_MODEL(T, 'dtmi:x;1') AND T.temperature > 20. Also COUNT(), AVG(), GROUP BY, "
        "ORDER BY, TOP(n), JOIN R RELATED T.contains. Or in read-only openCypher: MATCH "
        "(t:Room)-[:contains]->(s) WHERE s.temperature > $limit RETURN t.`$dtId`, count(*). "
        "Strings in single quotes. Of documents the times of updates are left out.",
        a.Query,
        query,
        (P.QUERY,),
    ),
    ToolEntry(
        "explain_query",
        "Whether a query is right and how it would be answered, without running it: warnings of "
        "unknown names, estimated rows, plan, advice.",
        a.ExplainQuery,
        explain_query,
        (P.QUERY,),
        gives=results.EXPLAINED,
    ),
    ToolEntry(
        "history",
        "Changes of a twin or of a relationship: when, who, which paths, newest first.",
        a.History,
        history,
        (P.HISTORY_READ, P.TWINS_READ),
    ),
    ToolEntry(
        "diff",
        "What differs between two instants (to: now): of twins by ids, of a model's twins, or of "
        "all; changed paths with both values.",
        a.Diff,
        diff,
        (P.HISTORY_READ, P.TWINS_READ, P.QUERY),
    ),
    ToolEntry(
        "propose_change",
        "Try up to 100 writes together and keep them as a proposal: the graph stays as it is. "
        "Answers with the diff, and a token for apply_change. put needs the whole document with "
        "$metadata.$model, or $targetId and $relationshipName; delete a twin's relationships "
        "before it.",
        a.ProposeChange,
        propose_change,
        (P.BATCH_WRITE,),
        writes=True,
        gives=results.PROPOSED,
    ),
    ToolEntry(
        "apply_change",
        "Write a proposal as a whole, once the person has seen its diff and agrees.",
        a.ApplyChange,
        apply_change,
        (P.BATCH_WRITE,),
        writes=True,
        destructive=True,
        gives=results.APPLIED,
    ),
)


def seen_by(caller: AgentCaller, *, writes: bool = False) -> list[ToolEntry]:
    """Return the tools that a caller may use, always in the same order."""
    return [
        each
        for each in TOOLS
        if (writes or not each.writes) and caller.permissions.issuperset(each.needs)
    ]
