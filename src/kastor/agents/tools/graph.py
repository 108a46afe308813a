"""`describe_graph` and `get_model`: what there is, and what it may hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from kastor.agents.arguments import DescribeGraph, GetModel, given
from kastor.agents.fitting import AnswerRow, ToolAnswer
from kastor.agents.refusals import ToolRefused, near
from kastor.agents.shortening import shortened
from kastor.agents.tools.counting import count_all
from kastor.graph.lineage import Lineage, flattened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kastor.agents.caller import AgentCaller
    from kastor.agents.cursors import Cursors
    from kastor.graph.catalog import ModelCatalog, StoredModel

MOST_MODELS, MOST_RELATIVES, MOST_KINDS = 40, 20, 40
_SHOWN = ("name", "schema", "unit", "writable", "target", "minMultiplicity", "maxMultiplicity")
_LONGEST_SCHEMA = 600


async def describe_graph(
    caller: AgentCaller, asked: DescribeGraph, _cursors: Cursors
) -> ToolAnswer:
    """Return what the graph holds: counts, its models with how many twins, its relationships."""
    context = caller.context()
    status = await caller.services.status(context)
    twins, relationships = await count_all(caller, status.twins, status.relationships)
    about = (given(asked.about) or "").casefold()
    models = [
        each for each in caller.services.graph.models(context) if about in _words(each).casefold()
    ]
    if twins is not None:
        models.sort(key=lambda each: -twins.get(each.id, 0))
    head: dict[str, Any] = {
        "graph": caller.graph,
        "counts": {
            "models": status.models,
            "twins": status.twins,
            "relationships": status.relationships,
        },
    }
    if twins is None:
        head["note"] = "Counting the twins of each model took too long."
    kinds = sorted((relationships or {}).items(), key=lambda each: -each[1])
    rows = [AnswerRow(_model_row(each, twins)) for each in models[:MOST_MODELS]]
    rows += [AnswerRow({"relationship": name, "count": n}) for name, n in kinds[:MOST_KINDS]]
    return ToolAnswer(
        head,
        rows,
        more=len(models) > MOST_MODELS or len(kinds) > MOST_KINDS,
        hint="Name a part of a model's id or name in about.",
    )


async def get_model(caller: AgentCaller, asked: GetModel, cursors: Cursors) -> ToolAnswer:
    """Return what a model declares and inherits: names, types, units, targets."""
    context = caller.context()
    graph = caller.services.graph
    await graph.refresh_models()
    catalog = graph.catalog_of(context)
    if asked.id not in catalog.models:
        raise ToolRefused(
            "ModelNotFound",
            f"There is no model {asked.id[:200]}.",
            at="id",
            near=near(asked.id, catalog.models),
            advice="List the models with describe_graph.",
        )
    head, elements = await graph.read_lineage(lambda all_: _declared(all_, asked.id), context)
    part = given(asked.part)
    chosen = [each for kind, each in elements if part in (None, kind)]
    start = 0
    if (cursor := given(asked.cursor)) is not None:
        start = int(cursors.read(cursor)[1])
    return ToolAnswer(
        head if start == 0 else {"id": asked.id},
        [AnswerRow(each) for each in chosen[start:]],
        name="contents",
        cursor=lambda count: cursors.make(None, start + count),
    )


def _declared(catalog: ModelCatalog, model_id: str) -> tuple[dict[str, Any], Sequence[Any]]:
    model, lineage = catalog.models[model_id], Lineage(catalog)
    bases, below = lineage.bases(model_id), lineage.descendants(model_id)
    head: dict[str, Any] = {"id": model_id, **_texts(model)}
    if model.decommissioned:
        head["decommissioned"] = True
    head["bases"], head["subtypes"] = bases[:MOST_RELATIVES], below[:MOST_RELATIVES]
    if len(below) > MOST_RELATIVES:
        head["subtypesInAll"] = len(below)
    elements = [
        (kind, _element(kind, each))
        for kind, declared in flattened(catalog, model_id, bases).items()
        for each in declared
    ]
    return head, elements


def _element(kind: str, declared: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {"kind": kind}
    for name in _SHOWN:
        if name in declared:
            shown[name] = shortened(declared[name])
    if len(orjson.dumps(shown.get("schema"))) > _LONGEST_SCHEMA:
        schema = shown["schema"]
        shown["schema"] = {"@type": schema.get("@type")} if isinstance(schema, dict) else "complex"
    types = declared.get("@type")
    if isinstance(types, list):
        shown["types"] = types[:5]
    if inner := declared.get("properties"):
        shown["properties"] = [
            {name: each[name] for name in ("name", "schema") if name in each}
            for each in inner[:MOST_RELATIVES]
            if isinstance(each, dict)
        ]
    return shown


def _model_row(model: StoredModel, twins: Mapping[str, int] | None) -> dict[str, Any]:
    row: dict[str, Any] = {"model": model.id, **_texts(model)}
    row.pop("description", None)
    if model.extends:
        row["extends"] = model.extends[:5]
    if twins is not None:
        row["twins"] = twins.get(model.id, 0)
    return row


def _texts(model: StoredModel) -> dict[str, Any]:
    found = {}
    for name, text in (
        ("name", model.facts.display_name),
        ("description", model.facts.description),
    ):
        said: dict[str, str] = orjson.loads(text)
        if said:
            found[name] = shortened(said.get("en") or next(iter(said.values())))
    return found


def _words(model: StoredModel) -> str:
    return f"{model.id} {_texts(model).get('name', '')}"
