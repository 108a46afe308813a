"""What a server announces beyond the contract, so that clients ask for nothing that is not there.

A client must not send a dry run to a server without them: Azure Digital Twins ignores headers that
it does not know, and would write.
"""

from __future__ import annotations

from typing import NamedTuple


class Feature(NamedTuple):
    """A name that clients rely on; it never changes.

    Attributes:
        operation: the id of the operation that it stands for; None where it is of many.
        in_adt: whether it is there under the profile `adt`; that of its operation.
    """

    name: str
    operation: str | None
    in_adt: bool


FEATURES = (
    Feature("access", "Kastor_Access", in_adt=True),
    Feature("activity", "Kastor_HistoryActivity", in_adt=True),
    Feature("as-of", None, in_adt=True),
    Feature("backup", "Kastor_Backup", in_adt=True),
    Feature("backup-jobs", "Kastor_BackupJob", in_adt=False),
    Feature("batch", "Kastor_Batch", in_adt=False),
    Feature("deletions", "DeleteJobs_Add", in_adt=True),
    Feature("differences", "Kastor_Differences", in_adt=True),
    Feature("dry-run", None, in_adt=True),
    Feature("endpoint-tests", "Kastor_TestEndpoint", in_adt=True),
    Feature("endpoints", "Kastor_PutEndpoint", in_adt=True),
    Feature("events", "Kastor_Events", in_adt=True),
    Feature("explain", None, in_adt=True),
    Feature("export", "Kastor_Export", in_adt=False),
    Feature("graphs", "Kastor_ListGraphs", in_adt=True),
    Feature("history", "Kastor_TwinHistory", in_adt=True),
    Feature("history-settings", "Kastor_HistorySettings", in_adt=True),
    Feature("import-resume", "ImportJobs_Resume", in_adt=False),
    Feature("import-upload", "Kastor_ImportUpload", in_adt=False),
    Feature("indexes", "Kastor_CreateIndex", in_adt=True),
    Feature("input-trials", "Kastor_TryMessage", in_adt=True),
    Feature("inputs", "Kastor_PutInput", in_adt=True),
    Feature("jobs", "Kastor_ListJobs", in_adt=True),
    Feature("limits", "Kastor_Limits", in_adt=False),
    Feature("live-queries", "Kastor_LiveQuery", in_adt=True),
    Feature("me", "Kastor_Me", in_adt=True),
    Feature("model-deletion", "Kastor_DeleteAllModels", in_adt=False),
    Feature("parameters", None, in_adt=False),
    Feature("proposals", "Kastor_Propose", in_adt=False),
    Feature("reset", "Kastor_Reset", in_adt=True),
    Feature("resolved-models", "Kastor_ResolvedModels", in_adt=False),
    Feature("revert", "Kastor_Revert", in_adt=False),
    Feature("routes", "Kastor_GetRouteState", in_adt=True),
    Feature("sample", "Kastor_LoadSample", in_adt=False),
    Feature("vectors", "Kastor_PutVectorIndex", in_adt=False),
    Feature("saved", "Kastor_PutSaved", in_adt=True),
    Feature("scene-files", "Kastor_PutSceneFile", in_adt=True),
    Feature("search", "Kastor_Search", in_adt=False),
    Feature("series", "Kastor_TwinSeries", in_adt=True),
    Feature("slow-queries", "Kastor_SlowQueries", in_adt=False),
    Feature("status", "Kastor_Status", in_adt=True),
    Feature("updates", "Kastor_Update", in_adt=False),
)


def announced(*, strict: bool) -> list[str]:
    """Return the names of what is there; `strict` is the profile `adt`."""
    return [each.name for each in FEATURES if each.in_adt or not strict]
