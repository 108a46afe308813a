"""What is said of an operation: one row, which stands beside its handler.

Every module of handlers has its rows in `OPERATIONS`; `kastor.api.operations` joins them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from kastor.api.http.request import READ_HEADER, Request, Response, StreamResponse
from kastor.auth.roles import Permission
from kastor.hosting.services import Services

Handler: TypeAlias = Callable[[Services, Request], Awaitable[Response | StreamResponse]]

JSON_BODY = "application/json"
PATCH_BODY = "application/json-patch+json"

IF_MATCH, IF_NONE_MATCH = ("If-Match",), ("If-None-Match",)
PAGE_SIZE = ("max-items-per-page",)
READ_FROM = (READ_HEADER,)
STALE = {412: ("PreconditionFailed",)}
PATCH_FAULTS = {400: ("InvalidArgument", "JsonPatchInvalid", "ValidationFailed")}


class Judged(Enum):
    """On which graph a caller needs the permission of an operation."""

    ADDRESSED = "addressed"
    NAMED = "named"
    """The one that the path names."""
    ANY = "any"
    """Some one; what is answered is of those alone on which the caller has it."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One row.

    Attributes:
        id: operation id, the contract's where it has one.
        permission: what the caller needs; checked in `app` alone.
        status: of success.
        status_again: of success where the same is there already, if it is another one.
        errors: codes by status, beyond those that every operation has.
        result: name of the answer's schema (`schemas`), None for an empty answer.
        body: (media type, schema name) of the request's body.
        query: names of query parameters beside api-version.
        headers: names of request headers that matter.
        versioned: whether api-version is required.
        streams: media types of an answer that is no JSON document.
        etag: whether success carries an ETag header.
        in_adt: whether it is there under the profile `adt`.
        dry_run: whether the header `kastor-dry-run` can be asked of it; of reads by GET it can,
            which change nothing anyhow.
        dry_run_result: name of the schema of what a dry run shows with 200, where success has
            another status.
        as_of: whether it can be asked of a state of the past.
        head: whether HEAD is answered as well, as GET is but without the body.
        waits: whether its header `kastor-read` may name a change, which it waits for; its handler
            reads it.
        judged: the graph on which the caller needs the permission.
        by_twin: whether it keeps to `Context.sees`; others refuse who has the permission for parts
            of the graph alone.
    """

    id: str
    method: str
    path: str
    permission: Permission
    handler: Handler
    summary: str
    status: int = 200
    errors: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    result: str | None = None
    body: tuple[str, str] | None = None
    query: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    versioned: bool = True
    streams: tuple[str, ...] = ()
    etag: bool = False
    in_adt: bool = True
    dry_run: bool = False
    dry_run_result: str | None = None
    as_of: bool = False
    head: bool = False
    waits: bool = False
    judged: Judged = Judged.ADDRESSED
    by_twin: bool = False
    status_again: int | None = None

    def judged_on(self, addressed: str, parameters: Sequence[str]) -> str | None:
        """Return the graph on which the caller needs the permission; None: any will do.

        Args:
            addressed: the graph that the request is for.
            parameters: of the path, percent-decoded.
        """
        match self.judged:
            case Judged.ADDRESSED:
                return addressed
            case Judged.NAMED:
                return parameters[0]
            case Judged.ANY:
                return None
