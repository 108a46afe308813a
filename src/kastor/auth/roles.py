"""Permissions of the operations, and the roles that grant them (rest-api C.8)."""

from __future__ import annotations

from enum import StrEnum


class Permission(StrEnum):
    """What an operation needs; every row of the operation table names one."""

    MODELS_READ = "models/read"
    MODELS_WRITE = "models/write"
    MODELS_DELETE = "models/delete"
    TWINS_READ = "digitaltwins/read"
    TWINS_WRITE = "digitaltwins/write"
    TWINS_DELETE = "digitaltwins/delete"
    TELEMETRY_SEND = "digitaltwins/telemetry/action"
    RELATIONSHIPS_READ = "digitaltwins/relationships/read"
    RELATIONSHIPS_WRITE = "digitaltwins/relationships/write"
    RELATIONSHIPS_DELETE = "digitaltwins/relationships/delete"
    QUERY = "query/action"
    ROUTES_READ = "eventroutes/read"
    ROUTES_WRITE = "eventroutes/write"
    ROUTES_DELETE = "eventroutes/delete"
    ROUTES_RUN = "kastor/routes/run"
    """Pause, resume and replay routes."""
    DEAD_LETTERS_READ = "kastor/deadletters/read"
    DEAD_LETTERS_WRITE = "kastor/deadletters/write"
    """Send dead letters again, and purge them."""
    ENDPOINTS_READ = "kastor/endpoints/read"
    ENDPOINTS_WRITE = "kastor/endpoints/write"
    ENDPOINTS_DELETE = "kastor/endpoints/delete"
    EVENTS_READ = "kastor/events/read"
    INPUTS_READ = "kastor/inputs/read"
    INPUTS_WRITE = "kastor/inputs/write"
    INPUTS_DELETE = "kastor/inputs/delete"
    INPUTS_RUN = "kastor/inputs/run"
    """Pause and resume inputs."""
    INPUTS_SEND = "kastor/inputs/send"
    INDEXES_READ = "kastor/indexes/read"
    INDEXES_WRITE = "kastor/indexes/write"
    INDEXES_DELETE = "kastor/indexes/delete"
    STATUS_READ = "kastor/status/read"
    METRICS_READ = "kastor/metrics/read"
    ACCESS_READ = "kastor/access/read"
    """Read roles, rules and permissions, and judge by them."""
    GRAPHS_READ = "kastor/graphs/read"
    GRAPHS_WRITE = "kastor/graphs/write"
    GRAPHS_DELETE = "kastor/graphs/delete"
    GRAPH_RESET = "kastor/graph/reset"
    JOBS_READ = "jobs/read"
    IMPORTS_WRITE = "jobs/import/write"
    IMPORTS_CANCEL = "jobs/import/cancel/action"
    IMPORTS_DELETE = "jobs/import/delete"
    DELETIONS_WRITE = "jobs/deletions/write"
    OWN_JOBS_WRITE = "kastor/jobs/write"
    OWN_JOBS_CANCEL = "kastor/jobs/cancel"
    OWN_JOBS_DELETE = "kastor/jobs/delete"
    EXPORT_READ = "kastor/export/read"
    BACKUP_READ = "kastor/backup/read"
    BATCH_WRITE = "kastor/batch/write"
    HISTORY_READ = "kastor/history/read"
    HISTORY_WRITE = "kastor/history/write"
    SAMPLE_WRITE = "kastor/sample/write"
    """Load the sample building into an empty graph."""
    EXPLORER_READ = "kastor/explorer/read"
    """Read what the explorer keeps: views, queries, scenes and their files."""
    EXPLORER_WRITE = "kastor/explorer/write"
    EXPLORER_DELETE = "kastor/explorer/delete"
    OPEN = "open"
    """Needs no token: health, description of the API."""
    KNOWN = "known"
    """Needs a valid token, whatever its role: who it is."""


OWNER = frozenset(Permission)
READER = frozenset(
    {
        Permission.MODELS_READ,
        Permission.TWINS_READ,
        Permission.RELATIONSHIPS_READ,
        Permission.QUERY,
        Permission.ROUTES_READ,
        Permission.DEAD_LETTERS_READ,
        Permission.ENDPOINTS_READ,
        Permission.EVENTS_READ,
        Permission.INDEXES_READ,
        Permission.STATUS_READ,
        Permission.METRICS_READ,
        Permission.GRAPHS_READ,
        Permission.EXPORT_READ,
        Permission.HISTORY_READ,
        Permission.EXPLORER_READ,
        Permission.JOBS_READ,
        Permission.OPEN,
        Permission.KNOWN,
    }
)
EVERYBODY = frozenset({Permission.OPEN})
KNOWN_CALLERS = EVERYBODY | {Permission.KNOWN}
"""What every caller may that has a valid token."""
SERVER_WIDE = frozenset({Permission.METRICS_READ, Permission.BACKUP_READ, Permission.ACCESS_READ})
"""What tells of all graphs at once: only who has it on every graph has it."""
ROLES: dict[str, frozenset[Permission]] = {
    "owner": OWNER,
    "reader": READER,
    "sender": KNOWN_CALLERS | {Permission.INPUTS_SEND},
    "none": KNOWN_CALLERS,
}
"""Data Owner, Data Reader, who only hands in messages, and a known caller without any role."""
