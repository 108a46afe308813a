"""What each tool takes: the one source of its schema and of the check of what comes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from kastor.agents.fitting import DEFAULT_CHARACTERS, LEAST_CHARACTERS, MOST_CHARACTERS

T = TypeVar("T")

LONGEST_QUERY = 8_000
_LENGTHS, _SAID_ABOVE = {"minLength", "maxLength"}, {"title", "description"}
MOST_IDS, MOST_NAMES, MOST_FIELDS, MOST_PARAMETERS = 20, 20, 30, 50
MOST_DIMENSIONS = 4_096

Id: TypeAlias = Annotated[str, Meta(min_length=1, max_length=128)]
ModelName: TypeAlias = Annotated[str, Meta(min_length=1, max_length=2_048)]
Instant: TypeAlias = Annotated[
    str, Meta(max_length=64, description="RFC 3339 with zone, or change:N")
]
Cursor: TypeAlias = Annotated[str, Meta(max_length=1_000)]
Ids: TypeAlias = Annotated[list[Id], Meta(min_length=1, max_length=MOST_IDS)]
_Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200)]
_Query: TypeAlias = Annotated[str, Meta(min_length=1, max_length=LONGEST_QUERY)]
_Vector: TypeAlias = Annotated[list[float], Meta(min_length=1, max_length=MOST_DIMENSIONS)]
_Names: TypeAlias = Annotated[list[Id], Meta(max_length=MOST_NAMES)]
_Fields: TypeAlias = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=300)]],
    Meta(max_length=MOST_FIELDS, description="Paths to show whole, as temperature or /unit/state"),
]
_Parameters: TypeAlias = Annotated[
    dict[str, Any],
    Meta(max_length=MOST_PARAMETERS, description="Values for $name in q"),
]


class Arguments(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What every tool takes."""

    max_chars: Annotated[int, Meta(ge=LEAST_CHARACTERS, le=MOST_CHARACTERS)] = DEFAULT_CHARACTERS


class DescribeGraph(Arguments, frozen=True, kw_only=True):
    """Of `describe_graph`."""

    about: Annotated[_Text, Meta(description="Part of a model's id or name")] | UnsetType = UNSET


class GetModel(Arguments, frozen=True, kw_only=True):
    """Of `get_model`."""

    id: ModelName
    part: (
        Literal["properties", "relationships", "components", "telemetries", "commands"] | UnsetType
    ) = UNSET
    cursor: Cursor | UnsetType = UNSET


class Find(Arguments, frozen=True, kw_only=True):
    """Of `find`."""

    text: _Text | UnsetType = UNSET
    model: Annotated[ModelName, Meta(description="Or its subtypes")] | UnsetType = UNSET
    under: Annotated[Id, Meta(description="Below this twin, by relationships")] | UnsetType = UNSET
    like: Annotated[Id, Meta(description="Near this twin in meaning")] | UnsetType = UNSET
    vector: _Vector | UnsetType = UNSET
    index: Id | UnsetType = UNSET
    mode: Literal["auto", "words", "vector"] = "auto"
    limit: Annotated[int, Meta(ge=1, le=50)] = 20


class GetTwin(Arguments, frozen=True, kw_only=True):
    """Of `get_twin`."""

    ids: Ids
    fields: _Fields | UnsetType = UNSET
    as_of: Instant | UnsetType = UNSET
    cursor: Cursor | UnsetType = UNSET


class Neighbours(Arguments, frozen=True, kw_only=True):
    """Of `neighbours`."""

    id: Id
    direction: Literal["out", "in", "both"] = "both"
    names: Annotated[_Names, Meta(description="Of relationships")] | UnsetType = UNSET
    depth: Annotated[int, Meta(ge=1, le=3)] = 1
    model: Annotated[ModelName, Meta(description="Only ends of it")] | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    as_of: Instant | UnsetType = UNSET
    cursor: Cursor | UnsetType = UNSET


class Query(Arguments, frozen=True, kw_only=True):
    """Of `query`."""

    q: _Query
    parameters: _Parameters | UnsetType = UNSET
    as_of: Instant | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: Cursor | UnsetType = UNSET


class ExplainQuery(Arguments, frozen=True, kw_only=True):
    """Of `explain_query`."""

    q: _Query
    parameters: _Parameters | UnsetType = UNSET


class History(Arguments, frozen=True, kw_only=True):
    """Of `history`."""

    id: Id
    relationship: Annotated[Id, Meta(description="Id of one that leaves it")] | UnsetType = UNSET
    since: Instant | UnsetType = msgspec.field(name="from", default=UNSET)
    until: Instant | UnsetType = msgspec.field(name="to", default=UNSET)
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    cursor: Cursor | UnsetType = UNSET


class Diff(Arguments, frozen=True, kw_only=True):
    """Of `diff`."""

    since: Instant = msgspec.field(name="from")
    until: Instant | UnsetType = msgspec.field(name="to", default=UNSET)
    ids: Ids | UnsetType = UNSET
    model: ModelName | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: Cursor | UnsetType = UNSET


class ProposedWrite(Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """One write, as a batch has it."""

    op: Literal["put", "patch", "delete"]
    kind: Literal["twin", "relationship"]
    id: Id
    source: Annotated[Id, Meta(description="Of a relationship")] | UnsetType = UNSET
    body: (
        Annotated[
            dict[str, Any] | list[Any],
            Meta(description="The document; to patch, a JSON Patch"),
        ]
        | UnsetType
    ) = UNSET
    if_match: str | UnsetType = msgspec.field(name="ifMatch", default=UNSET)


class ProposeChange(Arguments, frozen=True, kw_only=True):
    """Of `propose_change`."""

    operations: Annotated[list[ProposedWrite], Meta(min_length=1, max_length=100)]
    reason: Annotated[str, Meta(min_length=1, max_length=300, description="For people, one line")]


class ApplyChange(Arguments, frozen=True, kw_only=True):
    """Of `apply_change`."""

    token: Annotated[str, Meta(min_length=1, max_length=128)]


def given(value: T | UnsetType) -> T | None:
    """Return an argument; None where it was not given."""
    return None if isinstance(value, UnsetType) else value


def schema_of(kind: type[Arguments]) -> dict[str, Any]:
    """Return the JSON Schema of a tool's arguments, as short as it can be.

    How long texts may be is left out: it costs every conversation a tenth of all definitions, and
    who is over it is told so.
    """
    _, parts = msgspec.json.schema_components([kind])
    schema: dict[str, Any] = parts[kind.__name__]
    shown: dict[str, Any] = {
        "type": "object",
        "properties": {name: _short(each, parts) for name, each in schema["properties"].items()},
        "additionalProperties": False,
    }
    required = schema.get("required")
    return shown | {"required": required} if required else shown


def _short(schema: Any, parts: Mapping[str, Any]) -> Any:
    """Return a schema with what it refers to in place; nothing here refers to itself."""
    if isinstance(schema, list):
        return [_short(each, parts) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        part = dict(parts[schema["$ref"].rpartition("/")[2]])
        schema = {name: each for name, each in part.items() if name not in _SAID_ABOVE}
    return {name: _short(each, parts) for name, each in schema.items() if name not in _LENGTHS}
