"""The backup of this server over HTTP: all graphs in one stream, without tokens and keys."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING

from kastor.api.http.jobs import OPERATION_ID, accepted, begin_job
from kastor.api.http.operation import JSON_BODY, Operation
from kastor.api.http.request import Request, Response, StreamResponse
from kastor.auth.roles import Permission as P
from kastor.backup.stream import tar_chunks
from kastor.backup.writing import ShowGraph
from kastor.errors import InvalidArgument
from kastor.jobs.backups import OUTPUT, BackupKind

if TYPE_CHECKING:
    from kastor.budget import StreamShare
    from kastor.hosting.services import Services

MEDIA_TYPE = b"application/x-tar"


async def backup(services: Services, request: Request) -> StreamResponse:
    """Answer GET /kastor/v1/backup: a tar whose manifest comes last, so one cut off is known."""
    shown = await request.server.graphs.shown(request.context)
    share = request.server.streams.enter(request.client)
    chunks = _stream(shown, services.engine, share)
    first = await request.unless_gone(anext(chunks))  # what speaks against it is an answer yet
    disposition = (b"content-disposition", b'attachment; filename="kastor-backup.tar"')
    return StreamResponse(_from(first, chunks), MEDIA_TYPE, [disposition])


async def add_backup(services: Services, request: Request) -> Response:
    """Answer POST /kastor/v1/jobs/backups: the same tar, into a location."""
    body = await request.document(request.server.limits.body_bytes)
    uri = body.get(OUTPUT)
    if not isinstance(uri, str) or body.keys() != {OUTPUT}:
        raise InvalidArgument(f"A backup needs {OUTPUT}, a string, and nothing else.")
    location = services.locations.check(uri, setting=OUTPUT)
    asked = {OUTPUT: uri, "shown": {OUTPUT: location.shown}}
    row, _ = await begin_job(services, request, BackupKind.name, asked)
    return accepted(request, row)


async def _stream(
    shown: Mapping[str, ShowGraph], engine: str, share: StreamShare
) -> AsyncGenerator[bytes]:
    try:
        async with contextlib.aclosing(tar_chunks(shown, engine)) as chunks:
            async for chunk in chunks:
                yield chunk
    finally:
        share.leave()


async def _from(first: bytes, rest: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    async with contextlib.aclosing(rest):
        yield first
        async for chunk in rest:
            yield chunk


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "Kastor_Backup",
        "GET",
        "/kastor/v1/backup",
        P.BACKUP_READ,
        backup,
        "Back up all graphs of this server, as a tar without tokens and keys",
        errors={409: ("GraphNotUsable",)},
        versioned=False,
        streams=(MEDIA_TYPE.decode(),),
    ),
    Operation(
        "Kastor_BackupJob",
        "POST",
        "/kastor/v1/jobs/backups",
        P.BACKUP_READ,
        add_backup,
        "Back up all graphs of this server into a location, as a job",
        202,
        errors={
            400: ("InvalidArgument", "LimitExceeded"),
            409: ("OperationIdReused",),
            429: ("TooManyRequests",),
        },
        result="OwnJob",
        body=(JSON_BODY, "BackupJobBody"),
        headers=(OPERATION_ID,),
        versioned=False,
        in_adt=False,
    ),
)
