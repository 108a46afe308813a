"""Who may do what: every operation with the permission that it needs and the roles that have it.

Written from rest-api C.8 and decisions 4, 5; never made from the product's table, which is judged by
this one. Owners may everything (`o`), readers read and query (`r`), senders hand in messages (`s`),
and a known caller (`n`) asks who it is. What everybody may without a token is marked `*`.
"""

from __future__ import annotations

from typing import NamedTuple

ROLES = {"o": "owner", "r": "reader", "s": "sender", "n": "none"}

_KINDS = ("Import", "Export", "Backup", "Update", "Delete", "Revert")

_TEXT = """
or digitaltwins/read: DigitalTwins_GetById DigitalTwins_GetComponent Kastor_GetVector
o digitaltwins/write: DigitalTwins_Add DigitalTwins_Update DigitalTwins_UpdateComponent
o digitaltwins/write: DigitalTwins_PutMany Kastor_PutVector Kastor_DeleteVector
o digitaltwins/delete: DigitalTwins_Delete
o digitaltwins/telemetry/action: DigitalTwins_SendTelemetry DigitalTwins_SendComponentTelemetry
o digitaltwins/telemetry/action: DigitalTwins_SendTelemetryOfComponent
or digitaltwins/relationships/read: DigitalTwins_GetRelationshipById
or digitaltwins/relationships/read: DigitalTwins_ListRelationships
or digitaltwins/relationships/read: DigitalTwins_ListIncomingRelationships
o digitaltwins/relationships/write: DigitalTwins_AddRelationship DigitalTwins_UpdateRelationship
o digitaltwins/relationships/write: DigitalTwins_PutManyRelationships
o digitaltwins/relationships/delete: DigitalTwins_DeleteRelationship
or query/action: Query_QueryTwins Kastor_LiveQuery Kastor_QuerySeries Kastor_Search
or query/action: DigitalTwins_Search
or models/read: DigitalTwinModels_List DigitalTwinModels_GetById Kastor_ResolvedModels DigitalTwinModels_Search
o models/write: DigitalTwinModels_Add DigitalTwinModels_Update
o models/delete: DigitalTwinModels_Delete Kastor_DeleteAllModels
or eventroutes/read: EventRoutes_List EventRoutes_GetById
or eventroutes/read: Kastor_ListRouteStates Kastor_GetRouteState
o eventroutes/write: EventRoutes_Add
o eventroutes/delete: EventRoutes_Delete
o kastor/routes/run: Kastor_PauseRoute Kastor_ResumeRoute Kastor_ReplayRoute
or kastor/deadletters/read: Kastor_ListDeadLetters
o kastor/deadletters/write: Kastor_RequeueDeadLetters Kastor_PurgeDeadLetters
or kastor/endpoints/read: Kastor_ListEndpoints Kastor_GetEndpoint
o kastor/endpoints/write: Kastor_PutEndpoint Kastor_TestEndpoint
o kastor/endpoints/delete: Kastor_DeleteEndpoint
or jobs/read: ImportJobs_List ImportJobs_GetById DeleteJobs_List DeleteJobs_GetById
or jobs/read: ImportJobs_ListInPreview ImportJobs_GetByIdInPreview Kastor_ListJobs
or jobs/read: Kastor_List{kind}Jobs Kastor_Get{kind}Job Kastor_{kind}JobLog
o jobs/import/write: ImportJobs_Add ImportJobs_AddInPreview ImportJobs_Resume
o jobs/import/cancel/action: ImportJobs_Cancel ImportJobs_CancelInPreview
o jobs/import/delete: ImportJobs_Delete ImportJobs_DeleteInPreview
o jobs/deletions/write: DeleteJobs_Add
o kastor/jobs/write: Kastor_Update Kastor_Delete Kastor_Revert
o kastor/jobs/write: Kastor_ExportJob Kastor_ImportUpload
o kastor/jobs/cancel: Kastor_Cancel{kind}Job
o kastor/jobs/delete: Kastor_Delete{kind}Job
o kastor/batch/write: Kastor_Batch
o kastor/batch/write: Kastor_ListProposals Kastor_GetProposal Kastor_Propose
o kastor/batch/write: Kastor_ApproveProposal Kastor_ApplyProposal Kastor_RejectProposal
or kastor/history/read: Kastor_TwinHistory Kastor_RelationshipHistory Kastor_TwinSeries
or kastor/history/read: Kastor_RelationshipSeries Kastor_History Kastor_Differences
or kastor/history/read: Kastor_HistoryActivity
o kastor/history/write: Kastor_HistorySettings
or kastor/events/read: Kastor_Events
o kastor/inputs/read: Kastor_ListInputs Kastor_GetInput Kastor_InputStatus
o kastor/inputs/read: Kastor_ListRejectedMessages Kastor_TryMessage
o kastor/inputs/write: Kastor_PutInput
o kastor/inputs/delete: Kastor_DeleteInput
o kastor/inputs/run: Kastor_PauseInput Kastor_ResumeInput
os kastor/inputs/send: Kastor_SendMessages
or kastor/explorer/read: Kastor_ListSaved Kastor_GetSaved
or kastor/explorer/read: Kastor_ListSceneFiles Kastor_GetSceneFile
o kastor/explorer/write: Kastor_PutSaved Kastor_PutSceneFile
o kastor/explorer/delete: Kastor_DeleteSaved Kastor_DeleteSceneFile
or kastor/indexes/read: Kastor_ListIndexes Kastor_ListVectorIndexes Kastor_GetVectorIndex
o kastor/indexes/write: Kastor_CreateIndex Kastor_PutVectorIndex
o kastor/indexes/delete: Kastor_DropIndex Kastor_DropVectorIndex
or kastor/export/read: Kastor_Export
or kastor/status/read: Kastor_Status Kastor_Limits Kastor_SlowQueries
o kastor/access/read: Kastor_Access Kastor_CheckAccess
or kastor/graphs/read: Kastor_ListGraphs Kastor_GetGraph
o kastor/graphs/write: Kastor_CreateGraph Kastor_MoveGraph
o kastor/graphs/delete: Kastor_DeleteGraph
o kastor/graph/reset: Kastor_Reset
o kastor/sample/write: Kastor_LoadSample
o kastor/backup/read: Kastor_Backup Kastor_BackupJob
or kastor/metrics/read: Kastor_Metrics
orsn known: Kastor_Me
orsn* open: Kastor_Root Kastor_Health Kastor_HealthAlias Kastor_Ready
"""
SERVER_WIDE = frozenset(
    (
        *("Kastor_Metrics", "Kastor_Backup", "Kastor_BackupJob"),
        *("Kastor_Access", "Kastor_CheckAccess"),
    )
)
"""What tells of all graphs: an owner of some of them has no part in it."""
OF_GRAPHS = frozenset(
    f"Kastor_{each}" for each in ("CreateGraph", "GetGraph", "MoveGraph", "DeleteGraph")
)
"""Judged on the graph that the path names."""


class Row(NamedTuple):
    """What an operation needs, and letters of the roles that have it."""

    permission: str
    who: str


def _read(text: str) -> dict[str, Row]:
    table: dict[str, Row] = {}
    for line in text.strip().splitlines():
        head, _, names = line.partition(":")
        who, permission = head.split()
        for pattern in names.split():
            for name in dict.fromkeys(pattern.format(kind=kind) for kind in _KINDS):
                assert name not in table, f"{name} has two rows"
                table[name] = Row(permission, who)
    return table


TABLE = _read(_TEXT)
