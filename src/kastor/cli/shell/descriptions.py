"""What the describe commands of the shell show: models, twins, relationships, functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from kastor.cli.screen import shown
from kastor.cli.shell.completion import SUPERSET
from kastor.client import features
from kastor.lang.words import AGGREGATES, FUNCTIONS, SCALARS, TEXT_TESTS, TYPE_TESTS
from kastor.words import counted

if TYPE_CHECKING:
    from kastor.cli.shell.declared import DeclaredModel
    from kastor.cli.shell.graph_names import GraphNames
    from kastor.client import KastorClient

Document: TypeAlias = dict[str, Any]  # any: JSON


def models_like(names: GraphNames, wanted: str) -> list[str]:
    """Return ids of models in whose id or name a text stands, whatever its case."""
    sought = wanted.lower().strip("*")
    return sorted(
        model
        for model, facts in names.models.items()
        if sought in model.lower() or sought in facts.title.lower()
    )


def model_rows(names: GraphNames, models: Sequence[str]) -> Iterator[Document]:
    """Yield a row for each of some models."""
    any_decommissioned = any(names.models[each].decommissioned for each in models)
    for each in models:
        facts = names.models[each]
        row: Document = {"model": each, "name": facts.title, "extends": ", ".join(facts.bases)}
        if any_decommissioned:
            row["decommissioned"] = "yes" if facts.decommissioned else ""
        yield row


def model_contents(names: GraphNames, model: str) -> tuple[list[str], list[Document]]:
    """Return lines about a model, and a row for each thing that twins of it have."""
    own = names.models[model]
    line = list(names.line(model))
    below = sorted(each for each, facts in names.models.items() if model in facts.bases)
    head = [f"{model}  {shown(own.title)}".rstrip()]
    if own.decommissioned:
        head.append("It is decommissioned: no twin of it can be made.")
    if len(line) > 1:
        head.append(f"extends {', '.join(facts.id for facts in line[1:])}")
    if unknown := [each for facts in line for each in facts.bases if each not in names.models]:
        head.append(f"extends what is not there: {', '.join(unknown)}")
    if below:
        head.append(f"extended by {', '.join(below)}")
    rows: list[Document] = []
    for facts in line:
        origin = "" if facts is own else facts.id
        rows += [
            {"kind": kind, "name": name, "type": schema, "from": origin}
            for kind, name, schema in _contents(facts)
        ]
    order = ("property", "component", "relationship", "telemetry", "command", "")
    rows.sort(key=lambda row: (order.index(row["kind"]), row["name"].lower()))
    return [*head, ""], rows


def _contents(facts: DeclaredModel) -> Iterator[tuple[str, str, str]]:
    for name, value in facts.properties.items():
        inner = (*value.fields, *value.choices)
        fields = f" {{{', '.join(inner)}}}" if inner else ""
        yield "property", name, f"{value.schema}{fields}"
    for name, model in facts.components.items():
        yield "component", name, model
    for name, found in facts.relationships.items():
        having = f" with {', '.join(found.properties)}" if found.properties else ""
        yield "relationship", name, f"-> {found.target or 'any twin'}{having}"
    for name, (kind, schema) in facts.others.items():
        yield kind, name, schema


def twin_rows(twin: Document) -> tuple[list[str], list[Document]]:
    """Return lines about a twin, and a row for each value with when it changed.

    Members of components have a row each, named by a path as in queries.
    """
    metadata = _dict(twin.get("$metadata"))
    head = [f"{shown(str(twin.get('$dtId')))}  {shown(str(metadata.get('$model')))}"]
    if changed := metadata.get("$lastUpdateTime"):
        head.append(f"changed {moment(changed)}; times are UTC")
    return [*head, ""], list(_values(twin, metadata, ""))


def _values(document: Document, metadata: Document, path: str) -> Iterator[Document]:
    for name, value in document.items():
        if name.startswith("$"):
            continue
        inner = _dict(value).get("$metadata")
        if isinstance(inner, dict):
            yield from _values(value, inner, f"{path}{name}.")
            continue
        told = _dict(metadata.get(name))
        changed = moment(told.get("lastUpdateTime"))
        row = {"property": f"{path}{name}", "value": value, "changed": changed}
        if (source := told.get("sourceTime")) is not None:
            row["source time"] = moment(source)
        yield row


def moment(value: object) -> str:
    """Return an instant as short as tells it: the time of today, else the day and the minute."""
    text = shown(value) if isinstance(value, str) else ""
    day, _, clock = text.partition("T")
    if not clock:
        return text
    is_today = day == datetime.now(UTC).date().isoformat()
    return clock[:8] if is_today else f"{day} {clock[:5]}"


def relationship_row(way: str, document: Document, other: str) -> Document:
    """Return a row for a relationship as one of its twins sees it."""
    properties = {name: value for name, value in document.items() if not name.startswith("$")}
    row = {
        "way": way,
        "twin": document.get(other),
        "name": document.get("$relationshipName"),
        "id": document.get("$relationshipId"),
    }
    return {**row, "properties": properties} if properties else row


def function_rows(wanted: str, *, has_superset: bool) -> Iterator[Document]:
    """Yield a row for each function in whose name a text stands."""
    for name in sorted(FUNCTIONS):
        if wanted.upper() in name and (has_superset or name not in SUPERSET):
            yield {"function": name, "arguments": arguments_of(name), "gives": _gives(name)}


def arguments_of(name: str) -> str:
    """Return how many arguments a function takes: `2`, `1 to 50`."""
    fewest, most = SCALARS.get(name) or _ARITY.get(name) or (1, 1)
    return str(fewest) if fewest == most else f"{fewest} to {most}"


_ARITY = {
    **dict.fromkeys(TYPE_TESTS, (1, 1)),
    **dict.fromkeys(TEXT_TESTS, (2, 3)),
    **dict.fromkeys(AGGREGATES, (1, 1)),
    "COUNT": (0, 1),
    "ARRAY_CONTAINS": (2, 2),
    "IS_OF_MODEL": (1, 3),
    "ST_WITHIN": (2, 2),
}


def _gives(name: str) -> str:
    if name in AGGREGATES:
        return "one value of all rows, or of each group"
    return "a value" if name in SCALARS else "true or false"


def where(client: KastorClient) -> Iterator[str]:
    """Yield lines that say which server this is, and what its graph holds.

    Raises:
        ClientError: it does not answer.
    """
    announced = client.features()
    if features.STATUS not in announced:
        yield f"{client.url}: it announces nothing of Kastor's, so queries, \\m, \\t and \\r work,"
        yield "and \\w and \\e do not."
        return
    found = client.status()
    counts = _dict(found.get("counts"))
    held = [
        counted(counts.get(name, 0), name.removesuffix("s"))
        for name in ("models", "twins", "relationships")
    ]
    yield f"Kastor {found.get('kastor', '')} at {client.url}: {', '.join(held)}."


def _dict(value: object) -> Document:
    return value if isinstance(value, dict) else {}
