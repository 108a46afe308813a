"""All writes that there are; each stands beside its decision."""

from __future__ import annotations

from kastor.graph.command import Command, IfMatch, Written
from kastor.graph.lenient import Fitted, ImportRelationship
from kastor.graph.models import CommissionModel, DeleteAllModels, DeleteModel, UploadModels
from kastor.graph.readings import TakeReadings
from kastor.graph.relationship import DeleteRelationship, PatchRelationship, PutRelationship
from kastor.graph.restoring import RestoreRelationship, RestoreTwin
from kastor.graph.telemetry import SendTelemetry
from kastor.graph.twin import DeleteTwin, PatchTwin, PutTwin

__all__ = [
    "Command",
    "CommissionModel",
    "DeleteAllModels",
    "DeleteModel",
    "DeleteRelationship",
    "DeleteTwin",
    "Fitted",
    "IfMatch",
    "ImportRelationship",
    "PatchRelationship",
    "PatchTwin",
    "PutRelationship",
    "PutTwin",
    "RestoreRelationship",
    "RestoreTwin",
    "SendTelemetry",
    "TakeReadings",
    "UploadModels",
    "Written",
]
