"""The tables of a graph as both engines have them, for who copies, compares or backs them up."""

from __future__ import annotations

from dataclasses import dataclass

_BULK = {
    "models": "text",
    "changes": "data",
    "telemetry": "data",
    "dead_letters": "event",
    "jobs": "progress",
    "kept_answers": "answer",
    "proposals": "diff",
    "saved": "data",
    "vectors": "vector",
}


@dataclass(frozen=True, slots=True)
class Table:
    """One table as both engines have it.

    Attributes:
        identity: columns that name a row; the order in which it is read.
        revision: columns that change when the row does.
        columns: every column that is carried over, identity included.
        document: the column that is JSON, carried as text; None where there is none.
    """

    name: str
    identity: tuple[str, ...]
    revision: tuple[str, ...]
    columns: tuple[str, ...]
    document: str | None = None

    @property
    def bulk(self) -> str | None:
        """The column that may be large; None where there is none."""
        return self.document or _BULK.get(self.name)


_VERSION = ("etag", "version", "valid_from", "change", "actor", "doc")
_ENDED = ("valid_to", "ended_by", "ended_actor")
_CHANGES = ("change", "ended_by")
"""Positions in the change log, whatever an engine has in place of them."""
_TWIN = ("key", "id", "model_key")
_RELATIONSHIP = ("key", "source_key", "id", "name_key", "target_key")

COPIED: tuple[Table, ...] = (
    Table("model_keys", ("key",), (), ("key", "id")),
    Table(
        "models",
        ("key", "seq"),
        ("decommissioned", "valid_to", *_CHANGES),
        (
            *("key", "seq", "text", "uploaded", "decommissioned", "valid_from", "valid_to"),
            *_CHANGES,
        ),
    ),
    Table("relationship_names", ("key",), (), ("key", "name")),
    Table("twins", ("key",), ("version", "etag", "change"), (*_TWIN, *_VERSION), "doc"),
    Table(
        "relationships",
        ("key",),
        ("version", "etag", "change"),
        (*_RELATIONSHIP, *_VERSION),
        "doc",
    ),
    Table("twin_versions", ("key", "version"), _CHANGES, (*_TWIN, *_VERSION, *_ENDED), "doc"),
    Table(
        "relationship_versions",
        ("key", "version"),
        _CHANGES,
        (*_RELATIONSHIP, *_VERSION, *_ENDED),
        "doc",
    ),
    Table(
        "tombstones",
        ("kind", "id"),
        ("last_version",),
        ("kind", "id", "key", "last_version", "deleted_at"),
    ),
    # Which entry has a position is settled when it is first asked for, and an interrupted copy may
    # hold the one that a snapshot put there.
    Table(
        "changes",
        ("seq",),
        ("event_id",),
        (
            *("seq", "bucket", "subject", "twin_key", "version", "kind", "notify", "event_id"),
            *("time", "actor", "traceparent", "model_id", "component", "content_type", "data"),
        ),
    ),
    # The instants of all entries that changed something, also where they left the log.
    Table(
        "instants",
        ("change",),
        ("time", "written"),
        ("change", "time", "written", "kind", "twin_key", "subject"),
    ),
    Table("origins", ("change",), ("via",), ("change", "time", "via")),
    Table("setbacks", ("change",), ("time",), ("change", "time")),
    Table(
        "telemetry",
        ("change",),
        (),
        ("change", "twin_key", "component", "time", "source_time", "data"),
    ),
    Table(
        "endpoints",
        ("name",),
        ("kind", "settings"),
        ("name", "kind", "settings", "created"),
    ),
    Table(
        "routes",
        ("id",),
        ("endpoint", "filter", "position", "paused", "delivered", "died"),
        (
            *("id", "endpoint", "filter", "position", "paused", "created", "delivered", "died"),
            *("last_delivery", "last_error"),
        ),
    ),
    Table(
        "dead_letters",
        ("key",),
        ("requeued",),
        ("key", "route", "position", "event", "error", "attempts", "died", "requeued"),
    ),
    Table(
        "inputs",
        ("name",),
        ("kind", "settings", "paused"),
        ("name", "kind", "settings", "created", "paused"),
    ),
    Table(
        "saved",
        ("kind", "name"),
        ("etag",),
        (
            *("kind", "name", "content_type", "size", "etag", "created", "updated", "actor"),
            "data",
        ),
    ),
    Table(
        "vector_indexes",
        ("name",),
        ("dims", "metric", "property", "models", "created", "template"),
        ("name", "dims", "metric", "property", "models", "created", "template"),
    ),
    Table(
        "vectors",
        ("index_name", "twin_key"),
        ("version",),
        ("index_name", "twin_key", "version", "vector"),
    ),
)
"""In the order that foreign keys allow to write; dropping goes the other way."""

JOB_TABLES: tuple[Table, ...] = (
    Table(
        "jobs",
        ("kind", "id"),
        ("status", "last_action", "progress", "finished"),
        (
            *("kind", "id", "status", "created", "last_action", "purge", "actor", "request"),
            *("progress", "finished", "error"),
        ),
    ),
    Table("job_lines", ("kind", "id", "n"), (), ("kind", "id", "n", "line")),
    Table(
        "kept_answers",
        ("id",),
        ("done", "created"),
        ("id", "digest", "answer", "done", "created"),
    ),
    Table(
        "proposals",
        ("id",),
        ("approver", "approved", "applied"),
        (
            *("id", "caller", "actor", "reason", "writes", "count", "position", "needs_approval"),
            *("size", "created", "expires", "approver", "approved", "applied", "token"),
            *("operations", "seen", "diff", "answer"),
        ),
    ),
)
"""What goes along when a graph is moved; a copy of it begins no job of its source, and has none of
its proposals."""

TABLES: tuple[Table, ...] = (*COPIED, *JOB_TABLES)
"""All there are."""
