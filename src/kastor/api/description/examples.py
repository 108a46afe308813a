"""Values that the page of the API fills in: each works on the sample building as it is.

By operation id: parameters of path and query, and the body. What an example makes has a name that
the sample does not use, so that trying it harms nothing; examples that change or delete such a
thing name it too, and work once it was made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kastor.types import Json

_BUILDING, _DESK, _BOX = "building-1", "my-sensor", "vav-0-01"
_MODEL, _OWN_MODEL = "dtmi:kastor:sample:TemperatureSensor;1", "dtmi:example:Plant;1"
_EDGE = "my-relationship"
_JOB = "my-job"
_PROPOSAL = "my-proposal"
_VECTORS = "my-vectors"
_ENDPOINT, _ROUTE, _INPUT, _GRAPH = "my-endpoint", "my-route", "my-input", "my-graph"


@dataclass(frozen=True, slots=True)
class Example:
    """Values of one operation's parameters by name, and its body if it takes one."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    body: Json = None


def _twin(twin_id: str, body: Any = None, **more: str) -> Example:
    return Example({"id": twin_id, **more}, body)


def _named(name: str, body: Any = None) -> Example:
    return Example({"name": name}, body)


_SAVED = {"kind": "queries", "name": "my-query"}
_REPLACE_NAME = [{"op": "add", "path": "/name", "value": "A name of mine"}]
_IN, _OUT = "exchange/default/plants.ndjson", "exchange/default/plants.log"
_OF_CONTRACT = ("GetById", "Add", "Cancel", "Delete")
_OF_JOBS = ("Import", "Export", "Backup", "Update", "Delete", "Revert")
_JOBS: dict[str, Example] = {
    **{
        f"ImportJobs_{name}{suffix}": _twin(
            _JOB, {"inputBlobUri": _IN, "outputBlobUri": _OUT} if name == "Add" else None
        )
        for name in _OF_CONTRACT
        for suffix in ("", "InPreview")
    },
    "ImportJobs_Resume": _twin(_JOB),
    "DeleteJobs_GetById": _twin(_JOB),
    **{
        f"Kastor_{what}{kind}Job": _twin(_JOB)
        for what in ("Get", "Cancel", "Delete")
        for kind in _OF_JOBS
    },
    **{f"Kastor_{kind}JobLog": _twin(_JOB) for kind in _OF_JOBS},
    "Kastor_ExportJob": Example(body={"outputBlobUri": "exchange/default/building.ndjson"}),
    "Kastor_BackupJob": Example(body={"outputBlobUri": "exchange/default/backup.tar"}),
    "Kastor_LoadSample": Example(body={"name": "building"}),
    "Kastor_ImportUpload": Example(
        body='{"Section":"Header"}\n{"fileVersion":"1.0.0"}\n{"Section":"Twins"}\n'
    ),
}
_EXAMPLES: dict[str, Example] = {
    **_JOBS,
    "DigitalTwins_GetById": _twin(_BUILDING),
    "DigitalTwins_Add": _twin(
        _DESK, {"$metadata": {"$model": _MODEL}, "name": "On my desk", "temperature": 21.5}
    ),
    "DigitalTwins_Update": _twin(_BUILDING, _REPLACE_NAME),
    "DigitalTwins_Delete": _twin(_DESK),
    "DigitalTwins_GetComponent": _twin(_BOX, componentPath="nameplate"),
    "DigitalTwins_UpdateComponent": _twin(
        _BOX,
        [{"op": "add", "path": "/product", "value": "Flap 3"}],
        componentPath="nameplate",
    ),
    "DigitalTwins_SendTelemetry": _twin(_BUILDING, {"occupants": 12}),
    "DigitalTwins_SendComponentTelemetry": _twin(_BOX, {"read": True}, componentPath="nameplate"),
    "DigitalTwins_SendTelemetryOfComponent": _twin(_BOX, {"read": True}, componentPath="nameplate"),
    "DigitalTwins_GetRelationshipById": _twin(
        _BUILDING, relationshipId="building-1-hasPart-floor-0"
    ),
    "DigitalTwins_AddRelationship": _twin(
        "room-0-01",
        {"$relationshipName": "hasSensor", "$targetId": "temp-0-02"},
        relationshipId=_EDGE,
    ),
    "DigitalTwins_UpdateRelationship": _twin(
        _BUILDING,
        [{"op": "replace", "path": "/position", "value": 1}],
        relationshipId="building-1-hasPart-floor-0",
    ),
    "DigitalTwins_DeleteRelationship": _twin("room-0-01", relationshipId=_EDGE),
    "DigitalTwins_ListRelationships": Example({"id": _BUILDING, "relationshipName": "hasPart"}),
    "DigitalTwins_ListIncomingRelationships": _twin("floor-0"),
    "DigitalTwins_PutMany": Example(
        body=[{"$dtId": _DESK, "$metadata": {"$model": _MODEL}, "name": "On my desk"}]
    ),
    "DigitalTwins_PutManyRelationships": Example(
        body=[
            {
                "$sourceId": "room-0-01",
                "$relationshipId": _EDGE,
                "$relationshipName": "hasSensor",
                "$targetId": "temp-0-02",
            }
        ]
    ),
    "Kastor_Batch": Example(
        body={
            "atomic": True,
            "operations": [
                {
                    "op": "put",
                    "kind": "twin",
                    "id": _DESK,
                    "body": {"$metadata": {"$model": _MODEL}, "name": "On my desk"},
                },
                {"op": "patch", "kind": "twin", "id": _BUILDING, "body": _REPLACE_NAME},
            ],
        }
    ),
    "Kastor_Propose": Example(
        body={
            "operations": [
                {"op": "patch", "kind": "twin", "id": _BUILDING, "body": _REPLACE_NAME},
            ],
            "reason": "The name on the door is another one.",
        }
    ),
    "Kastor_GetProposal": _twin(_PROPOSAL),
    "Kastor_ApproveProposal": _twin(_PROPOSAL),
    "Kastor_ApplyProposal": _twin(
        _PROPOSAL, {"token": "the one that the proposal was answered with"}
    ),
    "Kastor_RejectProposal": _twin(_PROPOSAL),
    "Kastor_Update": Example(
        body={
            "query": f"SELECT * FROM DIGITALTWINS T WHERE T.$dtId = '{_BUILDING}'",
            "patch": _REPLACE_NAME,
            "expect": 1,
        }
    ),
    "Kastor_Delete": Example(
        body={
            "query": f"SELECT * FROM RELATIONSHIPS R WHERE R.$relationshipId = '{_EDGE}-2'",
            "atMost": 1,
        }
    ),
    "Query_QueryTwins": Example(
        body={"query": "SELECT T.$dtId, T.temperature FROM DIGITALTWINS T WHERE T.temperature > 22"}
    ),
    "DigitalTwinModels_Add": Example(
        body=[
            {
                "@context": "dtmi:dtdl:context;3",
                "@id": _OWN_MODEL,
                "@type": "Interface",
                "displayName": "Plant",
                "contents": [{"@type": "Property", "name": "height", "schema": "double"}],
            }
        ]
    ),
    "DigitalTwinModels_List": Example({"includeModelDefinition": False}),
    "DigitalTwinModels_GetById": Example({"id": _MODEL, "includeModelDefinition": True}),
    "DigitalTwinModels_Update": _twin(
        _OWN_MODEL, [{"op": "replace", "path": "/decommissioned", "value": True}]
    ),
    "DigitalTwinModels_Delete": _twin(_OWN_MODEL),
    "EventRoutes_GetById": _twin(_ROUTE),
    "EventRoutes_Add": _twin(_ROUTE, {"endpointName": _ENDPOINT, "filter": "true"}),
    "EventRoutes_Delete": _twin(_ROUTE),
    "Kastor_GetEndpoint": _named(_ENDPOINT),
    "Kastor_PutEndpoint": _named(
        _ENDPOINT, {"kind": "webhook", "settings": {"url": "http://127.0.0.1:9/events"}}
    ),
    "Kastor_DeleteEndpoint": _named(_ENDPOINT),
    "Kastor_TestEndpoint": _named(_ENDPOINT),
    **{
        f"Kastor_{name}": _twin(_ROUTE)
        for name in ("GetRouteState", "PauseRoute", "ResumeRoute", "ListDeadLetters")
    },
    "Kastor_ReplayRoute": Example({"id": _ROUTE, "from": "0"}),
    "Kastor_RequeueDeadLetters": _twin(_ROUTE),
    "Kastor_PurgeDeadLetters": _twin(_ROUTE),
    "Kastor_LiveQuery": Example(
        body={"query": "SELECT T.$dtId, T.temperature FROM DIGITALTWINS T WHERE T.temperature > 22"}
    ),
    "Kastor_PutInput": _named(
        _INPUT,
        {
            "kind": "webhook",
            "settings": {
                "rules": [{"twin": "{/sensor}", "patch": {"/temperature": "/value"}}],
            },
        },
    ),
    **{
        f"Kastor_{name}": _named(_INPUT)
        for name in (
            *("GetInput", "DeleteInput", "PauseInput", "ResumeInput"),
            *("InputStatus", "ListRejectedMessages"),
        )
    },
    "Kastor_TryMessage": _named(_INPUT, {"payload": '{"sensor": "temp-0-01", "value": 21.5}'}),
    "Kastor_CheckAccess": Example(
        body={"who": "role=Azure Digital Twins Data Reader", "permission": "query/action"}
    ),
    "Kastor_SendMessages": _named(_INPUT, {"sensor": "temp-0-01", "value": 21.5}),
    "Kastor_ListSaved": Example({"kind": "scenes"}),
    "Kastor_PutSaved": Example(_SAVED, {"query": "SELECT * FROM digitaltwins"}),
    "Kastor_GetSaved": Example(_SAVED),
    "Kastor_DeleteSaved": Example(_SAVED),
    "Kastor_PutSceneFile": _named(
        "my-plan.svg",
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 3">'
        '<rect id="my-room" width="4" height="3"/></svg>',
    ),
    "Kastor_GetSceneFile": _named("my-plan.svg"),
    "Kastor_DeleteSceneFile": _named("my-plan.svg"),
    "Kastor_Search": Example({"q": "lobby"}),
    "DigitalTwinModels_Search": Example(body={"query": "room", "limit": 5}),
    "DigitalTwins_Search": Example(body={"vector": [1.0, 0.5, 0.0], "index": _VECTORS, "limit": 5}),
    "Kastor_PutVectorIndex": _named(_VECTORS, {"dims": 3, "metric": "cosine"}),
    "Kastor_GetVectorIndex": _named(_VECTORS),
    "Kastor_DropVectorIndex": _named(_VECTORS),
    "Kastor_PutVector": _twin(_BUILDING, {"vector": [1.0, 0.0, 0.0]}, name=_VECTORS),
    "Kastor_GetVector": _twin(_BUILDING, name=_VECTORS),
    "Kastor_DeleteVector": _twin(_BUILDING, name=_VECTORS),
    "Kastor_CreateIndex": Example({"path": "temperature"}),
    "Kastor_TwinHistory": _twin("floor-0"),
    "Kastor_RelationshipHistory": _twin(_BUILDING, relationshipId="building-1-hasPart-floor-0"),
    "Kastor_TwinSeries": _twin("room-0-01", path="/temperature", bucket="1h", agg="avg,min,max"),
    "Kastor_RelationshipSeries": _twin(
        _BUILDING, relationshipId="building-1-hasPart-floor-0", path="/name"
    ),
    "Kastor_QuerySeries": Example(
        body={
            "query": "SELECT COUNT() FROM DIGITALTWINS T WHERE T.temperature < 18",
            "from": "change:1300",
            "bucket": "1h",
        }
    ),
    "Kastor_Differences": Example({"from": "change:1300"}),
    "Kastor_Revert": Example(body={"asOf": "change:1300", "twin": "floor-0"}),
    "Kastor_HistoryActivity": Example({"from": "change:1300"}),
    "Kastor_HistorySettings": Example(body={"graph": {"seconds": 1_209_600}}),
    "Kastor_DropIndex": Example({"path": "temperature"}),
    "Kastor_CreateGraph": _named(_GRAPH, {}),
    "Kastor_GetGraph": _named(_GRAPH),
    "Kastor_DeleteGraph": _named(_GRAPH),
    "Kastor_MoveGraph": _named(_GRAPH, {"database": "another"}),
}
_NONE = Example()


def example_of(operation_id: str) -> Example:
    """Return the example of an operation; an empty one where it takes nothing."""
    return _EXAMPLES.get(operation_id, _NONE)
